//! Who may do what: operators, their roles and tokens, sessions on the pages, and what takes two people.
//!
//! A request names a token; the token names an operator; the smaller of both roles counts. Nothing here knows HTTP.

pub mod approvals;
mod audit;
mod bmc_passwords;
mod first;
mod image_tickets;
mod operators;
mod sessions;
mod tokens;

pub use approvals::{ApprovalAsk, ApprovalFilter, ApprovalView, Decision};
pub use audit::{AuditFilter, AuditView};
pub use bmc_passwords::{BMC_USER, BmcPasswords};
pub use image_tickets::ImageTickets;
pub use operators::OperatorView;
pub use sessions::Visitor;
pub use tokens::{TokenAsk, TokenMade, TokenView};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What somebody may do; each role may all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything but tokens.
    Viewer,
    /// Act on assets, and ask for what takes two people.
    Operator,
    /// Approve what another asked for.
    Approver,
    /// Say who may do what.
    Admin,
}

impl Role {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// Where a token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An admin made it.
    Made,
    /// It is the file `operator-token` in the data directory.
    File,
    /// The first start printed it.
    First,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The operator's name: what stands in the audit log, and what maker and checker are told apart by.
    pub operator: String,
    /// The smaller of the token's role and the operator's.
    pub role: Role,
    /// The token.
    pub token: Uuid,
    pub origin: Origin,
}

/// The longest name of an operator or a token: it stands on a line with others.
const MAX_NAME: usize = 63;
/// Who else acts in the audit log. (Beans are written in capitals, and operators can't be.)
const RESERVED: [&str; 3] = ["agent", "import", "senzu"];

/// Whether an operator may be called so.
fn is_operator_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.@+".contains(&byte);
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits) && !RESERVED.contains(&name)
}
