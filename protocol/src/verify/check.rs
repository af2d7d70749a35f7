//! The checks by name, and the one way a finding is made.

use crate::finding::{Finding, Verdict};

/// A check. Its name is stable: it is stored, counted and alerted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Somebody said what was ordered.
    HardwareProfile,
    /// SMBIOS type 1 manufacturer and product.
    HardwareModel,
    /// Legacy BIOS or UEFI.
    FirmwareMode,
    /// The processor's name.
    CpuModel,
    /// Processors that work.
    CpuSockets,
    /// Cores that work, in all.
    CpuCores,
    /// Memory installed: the sum over SMBIOS type 17.
    MemoryTotal,
    /// Populated slots.
    MemoryDimms,
    /// One slot that must hold a DIMM.
    MemorySlot,
    /// Network interfaces.
    NicsCount,
    /// Disks of one kind.
    DisksCount,
    /// Somebody said how the asset is cabled.
    CablingPlan,
    /// One planned NIC: it is there, and its link works.
    CablingLink,
    /// One planned NIC: its cable ends in the planned switch port.
    CablingPort,
    /// One planned NIC: the switch port carries the planned VLANs.
    CablingVlan,
    /// One planned NIC: the link is fast enough.
    CablingSpeed,
}

impl Check {
    /// Every check, in the order of its findings.
    pub const ALL: [Self; 16] = [
        Self::HardwareProfile,
        Self::HardwareModel,
        Self::FirmwareMode,
        Self::CpuModel,
        Self::CpuSockets,
        Self::CpuCores,
        Self::MemoryTotal,
        Self::MemoryDimms,
        Self::MemorySlot,
        Self::NicsCount,
        Self::DisksCount,
        Self::CablingPlan,
        Self::CablingLink,
        Self::CablingPort,
        Self::CablingVlan,
        Self::CablingSpeed,
    ];

    /// The name on the wire: [`Finding::check`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::HardwareProfile => "hardware.profile",
            Self::HardwareModel => "hardware.model",
            Self::FirmwareMode => "firmware.mode",
            Self::CpuModel => "cpu.model",
            Self::CpuSockets => "cpu.sockets",
            Self::CpuCores => "cpu.cores",
            Self::MemoryTotal => "memory.total",
            Self::MemoryDimms => "memory.dimms",
            Self::MemorySlot => "memory.slot",
            Self::NicsCount => "nics.count",
            Self::DisksCount => "disks.count",
            Self::CablingPlan => "cabling.plan",
            Self::CablingLink => "cabling.link",
            Self::CablingPort => "cabling.port",
            Self::CablingVlan => "cabling.vlan",
            Self::CablingSpeed => "cabling.speed",
        }
    }

    /// The check of this name; `None` for one that is newer than this build.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }

    /// Asks about the machine as a whole.
    pub(super) fn expects(self, expected: impl Into<String>) -> Question {
        Question { check: self, subject: None, expected: expected.into() }
    }

    /// Asks about one of many.
    pub(super) fn expects_of(self, subject: impl Into<String>, expected: impl Into<String>) -> Question {
        Question { check: self, subject: Some(subject.into()), expected: expected.into() }
    }
}

/// A check with what it expects; answering it makes the finding. A pass has no remedy, all else must have one.
pub(super) struct Question {
    check: Check,
    subject: Option<String>,
    expected: String,
}

impl Question {
    /// It is as expected.
    pub(super) fn pass(self, seen: impl Into<String>) -> Finding {
        self.answer(Verdict::Pass, seen.into(), String::new())
    }

    /// It is not as expected.
    pub(super) fn fail(self, seen: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.answer(Verdict::Fail, seen.into(), remedy.into())
    }

    /// The check could not look.
    pub(super) fn unknown(self, reason: impl Into<String>, remedy: impl Into<String>) -> Finding {
        self.answer(Verdict::Unknown, reason.into(), remedy.into())
    }

    fn answer(self, verdict: Verdict, seen: String, remedy: String) -> Finding {
        Finding {
            check: self.check.name().to_owned(),
            subject: self.subject,
            verdict,
            seen,
            expected: self.expected,
            remedy,
        }
    }
}
