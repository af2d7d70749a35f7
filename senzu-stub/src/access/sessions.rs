//! Sessions on the pages: somebody shows a token once, and then a cookie; each form carries the session's own token, so
//! that no other site's form is taken for one of ours.

use super::{Caller, Role, tokens::may_speak};
use crate::{
    dag::later,
    senzu::{Refusal, Senzu, TokenHash, audit, fresh_token, now},
    store::{During, tokens, ui_sessions},
};
use std::time::Duration;

/// A shift and some. The cookie ends with the browser all the same.
const LIFE: Duration = Duration::from_secs(12 * 3600);

/// Who looks at a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub caller: Caller,
    /// What each form of this session must carry.
    pub csrf: String,
}

impl Visitor {
    /// Whether a form is this session's own, and its role suffices.
    pub fn may(&self, csrf: &str, needs: Role) -> Result<&Caller, Refusal> {
        // By hashes, so that the time it takes tells nothing.
        if TokenHash::of(csrf) != TokenHash::of(&self.csrf) {
            return Err(Refusal::ForeignForm);
        }
        match self.caller.role >= needs {
            true => Ok(&self.caller),
            false => {
                let operator = self.caller.operator.clone();
                Err(Refusal::RoleTooSmall { operator, has: self.caller.role, needs })
            }
        }
    }
}

impl Senzu {
    /// Begins a session on the pages by a token; answers what the cookie holds.
    pub async fn sign_in(&self, token: &str) -> Result<String, Refusal> {
        let now = now();
        let caller = self.caller(Some(token.trim()), Role::Viewer).await?;
        let (cookie, csrf) = (fresh_token(), fresh_token());
        let mut tx = self.db.write().await?;
        ui_sessions::remove_expired(&mut tx, now).await?;
        let hash = TokenHash::of(&cookie);
        ui_sessions::insert(&mut tx, hash.text(), caller.token, &csrf, now, later(now, LIFE)).await?;
        audit(&mut tx, None, &caller.operator, "signed in on the pages", format!("by the token {}", caller.token))
            .await?;
        tx.commit().await.during("commit a session")?;
        Ok(cookie)
    }

    /// Whose cookie this is; nobody's if the session or its token has ended.
    pub async fn visitor(&self, cookie: &str) -> Result<Option<Visitor>, Refusal> {
        let now = now();
        let mut tx = self.db.read().await?;
        let Some(session) = ui_sessions::by_hash(&mut tx, TokenHash::of(cookie).text()).await? else { return Ok(None) };
        if session.expires <= now {
            return Ok(None);
        }
        let found = tokens::with_operator(&mut tx, session.token).await?;
        let caller = found.and_then(|found| may_speak(found, now).ok());
        Ok(caller.map(|caller| Visitor { caller, csrf: session.csrf }))
    }

    /// Ends a session on the pages.
    pub async fn sign_out(&self, cookie: &str) -> Result<(), Refusal> {
        let mut tx = self.db.write().await?;
        ui_sessions::remove(&mut tx, TokenHash::of(cookie).text()).await?;
        Ok(tx.commit().await.during("commit a session's end")?)
    }
}
