//! What the pages' forms do: each carries its session's own token, and answers with the page that it was on.

use super::{Sorry, session::SignedIn};
use crate::{
    access::{ApprovalAsk, Decision, Role},
    api::Shared,
    campaign::Act,
    chakshu::{Format, Ordered},
    senzu::Refusal,
    store::approvals::ApprovalKind,
};
use axum::{
    Form, Router,
    extract::{Path, State},
    response::Redirect,
    routing::post,
};
use serde::Deserialize;
use uuid::Uuid;

/// For how long a request from a page waits for its decision, and then to be begun.
const APPROVAL_WITHIN_S: u64 = 24 * 3600;

type Done = Result<Redirect, Sorry>;

pub fn router() -> Router<Shared> {
    Router::new()
        .route("/assets/{asset}/hold", post(hold))
        .route("/assets/{asset}/tags", post(tags))
        .route("/assets/{asset}/ask", post(ask))
        .route("/assets/{asset}/clear-loop", post(clear_loop))
        .route("/alerts/{alert}/resolve", post(resolve))
        .route("/approvals/{approval}/decide", post(decide))
        .route("/campaigns/{campaign}/act", post(act_on_campaign))
        .route("/orders", post(take_orders))
}

fn back_to_asset(asset: &str) -> Done {
    Ok(Redirect::to(&format!("/assets/{asset}")))
}

#[derive(Deserialize)]
struct HoldForm {
    csrf: String,
    /// For whom; empty: it is released.
    #[serde(default)]
    by: String,
}

async fn hold(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(asset): Path<String>,
    Form(form): Form<HoldForm>,
) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    let by = Some(form.by.trim()).filter(|by| !by.is_empty());
    senzu.hold(caller, &asset, by, by.is_some()).await?;
    back_to_asset(&asset)
}

#[derive(Deserialize)]
struct TagsForm {
    csrf: String,
    #[serde(default)]
    tags: String,
}

async fn tags(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(asset): Path<String>,
    Form(form): Form<TagsForm>,
) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    let tags: Vec<_> = form.tags.split_whitespace().map(str::to_owned).collect();
    senzu.set_tags(caller, &asset, &tags).await?;
    back_to_asset(&asset)
}

#[derive(Deserialize)]
struct AskForm {
    csrf: String,
    kind: ApprovalKind,
    why: String,
}

async fn ask(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(asset): Path<String>,
    Form(form): Form<AskForm>,
) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    let ask = ApprovalAsk { asset: &asset, kind: form.kind, why: &form.why, expires_in_s: APPROVAL_WITHIN_S };
    senzu.ask_approval(caller, ask).await?;
    back_to_asset(&asset)
}

#[derive(Deserialize)]
struct ClearForm {
    csrf: String,
}

async fn clear_loop(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(asset): Path<String>,
    Form(form): Form<ClearForm>,
) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    senzu.clear_loop(caller, &asset, &caller.operator).await?;
    back_to_asset(&asset)
}

#[derive(Deserialize)]
struct ResolveForm {
    csrf: String,
    why: String,
    /// `ORDER/LINE` for an unknown asset; empty: it needs no order.
    #[serde(default)]
    assign: String,
}

async fn resolve(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(alert): Path<Uuid>,
    Form(form): Form<ResolveForm>,
) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    senzu.resolve_alert(caller, alert, &form.why, order_line(&form.assign)?).await?;
    Ok(Redirect::to("/alerts"))
}

/// `ORDER/LINE`, where it is not left empty.
fn order_line(text: &str) -> Result<Option<Ordered>, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let line = text.rsplit_once('/').and_then(|(order, line)| Some((order, line.trim().parse().ok()?)));
    match line {
        Some((order, line)) => Ok(Some(Ordered::Line { order: order.trim().to_owned(), line })),
        None => {
            let remedy = "an order's number, a slash, and a line's number, as PO-1/2";
            Err(Refusal::OutOfRange { field: "order line", value: format!("{text:?}"), remedy })
        }
    }
}

#[derive(Deserialize)]
struct DecideForm {
    csrf: String,
    decision: Decided,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decided {
    Approve,
    Deny,
}

async fn decide(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(approval): Path<Uuid>,
    Form(form): Form<DecideForm>,
) -> Done {
    let (decision, needs) = match form.decision {
        Decided::Approve => (Decision::Approve, Role::Approver),
        // Whoever asked may take it back; who else may is the decision's own business.
        Decided::Deny => (Decision::Deny, Role::Operator),
    };
    let caller = visitor.may(&form.csrf, needs)?;
    senzu.decide_approval(caller, approval, decision, &form.why).await?;
    Ok(Redirect::to("/approvals"))
}

#[derive(Deserialize)]
struct CampaignForm {
    csrf: String,
    act: Acted,
    #[serde(default)]
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Acted {
    Approve,
    Start,
    Pause,
    Resume,
    Abort,
}

async fn act_on_campaign(
    State(senzu): State<Shared>,
    SignedIn(visitor): SignedIn,
    Path(campaign): Path<Uuid>,
    Form(form): Form<CampaignForm>,
) -> Done {
    let (act, needs) = match form.act {
        Acted::Approve => (Act::Approve, Role::Approver),
        Acted::Start => (Act::Start, Role::Operator),
        Acted::Pause => (Act::Pause, Role::Operator),
        Acted::Resume => (Act::Resume, Role::Operator),
        Acted::Abort => (Act::Abort, Role::Operator),
    };
    let caller = visitor.may(&form.csrf, needs)?;
    senzu.act_on_campaign(caller, campaign, act, &form.why).await?;
    Ok(Redirect::to(&format!("/campaigns/{campaign}")))
}

#[derive(Deserialize)]
struct OrdersForm {
    csrf: String,
    rows: String,
}

async fn take_orders(State(senzu): State<Shared>, SignedIn(visitor): SignedIn, Form(form): Form<OrdersForm>) -> Done {
    let caller = visitor.may(&form.csrf, Role::Operator)?;
    let format = if form.rows.trim_start().starts_with(['{', '[']) { Format::Json } else { Format::Csv };
    // A form's lines end in CR LF; a file's line numbers are the same either way.
    senzu.import_orders(caller, "what was pasted", format, &form.rows).await?;
    Ok(Redirect::to("/orders"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_line_is_named_or_left_out() {
        let line = |text| order_line(text).map_err(|refusal| refusal.to_string());
        assert_eq!(line(" "), Ok(None));
        assert_eq!(line("PO/7/2"), Ok(Some(Ordered::Line { order: "PO/7".into(), line: 2 })));
        assert!(line("PO-7").is_err_and(|words| words.contains("PO-1/2")));
    }
}
