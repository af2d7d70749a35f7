//! Hand-made frames, each of one idea; real ones are in `tests/corpus_lldp.rs`.

use super::*;
use pious_protocol::facts::{
    LinkAggregation, LldpId, MacPhy, Med, MedPolicy, MedPower, PortPower, ProtocolVlan, VlanName,
};
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
        &[0xfe, 0x05, 0x52, 0x54, 0x00, 4, 9],
        &[0x12, 0x01, 0xaa],
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
        capabilities: vec!["bridge".into(), "router".into()],
        enabled_capabilities: vec!["bridge".into()],
        other: vec![raw(127, Some("52-54-00/4"), "09"), raw(9, None, "aa")],
        ..smallest()
    };
    assert_eq!((lldpdu.neighbour, lldpdu.problems), (expected, vec![]));
}

#[test]
fn malformed_optional_tlvs_are_set_aside_and_the_rest_counts() {
    let cases: [(&str, &[u8], &str); 21] = [
        ("address cut", &[0x10, 0x03, 5, 1, 192], "a management address TLV is shorter than the address it announces"),
        ("no OUI", &[0xfe, 0x02, 0x00, 0x80], "an organizationally specific TLV of 2 bytes has no OUI and subtype"),
        ("half a PVID", &[0xfe, 0x05, 0, 0x80, 0xc2, 1, 9], "the port VLAN id TLV of 1 bytes is too short"),
        (
            "cut VLAN name",
            &[0xfe, 0x08, 0, 0x80, 0xc2, 3, 0, 1, 9, b'x'],
            "a VLAN name TLV is shorter than the name it announces",
        ),
        (
            "half a protocol VLAN",
            &[0xfe, 6, 0, 0x80, 0xc2, 2, 6, 0],
            "the port and protocol VLAN TLV of 2 bytes is too short",
        ),
        ("cut protocol", &[0xfe, 6, 0, 0x80, 0xc2, 4, 2, 0x88], "a protocol identity TLV is shorter than it claims"),
        ("cut digest", &[0xfe, 7, 0, 0x80, 0xc2, 5, 0, 0, 0], "the VID usage digest TLV of 3 bytes is too short"),
        ("cut management VLAN", &[0xfe, 4, 0, 0x80, 0xc2, 6], "the management VLAN id TLV of 0 bytes is too short"),
        (
            "cut aggregation",
            &[0xfe, 8, 0, 0x80, 0xc2, 7, 3, 0, 0, 0],
            "the link aggregation TLV of 4 bytes is too short",
        ),
        ("cut MAC/PHY", &[0xfe, 8, 0, 0x12, 0x0f, 1, 3, 0, 1, 0], "the MAC/PHY TLV of 4 bytes is too short"),
        ("cut power", &[0xfe, 6, 0, 0x12, 0x0f, 2, 7, 1], "the power TLV of 2 bytes is too short"),
        ("half of 802.3at", &[0xfe, 9, 0, 0x12, 0x0f, 2, 7, 1, 1, 0x52, 0], "the power TLV of 5 bytes is too short"),
        ("cut frame size", &[0xfe, 5, 0, 0x12, 0x0f, 4, 9], "the maximum frame size TLV of 1 bytes is too short"),
        ("cut MED", &[0xfe, 6, 0, 0x12, 0xbb, 1, 0, 1], "the LLDP-MED capabilities TLV of 2 bytes is too short"),
        ("cut policy", &[0xfe, 7, 0, 0x12, 0xbb, 2, 1, 0, 0], "the network policy TLV of 3 bytes is too short"),
        ("no location", &[0xfe, 4, 0, 0x12, 0xbb, 3], "the location TLV of 0 bytes is too short"),
        (
            "cut civic address",
            &[0xfe, 11, 0, 0x12, 0xbb, 3, 2, 5, 2, b'D', b'E', 3, 9],
            "a civic address ends in the middle of an element",
        ),
        ("cut MED power", &[0xfe, 6, 0, 0x12, 0xbb, 4, 0, 1], "the LLDP-MED power TLV of 2 bytes is too short"),
        ("half the capabilities", &[0x0e, 2, 0, 4], "the system capabilities TLV of 2 bytes is too short"),
        ("past the end", &[0x0d, 0xff, b's'], "a TLV of type 6 claims 511 bytes, and the frame has 3 left"),
        ("a second name", &[0x0a, 0x01, b'b'], "the system name TLV comes twice; the first stands"),
    ];
    for (name, tlv, problem) in cases {
        let lldpdu = with(&[&[0x0a, 0x02, b's', b'1'], tlv]);
        assert_eq!(lldpdu.neighbour.system_name.as_deref(), Some("s1"), "{name}");
        assert_eq!(lldpdu.problems, [problem], "{name}");
        // The one that runs past the end has no bytes to keep; the others stay, and tell nothing else.
        let kept = if name == "past the end" { 0 } else { 1 };
        assert_eq!(lldpdu.neighbour.other.len(), kept, "{name}");
        let name_and_raw =
            Neighbour { system_name: Some("s1".into()), other: lldpdu.neighbour.other.clone(), ..smallest() };
        assert_eq!(lldpdu.neighbour, name_and_raw, "{name}");
    }
}

#[test]
fn the_tlvs_of_802_1() {
    let neighbour = with(&[
        &[0xfe, 6, 0, 0x80, 0xc2, 1, 0, 10],
        &[0xfe, 7, 0, 0x80, 0xc2, 2, 0x02, 0, 30],
        &[0xfe, 7, 0, 0x80, 0xc2, 2, 0x06, 0, 20],
        &[0xfe, 7, 0, 0x80, 0xc2, 4, 2, 0x88, 0xcc],
        &[0xfe, 5, 0, 0x80, 0xc2, 4, 0],
        &[0xfe, 8, 0, 0x80, 0xc2, 5, 0xde, 0xad, 0xbe, 0xef],
        &[0xfe, 6, 0, 0x80, 0xc2, 6, 0, 99],
        &[0xfe, 9, 0, 0x12, 0x0f, 3, 1, 0, 0, 0, 4],
        &[0xfe, 9, 0, 0x80, 0xc2, 7, 3, 0, 0, 0, 5],
    ]);
    let expected = Neighbour {
        native_vlan: Some(10),
        protocol_vlans: vec![
            ProtocolVlan { id: 20, supported: true, enabled: true },
            ProtocolVlan { id: 30, supported: true, enabled: false },
        ],
        protocols: vec![String::new(), "88cc".into()],
        vid_usage_digest: Some(0xdead_beef),
        management_vlan: Some(99),
        // 802.1's stands, whichever comes first.
        link_aggregation: Some(LinkAggregation { capable: true, enabled: true, port_id: 5 }),
        ..smallest()
    };
    assert_eq!((neighbour.neighbour, neighbour.problems), (expected, vec![]));
}

#[test]
fn a_vlan_id_of_0_says_that_there_is_none() {
    let lldpdu = with(&[&[0xfe, 6, 0, 0x80, 0xc2, 1, 0, 0], &[0xfe, 6, 0, 0x80, 0xc2, 6, 0, 0]]);
    assert_eq!((lldpdu.neighbour, lldpdu.problems), (smallest(), vec![]));
}

#[test]
fn the_tlvs_of_802_3() {
    let lldpdu = with(&[
        &[0xfe, 9, 0, 0x12, 0x0f, 1, 0x01, 0x80, 0x01, 0, 54],
        &[0xfe, 12, 0, 0x12, 0x0f, 2, 0x0d, 2, 5, 0x52, 0, 255, 0, 154],
        &[0xfe, 9, 0, 0x12, 0x0f, 3, 1, 0, 0, 0, 4],
        &[0xfe, 6, 0, 0x12, 0x0f, 4, 0x24, 0x00],
    ]);
    let expected = Neighbour {
        mac_phy: Some(MacPhy {
            autonegotiation_supported: true,
            autonegotiation_enabled: false,
            advertised: 0x8001,
            mau_type: 54,
        }),
        power: Some(PortPower {
            is_source: true,
            supported: false,
            enabled: true,
            pairs_selectable: true,
            pair: 2,
            class: 5,
            kind: Some(1),
            source: Some(1),
            priority: Some(2),
            requested_deciwatts: Some(255),
            allocated_deciwatts: Some(154),
        }),
        link_aggregation: Some(LinkAggregation { capable: true, enabled: false, port_id: 4 }),
        max_frame_bytes: Some(9216),
        ..smallest()
    };
    assert_eq!((lldpdu.neighbour, lldpdu.problems), (expected, vec![]));
    let before_802_3at = with(&[&[0xfe, 7, 0, 0x12, 0x0f, 2, 0x02, 1, 1]]).neighbour.power;
    assert_eq!(before_802_3at, Some(PortPower { supported: true, pair: 1, class: 1, ..PortPower::default() }));
}

#[test]
fn the_tlvs_of_lldp_med() {
    let lldpdu = with(&[
        &[0xfe, 7, 0, 0x12, 0xbb, 1, 0, 0x3f, 4],
        // Tagged, VLAN 500, priority 5, DSCP 46; then unknown.
        &[0xfe, 8, 0, 0x12, 0xbb, 2, 1, 0x43, 0xe9, 0x6e],
        &[0xfe, 8, 0, 0x12, 0xbb, 2, 7, 0x80, 0, 0],
        &[0xfe, 16, 0, 0x12, 0xbb, 3, 2, 10, 2, b'D', b'E', 25, 1, b'7', 99, 2, b'x', 7],
        &[0xfe, 8, 0, 0x12, 0xbb, 3, 3, b'1', b'1', b'2'],
        &[0xfe, 6, 0, 0x12, 0xbb, 3, 1, 0x34],
        &[0xfe, 6, 0, 0x12, 0xbb, 3, 9, 0x34],
        &[0xfe, 7, 0, 0x12, 0xbb, 4, 0x52, 0, 50],
        // A buffer, and what was in its memory behind the text.
        &[0xfe, 8, 0, 0x12, 0xbb, 5, b'A', 0, 0xff, b'x'],
        &[0xfe, 5, 0, 0x12, 0xbb, 6, b'B'],
        &[0xfe, 5, 0, 0x12, 0xbb, 7, b'C'],
        &[0xfe, 5, 0, 0x12, 0xbb, 8, b'D'],
        &[0xfe, 5, 0, 0x12, 0xbb, 9, b'E'],
        &[0xfe, 5, 0, 0x12, 0xbb, 10, b'F'],
        &[0xfe, 4, 0, 0x12, 0xbb, 11],
        &[0xfe, 5, 0, 0x12, 0xbb, 12, b'G'],
    ]);
    let text = |text: &str| Some(text.to_owned());
    let med = Med {
        capabilities: 0x3f,
        device_class: 4,
        policies: vec![
            MedPolicy { application: 1, unknown: false, tagged: true, vlan: 500, priority: 5, dscp: 46 },
            MedPolicy { application: 7, unknown: true, ..MedPolicy::default() },
        ],
        locations: ["civic: DE, building 7, element 99 x\u{fffd}", "elin: 112", "coordinates: 34", "format 9: 34"]
            .map(str::to_owned)
            .to_vec(),
        power: Some(MedPower { kind: 1, source: 1, priority: 2, deciwatts: 50 }),
        hardware_revision: text("A"),
        firmware_revision: text("B"),
        software_revision: text("C"),
        serial: text("D"),
        manufacturer: text("E"),
        model: text("F"),
        asset_id: None,
    };
    let other = RawTlv { kind: 127, organization: text("00-12-bb/12"), value: "47".into() };
    let expected = Neighbour { med: Some(med), other: vec![other], ..smallest() };
    assert_eq!((lldpdu.neighbour, lldpdu.problems), (expected, vec![]));
}

#[test]
fn of_a_tlv_that_may_come_once_the_first_stands() {
    let cases: [(&str, &[u8]); 6] = [
        ("port VLAN id", &[0xfe, 6, 0, 0x80, 0xc2, 1, 0, 10]),
        ("link aggregation", &[0xfe, 9, 0, 0x80, 0xc2, 7, 3, 0, 0, 0, 5]),
        ("maximum frame size", &[0xfe, 6, 0, 0x12, 0x0f, 4, 0x24, 0x00]),
        ("serial number", &[0xfe, 5, 0, 0x12, 0xbb, 8, b'D']),
        ("system capabilities", &[0x0e, 4, 0, 4, 0, 4]),
        ("port description", &[0x08, 2, b'u', b'p']),
    ];
    for (tlv, bytes) in cases {
        let (once, twice) = (with(&[bytes]), with(&[bytes, bytes]));
        assert_eq!(once.problems, Vec::<String>::new(), "{tlv}");
        assert_eq!(twice.problems, [format!("the {tlv} TLV comes twice; the first stands")], "{tlv}");
        assert_eq!(Neighbour { other: vec![], ..twice.neighbour }, once.neighbour, "{tlv}");
    }
}

#[test]
fn a_frame_of_our_own_nic_is_told_by_its_sender_or_its_chassis() {
    let lldpdu = with(&[]);
    let (sender, chassis) = (lldpdu.source, MacAddress([2, 0, 0, 0, 0, 1]));
    let other = MacAddress([2, 0, 0, 0, 0, 2]);
    let named = Lldpdu {
        neighbour: Neighbour {
            chassis_id: LldpId { subtype: "local".into(), value: chassis.to_string() },
            ..smallest()
        },
        ..lldpdu.clone()
    };
    let cases = [
        ("another's", &lldpdu, vec![other], None),
        ("nobody's", &lldpdu, vec![], None),
        ("by its sender", &lldpdu, vec![other, sender], Some(sender)),
        ("by its chassis", &lldpdu, vec![chassis], Some(chassis)),
        ("a name that only looks like an address", &named, vec![chassis], None),
    ];
    for (name, lldpdu, nics, expected) in cases {
        assert_eq!(lldpdu.is_from(&nics.into_iter().collect()), expected, "{name}");
    }
}

#[test]
fn ids_of_every_kind() {
    let chassis = |number, id: &[u8]| id::id(MandatoryTlv::ChassisId, &[&[number], id].concat());
    let port = |number, id: &[u8]| id::id(MandatoryTlv::PortId, &[&[number], id].concat());
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

/// An organization whose TLVs are decoded, or one whose are not.
fn organizations() -> impl Strategy<Value = [u8; 3]> {
    prop::sample::select(vec![ieee8021::OUI, ieee8023::OUI, med::OUI, [0x52, 0x54, 0]])
}

proptest! {
    #[test]
    fn a_tlv_of_any_organization_is_taken_or_kept_whole(
        oui in organizations(),
        subtype in 0u8..14,
        information in prop::collection::vec(any::<u8>(), 0..80)
    ) {
        let value = [&oui[..], &[subtype], &information].concat();
        let lldpdu = with(&[&[&[0xfe, value.len() as u8][..], &value].concat()]);
        let kept = RawTlv {
            kind: 127,
            organization: Some(format!("{:02x}-{:02x}-{:02x}/{subtype}", oui[0], oui[1], oui[2])),
            value: hex(&information),
        };
        match lldpdu.neighbour.other.as_slice() {
            [] => prop_assert_eq!(lldpdu.problems, Vec::<String>::new()),
            other => {
                prop_assert_eq!(other, std::slice::from_ref(&kept));
                prop_assert_eq!(lldpdu.neighbour.clone(), Neighbour { other: vec![kept], ..smallest() });
            }
        }
    }

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
