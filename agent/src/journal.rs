//! The end of the agent's own log, kept for the console's page of it. It is a layer of the subscriber: whatever is logged
//! also goes where logs go.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::VecDeque,
    fmt::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// Entries kept: the last minutes of a session that has trouble, hours of one that has none.
const MOST_ENTRIES: usize = 100;

/// The longest text of one: three rows of a small screen.
const MOST_CHARS: usize = 240;

/// One entry of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// When, in seconds since the kernel started.
    pub at_s: u64,
    /// How bad it is.
    pub level: Severity,
    /// What was said.
    pub text: String,
}

/// How bad what an entry tells of is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something does not work.
    Error,
    /// Something is odd.
    Warning,
    /// Something happened.
    #[default]
    #[serde(other)]
    Information,
}

/// Entries, the oldest first; shared, and so cheap to pass on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries(Arc<VecDeque<Entry>>);

impl Entries {
    /// Each, the latest first.
    pub fn latest_first(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().rev()
    }
}

impl FromIterator<Entry> for Entries {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self(Arc::new(entries.into_iter().collect()))
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        VecDeque::deserialize(deserializer).map(|entries| Self(Arc::new(entries)))
    }
}

/// The journal; its copies are one.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    entries: Arc<Mutex<Entries>>,
}

impl Journal {
    /// The entries now.
    pub fn entries(&self) -> Entries {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps an entry, and forgets the oldest where there are many.
    pub fn keep(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = Arc::make_mut(&mut entries.0);
        if entries.len() >= MOST_ENTRIES {
            entries.pop_front();
        }
        entries.push_back(entry);
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => Severity::Error,
            Level::WARN => Severity::Warning,
            Level::INFO => Severity::Information,
            _ => return,
        };
        let mut text = Words::default();
        event.record(&mut text);
        let text = text.0.chars().take(MOST_CHARS).collect();
        self.keep(Entry { at_s: crate::driver::now().as_secs(), level, text });
    }
}

/// An event's message, then its other fields.
#[derive(Default)]
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        let _never_fails = match field.name() {
            "message" => write!(self.0, "{gap}{value:?}"),
            name => write!(self.0, "{gap}{name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Journal, MOST_CHARS, MOST_ENTRIES, Severity};
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn what_is_logged_is_kept_with_its_fields() {
        let journal = Journal::default();
        let subscriber = tracing_subscriber::registry().with(journal.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("link up");
            tracing::debug!("not for people");
            tracing::warn!(nic = 3, "no answer");
            tracing::error!("{}", "x".repeat(2 * MOST_CHARS));
        });
        let kept: Vec<_> = journal.entries().latest_first().map(|entry| (entry.level, entry.text.clone())).collect();
        let expected = [
            (Severity::Error, "x".repeat(MOST_CHARS)),
            (Severity::Warning, "no answer nic=3".to_owned()),
            (Severity::Information, "link up".to_owned()),
        ];
        assert_eq!(kept, expected);
    }

    #[test]
    fn the_oldest_is_forgotten_and_who_looks_keeps_what_he_saw() {
        let journal = Journal::default();
        let entry = |number: usize| Entry { text: number.to_string(), ..Entry::default() };
        (0..MOST_ENTRIES).map(entry).for_each(|entry| journal.keep(entry));
        let before = journal.entries();
        journal.keep(entry(MOST_ENTRIES));
        let texts = |entries: &super::Entries| {
            (entries.latest_first().count(), entries.latest_first().last().unwrap().text.clone())
        };
        assert_eq!(texts(&before), (MOST_ENTRIES, "0".to_owned()));
        assert_eq!(texts(&journal.entries()), (MOST_ENTRIES, "1".to_owned()));
    }
}
