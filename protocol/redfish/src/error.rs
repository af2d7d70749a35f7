//! What can go wrong between us and a BMC.

use crate::tls::Mismatch;
use pious_protocol::firmware::FirmwareComponent;
use std::{fmt, time::Duration};
use thiserror::Error;

/// How much of a BMC's own words is kept: they are shown on a few lines.
pub(crate) const MAX_WORDS_CHARS: usize = 600;

/// What an exchange failed with, below HTTP.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a BMC did not do or say what was asked. `at` is the URL that was asked, without its query.
#[derive(Debug, Error)]
pub enum Error {
    /// The TLS of the client could not be made.
    #[error("the TLS for a BMC can't be made")]
    Tls(#[source] rustls::Error),
    /// The client could not be made.
    #[error("the HTTP client for a BMC can't be made")]
    Client(#[source] reqwest::Error),
    /// A link that can't be followed.
    #[error("the BMC at {host} names {link:?}, which is no link")]
    Link {
        /// The link.
        link: String,
        /// The BMC.
        host: String,
    },
    /// Another certificate than the one it must show. Nothing was sent.
    #[error("{at} shows certificate {shown}, and not {expected}")]
    Certificate {
        /// Who was asked.
        at: String,
        /// SHA-256 of the one that must be shown.
        expected: String,
        /// SHA-256 of the one that was.
        shown: String,
    },
    /// The user or the password is not right, or the user may not.
    #[error("{at} refuses user {user:?} with {code}")]
    Credentials {
        /// Who was asked.
        at: String,
        /// Who asked.
        user: String,
        /// The HTTP status.
        code: u16,
    },
    /// A session without its token.
    #[error("{at} opened a session and gave no token for it")]
    NoToken {
        /// Who was asked.
        at: String,
    },
    /// No connection: nothing was sent.
    #[error("no connection to {at}")]
    Connect {
        /// Who was asked.
        at: String,
        /// Why.
        source: Cause,
    },
    /// No answer in time.
    #[error("no answer from {at} in time")]
    Timeout {
        /// Who was asked.
        at: String,
        /// Why.
        source: Cause,
    },
    /// The answer ended midway, or was no HTTP.
    #[error("the exchange with {at} broke off")]
    Broken {
        /// Who was asked.
        at: String,
        /// Why.
        source: Cause,
    },
    /// An answer that says no.
    #[error("{at} answered {code} {words}")]
    Status {
        /// Who was asked.
        at: String,
        /// The HTTP status.
        code: u16,
        /// The messages, in words.
        words: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// More than an answer may be.
    #[error("{at} answered with more than {most} bytes")]
    TooLong {
        /// Who was asked.
        at: String,
        /// What is read at most.
        most: usize,
    },
    /// No JSON.
    #[error("{at} answered no JSON")]
    Garbage {
        /// Who was asked.
        at: String,
        /// Why.
        source: serde_json::Error,
    },
    /// More than is looked at.
    #[error("{at} has more than {most} members")]
    TooMany {
        /// The collection.
        at: String,
        /// What is looked at most.
        most: usize,
    },
    /// Something that this BMC does not have.
    #[error("the BMC at {host} has no {what}")]
    Missing {
        /// The BMC.
        host: String,
        /// The service, resource or action.
        what: String,
    },
    /// The BMC does not do it that way.
    #[error("{what} takes none of {wanted}, but {allowed}")]
    NotAllowed {
        /// The action or property.
        what: String,
        /// What we would have said.
        wanted: String,
        /// What it takes.
        allowed: String,
    },
    /// A version that is not there.
    #[error("no version of the {component} at {looked_for}; there is {there}")]
    NoVersion {
        /// Whose.
        component: FirmwareComponent,
        /// Where it was looked for.
        looked_for: String,
        /// What there is instead.
        there: String,
    },
    /// Several parts whose versions have no order.
    #[error("the parts of the {component} have versions {one:?} and {other:?}, neither of which is older")]
    NoOldest {
        /// Whose.
        component: FirmwareComponent,
        /// The version of one part.
        one: String,
        /// And of another.
        other: String,
    },
    /// Something that is newer than this build.
    #[error("this build does not know {what}")]
    Unknown {
        /// What was asked of it.
        what: &'static str,
    },
    /// The BMC said yes and did not do it.
    #[error("{at} took the boot override {wanted} and says {found}")]
    OverrideNotTaken {
        /// The system.
        at: String,
        /// What it was told.
        wanted: String,
        /// What it says.
        found: String,
    },
}

impl Error {
    pub(crate) fn sending(at: String, source: reqwest::Error) -> Self {
        let source = source.without_url();
        match () {
            () if source.is_connect() => Self::Connect { at, source: Box::new(source) },
            () if source.is_timeout() => Self::Timeout { at, source: Box::new(source) },
            () => Self::Broken { at, source: Box::new(source) },
        }
    }

    /// Whether it is what a BMC that restarts does: it does not answer, breaks off, or answers that it can't yet.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } => true,
            // One that starts answers with web server's errors, and with pages instead of documents.
            Self::Status { code, .. } => *code >= 500 || *code == 429,
            Self::Garbage { .. } => true,
            Self::Tls(_) | Self::Client(_) | Self::Unknown { .. } | Self::Link { .. } => false,
            Self::Certificate { .. } | Self::Credentials { .. } | Self::NoToken { .. } => false,
            Self::TooLong { .. } | Self::TooMany { .. } | Self::Missing { .. } | Self::NotAllowed { .. } => false,
            Self::NoVersion { .. } | Self::NoOldest { .. } | Self::OverrideNotTaken { .. } => false,
        }
    }

    /// Whether the resource is not there (any more).
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Status { code: 404 | 410, .. })
    }
}

impl From<(String, Mismatch)> for Error {
    fn from((at, Mismatch { expected, shown }): (String, Mismatch)) -> Self {
        Self::Certificate { at, expected, shown }
    }
}

/// A list for people.
pub(crate) fn list(words: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&word.to_string());
    }
    match text.is_empty() {
        true => "nothing".into(),
        false => clip(&text),
    }
}

/// No more than is shown.
pub(crate) fn clip(text: &str) -> String {
    match text.char_indices().nth(MAX_WORDS_CHARS) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}
