//! An asset's firmware on its page: what runs, what shall run, the way there, and what may be done about it.

use super::{Sorry, session::SignedIn, way::Way};
use crate::{
    access::Role,
    api::Shared,
    dag::firmware::no_bmc,
    firmware::Wanted,
    senzu::{FirmwareView, GoalView, GraphView, InstalledView, NewCertificate, PlanView, wanted_words},
    store::{goals::GoalStatus, word},
    words,
};
use axum::{
    Form, Router,
    extract::{Path, State},
    response::Redirect,
    routing::post,
};
use pious_protocol::{facts::Facts, firmware::FirmwareComponent};
use serde::Deserialize;

/// What the page shows.
pub struct FirmwareCard {
    pub rows: Vec<Row>,
    pub goals: Vec<GoalLine>,
    /// How its newest goal was reached, in this boot.
    pub way: Option<Way>,
    /// How it is known that it has no BMC, without which nothing of this can be.
    pub no_bmc: Option<String>,
    /// Why there is no plan, where there should be one.
    pub no_plan: Option<String>,
    /// Why a person must look.
    pub recovery: Option<String>,
    pub is_open: bool,
}

/// One component.
pub struct Row {
    pub component: String,
    pub runs: String,
    pub read: String,
    pub plan: String,
    pub class: &'static str,
}

/// What was asked for.
pub struct GoalLine {
    pub at: String,
    pub by: String,
    pub wanted: String,
    pub status: String,
    pub why: String,
}

impl FirmwareCard {
    pub fn of(view: FirmwareView, way: Option<GraphView>, facts: Option<&Facts>) -> Self {
        let FirmwareView { goals, installed, plan, no_plan } = view;
        let open = goals.iter().find(|goal| matches!(goal.status, GoalStatus::Open | GoalStatus::Recovery));
        let recovery = open.filter(|goal| goal.status == GoalStatus::Recovery);
        let recovery = recovery.map(|goal| goal.words.clone().unwrap_or_default());
        let is_open = open.is_some();
        let rows =
            FirmwareComponent::ORDER.into_iter().filter_map(|component| row(component, &installed, &plan)).collect();
        Self {
            way: way.map(|graph| Way::of(&graph, None)),
            goals: goals.iter().map(goal_line).collect(),
            rows,
            is_open,
            recovery,
            no_plan,
            no_bmc: facts.and_then(no_bmc).map(str::to_owned),
        }
    }
}

fn row(component: FirmwareComponent, installed: &[InstalledView], plan: &[PlanView]) -> Option<Row> {
    let installed = installed.iter().find(|installed| installed.firmware.component == component);
    let plan = plan.iter().find(|plan| match plan {
        PlanView::Done { component: of, .. }
        | PlanView::NotDone { component: of, .. }
        | PlanView::Impossible { component: of, .. } => *of == component,
    });
    if installed.is_none() && plan.is_none() {
        return None;
    }
    let (plan, class) = match plan {
        None => (String::new(), ""),
        Some(PlanView::Done { .. }) => ("done".into(), "pass"),
        Some(PlanView::NotDone { way, .. }) => (way.join(" → "), "pending"),
        Some(PlanView::Impossible { why, who_acts, .. }) => (format!("impossible: {why}; {who_acts}"), "fail"),
    };
    Some(Row {
        component: component.to_string(),
        runs: installed.map_or_else(|| "not read yet".into(), |installed| installed.firmware.version.clone()),
        read: installed
            .map(|installed| format!("{}, {}", installed.firmware.source, words::time(installed.read_ms)))
            .unwrap_or_default(),
        plan,
        class,
    })
}

fn goal_line(goal: &GoalView) -> GoalLine {
    GoalLine {
        at: words::time(goal.asked_ms),
        by: goal.asked_by.clone(),
        wanted: wanted_words(&goal.wanted),
        status: match &goal.words {
            Some(words) => format!("{}: {words}", word(&goal.status)),
            None => word(&goal.status),
        },
        why: goal.why.clone(),
    }
}

/// What the section's forms do.
pub fn router() -> Router<Shared> {
    Router::new()
        .route("/assets/{asset}/firmware", post(set))
        .route("/assets/{asset}/firmware/retry", post(retry))
        .route("/assets/{asset}/firmware/withdraw", post(withdraw))
}

type Done = Result<Redirect, Sorry>;

fn back(asset: &str) -> Done {
    Ok(Redirect::to(&format!("/assets/{asset}#firmware")))
}

#[derive(Deserialize)]
struct SetForm {
    csrf: String,
    /// Empty: it stays as it is.
    #[serde(default)]
    bmc: String,
    #[serde(default)]
    bios: String,
    why: String,
}

async fn set(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(asset): Path<String>,
    Form(form): Form<SetForm>,
) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    let wanted: Vec<Wanted> = [(FirmwareComponent::Bmc, form.bmc), (FirmwareComponent::Bios, form.bios)]
        .into_iter()
        .map(|(component, version)| Wanted { component, version: version.trim().to_owned(), downgrade: false })
        .filter(|wanted| !wanted.version.is_empty())
        .collect();
    senzu.set_goal(caller, &asset, &wanted, &form.why).await?;
    back(&asset)
}

#[derive(Deserialize)]
struct WhyForm {
    csrf: String,
    why: String,
}

#[derive(Deserialize)]
struct RetryForm {
    csrf: String,
    why: String,
    /// A box that is ticked.
    accept_new_certificate: Option<String>,
}

async fn retry(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(asset): Path<String>,
    Form(form): Form<RetryForm>,
) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    let new_certificate = match form.accept_new_certificate {
        Some(_) => NewCertificate::Believed,
        None => NewCertificate::Refused,
    };
    senzu.retry_goal(caller, &asset, &form.why, new_certificate).await?;
    back(&asset)
}

async fn withdraw(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(asset): Path<String>,
    Form(form): Form<WhyForm>,
) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    senzu.withdraw_goal(caller, &asset, &form.why).await?;
    back(&asset)
}
