//! Signals of the fleet as a whole: who should speak and does not, checks that change their mind, and which versions run.

use crate::{
    dag,
    senzu::{Refusal, Senzu, now},
    store::{
        Conn, During, StoreError,
        alerts::{self, AlertKind},
        fleet,
    },
};
use pious_protocol::{
    facts::Facts,
    finding::Finding,
    ids::{AssetId, UnixMs},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// How long a check is watched for changing its mind, and how many changes in that time are too many. A cable that is moved
/// changes its checks twice; one with a loose plug, every minute.
const FLAPPING_WITHIN: Duration = Duration::from_secs(3600);
const FLAPPING_FROM: u64 = 6;
/// How far behind the last look the next one begins.
const LOOK_BACK_MS: u64 = 60_000;
/// How many assets are looked at in one go.
const AT_ONCE: u32 = 500;

/// The fleet in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FleetView {
    /// How many assets there are in each state.
    pub states: Vec<CountView>,
    /// How many stand at each evaluation.
    pub evaluations: Vec<CountView>,
    /// The agents of the newest boot of each asset, most first.
    pub agent_versions: Vec<VersionView>,
    /// The firmware that was last seen, by component and product, most first.
    pub firmware_versions: Vec<VersionView>,
    /// Who should speak and does not, longest silent first, at most 1000.
    pub silent: Vec<SilentView>,
    /// Checks that change their mind, at most 1000.
    pub flapping: Vec<FlappingView>,
}

/// How many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountView {
    pub name: String,
    pub assets: u64,
}

/// How many have a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// `agent`, `bios`, `bmc`.
    pub component: String,
    /// Of firmware: the system's product.
    pub product: Option<String>,
    pub version: String,
    pub assets: u64,
}

/// An asset that should speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SilentView {
    pub asset: AssetId,
    pub name: String,
    pub last_seen_ms: UnixMs,
}

/// A check that changes its mind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlappingView {
    pub asset: AssetId,
    pub name: String,
    /// The check, and what it was checked on.
    pub check: String,
    pub since_ms: UnixMs,
}

impl Senzu {
    /// The fleet in numbers.
    pub async fn fleet(&self) -> Result<FleetView, Refusal> {
        const SHOWN: u32 = 1000;
        let mut tx = self.db.read().await?;
        let count = |(name, assets)| CountView { name, assets };
        let firmware = fleet::firmware_versions(&mut tx).await?;
        let agents = fleet::agent_versions(&mut tx).await?;
        Ok(FleetView {
            states: fleet::count_by(&mut tx, fleet::By::State).await?.into_iter().map(count).collect(),
            evaluations: fleet::count_by(&mut tx, fleet::By::Evaluation).await?.into_iter().map(count).collect(),
            agent_versions: agents
                .into_iter()
                .map(|(version, assets)| VersionView { component: "agent".into(), product: None, version, assets })
                .collect(),
            firmware_versions: firmware
                .into_iter()
                .map(|(component, product, version, assets)| VersionView {
                    component,
                    product: Some(product),
                    version,
                    assets,
                })
                .collect(),
            silent: fleet::open_silent(&mut tx, SHOWN).await?,
            flapping: fleet::open_flapping(&mut tx, SHOWN).await?,
        })
    }

    /// After how long without a word an asset is missed: two and a half reports, so that one that was lost does not count.
    pub fn missed_after(&self) -> Duration {
        Duration::from_secs(u64::from(self.facts_period_s())) * 5 / 2
    }

    /// Looks for assets that should speak and do not. Those alone are looked at that were last heard from `since` on; answers
    /// from when on to look next. From the epoch on, it looks at all: most assets of a fleet are powered off, and were looked
    /// at when they fell silent.
    pub async fn miss_silent(&self, since: UnixMs) -> Result<UnixMs, StoreError> {
        let now = now();
        let before = earlier(now, self.missed_after());
        let silent = fleet::newly_silent(&mut *self.db.look().await?, since, before, AT_ONCE).await?;
        let is_all = silent.len() < usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        let next = match silent.last().filter(|_| !is_all) {
            Some((last, _)) => last.last_seen_ms,
            // A report that overtook another: look at a while of it again.
            None => UnixMs(before.0.saturating_sub(LOOK_BACK_MS)),
        };
        if silent.is_empty() {
            return Ok(next);
        }
        let mut tx = self.db.write().await?;
        for (SilentView { asset, last_seen_ms, .. }, boot) in &silent {
            let seconds = now.0.saturating_sub(last_seen_ms.0) / 1000;
            let words = format!(
                "not heard for {seconds} s, and it should speak every {} s: is it on, and is its network?",
                self.facts_period_s()
            );
            alerts::raise(&mut tx, *asset, AlertKind::Silent, boot, &words, now).await?;
        }
        tx.commit().await.during("commit who is silent")?;
        silent.iter().for_each(|(silent, _)| self.wake(silent.asset));
        Ok(next)
    }

    /// Looks for checks that are quiet again.
    pub async fn calm_flapping(&self) -> Result<(), StoreError> {
        let now = now();
        let since = earlier(now, FLAPPING_WITHIN);
        let quiet = fleet::quiet_again(&mut *self.db.look().await?, since, AT_ONCE).await?;
        if quiet.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.write().await?;
        for FlappingView { asset, check, .. } in &quiet {
            alerts::clear_where(&mut tx, *asset, AlertKind::Flapping, |object| object == check, now).await?;
        }
        fleet::forget_changes(&mut tx, since).await?;
        tx.commit().await.during("commit which checks are quiet")
    }
}

/// So long before.
fn earlier(now: UnixMs, by: Duration) -> UnixMs {
    UnixMs(now.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}

/// Counts the checks whose verdict changed, and raises the alert of those that do so too often. A check that is new, or
/// gone, has not changed its mind.
pub async fn note_verdicts(
    conn: &mut Conn,
    asset: AssetId,
    before: &[Finding],
    after: &[Finding],
    now: UnixMs,
) -> Result<(), StoreError> {
    let since = earlier(now, FLAPPING_WITHIN);
    for finding in after {
        let was = before.iter().find(|was| was.check == finding.check && was.subject == finding.subject);
        if was.is_none_or(|was| was.verdict == finding.verdict) {
            continue;
        }
        let subject = finding.subject.as_deref().map(|subject| format!(" of {subject}")).unwrap_or_default();
        let object = format!("{}{subject}", finding.check);
        fleet::insert_change(conn, asset, &object, now).await?;
        let changes = fleet::count_changes(conn, asset, &object, since).await?;
        if changes >= FLAPPING_FROM {
            let words = format!("{object} changed its verdict {changes} times within an hour: look for a loose part");
            alerts::raise(conn, asset, AlertKind::Flapping, &object, &words, now).await?;
        }
    }
    Ok(())
}

/// Notes which machine an asset is, where its BMC is, and the firmware that it shows.
pub async fn note_machine(conn: &mut Conn, asset: AssetId, facts: &Facts) -> Result<(), StoreError> {
    if let Some(machine) = dag::firmware::machine(facts) {
        fleet::set_machine(conn, asset, &machine, dag::firmware::bmc_address(facts)).await?;
    }
    let smbios = facts.smbios.value().ok();
    let product = smbios.and_then(|smbios| smbios.system.as_ref()?.product.clone()).unwrap_or_default();
    let bios = smbios.and_then(|smbios| smbios.bios.as_ref()?.version.clone());
    let device = facts.bmc.value().ok().and_then(|bmc| bmc.device.value().ok());
    let bmc = device.map(|device| device.firmware_version.clone());
    for (component, version) in [("bios", bios), ("bmc", bmc)] {
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            fleet::set_firmware(conn, asset, component, &product, &version).await?;
        }
    }
    Ok(())
}
