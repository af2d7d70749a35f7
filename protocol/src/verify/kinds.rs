//! Things by kind: each counts for the first kind that it fits, and of each kind there must be so many.

use super::{
    check::Question,
    words::{contains, count, number},
};
use crate::finding::Finding;

/// Whether a thing is of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No,
    /// It may be: what the kind asks for is not told of this thing.
    Untold,
}

impl Fit {
    /// How something wanted stands to what is seen of it; what nobody wants fits.
    pub(super) fn of<W, S>(wanted: Option<W>, seen: Option<S>, fits: impl FnOnce(W, S) -> bool) -> Self {
        match (wanted, seen) {
            (None, _) => Self::Yes,
            (Some(_), None) => Self::Untold,
            (Some(wanted), Some(seen)) => match fits(wanted, seen) {
                true => Self::Yes,
                false => Self::No,
            },
        }
    }

    /// As [`Fit::of`], for a text that contains another.
    pub(super) fn of_text(wanted: Option<&String>, seen: Option<&String>) -> Self {
        Self::of(wanted, seen, |wanted, seen| contains(seen, wanted))
    }

    /// What fits in every respect fits; one that does not decides against all that are untold.
    pub(super) fn all<const N: usize>(respects: [Self; N]) -> Self {
        if respects.contains(&Self::No) {
            Self::No
        } else if respects.contains(&Self::Untold) {
            Self::Untold
        } else {
            Self::Yes
        }
    }
}

/// What was found of one kind.
pub(super) struct Tally<'a, T> {
    of_kind: Vec<&'a T>,
    /// What may be of this kind: it is not told whether it is of an earlier one, or of this.
    untold: Vec<&'a T>,
    /// Of no kind.
    strangers: Vec<&'a T>,
}

/// Where a thing counts.
enum Place {
    At(usize),
    /// Somewhere from this kind on.
    From(usize),
    Nowhere,
}

/// Tallies things, kind by kind.
pub(super) fn tally<'a, K, T>(kinds: &[K], things: &[&'a T], fit: impl Fn(&K, &T) -> Fit) -> Vec<Tally<'a, T>> {
    let place = |thing: &T| {
        let decides = |(at, kind)| match fit(kind, thing) {
            Fit::Yes => Some(Place::At(at)),
            Fit::Untold => Some(Place::From(at)),
            Fit::No => None,
        };
        kinds.iter().enumerate().find_map(decides).unwrap_or(Place::Nowhere)
    };
    let placed: Vec<(&'a T, Place)> = things.iter().map(|thing| (*thing, place(thing))).collect();
    let those = |is_there: &dyn Fn(&T, &Place) -> bool| -> Vec<&'a T> {
        placed.iter().filter(|(thing, place)| is_there(thing, place)).map(|(thing, _)| *thing).collect()
    };
    let tally = |(index, kind)| Tally {
        of_kind: those(&|_, place| matches!(place, Place::At(at) if *at == index)),
        untold: those(&|thing, place| matches!(place, Place::From(at) if *at <= index) && fit(kind, thing) != Fit::No),
        strangers: those(&|_, place| matches!(place, Place::Nowhere)),
    };
    kinds.iter().enumerate().map(tally).collect()
}

/// How findings speak of the things.
pub(super) struct Speech<T> {
    /// `disk`
    pub(super) noun: &'static str,
    /// One of them: `nvme0n1 (nvme, 960 GB)`.
    pub(super) one: fn(&T) -> String,
    pub(super) too_many: &'static str,
    pub(super) too_few: &'static str,
    /// What to do where it is not told of which kind a thing is.
    pub(super) untold: &'static str,
}

/// Judges one kind.
pub(super) fn judge<T>(question: Question, wanted: u32, tally: &Tally<'_, T>, speech: &Speech<T>) -> Finding {
    let list = |things: &[&T]| match things {
        [] => format!("no {}", speech.noun),
        things => {
            let each = things.iter().map(|thing| (speech.one)(thing)).collect::<Vec<_>>().join(", ");
            format!("{}: {each}", count(number(things), speech.noun))
        }
    };
    let seen = number(&tally.of_kind);
    if seen > wanted {
        question.fail(list(&tally.of_kind), speech.too_many)
    } else if !tally.untold.is_empty() {
        question.unknown(format!("{}; of untold kind: {}", list(&tally.of_kind), list(&tally.untold)), speech.untold)
    } else if seen == wanted {
        question.pass(list(&tally.of_kind))
    } else {
        // Those that fit no kind are what the engineer should look at first.
        let others = match tally.strangers.as_slice() {
            [] => String::new(),
            others => format!("; of no kind: {}", list(others)),
        };
        question.fail(format!("{}{others}", list(&tally.of_kind)), speech.too_few)
    }
}
