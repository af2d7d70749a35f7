//! Chakshu, procurement: what was ordered, and whether what boots is what was ordered.
//!
//! The rule, of an asset that is NEW and passed its checks (`MATCH_PURCHASE_ORDER`):
//! * where Senzu knows of no purchase order at all, none is needed: whoever plans assets by import alone goes on as ever;
//! * else it needs a place on an order line: the one that lists its serial; or one of the profile that its plan names, with a
//!   place left that no serial is listed for; or, where no plan names a profile, one whose profile its hardware passes;
//! * one that fits nowhere is an alert, until an operator assigns it to a line or says that it needs none.
//!
//! An asset whose plan names no profile is judged by that of the line that it fits: what was ordered is what is expected.

mod desk;
mod file;
mod import;
mod matching;

pub use desk::{DeliveryView, LineView, OrderView, Ordered};
pub use file::{Format, OrderRow, RowError};
pub use import::OrdersImported;
pub use matching::{How, Purchase, expectation, look, mind, take};
