//! Cases of identity that the field has met.

use crate::sample;
use pious_protocol::{
    facts::{Facts, Nic, NicRole},
    identity::{Fingerprint, Pick, Sameness, compare, is_placeholder, is_placeholder_uuid, pick},
    ids::MacAddress,
};
use uuid::{Uuid, uuid};

const AMI_DEFAULT: Uuid = uuid!("03000200-0400-0500-0006-000700080009");

fn mac(text: &str) -> MacAddress {
    text.parse().unwrap()
}

fn texts(serials: &[&str]) -> Vec<String> {
    serials.iter().map(|serial| serial.to_string()).collect()
}

/// A server with all that a good vendor fills in.
fn server() -> Fingerprint {
    Fingerprint {
        system_uuid: Some(uuid!("4c4c4544-0053-3510-8039-b7c04f4e3033")),
        system_serial: Some("7S59N03".into()),
        board_serial: Some(".7S59N03.CNFCP0013J00A1.".into()),
        chassis_serial: Some("7S59N03-C".into()),
        dimm_serials: texts(&["35A1B2C3", "35A1B2C4", "35A1B2C5", "35A1B2C6"]),
        macs: vec![
            mac("b0:7b:25:00:00:01"),
            mac("b0:7b:25:00:00:02"),
            mac("6c:fe:54:00:00:01"),
            mac("6c:fe:54:00:00:02"),
        ],
    }
}

/// Another server of the same order: nothing in common.
fn sibling() -> Fingerprint {
    Fingerprint {
        system_uuid: Some(uuid!("4c4c4544-0053-3510-8039-b8c04f4e3033")),
        system_serial: Some("8S59N03".into()),
        board_serial: Some(".8S59N03.CNFCP0013J00B7.".into()),
        chassis_serial: Some("8S59N03-C".into()),
        dimm_serials: texts(&["35A1B2D3", "35A1B2D4", "35A1B2D5", "35A1B2D6"]),
        macs: vec![
            mac("b0:7b:25:00:01:01"),
            mac("b0:7b:25:00:01:02"),
            mac("6c:fe:54:00:01:01"),
            mac("6c:fe:54:00:01:02"),
        ],
    }
}

/// A white box: no serial that means anything.
fn white_box() -> Fingerprint {
    Fingerprint {
        system_serial: Some("To Be Filled By O.E.M.".into()),
        board_serial: Some("Default string".into()),
        chassis_serial: Some("0123456789".into()),
        ..server()
    }
}

#[track_caller]
fn assert_sameness(known: &Fingerprint, seen: &Fingerprint, expected: Sameness) {
    let there = compare(known, seen);
    assert_eq!(there.sameness, expected, "{:#?}", there.evidence);
    assert_eq!(compare(seen, known).sameness, expected, "the other way round: {:#?}", there.evidence);
}

#[test]
fn a_server_is_itself() {
    assert_sameness(&server(), &server(), Sameness::Same);
    assert_eq!(
        compare(&server(), &server()).evidence,
        [
            "same system UUID 4c4c4544-0053-3510-8039-b7c04f4e3033",
            "same system serial 7S59N03",
            "same board serial .7S59N03.CNFCP0013J00A1.",
            "same chassis serial 7S59N03-C",
            "4 of 4 known DIMMs",
            "4 of 4 known MAC addresses",
        ]
    );
}

#[test]
fn siblings_of_one_order_differ() {
    assert_sameness(&server(), &sibling(), Sameness::Different);
}

#[test]
fn a_replaced_mainboard_with_the_same_dimms_and_nics_is_the_same() {
    let board = Fingerprint {
        system_uuid: sibling().system_uuid,
        system_serial: None,
        board_serial: sibling().board_serial,
        ..server()
    };
    assert_sameness(&server(), &board, Sameness::Same);
}

#[test]
fn a_replaced_mainboard_that_nobody_wrote_the_serial_to_is_the_same() {
    let board = Fingerprint {
        system_uuid: sibling().system_uuid,
        system_serial: Some("SPARE-BOARD-77".into()),
        board_serial: sibling().board_serial,
        ..server()
    };
    assert_sameness(&server(), &board, Sameness::Same);
    // Of a white box the chassis says nothing, and DIMMs and cards decide alone.
    assert_sameness(&white_box(), &Fingerprint { chassis_serial: None, ..board }, Sameness::Same);
}

#[test]
fn dimms_and_cards_moved_into_another_branded_server_are_for_a_person() {
    let moved = Fingerprint { dimm_serials: server().dimm_serials, macs: server().macs, ..sibling() };
    assert_sameness(&server(), &moved, Sameness::Ambiguous);
}

#[test]
fn dimms_alone_moved_into_another_server_differ() {
    let moved = Fingerprint { dimm_serials: server().dimm_serials, ..sibling() };
    assert_sameness(&server(), &moved, Sameness::Different);
    assert_sameness(&sibling(), &moved, Sameness::Same);
}

#[test]
fn two_servers_with_one_duplicate_uuid_differ() {
    let twin = Fingerprint { system_uuid: server().system_uuid, ..sibling() };
    assert_sameness(&server(), &twin, Sameness::Different);
    // White boxes: DIMMs and MACs are all there is.
    let twin = Fingerprint { dimm_serials: sibling().dimm_serials, macs: sibling().macs, ..white_box() };
    assert_sameness(&white_box(), &twin, Sameness::Different);
}

#[test]
fn a_blank_serial_says_nothing() {
    for blank in [None, Some(String::new()), Some("   ".into()), Some("Not Specified".into())] {
        assert_sameness(&server(), &Fingerprint { system_serial: blank, ..server() }, Sameness::Same);
    }
}

#[test]
fn the_bmcs_door_to_its_host_names_no_machine() {
    let data = sample::nic("eth0", "b0:7b:25:00:00:01", "Ethernet1");
    // The same address behind every BMC of its kind.
    let door = Nic { role: NicRole::HostInterface, ..sample::nic("usb0", "02:00:00:00:00:01", "Ethernet2") };
    let facts = Facts { nics: vec![data, door], ..Facts::default() };
    assert_eq!(Fingerprint::of(&facts).macs, [mac("b0:7b:25:00:00:01")]);
}

#[test]
fn one_nic_swapped_is_the_same() {
    let mut swapped = server();
    swapped.macs[0] = mac("b0:7b:25:00:09:09");
    assert_sameness(&server(), &swapped, Sameness::Same);
    let all = Fingerprint { macs: sibling().macs, ..server() };
    assert_sameness(&server(), &all, Sameness::Same);
}

#[test]
fn all_dimms_replaced_is_the_same() {
    assert_sameness(&server(), &Fingerprint { dimm_serials: sibling().dimm_serials, ..server() }, Sameness::Same);
    let stripped = Fingerprint { dimm_serials: sibling().dimm_serials, ..white_box() };
    assert_sameness(&white_box(), &stripped, Sameness::Same);
}

#[test]
fn a_uuid_in_the_byte_order_of_before_smbios_2_6_matches() {
    let uuid_alone = |uuid| Fingerprint { system_uuid: Some(uuid), ..Fingerprint::default() };
    let known = uuid_alone(uuid!("00112234-4455-6677-8899-aabbccddeeff"));
    let seen = uuid_alone(uuid!("34221100-5544-7766-8899-aabbccddeeff"));
    assert_sameness(&known, &seen, Sameness::Same);
    assert_eq!(
        compare(&known, &seen).evidence,
        ["same system UUID 00112234-4455-6677-8899-aabbccddeeff, in the other byte order"]
    );
}

#[test]
fn nothing_in_common_but_placeholders_is_for_a_person() {
    let filled = Fingerprint {
        system_uuid: Some(AMI_DEFAULT),
        system_serial: Some("System Serial Number".into()),
        board_serial: Some("........".into()),
        chassis_serial: Some("0123456789".into()),
        dimm_serials: texts(&["00000000", "A1_SerNum0"]),
        macs: vec![],
    };
    assert_sameness(&filled, &filled, Sameness::Ambiguous);
    assert_eq!(compare(&filled, &filled).evidence, Vec::<String>::new());
    assert_sameness(&Fingerprint::default(), &server(), Sameness::Ambiguous);
}

#[test]
fn placeholders_in_common_do_not_outweigh_what_differs() {
    let filled = |macs| Fingerprint { system_uuid: Some(AMI_DEFAULT), dimm_serials: vec![], macs, ..white_box() };
    assert_sameness(&filled(server().macs), &filled(sibling().macs), Sameness::Different);
}

#[test]
fn nodes_that_share_a_chassis_differ() {
    assert_sameness(
        &server(),
        &Fingerprint { chassis_serial: server().chassis_serial, ..sibling() },
        Sameness::Different,
    );
}

#[test]
fn an_asset_imported_with_one_thing_is_recognized_by_it() {
    let serial = |text: &str| Fingerprint { system_serial: Some(text.into()), ..Fingerprint::default() };
    assert_sameness(&serial(" 7s59n03 "), &server(), Sameness::Same);
    assert_sameness(&serial("8S59N03"), &server(), Sameness::Different);

    let uuid = Fingerprint { system_uuid: server().system_uuid, ..Fingerprint::default() };
    assert_sameness(&uuid, &server(), Sameness::Same);
    assert_sameness(&uuid, &sibling(), Sameness::Different);

    let macs = Fingerprint { macs: vec![server().macs[2]], ..Fingerprint::default() };
    assert_sameness(&macs, &server(), Sameness::Same);
    assert_sameness(&macs, &sibling(), Sameness::Different);
}

#[test]
fn locally_administered_macs_weigh_less_and_not_nothing() {
    let virtual_server =
        |last| Fingerprint { macs: vec![mac(&format!("52:54:00:00:01:{last:02x}"))], ..Fingerprint::default() };
    assert_sameness(&virtual_server(1), &virtual_server(1), Sameness::Same);
    assert_sameness(&virtual_server(1), &virtual_server(2), Sameness::Different);
    // Another serial outweighs them: two labs use the same made-up addresses.
    let of_lab = |serial: &str| Fingerprint { system_serial: Some(serial.into()), ..virtual_server(1) };
    assert_eq!(compare(&of_lab("LAB-A-1"), &of_lab("LAB-B-1")).sameness, Sameness::Ambiguous);
    let universal = |serial: &str| Fingerprint { macs: vec![mac("b0:7b:25:00:00:01")], ..of_lab(serial) };
    assert!(compare(&universal("A1X"), &universal("A1X")).sameness == Sameness::Same);
}

#[test]
fn one_dimm_alone_is_no_proof() {
    let dimm = Fingerprint { dimm_serials: texts(&["35A1B2C3"]), ..Fingerprint::default() };
    assert_sameness(&dimm, &server(), Sameness::Ambiguous);
}

#[test]
fn placeholders_by_name() {
    let placeholders = [
        "",
        " ",
        ".",
        "........",
        "-",
        "0",
        "00000000",
        "XXXXXXXX",
        "FFFFFFFF",
        "To Be Filled By O.E.M.",
        "To be filled by O.E.M",
        "0123456789",
        "1234567890",
        "123456789",
        "Default string",
        "Default String",
        "None",
        "NONE",
        "N/A",
        "n/a",
        "Not Specified",
        "Not Available",
        "Not Applicable",
        "System Serial Number",
        "Chassis Serial Number",
        "Base Board Serial Number",
        "SYS-1234567890",
        "BSN12345678901234567",
        "CSN12345678901234567",
        "OEM_Serial",
        "(null string)",
        "NO DIMM",
        "Unknown",
        "INVALID",
        "Empty",
        "SerNum0",
        "A1_SerNum0",
        "Serial Number",
    ];
    for text in placeholders {
        assert!(is_placeholder(text), "{text:?}");
    }
    for text in ["7S59N03", "PIOUS-R1-U10", "35A1B2C3", "CZJ1230X5G", "12", "S1", "NONE-17", "1234X", "VMware-56 4d"] {
        assert!(!is_placeholder(text), "{text:?}");
    }
}

#[test]
fn placeholder_uuids_in_either_byte_order() {
    for uuid in [
        Uuid::nil(),
        Uuid::max(),
        AMI_DEFAULT,
        uuid!("00020003-0004-0005-0006-000700080009"),
        uuid!("fefefefe-fefe-fefe-fefe-fefefefefefe"),
        uuid!("12345678-1234-5678-90ab-cddeefaabbcc"),
    ] {
        assert!(is_placeholder_uuid(uuid), "{uuid}");
    }
    // Supermicro's, whose tail is the board's MAC address.
    assert!(!is_placeholder_uuid(uuid!("00000000-0000-0000-0000-ac1f6b112233")));
}

#[test]
fn picks_the_one_that_fits() {
    let (server, sibling) = (server(), sibling());
    let picked = pick([("a", &sibling), ("b", &server)], &server);
    assert_eq!(picked, Pick::One("b", compare(&server, &server).evidence));
}

#[test]
fn picks_none_for_a_new_machine() {
    let known = [server(), Fingerprint::default()];
    assert_eq!(pick(known.iter().enumerate(), &sibling()), Pick::None);
    assert_eq!(pick(std::iter::empty::<((), _)>(), &server()), Pick::None);
}

#[test]
fn picks_the_asset_with_all_its_parts_over_one_with_the_same_uuid() {
    let by_uuid = Fingerprint { system_uuid: server().system_uuid, ..Fingerprint::default() };
    let full = server();
    let Pick::One(id, evidence) = pick([("by uuid", &by_uuid), ("full", &full)], &server()) else {
        panic!("not one");
    };
    assert_eq!(id, "full");
    assert_eq!(evidence.last().unwrap(), "one other known asset fits, less well");
}

#[test]
fn picks_several_where_a_person_must_decide() {
    let by_serial = Fingerprint { system_serial: server().system_serial, ..Fingerprint::default() };
    let twice = pick([(1, &by_serial), (2, &by_serial)], &server());
    let evidence = vec!["same system serial 7S59N03".to_owned()];
    assert_eq!(twice, Pick::Several(vec![1, 2], vec![evidence.clone(), evidence]));

    let moved = Fingerprint { dimm_serials: server().dimm_serials, macs: server().macs, ..sibling() };
    let known = server();
    let alone = pick([(1, &known)], &moved);
    assert_eq!(alone, Pick::Several(vec![1], vec![compare(&known, &moved).evidence]));
}
