//! Maker-checker: what one operator asks for, another approves, and beans carry out.

use super::Caller;
use crate::{
    dag::later,
    senzu::{Refusal, Senzu, audit, find, now},
    store::{
        Conn, During, StoreError,
        approvals::{self, Approval, ApprovalKind, ApprovalOutcome, ApprovalStatus, Decided, NewApproval, Wanted},
        assets::Asset,
        goals::{self, GoalStatus},
        promotions,
    },
};
use pious_protocol::{
    ids::{AssetId, UnixMs},
    message::AssetState,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// As long as an operator's instruction may hold.
const MAX_VALID_S: u64 = 864_000;
/// A reason is a sentence or two.
const MAX_WHY: usize = 1000;

/// What an operator asks for.
pub struct ApprovalAsk<'a> {
    /// The asset's id or name.
    pub asset: &'a str,
    pub kind: ApprovalKind,
    pub why: &'a str,
    /// Until when it must be decided, and begun.
    pub expires_in_s: u64,
}

/// What the other operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Deny,
}

/// Which requests to list.
#[derive(Clone, Debug, Default)]
pub struct ApprovalFilter {
    /// An asset's id or name.
    pub asset: Option<String>,
    pub status: Option<ApprovalStatus>,
    pub after: Option<Uuid>,
    pub limit: u32,
}

/// A request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalView {
    pub id: Uuid,
    /// The asset's id.
    pub asset: AssetId,
    /// The asset's name.
    pub name: String,
    pub kind: ApprovalKind,
    pub why: String,
    pub status: ApprovalStatus,
    pub asked_by: String,
    pub asked_ms: UnixMs,
    /// Until when it must be decided, and begun.
    pub expires_ms: UnixMs,
    pub decided_by: Option<String>,
    pub decided_ms: Option<UnixMs>,
    pub decided_why: Option<String>,
    /// When a bean began to carry it out.
    pub begun_ms: Option<UnixMs>,
    /// How carrying it out ended; `null`: it has not.
    pub outcome: Option<ApprovalOutcome>,
    /// Why it ended so.
    pub words: Option<String>,
    pub ended_ms: Option<UnixMs>,
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        Self {
            id: approval.id,
            asset: approval.asset,
            name: approval.asset_name,
            kind: approval.kind,
            why: approval.why,
            status: approval.status,
            asked_by: approval.asked_by,
            asked_ms: approval.asked,
            expires_ms: approval.expires,
            decided_by: approval.decided_by,
            decided_ms: approval.decided,
            decided_why: approval.decided_why,
            begun_ms: approval.begun,
            outcome: approval.outcome,
            words: approval.words,
            ended_ms: approval.ended,
        }
    }
}

impl Senzu {
    /// Asks for what takes two people. Nothing happens to the asset until another operator approves.
    pub async fn ask_approval(&self, by: &Caller, ask: ApprovalAsk<'_>) -> Result<ApprovalView, Refusal> {
        let now = now();
        let why = checked(ask.why)?;
        if !(1..=MAX_VALID_S).contains(&ask.expires_in_s) {
            let (field, value) = ("expires_in_s", ask.expires_in_s.to_string());
            return Err(Refusal::OutOfRange { field, value, remedy: "from 1 second to 10 days" });
        }
        self.expire_approvals().await?;
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, ask.asset).await?;
        if let Some(open) = approvals::open_of(&mut tx, asset.id).await? {
            let (asset, kind) = (asset.name, open.kind.name());
            return Err(Refusal::ApprovalOpen { asset, kind, by: open.asked_by, id: open.id });
        }
        let promoting = promotions::pending(&mut tx, asset.id).await?;
        let objection = match promoting {
            Some(promotion) => Some(format!("a promotion that {} asked for is under way", promotion.requester)),
            None => match objection(&asset, ask.kind) {
                None if ask.kind == ApprovalKind::Firmware => no_goal(&mut tx, asset.id).await?,
                objection => objection,
            },
        };
        if let Some(words) = objection {
            return Err(Refusal::NotNow { asset: asset.name, words });
        }
        let expires = later(now, Duration::from_secs(ask.expires_in_s));
        let new = NewApproval { asset: asset.id, kind: ask.kind, why, asked_by: &by.operator, expires };
        let id = approvals::insert(&mut tx, &new, now).await?;
        let what = format!("asked for approval: {} ({id})", ask.kind.name());
        audit(&mut tx, asset.id, &by.operator, what, why).await?;
        let view = approvals::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchApproval(id))?.into();
        self.commit(tx, asset.id).await?;
        Ok(view)
    }

    /// Approves or denies. Whoever asked may take it back, and not approve it. The same decision again by the same
    /// operator changes nothing.
    pub async fn decide_approval(
        &self,
        by: &Caller,
        id: Uuid,
        decision: Decision,
        why: &str,
    ) -> Result<ApprovalView, Refusal> {
        self.expire_approvals().await?;
        let now = now();
        let mut tx = self.db.write().await?;
        let approval = approvals::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchApproval(id))?;
        if decision == Decision::Approve && approval.asked_by == by.operator {
            return Err(Refusal::OwnRequest { operator: by.operator.clone(), id });
        }
        let status = match decision {
            Decision::Approve => ApprovalStatus::Approved,
            Decision::Deny => ApprovalStatus::Denied,
        };
        if approval.status == status && approval.decided_by.as_ref() == Some(&by.operator) {
            return Ok(approval.into());
        }
        if approval.status != ApprovalStatus::Pending {
            return Err(Refusal::ApprovalDecided { id, status: crate::store::word(&approval.status) });
        }
        let why = match decision {
            // A no that says nothing helps nobody.
            Decision::Deny => checked(why)?,
            Decision::Approve if why.len() > MAX_WHY => checked(why)?,
            Decision::Approve => why.trim(),
        };
        approvals::decide(&mut tx, id, &Decided { status, by: &by.operator, why }, now).await?;
        let what = format!(
            "{} what {} asked for: {} ({id})",
            crate::store::word(&status),
            approval.asked_by,
            approval.kind.name()
        );
        audit(&mut tx, approval.asset, &by.operator, what, why).await?;
        self.engine.walk(&mut tx, approval.asset, now).await?;
        let view = approvals::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchApproval(id))?.into();
        self.commit(tx, approval.asset).await?;
        Ok(view)
    }

    /// One request.
    pub async fn approval(&self, id: Uuid) -> Result<ApprovalView, Refusal> {
        let found = approvals::by_id(&mut *self.db.read().await?, id).await?;
        Ok(found.ok_or(Refusal::NoSuchApproval(id))?.into())
    }

    /// Requests, newest first.
    pub async fn approvals(&self, filter: &ApprovalFilter) -> Result<Vec<ApprovalView>, Refusal> {
        let mut tx = self.db.read().await?;
        let asset = match &filter.asset {
            Some(asset) => Some(find(&mut tx, asset).await?.id),
            None => None,
        };
        let wanted = Wanted { asset, status: filter.status, after: filter.after };
        let found = approvals::list(&mut tx, &wanted, filter.limit).await?;
        Ok(found.into_iter().map(ApprovalView::from).collect())
    }

    /// Lets what nobody decided, or what could not be begun in time, expire.
    pub async fn expire_approvals(&self) -> Result<(), StoreError> {
        let now = now();
        if approvals::overdue(&mut *self.db.read().await?, now).await?.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        let overdue = approvals::overdue(&mut tx, now).await?;
        for approval in &overdue {
            approvals::expire(&mut tx, approval.id, now).await?;
            let what =
                format!("what {} asked for expired: {} ({})", approval.asked_by, approval.kind.name(), approval.id);
            let why = match approval.status {
                ApprovalStatus::Approved => "it could not be begun in time",
                ApprovalStatus::Pending | ApprovalStatus::Denied | ApprovalStatus::Expired => "nobody decided in time",
            };
            audit(&mut tx, approval.asset, "senzu", what, why).await?;
            self.engine.walk(&mut tx, approval.asset, now).await?;
        }
        tx.commit().await.during("commit what expired")?;
        overdue.iter().for_each(|approval| self.wake(approval.asset));
        Ok(())
    }
}

/// What speaks against asking: the asset's state.
fn objection(asset: &Asset, kind: ApprovalKind) -> Option<String> {
    let state = asset.standing.state;
    match (kind, state) {
        (ApprovalKind::Promote, AssetState::Spare) => None,
        (ApprovalKind::Promote, _) => Some(format!("it is {state}, and only a SPARE asset is promoted")),
        (ApprovalKind::Wipe | ApprovalKind::Retire, AssetState::New | AssetState::Spare) => None,
        (ApprovalKind::Wipe | ApprovalKind::Retire, AssetState::Baremetal) => {
            Some("it is BAREMETAL, in production: switch it to SPARE first".into())
        }
        (ApprovalKind::Wipe, AssetState::Retired) => Some("it is RETIRED: nothing is done to it any more".into()),
        (ApprovalKind::Retire, AssetState::Retired) => Some("it is RETIRED already".into()),
        (ApprovalKind::Firmware, AssetState::Baremetal) => None,
        (ApprovalKind::Firmware, _) => {
            Some(format!("it is {state}, and only a BAREMETAL asset's firmware takes two operators"))
        }
        (ApprovalKind::Wipe | ApprovalKind::Retire, AssetState::Unknown) => {
            Some("its state is one that this build does not know".into())
        }
    }
}

/// Drained for firmware's sake: somebody must want some.
async fn no_goal(conn: &mut Conn, asset: AssetId) -> Result<Option<String>, StoreError> {
    Ok(match goals::open_of(conn, asset).await?.map(|goal| goal.status) {
        Some(GoalStatus::Open) => None,
        Some(GoalStatus::Recovery) => Some(
            "a person must look at its firmware first: then say so (POST /v1/assets/{asset}/firmware/retry)".into(),
        ),
        Some(GoalStatus::Done | GoalStatus::Withdrawn) | None => {
            Some("nobody wants other firmware of it: say which first (PUT /v1/assets/{asset}/firmware)".into())
        }
    })
}

fn checked(why: &str) -> Result<&str, Refusal> {
    match why.trim() {
        "" => Err(Refusal::Empty { field: "why", remedy: "say why, so that it is on record" }),
        why if why.len() > MAX_WHY => Err(Refusal::TooMany { what: "why", count: why.len(), max: MAX_WHY }),
        why => Ok(why),
    }
}
