//! What an engineer meets, as views.

use crate::{
    console::{Age, Busy, Hardware, Judged, Neighbour, NicView, SenzuReach, View, next},
    facts::Part,
    journal::{Entries, Entry, Severity},
};
use pious_protocol::{
    facts::{
        Bmc, BmcDevice, BmcLan, BmcPowerSupply, ChassisStatus, Dhcp, DimmErrors, Disk, DiskHealth, Duplex, EventLog,
        EventLogEntry, Facts, Link, LldpAgent, LldpId, Memory, MemoryDevice, MemoryErrors, Neighbours, Nic,
        NicCounters, Observed, Sensor, SensorKind, Smbios, Transceiver, Vlan, VlanName,
    },
    finding::{Finding, Severity as Gravity, Verdict},
    message::{AssetState, Evaluation},
};
use std::sync::Arc;

pub fn nic(number: u8) -> NicView {
    NicView {
        name: format!("eth{number}"),
        mac: Some(format!("52:54:00:01:10:{number:02x}")),
        location: None,
        link: Link::Up,
        speed_mbps: Some(10_000),
        native_vlan: Some(10),
        other_vlans: vec![],
        neighbours: vec![Neighbour { switch: "r1-sw1".into(), port: format!("Ethernet{number}") }],
        silence: None,
        addresses: vec![format!("10.77.0.{}", 10 + number)],
        dhcp: Dhcp::Bound {
            address: [10, 77, 0, 10 + number].into(),
            prefix_length: 24,
            server: [10, 77, 0, 1].into(),
            lease_s: 120,
        },
    }
}

pub fn dark(number: u8) -> NicView {
    NicView {
        link: Link::NoCarrier,
        speed_mbps: None,
        native_vlan: None,
        neighbours: vec![],
        addresses: vec![],
        dhcp: Dhcp::Idle,
        ..nic(number)
    }
}

pub fn finding(check: &str, subject: Option<&str>, verdict: Verdict, words: [&str; 3]) -> Finding {
    let [seen, expected, remedy] = words.map(str::to_owned);
    Finding {
        check: check.into(),
        subject: subject.map(str::to_owned),
        verdict,
        severity: Gravity::Major,
        seen,
        expected,
        remedy,
    }
}

pub fn healthy() -> View {
    let view = View {
        version: "0.1.0".into(),
        boot_id: "01987654-3210-7000-8000-000000000001".into(),
        asset: Some("r1-u10".into()),
        is_confirmed: true,
        state: Some(AssetState::New),
        evaluation: Some(Evaluation::Passed),
        step: Some("GRADUATE".into()),
        reason: None,
        machine: "QEMU  Standard PC (Q35 + ICH9, 2009)  serial PIOUS-R1-U10  UEFI".into(),
        senzu: SenzuReach::Answers,
        senzu_url: "https://10.77.0.1:8443".into(),
        nics: vec![nic(1), nic(2)],
        links_settle: false,
        findings: vec![],
        passed: 14,
        judged: Judged::Yes,
        agent_urls: vec!["http://10.77.0.11:8080".into(), "http://10.77.0.12:8080".into()],
        warnings: vec![],
        missing_firmware: vec![],
        busy: None,
        work: None,
        ending: None,
        next: String::new(),
        timeline: vec![],
        senzu_page: Some("https://10.77.0.1:8443/assets/01987654-3210-7000-8000-0000000000aa".into()),
        ages: vec![],
        facts: Hardware::default(),
        log: Entries::default(),
    };
    with_next(view)
}

pub fn with_next(mut view: View) -> View {
    view.next = next::of(&view);
    view
}

pub fn no_dhcp_answer() -> View {
    let asking = |for_s, attempts| NicView {
        addresses: vec![],
        dhcp: Dhcp::Asking { for_s, attempts },
        native_vlan: Some(20),
        ..nic(1)
    };
    with_next(View {
        asset: None,
        is_confirmed: false,
        state: None,
        evaluation: None,
        step: None,
        senzu_page: None,
        senzu: SenzuReach::Untried { why: "no address yet".into() },
        nics: vec![asking(47, 6), dark(2)],
        passed: 0,
        judged: Judged::NothingExpected,
        agent_urls: vec![],
        warnings: vec!["kernel command line: pious.sezu=https://10.77.0.1:8443 is not known to this agent".into()],
        ..healthy()
    })
}

pub fn miscabled() -> View {
    let wrong = finding(
        "cabling.port",
        Some("NIC 2 (52:54:00:01:10:02, eth2)"),
        Verdict::Fail,
        [
            "r1-sw1 port Ethernet7",
            "r1-sw1 port Ethernet2",
            "move the cable from r1-sw1 port Ethernet7 to r1-sw1 port Ethernet2",
        ],
    );
    let vlan = finding(
        "cabling.vlan",
        Some("NIC 2 (52:54:00:01:10:02, eth2)"),
        Verdict::Unknown,
        ["the cable is in another port", "native VLAN 10", "mend cabling.port of this interface first"],
    );
    let moved = Neighbour { switch: "r1-sw1".into(), port: "Ethernet7".into() };
    with_next(View {
        evaluation: Some(Evaluation::Failing),
        step: Some("VERIFY_NETWORK".into()),
        reason: Some("1 check failed".into()),
        nics: vec![nic(1), NicView { neighbours: vec![moved], native_vlan: Some(30), ..nic(2) }],
        findings: vec![wrong, vlan],
        passed: 12,
        ..healthy()
    })
}

pub fn senzu_down() -> View {
    with_next(View {
        asset: Some("r1-u10".into()),
        is_confirmed: false,
        state: None,
        evaluation: None,
        step: None,
        senzu_page: None,
        senzu: SenzuReach::Fails {
            why: "no connection: Connection refused (os error 111)".into(),
            for_s: 75,
            retry_in_s: 12,
        },
        passed: 0,
        judged: Judged::NothingExpected,
        warnings: vec!["tg3 asked for firmware that the image lacks: tigon/tg3.bin (and 2 more)".into()],
        ..healthy()
    })
}

pub fn starting() -> View {
    let nics = vec![NicView { link: Link::Disabled, ..dark(1) }];
    let senzu = SenzuReach::Untried { why: "no network link yet".into() };
    with_next(View { judged: Judged::DriversLoad, senzu, nics, links_settle: true, agent_urls: vec![], ..senzu_down() })
}

/// After five seconds nobody waits for links any more.
pub fn no_cable() -> View {
    let senzu = SenzuReach::Untried { why: "no network link yet".into() };
    with_next(View { senzu, nics: vec![dark(1), dark(2)], agent_urls: vec![], ..senzu_down() })
}

pub fn firmware_busy() -> View {
    View { step: Some("FLASH_BMC".into()), evaluation: Some(Evaluation::Pending), ..healthy() }
        .busy_with(Busy { words: "writing BMC firmware 2.11".into(), percent: Some(40) })
}

pub fn at_work() -> View {
    let words = "reading firmware versions: asking the BMC at 169.254.0.17".into();
    with_next(View {
        state: Some(AssetState::Spare),
        step: Some("CHECK_COMPONENTS_TO_UPGRADE".into()),
        work: Some(Busy { words, percent: Some(50) }),
        ..healthy()
    })
}

pub fn many() -> View {
    let dimm = |slot: char| {
        let remedy = format!("reseat or replace the DIMM in slot {slot}1, then power the server on again");
        finding("memory.slot", Some(&format!("DIMM {slot}1")), Verdict::Fail, ["empty", "a DIMM", &remedy])
    };
    let mut nics: Vec<_> = (1..=9).map(dark).collect();
    nics.push(NicView { name: "enp130s0f1np1".into(), ..nic(3) });
    with_next(View {
        nics,
        findings: ('A'..='H').map(dimm).collect(),
        evaluation: Some(Evaluation::Failing),
        ..healthy()
    })
}

/// A full server: sixteen NICs of which two are wrong, a disk and a power supply that fail, a DIMM with errors.
pub fn full() -> View {
    let mut nics: Vec<_> = (1..=16).map(|number| NicView { location: Some(place(number)), ..nic(number) }).collect();
    for (at, number) in [(4, 5), (5, 6)] {
        nics[at] = NicView { location: Some(place(number)), ..dark(number) };
    }
    let port = |number: u8| {
        let subject = format!("eth{number} (52:54:00:01:10:{number:02x}, slot 2)");
        let words = ["no link", "r1-sw1 port Ethernet5", "plug the cable from r1-sw1 port Ethernet5 in"];
        finding("cabling.link", Some(&subject), Verdict::Fail, words)
    };
    let dimm = ["3 uncorrected errors", "none", "replace the DIMM in slot A2"];
    let supply = ["PS2 Status: NO INPUT POWER", "2 power supplies with input", "plug in the power cord of PS2"];
    let disk = ["available spare below threshold", "good", "replace the disk in NVMe bay 3 (serial KX0003)"];
    with_next(View {
        nics,
        findings: vec![
            Finding { severity: Gravity::Critical, ..finding("health.memory", Some("DIMM A2"), Verdict::Fail, dimm) },
            port(5),
            port(6),
            finding("power.supplies", Some("PS2"), Verdict::Fail, supply),
            Finding { severity: Gravity::Minor, ..finding("health.disk", Some("nvme3n1"), Verdict::Fail, disk) },
        ],
        evaluation: Some(Evaluation::Failing),
        step: Some("VERIFY_HARDWARE".into()),
        machine: "Dell Inc.  PowerEdge R740  serial 4XJ2KL3  UEFI".into(),
        ages: vec![
            Age { part: Part::DiskHealth, age_s: 0 },
            Age { part: Part::BmcHealth, age_s: 180 },
            Age { part: Part::MemoryErrors, age_s: 0 },
        ],
        facts: Hardware::of(Arc::new(full_facts())),
        log: log(),
        warnings: vec!["tg3 asked for firmware that the image lacks: tigon/tg3.bin (and 2 more)".into()],
        ..healthy()
    })
}

fn place(number: u8) -> String {
    format!("Slot {} Port {}", number.div_ceil(4), (number - 1) % 4 + 1)
}

fn log() -> Entries {
    let entry = |at_s, level, text: &str| Entry { at_s, level, text: text.into() };
    let entries = [
        entry(3, Severity::Information, "kernel modules for 41 devices are loaded"),
        entry(9, Severity::Warning, "Senzu's clock is 3 s ahead of this machine's"),
        entry(64, Severity::Error, "link changes are no longer told: No buffer space available (os error 105)"),
        entry(65, Severity::Information, "an escape: \u{1b}[2J"),
    ];
    entries.into_iter().collect()
}

fn full_facts() -> Facts {
    Facts {
        nics: (1..=16).map(nic_facts).collect(),
        disks: (0..6).map(disk).collect(),
        memory: Observed::seen(
            "/proc/meminfo",
            Memory { total_bytes: 503 << 30, online_bytes: None, ..Memory::default() },
        ),
        memory_errors: Observed::seen(
            "edac",
            MemoryErrors {
                corrected: 17,
                uncorrected: 0,
                dimms: vec![DimmErrors {
                    label: "CPU_SrcID#0_MC#0_Chan#1_DIMM#0".into(),
                    controller: "mc0".into(),
                    size_bytes: Some(32 << 30),
                    corrected: 17,
                    uncorrected: 0,
                }],
                machine_checks: Some(1),
            },
        ),
        smbios: Observed::seen("smbios", Smbios { memory_devices: (0..24).map(slot).collect(), ..Smbios::default() }),
        bmc: Observed::seen("/dev/ipmi0", bmc()),
        sensors: Observed::seen("hwmon", vec![temperature("coretemp", "Package id 0", 54_000, 100_000)]),
        ..Facts::default()
    }
}

fn nic_facts(number: u8) -> Nic {
    let is_dark = matches!(number, 5 | 6);
    let module = Transceiver {
        kind: "SFP28".into(),
        compliance: Some("25GBASE-SR".into()),
        vendor: Some("FINISAR CORP.".into()),
        part_number: Some("FTLF8536P4BCL".into()),
        serial: Some(format!("UXC10{number:02}")),
        ..Transceiver::default()
    };
    let neighbour = pious_protocol::facts::Neighbour {
        chassis_id: LldpId { subtype: "mac_address".into(), value: "52:54:00:5e:01:01".into() },
        port_id: LldpId { subtype: "interface_name".into(), value: format!("Ethernet{number}") },
        ttl_s: 120,
        port_description: Some("to r1-u10".into()),
        system_name: Some("r1-sw1".into()),
        system_description: Some("Arista Networks EOS version 4.28.3M\nsecond line".into()),
        management_addresses: vec!["10.77.0.251".into()],
        ..Default::default()
    };
    Nic {
        name: format!("eth{number}"),
        driver: Some("ice".into()),
        firmware_version: Some("4.20 0x8001778b 1.3346.0".into()),
        pci_address: Some(format!("0000:3b:00.{}", (number - 1) % 4)),
        pci_id: Some("8086:1593".into()),
        location: Some(place(number)),
        duplex: (!is_dark).then_some(Duplex::Full),
        autonegotiation: Some(true),
        supported_modes: vec!["10000baseSR/Full".into(), "25000baseSR/Full".into()],
        carrier_changes: Some(if is_dark { 14 } else { 1 }),
        transceiver: if is_dark { Observed::absent("the cage is empty") } else { Observed::seen("ethtool", module) },
        lldp_agent: Observed::seen(
            "ethtool private flags",
            LldpAgent { switched_off_by_us: true, control: "fw-lldp-agent".into(), ..LldpAgent::default() },
        ),
        counters: Some(NicCounters {
            rx_bytes: 48_113_000,
            tx_bytes: 1_234,
            rx_crc_errors: u64::from(is_dark) * 7,
            ..NicCounters::default()
        }),
        vlan: Vlan {
            announced_native: Some(10),
            announced: vec![VlanName { id: 20, name: "storage".into() }],
            tags_seen: vec![20],
            dhcp_answers_untagged: true,
            dhcp_answers_tagged: vec![],
        },
        neighbours: match is_dark {
            true => Neighbours::Silent { reason: "no carrier".into() },
            false => Neighbours::Heard(vec![neighbour]),
        },
        ..Nic::default()
    }
}

fn disk(number: u8) -> Disk {
    let health = DiskHealth {
        passed: Some(number != 3),
        warnings: if number == 3 { vec!["available spare below threshold".into()] } else { vec![] },
        temperature_celsius: Some(31 + i32::from(number)),
        power_on_hours: Some(1200),
        wear_percent: Some(if number == 3 { 101 } else { 4 }),
        media_errors: Some(if number == 4 { 2 } else { 0 }),
        written_bytes: Some(3_200_000_000_000),
        ..DiskHealth::default()
    };
    Disk {
        name: format!("nvme{number}n1"),
        model: Some("KIOXIA KCD61LUL3T84".into()),
        serial: Some(format!("KX000{number}")),
        firmware: Some("0106".into()),
        size_bytes: 3_840_755_982_336,
        rotational: Some(false),
        transport: Some("nvme".into()),
        pci_address: Some(format!("0000:c{number}:00.0")),
        slot: Some(format!("NVMe bay {number}")),
        health: if number == 5 {
            Observed::absent("the drive refuses: Input/output error")
        } else {
            Observed::seen("ioctl", health)
        },
        ..Disk::default()
    }
}

fn slot(number: u8) -> MemoryDevice {
    let locator = Some(format!("{}{}", if number < 12 { 'A' } else { 'B' }, number % 12 + 1));
    match number % 12 < 8 {
        false => MemoryDevice { locator, ..MemoryDevice::default() },
        true => MemoryDevice {
            locator,
            populated: true,
            size_bytes: Some(32 << 30),
            kind: Some("DDR4".into()),
            speed_mts: Some(3200),
            configured_speed_mts: Some(if number == 1 { 2666 } else { 3200 }),
            manufacturer: Some("Samsung".into()),
            serial: Some(format!("00CE0{number:03}")),
            part_number: Some("M393A4K40DB3-CWE".into()),
            rank: Some(2),
            ..MemoryDevice::default()
        },
    }
}

fn temperature(chip: &str, name: &str, value: i64, limit: i64) -> Sensor {
    Sensor {
        chip: chip.into(),
        name: name.into(),
        kind: SensorKind::Temperature,
        value_milli: Some(value),
        critical_high_milli: Some(limit),
        critical_low_milli: None,
        state: Some("ok".into()),
    }
}

fn bmc() -> Bmc {
    let entry = |id, at_unix_s, sensor: &str, event: &str, critical| EventLogEntry {
        id,
        at_unix_s,
        sensor: sensor.into(),
        sensor_number: 1,
        event: event.into(),
        asserted: true,
        critical,
        ..EventLogEntry::default()
    };
    let supply = |number, input_lost| BmcPowerSupply {
        name: format!("PS{number} Status"),
        present: true,
        input_lost,
        ..BmcPowerSupply::default()
    };
    let fan = Sensor { kind: SensorKind::Fan, ..temperature("bmc", "Fan 1", 7_320_000, i64::MAX) };
    Bmc {
        device: Observed::seen(
            "ipmi",
            BmcDevice {
                firmware_version: "2.10".into(),
                ipmi_version: "2.0".into(),
                manufacturer_id: 674,
                product_id: 256,
                ..BmcDevice::default()
            },
        ),
        lan: Observed::seen(
            "ipmi",
            vec![BmcLan {
                channel: 1,
                address: Some([10, 78, 0, 10].into()),
                address_source: Some("dhcp".into()),
                gateway: Some([10, 78, 0, 1].into()),
                vlan: Some(30),
                ..BmcLan::default()
            }],
        ),
        event_log: Observed::seen(
            "ipmi",
            EventLog {
                entries: 3,
                free_bytes: Some(15_000),
                overflowed: false,
                latest: vec![
                    entry(1, Some(1_795_000_000), "System Event", "log cleared", false),
                    entry(2, Some(1_795_644_900), "Power Supply", "input lost", true),
                    entry(3, None, "Fan", "redundancy regained", false),
                ],
            },
        ),
        sensors: Observed::seen(
            "ipmi",
            vec![
                temperature("bmc", "Inlet Temp", 23_000, 47_000),
                temperature("bmc", "Exhaust Temp", 81_000, 80_000),
                Sensor { critical_high_milli: None, ..fan },
            ],
        ),
        chassis: Observed::seen(
            "ipmi",
            ChassisStatus { power_on: true, intrusion: true, identify: Some("off".into()), ..ChassisStatus::default() },
        ),
        power_supplies: Observed::seen("ipmi", vec![supply(1, false), supply(2, true)]),
        ..Bmc::default()
    }
}
