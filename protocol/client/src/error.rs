//! Why one try gave no answer.

use std::time::Duration;
use thiserror::Error;

/// How much of anybody else's words is kept: they are shown on one or two lines.
pub(crate) const MAX_WORDS_CHARS: usize = 300;

/// Why one try gave no answer. `at` is the URL that was asked, without its query.
#[derive(Debug, Error)]
pub enum Error {
    /// A URL that can't be Senzu's.
    #[error("{url:?} can't be Senzu's URL: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody to ask.
    #[error("no URL of Senzu's was given")]
    NoUrl,
    /// There are fewer URLs.
    #[error("Senzu has no URL number {0}")]
    NoSuchUrl(usize),
    /// The authority can't be used.
    #[error("the authority holds no certificate; it must be the PEM file of the one that signed Senzu's")]
    NoCertificate,
    /// The client could not be made.
    #[error("the HTTP client can't be made")]
    Client(#[source] reqwest::Error),
    /// No connection: nothing was sent.
    #[error("no connection to {at}")]
    Connect {
        /// Who was asked.
        at: String,
        /// Why.
        source: reqwest::Error,
    },
    /// No answer in time.
    #[error("no answer from {at} in time")]
    Timeout {
        /// Who was asked.
        at: String,
        /// Why.
        source: reqwest::Error,
    },
    /// A download that did not begin in time.
    #[error("{at} did not begin to answer within {} s", within.as_secs())]
    Stalled {
        /// Who was asked.
        at: String,
        /// How long was waited.
        within: Duration,
    },
    /// A download that begins elsewhere than it was asked to.
    #[error("{at} does not go on at byte {from}: {words}")]
    Range {
        /// Who was asked.
        at: String,
        /// Where it was to begin.
        from: u64,
        /// What came instead.
        words: String,
    },
    /// The answer ended midway, or was no HTTP.
    #[error("the answer from {at} broke off")]
    Broken {
        /// Who was asked.
        at: String,
        /// Why.
        source: reqwest::Error,
    },
    /// An answer that says no.
    #[error("{at} answered {code} {words}")]
    Status {
        /// Who was asked.
        at: String,
        /// The HTTP status.
        code: u16,
        /// The problem, in words.
        words: String,
    },
    /// More than an answer may be.
    #[error("{at} answered with more than {most} bytes")]
    TooLong {
        /// Who was asked.
        at: String,
        /// What is read at most.
        most: usize,
    },
    /// Not the JSON that the protocol says.
    #[error("{at} answered what is not in the protocol")]
    Garbage {
        /// Who was asked.
        at: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl Error {
    /// Whether another address of Senzu's may do better: it is one that is down, hangs, or is no Senzu at all. A Senzu
    /// that understood and said no says so at each of its addresses.
    pub fn moves_on(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } => true,
            Self::Stalled { .. } | Self::Range { .. } | Self::TooLong { .. } | Self::Garbage { .. } => true,
            Self::Status { code, .. } => *code >= 500,
            Self::Url { .. } | Self::NoUrl | Self::NoSuchUrl(_) | Self::NoCertificate | Self::Client(_) => false,
        }
    }

    /// Whether Senzu can't have heard the question, so that asking again can't do a thing twice.
    pub fn was_unheard(&self) -> bool {
        matches!(self, Self::Connect { .. })
    }

    /// The cause at the bottom: the one that an engineer can act on ("connection refused").
    pub fn deepest(&self) -> String {
        let mut deepest: &dyn std::error::Error = self;
        while let Some(source) = deepest.source() {
            deepest = source;
        }
        deepest.to_string().chars().take(MAX_WORDS_CHARS).collect()
    }

    pub(crate) fn sending(at: String, source: reqwest::Error) -> Self {
        let source = source.without_url();
        match () {
            () if source.is_timeout() => Self::Timeout { at, source },
            () if source.is_connect() => Self::Connect { at, source },
            () => Self::Broken { at, source },
        }
    }
}
