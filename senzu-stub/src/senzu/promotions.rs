//! Promotions that agents pass on: granted to a SPARE asset whose checks passed, one at a time.

use super::{Refusal, Senzu, agents::there, audit, now};
use crate::dag::loops;
use crate::store::{Tx, assets::Asset, instructions, promotions, sessions::Session};
use pious_protocol::message::{AssetState, Evaluation, PromotionAnswer, PromotionAsk};

/// The longest name of a requester, and the longest reason.
const MAX_WORDS: usize = 1000;

impl Senzu {
    /// Grants a promotion (instructions follow), or says why not. Either way it is on record.
    pub async fn ask_promotion(&self, session: &Session, ask: &PromotionAsk) -> Result<PromotionAnswer, Refusal> {
        check(ask)?;
        let now = now();
        let mut tx = self.db.write_asset(session.asset).await?;
        self.heard(&mut tx, session, now).await?;
        // Two sessions may speak; then WHOAMI stands still, and so does this.
        let asset = there(self.engine.walk(&mut tx, session.asset, now).await?, session.asset)?;
        let refused = self.objection(&mut tx, session, &asset).await?;
        promotions::insert(&mut tx, asset.id, session.boot_id, ask, refused.as_deref(), now).await?;
        let who = format!("{} from {}", ask.request.requester, ask.source);
        let why = ask.request.reason.clone().unwrap_or_default();
        match &refused {
            None => audit(&mut tx, asset.id, who, "promotion granted", why).await?,
            Some(reason) => audit(&mut tx, asset.id, who, "promotion refused", reason.as_str()).await?,
        }
        self.engine.walk(&mut tx, asset.id, now).await?;
        self.commit(tx, asset.id).await?;
        Ok(match refused {
            None => PromotionAnswer::Granted,
            Some(reason) => PromotionAnswer::Refused { reason },
        })
    }

    /// What speaks against promoting an asset.
    async fn objection(&self, tx: &mut Tx, session: &Session, asset: &Asset) -> Result<Option<String>, Refusal> {
        let name = &asset.name;
        let state = asset.standing.state;
        if asset.current_boot != Some(session.boot_id) {
            return Ok(Some(format!("boot {} of {name} is not its newest: ask that one", session.boot_id.short())));
        }
        if let Some(pending) = promotions::pending(tx, asset.id).await? {
            return Ok(Some(format!("a promotion of {name} that {} asked for is under way", pending.requester)));
        }
        if state != AssetState::Spare {
            return Ok(Some(format!("{name} is {state}, and only a SPARE asset is promoted")));
        }
        if let Some(open) = instructions::open_power(tx, asset.id, session.boot_id).await? {
            return Ok(Some(format!(
                "{name} was told to {} (instruction {}): hold it for use (POST /v1/assets/{name}/hold), start it, ask again",
                open.instruction.action.kind(),
                open.instruction.sequence.0
            )));
        }
        let step = asset.standing.step.as_deref();
        let reason = asset.standing.reason.as_deref().unwrap_or("see its findings");
        Ok(match (asset.standing.evaluation, step) {
            (Evaluation::Passed, Some("WHOAMI" | loops::STEP)) => Some(format!("{name} {reason}")),
            (Evaluation::Passed, _) => None,
            (Evaluation::Pending, _) => Some(format!("{name} is not judged yet in this boot: ask again in a moment")),
            (Evaluation::Failing | Evaluation::Unknown, _) => Some(format!("{name} fails its checks: {reason}")),
        })
    }
}

fn check(ask: &PromotionAsk) -> Result<(), Refusal> {
    let remedy = "say who asks, so that it is on record";
    if ask.request.requester.trim().is_empty() {
        return Err(Refusal::Empty { field: "request.requester", remedy });
    }
    let lengths = [
        ("request.requester", ask.request.requester.len()),
        ("request.reason", ask.request.reason.as_ref().map_or(0, String::len)),
    ];
    match lengths.into_iter().find(|(_, count)| *count > MAX_WORDS) {
        Some((what, count)) => Err(Refusal::TooMany { what, count, max: MAX_WORDS }),
        None => Ok(()),
    }
}
