//! What operators see of orders, and what they say of an asset that fits none.

use super::matching::{self, How};
use crate::{
    access::Caller,
    senzu::{Refusal, Senzu, audit, find, now},
    store::{
        Conn, StoreError,
        alerts::{self, AlertKind},
        orders::{self, Matched, Order},
    },
};
use pious_protocol::ids::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One purchase order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    pub number: String,
    pub vendor: String,
    pub made_by: String,
    pub made_ms: UnixMs,
    /// When all of it was here; `null`: something is missing.
    pub closed_ms: Option<UnixMs>,
    pub lines: Vec<LineView>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineView {
    pub line: u32,
    /// The profile's name, or name@version.
    pub profile: String,
    pub count: u64,
    /// How many are here.
    pub matched: u64,
    pub closed_ms: Option<UnixMs>,
    /// The serials that it lists, sorted.
    pub serials: Vec<String>,
    /// The assets that were matched to it, by name.
    pub assets: Vec<String>,
    pub deliveries: Vec<DeliveryView>,
}

/// One delivery of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    pub name: String,
    /// A date, as `2026-12-24`.
    pub due: Option<String>,
    pub count: u64,
    /// How many are here.
    pub arrived: u64,
}

/// What an operator says of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// It is one of this line.
    Line { order: String, line: u32 },
    /// It needs no order.
    Dismissed,
}

impl Senzu {
    /// Orders by number, behind `after`.
    pub async fn orders(&self, after: Option<&str>, only_open: bool, limit: u32) -> Result<Vec<OrderView>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut views = Vec::new();
        for order in orders::orders(&mut tx, after.unwrap_or_default(), only_open, limit).await? {
            views.push(view(&mut tx, order).await?);
        }
        Ok(views)
    }

    /// One order.
    pub async fn purchase_order(&self, number: &str) -> Result<OrderView, Refusal> {
        let mut tx = self.db.read().await?;
        let order = orders::order(&mut tx, number).await?.ok_or_else(|| Refusal::NoSuchOrder(number.to_owned()))?;
        Ok(view(&mut tx, order).await?)
    }

    /// Every vendor, by name.
    pub async fn vendors(&self) -> Result<Vec<String>, Refusal> {
        Ok(orders::vendors(&mut *self.db.read().await?).await?)
    }

    /// Says which line an asset is of, or that it needs none.
    pub async fn set_order(&self, by: &Caller, id_or_name: &str, said: &Ordered, why: &str) -> Result<(), Refusal> {
        let now = now();
        let why = match why.trim() {
            "" => return Err(Refusal::Empty { field: "why", remedy: "say why, so that it is on record" }),
            why => why,
        };
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        if let Some(Matched { line: Some((order, line)), .. }) = orders::matched(&mut tx, asset.id).await? {
            return match *said == (Ordered::Line { order: order.clone(), line }) {
                true => Ok(()),
                false => Err(Refusal::NotNow {
                    asset: asset.name,
                    words: format!("it is matched to order {order} line {line} already"),
                }),
            };
        }
        match said {
            Ordered::Line { order, line } => {
                let found = orders::line(&mut tx, order, *line).await?;
                let found = found.ok_or_else(|| Refusal::NoSuchOrder(format!("{order} line {line}")))?;
                if !matching::take(&mut tx, &asset, &found, How::Person, &by.operator, why, now).await? {
                    let words = format!(
                        "order {order} line {line} has no place left that no serial is listed for ({} of {} are here)",
                        found.matched, found.count
                    );
                    return Err(Refusal::NotNow { asset: asset.name, words });
                }
            }
            Ordered::Dismissed => {
                let how = crate::store::word(&How::Dismissed);
                let dismissed = Matched { line: None, stage: None, how, by: by.operator.clone() };
                orders::insert_match(&mut tx, asset.id, &dismissed, now).await?;
                audit(&mut tx, asset.id, &by.operator, "needs no purchase order", why).await?;
                alerts::clear(&mut tx, asset.id, AlertKind::UnknownAsset, now).await?;
            }
        }
        self.commit(tx, asset.id).await?;
        // What is expected of it may be another profile now.
        Ok(self.reconsider(asset.id).await?)
    }
}

async fn view(conn: &mut Conn, order: Order) -> Result<OrderView, StoreError> {
    let mut lines = Vec::new();
    for line in orders::lines(conn, &order.number).await? {
        let deliveries = orders::deliveries(conn, &order.number, line.line).await?;
        let delivery =
            |d: orders::Delivery| DeliveryView { name: d.stage, due: d.due, count: d.count, arrived: d.arrived };
        lines.push(LineView {
            serials: orders::serials(conn, &order.number, line.line).await?,
            assets: orders::assets(conn, &order.number, line.line).await?,
            deliveries: deliveries.into_iter().map(delivery).collect(),
            line: line.line,
            profile: line.profile.to_string(),
            count: line.count,
            matched: line.matched,
            closed_ms: line.closed,
        });
    }
    Ok(OrderView {
        number: order.number,
        vendor: order.vendor,
        made_by: order.made_by,
        made_ms: order.made,
        closed_ms: order.closed,
        lines,
    })
}
