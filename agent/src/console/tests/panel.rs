//! What a screen shows when views and keys come one after the other.

use super::{VGA, framed, full, healthy, many, miscabled, panel, views::nic};
use crate::console::{Key, NicView, Page, View, key::Stride};
use pious_protocol::facts::Link;
use std::{sync::Arc, time::Duration};

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_cable_that_is_moved_is_marked_and_then_is_not() {
    let mut panel = panel(&miscabled());
    assert!(!framed(&mut panel, VGA).contains('>'), "nothing has changed yet");
    let mended = View { nics: healthy().nics, findings: vec![], passed: 14, ..miscabled() };
    panel.show(Arc::new(mended.clone()), at(60));
    insta::assert_snapshot!("a_cable_was_moved_on_screen", framed(&mut panel, VGA));
    panel.show(Arc::new(mended), at(61));
    assert!(!panel.pass(at(74)), "news for a while");
    assert!(panel.pass(at(75)), "and then no more");
    assert!(!framed(&mut panel, VGA).contains('>'));
}

#[test]
fn a_link_that_goes_changes_its_own_row() {
    let mut panel = panel(&healthy());
    let before = framed(&mut panel, VGA);
    let lost = NicView { link: Link::NoCarrier, speed_mbps: None, ..nic(2) };
    panel.show(Arc::new(View { nics: vec![nic(1), lost], ..healthy() }), at(60));
    let after = framed(&mut panel, VGA);
    let changed: Vec<_> = before.lines().zip(after.lines()).filter(|(before, after)| before != after).collect();
    insta::assert_debug_snapshot!("a_link_was_lost", changed);
}

#[test]
fn a_failure_that_fails_otherwise_is_not_solved() {
    let mut panel = panel(&miscabled());
    let mut worse = miscabled();
    worse.findings.remove(0);
    panel.show(Arc::new(worse), at(60));
    assert!(!framed(&mut panel, VGA).contains("solved"), "the same NIC still has a finding");
}

#[test]
fn seconds_that_count_are_no_change() {
    let mut panel = panel(&super::no_dhcp_answer());
    let mut later = super::no_dhcp_answer();
    later.nics[0].dhcp = pious_protocol::facts::Dhcp::Asking { for_s: 48, attempts: 6 };
    panel.show(Arc::new(later), at(1));
    assert!(!framed(&mut panel, VGA).contains('>'));
}

#[test]
fn keys_go_through_pages_and_stop_at_their_ends() {
    let mut panel = panel(&full());
    panel.press(Key::Page(Page::Nics), at(0));
    framed(&mut panel, VGA);
    panel.press(Key::Down(Stride::All), at(0));
    insta::assert_snapshot!("page_nics_end_80x25", framed(&mut panel, VGA));
    let end = framed(&mut panel, VGA);
    panel.press(Key::Down(Stride::Screen), at(0));
    assert_eq!(framed(&mut panel, VGA), end, "the end is the end");
    panel.press(Key::Up(Stride::One), at(0));
    assert_ne!(framed(&mut panel, VGA), end, "and the way back begins there");
    assert!(!panel.press(Key::Quit, at(0)));
}

#[test]
fn findings_are_gone_through_by_the_screenful() {
    let mut panel = panel(&many());
    let first = framed(&mut panel, VGA);
    panel.press(Key::Down(Stride::Screen), at(0));
    let second = framed(&mut panel, VGA);
    assert!(first.contains("DIMM A1") && !first.contains("DIMM H1"), "{first}");
    assert!(!second.contains("DIMM A1"), "{second}");
    panel.press(Key::Down(Stride::All), at(0));
    let last = framed(&mut panel, VGA);
    assert!(last.contains("DIMM H1") && !last.contains("more: PgDn"), "{last}");
}

#[test]
fn who_comes_later_sees_the_summary() {
    let mut panel = panel(&full());
    panel.press(Key::Page(Page::Log), at(10));
    assert!(!panel.pass(at(309)));
    assert!(panel.pass(at(310)));
    assert_eq!(panel.page(), Page::Summary);
}

#[test]
fn an_answer_stands_for_a_while() {
    let mut panel = panel(&healthy());
    panel.notice("no BMC".into(), at(5));
    assert!(framed(&mut panel, VGA).contains("| no BMC"));
    assert!(panel.pass(at(15)));
    assert!(framed(&mut panel, VGA).contains("(S)ummary"));
}
