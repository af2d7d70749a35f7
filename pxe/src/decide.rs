//! What a server boots, and which lease it gets: Senzu's word, or what stands in for it. Pure.
//!
//! When Senzu can't be asked, a server that was known to boot its disk does so, and everything else boots PIOUS, which
//! harms nothing without an instruction.

use pious_protocol::message::{Boot, BootTarget, LeaseTier};
use std::fmt;

/// Where the knowledge of one MAC address comes from.
#[derive(Clone, Copy, Debug)]
pub enum Witness<'a> {
    /// The watched list, which is current; `None`: the MAC is not on it.
    List(Option<&'a BootTarget>),
    /// Senzu, asked about this MAC while the list was not current.
    Asked(&'a BootTarget),
    /// The last list, because Senzu can't be reached; `None`: the MAC is not on it, or there never was one.
    LastWords(Option<&'a BootTarget>),
}

/// What was decided for one boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to boot.
    pub boot: Boot,
    /// The lease tier.
    pub tier: LeaseTier,
    /// The asset's name, where it has one.
    pub name: Option<String>,
    /// Why.
    pub why: Why,
}

/// Why a decision is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Senzu says so.
    SenzuSays,
    /// Senzu does not know the MAC.
    UnknownToSenzu,
    /// Senzu said so when it was last heard.
    SenzuSaidLast,
    /// Senzu can't be reached, and never spoke of this MAC.
    NeverHeardOf,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SenzuSays => "Senzu says so",
            Self::UnknownToSenzu => "Senzu does not know this MAC address",
            Self::SenzuSaidLast => "Senzu is unreachable; it said so last",
            Self::NeverHeardOf => "Senzu is unreachable and never named this MAC address",
        })
    }
}

/// Decides.
pub fn decide(witness: Witness<'_>) -> Decision {
    let (target, why) = match witness {
        Witness::List(Some(target)) => (Some(target), Why::SenzuSays),
        Witness::List(None) => (None, Why::UnknownToSenzu),
        // Senzu answers about a MAC it never heard of, too: without a name.
        Witness::Asked(target) if target.name.is_none() => (Some(target), Why::UnknownToSenzu),
        Witness::Asked(target) => (Some(target), Why::SenzuSays),
        Witness::LastWords(Some(target)) => (Some(target), Why::SenzuSaidLast),
        Witness::LastWords(None) => (None, Why::NeverHeardOf),
    };
    match target {
        Some(target) => Decision { boot: target.boot, tier: target.tier, name: target.name.clone(), why },
        None => Decision { boot: Boot::Pious, tier: LeaseTier::Unrecognized, name: None, why },
    }
}

/// What to boot, in a log line's or a script's words.
pub fn boot_words(boot: Boot) -> &'static str {
    match boot {
        Boot::LocalDisk => "local disk",
        Boot::Pious => "PIOUS",
    }
}

/// The tier's name.
pub fn tier_words(tier: LeaseTier) -> &'static str {
    match tier {
        LeaseTier::Recognized => "recognized",
        LeaseTier::Unrecognized => "unrecognized",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::ids::MacAddress;

    fn target(boot: Boot, tier: LeaseTier, name: Option<&str>) -> BootTarget {
        BootTarget { mac: MacAddress([0x52, 0x54, 0, 1, 0x10, 1]), boot, tier, name: name.map(Into::into) }
    }

    fn decision(boot: Boot, tier: LeaseTier, name: Option<&str>, why: Why) -> Decision {
        Decision { boot, tier, name: name.map(Into::into), why }
    }

    #[test]
    fn every_witness() {
        use Boot::{LocalDisk, Pious};
        use LeaseTier::{Recognized, Unrecognized};
        let production = target(LocalDisk, Recognized, Some("r1-u10"));
        let spare = target(Pious, Recognized, Some("r1-u11"));
        let new = target(Pious, Unrecognized, Some("r1-u12"));
        let stranger = target(Pious, Unrecognized, None);
        let nothing = |why| decision(Pious, Unrecognized, None, why);

        for (case, witness, expected) in [
            (
                "listed BAREMETAL",
                Witness::List(Some(&production)),
                decision(LocalDisk, Recognized, Some("r1-u10"), Why::SenzuSays),
            ),
            ("listed SPARE", Witness::List(Some(&spare)), decision(Pious, Recognized, Some("r1-u11"), Why::SenzuSays)),
            ("listed NEW", Witness::List(Some(&new)), decision(Pious, Unrecognized, Some("r1-u12"), Why::SenzuSays)),
            ("not listed", Witness::List(None), nothing(Why::UnknownToSenzu)),
            (
                "asked, BAREMETAL",
                Witness::Asked(&production),
                decision(LocalDisk, Recognized, Some("r1-u10"), Why::SenzuSays),
            ),
            ("asked, unknown", Witness::Asked(&stranger), nothing(Why::UnknownToSenzu)),
            (
                "Senzu down, BAREMETAL boots its disk",
                Witness::LastWords(Some(&production)),
                decision(LocalDisk, Recognized, Some("r1-u10"), Why::SenzuSaidLast),
            ),
            (
                "Senzu down, SPARE boots PIOUS",
                Witness::LastWords(Some(&spare)),
                decision(Pious, Recognized, Some("r1-u11"), Why::SenzuSaidLast),
            ),
            ("Senzu down, never heard of", Witness::LastWords(None), nothing(Why::NeverHeardOf)),
        ] {
            assert_eq!(decide(witness), expected, "{case}");
        }
    }
}
