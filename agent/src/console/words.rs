//! Words that both drawings share.

use super::{Busy, Judged, Neighbour, NicView, SenzuReach, View};
use crate::facts::Part;
use pious_protocol::{
    facts::{Dhcp, Link},
    finding::{Finding, Severity, Verdict},
    message::Evaluation,
};
use std::time::{Duration, UNIX_EPOCH};

/// Text that any console shows and none obeys: printable ASCII, cut to a length. Names come from switches and firmware,
/// and an escape sequence in one must not redraw the screen.
pub(super) fn plain(text: &str, most_chars: usize) -> String {
    let mut out: String = text
        .chars()
        .take(most_chars)
        .map(|c| match c {
            ' '..='~' => c,
            '\n' | '\t' => ' ',
            '\u{2013}' | '\u{2014}' => '-',
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            _ => '?',
        })
        .collect();
    if text.chars().nth(most_chars).is_some() {
        out.push_str("...");
    }
    out
}

/// How exact times are: a screen shows seconds, a line would scroll with each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    Exact,
    Rough,
}

impl Times {
    /// For how long something has lasted.
    fn lasting(self, seconds: u64) -> String {
        match (self, seconds) {
            (Self::Exact, _) => format!("for {seconds} s"),
            (Self::Rough, 0..10) => String::new(),
            (Self::Rough, 10..30) => "for over 10 s".into(),
            (Self::Rough, 30..60) => "for over 30 s".into(),
            (Self::Rough, 60..300) => "for over 1 min".into(),
            (Self::Rough, _) => format!("for over {} min", seconds / 300 * 5),
        }
    }
}

/// Cuts to a width, with a mark.
pub(super) fn fit(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width.saturating_sub(1)).chain(['~']).collect(),
        false => text.to_owned(),
    }
}

/// How long ago, as exactly as anybody wants to know.
pub(super) fn ago(age_s: u64) -> String {
    match age_s {
        0..60 => "just now".into(),
        60..3600 => format!("{} min ago", age_s / 60),
        _ => format!("{} h ago", age_s / 3600),
    }
}

/// What a part is called.
pub(super) fn part(part: Part) -> &'static str {
    match part {
        Part::Firmware => "firmware",
        Part::Smbios => "SMBIOS",
        Part::Cpu => "processors",
        Part::Memory => "memory",
        Part::MemoryErrors => "memory errors",
        Part::Nics => "NICs",
        Part::Disks => "disks",
        Part::DiskHealth => "disk health",
        Part::Pci => "PCI",
        Part::Bmc => "BMC",
        Part::BmcHealth => "the BMC's sensors",
        Part::Sensors => "the kernel's sensors",
        Part::Kernel => "kernel",
    }
}

/// What a check saw and, where that is read from time to time only, how long ago.
pub(super) fn seen(view: &View, finding: &Finding) -> String {
    let age = polled(&finding.check).and_then(|part| view.ages.iter().find(|age| age.part == part));
    match age {
        Some(age) => format!("{} (read {})", finding.seen, ago(age.age_s)),
        None => finding.seen.clone(),
    }
}

/// The part behind a check, where it is one that no event tells of.
fn polled(check: &str) -> Option<Part> {
    Some(match check.strip_prefix("health.").unwrap_or(check) {
        "disk" | "disk_age" => Part::DiskHealth,
        "memory" | "memory_corrected" | "machine_checks" => Part::MemoryErrors,
        "temperature" => Part::Sensors,
        "chassis" | "event_log" | "power" | "sensors" | "power.supplies" => Part::BmcHealth,
        _ => return None,
    })
}

/// Memory and traffic, in powers of 1024.
pub(super) fn bytes(bytes: u64) -> String {
    scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

/// Disks, in powers of 1000 as on their labels.
pub(super) fn decimal_bytes(bytes: u64) -> String {
    scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB", "PB"])
}

/// With one digit behind the point where there is but one before it.
fn scaled(amount: u64, base: u64, units: [&str; 6]) -> String {
    let mut scale = 1;
    let mut units = units.into_iter().peekable();
    while let (Some(unit), next) = (units.next(), units.peek().is_some()) {
        if amount / scale < base || !next {
            let (whole, tenth) = (amount / scale, amount % scale * 10 / scale);
            return if whole < 10 && tenth > 0 { format!("{whole}.{tenth} {unit}") } else { format!("{whole} {unit}") };
        }
        scale *= base;
    }
    amount.to_string()
}

/// A moment by the BMC's clock, e.g. `25 Nov 2026 22:15`.
pub(super) fn date(unix_s: u64) -> String {
    // 9999-12-31: the formatter takes none beyond.
    let at = UNIX_EPOCH + Duration::from_secs(unix_s.min(253_402_300_799));
    // Behind the day of the week, and without seconds and zone.
    httpdate::fmt_http_date(at).get(5..22).unwrap_or_default().to_owned()
}

/// Whether a failed check names this NIC.
pub(super) fn is_blamed(view: &View, nic: &NicView) -> bool {
    let names = |subject: &str| {
        nic.mac.as_deref().is_some_and(|mac| subject.contains(mac))
            || subject.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == nic.name)
    };
    let failed = view.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    failed.filter_map(|finding| finding.subject.as_deref()).any(names)
}

/// Joins words, without gaps for empty ones.
pub(super) fn joined(words: &[&str], between: &str) -> String {
    words.iter().copied().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(between)
}

pub(super) fn link(nic: &NicView) -> String {
    match (nic.link, nic.speed_mbps) {
        (Link::Up, Some(speed)) if speed % 1000 == 0 => format!("up {} Gb/s", speed / 1000),
        (Link::Up, Some(speed)) => format!("up {speed} Mb/s"),
        (Link::Up, None) => "up".into(),
        (Link::NoCarrier, _) => "NO CARRIER".into(),
        (Link::Disabled, _) => "disabled".into(),
        (Link::Unknown, _) => "not known".into(),
    }
}

pub(super) fn vlan(nic: &NicView) -> String {
    let others = nic.other_vlans.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    match (nic.native_vlan, others.is_empty()) {
        (Some(native), true) => native.to_string(),
        (Some(native), false) => format!("{native} +{others}"),
        (None, false) => format!("+{others}"),
        (None, true) => "-".into(),
    }
}

/// The other end. Why none is heard takes more words than a column has; the finding on that cable has them.
pub(super) fn neighbour(nic: &NicView) -> String {
    let name = |neighbour: &Neighbour| format!("{} {}", neighbour.switch, neighbour.port);
    match nic.neighbours.as_slice() {
        [] if nic.link != Link::Up => "-".into(),
        [] => "none heard".into(),
        heard => heard.iter().map(name).collect::<Vec<_>>().join(" / "),
    }
}

pub(super) fn address(nic: &NicView, times: Times) -> String {
    let addresses = nic.addresses.join(" ");
    match &nic.dhcp {
        Dhcp::Bound { address, prefix_length, .. } if nic.addresses.len() <= 1 => format!("{address}/{prefix_length}"),
        Dhcp::Asking { for_s, attempts } if addresses.is_empty() => {
            let lasting = times.lasting(*for_s);
            match (times, attempts, for_s) {
                (_, 0 | 1, 0..10) => "DHCP: asking".into(),
                (Times::Exact, _, _) => format!("DHCP: NO ANSWER {lasting}"),
                (Times::Rough, _, 0..10) => "DHCP: asking".into(),
                (Times::Rough, _, _) => format!("DHCP: NO ANSWER {lasting}"),
            }
        }
        Dhcp::Bound { .. } | Dhcp::Asking { .. } | Dhcp::Idle | Dhcp::Unknown if addresses.is_empty() => "-".into(),
        Dhcp::Bound { .. } | Dhcp::Asking { .. } | Dhcp::Idle | Dhcp::Unknown => addresses,
    }
}

pub(super) fn senzu(view: &View, times: Times) -> String {
    match &view.senzu {
        SenzuReach::Untried { why } => format!("{}  not asked: {why}", view.senzu_url),
        SenzuReach::Answers => format!("{}  answers", view.senzu_url),
        SenzuReach::Fails { why, for_s, retry_in_s } => {
            let lasting = times.lasting(*for_s);
            let again = match times {
                Times::Exact => format!("next try in {retry_in_s} s"),
                Times::Rough => "trying on".into(),
            };
            let failing = joined(&["NOT REACHED", &lasting], " ");
            format!("{}  {failing}, {again}: {why}", view.senzu_url)
        }
    }
}

pub(super) fn asset(view: &View) -> String {
    match (&view.asset, view.is_confirmed) {
        (Some(name), true) => name.clone(),
        (Some(name), false) => format!("{name} (says PXE; Senzu has not said)"),
        (None, _) => "unknown server".into(),
    }
}

pub(super) fn state(view: &View) -> &'static str {
    view.state.map_or("state not known", |state| state.name())
}

pub(super) fn step(view: &View) -> String {
    let evaluation = match view.evaluation {
        Some(Evaluation::Pending) => "being evaluated",
        Some(Evaluation::Failing) => "checks are failing",
        Some(Evaluation::Passed) => "all checks passed",
        Some(Evaluation::Unknown) | None => "",
    };
    let step = view.step.as_deref().unwrap_or_default();
    joined(&[&joined(&[step, evaluation], ", "), view.reason.as_deref().unwrap_or_default()], ": ")
}

/// How a check came out and, where that is not the usual, how much it matters.
pub(super) fn verdict(finding: &Finding) -> &'static str {
    match (finding.verdict, finding.severity) {
        (Verdict::Fail, Severity::Critical) => "FAIL, CRITICAL",
        (Verdict::Fail, Severity::Major | Severity::Unknown) => "FAIL",
        (Verdict::Fail, Severity::Minor) => "fail, minor",
        (Verdict::Unknown, _) => "UNKNOWN",
        (Verdict::Pass, _) => "pass",
    }
}

pub(super) fn title(finding: &Finding) -> String {
    joined(&[&finding.check, finding.subject.as_deref().unwrap_or_default()], "  ")
}

pub(super) fn tally(view: &View) -> String {
    let failed = view.findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    let unknown = view.findings.len() - failed;
    match view.judged {
        Judged::Yes => format!("{failed} failed, {unknown} unknown, {} passed", view.passed),
        Judged::DriversLoad => "not judged yet: drivers are loading".into(),
        Judged::NothingExpected => "not judged yet: Senzu has not said what is expected".into(),
    }
}

pub(super) fn busy(view: &View, times: Times) -> Option<String> {
    Some(joined(&["DO NOT POWER OFF", &progress(view.busy.as_ref()?, times)], "  "))
}

pub(super) fn work(view: &View, times: Times) -> Option<String> {
    Some(progress(view.work.as_ref()?, times))
}

fn progress(busy: &Busy, times: Times) -> String {
    let percent = busy.percent.map(|percent| match times {
        Times::Exact => format!("{percent} %"),
        Times::Rough => format!("{} %", percent / 10 * 10),
    });
    joined(&[&plain(&busy.words, 200), &percent.unwrap_or_default()], "  ")
}

/// Text in rows of at most `width`, broken between words where there is such a place.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut rows: Vec<String> = Vec::new();
    let mut row = String::new();
    for word in text.split(' ') {
        if !row.is_empty() && row.len() + 1 + word.len() > width {
            rows.push(std::mem::take(&mut row));
        } else if !row.is_empty() {
            row.push(' ');
        }
        for c in word.chars() {
            // A word that is longer than a row.
            if row.chars().count() == width {
                rows.push(std::mem::take(&mut row));
            }
            row.push(c);
        }
    }
    rows.push(row);
    rows
}

#[cfg(test)]
mod tests {
    use super::{bytes, date, decimal_bytes, plain, wrapped};

    #[test]
    fn rows_break_between_words_where_they_can() {
        assert_eq!(wrapped("move the cable", 8), ["move the", "cable"]);
        assert_eq!(wrapped("a 0123456789", 4), ["a", "0123", "4567", "89"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn sizes_are_as_on_labels() {
        let told = [0, 999, 1_000, 9_600_000, 3_840_755_982_336, u64::MAX].map(decimal_bytes);
        assert_eq!(told, ["0 B", "999 B", "1 kB", "9.6 MB", "3.8 TB", "18446 PB"]);
        let told = [1023, 1536, 34_359_738_368, 549_755_813_888].map(bytes);
        assert_eq!(told, ["1023 B", "1.5 KiB", "32 GiB", "512 GiB"]);
    }

    #[test]
    fn a_bmcs_clock_may_be_anywhere() {
        assert_eq!(
            [0, 1_795_644_900, u64::MAX].map(date),
            ["01 Jan 1970 00:00", "25 Nov 2026 22:15", "31 Dec 9999 23:59"]
        );
    }

    #[test]
    fn a_name_cannot_redraw_the_screen() {
        assert_eq!(plain("sw\u{1b}[2J\u{7}é1", 80), "sw?[2J??1");
        assert_eq!(plain("abcdef", 3), "abc...");
    }
}
