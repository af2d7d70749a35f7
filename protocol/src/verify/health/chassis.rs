//! What the BMC says of the chassis, and what it wrote into its event log.

use super::super::{
    check::Check,
    words::{ASK_AGAIN, count, number},
};
use crate::{
    facts::{Bmc, ChassisStatus, EventLog, EventLogEntry},
    finding::Finding,
};

/// How many of the log's failures are named; the newest say what is wrong now.
const NAMED_EVENTS: usize = 3;

pub(super) fn judge(bmc: &Bmc) -> Vec<Finding> {
    let chassis = bmc.chassis.reading().map(|status| {
        let question = Check::HealthChassis.expects("no fault");
        match status {
            Err(reason) => question.unknown(reason, ASK_AGAIN),
            Ok(status) => match faults(status).as_slice() {
                [] => question.pass("no fault"),
                faults => {
                    let of = |part: fn(&(&'static str, &'static str)) -> &'static str| {
                        faults.iter().map(part).collect::<Vec<_>>().join("; ")
                    };
                    question.fail(of(|(what, _)| what), of(|(_, remedy)| remedy))
                }
            },
        }
    });
    let log = bmc.event_log.reading().map(|log| {
        let question = Check::HealthEventLog.expects("no failure in the BMC's event log");
        match log {
            Err(reason) => question.unknown(reason, ASK_AGAIN),
            Ok(log) => event_log(question, log),
        }
    });
    chassis.into_iter().chain(log).collect()
}

fn faults(status: &ChassisStatus) -> Vec<(&'static str, &'static str)> {
    let faults = [
        (status.power_fault, ("power fault", "look at the power supplies and the board's power plugs")),
        (status.power_overload, ("power overload", "fit stronger power supplies, or fewer cards")),
        (status.power_control_fault, ("power control fault", "pull the power cords for a minute, then start anew")),
        (status.cooling_fault, ("cooling fault", "look for a fan that stands, and replace it")),
        (status.drive_fault, ("drive fault", "look for the disk with the amber lamp, and replace it")),
        (status.intrusion, ("the lid is open", "close the lid")),
    ];
    faults.into_iter().filter(|(is_there, _)| *is_there).map(|(_, words)| words).collect()
}

fn event_log(question: super::super::check::Question, log: &EventLog) -> Finding {
    let failures: Vec<&EventLogEntry> =
        log.latest.iter().enumerate().filter(|(at, entry)| lasts(entry, log, *at)).map(|(_, entry)| entry).collect();
    if failures.is_empty() {
        return match log.overflowed {
            true => question.unknown("entries were lost: the log is full", "save the BMC's event log, then clear it"),
            false => question.pass(count(log.entries, "entry")),
        };
    }
    let newest = failures.iter().rev().take(NAMED_EVENTS).map(|entry| {
        let sensor = entry.name.as_ref().unwrap_or(&entry.sensor);
        format!("{sensor}: {}", entry.event)
    });
    let newest = newest.collect::<Vec<_>>().join("; ");
    question.fail(
        format!("{}: {newest}", count(number(&failures), "failure")),
        "mend what the event log tells of, then clear it",
    )
}

/// Whether an entry tells of a failure that no later entry ends.
fn lasts(entry: &EventLogEntry, log: &EventLog, at: usize) -> bool {
    let ends = |later: &EventLogEntry| {
        !later.asserted && later.sensor_number == entry.sensor_number && later.event == entry.event
    };
    entry.critical && entry.asserted && !log.latest.iter().skip(at + 1).any(ends)
}
