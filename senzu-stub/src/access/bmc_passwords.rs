//! The passwords of BMCs: derived, never stored. Whoever has the database has none of them.

use pious_protocol::{firmware::Secret, ids::AssetId};
use ring::hmac;

/// The user by which agents and Senzu get into BMCs.
pub const BMC_USER: &str = "pious";

/// Digits and letters that nobody takes for one another.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
/// Of them: 60 bits, which a BMC that locks out after a few tries never gives away.
const CHARS: usize = 12;
/// Makers ask for capitals, digits and signs. In all 16 octets: what IPMI 1.5's accounts hold (IPMI 2.0 §22.30).
const SUFFIX: &str = "Aa7-";

/// What passwords are derived from.
pub struct BmcPasswords(hmac::Key);

impl std::fmt::Debug for BmcPasswords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BmcPasswords(…)")
    }
}

impl BmcPasswords {
    /// By a key of Senzu's.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The password of an asset's BMC, of a generation.
    pub fn of(&self, asset: AssetId, generation: u32) -> Secret {
        let tag = hmac::sign(&self.0, format!("bmc {asset} {generation}").as_bytes());
        let char = |octet: &u8| char::from(ALPHABET[usize::from(octet % 32)]);
        let random: String = tag.as_ref().iter().take(CHARS).map(char).collect();
        Secret::new(random + SUFFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::uuid;

    #[test]
    fn each_bmc_and_each_generation_has_its_own_and_keeps_it() {
        let (one, two) = (
            AssetId(uuid!("0197b0a0-0000-7000-8000-00000000000a")),
            AssetId(uuid!("0197b0a0-0000-7000-8000-00000000000b")),
        );
        let passwords = BmcPasswords::new(b"a key");
        let all =
            [passwords.of(one, 1), passwords.of(one, 2), passwords.of(two, 1), BmcPasswords::new(b"x").of(one, 1)];
        let distinct: std::collections::HashSet<_> = all.iter().map(Secret::reveal).collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(passwords.of(one, 1), all[0]);
        assert!(all.iter().all(|password| password.reveal().len() == 16 && password.reveal().is_ascii()));
        assert_eq!(format!("{passwords:?}"), "BmcPasswords(…)");
    }
}
