//! What operators do: hold and release assets, and give instructions of their own.

use super::{Refusal, Senzu, agents::reload, audit, now};
use crate::{
    access::{Caller, Role},
    dag::later,
    store::{
        Conn, assets,
        assets::{Asset, Held},
        instructions, new_id,
    },
};
use pious_protocol::{
    envelope::MAX_SEALED_BYTES,
    firmware::FirmwareComponent,
    ids::{BootId, InstructionId},
    instruction::{Action, Instruction, Precondition, UnknownAction},
    message::AssetState,
};
use std::time::Duration;

/// Ten days: longer than any window of maintenance, and short enough that nobody is surprised years later.
const MAX_VALID_S: u64 = 864_000;
/// The longest name of whom an asset is held for: it stands on a line of the page.
const MAX_BY: usize = 200;
/// The longest queue of an asset. An agent that restarts gets all of it in one answer, at most this times 16 KiB.
const MAX_OPEN: u64 = 32;

/// An operator's instruction.
pub struct Order {
    pub action: Action,
    pub expires_in_s: u64,
    pub precondition: Option<Precondition>,
    pub boot: Option<BootId>,
}

impl Senzu {
    /// Holds an asset for use, or releases it.
    pub async fn hold(&self, caller: &Caller, id_or_name: &str, by: Option<&str>, held: bool) -> Result<(), Refusal> {
        let now = now();
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let by = by.map(str::trim).filter(|by| !by.is_empty());
        let holding = match (held, by) {
            (true, None) => return Err(Refusal::Empty { field: "by", remedy: "say for whom the asset is held" }),
            (_, Some(by)) if by.len() > MAX_BY => {
                return Err(Refusal::TooMany { what: "by", count: by.len(), max: MAX_BY });
            }
            (true, Some(by)) => Some(Held { by: by.to_owned(), since: now }),
            (false, _) => None,
        };
        // Held already by the same: since then.
        let again = holding.as_ref().map(|held| &held.by) == asset.held.as_ref().map(|held| &held.by);
        if !again {
            assets::set_held(&mut tx, asset.id, holding.as_ref()).await?;
            let what = match by.filter(|_| held) {
                Some(by) => format!("held for use by {by}"),
                None => "released".into(),
            };
            audit(&mut tx, asset.id, &caller.operator, what, "asked by an operator").await?;
        }
        self.engine.walk(&mut tx, asset.id, now).await?;
        Ok(self.commit(tx, asset.id).await?)
    }

    /// Gives an asset an instruction that no bean asked for.
    pub async fn order(&self, caller: &Caller, id_or_name: &str, order: Order) -> Result<InstructionId, Refusal> {
        let now = now();
        if !(1..=MAX_VALID_S).contains(&order.expires_in_s) {
            let value = order.expires_in_s.to_string();
            let remedy = "from 1 second to 10 days";
            return Err(Refusal::OutOfRange { field: "expires_in_s", value, remedy });
        }
        check_readable(&order)?;
        check_allowed(caller, &order.action)?;
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        if instructions::count_open(&mut tx, asset.id).await? >= MAX_OPEN {
            return Err(Refusal::QueueFull { asset: asset.name, max: MAX_OPEN });
        }
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
        // An agent that can't open it can't even say of which instruction that is.
        match self.key.seal(&instruction).map(|jws| jws.len()) {
            Ok(count) if count > MAX_SEALED_BYTES => {
                return Err(Refusal::TooMany { what: "the signed instruction", count, max: MAX_SEALED_BYTES });
            }
            Ok(_) | Err(_) => {}
        }
        instructions::insert(&mut tx, &instruction, instructions::OPERATOR).await?;
        let what = format!("instructed: {} ({})", instruction.action.kind(), instruction.id);
        audit(&mut tx, asset.id, &caller.operator, what, "asked by an operator").await?;
        self.engine.walk(&mut tx, asset.id, now).await?;
        self.commit(tx, asset.id).await?;
        Ok(instruction.id)
    }
}

/// An order that no agent could read is refused here, where whoever mistyped it is told. (A kind of action that Senzu does
/// not know travels: agents may be newer.)
fn check_readable(order: &Order) -> Result<(), Refusal> {
    let refuse = |field, value: String, remedy| Err(Refusal::OutOfRange { field, value, remedy });
    match &order.action {
        Action::Unknown(UnknownAction { kind, problem: Some(problem) }) => {
            refuse("action", format!("{kind}, but {problem}"), "GET /openapi.json lists what each kind takes")
        }
        Action::SwitchState { to: AssetState::Unknown } => {
            refuse("action.to", "no state".into(), "NEW, SPARE, BAREMETAL or RETIRED")
        }
        Action::SwitchState { .. }
        | Action::Reboot { .. }
        | Action::Shutdown { .. }
        | Action::FirmwareUpdate(_)
        | Action::FirmwareInventory(_)
        | Action::BmcUser(_)
        | Action::Unknown(UnknownAction { problem: None, .. }) => match &order.precondition {
            Some(Precondition::Unknown) => {
                refuse("precondition.kind", "of no known kind".into(), "state_is or firmware_is")
            }
            Some(Precondition::StateIs { state: AssetState::Unknown }) => {
                refuse("precondition.state", "no state".into(), "NEW, SPARE, BAREMETAL or RETIRED")
            }
            Some(Precondition::FirmwareIs { component: FirmwareComponent::Unknown, .. }) => {
                refuse("precondition.component", "no component".into(), "bmc, bios, nic, psu or drive")
            }
            Some(Precondition::StateIs { .. } | Precondition::FirmwareIs { .. }) | None => Ok(()),
        },
    }
}

/// What takes two people is not to be had by an order. A newer agent may know kinds that Senzu does not, so the names of
/// what destroys or gives away are refused by name.
fn check_allowed(caller: &Caller, action: &Action) -> Result<(), Refusal> {
    let needs = |kind| Err(Refusal::NeedsApproval { what: action.kind().to_owned(), kind });
    match action {
        Action::SwitchState { to: AssetState::Baremetal } => needs("promote"),
        Action::SwitchState { to: AssetState::Retired } => needs("retire"),
        // It may take a server out of production.
        Action::SwitchState { to: AssetState::New | AssetState::Spare | AssetState::Unknown } => {
            match caller.role >= Role::Admin {
                true => Ok(()),
                false => Err(Refusal::RoleTooSmall {
                    operator: caller.operator.clone(),
                    has: caller.role,
                    needs: Role::Admin,
                }),
            }
        }
        Action::Unknown(UnknownAction { kind, .. }) => match kind.to_ascii_lowercase().as_str() {
            "wipe" | "erase" => needs("wipe"),
            "promote" => needs("promote"),
            "retire" => needs("retire"),
            _ => Ok(()),
        },
        // The plan knows the way, the image and the cap; a password that nobody counted would lock us out.
        Action::FirmwareUpdate(_) | Action::FirmwareInventory(_) | Action::BmcUser(_) => {
            Err(Refusal::NeedsGoal { what: action.kind().to_owned() })
        }
        Action::Reboot { .. } | Action::Shutdown { .. } => Ok(()),
    }
}

pub(crate) async fn find(conn: &mut Conn, id_or_name: &str) -> Result<Asset, Refusal> {
    // What no database keeps, none has.
    if id_or_name.contains('\0') {
        return Err(Refusal::NoSuchAsset(id_or_name.to_owned()));
    }
    match assets::find(conn, id_or_name).await? {
        Some(asset) => reload(conn, asset.id).await,
        None => Err(Refusal::NoSuchAsset(id_or_name.to_owned())),
    }
}
