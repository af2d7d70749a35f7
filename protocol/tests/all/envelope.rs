//! Sealed instructions: what is believed, and all that is not.

use crate::golden::{actions, instruction};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use pious_protocol::{
    envelope::{KeySet, MAX_SEALED_BYTES, PublicKey, SealError, SigningKey},
    firmware::{Activation, Artifact, FirmwareComponent, FlashRecipe, Transfer, VersionSource},
    ids::{AssetId, BootId, InstructionId, Sequence, UnixMs},
    instruction::{Action, BmcUser, FirmwareUpdate, Instruction, Precondition, UnknownAction},
    message::AssetState,
};
use proptest::prelude::*;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use std::sync::LazyLock;
use uuid::Uuid;

static PKCS8: LazyLock<Vec<u8>> = LazyLock::new(|| SigningKey::generate().unwrap());
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_pkcs8(&PKCS8).unwrap());
static TRUSTED: LazyLock<KeySet> = LazyLock::new(|| KEY.public());

fn shutdown() -> Instruction {
    instruction(Action::Shutdown { reason: "test".into() })
}

fn encode(value: &Value) -> String {
    BASE64URL.encode(serde_json::to_vec(value).unwrap())
}

/// Signs what [`SigningKey::seal`] would not, with the trusted key.
fn sign(header: &Value, body: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header), BASE64URL.encode(body));
    let pair = Ed25519KeyPair::from_pkcs8(&PKCS8).unwrap();
    format!("{signed}.{}", BASE64URL.encode(pair.sign(signed.as_bytes())))
}

fn body() -> Vec<u8> {
    serde_json::to_vec(&shutdown()).unwrap()
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": TRUSTED.keys[0].kid})
}

/// The header, with one member set.
fn header_with(member: &str, value: Value) -> Value {
    let mut header = header();
    header[member] = value;
    header
}

#[track_caller]
fn refusal(sealed: &str) -> SealError {
    TRUSTED.open(sealed).expect_err("it was believed")
}

#[test]
fn sealed_opens_to_what_was_sealed() {
    for action in actions() {
        let instruction = instruction(action);
        assert_eq!(TRUSTED.open(&KEY.seal(&instruction).unwrap()).unwrap(), instruction);
    }
    assert_eq!(TRUSTED.open(&sign(&header(), &body())).unwrap(), shutdown(), "this file's own signing is right");
}

#[test]
fn any_of_several_trusted_keys_will_do() {
    let new = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let both = KeySet { keys: [new.public().keys, TRUSTED.keys.clone()].concat() };
    for key in [&*KEY, &new] {
        assert_eq!(both.open(&key.seal(&shutdown()).unwrap()).unwrap(), shutdown());
    }
}

#[test]
fn the_key_set_is_a_jwk_set() {
    let json = serde_json::to_value(&*TRUSTED).unwrap();
    let key = &TRUSTED.keys[0];
    assert_eq!(json, json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": key.kid, "x": key.x}]}));
    // Members that other makers of JWK Sets write.
    let with_use = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": key.kid, "x": key.x, "use": "sig"}]});
    assert_eq!(serde_json::from_value::<KeySet>(with_use).unwrap(), *TRUSTED);
}

#[test]
fn alg_none_is_unsigned() {
    let none = json!({"alg": "none", "kid": TRUSTED.keys[0].kid});
    for signature in ["", "AAAA"] {
        let sealed = format!("{}.{}.{signature}", encode(&none), BASE64URL.encode(body()));
        assert!(matches!(refusal(&sealed), SealError::Unsigned));
    }
    // Even signed: the message does not choose.
    assert!(matches!(refusal(&sign(&none, &body())), SealError::Unsigned));
}

#[test]
fn without_signature_is_unsigned() {
    let sealed = KEY.seal(&shutdown()).unwrap();
    let (signed, _) = sealed.rsplit_once('.').unwrap();
    assert!(matches!(refusal(&format!("{signed}.")), SealError::Unsigned));
}

#[test]
fn another_algorithm_is_refused() {
    for algorithm in ["HS256", "RS256", "ES256", "eddsa", "Ed25519", "None", ""] {
        let sealed = sign(&header_with("alg", json!(algorithm)), &body());
        assert!(matches!(refusal(&sealed), SealError::Algorithm(named) if named == algorithm), "{algorithm}");
    }
}

#[test]
fn an_untrusted_key_is_refused_by_its_name() {
    let other = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let kid = other.public().keys[0].kid.clone();
    let sealed = other.seal(&shutdown()).unwrap();
    assert!(matches!(refusal(&sealed), SealError::UnknownKey(named) if named == kid));
    assert!(matches!(KeySet::default().open(&sealed), Err(SealError::UnknownKey(_))));
}

#[test]
fn an_untrusted_key_under_a_trusted_name_is_refused() {
    let signed = format!("{}.{}", encode(&header()), BASE64URL.encode(body()));
    let other = Ed25519KeyPair::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let sealed = format!("{signed}.{}", BASE64URL.encode(other.sign(signed.as_bytes())));
    assert!(matches!(refusal(&sealed), SealError::Signature));
}

#[test]
fn a_key_that_the_message_brings_along_is_not_used() {
    let other = Ed25519KeyPair::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let x = BASE64URL.encode(ring::signature::KeyPair::public_key(&other));
    let header = json!({"alg": "EdDSA", "kid": "mine", "jwk": {"kty": "OKP", "crv": "Ed25519", "kid": "mine", "x": x}});
    let signed = format!("{}.{}", encode(&header), BASE64URL.encode(body()));
    let sealed = format!("{signed}.{}", BASE64URL.encode(other.sign(signed.as_bytes())));
    assert!(matches!(refusal(&sealed), SealError::UnknownKey(named) if named == "mine"));
}

#[test]
fn extensions_that_must_be_understood_are_refused() {
    let mut header = header_with("crit", json!(["b64"]));
    header["b64"] = json!(false);
    assert!(matches!(refusal(&sign(&header, &body())), SealError::Malformed(_)));
    assert!(matches!(refusal(&sign(&header_with("crit", json!([])), &body())), SealError::Malformed(_)));
}

#[test]
fn extensions_that_need_not_be_understood_are_ignored() {
    let sealed = sign(&header_with("x5t", json!("abc")), &body());
    assert_eq!(TRUSTED.open(&sealed).unwrap(), shutdown());
}

#[test]
fn another_body_under_the_signature_is_refused() {
    let sealed = KEY.seal(&shutdown()).unwrap();
    let other = KEY.seal(&instruction(Action::Reboot { reason: "test".into() })).unwrap();
    let part = |sealed: &str, index: usize| sealed.split('.').nth(index).unwrap().to_owned();
    let mixed = format!("{}.{}.{}", part(&sealed, 0), part(&other, 1), part(&sealed, 2));
    assert!(matches!(refusal(&mixed), SealError::Signature));
}

#[test]
fn a_signed_body_that_is_no_instruction_is_refused() {
    for body in [&b"{}"[..], b"", b"null", b"[]", b"\xff\xfe", b"Example of Ed25519 signing"] {
        assert!(matches!(refusal(&sign(&header(), body)), SealError::Body(_)));
    }
}

#[test]
fn text_that_is_no_jws_is_refused() {
    let kid = &TRUSTED.keys[0].kid;
    let twice = BASE64URL.encode(format!(r#"{{"alg":"none","alg":"EdDSA","kid":"{kid}"}}"#));
    let json_form = json!({"payload": "x", "protected": "y", "signature": "z"}).to_string();
    let padded = format!("{}=.x.y", encode(&header()));
    for text in ["", ".", "..", "...", "a.b", "a.b.c", "e30.e30.e30", &format!("{twice}.e30.AAAA"), &json_form, &padded]
    {
        assert!(matches!(refusal(text), SealError::Malformed(_)), "{text}");
    }
    let sealed = KEY.seal(&shutdown()).unwrap();
    assert!(matches!(refusal(&format!("{sealed}=")), SealError::Malformed(_)), "padding");
    assert!(matches!(refusal(&format!("{sealed}.x")), SealError::Signature | SealError::Malformed(_)), "four parts");
    assert!(TRUSTED.open(&format!("{sealed}\n")).is_err(), "a line feed behind it");
}

#[test]
fn too_long_is_refused_before_it_is_looked_at() {
    let long = "a".repeat(MAX_SEALED_BYTES + 1);
    assert!(matches!(refusal(&long), SealError::TooLong(bytes) if bytes == MAX_SEALED_BYTES + 1));
    assert!(matches!(refusal(&long[1..]), SealError::Malformed(_)));
}

#[test]
fn a_key_of_another_curve_is_never_used() {
    for (kty, crv) in [("OKP", "X25519"), ("EC", "Ed25519"), ("oct", "")] {
        let key = PublicKey { kty: kty.into(), crv: crv.into(), ..TRUSTED.keys[0].clone() };
        let set = KeySet { keys: vec![key] };
        assert!(matches!(set.open(&KEY.seal(&shutdown()).unwrap()), Err(SealError::UnknownKey(_))));
    }
}

#[test]
fn a_trusted_key_that_is_broken_believes_nothing() {
    for x in ["", "AAAA", "not base64!", &"A".repeat(43)] {
        let key = PublicKey { x: x.into(), ..TRUSTED.keys[0].clone() };
        assert!(KeySet { keys: vec![key] }.open(&KEY.seal(&shutdown()).unwrap()).is_err(), "{x}");
    }
}

#[test]
fn a_private_key_that_is_none_is_refused() {
    assert!(matches!(SigningKey::from_pkcs8(b"").err(), Some(SealError::SigningKey)));
    assert!(matches!(SigningKey::from_pkcs8(&PKCS8[1..]).err(), Some(SealError::SigningKey)));
}

fn any_uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn any_state() -> impl Strategy<Value = AssetState> {
    use AssetState::{Baremetal, New, Retired, Spare};
    prop_oneof![Just(New), Just(Spare), Just(Baremetal), Just(Retired)]
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        any_state().prop_map(|to| Action::SwitchState { to }),
        any::<String>().prop_map(|reason| Action::Reboot { reason }),
        any::<String>().prop_map(|reason| Action::Shutdown { reason }),
        any::<[String; 5]>().prop_map(|[version, url, sha256, signature, name]| {
            Action::FirmwareUpdate(Box::new(FirmwareUpdate {
                component: FirmwareComponent::Bmc,
                version,
                artifact: Artifact { url, size_bytes: 1, sha256, signature },
                recipe: FlashRecipe {
                    version: VersionSource::Inventory { id: Some(name.clone()), name: None },
                    name,
                    transfer: Transfer::MultipartPush,
                    names_targets: true,
                    apply_time: None,
                    resets_bmc_before: false,
                    activation: Activation::Itself,
                    flash_within_s: 1,
                    bmc_back_within_s: 1,
                },
            }))
        }),
        any::<u32>().prop_map(|generation| Action::BmcUser(BmcUser { generation })),
        "x_[a-z]{1,8}".prop_map(|kind| Action::Unknown(UnknownAction { kind, problem: None })),
    ]
}

fn any_precondition() -> impl Strategy<Value = Precondition> {
    prop_oneof![
        any_state().prop_map(|state| Precondition::StateIs { state }),
        any::<String>().prop_map(|version| Precondition::FirmwareIs { component: FirmwareComponent::Bios, version }),
    ]
}

prop_compose! {
    fn any_instruction()(
        (id, asset, boot) in (any_uuid(), any_uuid(), proptest::option::of(any_uuid())),
        (sequence, issued, expires) in any::<(u64, u64, u64)>(),
        precondition in proptest::option::of(any_precondition()),
        action in any_action(),
    ) -> Instruction {
        Instruction {
            id: InstructionId(id),
            asset: AssetId(asset),
            boot: boot.map(BootId),
            sequence: Sequence(sequence),
            issued_ms: UnixMs(issued),
            expires_ms: UnixMs(expires),
            precondition,
            action,
        }
    }
}

proptest! {
    #[test]
    fn an_instruction_survives_json_and_seal(instruction in any_instruction()) {
        let json = serde_json::to_string(&instruction).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Instruction>(&json).unwrap(), &instruction);
        let sealed = KEY.seal(&instruction).unwrap();
        prop_assume!(sealed.len() <= MAX_SEALED_BYTES);
        prop_assert_eq!(TRUSTED.open(&sealed).unwrap(), instruction);
    }

    #[test]
    fn one_changed_byte_is_never_believed(
        instruction in any_instruction(),
        at in any::<prop::sample::Index>(),
        byte in 0u8..128,
    ) {
        let mut bytes = KEY.seal(&instruction).unwrap().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        prop_assert!(TRUSTED.open(std::str::from_utf8(&bytes).unwrap()).is_err());
    }

    #[test]
    fn cut_short_is_never_believed(instruction in any_instruction(), at in any::<prop::sample::Index>()) {
        let sealed = KEY.seal(&instruction).unwrap();
        prop_assert!(TRUSTED.open(&sealed[..at.index(sealed.len())]).is_err());
    }

    #[test]
    fn arbitrary_text_is_never_believed(text in any::<String>()) {
        prop_assert!(TRUSTED.open(&text).is_err());
    }

    #[test]
    fn arbitrary_parts_are_never_believed(header in any::<String>(), body in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let [header, body, signature] = [header.as_bytes(), &body, &signature].map(|part| BASE64URL.encode(part));
        let sealed = [header, body, signature].join(".");
        prop_assert!(TRUSTED.open(&sealed).is_err());
    }

    #[test]
    fn arbitrary_signed_bodies_do_not_panic(body in any::<Vec<u8>>()) {
        prop_assert!(matches!(TRUSTED.open(&sign(&header(), &body)), Err(SealError::Body(_))));
    }
}
