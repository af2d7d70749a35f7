//! A QR code of text, in half blocks: two modules to a cell, which is about twice as high as wide.

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code (ISO/IEC 18004:2015 §9.1): less, and the frame beside it is taken for a part of it.
const QUIET_ZONE: i32 = 4;

/// The code's rows, all of one width; `None` for a text that is too long for one. Blocks are light modules, gaps dark
/// ones: it is to be drawn in white on black.
pub(super) fn rows(text: &str) -> Option<Vec<String>> {
    // A screen is not torn or soiled: the least redundancy gives the largest modules.
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let (first, end) = (-QUIET_ZONE, code.size() + QUIET_ZONE);
    // Beyond its size the code is light, so that an odd last row ends light.
    let is_light = |x, y| !code.get_module(x, y);
    let upper_rows = (first..end).step_by(2);
    Some(upper_rows.map(|y| (first..end).map(|x| block(is_light(x, y), is_light(x, y + 1))).collect()).collect())
}

fn block(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}
