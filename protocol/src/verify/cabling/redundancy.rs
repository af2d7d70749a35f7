//! Do the links of one group end in different switches, so that the death of one switch does not cost them all?

use super::{Cable, Check, End, end};
use crate::{facts::Neighbour, finding::Finding};

/// One finding for each group, in the order in which the plan first names it.
pub(super) fn judge(cables: &[Cable<'_>]) -> Vec<Finding> {
    let mut names: Vec<&str> = Vec::new();
    for name in cables.iter().filter_map(|cable| cable.planned.group.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let of = |name: &str| cables.iter().filter(|c| c.planned.group.as_deref() == Some(name)).collect::<Vec<_>>();
    names.into_iter().map(|name| judge_group(name, &of(name))).collect()
}

fn judge_group(name: &str, members: &[&Cable<'_>]) -> Finding {
    let planned = members.iter().map(|cable| format!("{} in {}", cable.short_name(), cable.planned.switch));
    let question = Check::CablingRedundancy
        .expects_of(name, format!("different switches: {}", planned.collect::<Vec<_>>().join(", ")));
    let ends: Vec<(&Cable<'_>, Option<&Neighbour>)> = members.iter().map(|cable| (*cable, switch(cable))).collect();
    let words = |ends: &[(&Cable<'_>, Option<&Neighbour>)]| {
        let one = |(cable, heard): &(&Cable<'_>, Option<&Neighbour>)| match heard {
            Some(neighbour) => format!("{} in {}", cable.short_name(), end::switch_words(neighbour)),
            None => format!("{} untold", cable.short_name()),
        };
        ends.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let shared = ends.iter().enumerate().find_map(|(at, (cable, heard))| {
        let heard = (*heard)?;
        let before = ends.get(..at)?.iter().find(|(_, other)| other.is_some_and(|other| is_same(other, heard)))?;
        Some((before.0, *cable))
    });
    match shared {
        Some((first, second)) if first.planned.switch.eq_ignore_ascii_case(&second.planned.switch) => question.fail(
            words(&ends),
            format!(
                "correct the cabling plan: it wants {} and {} in one switch",
                first.short_name(),
                second.short_name()
            ),
        ),
        Some((first, second)) => {
            let wrong = if matches!(second.end, End::Planned(_)) { first } else { second };
            question.fail(words(&ends), format!("move the cable of {} to {}", wrong.short_name(), wrong.planned_port()))
        }
        None if ends.iter().any(|(_, heard)| heard.is_none()) => {
            question.unknown(words(&ends), "mend cabling.link and cabling.port of these interfaces first")
        }
        None => question.pass(words(&ends)),
    }
}

/// The switch that a cable ends in. Of several neighbours none is known to be it, unless one is the planned port.
fn switch<'a>(cable: &Cable<'a>) -> Option<&'a Neighbour> {
    match cable.end {
        End::Planned(neighbour) | End::Nameless(neighbour) => Some(neighbour),
        End::Elsewhere([only]) => Some(only),
        End::Elsewhere(_) | End::Untold { .. } => None,
    }
}

/// By chassis id: two switches of one name are two, and a stack of one chassis id dies as one.
fn is_same(one: &Neighbour, other: &Neighbour) -> bool {
    one.chassis_id == other.chassis_id
}
