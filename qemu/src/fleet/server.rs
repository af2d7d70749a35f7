//! One simulated server: what it is made of, and how it is cabled.

use pious_agent::machine::{Event, LinkSeen};
use pious_protocol::{
    facts::{
        Facts, FirmwareMode, Kernel, Link, LldpId, Memory, MemoryDevice, Neighbour, Neighbours, Nic, Observed, Smbios,
        System, Vlan,
    },
    identity::Fingerprint,
    ids::{BootId, MacAddress},
    message::BootEvent,
};
use serde_json::{Value, json};

/// The profile that every server is bought by.
pub const PROFILE: &str = "fleet";

/// What each has of memory.
pub const DIMMS: u32 = 2;
const DIMM_BYTES: u64 = 16 << 30;

/// Servers in a rack, and ports of its switch.
const IN_A_RACK: u32 = 40;

/// The VLAN of every port.
const VLAN: u16 = 10;

const NIC: &str = "eth0";
const NOT_SIMULATED: &str = "a simulated server";

/// A server by its number: all that it is follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    number: u32,
}

impl Server {
    /// The server of this number.
    pub fn new(number: u32) -> Self {
        Self { number }
    }

    /// Which it is.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Its name in Senzu.
    pub fn name(self) -> String {
        format!("{}-u{:02}", self.rack(), self.number % IN_A_RACK + 1)
    }

    fn rack(self) -> String {
        format!("f{:04}", self.number / IN_A_RACK)
    }

    pub(super) fn serial(self) -> String {
        format!("FLEET-{:07}", self.number)
    }

    /// Its NIC's address, of the locally administered ones.
    pub fn mac(self) -> MacAddress {
        let [a, b, c, d] = self.number.to_be_bytes();
        MacAddress([0x0a, 0xf1, a, b, c, d])
    }

    fn switch(self) -> String {
        format!("{}-sw1", self.rack())
    }

    fn port(self) -> String {
        format!("Ethernet{}", self.number % IN_A_RACK + 1)
    }

    /// What Senzu is told of it.
    pub fn plan(self, held: bool) -> Value {
        json!({
            "name": self.name(),
            "serial": self.serial(),
            "profile": PROFILE,
            "rack": self.rack(),
            "region": "fleet",
            "held": held.then_some("the fleet"),
            "links": [{"nic": self.mac(), "switch": self.switch(), "port": self.port(), "native_vlan": VLAN}],
        })
    }

    /// What its agent reads.
    pub fn facts(self) -> Facts {
        let dimm = |slot: u32| MemoryDevice {
            locator: Some(format!("DIMM {slot}")),
            populated: true,
            size_bytes: Some(DIMM_BYTES),
            serial: Some(format!("{:08X}", self.number * DIMMS + slot)),
            ..MemoryDevice::default()
        };
        let smbios = Smbios {
            system: Some(System { serial: Some(self.serial()), ..System::default() }),
            memory_devices: (0..DIMMS).map(dimm).collect(),
            ..Smbios::default()
        };
        let nic = Nic {
            name: NIC.into(),
            mac: Some(self.mac()),
            permanent_mac: Some(self.mac()),
            link: Link::Up,
            ..Nic::default()
        };
        Facts {
            firmware_mode: FirmwareMode::Uefi,
            smbios: Observed::seen(NOT_SIMULATED, smbios),
            memory: Observed::seen(
                NOT_SIMULATED,
                Memory { total_bytes: DIMM_BYTES * u64::from(DIMMS), ..Memory::default() },
            ),
            nics: vec![nic],
            kernel: Kernel { release: "6.1.0".into(), ..Kernel::default() },
            memory_errors: Observed::nothing(NOT_SIMULATED),
            pci: Observed::nothing(NOT_SIMULATED),
            bmc: Observed::nothing(NOT_SIMULATED),
            sensors: Observed::nothing(NOT_SIMULATED),
            ..Facts::default()
        }
    }

    /// What its agent says first.
    pub fn boot_event(self, boot: BootId) -> BootEvent {
        let facts = self.facts();
        BootEvent {
            protocol: 1,
            boot_id: boot,
            fingerprint: Fingerprint::of(&facts),
            firmware_mode: facts.firmware_mode,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            timeline: Vec::new(),
            last_words: None,
        }
    }

    /// What happens to its agent when it is switched on, in order.
    pub fn wakes(self) -> [Event; 4] {
        let link = LinkSeen {
            name: NIC.into(),
            mac: Some(self.mac()),
            permanent_mac: Some(self.mac()),
            link: Link::Up,
            ..LinkSeen::default()
        };
        let id = |subtype: &str, value: String| LldpId { subtype: subtype.into(), value };
        let neighbour = Neighbour {
            chassis_id: id("local", self.switch()),
            port_id: id("interface_name", self.port()),
            ttl_s: 120,
            system_name: Some(self.switch()),
            native_vlan: Some(VLAN),
            ..Neighbour::default()
        };
        [
            Event::Started { timeline: Vec::new() },
            Event::Links(vec![link]),
            Event::Lldp { nic: NIC.into(), neighbours: Neighbours::Heard(vec![neighbour]), vlan: Vlan::default() },
            Event::DevicesSettled { subsystems: ["memory".to_owned()].into() },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let told: std::collections::HashSet<_> = (0..10_000).map(|n| Server::new(n).plan(false).to_string()).collect();
        assert_eq!(told.len(), 10_000);
        let server = Server::new(81);
        assert_eq!((server.name().as_str(), server.port().as_str()), ("f0002-u02", "Ethernet2"));
    }
}
