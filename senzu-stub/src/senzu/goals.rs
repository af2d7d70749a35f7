//! Which firmware an asset shall have: set, taken back, tried again; and how agents get at its BMC meanwhile.

use super::{Refusal, Senzu, agents::reload, audit, find, now};
use crate::{
    access::{BMC_USER, Caller},
    campaign::leases,
    dag::firmware::{Firmware, Need},
    firmware::{Planned, Wanted},
    store::{
        alerts::{self, AlertKind},
        bmcs,
        goals::{self, Goal, GoalStatus, NewGoal},
        instructions::{self, Status},
        sessions::{self, Session},
    },
};
use pious_protocol::{
    firmware::{BmcAccess, FirmwareComponent, InstalledFirmware},
    ids::{AssetId, BootId, InstructionId, UnixMs},
    instruction::Action,
    message::{AssetState, Report},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A reason is a sentence or two.
const MAX_WHY: usize = 1000;
/// Goals of an asset that are shown.
const SHOWN: u32 = 20;

/// What becomes of a certificate that a BMC did not show before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewCertificate {
    Refused,
    Believed,
}

/// What an asset shall run, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoalView {
    pub id: Uuid,
    pub wanted: Vec<Wanted>,
    /// The campaign that set it; `null`: an operator did.
    pub campaign: Option<Uuid>,
    pub why: String,
    pub asked_by: String,
    pub asked_ms: UnixMs,
    pub status: GoalStatus,
    /// Why it is so.
    pub words: Option<String>,
    pub ended_ms: Option<UnixMs>,
}

impl From<Goal> for GoalView {
    fn from(goal: Goal) -> Self {
        Self {
            id: goal.id,
            wanted: goal.wanted,
            campaign: goal.campaign,
            why: goal.why,
            asked_by: goal.asked_by,
            asked_ms: goal.asked,
            status: goal.status,
            words: goal.words,
            ended_ms: goal.ended,
        }
    }
}

/// What a component ran when it was last read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InstalledView {
    #[serde(flatten)]
    pub firmware: InstalledFirmware,
    /// The boot session that read it; `null`: Senzu did, from outside.
    pub boot: Option<BootId>,
    pub read_ms: UnixMs,
}

/// What is still to be done of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum PlanView {
    /// It runs what it shall.
    Done { component: FirmwareComponent, version: String },
    /// The versions on the way, the first one is the one that runs.
    NotDone { component: FirmwareComponent, way: Vec<String> },
    /// It can't be.
    Impossible { component: FirmwareComponent, why: String, who_acts: String },
}

impl From<Need> for PlanView {
    fn from(Need { component, planned }: Need) -> Self {
        match planned {
            Planned::Done { version } => Self::Done { component, version },
            Planned::NotDone { steps } => {
                let from = steps.first().map(|step| step.from.clone());
                Self::NotDone {
                    component,
                    way: from.into_iter().chain(steps.into_iter().map(|step| step.to)).collect(),
                }
            }
            Planned::Impossible { why, who_acts } => Self::Impossible { component, why, who_acts },
        }
    }
}

/// An asset's firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirmwareView {
    /// Newest first; at most one is not over.
    pub goals: Vec<GoalView>,
    pub installed: Vec<InstalledView>,
    /// Of the goal that is not over.
    pub plan: Vec<PlanView>,
    /// Why there is none, where there should be one.
    pub no_plan: Option<String>,
}

impl Senzu {
    /// What an asset runs, shall run, and how it gets there.
    pub async fn firmware_of(&self, id_or_name: &str) -> Result<FirmwareView, Refusal> {
        let mut conn = self.db.read().await?;
        let asset = find(&mut conn, id_or_name).await?;
        let goals = goals::of_asset(&mut conn, asset.id, SHOWN).await?;
        let installed = goals::installed(&mut conn, asset.id).await?;
        let open = goals.iter().find(|goal| matches!(goal.status, GoalStatus::Open | GoalStatus::Recovery)).cloned();
        let (plan, no_plan) = match open {
            None => (Vec::new(), None),
            Some(goal) => {
                match Firmware::load(&mut conn, goal, asset.current_boot).await?.needs(&self.firmware.recipes) {
                    Ok(needs) => (needs.into_iter().map(PlanView::from).collect(), None),
                    Err(why) => (Vec::new(), Some(why)),
                }
            }
        };
        Ok(FirmwareView {
            goals: goals.into_iter().map(GoalView::from).collect(),
            installed: installed
                .into_iter()
                .map(|installed| InstalledView {
                    firmware: installed.firmware,
                    boot: installed.boot,
                    read_ms: installed.read,
                })
                .collect(),
            plan,
            no_plan,
        })
    }

    /// Sets what an asset shall run; beans pursue it from now on.
    pub async fn set_goal(
        &self,
        by: &Caller,
        id_or_name: &str,
        wanted: &[Wanted],
        why: &str,
    ) -> Result<FirmwareView, Refusal> {
        check(wanted, why)?;
        let now = now();
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let new = NewGoal { asset: asset.id, wanted, campaign: None, why, asked_by: &by.operator };
        if goals::insert(&mut tx, &new, now).await?.is_none() {
            let words = "it is being brought to other firmware already: withdraw that first".into();
            return Err(Refusal::NotNow { asset: asset.name, words });
        }
        let what = format!("firmware wanted: {}", words_of(wanted));
        audit(&mut tx, asset.id, &by.operator, what, why).await?;
        self.engine.walk(&mut tx, asset.id, now).await?;
        self.commit(tx, asset.id).await?;
        self.firmware_of(id_or_name).await
    }

    /// Takes back what an asset shall run. What a BMC writes already is not stopped: it would be lost.
    pub async fn withdraw_goal(&self, by: &Caller, id_or_name: &str, why: &str) -> Result<FirmwareView, Refusal> {
        self.change_goal(by, id_or_name, why, "firmware goal withdrawn", async |tx, goal, now| {
            let told = instructions::told_since(tx, goal.asset, goal.since, 64).await?;
            for told in told.iter().filter(|told| told.issued.status == Status::Issued) {
                instructions::set_status(tx, told.issued.instruction.id, Status::Withdrawn, now).await?;
            }
            goals::set_status(tx, goal.id, GoalStatus::Withdrawn, why, now).await?;
            Ok(leases::goal_ended(tx, goal, GoalStatus::Withdrawn, why, now).await?)
        })
        .await
    }

    /// Tries again: a person has looked. What was tried before does not count any more, and the BMC gets a new password. The
    /// certificate that it shows next is believed only where that person says so: whoever shows it gets the password.
    pub async fn retry_goal(
        &self,
        by: &Caller,
        id_or_name: &str,
        why: &str,
        new_certificate: NewCertificate,
    ) -> Result<FirmwareView, Refusal> {
        let what = match new_certificate {
            NewCertificate::Refused => "firmware goal tried again",
            NewCertificate::Believed => "firmware goal tried again, and its BMC's next certificate is believed",
        };
        self.change_goal(by, id_or_name, why, what, async |tx, goal, now| {
            let asset = reload(tx, goal.asset).await?;
            if goal.status != GoalStatus::Recovery {
                let words = "nothing of it went wrong: it goes on by itself".into();
                return Err(Refusal::NotNow { asset: asset.name, words });
            }
            // Only an agent can set one.
            if asset.standing.state != AssetState::Baremetal {
                bmcs::renew(tx, goal.asset).await?;
            }
            if new_certificate == NewCertificate::Believed {
                bmcs::forget_certificate(tx, goal.asset).await?;
            }
            goals::reopen(tx, goal.id, now).await?;
            Ok(leases::goal_ended(tx, goal, GoalStatus::Open, why, now).await?)
        })
        .await
    }

    async fn change_goal(
        &self,
        by: &Caller,
        id_or_name: &str,
        why: &str,
        what: &str,
        change: impl AsyncFnOnce(&mut crate::store::Tx, &Goal, UnixMs) -> Result<(), Refusal>,
    ) -> Result<FirmwareView, Refusal> {
        check_why(why)?;
        let now = now();
        let mut tx = self.db.write().await?;
        let asset = find(&mut tx, id_or_name).await?;
        let goal = match Firmware::of(&mut tx, asset.id, asset.current_boot).await? {
            None => {
                let words = "nobody wants other firmware of it: PUT what it shall run".into();
                return Err(Refusal::NotNow { asset: asset.name, words });
            }
            Some(firmware) if firmware.is_writing() => {
                let words = "an update of it is under way: wait until it has ended".into();
                return Err(Refusal::NotNow { asset: asset.name, words });
            }
            Some(firmware) => firmware.goal,
        };
        change(&mut tx, &goal, now).await?;
        alerts::clear(&mut tx, asset.id, AlertKind::FirmwareRecovery, now).await?;
        audit(&mut tx, asset.id, &by.operator, what, why).await?;
        self.engine.walk(&mut tx, asset.id, now).await?;
        self.commit(tx, asset.id).await?;
        self.firmware_of(id_or_name).await
    }

    /// How an agent gets into its BMC, for one instruction that asks for it and has not ended.
    pub async fn bmc_access(&self, session: &Session, id: InstructionId) -> Result<BmcAccess, Refusal> {
        let boot = session.boot_id;
        let mut conn = self.db.read().await?;
        let issued = instructions::by_id(&mut conn, id).await?.filter(|issued| {
            let instruction = &issued.instruction;
            let is_open = matches!(issued.status, Status::Issued | Status::Accepted);
            let is_theirs = instruction.asset == session.asset && !issued.out_of_band;
            is_open && is_theirs && instruction.boot.is_none_or(|bound| bound == boot)
        });
        let issued = issued.ok_or(Refusal::NoSuchInstruction { boot, instruction: id })?;
        let bmc = bmcs::of(&mut conn, session.asset).await?;
        let generation = match issued.instruction.action {
            Action::BmcUser(user) => user.generation,
            Action::FirmwareUpdate(_) | Action::FirmwareInventory(_) => bmc.proved,
            Action::SwitchState { .. } | Action::Reboot { .. } | Action::Shutdown { .. } | Action::Unknown(_) => {
                return Err(Refusal::NoSuchInstruction { boot, instruction: id });
            }
        };
        Ok(BmcAccess {
            address: self.bmc_address(&mut conn, boot).await?,
            user: BMC_USER.into(),
            password: self.bmc_passwords.of(session.asset, generation),
            certificate_sha256: bmc.certificate_sha256,
        })
    }

    /// Where a BMC is, as its machine told last.
    pub(super) async fn bmc_address(
        &self,
        conn: &mut crate::store::Conn,
        boot: BootId,
    ) -> Result<Option<String>, Refusal> {
        let facts = sessions::facts(conn, boot).await?;
        let bmc = facts.as_ref().and_then(|stored| stored.facts.bmc.value().ok());
        let lan = bmc.and_then(|bmc| bmc.lan.value().ok()).and_then(|lan| lan.first());
        Ok(lan.and_then(|lan| lan.address).map(|address| address.to_string()))
    }

    /// What a final report tells of firmware and of its BMC.
    pub(super) async fn note_firmware(
        &self,
        tx: &mut crate::store::Tx,
        asset: AssetId,
        boot: Option<BootId>,
        action: &Action,
        report: &Report,
        now: UnixMs,
    ) -> Result<(), Refusal> {
        let Report::Done { firmware, bmc_certificate_sha256, .. } = report else { return Ok(()) };
        if let Action::BmcUser(user) = action {
            bmcs::prove(tx, asset, user.generation, now).await?;
        }
        for installed in firmware {
            goals::set_installed(tx, asset, installed, boot, now).await?;
        }
        if let Some(certificate) = bmc_certificate_sha256 {
            bmcs::pin(tx, asset, certificate).await?;
        }
        Ok(())
    }
}

impl Firmware {
    /// That of an asset, where somebody wants another.
    pub async fn of(
        conn: &mut crate::store::Conn,
        asset: AssetId,
        boot: Option<BootId>,
    ) -> Result<Option<Self>, crate::store::StoreError> {
        match goals::open_of(conn, asset).await? {
            Some(goal) => Self::load(conn, goal, boot).await.map(Some),
            None => Ok(None),
        }
    }
}

fn check(wanted: &[Wanted], why: &str) -> Result<(), Refusal> {
    check_why(why)?;
    check_wanted(wanted)
}

/// Whether what is wanted can be wanted.
pub fn check_wanted(wanted: &[Wanted]) -> Result<(), Refusal> {
    if wanted.is_empty() {
        return Err(Refusal::Empty { field: "wanted", remedy: "name at least one component and its version" });
    }
    for (index, one) in wanted.iter().enumerate() {
        if one.component == FirmwareComponent::Unknown {
            let remedy = "bmc, bios, nic, psu or drive";
            return Err(Refusal::OutOfRange { field: "wanted.component", value: "of no known kind".into(), remedy });
        }
        if one.version.trim().is_empty() {
            return Err(Refusal::Empty {
                field: "wanted.version",
                remedy: "the version to reach, as its maker writes it",
            });
        }
        if wanted.iter().take(index).any(|other| other.component == one.component) {
            let value = format!("{} twice", one.component);
            return Err(Refusal::OutOfRange { field: "wanted", value, remedy: "one version of each component" });
        }
    }
    Ok(())
}

fn check_why(why: &str) -> Result<(), Refusal> {
    match why.chars().count() {
        0 => Err(Refusal::Empty { field: "why", remedy: "it stands in the audit" }),
        count if count > MAX_WHY => Err(Refusal::TooMany { what: "why", count, max: MAX_WHY }),
        _ => Ok(()),
    }
}

/// As people read it.
pub fn words_of(wanted: &[Wanted]) -> String {
    let one = |wanted: &Wanted| {
        let downgrade = if wanted.downgrade { " (a downgrade, if need be)" } else { "" };
        format!("{} {}{downgrade}", wanted.component, wanted.version)
    };
    wanted.iter().map(one).collect::<Vec<_>>().join(", ")
}
