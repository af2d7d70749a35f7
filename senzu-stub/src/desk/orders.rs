//! What was bought.

use super::{Desk, Said, table::table};
use crate::{
    api::OrderList,
    chakshu::{OrderView, OrdersImported},
    words::time,
};
use anyhow::Context;
use clap::Subcommand;
use pious_client::{Content, Method};
use std::{fs, path::PathBuf};

/// Purchase orders.
#[derive(Subcommand)]
pub enum OrdersCommand {
    /// List orders with what is here of each line.
    List {
        #[command(flatten)]
        desk: Desk,
        /// Only those that something is missing of.
        #[arg(long)]
        open: bool,
        /// How many at most; left out: all.
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Show one order.
    Show {
        #[command(flatten)]
        desk: Desk,
        /// Its number.
        number: String,
    },
    /// Take orders from a file: all of it, or nothing.
    Import {
        #[command(flatten)]
        desk: Desk,
        /// A .csv file whose head names vendor, order, line, profile, count (serials, delivery, due), or the same as .json.
        file: PathBuf,
    },
}

impl OrdersCommand {
    pub async fn answer(self) -> Said {
        match self {
            Self::List { desk, open, limit } => {
                let query = [("open", open.to_string())];
                let list = desk.pages(&["orders"], &query, "orders", limit.unwrap_or(usize::MAX)).await?;
                desk.show(list, |list: OrderList| order_words(&list.orders))
            }
            Self::Show { desk, number } => {
                desk.show(desk.ask(&["orders", &number], &[]).await?, |order: OrderView| order_words(&[order]))
            }
            Self::Import { desk, file } => import(&desk, file).await,
        }
    }
}

async fn import(desk: &Desk, file: PathBuf) -> Said {
    let name = file.display().to_string();
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
    let content = match file.extension().is_some_and(|extension| extension == "json") {
        true => Content::Json(serde_json::from_str(&text).with_context(|| format!("{name} is no JSON"))?),
        false => Content::Csv(text),
    };
    let query = [("file", name)];
    let answer = desk.senzu()?.order(Method::POST, &["orders", "imports"], &query, &content).await?;
    desk.show(answer.unwrap_or_default(), |imported: OrdersImported| {
        let OrdersImported { vendors, orders, lines, deliveries } = imported;
        format!("new: {vendors} vendors, {orders} orders, {lines} lines, {deliveries} deliveries\n")
    })
}

fn order_words(orders: &[OrderView]) -> String {
    let rows = orders.iter().flat_map(|order| {
        order.lines.iter().map(|line| {
            let deliveries = line.deliveries.iter().map(|delivery| {
                let due = delivery.due.as_deref().map(|due| format!(", due {due}")).unwrap_or_default();
                format!("{} {} of {}{due}", delivery.name, delivery.arrived, delivery.count)
            });
            [
                order.number.clone(),
                order.vendor.clone(),
                line.line.to_string(),
                line.profile.clone(),
                format!("{} of {}", line.matched, line.count),
                line.closed_ms.map_or_else(|| "open".into(), |at| format!("closed {}", time(at))),
                deliveries.collect::<Vec<_>>().join("; "),
            ]
        })
    });
    table(["ORDER", "VENDOR", "LINE", "PROFILE", "HERE", "LOOP", "DELIVERIES"], rows)
}
