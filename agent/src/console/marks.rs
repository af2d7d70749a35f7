//! What has just changed: somebody who moves a cable looks for the row that moved with it.

use super::{
    View,
    words::{self, Times},
};
use pious_protocol::finding::Verdict;
use std::{collections::BTreeMap, time::Duration};

/// How long a row is marked: the way from the back of a rack to its screen.
const MARKED: Duration = Duration::from_secs(15);

/// What changed of late, by what it is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    told: BTreeMap<About, String>,
    changed: BTreeMap<About, Duration>,
    solved: BTreeMap<String, Duration>,
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// A NIC, by its name.
    Nic(String),
    /// A finding, by its title.
    Finding(String),
}

impl Marks {
    /// Compares a view with the one before it.
    pub fn compare(&mut self, before: Option<&View>, view: &View, now: Duration) {
        let told = tell(view);
        // Before anything was judged every finding is new, and none has just changed.
        let was_judged = before.is_some_and(|before| before.judged == super::Judged::Yes);
        for (about, words) in &told {
            let is_news = match (self.told.get(about), about) {
                (Some(former), _) => former != words,
                (None, About::Nic(_)) => false,
                (None, About::Finding(_)) => was_judged,
            };
            if is_news {
                self.changed.insert(about.clone(), now);
            }
        }
        if let Some(before) = before.filter(|_| was_judged && view.judged == super::Judged::Yes) {
            for finding in before.findings.iter().filter(|finding| finding.verdict == Verdict::Fail) {
                // What fails in another way now is not solved.
                if !view.findings.iter().any(|other| other.subject == finding.subject) {
                    self.solved.insert(words::title(finding), now);
                }
            }
        }
        self.solved.retain(|title, _| !told.contains_key(&About::Finding(title.clone())));
        self.told = told;
        self.forget(now);
    }

    /// Forgets what is no longer news; whether there was any.
    pub fn forget(&mut self, now: Duration) -> bool {
        let before = self.changed.len() + self.solved.len();
        let is_news = |at: Duration| now.saturating_sub(at) < MARKED;
        self.changed.retain(|_, at| is_news(*at));
        self.solved.retain(|_, at| is_news(*at));
        self.changed.len() + self.solved.len() < before
    }

    /// When the next of it is none any more.
    pub fn passes_at(&self) -> Option<Duration> {
        self.changed.values().chain(self.solved.values()).map(|at| *at + MARKED).min()
    }

    pub fn is_marked(&self, about: &About) -> bool {
        self.changed.contains_key(about)
    }

    pub fn are_any(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Failures that are gone.
    pub fn solved(&self) -> impl Iterator<Item = &str> {
        self.solved.keys().map(String::as_str)
    }
}

/// What each row tells, but for seconds that count.
fn tell(view: &View) -> BTreeMap<About, String> {
    let nics = view.nics.iter().map(|nic| {
        let words = [words::link(nic), words::vlan(nic), words::neighbour(nic), words::address(nic, Times::Rough)];
        (About::Nic(nic.name.clone()), words.join("|"))
    });
    let findings = view.findings.iter().map(|finding| {
        let words = [words::verdict(finding), &finding.seen, &finding.expected].join("|");
        (About::Finding(words::title(finding)), words)
    });
    nics.chain(findings).collect()
}
