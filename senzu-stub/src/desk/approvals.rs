//! What takes two people: asking, and deciding.

use super::{Desk, Said, table::table};
use crate::{access::ApprovalView, api::ApprovalList, store::word, words::time};
use clap::{Args, Subcommand};
use pious_client::{Content, Method};
use serde_json::json;

/// Asking for something that another operator must approve.
#[derive(Args)]
pub struct Ask {
    #[command(flatten)]
    desk: Desk,
    /// The asset's id or name.
    asset: String,
    /// Why: whoever approves reads it.
    #[arg(long)]
    why: String,
}

/// Asks for a promotion, a wipe or a retirement.
pub async fn ask(ask: Ask, kind: &str) -> Said {
    let Ask { desk, asset, why } = ask;
    let content = Content::Json(json!({"asset": asset, "kind": kind, "why": why}));
    desk.show(desk.order(Method::POST, &["approvals"], content).await?, |approval: ApprovalView| {
        let ApprovalView { id, name, expires_ms, .. } = approval;
        format!("asked for {name}: another operator approves {id}, until {}\n", time(expires_ms))
    })
}

/// What was asked for.
#[derive(Subcommand)]
pub enum ApprovalsCommand {
    /// List what was asked for, newest first.
    List {
        #[command(flatten)]
        desk: Desk,
        /// Only with this status: asked, approved, denied, expired, ended …
        #[arg(long)]
        status: Option<String>,
        /// Only of this asset, by id or name.
        #[arg(long)]
        asset: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Approve what another operator asked for.
    Approve {
        #[command(flatten)]
        desk: Desk,
        /// The request's id.
        id: String,
        /// Why.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Deny what another operator asked for.
    Deny {
        #[command(flatten)]
        desk: Desk,
        /// The request's id.
        id: String,
        /// Why.
        #[arg(long)]
        why: String,
    },
}

impl ApprovalsCommand {
    pub async fn answer(self) -> Said {
        match self {
            Self::List { desk, status, asset, limit } => {
                let query = [("status", status), ("asset", asset)];
                let query: Vec<_> = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                let list = desk.pages(&["approvals"], &query, "approvals", limit).await?;
                desk.show(list, |list: ApprovalList| list_words(&list.approvals))
            }
            Self::Approve { desk, id, why } => decide(&desk, &id, "approve", &why).await,
            Self::Deny { desk, id, why } => decide(&desk, &id, "deny", &why).await,
        }
    }
}

async fn decide(desk: &Desk, id: &str, how: &str, why: &str) -> Said {
    let answer = desk.order(Method::POST, &["approvals", id, how], Content::Json(json!({ "why": why }))).await?;
    desk.show(answer, |approval: ApprovalView| {
        format!("{} {}: {}\n", word(&approval.kind), approval.name, word(&approval.status))
    })
}

fn list_words(approvals: &[ApprovalView]) -> String {
    let row = |approval: &ApprovalView| {
        let ApprovalView { id, name, kind, status, asked_by, asked_ms, why, words, .. } = approval;
        let status = match words {
            Some(words) => format!("{}: {words}", word(status)),
            None => word(status),
        };
        [id.to_string(), time(*asked_ms), asked_by.clone(), word(kind), name.clone(), status, why.clone()]
    };
    table(["ID", "ASKED", "BY", "FOR", "ASSET", "STATUS", "WHY"], approvals.iter().map(row))
}
