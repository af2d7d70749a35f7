//! Purchase orders: vendors, lines, deliveries in stages, and the assets that were matched.

use super::{Columns, Conn, During, Row, StoreError, int, plans::ProfileName};
use pious_protocol::ids::{AssetId, UnixMs};

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub order: String,
    pub line: u32,
    pub profile: ProfileName,
    pub count: u64,
    /// How many of them are listed by serial.
    pub listed: u64,
    pub matched: u64,
    /// How many of the listed ones were matched.
    pub matched_listed: u64,
    pub closed: Option<UnixMs>,
}

impl Line {
    /// Places left that no serial is listed for.
    pub fn free(&self) -> u64 {
        let open = self.count.saturating_sub(self.matched);
        open.saturating_sub(self.listed.saturating_sub(self.matched_listed))
    }
}

fn read_line(row: &Row) -> Result<Line, StoreError> {
    let version = row.number_opt("profile_version")?.map(|version| u32::try_from(version).unwrap_or(u32::MAX));
    Ok(Line {
        order: row.text("order_number")?,
        line: u32::try_from(row.number("line")?).unwrap_or(u32::MAX),
        profile: ProfileName { name: row.text("profile")?, version },
        count: row.number("count")?,
        listed: row.number("listed")?,
        matched: row.number("matched")?,
        matched_listed: row.number("matched_listed")?,
        closed: row.time_opt("closed_ms")?,
    })
}

/// Whether any order is known.
pub async fn any(conn: &mut Conn) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT number FROM purchase_orders LIMIT 1").fetch_optional(conn).await;
    Ok(row.during("look for purchase orders")?.is_some())
}

pub async fn line(conn: &mut Conn, order: &str, line: u32) -> Result<Option<Line>, StoreError> {
    let query = sqlx::query("SELECT * FROM order_lines WHERE order_number = $1 AND line = $2");
    let row = query.bind(order).bind(i64::from(line)).fetch_optional(conn).await;
    row.during("load an order line")?.as_ref().map(read_line).transpose()
}

/// The line that lists a serial, unless another asset was matched by it.
pub async fn line_of_serial(conn: &mut Conn, serial: &str, asset: AssetId) -> Result<Option<Line>, StoreError> {
    let query = sqlx::query(
        "SELECT order_lines.* FROM order_serials JOIN order_lines ON order_lines.order_number = order_serials.order_number
             AND order_lines.line = order_serials.line
         WHERE order_serials.serial = $1 AND (order_serials.asset_id IS NULL OR order_serials.asset_id = $2)",
    );
    let row = query.bind(serial.trim().to_ascii_uppercase()).bind(asset.to_string()).fetch_optional(conn).await;
    row.during("look a serial up in the orders")?.as_ref().map(read_line).transpose()
}

/// The open lines with a place that no serial is listed for, oldest order first; of one profile, or of any.
pub async fn lines_with_room(conn: &mut Conn, profile: Option<&str>) -> Result<Vec<Line>, StoreError> {
    let query = sqlx::query(
        "SELECT order_lines.* FROM order_lines JOIN purchase_orders ON purchase_orders.number = order_lines.order_number
         WHERE order_lines.closed_ms IS NULL AND (order_lines.profile = $1 OR $1 IS NULL)
           AND order_lines.count - order_lines.matched > order_lines.listed - order_lines.matched_listed
         ORDER BY purchase_orders.made_ms, order_lines.order_number, order_lines.line",
    );
    let rows = query.bind(profile).fetch_all(conn).await;
    rows.during("list open order lines")?.iter().map(read_line).collect()
}

/// What an asset was matched to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// `None`: an operator said that it needs none.
    pub line: Option<(String, u32)>,
    pub stage: Option<String>,
    pub how: String,
    pub by: String,
}

pub async fn matched(conn: &mut Conn, asset: AssetId) -> Result<Option<Matched>, StoreError> {
    let query = sqlx::query("SELECT * FROM order_matches WHERE asset_id = $1").bind(asset.to_string());
    let row = query.fetch_optional(conn).await.during("load an asset's order")?;
    row.map(|row| {
        let number = row.number_opt("line")?.and_then(|line| u32::try_from(line).ok());
        Ok(Matched {
            line: row.text_opt("order_number")?.zip(number),
            stage: row.text_opt("stage")?,
            how: row.text("how")?,
            by: row.text("matched_by")?,
        })
    })
    .transpose()
}

/// Takes a place on a line; says whether there was one.
pub async fn take_place(conn: &mut Conn, line: &Line, is_listed: bool) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE order_lines SET matched = matched + 1, matched_listed = matched_listed + $1
         WHERE order_number = $2 AND line = $3 AND matched < count
           AND ($1 = 1 OR count - matched > listed - matched_listed)",
    );
    let query = query.bind(i64::from(is_listed)).bind(&line.order).bind(i64::from(line.line));
    Ok(query.execute(conn).await.during("take a place on an order line")?.rows_affected() > 0)
}

pub async fn claim_serial(conn: &mut Conn, serial: &str, asset: AssetId) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE order_serials SET asset_id = $1 WHERE serial = $2 AND asset_id IS NULL");
    let query = query.bind(asset.to_string()).bind(serial.trim().to_ascii_uppercase());
    query.execute(conn).await.during("claim a serial of an order").map(|_| ())
}

/// Counts the next delivery of a line up, the one that is due first; answers its name.
pub async fn count_delivery(conn: &mut Conn, line: &Line) -> Result<Option<String>, StoreError> {
    let query = sqlx::query(
        "SELECT stage FROM deliveries WHERE order_number = $1 AND line = $2 AND arrived < count
         ORDER BY COALESCE(due, '9999'), stage LIMIT 1",
    );
    let row = query.bind(&line.order).bind(i64::from(line.line)).fetch_optional(&mut *conn).await;
    let Some(row) = row.during("look for the next delivery")? else { return Ok(None) };
    let stage = row.text("stage")?;
    let query =
        sqlx::query("UPDATE deliveries SET arrived = arrived + 1 WHERE order_number = $1 AND line = $2 AND stage = $3");
    let query = query.bind(&line.order).bind(i64::from(line.line)).bind(&stage);
    query.execute(conn).await.during("count a delivery up")?;
    Ok(Some(stage))
}

pub async fn insert_match(conn: &mut Conn, asset: AssetId, matched: &Matched, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO order_matches (asset_id, order_number, line, stage, how, matched_by, at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (asset_id) DO UPDATE SET order_number = excluded.order_number, line = excluded.line,
             stage = excluded.stage, how = excluded.how, matched_by = excluded.matched_by, at_ms = excluded.at_ms",
    )
    .bind(asset.to_string())
    .bind(matched.line.as_ref().map(|(order, _)| order))
    .bind(matched.line.as_ref().map(|(_, line)| i64::from(*line)))
    .bind(&matched.stage)
    .bind(&matched.how)
    .bind(&matched.by)
    .bind(int(now.0));
    query.execute(conn).await.during("store what an asset was matched to").map(|_| ())
}

/// Closes a line that has no place left, and its order when that was the last; says whether the order closed.
pub async fn close_full(conn: &mut Conn, line: &Line, now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE order_lines SET closed_ms = $1
         WHERE order_number = $2 AND line = $3 AND matched >= count AND closed_ms IS NULL",
    );
    let query = query.bind(int(now.0)).bind(&line.order).bind(i64::from(line.line));
    query.execute(&mut *conn).await.during("close an order line")?;
    let query = sqlx::query(
        "UPDATE purchase_orders SET closed_ms = $1 WHERE number = $2 AND closed_ms IS NULL
           AND NOT EXISTS (SELECT 1 FROM order_lines WHERE order_lines.order_number = $2 AND closed_ms IS NULL)",
    );
    let done = query.bind(int(now.0)).bind(&line.order).execute(conn).await.during("close an order")?;
    Ok(done.rows_affected() > 0)
}

/// An order's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub number: String,
    pub vendor: String,
    pub made_by: String,
    pub made: UnixMs,
    pub closed: Option<UnixMs>,
}

fn read_order(row: &Row) -> Result<Order, StoreError> {
    Ok(Order {
        number: row.text("number")?,
        vendor: row.text("vendor")?,
        made_by: row.text("made_by")?,
        made: row.time("made_ms")?,
        closed: row.time_opt("closed_ms")?,
    })
}

pub async fn order(conn: &mut Conn, number: &str) -> Result<Option<Order>, StoreError> {
    let query = sqlx::query("SELECT * FROM purchase_orders WHERE number = $1").bind(number);
    query.fetch_optional(conn).await.during("load an order")?.as_ref().map(read_order).transpose()
}

/// Orders by number, behind `after`; all, or those that are open.
pub async fn orders(conn: &mut Conn, after: &str, only_open: bool, limit: u32) -> Result<Vec<Order>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM purchase_orders WHERE number > $1 AND ($2 = 0 OR closed_ms IS NULL) ORDER BY number LIMIT $3",
    );
    let query = query.bind(after).bind(i64::from(only_open)).bind(i64::from(limit));
    query.fetch_all(conn).await.during("list orders")?.iter().map(read_order).collect()
}

pub async fn lines(conn: &mut Conn, order: &str) -> Result<Vec<Line>, StoreError> {
    let query = sqlx::query("SELECT * FROM order_lines WHERE order_number = $1 ORDER BY line").bind(order);
    query.fetch_all(conn).await.during("list an order's lines")?.iter().map(read_line).collect()
}

/// One delivery of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub stage: String,
    pub due: Option<String>,
    pub count: u64,
    pub arrived: u64,
}

pub async fn deliveries(conn: &mut Conn, order: &str, line: u32) -> Result<Vec<Delivery>, StoreError> {
    let query = sqlx::query(
        "SELECT * FROM deliveries WHERE order_number = $1 AND line = $2 ORDER BY COALESCE(due, '9999'), stage",
    );
    let rows = query.bind(order).bind(i64::from(line)).fetch_all(conn).await.during("list deliveries")?;
    let read = |row: &Row| {
        Ok(Delivery {
            stage: row.text("stage")?,
            due: row.text_opt("due")?,
            count: row.number("count")?,
            arrived: row.number("arrived")?,
        })
    };
    rows.iter().map(read).collect()
}

/// The serials that a line lists, and the names of the assets that were matched to it.
pub async fn serials(conn: &mut Conn, order: &str, line: u32) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query("SELECT serial FROM order_serials WHERE order_number = $1 AND line = $2 ORDER BY serial");
    let rows = query.bind(order).bind(i64::from(line)).fetch_all(conn).await;
    rows.during("list a line's serials")?.iter().map(|row| row.text("serial")).collect()
}

pub async fn assets(conn: &mut Conn, order: &str, line: u32) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query(
        "SELECT assets.name FROM order_matches JOIN assets ON assets.id = order_matches.asset_id
         WHERE order_matches.order_number = $1 AND order_matches.line = $2 ORDER BY assets.name",
    );
    let rows = query.bind(order).bind(i64::from(line)).fetch_all(conn).await;
    rows.during("list a line's assets")?.iter().map(|row| row.text("name")).collect()
}

/// Every vendor, by name.
pub async fn vendors(conn: &mut Conn) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query("SELECT name FROM vendors ORDER BY name").fetch_all(conn).await;
    rows.during("list vendors")?.iter().map(|row| row.text("name")).collect()
}

/// Stores a vendor; says whether it is new.
pub async fn insert_vendor(conn: &mut Conn, name: &str, now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query("INSERT INTO vendors (name, made_ms) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
    let done = query.bind(name).bind(int(now.0)).execute(conn).await.during("store a vendor")?;
    Ok(done.rows_affected() > 0)
}

pub async fn insert_order(
    conn: &mut Conn,
    number: &str,
    vendor: &str,
    by: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let query = sqlx::query("INSERT INTO purchase_orders (number, vendor, made_by, made_ms) VALUES ($1, $2, $3, $4)");
    let query = query.bind(number).bind(vendor).bind(by).bind(int(now.0));
    query.execute(conn).await.during("store an order").map(|_| ())
}

/// Stores a line of an order, which is open again by it.
pub async fn insert_line(conn: &mut Conn, line: &Line) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO order_lines (order_number, line, profile, profile_version, count, listed, matched, matched_listed)
         VALUES ($1, $2, $3, $4, $5, $6, 0, 0)",
    )
    .bind(&line.order)
    .bind(i64::from(line.line))
    .bind(&line.profile.name)
    .bind(line.profile.version.map(i64::from))
    .bind(int(line.count))
    .bind(int(line.listed));
    query.execute(&mut *conn).await.during("store an order line")?;
    let query = sqlx::query("UPDATE purchase_orders SET closed_ms = NULL WHERE number = $1").bind(&line.order);
    query.execute(conn).await.during("open an order").map(|_| ())
}

pub async fn insert_delivery(conn: &mut Conn, order: &str, line: u32, delivery: &Delivery) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO deliveries (order_number, line, stage, due, count, arrived) VALUES ($1, $2, $3, $4, $5, 0)",
    )
    .bind(order)
    .bind(i64::from(line))
    .bind(&delivery.stage)
    .bind(&delivery.due)
    .bind(int(delivery.count));
    query.execute(conn).await.during("store a delivery").map(|_| ())
}

/// Lists a serial on a line; says whether it was free.
pub async fn insert_serial(conn: &mut Conn, serial: &str, order: &str, line: u32) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "INSERT INTO order_serials (serial, order_number, line) VALUES ($1, $2, $3) ON CONFLICT (serial) DO NOTHING",
    );
    let query = query.bind(serial).bind(order).bind(i64::from(line));
    Ok(query.execute(conn).await.during("list a serial on an order")?.rows_affected() > 0)
}
