//! Reading one structure: its numbers, strings and named values, and what is wrong with them.
//!
//! A field that lies beyond a structure's own length is one that its version did not have: `None`. A value that the
//! specification does not define is `None` too, and a problem.

use super::{
    entry::Version,
    names::{self, Names},
};
use smbioslib::UndefinedStruct;

/// One structure, the version that its table follows, and where to complain.
pub(super) struct Reader<'a> {
    pub structure: &'a UndefinedStruct,
    pub version: Version,
    pub problems: &'a mut Vec<String>,
}

impl Reader<'_> {
    pub fn problem(&mut self, what: &str) {
        let header = &self.structure.header;
        self.problems.push(format!("structure {:#06x} (type {}): {what}", *header.handle(), header.struct_type()));
    }

    pub fn has_bytes(&self, length: usize) -> bool {
        self.structure.fields.len() >= length
    }

    pub fn byte(&self, offset: usize) -> Option<u8> {
        self.structure.get_field_byte(offset)
    }

    pub fn word(&self, offset: usize) -> Option<u16> {
        self.structure.get_field_word(offset)
    }

    /// A word that is a number, 0 for "not known".
    pub fn known_word(&self, offset: usize) -> Option<u32> {
        self.word(offset).filter(|&value| value != 0).map(u32::from)
    }

    pub fn dword(&self, offset: usize) -> Option<u32> {
        self.structure.get_field_dword(offset)
    }

    pub fn qword(&self, offset: usize) -> Option<u64> {
        self.structure.get_field_qword(offset)
    }

    /// The string that the byte at `offset` numbers.
    pub fn string(&mut self, offset: usize) -> Option<String> {
        let number = self.byte(offset).filter(|&number| number != 0)?;
        let string = self.string_number(number.into());
        if string.is_none() {
            self.problem(&format!("the field at {offset:#04x} names string {number}, which is not there"));
        }
        string
    }

    /// A string by its number, from 1 on. smbios-lib's own look-up would read on behind an empty string, which ends the
    /// set (§6.1.3), and can't tell a wrong number from a field that is not there.
    pub fn string_number(&self, number: usize) -> Option<String> {
        let mut strings = self.structure.strings.iter().take_while(|string| !string.is_empty());
        strings.nth(number.checked_sub(1)?).map(|bytes| printable(bytes))
    }

    /// The name of the byte at `offset`.
    pub fn name(&mut self, offset: usize, field: &str, names: Names) -> Option<String> {
        let value = self.byte(offset)?;
        self.name_of(value, field, names)
    }

    /// The name of a value that is a part of a byte or word.
    pub fn name_of(&mut self, value: u8, field: &str, names: Names) -> Option<String> {
        if let Some(name) = names(value) {
            return Some(name.to_owned());
        }
        self.problem(&format!("the {field} {value:#04x} is not in the specification"));
        None
    }

    /// The names of the bits of the word at `offset`; none where there is no such field.
    pub fn flags(&self, offset: usize, bits: &'static str) -> Vec<String> {
        self.word(offset).map(|value| names::of_bits(bits, value.into())).unwrap_or_default()
    }

    /// A PCI function, from its segment group (word), bus, and device and function in one byte (§7.10.8), as sysfs
    /// writes it. A bus and a device of all ones say that there is none, whatever the segment: some firmware leaves that
    /// at 0, and smbios-lib takes 0x00ff for the segment of "none".
    pub fn pci_address(&self, offset: usize) -> Option<String> {
        let (segment, bus, device) = (self.word(offset)?, self.byte(offset + 2)?, self.byte(offset + 3)?);
        let is_there = (bus, device) != (0xff, 0xff);
        is_there.then(|| format!("{segment:04x}:{bus:02x}:{:02x}.{}", device >> 3, device & 0b111))
    }
}

/// As the firmware wrote it: UTF-8 since 3.5 (§6.1.3), and before that, ASCII. What is neither, or would act on a
/// terminal, becomes a dot, as in dmidecode's output.
pub(super) fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.extend(chunk.valid().chars().map(|c| if c.is_control() { '.' } else { c }));
        text.extend(chunk.invalid().iter().map(|_| '.'));
    }
    text
}
