//! Purchase orders: what is here, what is missing, and taking a file of them.

use super::{
    Page,
    frame::{Frame, Here},
    session::SignedIn,
    show,
};
use crate::{
    api::{Asked, Shared},
    chakshu::{LineView, OrderView},
    words,
};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;

/// Orders on a page.
const PAGE: u32 = 50;
/// Serials and assets of a line that are named; the others are counted.
const MOST_NAMED: usize = 12;

/// Which orders.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    show: String,
    after: String,
}

#[derive(Template)]
#[template(path = "orders.html")]
struct Orders {
    frame: Frame,
    orders: Vec<OrderBlock>,
    only_open: bool,
    next: Option<String>,
}

struct OrderBlock {
    number: String,
    vendor: String,
    words: String,
    mark: &'static str,
    class: &'static str,
    lines: Vec<LineRow>,
}

struct LineRow {
    line: u32,
    profile: String,
    words: String,
    percent: u64,
    class: &'static str,
    deliveries: Vec<String>,
    assets: String,
    missing: String,
}

pub async fn orders(State(senzu): State<Shared>, SignedIn(visitor): SignedIn, Asked(wanted): Asked<Wanted>) -> Page {
    let only_open = wanted.show != "all";
    let after = Some(wanted.after.as_str()).filter(|after| !after.is_empty());
    let orders = senzu.orders(after, only_open, PAGE).await?;
    let is_full = orders.len() == PAGE as usize;
    let next = orders.last().filter(|_| is_full).map(|last| {
        let show = if only_open { "open" } else { "all" };
        let mut query = form_urlencoded::Serializer::new(String::new());
        format!("/orders?{}", query.append_pair("show", show).append_pair("after", &last.number).finish())
    });
    let orders = orders.into_iter().map(OrderBlock::of).collect();
    Ok(show(&Orders { frame: Frame::new(Here::Orders, Some(visitor)), orders, only_open, next }))
}

impl OrderBlock {
    fn of(order: OrderView) -> Self {
        let (mark, class) = match order.closed_ms {
            Some(_) => ("✓ complete", "pass"),
            None => ("… something is missing", "pending"),
        };
        let closed = order.closed_ms.map(|at| format!("; complete since {}", words::time(at))).unwrap_or_default();
        Self {
            words: format!("taken {} by {}{closed}", words::time(order.made_ms), order.made_by),
            lines: order.lines.iter().map(LineRow::of).collect(),
            number: order.number,
            vendor: order.vendor,
            mark,
            class,
        }
    }
}

impl LineRow {
    fn of(line: &LineView) -> Self {
        let delivery = |delivery: &crate::chakshu::DeliveryView| {
            let due = delivery.due.as_ref().map(|due| format!(", due {due}")).unwrap_or_default();
            format!("{}: {} of {} here{due}", delivery.name, delivery.arrived, delivery.count)
        };
        let is_complete = line.matched >= line.count;
        Self {
            line: line.line,
            profile: line.profile.clone(),
            words: format!("{} of {} here", line.matched, line.count),
            percent: line.matched.saturating_mul(100) / line.count.max(1),
            class: if is_complete { "pass" } else { "pending" },
            deliveries: line.deliveries.iter().map(delivery).collect(),
            assets: some_of(&line.assets),
            missing: if is_complete { String::new() } else { format!("{} missing", line.count - line.matched) },
        }
    }
}

fn some_of(names: &[String]) -> String {
    let named = names.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
