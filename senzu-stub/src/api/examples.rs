//! One example per message that somebody has to write or read, made of the types themselves so that none can be wrong.

use pious_protocol::{
    expectation::Expectation,
    facts::{Facts, FirmwareMode},
    identity::Fingerprint,
    ids::{AssetId, BootId, Generation, MacAddress, Sequence, UnixMs},
    message::{
        AssetState, Boot, BootEvent, BootTarget, Evaluation, FactsReport, InstructionsAnswer, LeaseTier,
        PromotionAnswer, PromotionAsk, PromotionRequest, Report, SealedInstruction, Standing, TimelineEntry, Whoami,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

const ASSET: AssetId = AssetId(Uuid::from_u128(0x0197b0a0_0000_7000_8000_00000000000a));
const BOOT: BootId = BootId(Uuid::from_u128(0x0197b0a0_0000_7000_8000_00000000000b));
const NIC: MacAddress = MacAddress([0x52, 0x54, 0, 1, 0x10, 1]);

/// The body of an operation's request.
pub fn request(operation: &str) -> Option<Value> {
    match operation {
        "boot_event" => value(&boot_event()),
        "facts" => value(&FactsReport { generation: Generation(1), facts: Facts::default(), timeline: Vec::new() }),
        "report" => value(&Report::done("the agent is BAREMETAL")),
        "promotion" => value(&PromotionAsk {
            request: PromotionRequest { requester: "ops@example".into(), reason: Some("customer 42".into()) },
            source: [10, 77, 0, 1].into(),
        }),
        "hold" => Some(json!({"held": true, "by": "night shift"})),
        "clear_loop" => Some(json!({"by": "night shift"})),
        "make_profile" => Some(json!({"name": "poweredge-r650"})),
        "order" => Some(json!({
            "action": {"kind": "reboot", "reason": "to read its new firmware's version"},
            "expires_in_s": 300,
            "precondition": {"kind": "state_is", "state": "SPARE"},
        })),
        "set_firmware" => Some(json!({
            "wanted": [{"component": "bmc", "version": "2.11.0"}, {"component": "bios", "version": "2.2.0"}],
            "why": "CVE-2026-1234",
        })),
        "withdraw_firmware" => Some(json!({"why": "the image was recalled"})),
        "retry_firmware" => Some(json!({"why": "its BMC was unplugged for a minute, and answers again"})),
        "preview_campaign" => Some(campaign()),
        "make_campaign" => Some(json!({"spec": campaign(), "why": "CVE-2026-1234"})),
        "approve_campaign" => Some(json!({"why": "tried in the lab"})),
        "start_campaign" => Some(json!({"why": "the window is open"})),
        "pause_campaign" => Some(json!({"why": "the network is being worked on"})),
        "resume_campaign" => Some(json!({"why": "the canary's power cord was loose"})),
        "abort_campaign" => Some(json!({"why": "the vendor recalled the image"})),
        "set_tags" => Some(json!({"tags": ["burn-in", "team:storage"]})),
        "import_orders" => Some(json!({"rows": [{
            "vendor": "Acme", "order": "PO-2026-17", "line": 1, "profile": "demo", "count": 3,
            "serials": ["ACME-0001", "ACME-0002"], "delivery": "first", "due": "2026-12-24",
        }]})),
        "assign" => Some(json!({"assign": {"order": "PO-2026-17", "line": 1}, "why": "the label on the box says so"})),
        "resolve_alert" => Some(json!({"why": "its cable was loose"})),
        "make_webhook" => Some(json!({"name": "pager", "url": "https://pager.example/senzu"})),
        "announce_artifact" => Some(json!({
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "size_bytes": 16_777_216,
            "vendor": "Dell Inc.", "model": "PowerEdge R7*", "component": "bios", "version": "1.9.2",
            "signature": "untrusted comment: …\nRUQ…\ntrusted comment: …\n…\n",
            "release_note": "Mends what a DIMM that fails does to a boot.", "severity": "recommended",
            "file_name": "BIOS_1.9.2.EXE",
        })),
        "set_operator" => Some(json!({"role": "approver"})),
        "make_token" => {
            Some(json!({"operator": "alice", "name": "her laptop", "role": "operator", "expires_in_s": 7_776_000}))
        }
        "ask_approval" => Some(json!({"asset": "r1-u10", "kind": "promote", "why": "customer 42"})),
        "approve" => Some(json!({"why": "customer 42 has paid"})),
        "deny" => Some(json!({"why": "its rack is moved tomorrow"})),
        _ => None,
    }
}

fn campaign() -> Value {
    json!({
        "name": "BMC 2.11 in row 1",
        "query": {"state": "SPARE", "region": "eu-1", "model": "PowerEdge R7*", "tags": ["burn-in"]},
        "wanted": [{"component": "bmc", "version": "2.11.0"}],
        "caps": {"per_network": {"concurrent": 8, "bytes_per_s": 10_000_000}, "per_rack": 2, "percent": 10},
        "waves": {"canary": 2, "growth": 3, "max": 50, "soak_s": 3600, "halt_after": 1, "count": "overall"},
        "windows": [{"days": ["mon", "tue", "wed", "thu"], "from": "22:00", "to": "04:00"}],
    })
}

/// The body of an operation's 200.
pub fn answer(operation: &str) -> Option<Value> {
    match operation {
        "boot_event" => value(&Whoami {
            asset: ASSET,
            name: "r1-u10".into(),
            standing: standing(AssetState::New, Evaluation::Pending, "VERIFY_HARDWARE", "waits for facts of this boot"),
            expectation: Expectation::default(),
            session_token: "64 hexadecimal digits".into(),
            senzu_time_ms: UnixMs(1_795_417_200_000),
            facts_period_s: 60,
        }),
        "instructions" => value(&InstructionsAnswer {
            instructions: vec![SealedInstruction { sequence: Sequence(7), jws: "header.payload.signature".into() }],
            standing: standing(
                AssetState::Spare,
                Evaluation::Passed,
                "POWER_OFF_SPARE",
                "waits for the agent to take shutdown",
            ),
        }),
        "promotion" => value(&PromotionAnswer::Granted),
        "one" => value(&BootTarget {
            mac: NIC,
            boot: Boot::LocalDisk,
            tier: LeaseTier::Recognized,
            name: Some("r1-u10".into()),
        }),
        _ => None,
    }
}

fn boot_event() -> BootEvent {
    BootEvent {
        protocol: pious_protocol::PROTOCOL_VERSION,
        boot_id: BOOT,
        fingerprint: Fingerprint {
            system_serial: Some("PIOUS-R1-U10".into()),
            macs: vec![NIC],
            ..Fingerprint::default()
        },
        firmware_mode: FirmwareMode::Uefi,
        agent_version: "0.1.0".into(),
        timeline: vec![TimelineEntry { phase: "kernel".into(), at_ms: 0 }],
        last_words: None,
    }
}

fn standing(state: AssetState, evaluation: Evaluation, step: &str, reason: &str) -> Standing {
    Standing { state, evaluation, step: Some(step.into()), reason: Some(reason.into()) }
}

fn value(message: &impl Serialize) -> Option<Value> {
    serde_json::to_value(message).ok()
}
