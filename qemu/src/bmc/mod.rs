//! A server's BMC: what OpenIPMI's `ipmi_sim` is told, so that it answers what the rack file says. Pure, but for
//! [`session`], which speaks IPMI over LAN with the one that runs.

mod fru;
pub mod image;
pub mod key;
mod records;
pub mod redfish;
pub mod session;

use crate::rack::{BmcSpec, ServerSpec};
use records::SensorRecord;
use std::{
    fmt::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// Where a BMC listens on the lab's loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// IPMI over LAN (UDP).
    pub lan: u16,
    /// The server's own system interface: QEMU connects (TCP).
    pub system: u16,
}

impl Ports {
    /// Two for each server of a rack, by its place in it. The lab's network is its own: nobody else is there.
    pub fn of(place: usize) -> Self {
        const FIRST: u16 = 6230;
        let lan = FIRST.saturating_add(u16::try_from(place * 2).unwrap_or(u16::MAX));
        Self { lan, system: lan.saturating_add(1) }
    }
}

/// The user and the password of IPMI over LAN; nothing but the lab's own network reaches it.
pub const USER: &str = "lab";

/// Users that are nobody's yet. Whoever may, gives them a name and a password (IPMI 2.0 §22.28 to §22.30); without a line
/// here, `ipmi_sim` would let them in by no kind of authentication.
const FREE_USERS: &str = "user 3 false \"\" \"\" admin 10 none md5 straight\n\
    user 4 false \"\" \"\" admin 10 none md5 straight\n\
    user 5 false \"\" \"\" admin 10 none md5 straight\n";

/// The BMC's own address on its bus: IPMI 2.0 §5.5.
const BMC_ADDRESS: u8 = 0x20;

/// The files of one BMC, beneath a directory that nobody else uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files(PathBuf);

impl Files {
    /// In this directory.
    pub fn at(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// The directory; `ipmi_sim` keeps its own state beneath it too.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// What `ipmi_sim -c` reads.
    pub fn configuration(&self) -> PathBuf {
        self.0.join("lan.conf")
    }

    /// What `ipmi_sim -f` reads: the BMC's parts.
    pub fn commands(&self) -> PathBuf {
        self.0.join("bmc.emu")
    }

    /// The seconds of each CHASSIS IDENTIFY that was asked for, one to a line.
    pub fn identify(&self) -> PathBuf {
        self.0.join("identify")
    }

    /// Every file with its text.
    pub fn texts(&self, server: &ServerSpec, bmc: &BmcSpec, ports: Ports) -> [(PathBuf, String); 5] {
        [
            (self.configuration(), self.configuration_text(server, ports)),
            (self.commands(), commands(server, bmc)),
            (self.0.join("network"), NETWORK.to_owned()),
            (self.0.join("network.values"), network_values(bmc)),
            (self.0.join("chassis"), CHASSIS.to_owned()),
        ]
    }

    fn configuration_text(&self, server: &ServerSpec, ports: Ports) -> String {
        let directory = self.0.display();
        let Ports { lan, system } = ports;
        let guid = server.uuid.simple();
        // The name is part of a path of ipmi_sim's; the order of the lines is the one of its manual.
        format!(
            "name \"bmc\"\n\
             set_working_mc {BMC_ADDRESS:#04x}\n\
             startlan 1\n\
             addr 127.0.0.1 {lan}\n\
             priv_limit admin\n\
             allowed_auths_admin none md5 straight\n\
             guid {guid}\n\
             lan_config_program \"sh '{directory}/network'\"\n\
             endlan\n\
             chassis_control \"sh '{directory}/chassis'\"\n\
             serial 15 127.0.0.1 {system} codec VM\n\
             startnow false\n\
             user 2 true \"{USER}\" \"{USER}\" admin 10 none md5 straight\n\
             {FREE_USERS}"
        )
    }
}

/// What `ipmi_sim` asks and tells of its network: `get NAME…`, `check NAME VALUE…`, `set NAME VALUE…`.
const NETWORK: &str = r#"values=${0%/*}/network.values
what=$1; shift
case $what in
get) for name; do sed -n "s/^$name=/$name:/p" "$values"; done ;;
set) while [ $# -gt 1 ]; do sed -i "s|^$1=.*|$1=$2|" "$values"; shift 2; done ;;
esac
"#;

/// What it asks and tells of its chassis: whoever asks over the system interface is switched on.
const CHASSIS: &str = r#"what=$1; shift
case $what in
get) for name; do echo "$name:1"; done ;;
set) while [ $# -gt 1 ]; do [ "$1" != identify ] || echo "${2% *}" >> "${0%/*}/identify"; shift 2; done ;;
esac
"#;

/// By the names that `ipmi_sim` has for the parameters of IPMI 2.0 table 23-4.
fn network_values(bmc: &BmcSpec) -> String {
    let source = if bmc.dhcp { "dhcp" } else { "static" };
    let gateway = bmc.gateway.unwrap_or(Ipv4Addr::UNSPECIFIED);
    format!(
        "ip_addr={}\nip_addr_src={source}\nmac_addr={}\nsubnet_mask={}\ndefault_gw_ip_addr={gateway}\n\
         default_gw_mac_addr=00:00:00:00:00:00\nbackup_gw_ip_addr=0.0.0.0\nbackup_gw_mac_addr=00:00:00:00:00:00\n",
        bmc.address, bmc.mac, bmc.mask
    )
}

/// The BMC and its parts, in `ipmi_sim`'s own commands (ipmi_sim_cmd(5)).
fn commands(server: &ServerSpec, bmc: &BmcSpec) -> String {
    let mut text = format!(
        "mc_setbmc {BMC_ADDRESS:#04x}\n\
         mc_add {BMC_ADDRESS:#04x} 0 no-device-sdrs 1 {:#04x} {:#04x} 0x9f {MANUFACTURER:#x} {PRODUCT:#x}\n\
         mc_set_guid {BMC_ADDRESS:#04x} {}\n\
         sel_enable {BMC_ADDRESS:#04x} {EVENTS} {CAN_RESERVE:#04x}\n",
        bmc.firmware.major,
        bcd(bmc.firmware.minor),
        server.uuid.simple()
    );
    let fru = fru::image(server, bmc);
    let _ = writeln!(text, "mc_add_fru_data {BMC_ADDRESS:#04x} 0 {} data {}", fru.len(), bytes(&fru));
    for record in records::of(bmc) {
        text.push_str(&sensor(&record));
    }
    for event in records::events(bmc) {
        let _ = writeln!(text, "sel_add {BMC_ADDRESS:#04x} 0x02 {}", bytes(&event));
    }
    let _ = writeln!(text, "mc_enable {BMC_ADDRESS:#04x}");
    text
}

/// A maker and a product of nobody's: 7154 is OpenIPMI's own number.
const MANUFACTURER: u32 = 7154;
const PRODUCT: u16 = 1;

/// Room in the event log.
const EVENTS: u16 = 256;

/// GET SEL INFO's support bits: RESERVE SEL.
const CAN_RESERVE: u8 = 0x02;

fn sensor(record: &SensorRecord) -> String {
    let SensorRecord { number, sensor_type, reading_type, .. } = record;
    let at = format!("{BMC_ADDRESS:#04x} 0 {number:#04x}");
    let mut text = format!("sensor_add {at} {sensor_type:#04x} {reading_type:#04x}\n");
    let none = "000000000000000";
    let scanning = if record.has_reading { "scanning" } else { "no-scanning" };
    let _ = writeln!(text, "sensor_set_event_support {at} disable {scanning} none {none} {none} {none} {none}");
    if let Some(value) = record.value {
        // From the upper non-recoverable one down to the lower non-critical one; the critical ones are in use.
        let bit = |limit: Option<u8>| u8::from(limit.is_some());
        let (low, high) = (record.critical_low, record.critical_high);
        let (low_byte, high_byte) = (low.unwrap_or_default(), high.unwrap_or_default());
        let enabled = format!("0{}00{}0", bit(high), bit(low));
        let _ = writeln!(text, "sensor_set_threshold {at} settable {enabled} 0 {high_byte:#04x} 0 0 {low_byte:#04x} 0");
        let _ = writeln!(text, "sensor_set_value {at} {value:#04x} 0");
    }
    for state in &record.states {
        let _ = writeln!(text, "sensor_set_bit {at} {state} 1 0");
    }
    let _ = writeln!(text, "main_sdr_add {BMC_ADDRESS:#04x} {}", bytes(&record.bytes()));
    text
}

fn bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:#04x}")).collect::<Vec<_>>().join(" ")
}

/// Two decimal digits in one byte.
fn bcd(number: u8) -> u8 {
    ((number / 10) << 4) | (number % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rack::Rack;

    const RACK: &str = r#"
        name = "t"
        [[servers]]
        name = "a"
        firmware = "bios"
        serial = "S1"
        uuid = "00000000-0000-4000-8000-000000000001"
        [servers.bmc]
        address = "10.78.0.21"
        mac = "52:54:00:ff:00:01"
        dhcp = true
        firmware = "2.10"
        sensors = [{ name = "Fan 1", kind = "fan", milli = 7500000, critical_low_milli = 1000000 }]
        power_supplies = [{ name = "PS1", state = "failed" }]
    "#;

    fn text(file: &str) -> String {
        let rack = Rack::parse(RACK).expect("a rack");
        let bmc = rack.servers[0].bmc.as_ref().expect("its BMC");
        let texts = Files::at("/lab/bmc".into()).texts(&rack.servers[0], bmc, Ports::of(1));
        texts.into_iter().find(|(path, _)| path.ends_with(file)).expect("a file").1
    }

    #[test]
    fn ipmi_sim_is_told_where_to_listen_and_whom_to_ask() {
        let expected = "name \"bmc\"\nset_working_mc 0x20\nstartlan 1\naddr 127.0.0.1 6232\npriv_limit admin\n\
            allowed_auths_admin none md5 straight\nguid 00000000000040008000000000000001\n\
            lan_config_program \"sh '/lab/bmc/network'\"\nendlan\nchassis_control \"sh '/lab/bmc/chassis'\"\n\
            serial 15 127.0.0.1 6233 codec VM\nstartnow false\nuser 2 true \"lab\" \"lab\" admin 10 none md5 straight\n";
        assert_eq!(text("lan.conf"), format!("{expected}{FREE_USERS}"));
        let expected = "ip_addr=10.78.0.21\nip_addr_src=dhcp\nmac_addr=52:54:00:ff:00:01\nsubnet_mask=255.255.255.0\n\
            default_gw_ip_addr=0.0.0.0\ndefault_gw_mac_addr=00:00:00:00:00:00\nbackup_gw_ip_addr=0.0.0.0\n\
            backup_gw_mac_addr=00:00:00:00:00:00\n";
        assert_eq!(text("network.values"), expected);
    }

    #[test]
    fn ipmi_sim_is_told_what_the_bmc_has() {
        let text = text("bmc.emu");
        // What stands in bytes is read back by a real agent in the system test.
        let lines: Vec<&str> =
            text.lines().filter(|line| !line.contains("_data") && !line.contains("sdr_add")).collect();
        let expected = [
            "mc_setbmc 0x20",
            "mc_add 0x20 0 no-device-sdrs 1 0x02 0x10 0x9f 0x1bf2 0x1",
            "mc_set_guid 0x20 00000000000040008000000000000001",
            "sel_enable 0x20 256 0x02",
            "sensor_add 0x20 0 0x01 0x04 0x01",
            "sensor_set_event_support 0x20 0 0x01 disable scanning none 000000000000000 000000000000000 000000000000000 \
             000000000000000",
            "sensor_set_threshold 0x20 0 0x01 settable 000010 0 0x00 0 0 0x0a 0",
            "sensor_set_value 0x20 0 0x01 0x4b 0",
            "sensor_add 0x20 0 0x02 0x08 0x6f",
            "sensor_set_event_support 0x20 0 0x02 disable scanning none 000000000000000 000000000000000 000000000000000 \
             000000000000000",
            "sensor_set_bit 0x20 0 0x02 0 1 0",
            "sensor_set_bit 0x20 0 0x02 1 1 0",
            "sel_add 0x20 0x02 0x00 0x00 0x00 0x00 0x20 0x00 0x04 0x08 0x02 0x6f 0x01 0xff 0xff",
            "mc_enable 0x20",
        ];
        assert_eq!(lines, expected);
    }
}
