//! Senzu, asked for what servers boot: the list of boot targets by long-poll, and one target by question.

use crate::{
    config::Senzu,
    targets::{Standing, Targets},
};
use backon::{BackoffBuilder, ExponentialBuilder};
use pious_client::{BootTargets, Http, Several};
use std::{path::PathBuf, time::Duration};
use thiserror::Error;

/// How long Senzu holds a question back while nothing changes.
const WAIT_S: u64 = 30;

/// To connect: within one rack row's round trip many times over.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// Pauses between tries while Senzu is away. Short, because a state that changed meanwhile is worth a boot; a list
/// costs Senzu little.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_LONGEST: Duration = Duration::from_secs(5);

/// Why Senzu can't be asked at all.
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
    Client(#[source] pious_client::Error),
}

/// A client for this Senzu. Its certificate is believed by the configured authority alone.
pub fn client(senzu: &Senzu) -> Result<BootTargets, SenzuError> {
    let ca_pem = match &senzu.ca {
        Some(path) => Some(std::fs::read(path).map_err(|source| SenzuError::Ca { path: path.clone(), source })?),
        None => None,
    };
    let failed = |error| match (error, &senzu.ca) {
        (pious_client::Error::NoCertificate, Some(path)) => SenzuError::NoCertificate { path: path.clone() },
        (error, _) => SenzuError::Client(error),
    };
    let program = concat!("pious-pxe/", env!("CARGO_PKG_VERSION"));
    let http = Http::new(ca_pem.as_deref(), CONNECT_WITHIN, program).map_err(failed)?;
    Ok(BootTargets::new(http, Several::new(senzu.urls.clone()).map_err(failed)?))
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
pub async fn watch(senzu: BootTargets, mut tell: impl FnMut(News)) {
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
            Some(revision) => senzu.list(revision, WAIT_S).await,
            None => senzu.list(0, 0).await,
        };
        match answer {
            Ok(list) => {
                let targets = Targets::from(list);
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
