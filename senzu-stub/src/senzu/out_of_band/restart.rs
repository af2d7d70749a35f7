//! Restarts a server through its BMC, so that it runs what was written.

use super::{At, Ended, chain, connect, power};
use crate::{
    senzu::{Senzu, reports},
    store::{
        StoreError,
        instructions::{self, Issued, Status},
    },
};
use pious_protocol::{
    ids::{AssetId, UnixMs},
    instruction::{Action, FirmwareUpdate, Instruction, VersionQuestion},
    message::Report,
    version,
};
use pious_redfish::{Bmc, Error, HostRestart};
use std::{
    cmp::Ordering,
    time::{Duration, Instant},
};

/// Between two looks at a server that restarts.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a server may take to shut down when asked to, and again until it runs what was written. A large one that
/// restarts with a new BIOS trains its memory twice, a quarter of an hour; to reset it within that could break its BIOS.
const RESTARTS_WITHIN: Duration = Duration::from_secs(900);
/// How often it is told that a server restarts.
const TELL_EVERY: Duration = Duration::from_secs(30);

impl Senzu {
    /// Restarts a server, and waits until it runs what was written; what it runs in the end is read by another instruction.
    pub(super) async fn restart(&self, place: &At, issued: &Issued) -> Result<Ended, String> {
        let instruction = &issued.instruction;
        let written = self.written(instruction).await.map_err(|error| chain(&error))?;
        let bmc = match connect(&place.redfish).await? {
            Ok(bmc) => bmc,
            Err(refused) => return Ok(refused.into()),
        };
        // Whoever let it go had told it to restart before.
        let is_begun = issued.status == Status::Accepted;
        let restarted = self.follow_restart(&bmc, instruction, written, is_begun).await;
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
        let drained = async { reports::is_drained(&mut *self.db.look().await?, asset).await };
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
        is_begun: bool,
    ) -> Result<Ended, String> {
        self.must_be_drained(instruction.asset).await?;
        let mut is_forced = false;
        let first = match power(bmc).await {
            Ok(_) if is_begun => Ok(()),
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
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.stopping.cancelled() => return Ok(Ended::LetGo),
            }
            let state = match power(bmc).await {
                Ok(state) => state,
                Err(error @ (Error::Credentials { .. } | Error::Certificate { .. })) => {
                    return Ok(Report::Refused { reason: chain(&error) }.into());
                }
                Err(error) => {
                    tracing::debug!("{}", chain(&error));
                    None
                }
            };
            let is_on = state.as_deref() == Some("On");
            was_off |= state.is_some() && !is_on;
            if is_on && let Some(runs) = self::runs(bmc, &written).await {
                return Ok(Report::done(format!("the BMC says that the server is on again, and runs {runs}")).into());
            }
            if since.elapsed() >= RESTARTS_WITHIN {
                match (was_off, is_on, is_forced) {
                    // What it runs is read next.
                    (true, true, _) => {
                        return Ok(Report::done("the BMC said that it was off, and is on again").into());
                    }
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

/// What was written, if it runs now.
async fn runs(bmc: &Bmc, written: &Option<(VersionQuestion, String)>) -> Option<String> {
    let (question, version) = written.as_ref()?;
    let found = bmc.versions(std::slice::from_ref(question)).await.ok()?.into_iter().next()?.version;
    let is_it = found == *version || version::compare(&found, version) == Some(Ordering::Equal);
    is_it.then(|| format!("{} {found}", question.component))
}
