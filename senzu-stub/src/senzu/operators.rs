//! What operators do: hold and release assets, and give instructions of their own.

use super::{Refusal, Senzu, agents::reload, audit, now};
use crate::{
    dag::later,
    store::{
        Conn, assets,
        assets::{Asset, Held},
        instructions, new_id,
    },
};
use pious_protocol::{
    ids::{BootId, InstructionId},
    instruction::{Action, Instruction, Precondition},
};
use std::time::Duration;

/// Ten days: longer than any window of maintenance, and short enough that nobody is surprised years later.
const MAX_VALID_S: u64 = 864_000;

/// An operator's instruction.
pub struct Order {
    pub action: Action,
    pub expires_in_s: u64,
    pub precondition: Option<Precondition>,
    pub boot: Option<BootId>,
}

impl Senzu {
    /// Holds an asset for use, or releases it.
    pub async fn hold(&self, id_or_name: &str, by: Option<&str>, held: bool) -> Result<(), Refusal> {
        let now = now();
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let by = by.map(str::trim).filter(|by| !by.is_empty());
        let holding = match (held, by) {
            (true, None) => return Err(Refusal::Empty { field: "by", remedy: "say for whom the asset is held" }),
            (true, Some(by)) => Some(Held { by: by.to_owned(), since: now }),
            (false, _) => None,
        };
        // Held already by the same: since then.
        let again = holding.as_ref().map(|held| &held.by) == asset.held.as_ref().map(|held| &held.by);
        if !again {
            assets::set_held(&mut tx, asset.id, holding.as_ref()).await?;
            let what = if held { "held for use" } else { "released" };
            audit(&mut tx, asset.id, by.unwrap_or("operator"), what, "asked by an operator").await?;
        }
        self.engine.walk(&mut tx, asset.id, now).await?;
        Ok(self.commit(tx, asset.id).await?)
    }

    /// Gives an asset an instruction that no bean asked for.
    pub async fn order(&self, id_or_name: &str, order: Order) -> Result<InstructionId, Refusal> {
        let now = now();
        if !(1..=MAX_VALID_S).contains(&order.expires_in_s) {
            let value = order.expires_in_s.to_string();
            let remedy = "from 1 second to 10 days";
            return Err(Refusal::OutOfRange { field: "expires_in_s", value, remedy });
        }
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let instruction = Instruction {
            id: InstructionId(new_id()),
            asset: asset.id,
            boot: order.boot,
            sequence: assets::take_sequence(&mut tx, asset.id).await?,
            issued_ms: now,
            expires_ms: later(now, Duration::from_secs(order.expires_in_s)),
            precondition: order.precondition,
            action: order.action,
        };
        instructions::insert(&mut tx, &instruction, instructions::OPERATOR).await?;
        let what = format!("instructed: {} ({})", instruction.action.kind(), instruction.id);
        audit(&mut tx, asset.id, "operator", what, "asked by an operator").await?;
        self.engine.walk(&mut tx, asset.id, now).await?;
        self.commit(tx, asset.id).await?;
        Ok(instruction.id)
    }
}

pub(super) async fn find(conn: &mut Conn, id_or_name: &str) -> Result<Asset, Refusal> {
    match assets::find(conn, id_or_name).await? {
        Some(asset) => reload(conn, asset.id).await,
        None => Err(Refusal::NoSuchAsset(id_or_name.to_owned())),
    }
}
