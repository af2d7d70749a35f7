//! Assets: which there are, one of them, and what an operator may do to one alone.

use super::{Desk, Said, table::table};
use crate::{
    api::AssetList,
    senzu::{AssetDetail, AssetView},
    words::{self, time},
};
use clap::Args;
use pious_client::{Content, Method};
use pious_protocol::{
    finding::{Finding, Verdict},
    message::{Evaluation, Standing},
};
use serde_json::json;
use std::fmt::Write;

/// Which assets; each that is given must fit.
#[derive(Args)]
pub struct Listing {
    /// The beginning of a word of a name, serial or MAC address.
    search: Option<String>,
    /// NEW, SPARE, BAREMETAL or RETIRED.
    #[arg(long)]
    state: Option<String>,
    /// pending, failing or passed.
    #[arg(long)]
    evaluation: Option<String>,
    /// The region.
    #[arg(long)]
    region: Option<String>,
    /// The rack.
    #[arg(long)]
    rack: Option<String>,
    /// The planned profile's name, without version.
    #[arg(long)]
    profile: Option<String>,
    /// A tag.
    #[arg(long)]
    tag: Option<String>,
    /// How many at most; left out: all.
    #[arg(long)]
    limit: Option<usize>,
}

/// Lists assets.
pub async fn assets(desk: &Desk, which: Listing) -> Said {
    let query: Vec<_> = [
        ("search", which.search),
        ("state", which.state),
        ("evaluation", which.evaluation),
        ("region", which.region),
        ("rack", which.rack),
        ("profile", which.profile),
        ("tag", which.tag),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    let list = desk.pages(&["assets"], &query, "assets", which.limit.unwrap_or(usize::MAX)).await?;
    desk.show(list, |list: AssetList| list_words(&list.assets))
}

/// All of one.
pub async fn asset(desk: &Desk, asset: &str) -> Said {
    desk.show(desk.ask(&["assets", asset], &[]).await?, |asset| detail_words(&asset))
}

/// Holds one for use.
pub async fn hold(desk: &Desk, asset: &str, by: &str) -> Said {
    desk.order(Method::POST, &["assets", asset, "hold"], Content::Json(json!({"held": true, "by": by}))).await?;
    Ok(String::new())
}

/// Releases one.
pub async fn release(desk: &Desk, asset: &str) -> Said {
    desk.order(Method::POST, &["assets", asset, "hold"], Content::Json(json!({"held": false}))).await?;
    Ok(String::new())
}

/// Gives one these tags, and no others.
pub async fn tag(desk: &Desk, asset: &str, tags: &[String]) -> Said {
    desk.order(Method::PUT, &["assets", asset, "tags"], Content::Json(json!({ "tags": tags }))).await?;
    Ok(String::new())
}

fn list_words(assets: &[AssetView]) -> String {
    let row = |asset: &AssetView| {
        let standing = &asset.standing;
        let evaluation = evaluation_word(standing.evaluation).to_owned();
        [asset.name.clone(), standing.state.to_string(), evaluation, step_words(standing)]
    };
    let listed = table(["NAME", "STATE", "JUDGED", "STANDS AT"], assets.iter().map(row));
    let mut lines = listed.lines();
    // The head; then below each asset what is wrong with it.
    let mut text: String = lines.next().map(|head| format!("{head}\n")).unwrap_or_default();
    for (asset, line) in assets.iter().zip(lines) {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{line}");
        findings_words(&asset.findings, &mut text);
    }
    text
}

fn findings_words(findings: &[Finding], text: &mut String) {
    for finding in findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        let subject = finding.subject.as_deref().map(|subject| format!(" {subject}")).unwrap_or_default();
        let how = match finding.verdict {
            Verdict::Pass | Verdict::Fail => "seen",
            Verdict::Unknown => "unknown:",
        };
        let Finding { check, seen, expected, remedy, .. } = finding;
        let _ = writeln!(text, "  {check}{subject}: {how} {seen}; expected {expected}; {remedy}");
    }
}

fn step_words(standing: &Standing) -> String {
    match (&standing.step, &standing.reason) {
        (Some(step), Some(reason)) => format!("{step}: {reason}"),
        (Some(step), None) => step.clone(),
        (None, _) => "-".into(),
    }
}

fn evaluation_word(evaluation: Evaluation) -> &'static str {
    match evaluation {
        Evaluation::Pending => "pending",
        Evaluation::Failing => "failing",
        Evaluation::Passed => "passed",
        Evaluation::Unknown => "unknown",
    }
}

fn detail_words(detail: &AssetDetail) -> String {
    let AssetView { id, name, standing, held, serial, last_seen_ms, tags, region, rack, findings, .. } = &detail.asset;
    let mut text = String::new();
    let mut say = |what: &str, words: String| {
        if !words.is_empty() {
            let _ = writeln!(text, "{what:10} {words}");
        }
    };
    say("name", name.clone());
    say("id", id.to_string());
    say("state", format!("{}, {}", standing.state, evaluation_word(standing.evaluation)));
    say("stands at", step_words(standing));
    say("doubt", detail.doubt.clone().unwrap_or_default());
    say("held by", held.as_ref().map(|held| held.by.clone()).unwrap_or_default());
    say("serial", serial.clone().unwrap_or_default());
    say("heard", last_seen_ms.map_or_else(|| "never".into(), time));
    say("place", [region.as_deref(), rack.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", "));
    say("tags", tags.join(" "));
    for (what, words) in detail.facts.as_ref().map(words::hardware).unwrap_or_default() {
        say(what, words);
    }
    findings_words(findings, &mut text);
    for instruction in &detail.instructions {
        let what = words::action(&instruction.action);
        let state = crate::store::word(&instruction.state);
        let _ = writeln!(text, "  instruction {}: {what}, {state}, by {}", instruction.sequence.0, instruction.issuer);
    }
    for event in &detail.events {
        let _ = writeln!(text, "  {}  {}: {} ({})", time(event.at_ms), event.who, event.what, event.why);
    }
    text
}
