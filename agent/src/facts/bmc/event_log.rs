//! The system event log: how full it is, and its latest entries (IPMI 2.0 §31, §32).

use super::{
    command::Command,
    conversation::{Conversation, first},
    error::{Completion, IpmiError},
    hex,
    sdr::SensorRecord,
    words,
};
use pious_protocol::facts::{EventLog, EventLogEntry};

/// How many of the latest entries are told: more than an engineer reads, and few enough to be read over a slow
/// interface.
const LATEST: u16 = 32;

/// The record id that means the newest entry, and the one that follows it: §31.5.
const NEWEST: u16 = 0xffff;

pub(super) fn read(bmc: &mut Conversation, sensors: &[SensorRecord]) -> Result<EventLog, IpmiError> {
    let mut log = summary(&bmc.ask(Command::GetSelInfo, &[])?)?;
    if log.entries > 0 {
        log.latest = latest(bmc)?.iter().filter_map(|record| entry(record, sensors)).collect();
    }
    Ok(log)
}

fn summary(answer: &[u8]) -> Result<EventLog, IpmiError> {
    let answer = first::<14>(Command::GetSelInfo, answer)?;
    let [_, entries_low, entries_high, free_low, free_high, .., support] = answer;
    let free = u16::from_le_bytes([free_low, free_high]);
    Ok(EventLog {
        entries: u16::from_le_bytes([entries_low, entries_high]).into(),
        // FFFFh: 65535 or more.
        free_bytes: Some(free.into()),
        overflowed: support & 0x80 != 0,
        latest: Vec::new(),
    })
}

/// The latest records, the oldest of them first. Entries can be followed forwards only; their ids nearly always count up
/// by one, so the walk begins that far before the newest, or at the first after it that is there.
fn latest(bmc: &mut Conversation) -> Result<Vec<Vec<u8>>, IpmiError> {
    let (_, newest) = match get(bmc, NEWEST) {
        // Somebody cleared it just now.
        Err(IpmiError::Refused(_, Completion::NOT_PRESENT)) => return Ok(Vec::new()),
        other => other?,
    };
    let Some(newest_id) = id(&newest) else { return Ok(vec![newest]) };
    let mut records = Vec::new();
    let mut at = newest_id.saturating_sub(LATEST - 1).max(1);
    for _ in 0..LATEST {
        if at == newest_id {
            break;
        }
        match get(bmc, at) {
            Ok((next, record)) => {
                records.push(record);
                at = next;
            }
            Err(IpmiError::Refused(..)) if records.is_empty() => at += 1,
            // One that was deleted meanwhile: what was read is the latest all the same.
            Err(IpmiError::Refused(..)) => break,
            Err(error) => return Err(error),
        }
        if at == NEWEST {
            return Ok(records);
        }
    }
    records.push(newest);
    Ok(records)
}

/// A record, and the id of the next one.
fn get(bmc: &mut Conversation, id: u16) -> Result<(u16, Vec<u8>), IpmiError> {
    let [low, high] = id.to_le_bytes();
    // Without a reservation, from its first byte, the whole record.
    let answer = bmc.ask(Command::GetSelEntry, &[0, 0, low, high, 0, 0xff])?;
    let next = u16::from_le_bytes(first::<2>(Command::GetSelEntry, &answer)?);
    Ok((next, answer.get(2..).unwrap_or_default().to_vec()))
}

fn id(record: &[u8]) -> Option<u16> {
    record.first_chunk().copied().map(u16::from_le_bytes)
}

/// Record types: §32. An event, a maker's own with a time, a maker's own without.
const EVENT: u8 = 0x02;
const OEM_WITH_TIME: std::ops::RangeInclusive<u8> = 0xc0..=0xdf;

/// Up to this, a time counts from the BMC's start, not from 1970; and this is none: §37.
const SINCE_START: u32 = 0x2000_0000;
const NO_TIME: u32 = 0xffff_ffff;

fn entry(record: &[u8], sensors: &[SensorRecord]) -> Option<EventLogEntry> {
    let &[id_low, id_high, record_type, t0, t1, t2, t3, rest @ ..] = record.first_chunk::<16>()?;
    let rest: [u8; 9] = rest;
    let time = u32::from_le_bytes([t0, t1, t2, t3]);
    let at = (time > SINCE_START && time != NO_TIME).then_some(time.into());
    let id = u16::from_le_bytes([id_low, id_high]);
    Some(match record_type {
        EVENT => event(id, at, rest, sensors),
        of_a_maker => EventLogEntry {
            id,
            at_unix_s: at.filter(|_| OEM_WITH_TIME.contains(&of_a_maker)),
            sensor: format!("record type {of_a_maker:02X}h"),
            event: hex(record.get(3..16)?),
            asserted: true,
            ..EventLogEntry::default()
        },
    })
}

fn event(id: u16, at_unix_s: Option<u64>, rest: [u8; 9], sensors: &[SensorRecord]) -> EventLogEntry {
    let [generator, unit, _, sensor_type, sensor_number, event_type, data, _, _] = rest;
    let (asserted, event_type) = (event_type & 0x80 == 0, event_type & 0x7f);
    let state = data & 0x0f;
    let is_its_sensor =
        |sensor: &&SensorRecord| (sensor.owner, sensor.unit, sensor.number) == (generator, unit & 0b11, sensor_number);
    EventLogEntry {
        id,
        at_unix_s,
        sensor: words::sensor_type(sensor_type),
        sensor_number,
        name: sensors.iter().find(is_its_sensor).map(|sensor| sensor.name.clone()),
        event: words::state(sensor_type, event_type, state),
        asserted,
        critical: asserted && words::is_critical(sensor_type, event_type, state),
    }
}
