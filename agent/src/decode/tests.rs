//! Files that users hand in, good and bad.

use super::*;
use std::fs;

/// A pcap with these frames.
fn pcap(frames: &[&[u8]]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
    for frame in frames {
        let length = (frame.len() as u32).to_le_bytes();
        file.extend([[0; 4], [0; 4], length, length].concat());
        file.extend(*frame);
    }
    file
}

fn ethernet(ethertype: [u8; 2], payload: &[u8]) -> Vec<u8> {
    [&[1, 0x80, 0xc2, 0, 0, 14, 2, 0, 0, 0, 0, 1][..], &ethertype, payload].concat()
}

fn good() -> Vec<u8> {
    ethernet([0x88, 0xcc], &[2, 3, 7, b's', b'1', 4, 3, 5, b'p', b'1', 6, 2, 0, 120, 0, 0])
}

fn malformed() -> Vec<u8> {
    ethernet([0x88, 0xcc], &[4, 2, 5, b'p', 0, 0])
}

fn other() -> Vec<u8> {
    ethernet([0x08, 0x00], &[0x45; 20])
}

fn chain(error: &DecodeError) -> String {
    crate::driver::chain(error)
}

const NEIGHBOUR: &str = r#""neighbour":{"chassis_id":{"subtype":"local","value":"s1"},"port_id":{"subtype":"interface_name","value":"p1"},"ttl_s":120,"port_description":null,"system_name":null,"system_description":null,"management_addresses":[],"native_vlan":null,"vlans":[],"other":[]}"#;
const MALFORMED: &str = "the chassis id TLV is missing: a TLV of type 2 stands in its place";

#[test]
fn a_capture_prints_a_line_per_lldp_frame_with_its_number() {
    let output = lldp_in(&pcap(&[&other(), &good(), &[1, 2], &malformed(), &good()]), Path::new("x.pcap"));
    let expected = format!(
        "{{\"frame\":2,{NEIGHBOUR}}}\n{{\"frame\":4,\"error\":\"{MALFORMED}\"}}\n{{\"frame\":5,{NEIGHBOUR}}}\n"
    );
    assert_eq!(output.text, expected);
    assert!(output.remark.is_none() && output.error.is_none(), "{output:?}");
}

#[test]
fn tags_and_problems_are_told_where_there_are_any() {
    let mut frame = good();
    frame.splice(12..12, [0x81, 0x00, 0x00, 0x0a]);
    frame.splice(frame.len() - 2.., [0xfe, 0x01, 0x00]);
    let output = lldp_in(&pcap(&[&frame]), Path::new("x.pcap"));
    let line: serde_json::Value = serde_json::from_str(&output.text).expect("one line of JSON");
    assert_eq!(line["tags"], serde_json::json!([10]));
    let problem = "an organizationally specific TLV of 1 bytes has no OUI and subtype";
    assert_eq!(line["problems"], serde_json::json!([problem]));
}

#[test]
fn a_capture_without_lldp_succeeds_and_says_so() {
    let output = lldp_in(&pcap(&[&other(), &other()]), Path::new("x.pcap"));
    assert_eq!(output.text, "");
    assert_eq!(output.remark.as_deref(), Some("x.pcap: none of the 2 Ethernet frames is LLDP"));
    assert!(output.error.is_none());
}

#[test]
fn what_is_garbage_fails_and_says_why() {
    let cut = &pcap(&[&good(), &good()])[..80];
    let malformed_twice = pcap(&[&malformed(), &malformed()]);
    let cases: [(&str, &[u8], usize, &str); 4] = [
        (
            "text",
            b"hello",
            0,
            "x.pcap is not a whole capture of Ethernet frames: it is neither pcap nor pcapng: it begins with 68656c6c",
        ),
        ("empty", b"", 0, "x.pcap is not a whole capture of Ethernet frames: it is empty"),
        (
            "cut",
            cut,
            1,
            "x.pcap is not a whole capture of Ethernet frames: it is cut at byte 80, in the middle of a packet that begins at byte 70",
        ),
        (
            "all malformed",
            &malformed_twice,
            2,
            &format!("none of the 2 LLDP frames in x.pcap is well-formed: {MALFORMED}"),
        ),
    ];
    for (name, bytes, lines, words) in cases {
        let output = lldp_in(bytes, Path::new("x.pcap"));
        assert_eq!(output.text.lines().count(), lines, "{name}");
        assert_eq!(output.error.as_ref().map(chain).as_deref(), Some(words), "{name}");
    }
}

#[test]
fn an_absent_file_is_named() {
    for output in
        [smbios(Path::new("/absent/DMI")), lldp(Path::new("/absent/DMI")), facts(Some(Path::new("/absent/DMI")))]
    {
        let words = output.error.as_ref().map(chain).unwrap_or_default();
        assert!(words.starts_with("/absent/DMI can't be read: No such file"), "{words}");
    }
}

#[test]
fn a_table_is_found_whole_or_in_two_files_side_by_side() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (entry, table, dump) = crate::facts::smbios::example();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("DMI"), &table).expect("written");
    fs::write(path("dump.bin"), dump).expect("written");
    let alone = smbios(&path("DMI")).error.as_ref().map(chain).unwrap_or_default();
    assert!(alone.ends_with("no SMBIOS entry point at the beginning: neither _SM3_ nor _SM_"), "{alone}");

    fs::write(path("smbios_entry_point"), entry).expect("written");
    let texts = ["DMI", "smbios_entry_point", "dump.bin"].map(|name| smbios(&path(name)).text);
    assert!(texts[0].contains("\"PIOUS-1\""), "{}", texts[0]);
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
}
