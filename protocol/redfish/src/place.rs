//! Where a BMC is, and what may be asked of the machine behind it.

use pious_protocol::firmware::Secret;
use reqwest::Url;
use std::fmt;

/// Where a BMC is and how one gets in.
#[derive(Clone, Debug)]
pub struct Place {
    /// `https://host[:port]`; plain `http` is for a lab, and is taken at its word.
    pub url: Url,
    /// The user.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// SHA-256 of the certificate that the BMC must show (the whole DER), lower-case hex. `None`: whichever it shows
    /// first, and that one from then on.
    pub certificate_sha256: Option<String>,
}

/// What the host boots from next, once (DSP2046, ComputerSystem, `BootSourceOverrideTarget`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootOnce {
    /// The network.
    Pxe,
    /// The disk.
    Hdd,
}

impl BootOnce {
    /// In Redfish's words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pxe => "Pxe",
            Self::Hdd => "Hdd",
        }
    }
}

/// How a host is restarted (DSP2046, Resource, `ResetType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostRestart {
    /// Its operating system is asked to.
    Graceful,
    /// At once.
    Force,
    /// Its power goes off and on, which resets what a warm restart leaves alone.
    PowerCycle,
    /// It is off and is turned on.
    On,
    /// It is turned off at once.
    ForceOff,
}

impl HostRestart {
    /// In Redfish's words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graceful => "GracefulRestart",
            Self::Force => "ForceRestart",
            Self::PowerCycle => "PowerCycle",
            Self::On => "On",
            Self::ForceOff => "ForceOff",
        }
    }
}

impl fmt::Display for HostRestart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
