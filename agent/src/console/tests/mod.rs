//! Both drawings of what an engineer meets, as golden text.

mod devices;
mod pages;
mod panel;
mod views;

use super::{Busy, Lines, Panel, SenzuReach, View, demo};
use ratatui::layout::Rect;
use std::{sync::Arc, time::Duration};
use views::{
    at_work, firmware_busy, full, healthy, many, miscabled, no_cable, no_dhcp_answer, senzu_down, starting, with_next,
};

/// A VGA text console.
const VGA: Rect = Rect { x: 0, y: 0, width: 80, height: 25 };

/// A framebuffer of 1024x768 with the kernel's font of 8x16.
const XGA: Rect = Rect { x: 0, y: 0, width: 128, height: 48 };

/// A framebuffer of 1920x1080.
const FULL_HD: Rect = Rect { x: 0, y: 0, width: 240, height: 67 };

fn panel(view: &View) -> Panel {
    let mut panel = Panel::default();
    panel.show(Arc::new(view.clone()), Duration::ZERO);
    panel
}

/// The edge shows where a row ends.
fn framed(panel: &mut Panel, area: Rect) -> String {
    demo::text(panel, area).lines().map(|row| format!("|{row}\n")).collect()
}

fn screen(view: &View, area: Rect) -> String {
    framed(&mut panel(view), area)
}

fn lines(view: &View) -> String {
    Lines::default().show(view)
}

/// Every view of these tests.
fn all() -> [View; 10] {
    [
        starting(),
        no_cable(),
        no_dhcp_answer(),
        miscabled(),
        healthy(),
        senzu_down(),
        firmware_busy(),
        at_work(),
        many(),
        full(),
    ]
}

macro_rules! golden {
    ($($name:ident),*) => {
        $(mod $name {
            #[test]
            fn on_screen() {
                let view = super::$name();
                let name = stringify!($name);
                insta::assert_snapshot!(format!("{name}_80x25"), super::screen(&view, super::VGA));
                insta::assert_snapshot!(format!("{name}_128x48"), super::screen(&view, super::XGA));
                insta::assert_snapshot!(format!("{name}_240x67"), super::screen(&view, super::FULL_HD));
            }
            #[test]
            fn in_lines() {
                insta::assert_snapshot!(concat!(stringify!($name), "_in_lines"), super::lines(&super::$name()));
            }
        })*
    };
}

golden!(starting, no_cable, no_dhcp_answer, miscabled, healthy, senzu_down, firmware_busy, at_work, many, full);

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
fn lines_do_not_scroll_with_every_percent() {
    let at = |percent| View {
        busy: Some(Busy { words: "writing BMC firmware 2.11".into(), percent: Some(percent) }),
        ..firmware_busy()
    };
    let mut lines = Lines::default();
    lines.show(&at(40));
    assert_eq!(lines.show(&at(49)), "");
    assert_eq!(lines.show(&at(50)), "  ** DO NOT POWER OFF  writing BMC firmware 2.11  50 % **\n");
}

#[test]
fn lines_are_plain_text() {
    for view in all() {
        assert!(lines(&view).is_ascii());
    }
}

#[test]
fn what_is_said_in_colour_is_also_said_in_words() {
    let text = screen(&miscabled(), VGA);
    assert!(text.contains("FAIL") && text.contains("UNKNOWN"), "{text}");
    assert!(screen(&senzu_down(), VGA).contains("NOT REACHED"));
    assert!(screen(&firmware_busy(), VGA).contains("DO NOT POWER OFF"));
}

#[test]
fn a_recorded_view_is_the_view() {
    for view in all() {
        let recorded = serde_json::to_vec(&view).unwrap();
        let read: View = serde_json::from_slice(&recorded).unwrap();
        assert_eq!(screen(&read, FULL_HD), screen(&view, FULL_HD));
    }
    let odd: View = serde_json::from_str(r#"{"asset": "r1-u10", "newer": [1]}"#).unwrap();
    assert_eq!(odd, View { asset: Some("r1-u10".into()), ..View::default() }, "what is lacking, and what is newer");
}
