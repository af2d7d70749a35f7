//! `/metrics`: the view as Prometheus text (exposition format 0.0.4). A view in, text out.

use super::process::Processes;
use crate::console::{NicView, SenzuReach, View};
use pious_protocol::{
    facts::{Dhcp, Link},
    finding::Verdict,
    message::AssetState,
};
use std::fmt::{Display, Write};

pub(super) fn text(view: &View, processes: Processes) -> String {
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
    out.family("pious_warnings", "gauge", "Warnings on the console.");
    out.sample("pious_warnings", &[], view.warnings.len() as u64);
    out.family("pious_uptime_seconds", "gauge", "Since the kernel started.");
    out.sample("pious_uptime_seconds", &[], processes.uptime_s);
    costs(&mut out, &processes);
    out.text
}

fn per_nic(out: &mut Metrics, view: &View, name: &str, help: &str, is: impl Fn(&NicView) -> bool) {
    out.family(name, "gauge", help);
    for nic in &view.nics {
        out.sample(name, &[("nic", &nic.name)], u64::from(is(nic)));
    }
}

/// The agent's processes. `process_…` are the names that Prometheus's own clients use.
fn costs(out: &mut Metrics, processes: &Processes) {
    let session = processes.session;
    out.family("process_cpu_seconds_total", "counter", "The session's processor time.");
    out.sample("process_cpu_seconds_total", &[], seconds(session.cpu_ms));
    out.family("process_resident_memory_bytes", "gauge", "The session's memory.");
    out.sample("process_resident_memory_bytes", &[], session.rss_bytes);
    out.family("pious_peak_resident_memory_bytes", "gauge", "The most of it so far.");
    out.sample("pious_peak_resident_memory_bytes", &[], session.peak_rss_bytes);
    if let Some(init) = processes.init {
        out.family("pious_init_cpu_seconds_total", "counter", "PID 1's processor time.");
        out.sample("pious_init_cpu_seconds_total", &[], seconds(init.cpu_ms));
        out.family("pious_init_resident_memory_bytes", "gauge", "PID 1's memory.");
        out.sample("pious_init_resident_memory_bytes", &[], init.rss_bytes);
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
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

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
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
    use super::{
        super::process::{Cost, Processes},
        Metrics, costs, escaped,
    };

    #[test]
    fn pid_1_is_told_apart_and_only_where_it_is_ours() {
        let cost = |cpu_ms| Cost { rss_bytes: 1024, peak_rss_bytes: 2048, cpu_ms };
        let told = |init| {
            let mut out = Metrics::default();
            costs(&mut out, &Processes { uptime_s: 1, session: cost(1_070), init });
            out.text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
        };
        let session = [
            "process_cpu_seconds_total 1.070",
            "process_resident_memory_bytes 1024",
            "pious_peak_resident_memory_bytes 2048",
        ];
        assert_eq!(told(None), session);
        let init = ["pious_init_cpu_seconds_total 0.030", "pious_init_resident_memory_bytes 1024"];
        assert_eq!(told(Some(cost(30))), [&session[..], &init].concat());
    }

    #[test]
    fn a_label_keeps_its_quotes_in() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
