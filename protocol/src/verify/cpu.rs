//! The processors.

use super::{
    check::Check,
    words::{READ_KERNEL, contains, count, number},
};
use crate::{
    expectation::CpuProfile,
    facts::{Cpu, Facts},
    finding::Finding,
};

pub(super) fn judge(profile: &CpuProfile, facts: &Facts) -> Vec<Finding> {
    let judged = [
        profile.model_contains.as_deref().map(|wanted| model(wanted, facts)),
        profile.sockets.map(|wanted| sockets(wanted, facts)),
        profile.cores.map(|wanted| cores(wanted, facts)),
        profile.threads.map(|wanted| threads(wanted, facts)),
        profile.numa_nodes.map(|wanted| numa(wanted, facts)),
        (!profile.flags.is_empty()).then(|| flags(&profile.flags, facts)),
    ];
    judged.into_iter().flatten().collect()
}

/// A number that the kernel tells, or why it does not: 0 is no number of processors.
fn told(facts: &Facts, noun: &str, of: fn(&Cpu) -> u32) -> Result<u32, String> {
    match of(facts.cpu.value()?) {
        0 => Err(format!("the kernel does not tell the number of {noun}")),
        told => Ok(told),
    }
}

fn model(wanted: &str, facts: &Facts) -> Finding {
    let question = Check::CpuModel.expects(format!("a model with {wanted:?} in its name"));
    match facts.cpu.value() {
        Err(reason) => question.unknown(reason, READ_KERNEL),
        Ok(cpu) if cpu.model.trim().is_empty() => question.unknown("the kernel does not tell the model", READ_KERNEL),
        Ok(cpu) if contains(&cpu.model, wanted) => question.pass(&cpu.model),
        Ok(cpu) => question.fail(&cpu.model, "fit the ordered processors, or give this asset the profile it came with"),
    }
}

fn sockets(wanted: u32, facts: &Facts) -> Finding {
    let question = Check::CpuSockets.expects(count(wanted, "processor"));
    let seen = match told(facts, "processors", |cpu| cpu.sockets) {
        Err(reason) => return question.unknown(reason, READ_KERNEL),
        Ok(seen) if seen == wanted => return question.pass(count(seen, "processor")),
        Ok(seen) => seen,
    };
    let empty: Vec<_> = facts.smbios.value().ok().map_or_else(Vec::new, |smbios| {
        smbios.processors.iter().filter(|p| !p.populated).filter_map(|p| p.socket.clone()).collect()
    });
    let remedy = match seen < wanted {
        true if empty.is_empty() => "reseat the missing processor; if it stays missing, replace it".into(),
        true => format!("seat a processor in the empty socket {}", empty.join(", ")),
        false => "give this asset the profile of what was delivered, or remove what was not ordered".into(),
    };
    question.fail(count(seen, "processor"), remedy)
}

fn cores(wanted: u32, facts: &Facts) -> Finding {
    let question = Check::CpuCores.expects(count(wanted, "core"));
    let seen = match told(facts, "cores", |cpu| cpu.cores) {
        Err(reason) => return question.unknown(reason, READ_KERNEL),
        Ok(seen) if seen == wanted => return question.pass(count(seen, "core")),
        Ok(seen) => seen,
    };
    let throttled = facts.smbios.value().ok().and_then(|smbios| {
        smbios.processors.iter().find_map(|p| match (p.cores_enabled, p.cores) {
            (Some(enabled), Some(cores)) if enabled > 0 && enabled < cores => {
                Some((p.socket.as_deref().unwrap_or("a processor"), enabled, cores))
            }
            _ => None,
        })
    });
    let remedy = match (seen < wanted, throttled) {
        (true, Some((socket, enabled, cores))) => {
            format!("enable all cores in the firmware's setup: {socket} runs {enabled} of its {cores}")
        }
        (true, None) => "compare the processors with the order; look for disabled cores in the firmware's setup".into(),
        (false, _) => "compare the processors with the order, or give this asset the profile it came with".into(),
    };
    question.fail(count(seen, "core"), remedy)
}

fn threads(wanted: u32, facts: &Facts) -> Finding {
    let question = Check::CpuThreads.expects(count(wanted, "thread"));
    match told(facts, "threads", |cpu| cpu.threads) {
        Err(reason) => question.unknown(reason, READ_KERNEL),
        Ok(seen) if seen == wanted => question.pass(count(seen, "thread")),
        Ok(seen) if seen < wanted => {
            question.fail(count(seen, "thread"), "switch hyper-threading (SMT) on in the firmware's setup")
        }
        Ok(seen) => question.fail(count(seen, "thread"), "switch hyper-threading (SMT) off in the firmware's setup"),
    }
}

fn numa(wanted: u32, facts: &Facts) -> Finding {
    let question = Check::CpuNuma.expects(count(wanted, "NUMA node"));
    match told(facts, "NUMA nodes", |cpu| number(&cpu.numa)) {
        Err(reason) => question.unknown(reason, READ_KERNEL),
        Ok(seen) if seen == wanted => question.pass(count(seen, "NUMA node")),
        Ok(seen) => question.fail(
            count(seen, "NUMA node"),
            "set the nodes for each socket (NPS, sub-NUMA clustering) in the firmware's setup",
        ),
    }
}

fn flags(wanted: &[String], facts: &Facts) -> Finding {
    let question = Check::CpuFlags.expects(wanted.join(", "));
    let cpu = match facts.cpu.value() {
        Err(reason) => return question.unknown(reason, READ_KERNEL),
        Ok(cpu) => cpu,
    };
    let lacking: Vec<&str> = wanted.iter().filter(|flag| !cpu.flags.contains(flag)).map(String::as_str).collect();
    let has = if cpu.flags.is_empty() { "none of them".into() } else { cpu.flags.join(", ") };
    match lacking.as_slice() {
        [] => question.pass(has),
        lacking => {
            let lacking = lacking.join(", ");
            question.fail(has, format!("switch {lacking} on in the firmware's setup; or fit processors that have it"))
        }
    }
}
