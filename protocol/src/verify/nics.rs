//! The network interfaces: so many in all, and so many of each kind.

use super::{
    check::Check,
    kinds::{self, Fit, Speech},
    words::{count, number},
};
use crate::{
    expectation::{NicKindProfile, NicProfile},
    facts::{Facts, Nic},
    finding::Finding,
};

const SPEECH: Speech<Nic> = Speech {
    noun: "network interface",
    one: words,
    too_many: "compare the network cards with the order; remove what was not ordered",
    too_few: "reseat the missing network card, in the slot that is named; replace it if it stays missing",
    untold: "compare the network cards with the order, or leave what is not told out of the hardware profile",
};

pub(super) fn judge(profile: &NicProfile, facts: &Facts) -> Vec<Finding> {
    let nics: Vec<&Nic> = facts.data_nics().collect();
    let mut findings: Vec<Finding> = profile.count.map(|wanted| in_all(wanted, &nics, facts)).into_iter().collect();
    let tallies = kinds::tally(&profile.kinds, &nics, fit);
    findings.extend(profile.kinds.iter().zip(&tallies).map(|(kind, tally)| {
        let question = Check::NicsKind.expects_of(kind.to_string(), count(kind.count, "network interface"));
        kinds::judge(question, kind.count, tally, &SPEECH)
    }));
    findings
}

fn in_all(wanted: u32, nics: &[&Nic], facts: &Facts) -> Finding {
    let question = Check::NicsCount.expects(count(wanted, "network interface"));
    let seen = number(nics);
    let names = nics.iter().map(|nic| nic.name.as_str()).collect::<Vec<_>>().join(", ");
    let words = match names.as_str() {
        "" => count(seen, "network interface"),
        names => format!("{}: {names}", count(seen, "network interface")),
    };
    let lacking = facts.kernel.missing_firmware.len();
    if seen == wanted {
        question.pass(words)
    } else if seen > wanted {
        question.fail(words, "compare the network cards with the order; remove what was not ordered")
    } else if lacking == 0 {
        question.fail(words, "reseat the missing network card; if it stays missing, its driver is not in the image")
    } else {
        question.fail(
            words,
            format!("reseat the missing network card; or its driver lacks a firmware file (the image lacks {lacking})"),
        )
    }
}

fn fit(kind: &NicKindProfile, nic: &Nic) -> Fit {
    Fit::all([
        Fit::of(kind.driver.as_ref(), nic.driver.as_ref(), |wanted, seen| wanted == seen),
        Fit::of(kind.pci_id.as_ref(), nic.pci_id.as_ref(), |wanted, seen| wanted.eq_ignore_ascii_case(seen)),
        Fit::of(kind.min_speed_mbps, able_mbps(nic), |wanted, seen| seen >= wanted),
        Fit::of_text(kind.location_contains.as_ref(), nic.location.as_ref()),
    ])
}

/// The most that an interface can do, in Mb/s: by its modes (`25000baseCR/Full`), and what it does now.
pub fn able_mbps(nic: &Nic) -> Option<u32> {
    let speed = |mode: &String| mode.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok();
    nic.supported_modes.iter().filter_map(speed).chain(nic.speed_mbps).max()
}

fn words(nic: &Nic) -> String {
    let driver = nic.driver.as_deref().unwrap_or("no driver told");
    match (able_mbps(nic), nic.location.as_deref()) {
        (Some(mbps), Some(place)) => format!("{} ({driver}, {mbps} Mb/s, in {place})", nic.name),
        (Some(mbps), None) => format!("{} ({driver}, {mbps} Mb/s)", nic.name),
        (None, Some(place)) => format!("{} ({driver}, in {place})", nic.name),
        (None, None) => format!("{} ({driver})", nic.name),
    }
}
