//! Taking a file of orders: all of it, or nothing.
//!
//! A line that is stored already must say the same in the file; then it stays as it is. An order may get new lines.

use super::file::{self, Format, Place, PlacedRow, RowError};
use crate::{
    access::Caller,
    senzu::{Refusal, Senzu, audit, now},
    store::{
        self, Conn, During, StoreError,
        orders::{self, Delivery, Line},
        plans,
    },
};
use pious_protocol::ids::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an import stored that was new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrdersImported {
    pub vendors: u64,
    pub orders: u64,
    pub lines: u64,
    pub deliveries: u64,
}

/// Why nothing was taken.
enum Bad {
    Row(RowError),
    Store(StoreError),
}

impl From<StoreError> for Bad {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RowError> for Bad {
    fn from(error: RowError) -> Self {
        Self::Row(error)
    }
}

/// The delivery of a line that names none.
const ONLY_DELIVERY: &str = "all";

impl Senzu {
    /// Takes a file of purchase orders.
    pub async fn import_orders(
        &self,
        by: &Caller,
        file: &str,
        format: Format,
        text: &str,
    ) -> Result<OrdersImported, Refusal> {
        let refuse = |error: RowError| Refusal::BadRow { file: file.to_owned(), error };
        let rows = file::read(format, text).map_err(refuse)?;
        if rows.is_empty() {
            let at = Place { line: 1, column: 1 };
            return Err(refuse(RowError { at, field: "rows".into(), problem: "there is none".into() }));
        }
        let now = now();
        let mut tx = self.db.write().await?;
        let done = store_rows(&mut tx, &rows, &by.operator, now).await;
        let done = done.map_err(|bad| match bad {
            Bad::Row(error) => refuse(error),
            Bad::Store(error) => Refusal::Store(error),
        })?;
        let what = format!("imported {} orders, {} lines, {} deliveries", done.orders, done.lines, done.deliveries);
        audit(&mut tx, None, &by.operator, what, format!("from {file}")).await?;
        // Every asset is looked at anew, as after an import of plans.
        store::count_up(&mut tx, store::IMPORTS).await?;
        tx.commit().await.during("commit an import of orders")?;
        Ok(done)
    }
}

/// The rows of one line of one order.
struct Group<'a> {
    first: &'a PlacedRow,
    rows: Vec<&'a PlacedRow>,
}

async fn store_rows(conn: &mut Conn, rows: &[PlacedRow], by: &str, now: UnixMs) -> Result<OrdersImported, Bad> {
    let mut done = OrdersImported::default();
    for group in grouped(rows)? {
        let row = &group.first.row;
        if plans::profile(conn, &group.first.profile).await?.is_none() {
            return Err(group.first.error("profile", format!("there is no profile {:?}", row.profile)).into());
        }
        done.vendors += u64::from(orders::insert_vendor(conn, &row.vendor, now).await?);
        match orders::order(conn, &row.order).await? {
            None => {
                orders::insert_order(conn, &row.order, &row.vendor, by, now).await?;
                done.orders += 1;
            }
            Some(known) if known.vendor == row.vendor => {}
            Some(known) => {
                let problem = format!("order {} is {}'s", row.order, known.vendor);
                return Err(group.first.error("vendor", problem).into());
            }
        }
        match orders::line(conn, &row.order, row.line).await? {
            Some(known) => check_same(conn, &group, &known).await?,
            None => {
                store_line(conn, &group).await?;
                done.lines += 1;
                done.deliveries += group.rows.len() as u64;
            }
        }
    }
    Ok(done)
}

/// Rows by line, in the file's order; those of one line agree on all but their delivery.
fn grouped(rows: &[PlacedRow]) -> Result<Vec<Group<'_>>, RowError> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for placed in rows {
        let row = &placed.row;
        let known = groups.iter_mut().find(|g| g.first.row.order == row.order && g.first.row.line == row.line);
        let Some(group) = known else {
            groups.push(Group { first: placed, rows: vec![placed] });
            continue;
        };
        if group.first.profile != placed.profile {
            let problem = format!("line {} of order {} is {:?} above", row.line, row.order, group.first.row.profile);
            return Err(placed.error("profile", problem));
        }
        if group.first.row.vendor != row.vendor {
            return Err(placed.error("vendor", format!("order {} is {}'s above", row.order, group.first.row.vendor)));
        }
        if group.rows.iter().any(|other| other.row.delivery == row.delivery) {
            let problem = format!("line {} of order {} has this delivery above: name each", row.line, row.order);
            return Err(placed.error("delivery", problem));
        }
        group.rows.push(placed);
    }
    Ok(groups)
}

impl Group<'_> {
    fn count(&self) -> u64 {
        self.rows.iter().map(|placed| u64::from(placed.row.count)).sum()
    }

    fn serials(&self) -> Vec<String> {
        let all = self.rows.iter().flat_map(|placed| &placed.row.serials);
        let mut serials: Vec<String> = all.map(|serial| serial.to_ascii_uppercase()).collect();
        serials.sort_unstable();
        serials
    }

    fn deliveries(&self) -> Vec<Delivery> {
        let delivery = |placed: &&PlacedRow| Delivery {
            stage: placed.row.delivery.clone().unwrap_or_else(|| ONLY_DELIVERY.into()),
            due: placed.row.due.clone(),
            count: u64::from(placed.row.count),
            arrived: 0,
        };
        self.rows.iter().map(delivery).collect()
    }
}

async fn store_line(conn: &mut Conn, group: &Group<'_>) -> Result<(), Bad> {
    let row = &group.first.row;
    let line = Line {
        order: row.order.clone(),
        line: row.line,
        profile: group.first.profile.clone(),
        count: group.count(),
        listed: group.serials().len() as u64,
        matched: 0,
        matched_listed: 0,
        closed: None,
    };
    orders::insert_line(conn, &line).await?;
    for delivery in group.deliveries() {
        orders::insert_delivery(conn, &row.order, row.line, &delivery).await?;
    }
    for placed in &group.rows {
        for serial in &placed.row.serials {
            if !orders::insert_serial(conn, &serial.to_ascii_uppercase(), &row.order, row.line).await? {
                return Err(placed.error("serials", format!("{serial:?} is listed on an order already")).into());
            }
        }
    }
    Ok(())
}

/// A line that is stored already: the file says what is stored.
async fn check_same(conn: &mut Conn, group: &Group<'_>, known: &Line) -> Result<(), Bad> {
    let stored = |what: &str| format!("line {} of order {} is stored with {what}", known.line, known.order);
    if known.profile != group.first.profile {
        return Err(group.first.error("profile", stored("another profile")).into());
    }
    if known.count != group.count() {
        return Err(group.first.error("count", stored(&format!("{} machines", known.count))).into());
    }
    if orders::serials(conn, &known.order, known.line).await? != group.serials() {
        return Err(group.first.error("serials", stored("other serials")).into());
    }
    let planned = |deliveries: Vec<Delivery>| {
        let mut planned: Vec<_> = deliveries.into_iter().map(|d| (d.stage, d.due, d.count)).collect();
        planned.sort();
        planned
    };
    let deliveries = orders::deliveries(conn, &known.order, known.line).await?;
    match planned(deliveries) == planned(group.deliveries()) {
        true => Ok(()),
        false => Err(group.first.error("delivery", stored("other deliveries")).into()),
    }
}
