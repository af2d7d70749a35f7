//! Which part of an image is asked for: RFC 9110 §14, one range of bytes.

use std::ops::Range;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: there is no range, or one that RFC 9110 §14.2 lets us overlook.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// None that there are.
    Beyond,
}

/// Reads the field `Range` for an image of so many bytes. Of several ranges none is taken: the whole is a fair answer to them.
pub fn part(field: Option<&str>, size: u64) -> Part {
    let asked = field.and_then(|field| field.trim().split_once('='));
    let Some((unit, range)) = asked else { return Part::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return Part::Whole;
    }
    let Some((first, last)) = range.trim().split_once('-') else { return Part::Whole };
    match (number(first), number(last)) {
        // The last so many.
        (None, Some(0)) if first.is_empty() => Part::Beyond,
        (None, Some(count)) if first.is_empty() => Part::Bytes(size.saturating_sub(count)..size),
        (Some(first), _) if last.is_empty() => from(first, size, size),
        (Some(first), Some(last)) if first <= last => from(first, last.saturating_add(1), size),
        (Some(_) | None, _) => Part::Whole,
    }
}

fn from(first: u64, end: u64, size: u64) -> Part {
    match first < size {
        true => Part::Bytes(first..end.min(size)),
        false => Part::Beyond,
    }
}

/// Digits alone; one that no `u64` holds is as good as the largest.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Part, part};

    #[test]
    fn one_range_of_ten_bytes() {
        let bytes = Part::Bytes;
        for (field, expected) in [
            ("bytes=0-0", bytes(0..1)),
            ("bytes=0-", bytes(0..10)),
            ("Bytes = 3-5", bytes(3..6)),
            ("bytes=9-9", bytes(9..10)),
            ("bytes=5-99999999999999999999999", bytes(5..10)),
            ("bytes=-3", bytes(7..10)),
            ("bytes=-30", bytes(0..10)),
            ("bytes=-0", Part::Beyond),
            ("bytes=10-", Part::Beyond),
            ("bytes=10-12", Part::Beyond),
            ("bytes=99999999999999999999999-", Part::Beyond),
            ("bytes=5-3", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=x-3", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=+1-3", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("nonsense", Part::Whole),
        ] {
            assert_eq!(part(Some(field), 10), expected, "{field}");
        }
        assert_eq!(part(None, 10), Part::Whole);
    }

    proptest::proptest! {
        #[test]
        fn a_part_is_within_the_image(field: String, digits in "bytes=[0-9]{0,20}-[0-9]{0,20}", size in 1..u64::MAX) {
            for field in [&field, &digits] {
                if let Part::Bytes(range) = part(Some(field), size) {
                    proptest::prop_assert!(range.start < range.end && range.end <= size, "{:?}", range);
                }
            }
        }
    }
}
