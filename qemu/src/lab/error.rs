//! Why a lab can't be brought up, asked, or taken down: what its handle answers.

use super::programs::ProgramError;
use crate::rack::RackError;
use std::{io, path::PathBuf, time::Duration};
use thiserror::Error;

/// The last byte of a unix socket's path is at 107 (unix(7)).
pub(super) const MAX_SOCKET_PATH_BYTES: usize = 107;

/// Why something was not done.
#[derive(Debug, Error)]
pub enum LabError {
    /// The rack file can't be read.
    #[error("reading the rack file {path}")]
    RackFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The rack file is wrong.
    #[error("{path}")]
    Rack {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<RackError>,
    },
    /// A program is missing.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A lab runs already in that directory.
    #[error("a lab runs already in {0}; take it down first: pious-lab down")]
    Running(PathBuf),
    /// No lab runs in that directory.
    #[error("no lab runs in {dir}; bring one up first: pious-lab up RACK")]
    NotRunning {
        /// The directory.
        dir: PathBuf,
        /// What connecting said.
        #[source]
        source: io::Error,
    },
    /// The directory's path leaves no room for a socket's name.
    #[error("{0} is too long for a unix socket's path ({MAX_SOCKET_PATH_BYTES} bytes); use a shorter --dir")]
    LongPath(PathBuf),
    /// The lab did not come up.
    #[error("the lab did not come up: {why}\n(see {log})")]
    Start {
        /// Why not.
        why: String,
        /// Where the rest is.
        log: PathBuf,
    },
    /// Something else came of it.
    #[error("{what} was waited for, and it is {is}")]
    Otherwise {
        /// What was waited for.
        what: String,
        /// What there is.
        is: String,
    },
    /// Talking to the lab.
    #[error("talking to the lab")]
    Io(#[from] io::Error),
    /// The lab said something else than expected.
    #[error("the lab's answer is not understood: {0}")]
    Answer(String),
    /// The lab said no.
    #[error("{0}")]
    Refused(String),
    /// It did not happen in time.
    #[error("{what} did not happen within {} s{context}", within.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
        /// What was seen instead.
        context: String,
    },
    /// An HTTP client can't be made, or has no answer.
    #[error("asking over HTTP")]
    Http(#[from] reqwest::Error),
    /// Senzu's operator token or CA.
    #[error("reading {path}")]
    Trust {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}
