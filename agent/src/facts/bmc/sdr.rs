//! The sensor data records: which sensors and FRUs a BMC has (IPMI 2.0 §33, §43). Fetched in parts; decoding is pure.

use super::{
    command::Command,
    conversation::{Conversation, first},
    error::{Completion, IpmiError},
    formula::Formula,
    text,
};

/// The largest machines have some hundreds of records; a repository that goes on and on is broken.
const MAX_RECORDS: usize = 1024;

/// What asks for a whole record, whatever its length: §33.12. An answer costs a processor that waits for KCS about the
/// same whether it is short or long, and most BMCs have one for this.
const WHOLE: u8 = 0xff;

/// For the others: as many bytes at once as any system interface carries with the answer's headers (§9).
const READ_BYTES: u8 = 24;

/// How often somebody else may change the repository while it is read.
const MAX_RESERVATIONS: usize = 8;

/// Record ids of the first record and behind the last one: §33.12.
const FIRST: u16 = 0;
const LAST: u16 = 0xffff;

/// Every record begins with its id, the standard's version, its type, and the length of what follows: §43.
const HEADER_BYTES: u8 = 5;

/// What PIOUS makes use of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Records {
    /// Sensors, in the order of the records.
    pub(super) sensors: Vec<SensorRecord>,
    /// FRUs with a record of their own behind the BMC.
    pub(super) frus: Vec<FruLocator>,
}

/// A sensor: a full (§43.1) or compact (§43.2) record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SensorRecord {
    /// The controller that has it: an IPMB address, or a piece of software where bit 0 is set.
    pub(super) owner: u8,
    /// The owner's logical unit.
    pub(super) unit: u8,
    /// Its number there.
    pub(super) number: u8,
    /// Table 42-3.
    pub(super) sensor_type: u8,
    /// Table 42-1: 01h has limits, 02h to 0Ch and 6Fh states.
    pub(super) reading_type: u8,
    /// What it is called.
    pub(super) name: String,
    /// How its reading becomes a number; `None` for one that has states only.
    pub(super) formula: Option<Formula>,
}

/// A FRU that the BMC can be asked for: §43.8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FruLocator {
    /// Its FRU device id.
    pub(super) id: u8,
    /// What it is called.
    pub(super) name: Option<String>,
}

/// Which records: the repository, or those of the BMC itself where it has no repository.
#[derive(Clone, Copy)]
struct Source {
    reserve: Command,
    get: Command,
}

const REPOSITORY: Source = Source { reserve: Command::ReserveSdr, get: Command::GetSdr };
const DEVICE: Source = Source { reserve: Command::ReserveDeviceSdr, get: Command::GetDeviceSdr };

/// The BMC's address: §5.5. Sensors and FRUs of other controllers would have to be asked for over the IPMB.
pub(super) const BMC_ADDRESS: u8 = 0x20;

pub(super) fn read(bmc: &mut Conversation) -> Result<Records, IpmiError> {
    let no_repository = match walk(bmc, REPOSITORY) {
        Err(error @ IpmiError::Refused(_, Completion::INVALID_COMMAND)) => error,
        other => return other,
    };
    match walk(bmc, DEVICE) {
        Err(IpmiError::Refused(_, Completion::INVALID_COMMAND)) => Err(no_repository),
        other => other,
    }
}

fn walk(bmc: &mut Conversation, source: Source) -> Result<Records, IpmiError> {
    let mut records = Records::default();
    let mut fetch = Fetch { source, reservation: [0; 2], reservations: 0, begins_with: WHOLE, at_once: READ_BYTES };
    fetch.reserve(bmc)?;
    let mut id = FIRST;
    for _ in 0..MAX_RECORDS {
        let (next, record) = match fetch.record(bmc, id) {
            Ok(fetched) => fetched,
            // A repository without records.
            Err(IpmiError::Refused(_, Completion::NOT_PRESENT)) if id == FIRST => return Ok(records),
            Err(error) => return Err(error),
        };
        records.take(&record);
        if next == LAST {
            return Ok(records);
        }
        id = next;
    }
    Err(IpmiError::Nonsense(source.get, "its records do not end"))
}

struct Fetch {
    source: Source,
    reservation: [u8; 2],
    reservations: usize,
    /// How many bytes of a record are asked for first: all, or its header.
    begins_with: u8,
    at_once: u8,
}

impl Fetch {
    fn reserve(&mut self, bmc: &mut Conversation) -> Result<(), IpmiError> {
        self.reservations += 1;
        if self.reservations > MAX_RESERVATIONS {
            return Err(IpmiError::Nonsense(self.source.reserve, "somebody changes the records all the time"));
        }
        self.reservation = match bmc.ask(self.source.reserve, &[]) {
            Ok(answer) => first::<2>(self.source.reserve, &answer)?,
            // Optional: who has none, takes 0 for whole records and parts of them. IPMI 2.0 §33.11.
            Err(IpmiError::Refused(_, Completion::INVALID_COMMAND)) => [0; 2],
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// A record, and the id of the next one.
    fn record(&mut self, bmc: &mut Conversation, id: u16) -> Result<(u16, Vec<u8>), IpmiError> {
        loop {
            match self.parts(bmc, id) {
                Err(IpmiError::Refused(_, Completion::RESERVATION_LOST)) => self.reserve(bmc)?,
                other => return other,
            }
        }
    }

    fn parts(&mut self, bmc: &mut Conversation, id: u16) -> Result<(u16, Vec<u8>), IpmiError> {
        let command = self.source.get;
        let (next, mut record) = match self.part(bmc, id, 0, self.begins_with) {
            Err(IpmiError::Refused(_, code)) if code.wants_fewer_bytes() && self.begins_with == WHOLE => {
                self.begins_with = HEADER_BYTES;
                self.part(bmc, id, 0, HEADER_BYTES)?
            }
            other => other?,
        };
        let [_, _, _, _, length] = first::<{ HEADER_BYTES as usize }>(command, &record)?;
        let end = usize::from(HEADER_BYTES) + usize::from(length);
        record.truncate(end);
        while record.len() < end {
            let wanted = (end - record.len()).min(usize::from(self.at_once)) as u8;
            // A record of 255 bytes ends where offsets end: the last part begins before that.
            let Ok(offset) = u8::try_from(record.len()) else { break };
            match self.part(bmc, id, offset, wanted) {
                Ok((_, part)) if part.is_empty() => {
                    return Err(IpmiError::Nonsense(command, "no bytes where there must be some"));
                }
                Ok((_, part)) => record.extend_from_slice(part.get(..usize::from(wanted)).unwrap_or(&part)),
                Err(IpmiError::Refused(_, code)) if code.wants_fewer_bytes() && self.at_once > 2 => self.at_once /= 2,
                Err(error) => return Err(error),
            }
        }
        Ok((next, record))
    }

    fn part(&self, bmc: &mut Conversation, id: u16, offset: u8, count: u8) -> Result<(u16, Vec<u8>), IpmiError> {
        let [reservation_low, reservation_high] = self.reservation;
        let [id_low, id_high] = id.to_le_bytes();
        let data = [reservation_low, reservation_high, id_low, id_high, offset, count];
        let answer = bmc.ask(self.source.get, &data)?;
        let next = u16::from_le_bytes(first::<2>(self.source.get, &answer)?);
        Ok((next, answer.get(2..).unwrap_or_default().to_vec()))
    }
}

impl Records {
    /// Keeps what a record says; one of another type, or cut short, says nothing.
    fn take(&mut self, record: &[u8]) {
        const FULL: u8 = 0x01;
        const COMPACT: u8 = 0x02;
        const FRU_LOCATOR: u8 = 0x11;
        match record.get(3) {
            Some(&FULL) => self.sensors.extend(full(record)),
            Some(&COMPACT) => self.sensors.extend(compact(record).into_iter().flatten()),
            Some(&FRU_LOCATOR) => self.frus.extend(fru_locator(record)),
            Some(_) | None => {}
        }
    }
}

/// Threshold sensors: table 42-1.
pub(super) const HAS_LIMITS: u8 = 0x01;

fn full(record: &[u8]) -> Option<SensorRecord> {
    let sensor = sensor(record, name(record, 47))?;
    let formula = (sensor.reading_type == HAS_LIMITS).then(|| Formula::decode(record)).flatten();
    Some(SensorRecord { formula, ..sensor })
}

/// One record may stand for several sensors whose numbers follow each other: their names end in a number or a letter.
fn compact(record: &[u8]) -> Option<Vec<SensorRecord>> {
    let (&sharing, &modifier) = (record.get(23)?, record.get(24)?);
    let name = name(record, 31);
    let sensor = sensor(record, name.clone())?;
    let count = sharing & 0x0f;
    if count < 2 {
        return Some(vec![sensor]);
    }
    let shared = (0..count).map_while(|at| {
        let suffix = (modifier & 0x7f).checked_add(at)?;
        let suffix = match sharing >> 4 & 0b11 {
            1 => char::from(b'A' + suffix % 26).to_string(),
            _ => suffix.to_string(),
        };
        let name = format!("{}{suffix}", name.as_deref().unwrap_or_default());
        Some(SensorRecord { number: sensor.number.checked_add(at)?, name, ..sensor.clone() })
    });
    Some(shared.collect())
}

/// What both kinds of records begin with.
fn sensor(record: &[u8], name: Option<String>) -> Option<SensorRecord> {
    let &[owner, unit, number, _, _, _, _, sensor_type, reading_type] = record.get(5..14)?.first_chunk()?;
    Some(SensorRecord {
        owner,
        unit: unit & 0b11,
        number,
        sensor_type,
        reading_type: reading_type & 0x7f,
        name: name.unwrap_or_else(|| format!("sensor {number:02X}h")),
        formula: None,
    })
}

fn fru_locator(record: &[u8]) -> Option<FruLocator> {
    let &[address, id, access] = record.get(5..8)?.first_chunk()?;
    let is_logical = access & 0x80 != 0;
    // The others are chips on a bus, to be read byte by byte, or another controller's.
    (is_logical && address == BMC_ADDRESS).then(|| FruLocator { id, name: name(record, 15) })
}

/// A name, whose type and length byte is at an index.
fn name(record: &[u8], at: usize) -> Option<String> {
    let type_length = record.get(at)?;
    let bytes = record.get(at + 1..).unwrap_or_default();
    // A name that is cut off is better than none.
    text::decode(type_length >> 6, bytes.get(..usize::from(type_length & 0x1f)).unwrap_or(bytes))
}
