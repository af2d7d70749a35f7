//! Purchase orders.

use super::{
    Answer, Failure, Shared,
    extract::{Asked, Body, Named, Operator, Text, Viewer},
    page_limit,
};
use crate::chakshu::{OrderRow, OrderView, Ordered, OrdersImported};
use axum::{Json, extract::State, http::StatusCode};
use pious_protocol::message::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Ten thousand rows of a hundred letters.
const MAX_FILE_BYTES: usize = 1 << 20;
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// Which orders to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// Those alone of which something is missing.
    open: bool,
    /// `next` of the page before.
    after: Option<String>,
    /// How many at most, 1 to 1000; left out: 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Orders, by number.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OrderList {
    pub orders: Vec<OrderView>,
    /// `after` of the next page; `null`: this is the last one.
    pub next: Option<String>,
}

/// Purchase orders with their lines and deliveries, by number.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", params(OrderQuery), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = OrderList),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn orders(State(senzu): State<Shared>, _: Viewer, Asked(asked): Asked<OrderQuery>) -> Answer<OrderList> {
    let limit = page_limit(asked.limit)?;
    let orders = senzu.orders(asked.after.as_deref(), asked.open, limit).await?;
    let is_full = u32::try_from(orders.len()).is_ok_and(|count| count == limit);
    let next = orders.last().filter(|_| is_full).map(|last| last.number.clone());
    Ok(Json(OrderList { orders, next }))
}

/// One purchase order.
#[utoipa::path(
    get, path = "/v1/orders/{order}", tag = "orders",
    params(("order" = String, Path, description = "Its number")), security(("operator" = ["viewer"])),
    responses(
        (status = 200, body = OrderView),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn purchase_order(State(senzu): State<Shared>, _: Viewer, Named(order): Named<String>) -> Answer<OrderView> {
    Ok(Json(senzu.purchase_order(&order).await?))
}

/// Every vendor.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VendorList {
    pub vendors: Vec<String>,
}

/// Every vendor, by name.
#[utoipa::path(
    get, path = "/v1/vendors", tag = "orders", security(("operator" = ["viewer"])),
    responses((status = 200, body = VendorList))
)]
pub async fn vendors(State(senzu): State<Shared>, _: Viewer) -> Answer<VendorList> {
    Ok(Json(VendorList { vendors: senzu.vendors().await? }))
}

/// Rows of orders: each is one delivery of one line.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "the document's view of a file that `chakshu::file` reads with its places")]
pub struct OrderFile {
    rows: Vec<OrderRow>,
}

/// What a file is called that nobody named.
const THE_FILE: &str = "the file";

/// What the file is called.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// For the words about a bad row, and for the record.
    file: String,
}

impl Default for FileQuery {
    fn default() -> Self {
        Self { file: THE_FILE.into() }
    }
}

/// Takes a file of purchase orders, all of it or nothing.
///
/// CSV with a head, or JSON of the same rows: `vendor`, `order`, `line`, `profile`, `count`, and `serials`, `delivery`, `due`
/// where they are known. A line of several deliveries has a row for each. A line that is stored already must say the same; an
/// order may get new lines. A bad row is refused with 422, which names the file, the line and the column. At most 1 MiB.
#[utoipa::path(
    post, path = "/v1/orders/imports", tag = "orders", params(FileQuery), security(("operator" = ["operator"])),
    request_body(content((OrderFile = "application/json"), (String = "text/csv"))),
    responses(
        (status = 200, body = OrdersImported),
        (status = 422, description = "A bad row", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn import_orders(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Asked(asked): Asked<FileQuery>,
    Text(format, text): Text<MAX_FILE_BYTES>,
) -> Answer<OrdersImported> {
    let file = if asked.file.trim().is_empty() { THE_FILE } else { &asked.file };
    Ok(Json(senzu.import_orders(&caller, file, format, &text).await?))
}

/// A place on an order.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineName {
    /// The order's number.
    pub order: String,
    pub line: u32,
}

/// Where an asset belongs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignRequest {
    /// The line; `null` or left out: it needs no order.
    #[serde(default)]
    assign: Option<LineName>,
    why: String,
}

impl From<LineName> for Ordered {
    fn from(name: LineName) -> Self {
        Self::Line { order: name.order, line: name.line }
    }
}

/// Says which order line an asset is of, or that it needs none.
#[utoipa::path(
    put, path = "/v1/assets/{asset}/order", tag = "orders", request_body = AssignRequest,
    params(("asset" = String, Path, description = "Its id or name")), security(("operator" = ["operator"])),
    responses(
        (status = 204, description = "Taken"),
        (status = 404, description = "No such asset, order or line", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has another place, or the line has none", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn assign(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(asset): Named<String>,
    Body(request): Body<AssignRequest, MAX_REQUEST_BYTES>,
) -> Result<StatusCode, Failure> {
    let said = request.assign.map_or(Ordered::Dismissed, Ordered::from);
    senzu.set_order(&caller, &asset, &said, &request.why).await?;
    Ok(StatusCode::NO_CONTENT)
}
