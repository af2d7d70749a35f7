//! Which firmware an asset shall have.

use super::{Desk, Said, table::table};
use crate::{
    senzu::{FirmwareView, GoalView, InstalledView, PlanView},
    store::word,
    words::time,
};
use clap::Args;
use pious_client::{Content, Method};
use pious_protocol::firmware::FirmwareComponent;
use serde_json::json;

/// An asset.
#[derive(Args)]
pub struct OfAsset {
    #[command(flatten)]
    desk: Desk,
    /// The asset's id or name.
    asset: String,
}

/// What an asset shall run.
#[derive(Args)]
pub struct Goal {
    #[command(flatten)]
    of: OfAsset,
    /// A version to reach, as COMPONENT=VERSION: bmc=2.11.0. May repeat.
    #[arg(long = "to", value_name = "COMPONENT=VERSION", required = true, value_parser = component_version)]
    to: Vec<(FirmwareComponent, String)>,
    /// Components whose version may be older than the one that runs.
    #[arg(long, value_name = "COMPONENT")]
    downgrade: Vec<FirmwareComponent>,
    /// Why: it stands in the audit.
    #[arg(long)]
    why: String,
}

/// What is done about an asset's goal.
#[derive(Args)]
pub struct Change {
    #[command(flatten)]
    of: OfAsset,
    /// Why: it stands in the audit.
    #[arg(long)]
    why: String,
}

/// Trying again what went wrong.
#[derive(Args)]
pub struct Retry {
    #[command(flatten)]
    of: OfAsset,
    /// What was found: it stands in the audit.
    #[arg(long)]
    why: String,
    /// The certificate that the BMC shows next is the one that it must show from then on. Whoever shows it gets its password.
    #[arg(long)]
    accept_new_certificate: bool,
}

fn component_version(text: &str) -> Result<(FirmwareComponent, String), String> {
    match text.split_once('=') {
        Some((component, version)) if !version.trim().is_empty() => Ok((component.parse()?, version.trim().to_owned())),
        Some(_) | None => Err(format!("{text:?} is not COMPONENT=VERSION, such as bmc=2.11.0")),
    }
}

/// Shows an asset's firmware.
pub async fn show(OfAsset { desk, asset }: OfAsset) -> Said {
    desk.show(desk.ask(&["assets", &asset, "firmware"], &[]).await?, |firmware: FirmwareView| words(&firmware))
}

/// Sets what it shall run.
pub async fn set(Goal { of: OfAsset { desk, asset }, to, downgrade, why }: Goal) -> Said {
    let wanted: Vec<_> = to
        .into_iter()
        .map(|(component, version)| {
            json!({"component": component, "version": version, "downgrade": downgrade.contains(&component)})
        })
        .collect();
    let content = Content::Json(json!({"wanted": wanted, "why": why}));
    let answer = desk.order(Method::PUT, &["assets", &asset, "firmware"], content).await?;
    desk.show(answer, |firmware: FirmwareView| words(&firmware))
}

/// Takes it back.
pub async fn withdraw(Change { of: OfAsset { desk, asset }, why }: Change) -> Said {
    let content = Content::Json(json!({ "why": why }));
    let answer = desk.order(Method::POST, &["assets", &asset, "firmware", "withdraw"], content).await?;
    desk.show(answer, |firmware: FirmwareView| words(&firmware))
}

/// Tries again.
pub async fn retry(Retry { of: OfAsset { desk, asset }, why, accept_new_certificate }: Retry) -> Said {
    let content = Content::Json(json!({ "why": why, "accept_new_certificate": accept_new_certificate }));
    let answer = desk.order(Method::POST, &["assets", &asset, "firmware", "retry"], content).await?;
    desk.show(answer, |firmware: FirmwareView| words(&firmware))
}

fn words(firmware: &FirmwareView) -> String {
    let installed = |InstalledView { firmware, read_ms, .. }: &InstalledView| {
        [firmware.component.to_string(), firmware.version.clone(), firmware.source.clone(), time(*read_ms)]
    };
    let plan = |plan: &PlanView| match plan {
        PlanView::Done { component, version } => [component.to_string(), "done".into(), version.clone()],
        PlanView::NotDone { component, way } => [component.to_string(), "not done".into(), way.join(" → ")],
        PlanView::Impossible { component, why, who_acts } => {
            [component.to_string(), "impossible".into(), format!("{why}; {who_acts}")]
        }
    };
    let goal = |goal: &GoalView| {
        let GoalView { asked_ms, asked_by, wanted, status, words, why, .. } = goal;
        let status = match words {
            Some(words) => format!("{}: {words}", word(status)),
            None => word(status),
        };
        [time(*asked_ms), asked_by.clone(), crate::senzu::wanted_words(wanted), status, why.clone()]
    };
    let mut text = table(["COMPONENT", "RUNS", "READ FROM", "READ"], firmware.installed.iter().map(installed));
    if let Some(no_plan) = &firmware.no_plan {
        text.push_str(&format!("\nno plan yet: {no_plan}\n"));
    } else if !firmware.plan.is_empty() {
        text.push('\n');
        text.push_str(&table(["COMPONENT", "PLAN", "WAY"], firmware.plan.iter().map(plan)));
    }
    text.push('\n');
    text.push_str(&table(["ASKED", "BY", "SHALL RUN", "STATUS", "WHY"], firmware.goals.iter().map(goal)));
    text
}
