//! What dmidecode prints, as data, and the comparison with it.

use std::{collections::BTreeMap, path::Path};

/// What dmidecode prints for "there is none", "it is not known" and "it makes no sense".
const NOTHING: [&str; 8] =
    ["", "Not Specified", "Unknown", "<BAD INDEX>", "<OUT OF SPEC>", "Not Present", "Not Settable", "Unspecified"];

/// Parts a list's items.
pub const ITEM: &str = " | ";

/// A structure's fields, as dmidecode prints them.
pub type Fields = BTreeMap<String, Option<String>>;

/// Our fields, by dmidecode's names.
pub fn fields<const N: usize>(fields: [(&str, Option<String>); N]) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub fn told(text: &str) -> Option<&str> {
    (!NOTHING.contains(&text)).then_some(text)
}

/// What was compared with dmidecode, and what differs.
pub struct Differences<'a> {
    pub case: &'a Path,
    pub fields: usize,
    pub found: Vec<String>,
}

impl Differences<'_> {
    pub fn compare(&mut self, field: &str, ours: Option<&str>, theirs: Option<&str>) {
        self.fields += 1;
        // A literal "Unknown" of the firmware's, or a name of the specification's, is one of ours.
        let same = ours == theirs || (theirs.is_none() && ours.is_some_and(|ours| told(ours).is_none()));
        if !same && !is_explained(field, ours, theirs) {
            let name = self.case.file_name().unwrap_or_default().to_string_lossy();
            self.found.push(format!("{name}: {field}: ours {ours:?}, dmidecode's {theirs:?}"));
        }
    }

    /// Each structure of a type, field by field: those that we have.
    pub fn compare_ours<T>(&mut self, text: &str, kind: u8, ours: &[T], fields: fn(&T) -> Fields) {
        let theirs = structures(text, kind);
        assert_eq!(ours.len(), theirs.len(), "structures of type {kind} in {}", self.case.display());
        for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            for (field, ours) in fields(ours) {
                let theirs = theirs.get(&field).and_then(|text| told(text));
                self.compare(&format!("type {kind}, {index}, {field}"), ours.as_deref(), theirs);
            }
        }
    }

    /// As above, and every field of dmidecode's is one of ours, or left out for a reason.
    pub fn compare_every<T>(
        &mut self,
        text: &str,
        kind: u8,
        ours: &[T],
        fields: fn(&T) -> Fields,
        left_out: &[(&str, &str)],
    ) {
        self.compare_ours(text, kind, ours, fields);
        for (index, (ours, theirs)) in ours.iter().zip(structures(text, kind)).enumerate() {
            let ours = fields(ours);
            let is_lacking =
                |field: &&String| !ours.contains_key(*field) && left_out.iter().all(|(out, _)| out != field);
            for field in theirs.keys().filter(is_lacking) {
                self.found.push(format!("{}: type {kind}, {index}: we have no {field}", self.case.display()));
            }
        }
    }
}

/// Where we mean to differ.
fn is_explained(field: &str, ours: Option<&str>, theirs: Option<&str>) -> bool {
    match (field.rsplit(", ").next(), ours, theirs) {
        // Bus and device of all ones say that there is no address (DSP0134 §7.10.8); dmidecode wants that of the segment
        // group too, which some firmware leaves at 0.
        (Some("Bus Address"), None, Some(theirs)) => theirs.ends_with(":ff:1f.7"),
        // A PC Card slot's adapter and socket are not the number printed beside it.
        (Some("ID"), None, Some(theirs)) => theirs.starts_with("Adapter "),
        // A structure that ends behind the height: dmidecode prints it only with the number of power cords.
        (Some("Height"), Some(_), None) => field.starts_with("type 3, "),
        _ => false,
    }
}

/// The fields of each structure of a type, in order. The items of a list become one text.
pub fn structures(text: &str, kind: u8) -> Vec<BTreeMap<String, String>> {
    let is_kind = |block: &&str| block.starts_with("Handle") && block.contains(&format!("DMI type {kind},"));
    text.split("\n\n").filter(is_kind).map(structure).collect()
}

fn structure(block: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut list = String::new();
    for line in block.lines().filter_map(|line| line.strip_prefix('\t')) {
        match line.strip_prefix('\t') {
            Some(item) => {
                let items: &mut String = fields.entry(list.clone()).or_default();
                items.push_str(if items.is_empty() { "" } else { ITEM });
                items.push_str(item);
            }
            None => {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                list = name.to_owned();
                fields.insert(list.clone(), value.strip_prefix(' ').unwrap_or(value).to_owned());
            }
        }
    }
    fields
}

pub fn number(value: Option<u32>, unit: &str) -> Option<String> {
    value.map(|value| format!("{value}{unit}"))
}

/// dmidecode's unit: the largest, or the next one where that says more. What is below the unit is lost.
pub fn size(bytes: Option<u64>) -> Option<String> {
    const UNITS: [&str; 7] = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"];
    let bytes = bytes?;
    let largest = bytes.checked_ilog2().map_or(1, |bits| bits / 10);
    let says_more = largest > 0 && (bytes >> (10 * (largest - 1))) & 1023 != 0;
    let unit = if says_more { largest - 1 } else { largest };
    Some(format!("{} {}", bytes >> (10 * unit), UNITS.get(unit as usize)?))
}

pub fn volts(millivolts: Option<u32>) -> Option<String> {
    let millivolts = millivolts?;
    Some(match millivolts % 100 {
        0 => format!("{}.{} V", millivolts / 1000, millivolts % 1000 / 100),
        _ => format!("{} V", format!("{}.{:03}", millivolts / 1000, millivolts % 1000).trim_end_matches('0')),
    })
}

/// A list as dmidecode prints it, `None` for one without items.
pub fn list(items: &[String]) -> Option<String> {
    Some(if items.is_empty() { "None".to_owned() } else { items.join(ITEM) })
}

/// A flag as dmidecode prints it.
pub fn either(flag: Option<bool>, yes: &str, no: &str) -> Option<String> {
    flag.map(|flag| if flag { yes } else { no }.to_owned())
}
