//! The view as lines, for a serial console that keeps every one: only what changed is printed, a whole block where
//! much did. Plain ASCII, no cursor movement.

use super::{
    View,
    words::{self, Times},
};

/// How many changed lines are printed as a whole block instead: lines without their surroundings make no sense then.
const BLOCK_FROM: usize = 8;

/// One line and what it is about: a line about the same thing replaces it.
type Line = (String, String);

/// What a serial console was told.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    told: Vec<Line>,
}

impl Lines {
    /// What to print of a new view.
    pub fn show(&mut self, view: &View) -> String {
        let new = lines(view);
        let changed: Vec<_> = new.iter().filter(|line| !self.told.contains(line)).collect();
        let gone: Vec<_> = self.told.iter().filter(|(about, _)| !new.iter().any(|(other, _)| other == about)).collect();
        let is_other_asset = |line: &&&Line| line.0 == "asset";
        let mut text = String::new();
        if self.told.is_empty() || changed.iter().any(|line| is_other_asset(&line)) || changed.len() >= BLOCK_FROM {
            for (_, line) in &new {
                text.push_str(line);
                text.push('\n');
            }
        } else {
            for (about, _) in gone.iter().filter(|(about, _)| about.starts_with("finding")) {
                text.push_str(&format!("  solved   {}\n", about.trim_start_matches("finding ")));
            }
            for (_, line) in changed {
                text.push_str(line);
                text.push('\n');
            }
        }
        self.told = new;
        text
    }
}

fn lines(view: &View) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut say = |about: String, line: String| lines.push((about, line));
    say("asset".into(), format!("== PIOUS {}  {}  {} ==", view.version, words::asset(view), words::state(view)));
    say("machine".into(), format!("  machine  {}", view.machine));
    let step = words::step(view);
    if !step.is_empty() {
        say("step".into(), format!("  step     {step}"));
    }
    say("senzu".into(), format!("  senzu    {}", words::senzu(view, Times::Rough)));
    for nic in &view.nics {
        let line = format!(
            "  {:<8} {}, VLAN {}, neighbour {}, {}",
            nic.name,
            words::link(nic),
            words::vlan(nic),
            words::neighbour(nic),
            words::address(nic, Times::Rough)
        );
        say(format!("nic {}", nic.name), line);
    }
    for finding in &view.findings {
        let title = words::title(finding);
        let block = format!(
            "  {:<8} {title}\n           seen      {}\n           expected  {}\n           do        {}",
            words::verdict(finding),
            finding.seen,
            finding.expected,
            finding.remedy
        );
        say(format!("finding {title}"), block);
    }
    say("tally".into(), format!("  checks   {}", words::tally(view)));
    if !view.agent_urls.is_empty() {
        say("agent".into(), format!("  agent    {}", view.agent_urls.join(" ")));
    }
    for warning in &view.warnings {
        say(format!("warning {warning}"), format!("  warning  {warning}"));
    }
    if let Some(work) = words::work(view, Times::Rough) {
        say("work".into(), format!("  work     {work}"));
    }
    if let Some(busy) = words::busy(view, Times::Rough) {
        say("busy".into(), format!("  ** {busy} **"));
    }
    say("next".into(), format!("  next:    {}", view.next));
    lines
}
