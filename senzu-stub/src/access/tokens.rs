//! API tokens: shown once, stored as hashes, each with a role, an end, and the name of who made it.

use super::{Caller, MAX_NAME, Origin, Role};
use crate::{
    dag::later,
    senzu::{Refusal, Senzu, TokenHash, audit, fresh_token, now},
    store::{During, operators, tokens},
};
use pious_protocol::ids::UnixMs;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest life of a token: somebody looks at it once a year.
const MAX_LIFE_S: u64 = 366 * 86_400;

/// A token that an admin wants.
pub struct TokenAsk<'a> {
    pub operator: &'a str,
    pub name: &'a str,
    pub role: Role,
    pub expires_in_s: u64,
}

/// A token, this one time with its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    pub id: Uuid,
    /// What to send as `Authorization: Bearer`. Senzu keeps its hash alone.
    pub token: String,
    pub operator: String,
    pub name: String,
    pub role: Role,
    pub expires_ms: UnixMs,
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    pub id: Uuid,
    pub operator: String,
    pub name: String,
    /// At most that of the operator counts.
    pub role: Role,
    pub made_by: String,
    pub made_ms: UnixMs,
    /// `null`: it does not expire.
    pub expires_ms: Option<UnixMs>,
    /// When it was revoked; `null`: it was not.
    pub ended_ms: Option<UnixMs>,
    pub ended_by: Option<String>,
}

impl Senzu {
    /// Who speaks by a token, if their role suffices.
    pub async fn caller(&self, token: Option<&str>, needs: Role) -> Result<Caller, Refusal> {
        let token = token.ok_or(Refusal::NotAnOperator)?;
        let found = tokens::by_hash(&mut *self.db.read().await?, TokenHash::of(token).text()).await?;
        let found = found.ok_or(Refusal::NotAnOperator)?;
        let caller = may_speak(found, now())?;
        match caller.role >= needs {
            true => Ok(caller),
            false => Err(Refusal::RoleTooSmall { operator: caller.operator, has: caller.role, needs }),
        }
    }

    /// Makes a token. The secret is in the answer and nowhere else.
    pub async fn make_token(&self, by: &Caller, ask: TokenAsk<'_>) -> Result<TokenMade, Refusal> {
        let now = now();
        let TokenAsk { operator, name, role, expires_in_s } = ask;
        check_name(name)?;
        if !(1..=MAX_LIFE_S).contains(&expires_in_s) {
            let (field, value) = ("expires_in_s", expires_in_s.to_string());
            return Err(Refusal::OutOfRange { field, value, remedy: "from 1 second to 366 days" });
        }
        let mut tx = self.db.write().await?;
        let known = operators::by_name(&mut tx, operator).await?.filter(|known| known.ended.is_none());
        let known = known.ok_or_else(|| Refusal::NoSuchOperator(operator.to_owned()))?;
        if role > known.role {
            let value = format!("{role}, and {operator} is {}", known.role);
            return Err(Refusal::OutOfRange { field: "role", value, remedy: "at most the operator's own role" });
        }
        let secret = fresh_token();
        let hash = TokenHash::of(&secret);
        let token = tokens::NewToken {
            hash: hash.text(),
            operator,
            name,
            role,
            origin: Origin::Made,
            made_by: &by.operator,
            expires: Some(later(now, Duration::from_secs(expires_in_s))),
        };
        let id = tokens::insert(&mut tx, &token, now).await?;
        let what = format!("made the token {name:?} of {operator}, role {role} ({id})");
        audit(&mut tx, None, &by.operator, what, format!("good for {expires_in_s} s")).await?;
        if by.origin == Origin::First && role == Role::Admin {
            tokens::end(&mut tx, by.token, &by.operator, now).await?;
            audit(&mut tx, None, &by.operator, "ended the first start's token", "its purpose is served").await?;
        }
        tx.commit().await.during("commit a token")?;
        let expires_ms = later(now, Duration::from_secs(expires_in_s));
        Ok(TokenMade { id, token: secret, operator: operator.into(), name: name.into(), role, expires_ms })
    }

    /// Every token, newest first; none with its secret.
    pub async fn tokens(&self) -> Result<Vec<TokenView>, Refusal> {
        Ok(tokens::all(&mut *self.db.read().await?).await?)
    }

    /// Revokes a token, at once. One that was revoked stays so.
    pub async fn end_token(&self, by: &Caller, id: Uuid) -> Result<(), Refusal> {
        let now = now();
        let mut tx = self.db.write().await?;
        let token = tokens::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchToken(id))?;
        if tokens::end(&mut tx, id, &by.operator, now).await? {
            let what = format!("revoked the token {:?} of {} ({id})", token.name, token.operator);
            audit(&mut tx, None, &by.operator, what, "asked by an admin").await?;
        }
        Ok(tx.commit().await.during("commit a token's end")?)
    }
}

/// Who speaks by a token that is known, unless it has ended.
pub(super) fn may_speak(found: tokens::Found, now: UnixMs) -> Result<Caller, Refusal> {
    let tokens::Found { token, origin, operator_role, operator_ended } = found;
    let ended = |how| Refusal::TokenEnded { name: token.name.clone(), operator: token.operator.clone(), how };
    if token.ended_ms.is_some() {
        return Err(ended("was revoked"));
    }
    if operator_ended.is_some() {
        return Err(ended("is of an operator who was shut out"));
    }
    if token.expires_ms.is_some_and(|at| at <= now) {
        return Err(ended("expired"));
    }
    Ok(Caller { role: token.role.min(operator_role), operator: token.operator, token: token.id, origin })
}

fn check_name(name: &str) -> Result<(), Refusal> {
    match name.trim().is_empty() {
        true => Err(Refusal::Empty { field: "name", remedy: "say what the token is for" }),
        false if name.len() > MAX_NAME => Err(Refusal::TooMany { what: "name", count: name.len(), max: MAX_NAME }),
        false => Ok(()),
    }
}
