//! PCI: are the ordered functions there, is each link as wide and fast as it should be, and has each a driver?

use super::{
    check::Check,
    words::{READ_KERNEL, count},
};
use crate::{
    expectation::{HardwareProfile, PciProfile},
    facts::{Facts, PciDevice, PciDriver, PcieLink},
    finding::Finding,
};

/// Base classes (PCI Code and ID Assignment 1.11 §1) whose links are judged though nobody asks: storage, network, display,
/// processing accelerators. Bridges train to whatever is behind them.
const JUDGED_LINKS: [&str; 4] = ["01", "02", "03", "12"];
/// Those whose speed is judged too. Displays slow their links down while they idle.
const JUDGED_SPEEDS: [&str; 2] = ["01", "02"];
/// Those that must have a driver: without one their disks and ports can't be counted. PIOUS needs no other's.
const JUDGED_DRIVERS: [&str; 2] = ["01", "02"];

const RESEAT: &str =
    "reseat the card, and look at its slot and riser; if it stays, it may sit in a slot with fewer lanes";

pub(super) fn judge(profile: &HardwareProfile, facts: &Facts) -> Vec<Finding> {
    let counted = profile.pci.iter().filter_map(|kind| Some((kind, kind.count?)));
    let devices = match facts.pci.reading() {
        None => &[] as &[PciDevice],
        Some(Ok(devices)) => devices,
        Some(Err(reason)) => {
            let mut findings: Vec<_> =
                counted.map(|(kind, wanted)| question(kind, wanted).unknown(reason, READ_KERNEL)).collect();
            findings.push(Check::PciLink.expects(LINKS).unknown(reason, READ_KERNEL));
            findings.push(Check::PciDriver.expects(DRIVERS).unknown(reason, READ_KERNEL));
            return findings;
        }
    };
    let mut findings: Vec<_> = counted.map(|(kind, wanted)| functions(kind, wanted, devices)).collect();
    findings.extend(links(&profile.pci, devices));
    findings.extend(drivers(devices));
    findings
}

const LINKS: &str = "every link as wide and fast as its card can do";
const DRIVERS: &str = "a driver for every storage and network controller";

fn question(kind: &PciProfile, wanted: u32) -> super::check::Question {
    Check::PciCount.expects_of(kind.to_string(), count(wanted, "function"))
}

fn is_of(kind: &PciProfile, device: &PciDevice) -> bool {
    kind.id.eq_ignore_ascii_case(&device.id)
}

fn functions(kind: &PciProfile, wanted: u32, devices: &[PciDevice]) -> Finding {
    let question = question(kind, wanted);
    let found: Vec<&PciDevice> = devices.iter().filter(|device| is_of(kind, device)).collect();
    let seen = super::words::number(&found);
    let places = found.iter().map(|device| place(device)).collect::<Vec<_>>().join(", ");
    let words = if found.is_empty() { "none".into() } else { format!("{}: {places}", count(seen, "function")) };
    if seen == wanted {
        question.pass(words)
    } else if seen < wanted {
        question
            .fail(words, "reseat the missing card; look at its power cable and riser, and replace it if it stays dead")
    } else {
        question.fail(words, "compare the cards with the order; remove what was not ordered")
    }
}

/// Where a function is found: its slot's name, and its address.
fn place(device: &PciDevice) -> String {
    match &device.location {
        Some(location) => format!("{location} ({})", device.address),
        None => device.address.clone(),
    }
}

fn has_class(device: &PciDevice, classes: &[&str]) -> bool {
    device.class.get(..2).is_some_and(|class| classes.contains(&class))
}

/// A fail for each card whose link is lacking, or one pass for all of them.
fn links(kinds: &[PciProfile], devices: &[PciDevice]) -> Vec<Finding> {
    let mut judged = 0u32;
    let mut findings: Vec<Finding> = Vec::new();
    let mut cards: Vec<&str> = Vec::new();
    for device in devices {
        let kind = kinds.iter().find(|kind| is_of(kind, device));
        // The functions of one card share its link; the first speaks for it.
        let card = device.address.split('.').next().unwrap_or(&device.address);
        let Some(link) = device.link.as_ref().filter(|link| link.width > 0 && link.max_width > 0) else { continue };
        if cards.contains(&card) || kind.is_none() && !has_class(device, &JUDGED_LINKS) {
            continue;
        }
        cards.push(card);
        judged += 1;
        let wanted = wanted(kind, device, link);
        if link.width < wanted.width || link.speed_mtps < wanted.speed_mtps {
            let question = Check::PciLink.expects_of(subject(device), format!("at least {}", link_words(&wanted)));
            findings.push(question.fail(link_words(link), RESEAT));
        }
    }
    if findings.is_empty() && judged > 0 {
        findings.push(Check::PciLink.expects(LINKS).pass(count(judged, "link")));
    }
    findings
}

/// The least link that a function must have; what no one asks for is 0.
fn wanted(kind: Option<&PciProfile>, device: &PciDevice, link: &PcieLink) -> PcieLink {
    let able_mtps = if has_class(device, &JUDGED_SPEEDS) { link.max_speed_mtps } else { 0 };
    PcieLink {
        width: kind.and_then(|kind| kind.min_width).unwrap_or(link.max_width),
        speed_mtps: kind.and_then(|kind| kind.min_speed_mtps).unwrap_or(able_mtps),
        ..PcieLink::default()
    }
}

fn link_words(link: &PcieLink) -> String {
    match link.speed_mtps {
        0 => format!("x{}", link.width),
        mtps if mtps.is_multiple_of(1000) => format!("x{} at {} GT/s", link.width, mtps / 1000),
        mtps => format!("x{} at {}.{} GT/s", link.width, mtps / 1000, mtps % 1000 / 100),
    }
}

fn subject(device: &PciDevice) -> String {
    let name = device.name.as_ref().unwrap_or(&device.id);
    format!("{name} in {}", place(device))
}

/// A finding for each controller without a driver, or one pass for all of them.
fn drivers(devices: &[PciDevice]) -> Vec<Finding> {
    let controllers: Vec<&PciDevice> = devices.iter().filter(|device| has_class(device, &JUDGED_DRIVERS)).collect();
    let judge = |device: &&PciDevice| {
        let question = Check::PciDriver.expects_of(subject(device), "a driver");
        match &device.driver {
            PciDriver::Bound { .. } | PciDriver::NotNeeded => None,
            PciDriver::Missing { reason } => Some(question.fail(
                reason,
                format!("report it to whoever builds the image: its driver profile lacks {}", device.id),
            )),
            PciDriver::Unknown => Some(question.unknown("the kernel does not tell its driver", READ_KERNEL)),
        }
    };
    let findings: Vec<Finding> = controllers.iter().filter_map(judge).collect();
    match (findings.is_empty(), super::words::number(&controllers)) {
        (true, seen @ 1..) => vec![Check::PciDriver.expects(DRIVERS).pass(count(seen, "controller"))],
        (true, 0) | (false, _) => findings,
    }
}
