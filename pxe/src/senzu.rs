//! Senzu's client: the list of boot targets by long-poll, and one target by question.

use crate::{
    config::Senzu,
    targets::{Standing, Targets},
};
use backon::{BackoffBuilder, ExponentialBuilder};
use pious_protocol::{
    ids::MacAddress,
    message::{BootTarget, BootTargets},
};
use serde::de::DeserializeOwned;
use std::{path::PathBuf, time::Duration};
use thiserror::Error;

/// How long Senzu holds a question back while nothing changes.
const WAIT_S: u64 = 30;

/// What is allowed on top for an answer to travel.
const GRACE: Duration = Duration::from_secs(10);

/// To connect: within one rack row's round trip many times over.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// For the question about one MAC address: a server waits at its boot screen meanwhile.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest answer: 100 000 servers with five MAC addresses each, 120 bytes apiece.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Pauses between tries while Senzu is away. Short, because a state that changed meanwhile is worth a boot; a list
/// costs Senzu little.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_LONGEST: Duration = Duration::from_secs(5);

/// Why Senzu could not be asked.
#[derive(Debug, Error)]
pub enum SenzuError {
    /// The authority's file.
    #[error("read Senzu's CA {path}")]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The authority's file, again.
    #[error("{path} holds no certificate; it must be the PEM file of the authority that signed Senzu's")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The client can't be made.
    #[error("make the client for Senzu")]
    Client(#[source] reqwest::Error),
    /// No connection, or one that broke.
    #[error("ask {url}")]
    Transport {
        /// What was asked.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Another answer than 200.
    #[error("{url} answered {status}")]
    Status {
        /// What was asked.
        url: String,
        /// The answer.
        status: u16,
    },
    /// An answer without end.
    #[error("{url} answered with more than {MAX_ANSWER_BYTES} bytes")]
    TooLong {
        /// What was asked.
        url: String,
    },
    /// An answer that is something else.
    #[error("{url} answered something that is no {what}")]
    Body {
        /// What was asked.
        url: String,
        /// What was expected.
        what: &'static str,
        /// Why it is not.
        source: serde_json::Error,
    },
}

/// Asks Senzu.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// For this Senzu. Its certificate is believed by the configured authority alone.
    pub fn new(senzu: &Senzu) -> Result<Self, SenzuError> {
        // The one place that chooses who does the cryptography. An error means that it was chosen before.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut certificates = Vec::new();
        if let Some(path) = &senzu.ca {
            let pem = std::fs::read(path).map_err(|source| SenzuError::Ca { path: path.clone(), source })?;
            certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|certificates| !certificates.is_empty())
                .ok_or_else(|| SenzuError::NoCertificate { path: path.clone() })?;
        }
        let http = reqwest::Client::builder()
            .tls_certs_only(certificates)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("pious-pxe/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(SenzuError::Client)?;
        Ok(Self { http, url: senzu.url.clone() })
    }

    /// Every target, held back for up to `wait_s` seconds while the revision is still `after`.
    pub async fn list(&self, after: u64, wait_s: u64) -> Result<Targets, SenzuError> {
        let url = format!("{}/v1/boot-targets?after={after}&wait_s={wait_s}", self.url);
        let timeout = Duration::from_secs(wait_s) + GRACE;
        self.get::<BootTargets>(url, timeout, "list of boot targets").await.map(Targets::from)
    }

    /// One target.
    pub async fn one(&self, mac: MacAddress) -> Result<BootTarget, SenzuError> {
        let url = format!("{}/v1/boot-targets/{mac}", self.url);
        self.get(url, ASK_TIMEOUT, "boot target").await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        url: String,
        timeout: Duration,
        what: &'static str,
    ) -> Result<T, SenzuError> {
        let transport = |error: reqwest::Error| SenzuError::Transport { url: url.clone(), source: error.without_url() };
        let mut answer = self.http.get(&url).timeout(timeout).send().await.map_err(transport)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(SenzuError::Status { url, status: answer.status().as_u16() });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(SenzuError::TooLong { url });
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|source| SenzuError::Body { url, what, source })
    }
}

/// What the watch has to tell.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// A list; after a loss it may be the one that was known.
    List(Targets),
    /// Senzu can't be reached.
    Lost(String),
}

/// Watches the list for ever; `tell` hears each change of the list or of the standing.
///
/// After a loss the whole list is asked for at once, whatever its revision: a Senzu that lost its data may have come
/// to the very number that we know.
pub async fn watch(client: Client, mut tell: impl FnMut(News)) {
    let backoff = || {
        ExponentialBuilder::default()
            .with_min_delay(PAUSE_FIRST)
            .with_max_delay(PAUSE_LONGEST)
            .with_jitter()
            .without_max_times()
            .build()
    };
    let mut pauses = backoff();
    let mut known: Option<u64> = None;
    let mut standing = None;
    loop {
        let answer = match known {
            Some(revision) => client.list(revision, WAIT_S).await,
            None => client.list(0, 0).await,
        };
        match answer {
            Ok(targets) => {
                let revision = targets.revision;
                if known != Some(revision) {
                    tell(News::List(targets));
                }
                known = Some(revision);
                standing = Some(Standing::Current);
                pauses = backoff();
            }
            Err(error) => {
                let words = chain(&error);
                let lost = Some(Standing::Lost(words.clone()));
                if standing != lost {
                    tell(News::Lost(words));
                }
                standing = lost;
                known = None;
                tokio::time::sleep(pauses.next().unwrap_or(PAUSE_LONGEST)).await;
            }
        }
    }
}

/// An error and all its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

#[cfg(test)]
#[path = "senzu_tests.rs"]
mod tests;
