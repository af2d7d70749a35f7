//! Whole BMCs, scripted by hand: what each question is answered with, and what facts make of it.

use super::{
    script::{Script, compact_record, full_record, locator_record},
    *,
};
use pious_protocol::facts::{
    BmcDevice, BmcLan, BmcPowerSupply, ChassisStatus, EventLog, EventLogEntry, FieldReplaceableUnit, Gaps, Sensor,
    SensorKind,
};
use proptest::prelude::*;

/// A healthy server's BMC but for its second power supply, which is not there, and a third whose sensor is blind.
fn bmc() -> Script {
    let mut bmc = Script::default();
    bmc.answer(Command::GetDeviceId, &[], &[0x20, 0x01, 0x02, 0x10, 0x02, 0xbf, 0xa2, 0x02, 0x00, 0x00, 0x01]);
    let guid: Vec<u8> = (0..16).collect();
    bmc.answer(Command::GetSystemGuid, &[], &guid);
    lan(&mut bmc);
    bmc.answer(Command::GetChassisStatus, &[], &[0x01, 0x00, 0x40, 0x00]);
    bmc.answer(Command::ReserveSdr, &[], &[7, 0]);
    bmc.record(0, 2, &full_record(1, 0x01, 1, 1, 0x00, "Inlet Temp"));
    bmc.record(2, 5, &full_record(2, 0x02, 4, 59, 0xd0, "P12V"));
    bmc.record(5, 9, &compact_record(0x10, 0x08, 3, "PS"));
    bmc.record(9, 0xffff, &locator_record(1, "PS1"));
    for (number, answer) in [
        (1, &[35, 0xc0, 0x00][..]),
        (2, &[205, 0xc0, 0x10][..]),
        (0x10, &[0, 0xc0, 0x01, 0x80][..]),
        (0x11, &[0, 0xc0, 0x00, 0x80][..]),
        (0x12, &[0, 0xe0][..]),
    ] {
        bmc.answer(Command::GetSensorReading, &[number], answer);
    }
    bmc.answer(Command::GetSensorThresholds, &[1], &[0x1b, 5, 3, 0, 42, 47, 0]);
    bmc.refuse(Command::GetSensorThresholds, &[2], 0xcd);
    bmc.fru(0, &FRU);
    events(&mut bmc);
    bmc
}

/// Channel 1 is a LAN, channel 2 a serial port.
fn lan(bmc: &mut Script) {
    bmc.answer(Command::GetChannelInfo, &[1], &[1, 4, 1, 0x80, 0xf2, 0x1b, 0, 0, 0]);
    bmc.answer(Command::GetChannelInfo, &[2], &[2, 5, 1, 0x80, 0xf2, 0x1b, 0, 0, 0]);
    for (parameter, answer) in [
        (3, &[10, 78, 0, 21][..]),
        (4, &[1][..]),
        (5, &[0x52, 0x54, 0, 0xff, 0x10, 1][..]),
        (6, &[255, 255, 255, 0][..]),
        (12, &[10, 78, 0, 1][..]),
        (13, &[0, 0, 0, 0, 0, 0][..]),
        (20, &[20, 0x80][..]),
    ] {
        bmc.answer(Command::GetLanParameter, &[1, parameter, 0, 0], &[&[0x11], answer].concat());
    }
}

/// A header, and a product area: maker `Lab`, name `S1`, serial `F-1`.
#[rustfmt::skip]
const FRU: [u8; 32] = [
    1, 0, 0, 0, 1, 0, 0, 0xfe, // The product area is at 8.
    1, 3, 25, 0xc3, b'L', b'a', b'b', 0xc2, b'S', b'1', 0xc0, 0xc0, 0xc3, b'F', b'-', b'1', 0xc1, 0, 0, 0, 0, 0, 0, 0x23,
];

/// Two events, the second of which says that power supply 2 lost its input.
fn events(bmc: &mut Script) {
    let temperature = [1, 0, 0x02, 0, 0, 0, 1, 0x20, 0, 4, 0x01, 1, 0x01, 0x57, 50, 42];
    let supply = [2, 0, 0x02, 0x00, 0xf1, 0x53, 0x65, 0x20, 0, 4, 0x08, 0x11, 0x6f, 0x03, 0xff, 0xff];
    bmc.answer(Command::GetSelInfo, &[], &[0x51, 2, 0, 0x80, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0x02]);
    bmc.answer(Command::GetSelEntry, &[0, 0, 0xff, 0xff, 0, 0xff], &[&[0xff, 0xff][..], &supply].concat());
    bmc.answer(Command::GetSelEntry, &[0, 0, 1, 0, 0, 0xff], &[&[2, 0][..], &temperature].concat());
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn seen<T>(command: &str, value: T) -> Observed<T> {
    Observed::seen(format!("/dev/ipmi0 {command}"), value)
}

fn told(bmc: Observed<Bmc>) -> Bmc {
    bmc.value().expect("a BMC").clone()
}

#[test]
fn a_bmc_tells_who_it_is() {
    let mut gaps = Gaps::default();
    gaps.note("gateway_mac", "none is set (all zeroes)");
    let expected = Bmc {
        device: seen(
            "GET DEVICE ID",
            BmcDevice {
                device_id: 0x20,
                revision: 1,
                firmware_version: "2.10".into(),
                ipmi_version: "2.0".into(),
                manufacturer_id: 674,
                product_id: 0x100,
                system_guid: some("000102030405060708090a0b0c0d0e0f"),
                ..BmcDevice::default()
            },
        ),
        lan: seen(
            "GET LAN CONFIGURATION PARAMETERS",
            vec![BmcLan {
                channel: 1,
                address: Some([10, 78, 0, 21].into()),
                address_source: some("static"),
                mac: Some("52:54:00:ff:10:01".parse().expect("a MAC")),
                subnet_mask: Some([255, 255, 255, 0].into()),
                gateway: Some([10, 78, 0, 1].into()),
                gateway_mac: None,
                vlan: Some(20),
                gaps,
            }],
        ),
        // FRU 1 has a locator and no storage: its power supply is not plugged in.
        frus: seen(
            "READ FRU DATA",
            vec![FieldReplaceableUnit {
                product_manufacturer: some("Lab"),
                product_name: some("S1"),
                product_serial: some("F-1"),
                ..FieldReplaceableUnit::default()
            }],
        ),
        ..Bmc::default()
    };
    assert_eq!(ask(bmc().open(), IDENTITY_WITHIN, identity_by), Observed::seen("/dev/ipmi0", expected));
}

#[test]
fn a_bmc_tells_how_the_machine_is() {
    let discrete = |name: &str, state: &str| Sensor {
        chip: "bmc".into(),
        name: name.into(),
        kind: SensorKind::Discrete,
        state: some(state),
        ..Sensor::default()
    };
    let sensors = vec![
        Sensor {
            chip: "bmc".into(),
            name: "Inlet Temp".into(),
            kind: SensorKind::Temperature,
            value_milli: Some(35_000),
            critical_high_milli: Some(47_000),
            critical_low_milli: Some(3_000),
            state: some("ok"),
        },
        Sensor {
            chip: "bmc".into(),
            name: "P12V".into(),
            kind: SensorKind::Voltage,
            value_milli: Some(12_095),
            state: some("critical"),
            ..Sensor::default()
        },
        discrete("PS1", "Presence detected"),
        discrete("PS2", "nothing asserted"),
        discrete("PS3", "no_reading"),
    ];
    let mut blind = Gaps::default();
    blind.note("present", "the sensor gives no reading now");
    let supply = |name: &str| BmcPowerSupply { name: name.into(), ..BmcPowerSupply::default() };
    let power_supplies = vec![
        BmcPowerSupply { present: true, ..supply("PS1") },
        supply("PS2"),
        BmcPowerSupply { gaps: blind, ..supply("PS3") },
    ];
    let latest = vec![
        EventLogEntry {
            id: 1,
            sensor: "Temperature".into(),
            sensor_number: 1,
            name: some("Inlet Temp"),
            event: "Upper Non-critical - going high".into(),
            asserted: true,
            ..EventLogEntry::default()
        },
        EventLogEntry {
            id: 2,
            at_unix_s: Some(0x6553_f100),
            sensor: "Power Supply".into(),
            sensor_number: 0x11,
            name: some("PS2"),
            event: "Power Supply input lost (AC/DC)".into(),
            asserted: true,
            critical: true,
        },
    ];
    let chassis = ChassisStatus {
        power_on: true,
        restore_policy: "always_off".into(),
        identify: some("off"),
        ..ChassisStatus::default()
    };
    let expected = Bmc {
        chassis: seen("GET CHASSIS STATUS", chassis),
        event_log: seen("GET SEL ENTRY", EventLog { entries: 2, free_bytes: Some(16000), overflowed: false, latest }),
        sensors: seen("GET SENSOR READING", sensors),
        power_supplies: seen("GET SENSOR READING", power_supplies),
        ..Bmc::default()
    };
    assert_eq!(ask(bmc().open(), HEALTH_WITHIN, health_by), Observed::seen("/dev/ipmi0", expected));
}

#[test]
fn a_bmc_that_hangs_is_asked_once() {
    let mut bmc = bmc();
    bmc.hangs_at = Some(Command::GetDeviceId);
    let why = || "the BMC did not answer GET DEVICE ID within 2 s";
    let expected = Bmc {
        device: Observed::absent(why()),
        lan: Observed::absent(why()),
        frus: Observed::absent(why()),
        ..Bmc::default()
    };
    assert_eq!(ask(bmc.open(), IDENTITY_WITHIN, identity_by), Observed::seen("/dev/ipmi0", expected));
    assert_eq!(*bmc.asked.borrow(), [Command::GetDeviceId]);
}

#[test]
fn a_bmc_that_hangs_at_a_sensor_keeps_what_was_read() {
    let mut bmc = bmc();
    bmc.hangs_at = Some(Command::GetSensorThresholds);
    let health = told(ask(bmc.open(), HEALTH_WITHIN, health_by));
    let states: Vec<_> =
        health.sensors.value().expect("sensors").iter().map(|sensor| sensor.state.as_deref().unwrap_or("")).collect();
    let silent = "the BMC did not answer GET SENSOR THRESHOLDS within 2 s";
    assert_eq!(states, ["ok", silent, silent, silent, silent]);
    assert_eq!(bmc.asked.borrow().iter().filter(|asked| **asked == Command::GetSensorThresholds).count(), 1);
}

#[test]
fn refusals_are_told_for_each_member_and_cost_no_other() {
    let mut bmc = Script::default();
    bmc.answer(Command::GetDeviceId, &[], &[0; 11]);
    bmc.answer(Command::GetChannelInfo, &[1], &[1, 4]);
    bmc.refuse(Command::GetLanParameter, &[1, 3, 0, 0], 0x80);
    let identity = told(ask(bmc.open(), IDENTITY_WITHIN, identity_by));
    let lans = identity.lan.value().expect("a LAN");
    assert_eq!(lans[0].gaps.reason("address"), Some("the BMC does not have this parameter"));
    let no_such = "the BMC refused GET LAN CONFIGURATION PARAMETERS: it has no such command (C1h)";
    assert_eq!(lans[0].gaps.reason("mac"), Some(no_such));
    assert_eq!(identity.frus, seen("READ FRU DATA", vec![]));

    let health = told(ask(bmc.open(), HEALTH_WITHIN, health_by));
    let refused = |command: &str| format!("the BMC refused {command}: it has no such command (C1h)");
    assert_eq!(health.chassis, Observed::absent(refused("GET CHASSIS STATUS")));
    assert_eq!(health.event_log, Observed::absent(refused("GET SEL INFO")));
    assert_eq!(health.sensors, Observed::absent(refused("GET SDR")));
}

#[test]
fn a_bmc_that_sends_few_bytes_at_once_is_asked_for_fewer() {
    let mut script = bmc();
    let large = |request: &Request| match request.command {
        Command::GetSdr => request.data[5] > 12,
        Command::ReadFruData => request.data[3] > 12,
        _ => false,
    };
    for (request, answer) in &mut script.answers {
        if large(request) {
            *answer = vec![0xca];
        }
    }
    for (id, next, record) in [
        (0, 2, full_record(1, 0x01, 1, 1, 0x00, "Inlet Temp")),
        (2, 5, full_record(2, 0x02, 4, 59, 0xd0, "P12V")),
        (5, 9, compact_record(0x10, 0x08, 3, "PS")),
        (9, 0xffff, locator_record(1, "PS1")),
    ] {
        for offset in (5..record.len()).step_by(12) {
            let count = (record.len() - offset).min(12);
            let bytes = [&u16::to_le_bytes(next)[..], &record[offset..offset + count]].concat();
            script.answer(Command::GetSdr, &[7, 0, id, 0, offset as u8, count as u8], &bytes);
        }
    }
    assert_eq!(ask(script.open(), IDENTITY_WITHIN, identity_by), ask(bmc().open(), IDENTITY_WITHIN, identity_by));
    assert_eq!(ask(script.open(), HEALTH_WITHIN, health_by), ask(bmc().open(), HEALTH_WITHIN, health_by));
}

#[test]
fn records_that_do_not_end_are_given_up() {
    let mut bmc = bmc();
    bmc.record(9, 2, &full_record(9, 0x01, 1, 1, 0, "again"));
    let why = "the BMC's answers to GET SDR can't be right: its records do not end";
    assert_eq!(told(ask(bmc.open(), HEALTH_WITHIN, health_by)).sensors, Observed::absent(why));
}

#[test]
fn the_identify_light_is_asked_for() {
    let mut bmc = bmc();
    bmc.answer(Command::ChassisIdentify, &[15], &[]);
    let conversation = || Conversation::new(Box::new(bmc.clone()), IDENTIFY_WITHIN);
    chassis::identify(&mut conversation(), 15).expect("a light");
    let error = chassis::identify(&mut conversation(), 0).expect_err("not scripted").to_string();
    assert_eq!(error, "the BMC refused CHASSIS IDENTIFY: it has no such command (C1h)");
}

#[test]
fn a_host_without_an_interface_says_so() {
    if std::path::Path::new("/dev/ipmi0").exists() {
        return;
    }
    let absent = "no IPMI interface: /dev/ipmi0 is not there";
    assert_eq!(identity(&crate::facts::LiveHost), Observed::absent(absent));
    assert_eq!(health(&crate::facts::LiveHost), Observed::absent(absent));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Any answer cut anywhere, or turned into something else: facts come out, nothing panics, nothing goes on for ever.
    #[test]
    fn broken_answers_do_not_panic(cut in any::<prop::sample::Index>(), bytes: Vec<u8>, at: usize, keep in 0usize..24) {
        let mut script = bmc();
        let count = script.answers.len();
        if let Some(answer) = script.answers.values_mut().nth(cut.index(count)) {
            answer.truncate(keep);
            for (offset, byte) in bytes.iter().enumerate() {
                let length = answer.len().max(1);
                if let Some(place) = answer.get_mut((at.wrapping_add(offset)) % length) {
                    *place ^= byte;
                }
            }
        }
        let _ = ask(script.open(), IDENTITY_WITHIN, identity_by);
        let _ = ask(script.open(), HEALTH_WITHIN, health_by);
    }

    /// A BMC that answers everything with the same bytes.
    #[test]
    fn garbage_does_not_panic(answer in prop::collection::vec(any::<u8>(), 0..40)) {
        #[derive(Clone)]
        struct Parrot(Vec<u8>);
        impl Ipmi for Parrot {
            fn exchange(&mut self, _: &Request) -> Result<Vec<u8>, IpmiError> {
                Ok([&[0], &self.0[..]].concat())
            }
        }
        let conversation = || Conversation::new(Box::new(Parrot(answer.clone())), Duration::from_secs(1));
        let _ = device::read(&mut conversation());
        let _ = lan::read(&mut conversation());
        let records = sdr::read(&mut conversation()).unwrap_or_default();
        let _ = fru::read(&mut conversation(), &records.frus);
        let _ = event_log::read(&mut conversation(), &records.sensors);
        let _ = sensors::read(&mut conversation(), &records.sensors);
        let _ = chassis::read(&mut conversation());
    }
}
