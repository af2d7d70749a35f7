//! The audit log.

use super::{Desk, Said, table::table};
use crate::{access::AuditView, api::AuditList, words::time};
use clap::Args;

/// Which part of it.
#[derive(Args)]
pub struct History {
    /// Only of this asset, by id or name.
    #[arg(long)]
    asset: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// Lists who did what, when and why; newest first.
pub async fn audit(desk: &Desk, which: History) -> Said {
    let query: Vec<_> = which.asset.into_iter().map(|asset| ("asset", asset)).collect();
    let list = desk.pages(&["audit"], &query, "events", which.limit).await?;
    desk.show(list, |list: AuditList| {
        let row = |event: AuditView| {
            let AuditView { at_ms, who, name, what, why, .. } = event;
            [time(at_ms), who, name.unwrap_or_else(|| "-".into()), what, why]
        };
        table(["AT", "WHO", "ASSET", "WHAT", "WHY"], list.events.into_iter().map(row))
    })
}
