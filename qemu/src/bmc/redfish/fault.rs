//! What a BMC does wrong when it is told to. Pure.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Fault {
    /// The update stands still at 60 %.
    HangsAt60,
    /// The update is taken and reported as done, and nothing changes.
    DoesNothing,
    /// It restarts in the middle of the update, and keeps the old version.
    ResetsMidFlash,
    /// The update ends well, and another version runs.
    WrongVersion,
    /// The next requests are answered 503.
    Unavailable {
        /// How many.
        requests: u32,
    },
    /// When a task is asked for next, nobody's session is valid any more.
    ExpiresSessions,
    /// An image comes in slowly.
    SlowLink {
        /// How slowly.
        bytes_per_s: u64,
    },
    /// The image's signature is found to be wrong.
    RejectsSignature,
    /// It does not come back after its reset, until its faults are taken away.
    StaysAway,
    /// Whoever logs in is refused.
    RefusesCredentials,
    /// It has a new certificate, at once.
    NewCertificate,
}

/// The version that [`Fault::WrongVersion`] leaves behind: what a recovery image would be.
pub const WRONG_VERSION: &str = "0.9.9";

impl Fault {
    /// What takes no number, by its name.
    const PLAIN: [(&'static str, Self); 9] = [
        ("hangs_at_60", Self::HangsAt60),
        ("does_nothing", Self::DoesNothing),
        ("resets_mid_flash", Self::ResetsMidFlash),
        ("wrong_version", Self::WrongVersion),
        ("expires_sessions", Self::ExpiresSessions),
        ("rejects_signature", Self::RejectsSignature),
        ("stays_away", Self::StaysAway),
        ("refuses_credentials", Self::RefusesCredentials),
        ("new_certificate", Self::NewCertificate),
    ];
}

impl FromStr for Fault {
    type Err = String;

    /// As it is typed: `hangs_at_60`, `unavailable=3`, `slow_link=100000`.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = Self::PLAIN.into_iter().find(|(name, _)| *name == text).map(|(_, fault)| fault);
        let counted = || match text.split_once('=')? {
            ("unavailable", count) => Some(Self::Unavailable { requests: count.parse().ok()? }),
            ("slow_link", count) => {
                Some(Self::SlowLink { bytes_per_s: count.parse().ok().filter(|count| *count > 0)? })
            }
            _ => None,
        };
        plain.or_else(counted).ok_or_else(|| {
            let names = Self::PLAIN.map(|(name, _)| name).join(", ");
            format!("there is no fault {text:?}; there are {names}, unavailable=REQUESTS, slow_link=BYTES_PER_SECOND")
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { requests } => write!(f, "unavailable={requests}"),
            Self::SlowLink { bytes_per_s } => write!(f, "slow_link={bytes_per_s}"),
            plain => f.write_str(Self::PLAIN.iter().find(|(_, fault)| fault == plain).map_or("", |(name, _)| name)),
        }
    }
}

impl TryFrom<String> for Fault {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

/// The faults that a BMC is told to have.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Told>);

#[derive(Debug)]
struct Told {
    fault: Fault,
    /// It stays; else it happens once.
    sticky: bool,
}

impl Faults {
    pub(super) fn tell(&mut self, fault: Fault, sticky: bool) {
        self.0.push(Told { fault, sticky });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether it is time for a fault that `wanted` knows; one that happens once has then happened.
    pub(super) fn strike<T>(&mut self, wanted: impl Fn(Fault) -> Option<T>) -> Option<T> {
        let (place, found) = self.0.iter().enumerate().find_map(|(place, told)| Some((place, wanted(told.fault)?)))?;
        if !self.0[place].sticky {
            self.0.remove(place);
        }
        Some(found)
    }

    /// The same for one that is always alike.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        self.strike(|told| (told == fault).then_some(())).is_some()
    }

    /// Whether this request is one of those that are answered 503.
    pub(super) fn is_unavailable(&mut self) -> bool {
        let left = self.0.iter_mut().find_map(|told| match &mut told.fault {
            Fault::Unavailable { requests } => Some((requests, told.sticky)),
            _ => None,
        });
        let Some((requests, sticky)) = left else { return false };
        if !sticky {
            *requests = requests.saturating_sub(1);
        }
        self.0.retain(|told| told.fault != Fault::Unavailable { requests: 0 });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_as_they_are_written() {
        let more = [Fault::Unavailable { requests: 3 }, Fault::SlowLink { bytes_per_s: 100_000 }];
        for fault in Fault::PLAIN.iter().map(|(_, fault)| *fault).chain(more) {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
        assert!("slow_link=0".parse::<Fault>().is_err());
        assert!("gremlins".parse::<Fault>().is_err_and(|why| why.contains("hangs_at_60")));
    }

    #[test]
    fn once_is_once_and_sticky_stays() {
        let mut faults = Faults::default();
        faults.tell(Fault::HangsAt60, false);
        faults.tell(Fault::DoesNothing, true);
        assert_eq!([(); 2].map(|()| faults.strikes(Fault::HangsAt60)), [true, false]);
        assert_eq!([(); 2].map(|()| faults.strikes(Fault::DoesNothing)), [true, true]);
        faults.tell(Fault::Unavailable { requests: 2 }, false);
        assert_eq!([(); 3].map(|()| faults.is_unavailable()), [true, true, false]);
    }
}
