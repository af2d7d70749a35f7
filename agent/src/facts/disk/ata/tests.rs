//! Pages made by hand.

use super::*;
use proptest::prelude::*;

fn words(parts: &[(usize, u16)], texts: &[(usize, &str)]) -> Vec<u8> {
    let mut page = vec![0; 512];
    for (word, value) in parts {
        page[word * 2..word * 2 + 2].copy_from_slice(&value.to_le_bytes());
    }
    for (word, text) in texts {
        for (index, pair) in text.as_bytes().chunks(2).enumerate() {
            let at = (word + index) * 2;
            page[at] = pair.get(1).copied().unwrap_or(b' ');
            page[at + 1] = pair[0];
        }
    }
    page
}

/// A page of SMART attributes: id, flags, value, raw.
fn data(attributes: &[(u8, u16, u8, u64)]) -> Vec<u8> {
    let mut page = vec![0; 512];
    for (place, (id, flags, value, raw)) in attributes.iter().enumerate() {
        let at = 2 + place * 12;
        page[at] = *id;
        page[at + 1..at + 3].copy_from_slice(&flags.to_le_bytes());
        page[at + 3] = *value;
        page[at + 4] = 1;
        page[at + 5..at + 11].copy_from_slice(&raw.to_le_bytes()[..6]);
    }
    page
}

fn limits(thresholds: &[(u8, u8)]) -> Vec<u8> {
    let mut page = vec![0; 512];
    for (place, (id, threshold)) in thresholds.iter().enumerate() {
        page[2 + place * 12] = *id;
        page[3 + place * 12] = *threshold;
    }
    page
}

#[test]
fn identities() {
    let texts = [(10, " S3Z8NB0K"), (23, "RVT04B6Q"), (27, "Samsung SSD 860 EVO 1TB")];
    let page = words(&[(82, 1), (85, 1), (87, 0x4020)], &texts);
    let expected = Identity {
        model: Some("Samsung SSD 860 EVO 1TB".into()),
        serial: Some("S3Z8NB0K".into()),
        firmware: Some("RVT04B6Q".into()),
        smart: Smart::Enabled,
        has_logs: true,
    };
    assert_eq!(identity(&page), Some(expected));
    assert_eq!(identity(&page[..171]), None);
    let smart = |parts| identity(&words(parts, &[])).map(|identity| (identity.smart, identity.has_logs));
    assert_eq!(smart(&[(82, 1)]), Some((Smart::Disabled, false)));
    assert_eq!(smart(&[(85, 1), (87, 0xffff)]), Some((Smart::Unsupported, false)));
}

#[test]
fn an_ssd_at_a_tenth_of_its_life_with_a_reallocated_block_too_many() {
    let attributes = attributes(&data(&[
        (5, 0x33, 10, 9),
        (9, 0x32, 99, 0x1234_0000_2710),
        (12, 0x32, 99, 31),
        (174, 0x32, 100, 4),
        (177, 0x13, 90, 120),
        (187, 0x32, 100, 2),
        (190, 0x32, 70, 30),
        (194, 0x22, 69, 0x0031_000b_001f),
        (197, 0x32, 100, 8),
        (198, 0x30, 100, 3),
        (241, 0x32, 99, 1_000),
    ]));
    let told = health(&attributes, &thresholds(&limits(&[(5, 10), (9, 99), (177, 0)])), true);
    let expected = DiskHealth {
        warnings: vec!["attribute 5 (reallocated sectors) is at 10, its threshold is 10".into()],
        temperature_celsius: Some(31),
        power_on_hours: Some(10_000),
        power_cycles: Some(31),
        unsafe_shutdowns: Some(4),
        wear_percent: Some(10),
        media_errors: Some(2),
        reallocated_sectors: Some(9),
        pending_sectors: Some(8),
        ..DiskHealth::default()
    };
    assert_eq!(told, expected);
    assert_eq!(
        health(&attributes, &BTreeMap::new(), false),
        DiskHealth { warnings: vec![], wear_percent: None, ..told }
    );
}

#[test]
fn what_no_maker_means_is_not_told() {
    let told = health(&attributes(&data(&[(194, 0, 200, 0xf6), (231, 0, 253, 0)])), &BTreeMap::new(), true);
    assert_eq!(told, DiskHealth { temperature_celsius: Some(-10), ..DiskHealth::default() });
    assert_eq!(health(&attributes(&data(&[(190, 0, 0, 0)])), &BTreeMap::new(), true), DiskHealth::default());
}

#[test]
fn verdicts() {
    let told = [(0x4f, 0xc2), (0xf4, 0x2c), (0, 0)].map(verdict);
    assert_eq!(told, [Some(true), Some(false), None]);
}

#[test]
fn statistics_are_taken_before_attributes() {
    let page = |number: u8, statistics: &[(usize, u64)]| {
        let mut page = vec![0; 512];
        page[2] = number;
        for (offset, value) in statistics {
            page[*offset..offset + 8].copy_from_slice(&value.to_le_bytes());
        }
        page
    };
    const VALID: u64 = 0b11 << 62;
    let mut health = DiskHealth { power_cycles: Some(1), power_on_hours: Some(2), ..DiskHealth::default() };
    // Supported, but not valid: what the attribute said stays.
    add_statistics(&mut health, &page(1, &[(8, VALID | 40), (16, 1 << 63), (24, VALID | 7), (40, VALID | 8)]), 4096);
    add_statistics(&mut health, &page(5, &[(8, VALID | 0xfe)]), 4096);
    add_statistics(&mut health, &page(7, &[(8, VALID | 101)]), 4096);
    add_statistics(&mut health, &page(9, &[(8, VALID | 1)]), 4096);
    let expected = DiskHealth {
        power_cycles: Some(40),
        power_on_hours: Some(2),
        written_bytes: Some(28_672),
        read_bytes: Some(32_768),
        temperature_celsius: Some(-2),
        wear_percent: Some(101),
        ..DiskHealth::default()
    };
    assert_eq!(health, expected);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), block in any::<u32>()) {
        let _ = identity(&bytes);
        let mut told = health(&attributes(&bytes), &thresholds(&bytes), true);
        add_statistics(&mut told, &bytes, u64::from(block));
        prop_assert!(attributes(&bytes).len() <= 30);
    }
}
