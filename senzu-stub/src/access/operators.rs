//! Operators: who there is, and the role of each.

use super::{Caller, Role, is_operator_name};
use crate::{
    senzu::{Refusal, Senzu, audit, now},
    store::{During, operators},
};
use pious_protocol::ids::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperatorView {
    pub name: String,
    pub role: Role,
    pub made_by: String,
    pub made_ms: UnixMs,
    /// When they were shut out; `null`: they were not.
    pub ended_ms: Option<UnixMs>,
}

impl Senzu {
    /// Every operator, by name.
    pub async fn operators(&self) -> Result<Vec<OperatorView>, Refusal> {
        let operators = operators::all(&mut *self.db.read().await?).await?;
        let view = |operator: operators::Operator| OperatorView {
            name: operator.name,
            role: operator.role,
            made_by: operator.made_by,
            made_ms: operator.made,
            ended_ms: operator.ended,
        };
        Ok(operators.into_iter().map(view).collect())
    }

    /// Makes an operator, or gives one another role; one who was shut out is let in again.
    pub async fn set_operator(&self, by: &Caller, name: &str, role: Role) -> Result<(), Refusal> {
        if !is_operator_name(name) {
            let value = format!("{name:?}");
            let remedy = "1 to 63 lower-case letters, digits and -_.@+, and none of agent, import, senzu";
            return Err(Refusal::OutOfRange { field: "operator", value, remedy });
        }
        let mut tx = self.db.write().await?;
        let known = operators::by_name(&mut tx, name).await?;
        if known.as_ref().is_none_or(|known| known.role != role || known.ended.is_some()) {
            operators::set(&mut tx, name, role, &by.operator, now()).await?;
            let what = match known {
                None => format!("made the operator {name}, role {role}"),
                Some(known) => format!("gave {name} the role {role}, was {}", known.role),
            };
            audit(&mut tx, None, &by.operator, what, "asked by an admin").await?;
        }
        Ok(tx.commit().await.during("commit an operator")?)
    }

    /// Shuts an operator out: none of their tokens is good any more.
    pub async fn end_operator(&self, by: &Caller, name: &str) -> Result<(), Refusal> {
        let mut tx = self.db.write().await?;
        if operators::by_name(&mut tx, name).await?.is_none() {
            return Err(Refusal::NoSuchOperator(name.to_owned()));
        }
        if operators::end(&mut tx, name, now()).await? {
            audit(&mut tx, None, &by.operator, format!("shut {name} out"), "asked by an admin").await?;
        }
        Ok(tx.commit().await.during("commit an operator's end")?)
    }
}
