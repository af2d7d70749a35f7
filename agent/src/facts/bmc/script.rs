//! A BMC for tests, by what it answers to each question.

use super::{Command, Ipmi, IpmiError, Request};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

/// A BMC by its answers: the completion code, then the data. What is not scripted is refused as an invalid command.
#[derive(Clone, Default)]
pub(super) struct Script {
    pub(super) answers: BTreeMap<Request, Vec<u8>>,
    /// The command that it never answers.
    pub(super) hangs_at: Option<Command>,
    pub(super) asked: Rc<RefCell<Vec<Command>>>,
}

impl Script {
    pub(super) fn answer(&mut self, command: Command, data: &[u8], answer: &[u8]) {
        self.answers.insert(Request { command, unit: 0, data: data.to_vec() }, [&[0], answer].concat());
    }

    /// The way to it.
    pub(super) fn open(&self) -> Result<Box<dyn Ipmi>, IpmiError> {
        Ok(Box::new(self.clone()))
    }

    /// A refusal.
    pub(super) fn refuse(&mut self, command: Command, data: &[u8], code: u8) {
        self.answers.insert(Request { command, unit: 0, data: data.to_vec() }, vec![code]);
    }

    /// A record of the repository, to be fetched whole, or as its header and parts of 24 bytes.
    pub(super) fn record(&mut self, id: u16, next: u16, record: &[u8]) {
        let [low, high] = id.to_le_bytes();
        let mut part = |offset: usize, count: usize| {
            let bytes = [&next.to_le_bytes()[..], &record[offset..offset + count]].concat();
            self.answer(Command::GetSdr, &[7, 0, low, high, offset as u8, count as u8], &bytes);
        };
        part(0, 5);
        for offset in (5..record.len()).step_by(24) {
            part(offset, (record.len() - offset).min(24));
        }
        let whole = [&next.to_le_bytes()[..], record].concat();
        self.answer(Command::GetSdr, &[7, 0, low, high, 0, 0xff], &whole);
    }

    /// What a FRU's storage holds, whatever part is asked for.
    pub(super) fn fru(&mut self, id: u8, storage: &[u8]) {
        self.answer(Command::GetFruArea, &[id], &[&(storage.len() as u16).to_le_bytes()[..], &[0]].concat());
        for offset in 0..storage.len() {
            for count in 1..=128.min(storage.len() - offset) {
                let data = [id, offset as u8, (offset >> 8) as u8, count as u8];
                self.answer(Command::ReadFruData, &data, &[&[count as u8], &storage[offset..offset + count]].concat());
            }
        }
    }
}

impl Ipmi for Script {
    fn exchange(&mut self, request: &Request) -> Result<Vec<u8>, IpmiError> {
        self.asked.borrow_mut().push(request.command);
        if self.hangs_at == Some(request.command) {
            return Err(IpmiError::Silent { command: request.command, within: Duration::from_secs(2) });
        }
        Ok(self.answers.get(request).cloned().unwrap_or_else(|| vec![0xc1]))
    }
}

/// A record's beginning and its sensor's: owner, unit, number, entity, type and reading type, units, name.
fn sensor_record(
    kind: u8,
    number: u8,
    sensor_type: u8,
    reading_type: u8,
    units: &[u8; 3],
    rest: &[u8],
    name: &str,
) -> Vec<u8> {
    let mut record =
        vec![0, 0, 0x51, kind, 0, 0x20, 0, number, 3, 1, 0, 0, sensor_type, reading_type, 0, 0, 0, 0, 0, 0];
    record.extend_from_slice(units);
    record.extend_from_slice(rest);
    record.push(0xc0 | name.len() as u8);
    record.extend_from_slice(name.as_bytes());
    record[4] = (record.len() - 5) as u8;
    record
}

/// A full record of a linear sensor: y = M·x·10^K2.
pub(super) fn full_record(number: u8, sensor_type: u8, unit: u8, m: u8, exponents: u8, name: &str) -> Vec<u8> {
    let mut rest = [0; 24];
    (rest[1], rest[6]) = (m, exponents);
    sensor_record(0x01, number, sensor_type, 0x01, &[0, unit, 0], &rest, name)
}

/// A compact record for `count` sensors.
pub(super) fn compact_record(number: u8, sensor_type: u8, count: u8, name: &str) -> Vec<u8> {
    let mut rest = [0; 8];
    (rest[0], rest[1]) = (count, 1);
    sensor_record(0x02, number, sensor_type, 0x6f, &[0xc0, 0, 0], &rest, name)
}

/// A FRU's locator record.
pub(super) fn locator_record(id: u8, name: &str) -> Vec<u8> {
    let mut record = vec![0, 0, 0x51, 0x11, 0, 0x20, id, 0x80, 0, 0, 0x10, 0, 10, 1, 0, 0xc0 | name.len() as u8];
    record.extend_from_slice(name.as_bytes());
    record[4] = (record.len() - 5) as u8;
    record
}
