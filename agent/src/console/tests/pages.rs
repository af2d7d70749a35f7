//! Each page, as golden text.

use super::{FULL_HD, VGA, XGA, all, framed, full, healthy, panel};
use crate::console::{Key, Page, draw, page};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};
use std::time::Duration;

/// Code page 437 beyond ASCII, of it what is drawn: every console's font has these, and not all have more.
const GLYPHS: &str = "─█▀▄";

fn shown(view: &crate::console::View, page: Page, area: Rect) -> String {
    let mut panel = panel(view);
    panel.press(Key::Page(page), Duration::ZERO);
    framed(&mut panel, area)
}

#[test]
fn each_page_of_a_full_server() {
    for page in Page::ALL.into_iter().filter(|page| *page != Page::Summary) {
        let name = page.name().to_lowercase();
        insta::assert_snapshot!(format!("page_{name}_80x25"), shown(&full(), page, VGA));
        insta::assert_snapshot!(format!("page_{name}_128x48"), shown(&full(), page, XGA));
        insta::assert_snapshot!(format!("page_{name}_240x67"), shown(&full(), page, FULL_HD));
    }
}

#[test]
fn each_page_of_a_server_that_told_nothing() {
    let pages = Page::ALL.map(|page| shown(&healthy(), page, VGA));
    insta::assert_snapshot!("pages_without_facts", pages.join("\n"));
}

#[test]
fn every_glyph_is_one_that_every_console_has() {
    for view in all() {
        for (page, area) in Page::ALL.into_iter().flat_map(|page| [VGA, XGA, FULL_HD].map(|area| (page, area))) {
            let text = shown(&view, page, area);
            let odd: String = text.chars().filter(|c| !matches!(c, ' '..='~' | '\n') && !GLYPHS.contains(*c)).collect();
            assert_eq!(odd, "", "{page:?} at {}x{}", area.width, area.height);
        }
    }
}

#[test]
fn what_is_bright_is_bold_so_that_it_ends() {
    let bright = [Color::White, Color::LightRed, Color::LightGreen, Color::LightYellow, Color::LightBlue];
    for (view, page) in all().iter().flat_map(|view| Page::ALL.map(|page| (view, page))) {
        let mut panel = panel(view);
        panel.press(Key::Page(page), Duration::ZERO);
        let mut buffer = Buffer::empty(XGA);
        draw(&mut panel, XGA, &mut buffer);
        let ends = |cell: &&Cell| !bright.contains(&cell.fg) || cell.modifier.contains(Modifier::BOLD);
        assert_eq!(buffer.content().iter().find(|cell| !ends(cell)), None, "{page:?}");
    }
}

#[test]
fn pages_are_as_wide_as_they_are_told() {
    for page in Page::ALL {
        for width in [40, 80, 128, 240] {
            for row in page::rows(page, &full(), width) {
                assert!(row.text.chars().count() <= width, "{page:?} at {width}: {:?}", row.text);
                assert!(row.text.is_ascii(), "for serial lines too: {:?}", row.text);
            }
        }
    }
}

#[test]
fn any_size_of_screen_is_drawn() {
    for (width, height) in [(1, 1), (20, 5), (80, 24), (132, 43), (240, 67)] {
        for page in Page::ALL {
            shown(&full(), page, Rect { x: 0, y: 0, width, height });
        }
    }
}
