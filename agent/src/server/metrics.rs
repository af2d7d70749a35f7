//! `/metrics`: the view as Prometheus text (exposition format 0.0.4). A view in, text out.

use crate::console::{NicView, SenzuReach, View};
use nix::time::{ClockId, clock_gettime};
use pious_protocol::{
    facts::{Dhcp, Link},
    finding::Verdict,
    message::AssetState,
};
use std::fmt::Write;

/// The agent as a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Process {
    pub uptime_s: u64,
    pub rss_bytes: u64,
    pub peak_rss_bytes: u64,
}

impl Process {
    pub fn now() -> Self {
        // VmRSS and VmHWM, in kB.
        let status = procfs::process::Process::myself().and_then(|me| me.status()).ok();
        let bytes = |kib: Option<u64>| kib.unwrap_or_default() * 1024;
        Self {
            uptime_s: clock_gettime(ClockId::CLOCK_BOOTTIME)
                .ok()
                .and_then(|time| u64::try_from(time.tv_sec()).ok())
                .unwrap_or_default(),
            rss_bytes: bytes(status.as_ref().and_then(|status| status.vmrss)),
            peak_rss_bytes: bytes(status.as_ref().and_then(|status| status.vmhwm)),
        }
    }
}

pub(super) fn text(view: &View, process: Process) -> String {
    let mut out = Metrics::default();
    out.family("pious_info", "gauge", "The agent and its asset, in labels.");
    let asset = view.asset.as_deref().unwrap_or_default();
    let state = view.state.map_or("", AssetState::name);
    let labels = [("version", view.version.as_str()), ("asset", asset), ("state", state), ("boot_id", &view.boot_id)];
    out.sample("pious_info", &labels, 1);
    out.family("pious_senzu_reachable", "gauge", "Whether Senzu answers: 1, 0.");
    out.sample("pious_senzu_reachable", &[], u64::from(view.senzu == SenzuReach::Answers));
    per_nic(&mut out, view, "pious_link_up", "Whether the link works: 1, 0.", |nic| nic.link == Link::Up);
    per_nic(&mut out, view, "pious_dhcp_bound", "Whether a DHCP lease is held: 1, 0.", |nic| {
        matches!(nic.dhcp, Dhcp::Bound { .. })
    });
    per_nic(&mut out, view, "pious_lldp_heard", "Whether an LLDP neighbour is heard: 1, 0.", |nic| {
        !nic.neighbours.is_empty()
    });
    out.family("pious_findings", "gauge", "Findings by verdict.");
    let count = |verdict| view.findings.iter().filter(|finding| finding.verdict == verdict).count() as u64;
    out.sample("pious_findings", &[("verdict", "fail")], count(Verdict::Fail));
    out.sample("pious_findings", &[("verdict", "unknown")], count(Verdict::Unknown));
    out.sample("pious_findings", &[("verdict", "pass")], view.passed as u64);
    out.family("pious_boot_phase_ms", "gauge", "When a phase of the boot was reached, since the kernel started.");
    for entry in &view.timeline {
        out.sample("pious_boot_phase_ms", &[("phase", &entry.phase)], entry.at_ms);
    }
    let simple = [
        ("pious_warnings", "Warnings on the console.", view.warnings.len() as u64),
        ("pious_uptime_seconds", "Since the kernel started.", process.uptime_s),
        ("process_resident_memory_bytes", "The agent's memory.", process.rss_bytes),
        ("pious_peak_resident_memory_bytes", "The most of it so far.", process.peak_rss_bytes),
    ];
    for (name, help, value) in simple {
        out.family(name, "gauge", help);
        out.sample(name, &[], value);
    }
    out.text
}

fn per_nic(out: &mut Metrics, view: &View, name: &str, help: &str, is: impl Fn(&NicView) -> bool) {
    out.family(name, "gauge", help);
    for nic in &view.nics {
        out.sample(name, &[("nic", &nic.name)], u64::from(is(nic)));
    }
}

#[derive(Default)]
struct Metrics {
    text: String,
}

impl Metrics {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String never fails.
        let _never = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<_> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _never = writeln!(self.text, "{name}{labels} {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_label_keeps_its_quotes_in() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
