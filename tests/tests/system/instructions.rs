//! What Senzu instructs is done, or refused with the reason, and reported either way.

use anyhow::{Context, Result};
use pious_lab::lab::{NEXT_WITHIN, handle::Senzu};
use pious_tests::bring_up;
use serde_json::{Value, json};

const SERVER: &str = "r1-u11";

/// Gives an order; answers its final report.
async fn order(senzu: &Senzu, action: Value) -> Result<Value> {
    let body = json!({ "action": action, "expires_in_s": 600 });
    let answer = senzu.post(&format!("/v1/assets/{SERVER}/instructions"), &body).await?;
    let id = answer["id"].as_str().context("an instruction without an id")?.to_owned();
    let ended = |asset: &Value| final_report(asset, &id).is_some();
    let asset = senzu.asset_when(SERVER, &format!("a final report of {action}"), ended).await?;
    Ok(final_report(&asset, &id).unwrap_or_default())
}

fn final_report(asset: &Value, id: &str) -> Option<Value> {
    let instruction = asset["instructions"].as_array()?.iter().find(|one| one["id"] == id)?;
    let is_final = |report: &&Value| matches!(report["status"].as_str(), Some("done" | "failed" | "refused"));
    instruction["reports"]
        .as_array()?
        .iter()
        .map(|report| report.get("report").unwrap_or(report))
        .find(is_final)
        .cloned()
}

#[tokio::test]
async fn what_is_instructed_is_done_or_refused_by_name() -> Result<()> {
    let held = [("profile = \"lab\"", "profile = \"lab\"\nheld = \"the tests\"")];
    let lab = bring_up("orders", "one-bios", &held, |_| {}).await?;
    lab.boot(SERVER).await?;
    lab.serial(SERVER).await?.all_passed().await?;
    let senzu = lab.senzu().await?;
    senzu.in_state(SERVER, "SPARE").await?;

    let unknown = order(&senzu, json!({ "kind": "make_coffee" })).await?;
    assert_eq!(unknown["status"], "refused");
    assert!(unknown["reason"].as_str().is_some_and(|reason| reason.contains("make_coffee")), "{unknown}");

    let shutdown = order(&senzu, json!({ "kind": "shutdown", "reason": "the tests end" })).await?;
    assert_eq!(shutdown["status"], "done");
    lab.wait_off(SERVER, NEXT_WITHIN).await?;
    Ok(())
}
