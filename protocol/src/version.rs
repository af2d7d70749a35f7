//! The order of firmware versions, as their makers write them: `2.10`, `P79 v1.45`, `3.4a`, `U32 v2.10 (05/21/2019)`.
//!
//! A version is cut into runs of digits and runs of letters; all else only parts them. Runs are compared in turn:
//! * numbers by value, whatever their length: 2.10 is newer than 2.9, 1.05 is 1.5;
//! * words must be the same, in either case: `P79` and `U32` are two firmwares, not two versions of one;
//! * but one letter behind a number is a patch level: 3.4b is newer than 3.4a, and both are newer than 3.4;
//! * a `v` before a number says nothing: `v1.2` is `1.2`;
//! * of two that begin alike, the longer is newer: 2.10.1 than 2.10. Zeros add nothing: 2.10.0 is 2.10.
//!
//! What can't be ordered so (`1.2-rc1` against `1.2`) has no order: who asks then does not know.

use std::cmp::Ordering;

/// A run of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run<'a> {
    /// Digits without their leading zeros; empty for zero.
    Number(&'a str),
    /// One letter right behind a number, and not before another one.
    Patch(char),
    Word(&'a str),
}

/// Which of two versions is newer; `None` where nobody can say.
pub fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (runs(one), runs(other));
    if one.is_empty() || other.is_empty() {
        return None;
    }
    for (a, b) in one.iter().zip(&other) {
        match order(*a, *b)? {
            Ordering::Equal => {}
            decided => return Some(decided),
        }
    }
    let common = one.len().min(other.len());
    match (one.get(common..).unwrap_or_default(), other.get(common..).unwrap_or_default()) {
        (more, []) => more_than_nothing(more),
        (_, more) => more_than_nothing(more).map(Ordering::reverse),
    }
}

fn order(a: Run<'_>, b: Run<'_>) -> Option<Ordering> {
    match (a, b) {
        (Run::Number(a), Run::Number(b)) => Some(a.len().cmp(&b.len()).then_with(|| a.cmp(b))),
        (Run::Patch(a), Run::Patch(b)) => Some(a.cmp(&b)),
        (Run::Word(a), Run::Word(b)) => a.eq_ignore_ascii_case(b).then_some(Ordering::Equal),
        // 3.4a was made out of 3.4, and 3.4.1 behind that.
        (Run::Patch(_), Run::Number(_)) => Some(Ordering::Less),
        (Run::Number(_), Run::Patch(_)) => Some(Ordering::Greater),
        (Run::Word(_), _) | (_, Run::Word(_)) => None,
    }
}

/// How a version with these further runs stands to the one without.
fn more_than_nothing(more: &[Run<'_>]) -> Option<Ordering> {
    match more.iter().find(|run| **run != Run::Number("")) {
        None => Some(Ordering::Equal),
        Some(Run::Number(_) | Run::Patch(_)) => Some(Ordering::Greater),
        Some(Run::Word(_)) => None,
    }
}

fn runs(version: &str) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut rest = version;
    // Whether the last run is a number that the next one is written right behind.
    let mut is_behind_number = false;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let is_letter = first.is_alphabetic();
        let same = |c: char| c.is_ascii_digit() == is_digit && c.is_alphabetic() == is_letter;
        let (run, behind) = rest.split_at(rest.find(|c| !same(c)).unwrap_or(rest.len()));
        let is_before_number = behind.starts_with(|c: char| c.is_ascii_digit());
        let mut letters = run.chars();
        match (is_digit, is_letter, letters.next(), letters.next()) {
            (true, ..) => runs.push(Run::Number(run.trim_start_matches('0'))),
            (false, true, Some('v' | 'V'), None) if is_before_number => {}
            (false, true, Some(letter), None) if is_behind_number && !is_before_number => {
                runs.push(Run::Patch(letter.to_ascii_lowercase()));
            }
            (false, true, ..) => runs.push(Run::Word(run)),
            (false, false, ..) => {}
        }
        is_behind_number = is_digit;
        rest = behind;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::compare;
    use std::cmp::Ordering::{self, Equal, Greater, Less};

    #[test]
    fn versions_as_their_makers_write_them() {
        let cases: [(&str, &str, Option<Ordering>); 22] = [
            ("2.10", "2.9", Some(Greater)),
            ("2.9", "2.10", Some(Less)),
            ("2.10", "2.10", Some(Equal)),
            ("2.10.0", "2.10", Some(Equal)),
            ("2.10.1", "2.10", Some(Greater)),
            ("1.05", "1.5", Some(Equal)),
            ("P79 v1.45", "P79 v1.5", Some(Greater)),
            ("p79 V1.45", "P79 v1.45", Some(Equal)),
            ("P79 v1.45", "U32 v1.45", None),
            ("P79 v1.45", "1.45", None),
            ("v1.2", "1.2", Some(Equal)),
            ("3.4a", "3.4", Some(Greater)),
            ("3.4b", "3.4a", Some(Greater)),
            ("3.4.1", "3.4a", Some(Greater)),
            ("1.2-rc1", "1.2", None),
            ("U32 v2.10 (05/21/2019)", "U32 v2.10", Some(Greater)),
            ("U32 v2.8 (05/21/2019)", "U32 v2.10", Some(Less)),
            ("99999999999999999999999.1", "99999999999999999999998.9", Some(Greater)),
            ("", "1", None),
            ("--", "1", None),
            ("0", "0.0", Some(Equal)),
            ("1.16.3-debian-1.16.3-2", "1.16.3-debian-1.16.3-1", Some(Greater)),
        ];
        for (one, other, expected) in cases {
            assert_eq!(compare(one, other), expected, "{one:?} {other:?}");
            assert_eq!(compare(other, one), expected.map(Ordering::reverse), "{other:?} {one:?}");
        }
    }

    proptest::proptest! {
        /// Any text is equal to itself or has no order, and never panics; the order is the same from both ends.
        #[test]
        fn the_order_is_the_same_from_both_ends(one: String, other in "[0-9a-zA-Z.v -]{0,12}") {
            proptest::prop_assert_eq!(compare(&one, &other), compare(&other, &one).map(Ordering::reverse));
            proptest::prop_assert!(compare(&one, &one).is_none_or(Ordering::is_eq));
            proptest::prop_assert!(compare(&other, &other).is_none_or(Ordering::is_eq));
        }
    }
}
