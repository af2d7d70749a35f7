//! What a rack file must not say.

use super::{Firmware, NicModel, NicRef, PortRef, PortSpec, Rack, RackError, ServerSpec, SwitchSpec, check_bmc};
use pious_protocol::ids::MacAddress;
use std::collections::BTreeMap;

/// The longest name of a switch, server or NIC: names become parts of socket paths, and those end at 107 bytes.
pub(super) const MAX_NAME_BYTES: usize = 32;

/// The smallest memory that a server's firmware and kernel start in at all.
pub(super) const MIN_MEMORY_MIB: u64 = 128;

pub(super) fn check(rack: &Rack) -> Result<(), RackError> {
    name("rack", &rack.name, "")?;
    switches(&rack.switches)?;
    servers(rack)?;
    cables(rack)?;
    identities(rack)
}

fn name(what: &'static str, name: &str, also: &str) -> Result<(), RackError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || also.contains(c);
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(fits) {
        return Err(RackError::BadName { what, name: name.to_owned() });
    }
    Ok(())
}

/// Remembers who has a value, and complains about the second.
struct Unique<K> {
    what: &'static str,
    owners: BTreeMap<K, String>,
}

impl<K: Ord + std::fmt::Display> Unique<K> {
    fn new(what: &'static str) -> Self {
        Self { what, owners: BTreeMap::new() }
    }

    fn take(&mut self, value: K, owner: impl Into<String>) -> Result<(), RackError> {
        let second = owner.into();
        if let Some(first) = self.owners.get(&value) {
            return Err(RackError::Duplicate {
                what: self.what,
                value: value.to_string(),
                first: first.clone(),
                second,
            });
        }
        self.owners.insert(value, second);
        Ok(())
    }
}

fn switches(switches: &[SwitchSpec]) -> Result<(), RackError> {
    let mut names = Unique::new("switch name");
    for (index, switch) in switches.iter().enumerate() {
        name("switch", &switch.name, ".")?;
        names.take(&switch.name, format!("switch number {}", index + 1))?;
        let mut ports = Unique::new("port name");
        for (index, port) in switch.ports.iter().enumerate() {
            name("port", &port.name, "/:")?;
            ports.take(&port.name, format!("{}'s port number {}", switch.name, index + 1))?;
            let at = PortRef { switch: switch.name.clone(), port: port.name.clone() };
            port.check_vlans(&at)?;
            if port.loss_percent > 100 {
                return Err(RackError::BadLoss { port: at, percent: port.loss_percent });
            }
        }
    }
    Ok(())
}

impl PortSpec {
    /// Whether its VLANs are possible; `at` is where it is.
    pub(crate) fn check_vlans(&self, at: &PortRef) -> Result<(), RackError> {
        if let Some(&vlan) = self.native.iter().chain(&self.tagged).find(|vlan| !(1..=4094).contains(*vlan)) {
            return Err(RackError::BadVlan { port: at.clone(), vlan });
        }
        match self.tagged.iter().find(|vlan| self.native == Some(**vlan)) {
            Some(&vlan) => Err(RackError::NativeAndTagged { port: at.clone(), vlan }),
            None => Ok(()),
        }
    }
}

fn servers(rack: &Rack) -> Result<(), RackError> {
    let mut names = Unique::new("server name");
    for (index, server) in rack.servers.iter().enumerate() {
        name("server", &server.name, "")?;
        names.take(&server.name, format!("server number {}", index + 1))?;
        let mut nics = Unique::new("NIC name");
        for (index, nic) in server.nics.iter().enumerate() {
            name("NIC", &nic.name, "")?;
            nics.take(&nic.name, format!("{}'s NIC number {}", server.name, index + 1))?;
            if nic.speed_mbps.is_some() && nic.model != NicModel::VirtioNetPci {
                let nic = NicRef { server: server.name.clone(), nic: nic.name.clone() };
                return Err(RackError::FixedSpeed { nic });
            }
        }
        if server.memory_mib < MIN_MEMORY_MIB {
            return Err(RackError::TooLittleMemory { server: server.name.clone(), mib: server.memory_mib });
        }
        if server.sockets == 0 || server.cores == 0 {
            return Err(RackError::NoProcessor(server.name.clone()));
        }
        if server.chainload && server.firmware == Firmware::Uefi {
            return Err(RackError::ChainloadUefi(server.name.clone()));
        }
        if let Some(spec) = &server.bmc {
            check_bmc::check(&server.name, spec)?;
        }
        if let Some(profile) = &server.profile
            && !rack.profiles.iter().any(|known| known.name == *profile)
        {
            return Err(RackError::UnknownProfile { server: server.name.clone(), profile: profile.clone() });
        }
    }
    Ok(())
}

fn cables(rack: &Rack) -> Result<(), RackError> {
    let mut taken: BTreeMap<&PortRef, String> = BTreeMap::new();
    let mut plug = |port, second: String| {
        rack.port(port)?;
        match taken.get(port) {
            Some(first) => Err(RackError::PortTaken { port: port.clone(), first: first.clone(), second }),
            None => {
                taken.insert(port, second);
                Ok(())
            }
        }
    };
    let mut interfaces = Unique::new("interface");
    for uplink in &rack.uplinks {
        if !["prov", "bmc"].contains(&uplink.interface.as_str()) {
            return Err(RackError::UnknownInterface(uplink.interface.clone()));
        }
        interfaces.take(&uplink.interface, format!("uplink {}", uplink.cable))?;
        plug(&uplink.cable, format!("the lab's {}", uplink.interface))?;
    }
    for trunk in &rack.trunks {
        let [a, b] = &trunk.ports;
        plug(a, format!("the trunk to {b}"))?;
        plug(b, format!("the trunk to {a}"))?;
    }
    for (server, nic) in nics(rack) {
        if let Some(port) = &nic.cable {
            plug(port, format!("{}.{}", server.name, nic.name))?;
        }
    }
    for (server, port) in rack.bmc_cables() {
        plug(port, format!("{}'s BMC", server.name))?;
    }
    plans(rack)
}

fn plans(rack: &Rack) -> Result<(), RackError> {
    let mut planned: BTreeMap<&PortRef, String> = BTreeMap::new();
    for (server, nic) in nics(rack) {
        let Some(port) = nic.planned.as_ref().or(nic.cable.as_ref()) else { continue };
        rack.port(port)?;
        let second = format!("{}.{}", server.name, nic.name);
        if let Some(first) = planned.insert(port, second.clone()) {
            return Err(RackError::PlanTaken { port: port.clone(), first, second });
        }
    }
    Ok(())
}

fn identities(rack: &Rack) -> Result<(), RackError> {
    let mut macs = Unique::new("MAC address");
    let mut serials = Unique::new("serial");
    let mut uuids = Unique::new("UUID");
    let mut mac = |mac: MacAddress, owner: String| {
        if mac.0[0] & 1 == 1 {
            return Err(RackError::MulticastMac { owner, mac });
        }
        macs.take(mac, owner)
    };
    for switch in &rack.switches {
        mac(switch.chassis, format!("switch {}", switch.name))?;
    }
    for server in &rack.servers {
        serials.take(&server.serial, &server.name)?;
        uuids.take(server.uuid, &server.name)?;
        let run = server.bmc.as_ref().map(|bmc| bmc.mac);
        for bmc in server.bmc_mac.into_iter().chain(run) {
            mac(bmc, format!("{}'s BMC", server.name))?;
        }
        if let Some((bmc, nic)) = server.bmc.as_ref().and_then(|bmc| Some((bmc, bmc.host_nic()?))) {
            mac(nic.mac, format!("{}'s host interface", server.name))?;
            mac(bmc.host_interface_mac(), format!("the host interface of {}'s BMC", server.name))?;
        }
    }
    for (server, nic) in nics(rack) {
        mac(nic.mac, format!("{}.{}", server.name, nic.name))?;
    }
    Ok(())
}

fn nics(rack: &Rack) -> impl Iterator<Item = (&ServerSpec, &super::NicSpec)> {
    rack.servers.iter().flat_map(|server| server.nics.iter().map(move |nic| (server, nic)))
}

#[cfg(test)]
mod tests {
    use super::{super::Names, *};

    const GOOD: &str = r#"
        name = "t"
        [[switches]]
        name = "sw1"
        chassis = "52:54:00:5e:00:01"
        ports = [
            { name = "p1", native = 10 }, { name = "p2", native = 10, tagged = [20] },
            { name = "p3", native = 10 }, { name = "p4", native = 10 },
        ]
        [[uplinks]]
        interface = "prov"
        cable = "sw1.p4"
        [[profiles]]
        name = "demo"
        version = 1
        [[servers]]
        name = "a"
        firmware = "bios"
        serial = "S1"
        uuid = "00000000-0000-4000-8000-000000000001"
        profile = "demo"
        nics = [{ name = "nic1", mac = "52:54:00:01:00:01", cable = "sw1.p1" }]
        [[servers]]
        name = "b"
        firmware = "uefi"
        serial = "S2"
        uuid = "00000000-0000-4000-8000-000000000002"
        bmc_mac = "52:54:00:ff:00:02"
        nics = [{ name = "nic1", mac = "52:54:00:01:00:02", cable = "sw1.p2", planned = "sw1.p3" }]
    "#;

    fn error(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from:?} is not in the good file");
        Rack::parse(&GOOD.replacen(from, to, 1)).expect_err(to).to_string()
    }

    #[test]
    fn the_good_file_is_good() {
        let rack = Rack::parse(GOOD).unwrap();
        assert_eq!(rack.servers[1].nics[0].planned, Some("sw1.p3".parse().unwrap()));
        assert_eq!(rack.nic(&"b.nic1".parse().unwrap()).unwrap().mac.to_string(), "52:54:00:01:00:02");
    }

    #[test]
    fn every_file_beside_us_is_good() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("racks");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let rack = Rack::parse(&std::fs::read_to_string(&path).unwrap());
                assert!(rack.is_ok(), "{}: {rack:?}", path.display());
            }
        }
    }

    #[test]
    fn whoever_names_what_is_not_there_learns_what_is() {
        let rack = Rack::parse(GOOD).unwrap();
        let server = rack.server("c").map(|_| ()).unwrap_err().to_string();
        assert_eq!(server, r#"the rack has no server "c"; it has a, b"#);
        let nic = rack.nic(&"a.nic9".parse().unwrap()).map(|_| ()).unwrap_err().to_string();
        assert_eq!(nic, r#"server "a" has no NIC "nic9"; it has nic1"#);
        let port = rack.port(&"sw1.p9".parse().unwrap()).map(|_| ()).unwrap_err().to_string();
        assert_eq!(port, r#"switch "sw1" has no port "p9"; it has p1, p2, p3, p4"#);
        let many: Vec<String> = (1..=48).map(|number| format!("Ethernet{number}")).collect();
        let names: Names = many.iter().map(String::as_str).collect();
        assert_eq!(names.to_string(), "Ethernet1, Ethernet2, … Ethernet48");
        assert_eq!(Names::from_iter([]).to_string(), "none");
    }

    #[test]
    fn every_mistake_is_named() {
        let cases = [
            (
                "two cables in a port",
                r#"cable = "sw1.p2""#,
                r#"cable = "sw1.p1""#,
                "two cables in port sw1.p1: a.nic1 and b.nic1",
            ),
            (
                "a cable in the lab's own port",
                r#"cable = "sw1.p2""#,
                r#"cable = "sw1.p4""#,
                "two cables in port sw1.p4: the lab's prov and b.nic1",
            ),
            (
                "two plans for a port",
                r#"planned = "sw1.p3""#,
                r#"planned = "sw1.p1""#,
                "two cables are planned for port sw1.p1: a.nic1 and b.nic1",
            ),
            (
                "unknown switch",
                r#"cable = "sw1.p2""#,
                r#"cable = "sw9.p2""#,
                r#"the rack has no switch "sw9" (in sw9.p2); it has sw1"#,
            ),
            (
                "unknown port",
                r#"cable = "sw1.p2""#,
                r#"cable = "sw1.p9""#,
                r#"switch "sw1" has no port "p9"; it has p1, p2, p3, p4"#,
            ),
            (
                "unknown planned port",
                r#"planned = "sw1.p3""#,
                r#"planned = "sw1.p9""#,
                r#"switch "sw1" has no port "p9"; it has p1, p2, p3, p4"#,
            ),
            (
                "duplicate MAC",
                "52:54:00:01:00:02",
                "52:54:00:01:00:01",
                "MAC address 52:54:00:01:00:01 belongs to both a.nic1 and b.nic1",
            ),
            (
                "a BMC with a NIC's MAC",
                "52:54:00:ff:00:02",
                "52:54:00:01:00:01",
                "MAC address 52:54:00:01:00:01 belongs to both b's BMC and a.nic1",
            ),
            (
                "multicast MAC",
                "52:54:00:01:00:02",
                "53:54:00:01:00:02",
                "b.nic1: 53:54:00:01:00:02 is a multicast address",
            ),
            ("duplicate serial", r#""S2""#, r#""S1""#, "serial S1 belongs to both a and b"),
            (
                "duplicate UUID",
                "000000000002",
                "000000000001",
                "UUID 00000000-0000-4000-8000-000000000001 belongs to both a and b",
            ),
            (
                "duplicate server",
                r#"name = "b""#,
                r#"name = "a""#,
                "server name a belongs to both server number 1 and server number 2",
            ),
            (
                "duplicate port",
                r#"name = "p3""#,
                r#"name = "p1""#,
                "port name p1 belongs to both sw1's port number 1 and sw1's port number 3",
            ),
            ("VLAN 4095", "tagged = [20]", "tagged = [4095]", "port sw1.p2: VLAN 4095 is not between 1 and 4094"),
            ("native and tagged", "tagged = [20]", "tagged = [10]", "port sw1.p2: VLAN 10 is both native and tagged"),
            ("loss", "tagged = [20]", "loss_percent = 101", "port sw1.p2: loss of 101 % is more than 100 %"),
            ("profile", r#"profile = "demo""#, r#"profile = "x""#, r#"server a: the rack has no hardware profile "x""#),
            (
                "a name that leaves its directory",
                r#"name = "b""#,
                r#"name = "../b""#,
                r#"server "../b" is not a usable name: 1 to 32 letters, digits, hyphens, underscores"#,
            ),
            (
                "a speed that the device can't have",
                r#"cable = "sw1.p2""#,
                r#"cable = "sw1.p2", model = "e1000e", speed_mbps = 100"#,
                "NIC b.nic1: an e1000e's link always comes up with 1 Gb/s; speed_mbps is for virtio-net-pci",
            ),
            (
                "interface",
                r#"interface = "prov""#,
                r#"interface = "eth0""#,
                r#"uplink "eth0": the lab's interfaces are prov and bmc"#,
            ),
        ];
        for (case, from, to, expected) in cases {
            assert_eq!(error(from, to), expected, "{case}");
        }
    }

    #[test]
    fn a_bmc_that_can_not_be_is_named() {
        let bmc = |change: (&str, &str)| {
            let bmc = r#"bmc = { address = "10.78.0.21", mac = "52:54:00:ff:00:09", firmware = "2.10", vlan = 20,
                sensors = [{ name = "Inlet Temp", kind = "temperature", milli = 24000 }] }
                bmc_mac = "52:54:00:ff:00:02""#;
            error(r#"bmc_mac = "52:54:00:ff:00:02""#, &bmc.replace(change.0, change.1))
        };
        let cases = [
            (("vlan = 20", "vlan = 4095"), "server b: its BMC: VLAN 4095 is not between 1 and 4094"),
            (
                ("24000", "24500"),
                "server b: its BMC: Inlet Temp can't read 24500 thousandths: it counts in 1000, up to 255000",
            ),
            (
                ("Inlet Temp", "Inlet\\\"Temp"),
                "server b: its BMC: \"Inlet\\\"Temp\" is no sensor's name: 1 to 16 letters, digits, blanks",
            ),
            (
                ("52:54:00:ff:00:09", "52:54:00:ff:00:02"),
                "MAC address 52:54:00:ff:00:02 belongs to both b's BMC and b's BMC",
            ),
            (("2.10", "2.1"), "rack file can't be read"),
            (
                ("vlan = 20", "redfish = {}"),
                "server b: its BMC: no way leads to its Redfish service; give it a cable or host_interface = true",
            ),
            (
                ("vlan = 20", "vlan = 20, redfish = { cable = \"sw1.p3\" }"),
                "server b: its BMC: vlan = 20 and a cable: it tags nothing; make 20 the native VLAN of sw1.p3",
            ),
            (
                ("vlan = 20", "redfish = { host_interface = true, bios_version = \"1 0\" }"),
                "server b: its BMC: \"1 0\" is no version: 1 to 32 characters without blanks",
            ),
            (("vlan = 20", "redfish = { cable = \"sw1.p1\" }"), "two cables in port sw1.p1: a.nic1 and b's BMC"),
            (
                ("vlan = 20", "redfish = { cable = \"sw1.p9\" }"),
                "switch \"sw1\" has no port \"p9\"; it has p1, p2, p3, p4",
            ),
            (("vlan = 20", "redfish = { style = \"ilo\" }"), "rack file can't be read"),
        ];
        for (change, expected) in cases {
            assert_eq!(bmc(change), expected);
        }
    }

    #[test]
    fn unknown_keys_and_broken_references_are_syntax_errors() {
        for (from, to) in [
            (r#"firmware = "uefi""#, r#"firmwear = "uefi""#),
            (r#"cable = "sw1.p2""#, r#"cable = "sw1""#),
            (r#"mac = "52:54:00:01:00:02""#, r#"mac = "52:54""#),
        ] {
            assert_eq!(error(from, to), "rack file can't be read", "{to}");
        }
    }
}
