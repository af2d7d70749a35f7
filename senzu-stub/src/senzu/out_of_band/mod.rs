//! What Senzu does itself to an asset that serves, or is off: through its BMC, over the management network.
//!
//! Beans tell it like an agent: by instructions, and it answers by the same reports, so that plan, caps and campaigns know
//! no difference. An instruction is one replica's for as long as it renews its lease. Who dies over one leaves it to be
//! ended: what became of it is read from the BMC before anything else is done. Who stops in order lets it go: an image that
//! is on its way is handed over to its end, and whoever comes next goes on from there.

mod inventory;
mod restart;
mod update;
mod wake;

use super::{Senzu, now};
use crate::{
    access::BMC_USER,
    dag::later,
    store::{
        StoreError, assets, bmcs,
        instructions::{self, Issued},
    },
};
use inventory::inventory;
use pious_protocol::{
    ids::{AssetId, InstructionId},
    instruction::{Action, Instruction},
    message::{AssetState, Report},
};
use pious_redfish::{Bmc, Error, Place, Url};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use wake::wake;

/// For how long an instruction is its replica's. It is renewed three times within that.
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// How many are done at once. Writing is bounded by the slots of networks; reading costs a BMC seconds.
const AT_ONCE: usize = 64;
/// For connecting and opening a session: a slow BMC needs several seconds for TLS and as many for its password.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);

/// How work ended.
enum Ended {
    Told(Report),
    /// Senzu stops, and the next one goes on.
    LetGo,
}

impl From<Report> for Ended {
    fn from(report: Report) -> Self {
        Self::Told(report)
    }
}

/// A BMC.
struct At {
    address: IpAddr,
    /// Where it speaks Redfish, and how one gets in.
    redfish: Place,
}

impl Senzu {
    /// Ends what was left, and takes what there is to do, beside so many that are under way here.
    pub async fn take_out_of_band(&self, under_way: usize) -> Result<Vec<Issued>, StoreError> {
        let (left, todo) = {
            let mut conn = self.db.look().await?;
            let room = |taken: usize| u32::try_from(AT_ONCE.saturating_sub(taken)).unwrap_or_default();
            let left = instructions::abandoned(&mut conn, now()).await?;
            let mut todo = instructions::let_go(&mut conn, room(under_way)).await?;
            let room = room(under_way.saturating_add(todo.len()));
            todo.extend(instructions::out_of_band(&mut conn, now(), room).await?);
            (left, todo)
        };
        for issued in left {
            self.end_abandoned(&issued.instruction).await?;
        }
        let mut taken = Vec::new();
        for issued in todo {
            let Instruction { id, asset, .. } = issued.instruction;
            let mut tx = self.db.write_asset(asset).await?;
            let at = now();
            let is_ours = instructions::claim(&mut tx, id, &self.engine.holder, at, later(at, LEASE)).await?;
            tx.commit().await?;
            if is_ours {
                taken.push(issued);
            }
        }
        Ok(taken)
    }

    async fn end_abandoned(&self, instruction: &Instruction) -> Result<(), StoreError> {
        let now = now();
        let mut tx = self.db.write_asset(instruction.asset).await?;
        if instructions::give_up(&mut tx, instruction.id, now).await? {
            let what = format!("instruction {} ({}) was left", instruction.id, instruction.action.kind());
            let why = "the Senzu that was at it is not heard any more";
            super::audit(&mut tx, instruction.asset, "senzu, out of band", what, why).await?;
            self.engine.walk(&mut tx, instruction.asset, now).await?;
        }
        self.commit(tx, instruction.asset).await
    }

    /// Does what was taken, and reports it; lets it go where Senzu stops before its end.
    pub async fn reach(self: Arc<Self>, issued: Issued) {
        let id = issued.instruction.id;
        let work = async {
            self.tell(id, &Report::Accepted).await?;
            match self.work(&issued).await {
                Ok(Ended::Told(report)) => self.tell(id, &report).await,
                Ok(Ended::LetGo) => self.release(&issued.instruction).await.map_err(|error| chain(&error)),
                Err(reason) => self.tell(id, &Report::Failed { reason }).await,
            }
        };
        let ended = tokio::select! {
            ended = work => ended,
            () = self.keep(id) => Err("its lease is over".into()),
        };
        if let Err(why) = ended {
            tracing::warn!(instruction = %id, "left, out of band: {why}");
        }
    }

    /// Renews the lease for as long as that can be done.
    async fn keep(&self, id: InstructionId) {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            match self.renew(id).await {
                Ok(true) => {}
                Ok(false) => return,
                // It may be well a moment later; the lease itself bounds that.
                Err(error) => tracing::warn!(instruction = %id, "{}", chain(&error)),
            }
        }
    }

    async fn renew(&self, id: InstructionId) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let at = now();
        let is_ours = instructions::renew(&mut tx, id, &self.engine.holder, at, later(at, LEASE)).await?;
        tx.commit().await?;
        Ok(is_ours)
    }

    async fn release(&self, instruction: &Instruction) -> Result<(), StoreError> {
        let mut tx = self.db.write_asset(instruction.asset).await?;
        instructions::release(&mut tx, instruction.id, &self.engine.holder).await?;
        let what = format!("instruction {} ({}) was let go", instruction.id, instruction.action.kind());
        let why = "this Senzu stops; the next one goes on";
        super::audit(&mut tx, instruction.asset, "senzu, out of band", what, why).await?;
        self.commit(tx, instruction.asset).await
    }

    async fn tell(&self, id: InstructionId, report: &Report) -> Result<(), String> {
        self.report_own(id, report).await.map_err(|refusal| chain(&refusal))
    }

    async fn work(&self, issued: &Issued) -> Result<Ended, String> {
        let instruction = &issued.instruction;
        let place = self.place(instruction.asset).await?;
        match &instruction.action {
            Action::FirmwareInventory(read) => inventory(&place.redfish, read).await.map(Ended::from),
            Action::FirmwareUpdate(update) => self.update(&place, instruction, update).await,
            Action::Reboot { .. } => match self.state(instruction.asset).await? {
                AssetState::New | AssetState::Spare => wake(&place).await.map(Ended::from),
                AssetState::Baremetal => self.restart(&place, issued).await,
                state @ (AssetState::Retired | AssetState::Unknown) => {
                    Ok(Report::Refused { reason: format!("it is {state}: nothing is done to it") }.into())
                }
            },
            Action::SwitchState { .. } | Action::Shutdown { .. } | Action::BmcUser(_) | Action::Unknown(_) => {
                let kind = instruction.action.kind();
                Ok(Report::Refused { reason: format!("{kind} is not to be done out of band") }.into())
            }
        }
    }

    async fn state(&self, asset: AssetId) -> Result<AssetState, String> {
        let found = async { assets::by_id(&mut *self.db.look().await?, asset).await };
        let found = found.await.map_err(|error| chain(&error))?;
        Ok(found.map_or(AssetState::Unknown, |asset| asset.standing.state))
    }

    /// Where its BMC is, and how one gets in.
    async fn place(&self, asset: AssetId) -> Result<At, String> {
        let found = async {
            let mut conn = self.db.read().await?;
            let boot = assets::by_id(&mut conn, asset).await?.and_then(|asset| asset.current_boot);
            let address = match boot {
                Some(boot) => self.bmc_address(&mut conn, boot).await?,
                None => None,
            };
            // Its newest facts may be of a boot in which it told nothing.
            let address = match address {
                Some(address) => Some(address),
                None => bmcs::address(&mut conn, asset).await?,
            };
            Ok::<_, super::Refusal>((address, bmcs::of(&mut conn, asset).await?))
        };
        let (address, bmc) = found.await.map_err(|refusal| chain(&refusal))?;
        let address = address.and_then(|address| address.parse::<IpAddr>().ok()).filter(|it| !it.is_unspecified());
        let address = address.ok_or("where its BMC is was never told: no facts have an address of it")?;
        let url = format!("https://{}", SocketAddr::new(address, self.bmc_port));
        let redfish = Place {
            url: Url::parse(&url).map_err(|error| format!("{url} is no place: {error}"))?,
            user: BMC_USER.into(),
            password: self.bmc_passwords.of(asset, bmc.proved),
            certificate_sha256: bmc.certificate_sha256,
        };
        Ok(At { address, redfish })
    }
}

/// Opens a session. A BMC that refuses us locks us out if it is asked again: that is not tried twice.
async fn connect(place: &Place) -> Result<Result<Bmc, Report>, String> {
    match tokio::time::timeout(CONNECT_WITHIN, Bmc::connect(place)).await {
        Ok(Ok(bmc)) => Ok(Ok(bmc)),
        Ok(Err(error @ (Error::Credentials { .. } | Error::Certificate { .. }))) => {
            Ok(Err(Report::Refused { reason: chain(&error) }))
        }
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err(format!("the BMC at {} opens no session within {} s", place.url, CONNECT_WITHIN.as_secs())),
    }
}

async fn power(bmc: &Bmc) -> Result<Option<String>, Error> {
    Ok(bmc.identity().await?.system.power_state)
}

fn chain(error: &dyn std::error::Error) -> String {
    crate::api::chain(error)
}
