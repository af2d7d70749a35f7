//! What Senzu does itself to an asset that serves: through its BMC, over the management network.
//!
//! Beans tell it like an agent: by instructions, and it answers by the same reports, so that plan, caps and campaigns know
//! no difference. An instruction is one replica's for as long as it renews its lease. Who dies over one leaves it to be
//! ended: what became of it is read from the BMC before anything else is done.

use super::{Senzu, now};
use crate::{
    access::BMC_USER,
    dag::later,
    firmware::{ArtifactError, Sha256Hex},
    store::{
        StoreError, assets, bmcs,
        instructions::{self, Issued, Status},
    },
};
use pious_protocol::{
    firmware::FlashPhase,
    ids::{AssetId, InstructionId, UnixMs},
    instruction::{Action, FirmwareInventory, FirmwareUpdate, Instruction, Precondition, VersionQuestion},
    message::Report,
    version,
};
use pious_redfish::{Bmc, Error, FlashOrder, HostRestart, Image, Opening, Place, Stopped, Url, Watch, flash};
use std::{
    cmp::Ordering,
    io::{self, SeekFrom},
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::io::AsyncSeekExt;

/// For how long an instruction is its replica's. It is renewed three times within that.
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// How many are done at once. Writing is bounded by the slots of networks; reading costs a BMC seconds.
const AT_ONCE: usize = 64;
/// For connecting and opening a session: a slow BMC needs several seconds for TLS and as many for its password.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at a server that restarts.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a server may take to shut down when asked to, and again until it runs what was written. A large one that
/// restarts with a new BIOS trains its memory twice, a quarter of an hour; to reset it within that could break its BIOS.
const RESTARTS_WITHIN: Duration = Duration::from_secs(900);
/// How often it is told that a server restarts.
const TELL_EVERY: Duration = Duration::from_secs(30);

impl Senzu {
    /// Ends what was left, and takes what there is to do, beside so many that are under way here.
    pub async fn take_out_of_band(&self, under_way: usize) -> Result<Vec<Issued>, StoreError> {
        let (left, todo) = {
            let mut conn = self.db.look().await?;
            let room = u32::try_from(AT_ONCE.saturating_sub(under_way)).unwrap_or_default();
            let left = instructions::abandoned(&mut conn, now()).await?;
            (left, instructions::out_of_band(&mut conn, now(), room).await?)
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

    /// Does what was taken, and reports it.
    pub async fn reach(self: Arc<Self>, issued: Issued) {
        let id = issued.instruction.id;
        let work = async {
            self.tell(id, &Report::Accepted).await?;
            let report = self.work(&issued.instruction).await.unwrap_or_else(|reason| Report::Failed { reason });
            self.tell(id, &report).await
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

    async fn tell(&self, id: InstructionId, report: &Report) -> Result<(), String> {
        self.report_own(id, report).await.map_err(|refusal| chain(&refusal))
    }

    async fn work(&self, instruction: &Instruction) -> Result<Report, String> {
        let place = self.place(instruction.asset).await?;
        match &instruction.action {
            Action::FirmwareInventory(read) => inventory(&place, read).await,
            Action::FirmwareUpdate(update) => self.update(&place, instruction, update).await,
            Action::Reboot { .. } => self.restart(&place, instruction).await,
            Action::SwitchState { .. } | Action::Shutdown { .. } | Action::BmcUser(_) | Action::Unknown(_) => {
                let kind = instruction.action.kind();
                Ok(Report::Refused { reason: format!("{kind} is not to be done out of band") })
            }
        }
    }

    /// Where its BMC is, and how one gets in.
    async fn place(&self, asset: AssetId) -> Result<Place, String> {
        let found = async {
            let mut conn = self.db.read().await?;
            let boot = assets::by_id(&mut conn, asset).await?.and_then(|asset| asset.current_boot);
            let address = match boot {
                Some(boot) => self.bmc_address(&mut conn, boot).await?,
                None => None,
            };
            Ok::<_, super::Refusal>((address, bmcs::of(&mut conn, asset).await?))
        };
        let (address, bmc) = found.await.map_err(|refusal| chain(&refusal))?;
        let address = address.and_then(|address| address.parse::<IpAddr>().ok()).filter(|it| !it.is_unspecified());
        let address = address.ok_or("where its BMC is was never told: its newest facts have no address of it")?;
        let url = format!("https://{}", SocketAddr::new(address, self.bmc_port));
        Ok(Place {
            url: Url::parse(&url).map_err(|error| format!("{url} is no place: {error}"))?,
            user: BMC_USER.into(),
            password: self.bmc_passwords.of(asset, bmc.proved),
            certificate_sha256: bmc.certificate_sha256,
        })
    }

    async fn update(&self, place: &Place, instruction: &Instruction, it: &FirmwareUpdate) -> Result<Report, String> {
        let Some(Precondition::FirmwareIs { version: expected, .. }) = &instruction.precondition else {
            return Ok(Report::Refused { reason: "it does not say which version to start from".into() });
        };
        let key = self.firmware.key_text().map_err(|error| chain(&error))?;
        let key = key.parse().map_err(|error: pious_redfish::BadKey| format!("firmware.pub: {}", chain(&error)))?;
        let sha256: Sha256Hex = it.artifact.sha256.parse().map_err(|error: super::Refusal| chain(&error))?;
        let image = Stored { senzu: self, sha256 };
        let order = FlashOrder {
            component: it.component,
            expected: expected.clone(),
            version: it.version.clone(),
            artifact: it.artifact.clone(),
            recipe: it.recipe.clone(),
            key,
        };
        let mut told = Told { senzu: self, id: instruction.id };
        match flash(place, &order, &image, &mut told).await {
            Ok(flashed) => {
                let when = match flashed.activation_pending {
                    true => "written, and applies at the next restart of the server: ",
                    false => "",
                };
                Ok(Report::Done {
                    evidence: Some(format!("{when}{}", flashed.evidence)),
                    firmware: flashed.firmware,
                    bmc_certificate_sha256: flashed.certificate_sha256,
                })
            }
            Err(error) if error.may_have_begun() => Err(format!("{}; the BMC may have the image", chain(&error))),
            // Nothing was done, and nothing would be a second time.
            Err(error) if error.is_lasting() => Ok(Report::Refused { reason: chain(&error) }),
            Err(error) => Err(chain(&error)),
        }
    }

    /// Restarts a server, and waits until it runs what was written; what it runs in the end is read by another instruction.
    async fn restart(&self, place: &Place, instruction: &Instruction) -> Result<Report, String> {
        let written = self.written(instruction).await.map_err(|error| chain(&error))?;
        let bmc = match connect(place).await? {
            Ok(bmc) => bmc,
            Err(refused) => return Ok(refused),
        };
        let restarted = self.follow_restart(&bmc, instruction, written).await;
        bmc.close().await;
        restarted
    }

    /// What the asset shall run behind this restart: where it is read, and the version.
    async fn written(&self, restart: &Instruction) -> Result<Option<(VersionQuestion, String)>, StoreError> {
        let mut conn = self.db.look().await?;
        let told = instructions::told_since(&mut conn, restart.asset, UnixMs(0), 16).await?;
        Ok(told.into_iter().find_map(|told| match told.issued.instruction.action {
            Action::FirmwareUpdate(update) if told.issued.status == Status::Done => {
                let FirmwareUpdate { component, version, recipe, .. } = *update;
                Some((VersionQuestion { component, version: recipe.version }, version))
            }
            _ => None,
        }))
    }

    /// Whether it still serves nobody: what was agreed on ends with the goal, which may be withdrawn at any time.
    async fn must_be_drained(&self, asset: AssetId) -> Result<(), String> {
        let drained = async { super::reports::is_drained(&mut *self.db.look().await?, asset).await };
        match drained.await {
            Ok(true) => Ok(()),
            Ok(false) => Err("nobody agreed that the asset is drained, or not any more".into()),
            Err(error) => Err(chain(&error)),
        }
    }

    async fn follow_restart(
        &self,
        bmc: &Bmc,
        instruction: &Instruction,
        written: Option<(VersionQuestion, String)>,
    ) -> Result<Report, String> {
        self.must_be_drained(instruction.asset).await?;
        let mut is_forced = false;
        let first = match power(bmc).await {
            Ok(Some(state)) if state == "Off" => bmc.restart_host(HostRestart::On).await,
            Ok(_) => match bmc.restart_host(HostRestart::Graceful).await {
                Err(Error::NotAllowed { .. }) => {
                    is_forced = true;
                    bmc.restart_host(HostRestart::Force).await
                }
                answer => answer,
            },
            Err(error) => Err(error),
        };
        first.map_err(|error| chain(&error))?;
        let (mut since, mut told) = (Instant::now(), Instant::now());
        // "Accepted" is not a restart: it was seen off, or runs what it did not before.
        let mut was_off = false;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let state = match power(bmc).await {
                Ok(state) => state,
                Err(error @ (Error::Credentials { .. } | Error::Certificate { .. })) => {
                    return Ok(Report::Refused { reason: chain(&error) });
                }
                Err(error) => {
                    tracing::debug!("{}", chain(&error));
                    None
                }
            };
            let is_on = state.as_deref() == Some("On");
            was_off |= state.is_some() && !is_on;
            if is_on && let Some(runs) = self::runs(bmc, &written).await {
                return Ok(Report::done(format!("the BMC says that the server is on again, and runs {runs}")));
            }
            if since.elapsed() >= RESTARTS_WITHIN {
                match (was_off, is_on, is_forced) {
                    // What it runs is read next.
                    (true, true, _) => return Ok(Report::done("the BMC said that it was off, and is on again")),
                    (true, false, _) => return Err("the server went off, and does not come back on".into()),
                    (false, _, true) => return Err("the server was reset, and was never seen to restart".into()),
                    (false, _, false) => {
                        self.must_be_drained(instruction.asset).await?;
                        bmc.restart_host(HostRestart::Force).await.map_err(|error| chain(&error))?;
                        (is_forced, since) = (true, Instant::now());
                    }
                }
            }
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                let words = format!("the server restarts: it is {}", state.as_deref().unwrap_or("not known how"));
                self.tell(instruction.id, &Report::Progress { percent: 50, words, phase: None }).await?;
            }
        }
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

/// Reads what the components run; a server without one of them has the others still.
async fn inventory(place: &Place, read: &FirmwareInventory) -> Result<Report, String> {
    let bmc = match connect(place).await? {
        Ok(bmc) => bmc,
        Err(refused) => return Ok(refused),
    };
    let certificate = bmc.certificate_sha256().map(str::to_owned);
    let (mut firmware, mut gaps, mut away) = (Vec::new(), Vec::new(), None);
    for question in &read.components {
        match bmc.versions(std::slice::from_ref(question)).await {
            Ok(found) => firmware.extend(found),
            // Each further question would be one more login that is refused.
            Err(error @ (Error::Credentials { .. } | Error::Certificate { .. })) => {
                bmc.close().await;
                return Ok(Report::Refused { reason: chain(&error) });
            }
            Err(error) if error.is_away() => {
                away = Some(chain(&error));
                break;
            }
            Err(error) => gaps.push(format!("{} is not known: {}", question.component, chain(&error))),
        }
    }
    // BMCs have few sessions, and keep them for long.
    bmc.close().await;
    if let Some(why) = away {
        return Err(why);
    }
    if firmware.is_empty() {
        return Err(gaps.join("; "));
    }
    let told = firmware.iter().map(|found| format!("{} {} ({})", found.component, found.version, found.source));
    let words = told.chain(gaps).collect::<Vec<_>>().join("; ");
    let host = place.url.host_str().unwrap_or_default();
    Ok(Report::Done {
        evidence: Some(format!("the BMC at {host} says: {words}")),
        firmware,
        bmc_certificate_sha256: certificate,
    })
}

async fn power(bmc: &Bmc) -> Result<Option<String>, Error> {
    Ok(bmc.identity().await?.system.power_state)
}

/// What was written, if it runs now.
async fn runs(bmc: &Bmc, written: &Option<(VersionQuestion, String)>) -> Option<String> {
    let (question, version) = written.as_ref()?;
    let found = bmc.versions(std::slice::from_ref(question)).await.ok()?.into_iter().next()?.version;
    let is_it = found == *version || version::compare(&found, version) == Some(Ordering::Equal);
    is_it.then(|| format!("{} {found}", question.component))
}

/// An image in the data directory.
struct Stored<'a> {
    senzu: &'a Senzu,
    sha256: Sha256Hex,
}

impl Image for Stored<'_> {
    fn open<'a>(&'a self, from: u64) -> Opening<'a> {
        Box::pin(async move {
            let gone = |error: ArtifactError| io::Error::other(error);
            let (mut file, _) = self.senzu.firmware.image(&self.sha256).await.map_err(gone)?;
            file.seek(SeekFrom::Start(from)).await?;
            Ok(Box::pin(file) as Pin<Box<_>>)
        })
    }
}

/// Reports how far a flash is; the report of handing over is the last permission, as for agents.
struct Told<'a> {
    senzu: &'a Senzu,
    id: InstructionId,
}

impl Watch for Told<'_> {
    fn phase<'a>(
        &'a mut self,
        phase: FlashPhase,
        percent: u8,
        words: String,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>> {
        Box::pin(async move {
            let report = Report::Progress { percent, words, phase: Some(phase) };
            self.senzu.tell(self.id, &report).await.map_err(Stopped)
        })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    crate::api::chain(error)
}
