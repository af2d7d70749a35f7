//! Who may do what: operators and their tokens.

use super::{Desk, Said, table::table};
use crate::{
    access::{OperatorView, TokenMade, TokenView},
    api::{OperatorList, TokenList},
    store::word,
    words::time,
};
use clap::Subcommand;
use pious_client::{Content, Method};
use serde_json::json;

/// Operators.
#[derive(Subcommand)]
pub enum OperatorsCommand {
    /// List them.
    List {
        #[command(flatten)]
        desk: Desk,
    },
    /// Make one, or give one another role.
    Set {
        #[command(flatten)]
        desk: Desk,
        /// 1 to 63 lower-case letters, digits and -_.@+
        name: String,
        /// viewer, operator, approver or admin.
        #[arg(long)]
        role: String,
    },
    /// Shut one out: none of its tokens is good any more.
    End {
        #[command(flatten)]
        desk: Desk,
        /// The operator's name.
        name: String,
    },
}

impl OperatorsCommand {
    pub async fn answer(self) -> Said {
        match self {
            Self::List { desk } => desk.show(desk.ask(&["operators"], &[]).await?, |list: OperatorList| {
                let row = |operator: OperatorView| {
                    let OperatorView { name, role, made_by, made_ms, ended_ms } = operator;
                    let ended = ended_ms.map(|at| format!("shut out {}", time(at))).unwrap_or_default();
                    [name, role.to_string(), format!("{} by {made_by}", time(made_ms)), ended]
                };
                table(["NAME", "ROLE", "MADE", "ENDED"], list.operators.into_iter().map(row))
            }),
            Self::Set { desk, name, role } => {
                desk.order(Method::PUT, &["operators", &name], Content::Json(json!({ "role": role }))).await?;
                Ok(String::new())
            }
            Self::End { desk, name } => {
                desk.order(Method::DELETE, &["operators", &name], Content::Nothing).await?;
                Ok(String::new())
            }
        }
    }
}

/// Tokens.
#[derive(Subcommand)]
pub enum TokensCommand {
    /// List them, without their secrets.
    List {
        #[command(flatten)]
        desk: Desk,
    },
    /// Make one; its secret is printed, and nowhere else.
    Make {
        #[command(flatten)]
        desk: Desk,
        /// Whose it is.
        operator: String,
        /// What it is for.
        #[arg(long)]
        name: String,
        /// At most the operator's own.
        #[arg(long)]
        role: String,
        /// For how many days it is good.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=366))]
        days: u64,
    },
    /// Revoke one, at once.
    End {
        #[command(flatten)]
        desk: Desk,
        /// The token's id.
        id: String,
    },
}

impl TokensCommand {
    pub async fn answer(self) -> Said {
        match self {
            Self::List { desk } => desk.show(desk.ask(&["tokens"], &[]).await?, |list: TokenList| {
                table(["ID", "OPERATOR", "FOR", "ROLE", "MADE", "GOOD UNTIL"], list.tokens.into_iter().map(token_row))
            }),
            Self::Make { desk, operator, name, role, days } => {
                let expires_in_s = days * 86_400;
                let content = json!({"operator": operator, "name": name, "role": role, "expires_in_s": expires_in_s});
                let made = desk.order(Method::POST, &["tokens"], Content::Json(content)).await?;
                desk.show(made, |made: TokenMade| format!("{}\n", made.token))
            }
            Self::End { desk, id } => {
                desk.order(Method::DELETE, &["tokens", &id], Content::Nothing).await?;
                Ok(String::new())
            }
        }
    }
}

fn token_row(token: TokenView) -> [String; 6] {
    let TokenView { id, operator, name, role, made_by, made_ms, expires_ms, ended_ms, ended_by } = token;
    let until = match (ended_ms, ended_by, expires_ms) {
        (Some(at), by, _) => format!("ended {} by {}", time(at), by.unwrap_or_else(|| "its time".into())),
        (None, _, Some(at)) => time(at),
        (None, _, None) => "for ever".into(),
    };
    [id.to_string(), operator, name, word(&role), format!("{} by {made_by}", time(made_ms)), until]
}
