//! Both drawings of what an engineer meets, as golden text.

use super::{Busy, Judged, Lines, Neighbour, NicView, SenzuReach, View, draw, next};
use pious_protocol::{
    facts::{Dhcp, Link},
    finding::{Finding, Severity, Verdict},
    message::{AssetState, Evaluation},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// A VGA text console.
const VGA: Rect = Rect { x: 0, y: 0, width: 80, height: 25 };

fn nic(number: u8) -> NicView {
    NicView {
        name: format!("eth{number}"),
        mac: Some(format!("52:54:00:01:10:0{number}")),
        link: Link::Up,
        speed_mbps: Some(10_000),
        native_vlan: Some(10),
        other_vlans: vec![],
        neighbours: vec![Neighbour { switch: "r1-sw1".into(), port: format!("Ethernet{number}") }],
        silence: None,
        addresses: vec![format!("10.77.0.1{number}")],
        dhcp: Dhcp::Bound {
            address: [10, 77, 0, 10 + number].into(),
            prefix_length: 24,
            server: [10, 77, 0, 1].into(),
            lease_s: 120,
        },
    }
}

fn dark(number: u8) -> NicView {
    NicView {
        link: Link::NoCarrier,
        speed_mbps: None,
        native_vlan: None,
        neighbours: vec![],
        addresses: vec![],
        dhcp: Dhcp::Idle,
        ..nic(number)
    }
}

fn finding(check: &str, subject: Option<&str>, verdict: Verdict, words: [&str; 3]) -> Finding {
    let [seen, expected, remedy] = words.map(str::to_owned);
    Finding {
        check: check.into(),
        subject: subject.map(str::to_owned),
        verdict,
        severity: Severity::Major,
        seen,
        expected,
        remedy,
    }
}

fn healthy() -> View {
    let view = View {
        version: "0.1.0".into(),
        boot_id: "01987654-3210-7000-8000-000000000001".into(),
        asset: Some("r1-u10".into()),
        is_confirmed: true,
        state: Some(AssetState::New),
        evaluation: Some(Evaluation::Passed),
        step: Some("GRADUATE".into()),
        reason: None,
        machine: "QEMU  Standard PC (Q35 + ICH9, 2009)  serial PIOUS-R1-U10  UEFI".into(),
        senzu: SenzuReach::Answers,
        senzu_url: "https://10.77.0.1:8443".into(),
        nics: vec![nic(1), nic(2)],
        links_settle: false,
        findings: vec![],
        passed: 14,
        judged: Judged::Yes,
        agent_urls: vec!["http://10.77.0.11:8080".into(), "http://10.77.0.12:8080".into()],
        warnings: vec![],
        missing_firmware: vec![],
        busy: None,
        ending: None,
        next: String::new(),
        timeline: vec![],
    };
    with_next(view)
}

fn with_next(mut view: View) -> View {
    view.next = next::of(&view);
    view
}

fn no_dhcp_answer() -> View {
    let asking = |for_s, attempts| NicView {
        addresses: vec![],
        dhcp: Dhcp::Asking { for_s, attempts },
        native_vlan: Some(20),
        ..nic(1)
    };
    with_next(View {
        asset: None,
        is_confirmed: false,
        state: None,
        evaluation: None,
        step: None,
        senzu: SenzuReach::Untried { why: "no address yet".into() },
        nics: vec![asking(47, 6), dark(2)],
        passed: 0,
        judged: Judged::NothingExpected,
        agent_urls: vec![],
        warnings: vec!["kernel command line: pious.sezu=https://10.77.0.1:8443 is not known to this agent".into()],
        ..healthy()
    })
}

fn miscabled() -> View {
    let wrong = finding(
        "cabling.port",
        Some("NIC 2 (52:54:00:01:10:02, eth2)"),
        Verdict::Fail,
        [
            "r1-sw1 port Ethernet7",
            "r1-sw1 port Ethernet2",
            "move the cable from r1-sw1 port Ethernet7 to r1-sw1 port Ethernet2",
        ],
    );
    let vlan = finding(
        "cabling.vlan",
        Some("NIC 2 (52:54:00:01:10:02, eth2)"),
        Verdict::Unknown,
        ["the cable is in another port", "native VLAN 10", "mend cabling.port of this interface first"],
    );
    let moved = Neighbour { switch: "r1-sw1".into(), port: "Ethernet7".into() };
    with_next(View {
        evaluation: Some(Evaluation::Failing),
        step: Some("VERIFY_NETWORK".into()),
        reason: Some("1 check failed".into()),
        nics: vec![nic(1), NicView { neighbours: vec![moved], native_vlan: Some(30), ..nic(2) }],
        findings: vec![wrong, vlan],
        passed: 12,
        ..healthy()
    })
}

fn senzu_down() -> View {
    with_next(View {
        asset: Some("r1-u10".into()),
        is_confirmed: false,
        state: None,
        evaluation: None,
        step: None,
        senzu: SenzuReach::Fails {
            why: "no connection: Connection refused (os error 111)".into(),
            for_s: 75,
            retry_in_s: 12,
        },
        passed: 0,
        judged: Judged::NothingExpected,
        warnings: vec!["the image lacks 123 firmware files drivers may want: see /v1/status".into()],
        ..healthy()
    })
}

fn starting() -> View {
    let nics = vec![NicView { link: Link::Disabled, ..dark(1) }];
    let senzu = SenzuReach::Untried { why: "no network link yet".into() };
    with_next(View { judged: Judged::DriversLoad, senzu, nics, links_settle: true, agent_urls: vec![], ..senzu_down() })
}

/// After five seconds nobody waits for links any more.
fn no_cable() -> View {
    let senzu = SenzuReach::Untried { why: "no network link yet".into() };
    with_next(View { senzu, nics: vec![dark(1), dark(2)], agent_urls: vec![], ..senzu_down() })
}

fn firmware_busy() -> View {
    View { step: Some("FLASH_BMC".into()), evaluation: Some(Evaluation::Pending), ..healthy() }
        .busy_with(Busy { words: "writing BMC firmware 2.11".into(), percent: Some(40) })
}

fn many() -> View {
    let dimm = |slot: char| {
        let remedy = format!("reseat or replace the DIMM in slot {slot}1, then power the server on again");
        finding("memory.slot", Some(&format!("DIMM {slot}1")), Verdict::Fail, ["empty", "a DIMM", &remedy])
    };
    let mut nics: Vec<_> = (1..=9).map(dark).collect();
    nics.push(NicView { name: "enp130s0f1np1".into(), ..nic(3) });
    with_next(View {
        nics,
        findings: ('A'..='H').map(dimm).collect(),
        evaluation: Some(Evaluation::Failing),
        ..healthy()
    })
}

fn screen(view: &View) -> String {
    let mut buffer = Buffer::empty(VGA);
    draw(view, VGA, &mut buffer);
    let rows = buffer.content().chunks(usize::from(VGA.width));
    let text = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned());
    text.map(|row| format!("|{row}\n")).collect()
}

fn lines(view: &View) -> String {
    Lines::default().show(view)
}

macro_rules! golden {
    ($($name:ident),*) => {
        $(mod $name {
            #[test]
            fn on_screen() {
                insta::assert_snapshot!(concat!(stringify!($name), "_on_screen"), super::screen(&super::$name()));
            }
            #[test]
            fn in_lines() {
                insta::assert_snapshot!(concat!(stringify!($name), "_in_lines"), super::lines(&super::$name()));
            }
        })*
    };
}

golden!(starting, no_cable, no_dhcp_answer, miscabled, healthy, senzu_down, firmware_busy, many);

#[test]
fn lines_say_only_what_changed() {
    let mut lines = Lines::default();
    lines.show(&miscabled());
    assert_eq!(lines.show(&miscabled()), "");
    let mended = View { nics: healthy().nics, findings: vec![], passed: 14, ..miscabled() };
    insta::assert_snapshot!("a_cable_was_moved_in_lines", lines.show(&with_next(mended)));
}

#[test]
fn lines_do_not_scroll_with_the_seconds() {
    let mut lines = Lines::default();
    lines.show(&senzu_down());
    let later = |for_s, retry_in_s| View {
        senzu: SenzuReach::Fails { why: "no connection: Connection refused (os error 111)".into(), for_s, retry_in_s },
        ..senzu_down()
    };
    for second in 76..300 {
        assert_eq!(lines.show(&later(second, second % 30)), "", "after {second} s");
    }
    let told = lines.show(&later(301, 1));
    assert!(told.contains("for over 5 min"), "{told}");
}

#[test]
fn both_drawings_use_glyphs_that_every_console_has() {
    for view in [starting(), no_dhcp_answer(), miscabled(), healthy(), senzu_down(), firmware_busy(), many()] {
        assert!(lines(&view).is_ascii());
        let odd: String = screen(&view).chars().filter(|c| !c.is_ascii() && *c != '─').collect();
        assert_eq!(odd, "", "frames are of CP437");
    }
}

#[test]
fn what_is_said_in_colour_is_also_said_in_words() {
    let text = screen(&miscabled());
    assert!(text.contains("FAIL") && text.contains("UNKNOWN"), "{text}");
    assert!(screen(&senzu_down()).contains("NOT REACHED"));
    assert!(screen(&firmware_busy()).contains("DO NOT POWER OFF"));
}

#[test]
fn any_size_of_screen_is_drawn() {
    for (width, height) in [(1, 1), (20, 5), (80, 24), (132, 43), (240, 67)] {
        let area = Rect { x: 0, y: 0, width, height };
        draw(&many(), area, &mut Buffer::empty(area));
    }
}
