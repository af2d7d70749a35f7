//! Real SMBIOS tables, compared field by field with what dmidecode says of them.

mod corpus;

use pious_agent::decode;
use pious_protocol::facts::{MemoryArray, MemoryDevice, Processor, Smbios};
use std::{collections::BTreeMap, fs, path::Path};

/// What dmidecode prints for "there is none", "it is not known" and "it makes no sense".
const NOTHING: [&str; 7] =
    ["", "Not Specified", "Unknown", "<BAD INDEX>", "<OUT OF SPEC>", "Not Present", "Not Settable"];

fn told(text: &str) -> Option<&str> {
    (!NOTHING.contains(&text)).then_some(text)
}

fn decoded(file: &Path) -> Smbios {
    let output = decode::smbios(file);
    assert!(output.error.is_none(), "{}: {:?}", file.display(), output.error);
    serde_json::from_str(&output.text).expect("one JSON document")
}

#[test]
fn tables_agree_with_dmidecode() {
    let Some(folder) = corpus::folder("smbios") else { return };
    let (mut tables, mut fields) = (0, 0);
    for case in corpus::entries(&folder) {
        let smbios = decoded(&case.join("dump.bin"));
        assert_eq!(decoded(&case.join("DMI")), smbios, "{}: the dump and the pair differ", case.display());
        let mut differences = Differences { case: &case, fields: 0, found: vec![] };
        compare_keywords(&smbios, &corpus::json(&case.join("keywords.json")), &mut differences);
        let text = fs::read_to_string(case.join("dmidecode.txt")).expect("dmidecode.txt");
        compare_structures(&smbios, &text, &mut differences);
        assert!(differences.found.is_empty(), "{}:\n{}", case.display(), differences.found.join("\n"));
        tables += 1;
        fields += differences.fields;
    }
    corpus::say(&format!("smbios: {tables} tables, {fields} fields as dmidecode has them"));
    assert!(tables > 0 && fields > tables * 20, "the corpus in {} is empty", folder.display());
}

struct Differences<'a> {
    case: &'a Path,
    fields: usize,
    found: Vec<String>,
}

impl Differences<'_> {
    fn compare(&mut self, field: &str, ours: Option<&str>, theirs: Option<&str>) {
        self.fields += 1;
        // A literal "Unknown" of the firmware's, or a name of the specification's, is one of ours.
        let same = ours == theirs || (theirs.is_none() && ours.is_some_and(|ours| told(ours).is_none()));
        if !same {
            let name = self.case.file_name().unwrap_or_default().to_string_lossy();
            self.found.push(format!("{name}: {field}: ours {ours:?}, dmidecode's {theirs:?}"));
        }
    }
}

fn compare_keywords(smbios: &Smbios, keywords: &serde_json::Value, differences: &mut Differences<'_>) {
    let theirs = |keyword: &str| -> Vec<String> {
        let values = keywords[keyword].as_array().unwrap_or_else(|| panic!("no {keyword}"));
        values.iter().map(|value| value.as_str().expect("text").to_owned()).collect()
    };
    let mut each = |keyword: &str, ours: Vec<Option<String>>| {
        let theirs = theirs(keyword);
        let theirs = if ours.is_empty() && theirs == [""] { vec![] } else { theirs };
        assert_eq!(ours.len(), theirs.len(), "{keyword}: {ours:?} {theirs:?}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            differences.compare(keyword, ours.as_deref(), told(theirs));
        }
    };
    let bios = smbios.bios.clone().unwrap_or_default();
    each("bios-vendor", vec![bios.vendor]);
    each("bios-version", vec![bios.version]);
    each("bios-release-date", vec![bios.release_date]);
    let system = smbios.system.clone().unwrap_or_default();
    each("system-manufacturer", vec![system.manufacturer]);
    each("system-product-name", vec![system.product]);
    each("system-version", vec![system.version]);
    each("system-serial-number", vec![system.serial]);
    each("system-uuid", vec![system.uuid.map(|uuid| uuid.to_string())]);
    each("system-sku-number", vec![system.sku]);
    each("system-family", vec![system.family]);
    let boards = &smbios.baseboards;
    each("baseboard-manufacturer", boards.iter().map(|b| b.manufacturer.clone()).collect());
    each("baseboard-product-name", boards.iter().map(|b| b.product.clone()).collect());
    each("baseboard-version", boards.iter().map(|b| b.version.clone()).collect());
    each("baseboard-serial-number", boards.iter().map(|b| b.serial.clone()).collect());
    each("baseboard-asset-tag", boards.iter().map(|b| b.asset_tag.clone()).collect());
    let chassis = &smbios.chassis;
    each("chassis-manufacturer", chassis.iter().map(|c| c.manufacturer.clone()).collect());
    each("chassis-type", chassis.iter().map(|c| c.kind.clone()).collect());
    each("chassis-version", chassis.iter().map(|c| c.version.clone()).collect());
    each("chassis-serial-number", chassis.iter().map(|c| c.serial.clone()).collect());
    each("chassis-asset-tag", chassis.iter().map(|c| c.asset_tag.clone()).collect());
    each("processor-manufacturer", smbios.processors.iter().map(|p| p.manufacturer.clone()).collect());
    each("processor-version", smbios.processors.iter().map(|p| p.version.clone()).collect());
}

fn compare_structures(smbios: &Smbios, text: &str, differences: &mut Differences<'_>) {
    let version = text.lines().find_map(|line| line.strip_prefix("SMBIOS ")?.strip_suffix(" present."));
    differences.compare("version", Some(&smbios.version), version);
    compare_all(text, 4, &smbios.processors, processor, differences);
    compare_all(text, 16, &smbios.memory_arrays, memory_array, differences);
    compare_all(text, 17, &smbios.memory_devices, memory_device, differences);
}

/// A structure's fields, as dmidecode prints them.
type Fields<'a> = BTreeMap<&'a str, Option<String>>;

fn compare_all<T>(
    text: &str,
    kind: u8,
    ours: &[T],
    fields: fn(&T) -> Fields<'static>,
    differences: &mut Differences<'_>,
) {
    let theirs = structures(text, kind);
    assert_eq!(ours.len(), theirs.len(), "structures of type {kind} in {}", differences.case.display());
    for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        for (field, ours) in fields(ours) {
            let theirs = theirs.get(field).and_then(|text| told(text));
            differences.compare(&format!("type {kind}, {index}, {field}"), ours.as_deref(), theirs);
        }
    }
}

/// The fields of each structure of a type, in order; lists below a field are left out.
fn structures(text: &str, kind: u8) -> Vec<BTreeMap<&str, &str>> {
    let is_kind = |block: &&str| block.starts_with("Handle") && block.contains(&format!("DMI type {kind},"));
    text.split("\n\n")
        .filter(is_kind)
        .map(|block| {
            let lines = block.lines().filter_map(|line| line.strip_prefix('\t'));
            lines.filter(|line| !line.starts_with('\t')).filter_map(|line| line.split_once(": ")).collect()
        })
        .collect()
}

fn number(value: Option<u32>, unit: &str) -> Option<String> {
    value.map(|value| format!("{value}{unit}"))
}

/// dmidecode's largest unit that leaves a whole number.
fn size(bytes: Option<u64>) -> Option<String> {
    let bytes = bytes?;
    let units = [("TB", 40), ("GB", 30), ("MB", 20), ("kB", 10)];
    let fits = units.iter().find(|(_, shift)| bytes >> shift != 0 && bytes % (1 << shift) == 0);
    Some(fits.map_or_else(|| format!("{bytes} bytes"), |(unit, shift)| format!("{} {unit}", bytes >> shift)))
}

fn processor(processor: &Processor) -> Fields<'static> {
    BTreeMap::from([
        ("Socket Designation", processor.socket.clone()),
        ("Manufacturer", processor.manufacturer.clone()),
        ("Version", processor.version.clone()),
        ("Serial Number", processor.serial.clone()),
        ("Max Speed", number(processor.max_speed_mhz, " MHz")),
        ("Core Count", number(processor.cores, "")),
        ("Core Enabled", number(processor.cores_enabled, "")),
        ("Thread Count", number(processor.threads, "")),
    ])
}

fn memory_array(array: &MemoryArray) -> Fields<'static> {
    BTreeMap::from([
        ("Location", array.location.clone()),
        ("Use", array.usage.clone()),
        ("Error Correction Type", array.error_correction.clone()),
        ("Maximum Capacity", size(array.max_capacity_bytes)),
        ("Number Of Devices", number(array.slots, "")),
    ])
}

fn memory_device(device: &MemoryDevice) -> Fields<'static> {
    BTreeMap::from([
        ("Locator", device.locator.clone()),
        ("Bank Locator", device.bank.clone()),
        ("Size", if device.populated { size(device.size_bytes) } else { Some("No Module Installed".into()) }),
        ("Form Factor", device.form_factor.clone()),
        ("Type", device.kind.clone()),
        ("Speed", number(device.speed_mts, " MT/s")),
        ("Configured Memory Speed", number(device.configured_speed_mts, " MT/s")),
        ("Manufacturer", device.manufacturer.clone()),
        ("Serial Number", device.serial.clone()),
        ("Asset Tag", device.asset_tag.clone()),
        ("Part Number", device.part_number.clone()),
        ("Rank", number(device.rank, "")),
    ])
}

#[test]
fn populated_sockets_agree_with_dmidecode() {
    let Some(folder) = corpus::folder("smbios") else { return };
    for case in corpus::entries(&folder) {
        let text = fs::read_to_string(case.join("dmidecode.txt")).expect("dmidecode.txt");
        let status = |fields: BTreeMap<&str, &str>| fields.get("Status").is_some_and(|s| s.starts_with("Populated"));
        let theirs: Vec<bool> = structures(&text, 4).into_iter().map(status).collect();
        let ours = decoded(&case.join("dump.bin")).processors;
        assert_eq!(ours.iter().map(|p| p.populated).collect::<Vec<_>>(), theirs, "{}", case.display());
    }
}

#[test]
fn tables_cut_or_changed_anywhere_never_panic() {
    let Some(folder) = corpus::folder("smbios") else { return };
    let mut runs = 0_u64;
    for case in corpus::entries(&folder) {
        let dump = fs::read(case.join("dump.bin")).expect("dump.bin");
        for cut in 0..dump.len() {
            let _ = pious_agent::facts::smbios::decode_dump(dump.get(..cut).unwrap_or_default());
        }
        // A fixed walk over positions and values: the same in every run.
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..500 {
            let mut changed = dump.clone();
            for _ in 0..8 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = 0x20 + (seed >> 33) as usize % changed.len().saturating_sub(0x20).max(1);
                if let Some(byte) = changed.get_mut(at) {
                    *byte = (seed >> 24) as u8;
                }
            }
            let _ = pious_agent::facts::smbios::decode_dump(&changed);
        }
        runs += dump.len() as u64 + 500;
    }
    corpus::say(&format!("smbios: {runs} cut or changed tables, no panic"));
}
