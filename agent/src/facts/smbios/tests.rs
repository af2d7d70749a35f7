//! Hand-made tables, each of one idea; real ones are in `tests/corpus_smbios.rs`.

mod parts;

use super::*;
use pious_protocol::facts::{MemoryArray, MemoryDevice, Processor, System};
use proptest::prelude::*;

/// A structure: type, handle, formatted part behind the header, strings.
fn structure(kind: u8, handle: u16, formatted: &[u8], strings: &[&str]) -> Vec<u8> {
    let mut bytes = vec![kind, 4 + formatted.len() as u8];
    bytes.extend(handle.to_le_bytes());
    bytes.extend(formatted);
    for string in strings {
        bytes.extend(string.as_bytes());
        bytes.push(0);
    }
    bytes.extend(if strings.is_empty() { &[0, 0][..] } else { &[0] });
    bytes
}

fn set_checksum(bytes: &mut [u8], at: usize) {
    let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    bytes[at] = bytes[at].wrapping_sub(sum);
}

fn entry_64(table_bytes: usize) -> Vec<u8> {
    let mut entry = b"_SM3_\0\x18\x03\x02\x01\x01\0".to_vec();
    entry.extend((table_bytes as u32).to_le_bytes());
    entry.extend(0x20u64.to_le_bytes());
    set_checksum(&mut entry, 5);
    entry
}

fn entry_32(version: (u8, u8), table_bytes: usize, structures: u16) -> Vec<u8> {
    let mut entry = b"_SM_\0\x1f".to_vec();
    entry.extend([version.0, version.1, 0, 1, 0, 0, 0, 0, 0, 0]);
    let mut inner = b"_DMI_\0".to_vec();
    inner.extend((table_bytes as u16).to_le_bytes());
    inner.extend(0x20u32.to_le_bytes());
    inner.extend(structures.to_le_bytes());
    inner.push(0x24);
    set_checksum(&mut inner, 5);
    entry.extend(inner);
    set_checksum(&mut entry, 4);
    entry
}

fn system_structure() -> Vec<u8> {
    let mut formatted = vec![1, 2, 0, 3];
    formatted.extend(0..16);
    formatted.extend([6, 0, 0]);
    structure(1, 0x0100, &formatted, &["ACME ", "R1", "PIOUS-1"])
}

fn table() -> Vec<u8> {
    [system_structure(), structure(127, 0xfeff, &[], &[])].concat()
}

fn dump(entry: &[u8], table: &[u8]) -> Vec<u8> {
    let mut dump = entry.to_vec();
    dump.resize(0x20, 0);
    dump.extend(table);
    dump
}

/// Entry point, table, and both as one dump.
pub(crate) fn example() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (entry, table) = (entry_64(table().len()), table());
    let dump = dump(&entry, &table);
    (entry, table, dump)
}

fn system(uuid: &str) -> System {
    System {
        manufacturer: Some("ACME ".into()),
        product: Some("R1".into()),
        serial: Some("PIOUS-1".into()),
        uuid: Some(uuid.parse().expect("a UUID")),
        wake_up: Some("Power Switch".into()),
        ..System::default()
    }
}

/// The facts of these structures, end-of-table added.
fn decoded(structures: &[Vec<u8>]) -> Smbios {
    decoded_as(entry_64, structures)
}

/// As above, behind an entry point that is made for the table's length.
fn decoded_as(entry: impl Fn(usize) -> Vec<u8>, structures: &[Vec<u8>]) -> Smbios {
    let table = [structures.concat(), structure(127, 0xfeff, &[], &[])].concat();
    decode_pair(&entry(table.len()), &table).expect("a table")
}

#[test]
fn the_uuids_byte_order_follows_the_tables_version() {
    let (little, big) = ("03020100-0504-0706-0809-0a0b0c0d0e0f", "00010203-0405-0607-0809-0a0b0c0d0e0f");
    let table = table();
    let claimed = |claim: &str, taken: &str| {
        vec![format!("the entry point claims version {claim}, which does not exist; taken for {taken}")]
    };
    let cases = [
        (entry_64(table.len()), "3.2.1", little, vec![]),
        (entry_32((2, 6), table.len(), 2), "2.6", little, vec![]),
        (entry_32((2, 5), table.len(), 2), "2.5", big, vec![]),
        (entry_32((2, 0x1f), table.len(), 2), "2.3", big, claimed("2.31", "2.3")),
        (entry_32((2, 0x33), table.len(), 2), "2.6", little, claimed("2.51", "2.6")),
    ];
    for (entry, version, uuid, problems) in cases {
        let smbios = Smbios { version: version.into(), system: Some(system(uuid)), problems, ..Smbios::default() };
        assert_eq!(decode_dump(&dump(&entry, &table)), Ok(smbios), "{version}");
    }
}

#[test]
fn a_uuid_of_all_zeros_or_all_ones_is_none() {
    for filler in [0x00, 0xff] {
        let formatted = [&[1, 0, 0, 0][..], &[filler; 16], &[6]].concat();
        let smbios = decoded(&[structure(1, 1, &formatted, &["ACME"])]);
        let (manufacturer, wake_up) = (Some("ACME".into()), Some("Power Switch".into()));
        assert_eq!(smbios.system, Some(System { manufacturer, wake_up, ..System::default() }));
    }
}

#[test]
fn broken_entry_points_and_tables_are_refused_with_their_reason() {
    let (entry, table, dump) = example();
    let mut wrong_sum = dump.clone();
    wrong_sum[8] ^= 1;
    let broken = EntryError::Broken { why: "Entry Point Structure checksum verification failed".into() };
    let none = |why: &str| SmbiosError::NoStructure { why: why.into() };
    let cases = [
        ("empty", vec![], EntryError::NoAnchor.into()),
        ("text", b"hello, world".to_vec(), EntryError::NoAnchor.into()),
        ("entry point cut", dump[..20].to_vec(), EntryError::Cut { bytes: 20, needed: 24 }.into()),
        ("wrong checksum", wrong_sum, broken.into()),
        ("no table", dump[..0x20].to_vec(), SmbiosError::TableOutside { address: 0x20, bytes: 0x20 }),
        (
            "table of nothing",
            super::tests::dump(&entry, &[0; 60]),
            none(
                "the table breaks off at byte 0 of 51, after 0 structures: a structure claims a length of 0, less than its own header",
            ),
        ),
    ];
    assert_eq!(table.len(), 51);
    for (name, bytes, error) in cases {
        assert_eq!(decode_dump(&bytes), Err(error), "{name}");
    }
}

#[test]
fn a_table_that_breaks_off_keeps_what_came_before() {
    let (entry, table, _) = example();
    let smbios = decode_pair(&entry, &table[..table.len() - 3]).expect("the first structure is whole");
    assert_eq!(smbios.system.and_then(|system| system.serial).as_deref(), Some("PIOUS-1"));
    let problem =
        "the table breaks off at byte 45 of 51, after 1 structures: 3 bytes are left, too few for a structure";
    assert_eq!(smbios.problems, [problem]);
}

#[test]
fn the_number_of_structures_bounds_a_32_bit_table_and_end_of_table_a_64_bit_one() {
    let end = structure(127, 1, &[], &[]);
    let table = [end, system_structure()].concat();
    let counted = decode_pair(&entry_32((2, 6), table.len(), 2), &table).expect("a table");
    assert!(counted.system.is_some());
    let one = decode_pair(&entry_32((2, 6), table.len(), 1), &table).expect("a table");
    assert_eq!((one.system, one.problems), (None, vec![]));
    let ended = decode_pair(&entry_64(table.len()), &table).expect("a table");
    assert_eq!((ended.system, ended.problems), (None, vec![]));
}

#[test]
fn strings_that_are_not_there_and_values_that_nobody_defined_are_problems() {
    let smbios = decoded(&[structure(3, 0x0300, &[9, 0x80 | 23, 1, 2, 0], &["a\x07b", "caf\u{e9}"])]);
    let problem = "structure 0x0300 (type 3): the field at 0x04 names string 9, which is not there";
    assert_eq!(smbios.problems, [problem]);
    let [chassis] = &smbios.chassis[..] else { panic!("one chassis: {smbios:?}") };
    let told = (chassis.kind.as_deref(), chassis.version.as_deref(), chassis.serial.as_deref());
    assert_eq!(told, (Some("Rack Mount Chassis"), Some("a.b"), Some("caf\u{e9}")));

    let smbios = decoded(&[structure(3, 0x0300, &[0, 0x7f, 0, 0, 0], &[])]);
    assert_eq!(smbios.problems, ["structure 0x0300 (type 3): the enclosure type 0x7f is not in the specification"]);
}

/// A type 17 of version 3.3, with these fields.
fn dimm(size: u16, extended_mib: u32, speed: u16, extended_speed: u32) -> Vec<u8> {
    let mut f = vec![0; 0x5c - 4];
    f[0x0c - 4..0x0e - 4].copy_from_slice(&size.to_le_bytes());
    f[0x0e - 4] = 9;
    f[0x10 - 4] = 1;
    f[0x12 - 4] = 0x1a;
    f[0x15 - 4..0x17 - 4].copy_from_slice(&speed.to_le_bytes());
    f[0x17 - 4] = 2;
    f[0x1b - 4] = 2;
    f[0x1c - 4..0x20 - 4].copy_from_slice(&extended_mib.to_le_bytes());
    f[0x54 - 4..0x58 - 4].copy_from_slice(&extended_speed.to_le_bytes());
    structure(17, 0x1100, &f, &["A1", "Micron"])
}

#[test]
fn dimms_of_every_size_and_empty_slots() {
    let empty = MemoryDevice {
        locator: Some("A1".into()),
        form_factor: Some("DIMM".into()),
        kind: Some("DDR4".into()),
        ..MemoryDevice::default()
    };
    let full = |size_bytes, speed_mts| MemoryDevice {
        populated: true,
        size_bytes,
        speed_mts,
        manufacturer: Some("Micron".into()),
        rank: Some(2),
        volatile_bytes: Some(0),
        non_volatile_bytes: Some(0),
        ..empty.clone()
    };
    let (kib, mib) = (1024, 1024 * 1024);
    let cases = [
        ("empty slot", dimm(0, 0, 2666, 0), empty.clone()),
        ("unknown size", dimm(0xffff, 0, 0, 0), full(None, None)),
        ("16 GiB", dimm(16384, 0, 2666, 0), full(Some(16384 * mib), Some(2666))),
        ("512 KiB", dimm(0x8200, 0, 2666, 0), full(Some(512 * kib), Some(2666))),
        ("64 GiB", dimm(0x7fff, 65536, 3200, 0), full(Some(65536 * mib), Some(3200))),
        ("largest", dimm(0x7fff, u32::MAX, 3200, 0), full(Some(0x7fff_ffff * mib), Some(3200))),
        ("faster than 65534 MT/s", dimm(1, 0, 0xffff, 70000), full(Some(mib), Some(70000))),
        ("such without saying so", dimm(1, 0, 0xffff, 0), full(Some(mib), None)),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(decoded(&[bytes]).memory_devices, [expected], "{name}");
    }
}

#[test]
fn arrays_of_up_to_2_tib_and_beyond() {
    let array = |kib: u32, extended: u64| {
        let mut f = vec![3, 3, 6];
        f.extend(kib.to_le_bytes());
        f.extend([0xfe, 0xff, 24, 0]);
        f.extend(extended.to_le_bytes());
        structure(16, 0x1000, &f, &[])
    };
    let expected = |bytes| MemoryArray {
        location: Some("System Board Or Motherboard".into()),
        usage: Some("System Memory".into()),
        error_correction: Some("Multi-bit ECC".into()),
        max_capacity_bytes: Some(bytes),
        slots: Some(24),
    };
    assert_eq!(decoded(&[array(0x0200_0000, 0)]).memory_arrays, [expected(32 << 30)]);
    assert_eq!(decoded(&[array(0x8000_0000, 3 << 40)]).memory_arrays, [expected(3 << 40)]);
}

#[test]
fn processors_with_more_than_255_cores_and_empty_sockets() {
    let processor = |status: u8, counts: [u8; 3], words: [u16; 3]| {
        let mut f = vec![0; 0x30 - 4];
        f[0] = 1;
        f[0x14 - 4..0x16 - 4].copy_from_slice(&4000u16.to_le_bytes());
        f[0x18 - 4] = status;
        f[0x23 - 4..0x26 - 4].copy_from_slice(&counts);
        for (i, word) in words.iter().enumerate() {
            f[0x2a - 4 + 2 * i..0x2c - 4 + 2 * i].copy_from_slice(&word.to_le_bytes());
        }
        structure(4, 0x0400, &f, &["CPU1"])
    };
    let expected = |populated, [cores, cores_enabled, threads]: [Option<u32>; 3]| Processor {
        socket: Some("CPU1".into()),
        populated,
        status: populated.then(|| "Enabled".into()),
        max_speed_mhz: Some(4000),
        cores,
        cores_enabled,
        threads,
        ..Processor::default()
    };
    let cases = [
        (processor(0x41, [8, 8, 16], [8, 8, 16]), expected(true, [Some(8), Some(8), Some(16)])),
        (processor(0x41, [255, 255, 255], [288, 280, 576]), expected(true, [Some(288), Some(280), Some(576)])),
        (processor(0x00, [0, 0, 0], [0, 0, 0]), expected(false, [None, None, None])),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decoded(&[bytes]).processors, [expected]);
    }
}

fn rich_dump() -> Vec<u8> {
    let table = [
        structure(0, 0, &[1, 2, 0, 0, 3, 0], &["V", "1.0", "01/01/2020"]),
        system_structure(),
        structure(2, 2, &[1, 2, 3, 4, 5], &["a", "b", "c", "d", "e"]),
        structure(3, 3, &[1, 23, 2, 3, 4], &["a", "b", "c", "d"]),
        structure(4, 4, &[0xff; 44], &["a"]),
        structure(16, 5, &[0xff; 19], &[]),
        dimm(0x7fff, u32::MAX, 0xffff, u32::MAX),
        parts::one_of_each(),
        structure(127, 6, &[], &[]),
    ]
    .concat();
    dump(&entry_64(table.len()), &table)
}

#[test]
fn a_dump_cut_at_every_byte_never_panics() {
    let dump = rich_dump();
    assert!(decode_dump(&dump).is_ok_and(|smbios| smbios.tpm.is_some() && smbios.host_interfaces.len() == 2));
    for cut in 0..dump.len() {
        let _ = decode_dump(&dump[..cut]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_tables_never_panic(changes in prop::collection::vec((0x20usize..1400, any::<u8>()), 1..20)) {
        let mut dump = rich_dump();
        for (at, value) in changes {
            if let Some(byte) = dump.get_mut(at) {
                *byte = value;
            }
        }
        let _ = decode_dump(&dump);
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>, table: Vec<u8>) {
        let _ = decode_dump(&bytes);
        let _ = decode_dump(&dump(&entry_64(table.len()), &table));
        let _ = decode_pair(&entry_32((2, 6), table.len(), 9), &table);
    }
}
