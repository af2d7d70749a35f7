//! The first start, and the token in the data directory.

use super::{Origin, Role};
use crate::{
    dag::later,
    senzu::{Refusal, Senzu, TokenHash, audit, fresh_token, now},
    store::{Conn, During, StoreError, operators, tokens},
};
use pious_protocol::ids::UnixMs;
use std::time::Duration;

/// Whose the file `operator-token` is. The lab, PXE and a lone admin work by it.
const FILE_OPERATOR: &str = "operator";
const FILE_TOKEN: &str = "operator-token";
/// Whose the token is that the first start prints.
const FIRST_OPERATOR: &str = "first-start";
/// Somebody stands at the console of a first start; by the next day they made tokens of their own.
const FIRST_LIFE: Duration = Duration::from_secs(86_400);

impl Senzu {
    /// Takes the data directory's token for an admin's. On a store that has no token yet, answers one that is shown once:
    /// an admin's, good for a day or until an admin's token is made by it.
    pub async fn begin_access(&self, file_token: &str) -> Result<Option<String>, Refusal> {
        let now = now();
        let mut tx = self.db.write().await?;
        let is_first = tokens::count(&mut tx).await? == 0;
        take_file_token(&mut tx, TokenHash::of(file_token).text(), now).await?;
        let first = match is_first {
            true => Some(print_first(&mut tx, now).await?),
            false => None,
        };
        tx.commit().await.during("commit the first tokens")?;
        Ok(first)
    }
}

/// The file's token is good; one that stood in the file before is not any more. One that an admin revoked stays revoked.
async fn take_file_token(conn: &mut Conn, hash: &str, now: UnixMs) -> Result<(), StoreError> {
    if tokens::by_hash(conn, hash).await?.is_some() {
        return Ok(());
    }
    tokens::end_of_origin(conn, Origin::File, "senzu", now).await?;
    if operators::by_name(conn, FILE_OPERATOR).await?.is_none() {
        operators::set(conn, FILE_OPERATOR, Role::Admin, "senzu", now).await?;
    }
    let token = tokens::NewToken {
        hash,
        operator: FILE_OPERATOR,
        name: FILE_TOKEN,
        role: Role::Admin,
        origin: Origin::File,
        made_by: "senzu",
        expires: None,
    };
    let id = tokens::insert(conn, &token, now).await?;
    let what = format!("took the file {FILE_TOKEN} for a token of {FILE_OPERATOR}, role admin ({id})");
    audit(conn, None, "senzu", what, "it lies in the data directory").await
}

async fn print_first(conn: &mut Conn, now: UnixMs) -> Result<String, StoreError> {
    let secret = fresh_token();
    operators::set(conn, FIRST_OPERATOR, Role::Admin, "senzu", now).await?;
    let hash = TokenHash::of(&secret);
    let token = tokens::NewToken {
        hash: hash.text(),
        operator: FIRST_OPERATOR,
        name: "first start",
        role: Role::Admin,
        origin: Origin::First,
        made_by: "senzu",
        expires: Some(later(now, FIRST_LIFE)),
    };
    let id = tokens::insert(conn, &token, now).await?;
    let what = format!("printed a token of {FIRST_OPERATOR}, role admin ({id})");
    audit(conn, None, "senzu", what, "the store had no token: its first start").await?;
    Ok(secret)
}
