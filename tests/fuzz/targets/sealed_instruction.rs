//! Sealed instructions of whoever cannot sign: none is believed, whatever it looks like.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_protocol::envelope::{KeySet, PublicKey};
use std::sync::LazyLock;

/// A key that is known and has signed nothing of ours: the example of IETF RFC 8037 appendix A.2, A.3.
static TRUSTED: LazyLock<KeySet> = LazyLock::new(|| KeySet {
    keys: vec![PublicKey {
        kty: "OKP".into(),
        crv: "Ed25519".into(),
        kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".into(),
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into(),
    }],
});

fuzz_target!(|sealed: &str| {
    assert!(TRUSTED.open(sealed).is_err());
});
