//! Why a flash did not end well, and whether it may have begun.

use crate::error::Error;
use pious_protocol::firmware::FirmwareComponent;
use std::io;
use thiserror::Error as Failure;

/// How far a flash had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The BMC can't have got anything of the image.
    No,
    /// It may have.
    Maybe,
}

/// Why a flash did not end with the new version.
#[derive(Debug, Failure)]
pub enum FlashError {
    /// The BMC refuses the user. There was one try: BMCs lock users out.
    #[error("the BMC at {at} refuses user {user:?} with {code}; this is not tried again")]
    Credentials {
        /// The BMC.
        at: String,
        /// The user.
        user: String,
        /// The HTTP status.
        code: u16,
        /// How far it was.
        begun: Begun,
    },
    /// It is not the BMC that is known.
    #[error("the BMC shows certificate {shown}, and not {expected}")]
    Certificate {
        /// SHA-256 of the one that it must show.
        expected: String,
        /// SHA-256 of the one that it shows.
        shown: String,
        /// How far it was.
        begun: Begun,
    },
    /// Something else with the BMC.
    #[error("the BMC failed at {doing}")]
    Bmc {
        /// What was being done.
        doing: &'static str,
        /// How far it was.
        begun: Begun,
        /// Why.
        source: Error,
    },
    /// The component runs neither the version to start from nor the one to reach.
    #[error("the {component} runs {found}, and not {expected}, from which it would be updated")]
    Moved {
        /// Whose version.
        component: FirmwareComponent,
        /// The one to start from.
        expected: String,
        /// The one that it runs.
        found: String,
    },
    /// Something else is being done by the BMC.
    #[error("the BMC is busy: {task}")]
    Busy {
        /// The task, in words.
        task: String,
    },
    /// It must not go on.
    #[error("stopped before the BMC got anything: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
    /// The image can't be read.
    #[error("the image can't be read after {read} of {of} bytes")]
    Image {
        /// What was read.
        read: u64,
        /// Of so many.
        of: u64,
        /// How far the flash was.
        begun: Begun,
        /// Why.
        source: io::Error,
    },
    /// It is not as long as the artifact says.
    #[error("the image has {found} bytes, and not {expected}")]
    Size {
        /// What the artifact says.
        expected: u64,
        /// What was read; one byte more than expected stands for any longer one.
        found: u64,
        /// How far the flash was.
        begun: Begun,
    },
    /// It is another one.
    #[error("the image has SHA-256 {found}, and not {expected}")]
    Digest {
        /// What the artifact says.
        expected: String,
        /// What was read.
        found: String,
        /// How far the flash was.
        begun: Begun,
    },
    /// The operator did not sign it.
    #[error("the image's signature does not hold by key {key}")]
    Signature {
        /// The key.
        key: String,
        /// Why.
        source: minisign_verify::Error,
    },
    /// The BMC said no to the image.
    #[error("the BMC refused the image by {transfer}: {code} {words}")]
    Refused {
        /// The way that the image went.
        transfer: &'static str,
        /// The HTTP status.
        code: u16,
        /// The BMC's words.
        words: String,
    },
    /// The connection broke while the image was on its way. What the BMC has of it is not known, and it is not sent again.
    #[error("the connection broke after {sent} of {of} bytes of the image were handed over")]
    HandOverBroke {
        /// What left us.
        sent: u64,
        /// Of so many.
        of: u64,
        /// Why.
        source: Error,
    },
    /// The task does not end.
    #[error("the BMC's task {task} hangs at {percent}% after {within_s} s")]
    Hangs {
        /// The task.
        task: String,
        /// How far it says it is.
        percent: u8,
        /// How long it was waited for.
        within_s: u64,
    },
    /// The task ended badly.
    #[error("the BMC's task ended as {state}: {messages}")]
    TaskFailed {
        /// Its `TaskState`, or `TaskStatus` where that is the bad one.
        state: String,
        /// The BMC's words.
        messages: String,
    },
    /// The BMC does not come back.
    #[error("the BMC is away for {away_s} s now")]
    Away {
        /// How long it was waited for.
        away_s: u64,
        /// How far the flash was.
        begun: Begun,
        /// What it fails with.
        source: Error,
    },
    /// All was well, and it runs another version.
    #[error("the BMC answered done, and the {component} runs {found} and not {expected}")]
    NotTaken {
        /// Whose version.
        component: FirmwareComponent,
        /// The one to reach.
        expected: String,
        /// The one that it runs.
        found: String,
    },
}

impl FlashError {
    /// Whether the BMC may have got the image, so that what the component runs, or will run after a restart, is not known.
    pub fn may_have_begun(&self) -> bool {
        match self {
            Self::Credentials { begun, .. }
            | Self::Certificate { begun, .. }
            | Self::Bmc { begun, .. }
            | Self::Image { begun, .. }
            | Self::Size { begun, .. }
            | Self::Digest { begun, .. }
            | Self::Away { begun, .. } => *begun == Begun::Maybe,
            Self::Moved { .. } | Self::Busy { .. } | Self::Stopped { .. } => false,
            Self::Signature { .. } => false,
            // A BMC that says no to a request has not begun with it; one that fails at it may have.
            Self::Refused { code, .. } => !matches!(code, 400..=499 | 503),
            Self::HandOverBroke { .. } | Self::Hangs { .. } => true,
            Self::TaskFailed { .. } | Self::NotTaken { .. } => true,
        }
    }

    /// Whether trying again as it is can't fare better: somebody must change something first.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Credentials { .. } | Self::Certificate { .. } | Self::Moved { .. } => true,
            Self::Size { .. } | Self::Digest { .. } | Self::Signature { .. } => true,
            // One that is in use, or has too much to do, is free later.
            Self::Refused { code, .. } => matches!(code, 400..=499) && !matches!(code, 408 | 409 | 423 | 429),
            Self::Bmc { .. } | Self::Busy { .. } | Self::Stopped { .. } | Self::Image { .. } => false,
            Self::Away { .. } | Self::HandOverBroke { .. } | Self::Hangs { .. } => false,
            Self::TaskFailed { .. } | Self::NotTaken { .. } => false,
        }
    }

    /// What a BMC's failure means to a flash.
    pub(crate) fn at(doing: &'static str, begun: Begun) -> impl FnOnce(Error) -> Self {
        move |error| match error {
            Error::Credentials { at, user, code } => Self::Credentials { at, user, code, begun },
            Error::Certificate { expected, shown, .. } => Self::Certificate { expected, shown, begun },
            source => Self::Bmc { doing, begun, source },
        }
    }
}
