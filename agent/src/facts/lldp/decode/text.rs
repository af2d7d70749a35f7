//! Bytes of a TLV as a person reads them.

use std::fmt::Write;

/// An id's text; hex where the bytes are no text. Some senders end their strings the C way: that NUL is no part of it.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(without_nul(bytes)) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => text.to_owned(),
        Ok(_) | Err(_) => hex(bytes),
    }
}

/// A description: always shown as text. Control characters other than line breaks and tabs are replaced: the text comes
/// from the wire and ends on a console, where an escape sequence would act. Behind a NUL is nothing: some senders send
/// a buffer of fixed size, with whatever was in its memory behind the text.
pub(super) fn words(bytes: &[u8]) -> String {
    let allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let told = bytes.split(|&b| b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(told).chars().map(|c| if allowed(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

fn without_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
