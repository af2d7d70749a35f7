//! Where an LLDP-MED device says that it is: ANSI/TIA-1057 §10.2.4. A switch that knows its room and rack tells them to
//! whoever stands in front of the wrong one.

use super::{
    draft::SetAside,
    text::{hex, words},
};

/// Data formats (table 14).
const COORDINATES: u8 = 1;
const CIVIC: u8 = 2;
const ELIN: u8 = 3;

/// One location: `coordinates: hex`, `civic: DE, city Berlin, building 42`, `elin: 911…`, or `format N: hex`.
pub(super) fn read(value: &[u8]) -> Result<String, SetAside> {
    let (&format, data) = value.split_first().ok_or_else(|| SetAside::short("location", value.len()))?;
    match format {
        COORDINATES => Ok(format!("coordinates: {}", hex(data))),
        CIVIC => civic(data)
            .map(|address| format!("civic: {address}"))
            .ok_or_else(|| SetAside::Malformed("a civic address ends in the middle of an element".into())),
        ELIN => Ok(format!("elin: {}", words(data))),
        _ => Ok(format!("format {format}: {}", hex(data))),
    }
}

/// IETF RFC 4776 §3.1 behind a byte of length: what is located, a country, then elements of type, length and text.
fn civic(data: &[u8]) -> Option<String> {
    let (&length, address) = data.split_first()?;
    let [_what, country_0, country_1, elements @ ..] = address.get(..usize::from(length))? else { return None };
    let mut told = words(&[*country_0, *country_1]);
    let mut rest = elements;
    while let [kind, length, behind @ ..] = rest {
        let (text, next) = behind.split_at_checked(usize::from(*length))?;
        let name = element(*kind).map_or_else(|| format!("element {kind}"), str::to_owned);
        told.extend([", ", &name, " ", &words(text)]);
        rest = next;
    }
    rest.is_empty().then_some(told)
}

/// Civic address types (RFC 4776 §3.4) that say where a rack stands.
fn element(kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "state",
        2 => "county",
        3 => "city",
        4 => "division",
        5 => "block",
        6 => "street",
        19 => "number",
        20 => "number suffix",
        21 => "landmark",
        22 => "additional",
        23 => "name",
        24 => "postal code",
        25 => "building",
        26 => "unit",
        27 => "floor",
        28 => "room",
        29 => "place type",
        33 => "seat",
        _ => return None,
    })
}
