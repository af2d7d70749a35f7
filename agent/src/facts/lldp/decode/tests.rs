//! Hand-made frames, each of one idea; real ones are in `tests/corpus.rs`.

use super::*;
use proptest::prelude::*;

const CHASSIS: &[u8] = &[0x02, 0x07, 0x04, 0x02, 0, 0, 0, 0, 0x01];
const PORT: &[u8] = &[0x04, 0x0a, 0x05, b'E', b't', b'h', b'e', b'r', b'n', b'e', b't', b'1'];
const TTL: &[u8] = &[0x06, 0x02, 0x00, 0x78];
const END: &[u8] = &[0x00, 0x00];

/// A case's name, its tags, its TLVs.
type Tagged<'a> = (&'a str, &'a [u16], &'a [&'a [u8]]);

fn ethernet(tags: &[u16], lldpdu: &[&[u8]]) -> Vec<u8> {
    let mut frame = vec![0x01, 0x80, 0xc2, 0, 0, 0x0e, 0x02, 0, 0, 0, 0, 0x99];
    for tag in tags {
        frame.extend([0x81, 0x00]);
        frame.extend(tag.to_be_bytes());
    }
    frame.extend([0x88, 0xcc]);
    frame.extend(lldpdu.concat());
    frame
}

fn with(optional: &[&[u8]]) -> Lldpdu {
    let frame = ethernet(&[], &[&[CHASSIS, PORT, TTL], optional, &[END]].concat());
    decode(&frame).expect("the mandatory TLVs are there")
}

fn smallest() -> Neighbour {
    Neighbour {
        chassis_id: LldpId { subtype: "mac_address".into(), value: "02:00:00:00:00:01".into() },
        port_id: LldpId { subtype: "interface_name".into(), value: "Ethernet1".into() },
        ttl_s: 120,
        ..Neighbour::default()
    }
}

#[test]
fn the_smallest_lldpdu_with_and_without_end_and_tags() {
    let source = MacAddress([0x02, 0, 0, 0, 0, 0x99]);
    let expected = |tags: &[u16]| Lldpdu { source, tags: tags.to_vec(), neighbour: smallest(), problems: vec![] };
    let cases: [Tagged; 5] = [
        ("untagged", &[], &[CHASSIS, PORT, TTL, END]),
        ("tagged", &[10], &[CHASSIS, PORT, TTL, END]),
        ("tagged twice", &[10, 4094], &[CHASSIS, PORT, TTL, END]),
        ("End is optional since 2009", &[], &[CHASSIS, PORT, TTL]),
        ("padding and FCS behind End", &[], &[CHASSIS, PORT, TTL, END, &[0x55; 40]]),
    ];
    for (name, tags, lldpdu) in cases {
        assert_eq!(decode(&ethernet(tags, lldpdu)), Ok(expected(tags)), "{name}");
    }
}

#[test]
fn the_mandatory_tlvs_are_refused_unless_first_in_order_once_and_well_formed() {
    use LldpError::*;
    use MandatoryTlv::*;
    let long_port = [&[0x05, 0x01][..], &[b'x'; 257]].concat();
    let cases: [(&str, &[&[u8]], LldpError); 11] = [
        ("nothing", &[], Missing { expected: ChassisId }),
        ("only End", &[END], Missing { expected: ChassisId }),
        ("port first", &[PORT, CHASSIS, TTL], WrongOrder { expected: ChassisId, found: 2 }),
        ("no port", &[CHASSIS, TTL], WrongOrder { expected: PortId, found: 3 }),
        ("no ttl", &[CHASSIS, PORT, END], Missing { expected: TimeToLive }),
        ("chassis of one byte", &[&[0x02, 0x01, 0x04], PORT, TTL], BadLength { tlv: ChassisId, bytes: 1 }),
        ("port of 257 bytes", &[CHASSIS, &long_port, TTL], BadLength { tlv: PortId, bytes: 257 }),
        ("ttl of one byte", &[CHASSIS, PORT, &[0x06, 0x01, 0x78]], BadLength { tlv: TimeToLive, bytes: 1 }),
        ("cut port", &[CHASSIS, &[0x04, 0x0a, 0x05]], Truncated { tlv: PortId, claimed: 10, present: 1 }),
        ("a lone byte", &[CHASSIS, &[0x04]], Missing { expected: PortId }),
        ("chassis twice", &[CHASSIS, PORT, TTL, CHASSIS, END], Duplicate { tlv: ChassisId }),
    ];
    for (name, lldpdu, error) in cases {
        assert_eq!(decode(&ethernet(&[], lldpdu)), Err(error), "{name}");
    }
}

#[test]
fn other_frames_are_not_lldp() {
    let cases: [(&str, &[u8], LldpError); 4] = [
        ("empty", &[], LldpError::ShortFrame { bytes: 0 }),
        ("13 bytes", &[0; 13], LldpError::ShortFrame { bytes: 13 }),
        ("a cut tag", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0], LldpError::ShortFrame { bytes: 15 }),
        ("IPv4", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0, 0], LldpError::NotLldp { ethertype: 0x0800 }),
    ];
    for (name, frame, error) in cases {
        assert_eq!(decode(frame), Err(error), "{name}");
    }
}

#[test]
fn optional_tlvs_that_are_decoded() {
    let lldpdu = with(&[
        &[0x08, 0x03, b'u', b'p', 0],
        &[0x0a, 0x02, b's', b'1'],
        &[0x0c, 0x04, b'a', b'\n', 0x1b, b'b'],
        &[0x0e, 0x04, 0x00, 0x14, 0x00, 0x04],
        &[0x10, 0x0c, 5, 1, 192, 0, 2, 1, 2, 0, 0, 0, 1, 0],
        &[0x10, 0x0e, 7, 6, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 1, 0],
        &[0xfe, 0x06, 0x00, 0x80, 0xc2, 1, 0, 10],
        &[0xfe, 0x09, 0x00, 0x80, 0xc2, 3, 0, 20, 2, b'b', b'b'],
        &[0xfe, 0x08, 0x00, 0x80, 0xc2, 3, 0, 10, 1, b'a'],
        &[0xfe, 0x05, 0x00, 0x12, 0x0f, 4, 9],
    ]);
    let raw = |kind, organization: Option<&str>, value: &str| RawTlv {
        kind,
        organization: organization.map(Into::into),
        value: value.into(),
    };
    let expected = Neighbour {
        port_description: Some("up".into()),
        system_name: Some("s1".into()),
        system_description: Some("a\n\u{fffd}b".into()),
        management_addresses: vec!["192.0.2.1".into(), "afi 6: 020000000001".into()],
        native_vlan: Some(10),
        vlans: vec![VlanName { id: 10, name: "a".into() }, VlanName { id: 20, name: "bb".into() }],
        other: vec![raw(7, None, "00140004"), raw(127, Some("00-12-0f/4"), "09")],
        ..smallest()
    };
    assert_eq!((lldpdu.neighbour, lldpdu.problems), (expected, vec![]));
}

#[test]
fn malformed_optional_tlvs_are_set_aside_and_the_rest_counts() {
    let cases: [(&str, &[u8], &str); 6] = [
        ("address cut", &[0x10, 0x03, 5, 1, 192], "a management address TLV is shorter than the address it announces"),
        ("no OUI", &[0xfe, 0x02, 0x00, 0x80], "an organizationally specific TLV of 2 bytes has no OUI and subtype"),
        ("half a PVID", &[0xfe, 0x05, 0, 0x80, 0xc2, 1, 9], "the port VLAN id TLV is shorter than a VLAN id"),
        (
            "cut VLAN name",
            &[0xfe, 0x08, 0, 0x80, 0xc2, 3, 0, 1, 9, b'x'],
            "a VLAN name TLV is shorter than the name it announces",
        ),
        ("past the end", &[0x0d, 0xff, b's'], "a TLV of type 6 claims 511 bytes, and the frame has 3 left"),
        ("a second name", &[0x0a, 0x01, b'b'], "the system name TLV comes twice; the first stands"),
    ];
    for (name, tlv, problem) in cases {
        let lldpdu = with(&[&[0x0a, 0x02, b's', b'1'], tlv]);
        assert_eq!(lldpdu.neighbour.system_name.as_deref(), Some("s1"), "{name}");
        assert_eq!(lldpdu.problems, [problem], "{name}");
    }
}

#[test]
fn ids_of_every_kind() {
    let chassis = |number, id: &[u8]| super::id(MandatoryTlv::ChassisId, &[&[number], id].concat());
    let port = |number, id: &[u8]| super::id(MandatoryTlv::PortId, &[&[number], id].concat());
    let cases = [
        (chassis(4, &[2, 0, 0, 0, 0, 1]), "mac_address", "02:00:00:00:00:01"),
        (chassis(4, &[2, 0, 0]), "mac_address", "020000"),
        (chassis(5, &[1, 192, 0, 2, 7]), "network_address", "192.0.2.7"),
        (chassis(5, &[1, 192, 0]), "network_address", "afi 1: c000"),
        (chassis(5, &[9]), "network_address", "09"),
        (chassis(7, b"sw1\0"), "local", "sw1"),
        (chassis(7, &[0]), "local", "00"),
        (chassis(1, &[0xff, 0x01]), "chassis_component", "ff01"),
        (chassis(8, b"ab"), "reserved_8", "6162"),
        (port(3, &[2, 0, 0, 0, 0, 1]), "mac_address", "02:00:00:00:00:01"),
        (port(4, &[2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "network_address", "2001:db8::1"),
        (port(5, b"swp1"), "interface_name", "swp1"),
        (port(6, b"c1"), "agent_circuit_id", "c1"),
        (port(7, b"552"), "local", "552"),
        (port(7, b"a\x1b[2J"), "local", "611b5b324a"),
    ];
    for (found, subtype, value) in cases {
        assert_eq!(found, Ok(LldpId { subtype: subtype.into(), value: value.into() }));
    }
}

#[test]
fn a_frame_cut_at_every_byte_is_refused_or_still_names_its_sender() {
    let whole = ethernet(&[10], &[CHASSIS, PORT, TTL, &[0x0a, 0x02, b's', b'1'], END]);
    let mandatory = whole.len() - END.len() - 4;
    for cut in 0..whole.len() {
        let frame = whole.get(..cut).unwrap_or_default();
        match decode(frame) {
            Err(_) => assert!(cut < mandatory, "cut at {cut}"),
            Ok(lldpdu) => {
                assert!(cut >= mandatory, "cut at {cut}");
                assert_eq!(lldpdu.neighbour.port_id.value, "Ethernet1", "cut at {cut}");
            }
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_do_not_panic(bytes: Vec<u8>) {
        let _ = decode(&bytes);
        let _ = decode(&ethernet(&[], &[&bytes]));
        let _ = decode(&ethernet(&[], &[CHASSIS, PORT, TTL, &bytes]));
    }

    #[test]
    fn random_tlvs_behind_the_mandatory_ones_never_unname_the_sender(
        tlvs in prop::collection::vec((4u8..128, prop::collection::vec(any::<u8>(), 0..60)), 0..20)
    ) {
        let bytes: Vec<u8> = tlvs
            .iter()
            .flat_map(|(kind, value)| [&[kind << 1, value.len() as u8][..], value].concat())
            .collect();
        let lldpdu = decode(&ethernet(&[], &[CHASSIS, PORT, TTL, &bytes, END])).expect("well-formed");
        prop_assert_eq!(lldpdu.neighbour.chassis_id, smallest().chassis_id);
    }
}
