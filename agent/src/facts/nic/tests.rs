//! NICs of a recorded host, with a kernel that answers by the book: what is asked, and what is made of the answers.

use super::{
    ethtool::{self, LinkModes, ModuleHalf, PrivateFlag},
    kernel::{Driver, Kernel, Setting, attribute, bit_set, message, nest, text},
    lldp_agent, read, switch_lldp_agent_off,
};
use crate::facts::{LinkReport, LiveHost, RootHost, tests::Recording};
use pious_protocol::facts::{
    Duplex, Gaps, HostInterface, Link, LldpAgent, Nic, NicCounters, NicRole, Observed, Slot, Smbios, Sriov,
};
use proptest::prelude::*;

#[test]
fn questions_are_numbered_as_the_kernel_numbers_them() {
    let header = || nest(1, &[text(2, "eth0")]);
    let number = |kind, value: u32| attribute(kind, &value.to_ne_bytes());
    let module =
        |offset| message(31, &[header(), number(2, offset), number(3, 128), attribute(4, &[0]), attribute(6, &[0x50])]);
    let flag = |value: Option<Vec<u8>>| {
        let bit = nest(1, &[vec![text(2, "fw-lldp-agent")], value.into_iter().collect()].concat());
        message(14, &[header(), nest(2, &[nest(3, &[bit])])])
    };
    let set = |is_set| ethtool::set_private_flag("eth0", &PrivateFlag { name: "fw-lldp-agent".into(), is_set });
    let cases = [
        ("link modes", ethtool::ask_link_modes("eth0"), message(4, &[header()])),
        ("private flags", ethtool::ask_private_flags("eth0"), message(13, &[header()])),
        ("a flag set", set(true), flag(Some(attribute(3, &[])))),
        ("a flag cleared", set(false), flag(None)),
        ("a module's lower half", ethtool::ask_module("eth0", ModuleHalf::Lower), module(0)),
        ("a module's upper half", ethtool::ask_module("eth0", ModuleHalf::Upper), module(128)),
    ];
    for (case, request, payload) in cases {
        assert_eq!((request.family, request.payload), ("ethtool", payload), "{case}");
    }
}

fn link_modes() -> Vec<u8> {
    let ours = [("Autoneg", true), ("FIBRE", true), ("10000baseT/Full", true), ("25000baseCR/Full", false)];
    let words = [attribute(2, &[1]), bit_set(3, &ours), attribute(5, &25000u32.to_ne_bytes()), attribute(6, &[1])];
    message(4, &words)
}

#[test]
fn link_modes_told_and_not_told() {
    let told = LinkModes {
        speed_mbps: Some(25000),
        duplex: Some(Duplex::Full),
        autonegotiation: Some(true),
        supported: vec!["10000baseT/Full".into(), "25000baseCR/Full".into()],
    };
    assert_eq!(ethtool::link_modes(&link_modes()), told);
    let unknown = message(4, &[attribute(2, &[0]), attribute(5, &u32::MAX.to_ne_bytes()), attribute(6, &[0xff])]);
    let not_told = LinkModes { autonegotiation: Some(false), ..LinkModes::default() };
    assert_eq!(ethtool::link_modes(&unknown), not_told, "virtio_net without speed=");
}

proptest! {
    #[test]
    fn no_answer_panics(answer in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..400) {
        let modes = link_modes();
        for bytes in [answer.as_slice(), modes.get(..cut).unwrap_or(&modes)] {
            let _any = (ethtool::link_modes(bytes), ethtool::private_flags(bytes), ethtool::module_bytes(bytes));
        }
    }
}

const ADDRESS: &str = "0000:3b:00.1";

/// One port of a card in a slot, with a driver.
fn card(driver: &str) -> Recording {
    let host = Recording::new();
    let place = format!("pci0000:3a/0000:3a:00.0/{ADDRESS}");
    host.device("class/net", &format!("{place}/net/ens3f1"), &[("phys_port_name", "p1\n")]);
    host.link(&format!("sys/devices/{place}/net/ens3f1/device"), &format!("devices/{place}"));
    host.link(&format!("sys/bus/pci/devices/{ADDRESS}"), &format!("devices/{place}"));
    host.link(&format!("sys/devices/{place}/driver"), &format!("bus/pci/drivers/{driver}"));
    std::fs::create_dir_all(host.path(&format!("sys/bus/pci/drivers/{driver}/x"))).expect("a driver");
    for (attribute, value) in [
        ("vendor", "0x8086\n"),
        ("device", "0x159b\n"),
        ("subsystem_vendor", "0x1028\n"),
        ("subsystem_device", "0x0b0a\n"),
        ("sriov_totalvfs", "128\n"),
        ("sriov_numvfs", "0\n"),
    ] {
        host.file(&format!("sys/devices/{place}/{attribute}"), value);
    }
    host
}

fn kernel(host: &Recording, driver: Driver) -> Kernel {
    let links = vec![LinkReport {
        name: "ens3f1".into(),
        mac: Some("3c:fd:fe:00:00:02".parse().expect("a MAC")),
        permanent_mac: Some("3c:fd:fe:00:00:02".parse().expect("a MAC")),
        link: Link::Up,
        carrier_changes: Some(2),
        counters: Some(NicCounters { rx_packets: 7, ..NicCounters::default() }),
        addresses: vec!["10.77.0.5".parse().expect("an address")],
    }];
    Kernel { files: host.host(), links, driver }
}

fn smbios() -> Smbios {
    let slot =
        Slot { designation: Some("PCIe Slot 3".into()), pci_address: Some("0000:3b:00.0".into()), ..Slot::default() };
    Smbios { slots: vec![slot], ..Smbios::default() }
}

fn gaps(of: &[(&str, &str)]) -> Gaps {
    let mut gaps = Gaps::default();
    for (member, reason) in of {
        gaps.note(member, *reason);
    }
    gaps
}

fn expected(driver: &str) -> Nic {
    Nic {
        name: "ens3f1".into(),
        mac: Some("3c:fd:fe:00:00:02".parse().expect("a MAC")),
        permanent_mac: Some("3c:fd:fe:00:00:02".parse().expect("a MAC")),
        driver: Some(driver.into()),
        pci_address: Some(ADDRESS.into()),
        pci_id: Some("8086:159b".into()),
        pci_subsystem_id: Some("1028:0b0a".into()),
        location: Some("PCIe Slot 3, port p1".into()),
        sriov: Some(Sriov { max_functions: 128, functions: 0 }),
        carrier_changes: Some(2),
        counters: Some(NicCounters { rx_packets: 7, ..NicCounters::default() }),
        link: Link::Up,
        addresses: vec!["10.77.0.5".parse().expect("an address")],
        source: "rtnetlink, ethtool, /sys/class/net/ens3f1".into(),
        ..Nic::default()
    }
}

#[test]
fn a_driver_that_tells_everything() {
    let mut info = vec![0; 196];
    info[68..73].copy_from_slice(b"4.20\0");
    let module = super::transceiver::tests::sfp_memory();
    let driver = Driver {
        link_modes: Some(link_modes()),
        flags: vec![("link-down-on-close", false), ("fw-lldp-agent", true)].into(),
        module: Some([module.to_vec(), Vec::new()]),
        info: Some(info),
        ..Driver::default()
    };
    let agent = LldpAgent { running: true, control: "fw-lldp-agent".into(), ..LldpAgent::default() };
    let transceiver = super::transceiver::decode(&module, &[]).expect("a whole module");
    let nic = Nic {
        firmware_version: Some("4.20".into()),
        duplex: Some(Duplex::Full),
        autonegotiation: Some(true),
        supported_modes: vec!["10000baseT/Full".into(), "25000baseCR/Full".into()],
        speed_mbps: Some(25000),
        transceiver: Observed::seen("ethtool netlink, module EEPROM", transceiver),
        lldp_agent: Observed::seen("ethtool netlink, private flags", agent),
        gaps: gaps(&[("onboard_index", "the firmware counts no such onboard device")]),
        ..expected("ice")
    };
    assert_eq!(read(&kernel(&card("ice"), driver), Some(&smbios())), [nic]);
}

#[test]
fn a_driver_that_tells_nothing_is_named_in_every_reason() {
    let nic = Nic {
        location: None,
        transceiver: Observed::absent("virtio_net has no module information (EOPNOTSUPP)"),
        lldp_agent: Observed::absent("virtio_net knows of no LLDP agent in its firmware"),
        gaps: gaps(&[
            ("autonegotiation", "virtio_net has no link modes (EOPNOTSUPP)"),
            ("duplex", "virtio_net tells no duplex"),
            ("firmware_version", "virtio_net has no versions (EOPNOTSUPP)"),
            ("location", "neither ACPI nor SMBIOS names its place"),
            ("onboard_index", "the firmware counts no such onboard device"),
            ("speed_mbps", "virtio_net tells no speed"),
            ("supported_modes", "virtio_net has no link modes (EOPNOTSUPP)"),
        ]),
        ..expected("virtio_net")
    };
    assert_eq!(read(&kernel(&card("virtio_net"), Driver::default()), None), [nic]);
}

#[test]
fn the_bmcs_interface_is_none_of_the_servers() {
    let host = Recording::new();
    let usb = "pci0000:00/0000:00:14.0/usb1/1-7";
    host.device("class/net", &format!("{usb}/1-7:1.0/net/usb0"), &[("address", "ae:4e:b9:34:e8:bc\n")]);
    host.link(&format!("sys/devices/{usb}/1-7:1.0/net/usb0/device"), &format!("devices/{usb}/1-7:1.0"));
    host.file(&format!("sys/devices/{usb}/idVendor"), "1d6b\n");
    host.file(&format!("sys/devices/{usb}/idProduct"), "0104\n");
    let record = HostInterface {
        device: Some("usb".into()),
        vendor_id: Some(0x1d6b),
        product_id: Some(0x0104),
        ..HostInterface::default()
    };
    let roles = |records| {
        let smbios = Smbios { host_interfaces: records, ..Smbios::default() };
        read(&host.host(), Some(&smbios)).into_iter().map(|nic| (nic.name, nic.role)).collect::<Vec<_>>()
    };
    assert_eq!(roles(vec![record]), [("usb0".to_owned(), NicRole::HostInterface)]);
    assert_eq!(roles(vec![]), [("usb0".to_owned(), NicRole::Data)]);
}

#[test]
fn firmware_that_keeps_lldp_is_told_to_stop_and_what_came_of_it_is_read_back() {
    let source = "ethtool netlink, private flags";
    let agent = |control: &str| LldpAgent { control: control.into(), ..LldpAgent::default() };
    let refused = "setting a private flag of the driver: Operation not permitted (EPERM)";
    let no_effect = "it was accepted, and the agent runs all the same";
    let (i40e, ice) = ("disable-fw-lldp", "fw-lldp-agent");
    let off = |control| Observed::seen(source, LldpAgent { switched_off_by_us: true, ..agent(control) });
    let still_on = |control, why: &str| {
        Observed::seen(source, LldpAgent { running: true, refusal: Some(why.into()), ..agent(control) })
    };
    let cases = [
        ("i40e", vec![(i40e, false)], Setting::Works, off(i40e), vec![(i40e, true)]),
        ("ice", vec![("x", true), (ice, true)], Setting::Works, off(ice), vec![("x", true), (ice, false)]),
        ("ice", vec![(ice, false)], Setting::Refused, Observed::seen(source, agent(ice)), vec![(ice, false)]),
        ("i40e", vec![(i40e, false)], Setting::Refused, still_on(i40e, refused), vec![(i40e, false)]),
        ("ice", vec![(ice, true)], Setting::WithoutEffect, still_on(ice, no_effect), vec![(ice, true)]),
        (
            "i40e",
            vec![("x", true)],
            Setting::Works,
            Observed::absent("this i40e has no private flag disable-fw-lldp"),
            vec![("x", true)],
        ),
    ];
    for (driver, flags, set, expected, flags_after) in cases {
        let host = card(driver);
        let kernel = kernel(&host, Driver { flags: flags.clone().into(), set, ..Driver::default() });
        assert_eq!(switch_lldp_agent_off(&kernel, "ens3f1"), expected, "{driver} {flags:?}");
        assert_eq!(*kernel.driver.flags.borrow(), flags_after, "{driver} {flags:?}");
    }
}

#[test]
fn drivers_whose_agent_linux_cannot_ask_say_who_can() {
    let host = RootHost::new(std::path::Path::new("/")).expect("a folder");
    let reason = |driver| lldp_agent::read(&host, "eth0", driver).value().map(drop).map_err(str::to_owned);
    let mlx5 = "mlx5_core does not tell of an LLDP agent in its firmware: ask mlxconfig's LLDP_NB_DCBX_P1 and \
                LLDP_NB_RX_MODE_P1";
    assert_eq!(reason(Some("mlx5_core")), Err(mlx5.to_owned()));
    assert_eq!(reason(Some("e1000e")), Err("e1000e knows of no LLDP agent in its firmware".to_owned()));
    assert_eq!(reason(None), Err("no driver to ask".to_owned()));
}

/// The loopback has no driver, and the kernel says so in ethtool's own words: the way there and back is real.
#[test]
fn the_live_kernel_understands_the_questions() {
    use crate::facts::Host;
    let refused = |request| LiveHost.generic_netlink(&request).map(drop).map_err(|error| error.to_string());
    for request in [ethtool::ask_private_flags("lo"), ethtool::ask_module("lo", ModuleHalf::Lower)] {
        let what = request.what;
        let error = refused(request).expect_err(what);
        assert!(error.starts_with(what) && (error.ends_with("(EOPNOTSUPP)") || error.ends_with("(EPERM)")), "{error}");
    }
    let gone = refused(ethtool::ask_link_modes("no-such")).expect_err("no such interface");
    assert!(gone.ends_with("(ENODEV)"), "{gone}");
}
