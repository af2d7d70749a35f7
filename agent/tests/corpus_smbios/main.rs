//! Real SMBIOS tables, compared field by field with what dmidecode says of them.

#[path = "../corpus/mod.rs"]
mod corpus;
mod dmidecode;
mod machine;
mod parts;

use dmidecode::{Differences, structures, told};
use pious_agent::decode;
use pious_protocol::facts::Smbios;
use std::{fs, path::Path};

fn decoded(file: &Path) -> Smbios {
    let output = decode::smbios(file);
    assert!(output.error.is_none(), "{}: {:?}", file.display(), output.error);
    serde_json::from_str(&output.text).expect("one JSON document")
}

#[test]
fn tables_agree_with_dmidecode() {
    let Some(folder) = corpus::folder("smbios") else { return };
    let (mut tables, mut fields, mut found) = (0, 0, vec![]);
    for case in corpus::entries(&folder) {
        let smbios = decoded(&case.join("dump.bin"));
        assert_eq!(decoded(&case.join("DMI")), smbios, "{}: the dump and the pair differ", case.display());
        let mut differences = Differences { case: &case, fields: 0, found: vec![] };
        compare_keywords(&smbios, &corpus::json(&case.join("keywords.json")), &mut differences);
        let text = fs::read_to_string(case.join("dmidecode.txt")).expect("dmidecode.txt");
        compare_structures(&smbios, &text, &mut differences);
        found.extend(differences.found);
        tables += 1;
        fields += differences.fields;
    }
    assert!(found.is_empty(), "{} of {fields} fields differ:\n{}", found.len(), found.join("\n"));
    corpus::say(&format!("smbios: {tables} tables, {fields} fields as dmidecode has them"));
    assert!(tables > 0 && fields > tables * 100, "the corpus in {} is empty", folder.display());
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
    differences.compare_ours(text, 0, smbios.bios.as_slice(), machine::bios);
    differences.compare_ours(text, 1, smbios.system.as_slice(), machine::system);
    differences.compare_ours(text, 2, &smbios.baseboards, machine::baseboard);
    differences.compare_ours(text, 3, &smbios.chassis, machine::chassis);
    differences.compare_ours(text, 4, &smbios.processors, machine::processor);
    differences.compare_ours(text, 16, &smbios.memory_arrays, machine::memory_array);
    differences.compare_ours(text, 17, &smbios.memory_devices, machine::memory_device);
    differences.compare_every(text, 7, &smbios.caches, parts::cache, &parts::CACHE_LEFT_OUT);
    differences.compare_every(text, 8, &smbios.ports, parts::port, &[]);
    differences.compare_every(text, 9, &smbios.slots, parts::slot, &[]);
    differences.compare_every(text, 19, &smbios.mapped_ranges, parts::mapped_range, &parts::RANGE_LEFT_OUT);
    differences.compare_every(text, 38, smbios.ipmi.as_slice(), parts::ipmi, &parts::IPMI_LEFT_OUT);
    differences.compare_every(text, 39, &smbios.power_supplies, parts::power_supply, &parts::SUPPLY_LEFT_OUT);
    differences.compare_every(text, 41, &smbios.onboard_devices, parts::onboard_device, &[]);
    compare_rest(smbios, text, differences);
}

/// What is no structure's field by itself.
fn compare_rest(smbios: &Smbios, text: &str, differences: &mut Differences<'_>) {
    let strings: Vec<String> = structures(text, 11).into_iter().flat_map(in_order).collect();
    differences.compare("OEM strings", Some(&format!("{:?}", smbios.oem_strings)), Some(&format!("{strings:?}")));
    for (bios, theirs) in smbios.bios.iter().zip(structures(text, 0)) {
        let says = |what: &str| theirs.get("Characteristics").is_some_and(|all| all.contains(what)).to_string();
        let ours = |flag: Option<bool>| flag.unwrap_or(false).to_string();
        differences.compare("UEFI", Some(&ours(bios.uefi)), Some(&says("UEFI is supported")));
        differences.compare("virtual", Some(&ours(bios.virtual_machine)), Some(&says("System is a virtual machine")));
    }
    for (processor, theirs) in smbios.processors.iter().zip(structures(text, 4)) {
        // The identification's first four bytes are EAX.
        let [a, b, c, d] = processor.signature.unwrap_or(0).to_le_bytes();
        let theirs_id = theirs.get("ID").and_then(|id| id.get(..11));
        differences.compare("signature", Some(&format!("{a:02X} {b:02X} {c:02X} {d:02X}")), theirs_id);
        let volts = theirs.get("Voltage").and_then(|text| told(text)).filter(|v| !machine::is_choice_of_voltages(v));
        let ours = processor.voltage_millivolts.map(|mv| format!("{}.{} V", mv / 1000, mv % 1000 / 100));
        differences.compare("voltage", ours.as_deref().filter(|v| !machine::is_choice_of_voltages(v)), volts);
    }
    assert_eq!(structures(text, 42).len() + structures(text, 43).len(), 0, "compare types 42 and 43 too");
}

/// `String 1`, `String 2` and so on.
fn in_order(mut strings: std::collections::BTreeMap<String, String>) -> Vec<String> {
    (1..=strings.len()).map_while(|number| strings.remove(&format!("String {number}"))).collect()
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
