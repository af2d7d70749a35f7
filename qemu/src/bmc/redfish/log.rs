//! What a BMC notes of what happens to it: for tests and reports, which believe no answer alone.

use pious_protocol::firmware::{FirmwareComponent, Transfer};
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: Noted,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Noted {
    /// Somebody logged in, or was refused.
    Login {
        /// By which name.
        user: String,
        /// Whether with success.
        admitted: bool,
    },
    /// An image begins to come in.
    PushBegun {
        /// By which way.
        by: Transfer,
    },
    /// No more comes in.
    PushEnded {
        /// How much came.
        bytes: u64,
        /// The SHA-256 of it.
        sha256: String,
        /// Whether that was all.
        complete: bool,
    },
    /// A task was made.
    TaskStarted {
        /// Its number.
        task: u32,
    },
    /// A task got on.
    TaskPercent {
        /// Its number.
        task: u32,
        /// How far.
        percent: u8,
    },
    /// A task ended.
    TaskEnded {
        /// Its number.
        task: u32,
        /// In which `TaskState`.
        state: String,
        /// What it says of that.
        message: String,
    },
    /// Another version runs.
    VersionChanged {
        /// Of what.
        component: FirmwareComponent,
        /// The one before.
        from: String,
        /// The one now.
        to: String,
    },
    /// The BMC restarts.
    ResetBegun {
        /// Why.
        why: String,
    },
    /// It is back.
    ResetEnded,
    /// The server was told to restart, to be on or off.
    HostReset {
        /// `ResetType`.
        reset: String,
    },
    /// The server starts.
    HostStarted,
    /// Where the server shall boot from.
    BootOverrideSet {
        /// `BootSourceOverrideTarget`.
        target: String,
        /// `BootSourceOverrideEnabled`.
        enabled: String,
    },
    /// A fault was ordered.
    FaultTold {
        /// Which; none: no fault any more.
        fault: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_they_are_written() {
        let cases = [
            (
                Noted::PushEnded { bytes: 3, sha256: "ab".into(), complete: true },
                r#"{"at_ms":7,"event":"push_ended","bytes":3,"sha256":"ab","complete":true}"#,
            ),
            (
                Noted::VersionChanged { component: FirmwareComponent::Bios, from: "1".into(), to: "2".into() },
                r#"{"at_ms":7,"event":"version_changed","component":"bios","from":"1","to":"2"}"#,
            ),
            (
                Noted::PushBegun { by: Transfer::MultipartPush },
                r#"{"at_ms":7,"event":"push_begun","by":"multipart_push"}"#,
            ),
            (Noted::ResetEnded, r#"{"at_ms":7,"event":"reset_ended"}"#),
        ];
        for (what, line) in cases {
            let entry = Entry { at_ms: 7, what };
            assert_eq!(serde_json::to_string(&entry).unwrap(), line);
            assert_eq!(serde_json::from_str::<Entry>(line).unwrap(), entry);
        }
    }
}
