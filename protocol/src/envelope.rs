//! The seal on an instruction: JWS compact serialization (RFC 7515 §7.1) with EdDSA over Ed25519 (RFC 8037 §3.1).
//!
//! Ours on top of `ring` rather than a JWT crate, because each of those that is kept up brings RSA and the NIST curves
//! into PID 1; one algorithm, fixed by us and never chosen by the message, is also what RFC 8725 §3.1 asks for.
//!
//! For a Senzu in another language, any JOSE library makes one:
//! * header `{"alg": "EdDSA", "kid": …}`; `kid` is the RFC 7638 thumbprint of the public key; `typ` is not looked at; a
//!   `crit` is refused, and so is a key that comes along (`jwk`, `x5c`, `jku` are ignored);
//! * payload: the JSON of an [`Instruction`], at most [`MAX_SEALED_BYTES`] with all the rest;
//! * base64url without padding (RFC 7515 §2), one signature, no detached payload.
//!
//! The images carry the public keys as a [`KeySet`]. To replace a key, build images that trust both, then change Senzu's.

use crate::instruction::Instruction;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use ring::{
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest sealed instruction that is looked at: an instruction is under 2 KiB, and its longest field is a URL.
pub const MAX_SEALED_BYTES: usize = 16 * 1024;

/// Why a sealed instruction is not believed.
#[derive(Debug, Error)]
pub enum SealError {
    /// Too long to be one.
    #[error("sealed instruction has {0} bytes, more than {MAX_SEALED_BYTES}")]
    TooLong(usize),
    /// Not three parts of base64url around a JSON header.
    #[error("sealed instruction is no JWS: {0}")]
    Malformed(&'static str),
    /// No signature at all.
    #[error("instruction is not signed")]
    Unsigned,
    /// An algorithm that is not ours.
    #[error("instruction is signed with {0:?}; only EdDSA is accepted")]
    Algorithm(String),
    /// A key that the image does not carry.
    #[error("instruction is signed with key {0:?}, which this image does not know")]
    UnknownKey(String),
    /// The signature does not fit the body.
    #[error("instruction's signature is wrong")]
    Signature,
    /// Signed, and still no instruction.
    #[error("signed body is no instruction")]
    Body(#[source] serde_json::Error),
    /// A private key that can't be read.
    #[error("signing key is not a PKCS#8 Ed25519 key")]
    SigningKey,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    /// Extensions that must be understood (RFC 7515 §4.1.11); we understand none.
    #[serde(default, skip_serializing)]
    crit: Option<serde_json::Value>,
}

/// Senzu's private key.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    kid: String,
}

impl SigningKey {
    /// Makes a key; the answer is PKCS#8, to be kept where only Senzu reads it.
    pub fn generate() -> Result<Vec<u8>, SealError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| SealError::SigningKey)?;
        Ok(document.as_ref().to_vec())
    }

    /// Reads a key that [`SigningKey::generate`] made.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SealError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| SealError::SigningKey)?;
        let kid = thumbprint(pair.public_key().as_ref());
        Ok(Self { pair, kid })
    }

    /// The public half, for the images.
    pub fn public(&self) -> KeySet {
        KeySet {
            keys: vec![PublicKey {
                kty: "OKP".into(),
                crv: "Ed25519".into(),
                kid: self.kid.clone(),
                x: BASE64URL.encode(self.pair.public_key()),
            }],
        }
    }

    /// Signs an instruction.
    pub fn seal(&self, instruction: &Instruction) -> Result<String, SealError> {
        let header = Header { alg: "EdDSA".into(), kid: self.kid.clone(), typ: Some("JWT".into()), crit: None };
        let header = serde_json::to_vec(&header).map_err(SealError::Body)?;
        let body = serde_json::to_vec(instruction).map_err(SealError::Body)?;
        let signed = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(body));
        let signature = BASE64URL.encode(self.pair.sign(signed.as_bytes()));
        Ok(format!("{signed}.{signature}"))
    }
}

/// The public keys that an image trusts: a JWK Set (RFC 7517 §5) of OKP keys (RFC 8037 §2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeySet {
    /// The keys; several while one replaces another.
    pub keys: Vec<PublicKey>,
}

/// One public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublicKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The key's name: its thumbprint (RFC 7638).
    pub kid: String,
    /// The key, base64url.
    pub x: String,
}

impl KeySet {
    /// Believes a sealed instruction, or says why not. Whom it is for and whether it still holds is the caller's to ask:
    /// that takes a clock.
    pub fn open(&self, sealed: &str) -> Result<Instruction, SealError> {
        serde_json::from_slice(&self.open_bytes(sealed)?).map_err(SealError::Body)
    }

    fn open_bytes(&self, sealed: &str) -> Result<Vec<u8>, SealError> {
        if sealed.len() > MAX_SEALED_BYTES {
            return Err(SealError::TooLong(sealed.len()));
        }
        let (signed, signature) = sealed.rsplit_once('.').ok_or(SealError::Malformed("it has no dots"))?;
        let (header, body) = signed.split_once('.').ok_or(SealError::Malformed("it has one dot, not two"))?;
        let decode = |part: &str, what| BASE64URL.decode(part).map_err(|_| SealError::Malformed(what));
        let header: Header = serde_json::from_slice(&decode(header, "its header is not base64url")?)
            .map_err(|_| SealError::Malformed("its header is no JSON object with an algorithm"))?;
        if signature.is_empty() || header.alg == "none" {
            return Err(SealError::Unsigned);
        }
        if header.alg != "EdDSA" {
            return Err(SealError::Algorithm(header.alg));
        }
        if header.crit.is_some() {
            return Err(SealError::Malformed("its header names extensions that must be understood"));
        }
        let signature = decode(signature, "its signature is not base64url")?;
        let key = self
            .keys
            .iter()
            .find(|key| key.kid == header.kid && key.kty == "OKP" && key.crv == "Ed25519")
            .ok_or_else(|| SealError::UnknownKey(header.kid.clone()))?;
        let key = decode(&key.x, "the trusted key is not base64url")?;
        UnparsedPublicKey::new(&ED25519, key)
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| SealError::Signature)?;
        decode(body, "its body is not base64url")
    }
}

/// RFC 7638 with RFC 8037 §2's members in lexicographic order.
fn thumbprint(public: &[u8]) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64URL.encode(public));
    BASE64URL.encode(ring::digest::digest(&ring::digest::SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 Appendix A.1, A.3 and A.4: a key, its thumbprint, and a JWS signed with it.
    #[test]
    fn known_answers_of_rfc_8037() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let kid = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(thumbprint(&BASE64URL.decode(x).unwrap()), kid);

        let jws = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        // The RFC's header names no key, so the set's key has no name either.
        let key = PublicKey { kty: "OKP".into(), crv: "Ed25519".into(), kid: String::new(), x: x.into() };
        let set = KeySet { keys: vec![key] };
        assert_eq!(set.open_bytes(jws).unwrap(), b"Example of Ed25519 signing");
    }
}
