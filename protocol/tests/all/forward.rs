//! What is newer than this build must not break it.

use crate::golden;
use pious_protocol::{
    facts::{Dhcp, Facts, FirmwareMode, Link, Neighbours, Observed},
    finding::{Finding, Severity, Verdict},
    instruction::{Action, Instruction, Precondition, UnknownAction},
    message::{AssetState, Boot, Evaluation, LeaseTier, PromotionAnswer, Report},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::fmt::Debug;

/// Adds a member that nobody knows to every object, at every depth.
fn grow(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(grow);
            members.insert("x_newer".into(), json!({"than": ["this", "build"]}));
        }
        Value::Array(elements) => elements.iter_mut().for_each(grow),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[track_caller]
fn ignores_unknown_fields<T: Serialize + DeserializeOwned + PartialEq + Debug>(message: &T) {
    let mut grown = serde_json::to_value(message).unwrap();
    grow(&mut grown);
    assert_eq!(&serde_json::from_value::<T>(grown).unwrap(), message);
}

#[test]
fn unknown_fields_are_ignored_at_every_depth() {
    ignores_unknown_fields(&golden::boot_event());
    ignores_unknown_fields(&golden::whoami());
    ignores_unknown_fields(&golden::facts_report());
    ignores_unknown_fields(&golden::facts_answer());
    ignores_unknown_fields(&Facts::default());
    ignores_unknown_fields(&golden::preconditions());
    ignores_unknown_fields(&golden::reports());
    golden::actions().into_iter().map(golden::instruction).for_each(|it| ignores_unknown_fields(&it));
}

#[track_caller]
fn reads<T: DeserializeOwned + PartialEq + Debug>(json: Value, expected: T) {
    assert_eq!(serde_json::from_value::<T>(json.clone()).unwrap(), expected, "{json}");
}

#[test]
fn unknown_values_become_unknown() {
    reads(json!("QUARANTINED"), AssetState::Unknown);
    reads(json!("half_passed"), Evaluation::Unknown);
    reads(json!("perhaps"), Verdict::Unknown);
    reads(json!("apocalyptic"), Severity::Unknown);
    reads(json!("coreboot"), FirmwareMode::Unknown);
    reads(json!("dormant"), Link::Unknown);
    reads(json!({"status": "declined", "by": "10.77.0.1"}), Dhcp::Unknown);
    reads(json!({"status": "paused", "for_s": 5}), Report::Unknown);
    reads(json!({"answer": "perhaps", "when": 5}), PromotionAnswer::Unknown);
    reads(json!({"kind": "moon_is", "phase": "full"}), Precondition::Unknown);
    // These two have a harmless value of their own to fall back to.
    reads(json!("usb_stick"), Boot::Pious);
    reads(json!("platinum"), LeaseTier::Unrecognized);
}

#[test]
fn unknown_ways_of_telling_a_fact_are_absent() {
    let newer = "told in a way that is newer than this build";
    reads(json!({"estimated": {"value": 5}}), Observed::<u32>::absent(newer));
    reads(json!({"nothing": {"reason": "a virtio disk"}}), Observed::<u32>::nothing("a virtio disk"));
    reads(json!({"guessed": []}), Neighbours::Silent { reason: newer.into() });
}

#[test]
fn left_out_facts_are_not_looked_at() {
    reads(json!({}), Facts::default());
}

#[test]
fn an_unknown_instruction_is_known_by_its_name() {
    reads(
        json!({"kind": "juggle", "balls": 3}),
        Action::Unknown(UnknownAction { kind: "juggle".into(), problem: None }),
    );
    // It still says whom it is for, so that it can be refused.
    let mut newer = serde_json::to_value(golden::instruction(Action::Reboot { reason: "x".into() })).unwrap();
    newer["action"] = json!({"kind": "juggle", "balls": 3});
    newer["precondition"] = json!({"kind": "moon_is"});
    let read: Instruction = serde_json::from_value(newer).unwrap();
    let expected = Instruction {
        precondition: Some(Precondition::Unknown),
        ..golden::instruction(Action::Unknown(UnknownAction { kind: "juggle".into(), problem: None }))
    };
    assert_eq!(read, expected);
}

#[test]
fn a_known_instruction_with_a_malformed_body_is_unknown_with_its_problem() {
    for (body, problem) in [
        (json!({"kind": "reboot"}), "missing field `reason`"),
        (json!({"kind": "reboot", "reason": 5}), "invalid type: integer `5`, expected a string"),
        (json!({"kind": "switch_state", "to": ["SPARE"]}), "invalid type"),
        (json!({"kind": "firmware_update", "component": "bmc"}), "missing field `version`"),
    ] {
        let Action::Unknown(unknown) = serde_json::from_value::<Action>(body.clone()).unwrap() else {
            panic!("{body} was understood");
        };
        assert_eq!(unknown.kind, body["kind"]);
        assert!(unknown.problem.as_ref().unwrap().contains(problem), "{unknown:?}");
    }
}

#[test]
fn why_an_action_could_not_be_read_is_passed_on_as_it_was_told() {
    let told: Action = serde_json::from_str(r#"{"kind":"reboot","problem":"missing field `reason` at 7"}"#).unwrap();
    let Action::Unknown(unknown) = &told else { panic!("{told:?}") };
    assert_eq!(unknown.problem.as_deref(), Some("missing field `reason` at 7"));
    assert_eq!(serde_json::from_str::<Action>(&serde_json::to_string(&told).unwrap()).unwrap(), told);
}

#[test]
fn an_action_without_a_kind_is_an_error() {
    for body in [json!({}), json!({"kind": 5}), json!("reboot"), json!(null)] {
        assert!(serde_json::from_value::<Action>(body.clone()).is_err(), "{body}");
    }
}

#[test]
fn a_state_that_is_newer_can_be_switched_to_by_nobody() {
    reads(json!({"kind": "switch_state", "to": "QUARANTINED"}), Action::SwitchState { to: AssetState::Unknown });
}

#[test]
fn a_finding_of_a_newer_verdict_is_no_pass() {
    let finding = json!({
        "check": "gpu.count", "subject": null, "verdict": "waived", "seen": "1", "expected": "2", "remedy": "wait"
    });
    let read: Finding = serde_json::from_value(finding).unwrap();
    assert_eq!(read.severity, Severity::Major, "one from before severities");
    assert_eq!(pious_protocol::finding::evaluation(&[read]), Evaluation::Failing);
}

/// The document that others build their Senzu from must not promise an action called `unknown`.
#[cfg(feature = "openapi")]
#[test]
fn the_schema_of_an_action_names_the_known_kinds_and_leaves_all_others_open() {
    let schema = serde_json::to_value(<Action as utoipa::PartialSchema>::schema()).unwrap();
    let kinds: Vec<_> = schema["oneOf"].as_array().unwrap().iter().map(|kind| &kind["properties"]["kind"]).collect();
    let (other, known) = kinds.split_last().unwrap();
    let known: Vec<_> = known.iter().map(|kind| &kind["enum"][0]).collect();
    let all = ["switch_state", "reboot", "shutdown", "firmware_update", "firmware_inventory", "bmc_user"];
    assert_eq!(known, all);
    assert_eq!(other["pattern"], format!("^(?!({})$)", all.join("|")));
}
