//! What beans may look at of an asset's firmware.

use crate::campaign::SlotState;
use crate::firmware::{ArtifactInfo, Machine, Planned, Recipes, plan};
use crate::store::{
    Conn, StoreError,
    artifacts::{self, Artifact},
    assets,
    bmcs::{self, Bmc},
    goals::{self, Goal, Installed},
    instructions::{self, Status, Told},
    sessions,
};
use pious_protocol::{
    facts::{Facts, Observed},
    firmware::{FirmwareComponent, FlashPhase, InstalledFirmware},
    ids::{BootId, UnixMs},
    instruction::Action,
    message::{AssetState, Report},
    version,
};
use std::{cmp::Ordering, net::IpAddr};

/// What was told that beans look back on: a few tries of four components' steps.
const LOOK_BACK: u32 = 64;

/// An asset's firmware at one moment; there is none to look at where nobody wants another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    pub goal: Goal,
    pub bmc: Bmc,
    /// How its facts know that it has none.
    pub no_bmc: Option<String>,
    /// What its components ran when they were last read.
    pub installed: Vec<Installed>,
    /// What beans told it since the goal was set or asked to be tried again, newest first; also in earlier boots.
    pub told: Vec<Told>,
    /// Who made the machine, and what; `None`: it has not told.
    pub machine: Option<Machine>,
    /// The BIOS's version as the machine's own SMBIOS has it (type 0).
    pub bios: Option<String>,
    /// The images that there are of what is wanted.
    pub artifacts: Vec<Artifact>,
    /// Whether it may be written to now.
    pub slot: SlotState,
    /// It serves, and no agent runs on it: Senzu reads and writes itself, through the BMC.
    pub out_of_band: bool,
}

/// What one component still needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub component: FirmwareComponent,
    pub planned: Planned,
}

impl Firmware {
    pub async fn load(conn: &mut Conn, goal: Goal, boot: Option<BootId>) -> Result<Self, StoreError> {
        let facts = match boot {
            Some(boot) => sessions::facts(conn, boot).await?.map(|stored| stored.facts),
            None => None,
        };
        let asset = assets::by_id(conn, goal.asset).await?;
        let out_of_band = asset.is_some_and(|asset| asset.standing.state == AssetState::Baremetal);
        let components: Vec<_> = goal.wanted.iter().map(|wanted| wanted.component).collect();
        Ok(Self {
            bmc: bmcs::of(conn, goal.asset).await?,
            no_bmc: facts.as_ref().and_then(no_bmc).map(str::to_owned),
            installed: goals::installed(conn, goal.asset).await?,
            told: instructions::told_since(conn, goal.asset, goal.since, LOOK_BACK).await?,
            machine: facts.as_ref().and_then(machine),
            // What a machine that serves told in its last boot with PIOUS is old.
            bios: facts.as_ref().filter(|_| !out_of_band).and_then(bios),
            artifacts: artifacts::of_components(conn, &components).await?,
            slot: SlotState::Free,
            out_of_band,
            goal,
        })
    }

    /// What each component that is wanted needs, in the order in which they are updated. `Err`: nobody can say, and why.
    pub fn needs(&self, recipes: &Recipes) -> Result<Vec<Need>, String> {
        let machine = self.machine.as_ref().ok_or("the machine has not told who made it (SMBIOS type 1)")?;
        let installed: Vec<InstalledFirmware> =
            self.installed.iter().map(|installed| installed.firmware.clone()).collect();
        let artifacts: Vec<_> = self.artifacts.iter().map(ArtifactInfo::from).collect();
        let planned = plan(&self.goal.wanted, &installed, machine, recipes, &artifacts);
        Ok(planned.into_iter().map(|(component, planned)| Need { component, planned }).collect())
    }

    /// Whether a component was read by this boot session; out of band: by Senzu, since something may have changed it.
    pub fn is_read_in(&self, component: FirmwareComponent, boot: Option<BootId>) -> bool {
        let mut reads = self.installed.iter().filter(|installed| installed.firmware.component == component);
        reads.any(|installed| match self.out_of_band {
            true => installed.boot.is_none() && installed.read >= self.doubted(),
            false => installed.boot == boot,
        })
    }

    /// Whether what was told counts for the boot that the asset is in. From outside, a boot ends with a restart that is
    /// done.
    pub fn is_of_boot(&self, told: &Told, boot: Option<BootId>) -> bool {
        let sequence = told.issued.instruction.sequence;
        let ends_it = |later: &Told| {
            let issued = &later.issued;
            let is_restart = matches!(issued.instruction.action, Action::Reboot { .. });
            issued.out_of_band && is_restart && issued.status == Status::Done && issued.instruction.sequence >= sequence
        };
        match self.out_of_band {
            true => told.issued.out_of_band && !self.told.iter().any(ends_it),
            false => told.issued.instruction.boot == boot,
        }
    }

    /// Whether what was told to be read may tell what runs now.
    pub fn is_read_anew_by(&self, told: &Told, boot: Option<BootId>) -> bool {
        match self.out_of_band {
            true => told.issued.out_of_band && told.issued.instruction.issued_ms >= self.doubted(),
            false => told.issued.instruction.boot == boot,
        }
    }

    /// What Senzu read before this moment may not be so any more: an update or a restart ended then, or nobody knows how
    /// it ended; or a person has looked since.
    fn doubted(&self) -> UnixMs {
        let changes = self.told.iter().filter(|told| match (&told.issued.instruction.action, told.issued.status) {
            (Action::FirmwareUpdate(_), status) => matches!(status, Status::Done | Status::Expired),
            (Action::Reboot { .. }, status) => matches!(status, Status::Done | Status::Expired | Status::Failed),
            _ => false,
        });
        changes.map(|told| told.issued.changed).fold(self.goal.since, UnixMs::max)
    }

    /// Whether the agent may be writing right now: it took an update, and this boot has not ended it.
    pub fn is_writing(&self) -> bool {
        let is_update = |told: &&Told| matches!(told.issued.instruction.action, Action::FirmwareUpdate(_));
        self.told.iter().filter(is_update).any(|told| told.issued.status == Status::Accepted)
    }

    /// Whether a BMC may have an image of which nobody has read yet what became of it: that is not stopped any more.
    pub fn is_half_way(&self) -> bool {
        let runs = |component: FirmwareComponent, wanted: &str| {
            let read = self.installed.iter().find(|installed| installed.firmware.component == component);
            // `2.11` is `2.11.0`: what a BMC writes is not what its maker does.
            let is_it = |runs: &str| runs == wanted || version::compare(runs, wanted) == Some(Ordering::Equal);
            read.is_some_and(|installed| is_it(&installed.firmware.version))
        };
        self.told.iter().any(|told| match &told.issued.instruction.action {
            Action::FirmwareUpdate(update) => match told.issued.status {
                Status::Accepted => told.phase().is_some_and(|phase| phase >= FlashPhase::HandingOver),
                Status::Done => !runs(update.component, &update.version) && self.is_newest_update(told),
                Status::Issued | Status::Failed | Status::Refused | Status::Expired | Status::Withdrawn => false,
            },
            _ => false,
        })
    }

    fn is_newest_update(&self, told: &Told) -> bool {
        let is_update = |told: &&Told| matches!(told.issued.instruction.action, Action::FirmwareUpdate(_));
        self.told.iter().find(is_update) == Some(told)
    }

    /// What a bean told last.
    pub fn newest_of(&self, bean: &str) -> Option<&Told> {
        self.told.iter().find(|told| told.issued.issuer == bean)
    }

    /// How much of what a bean told came to nothing.
    pub fn attempts(&self, bean: &str) -> u32 {
        let vain = |told: &&Told| {
            told.issued.issuer == bean
                && matches!(told.issued.status, Status::Failed | Status::Refused | Status::Expired)
        };
        u32::try_from(self.told.iter().filter(vain).count()).unwrap_or(u32::MAX)
    }
}

impl Told {
    /// How it ended, in words.
    pub fn ending(&self) -> String {
        match &self.last {
            Some(Report::Failed { reason }) => format!("failed: {reason}"),
            Some(Report::Refused { reason }) => format!("refused: {reason}"),
            Some(Report::Done { evidence, .. }) => evidence.clone().unwrap_or_else(|| "done".into()),
            Some(Report::Accepted | Report::Progress { .. } | Report::Unknown) | None => match self.issued.status {
                Status::Expired => "nobody ended it: whoever had it is gone, or it was not taken in time".into(),
                status => crate::store::word(&status),
            },
        }
    }

    /// How far the newest report says it is.
    pub fn phase(&self) -> Option<FlashPhase> {
        match &self.progress {
            Some(Report::Progress { phase, .. }) => *phase,
            Some(_) | None => None,
        }
    }
}

/// Who made a machine, by its facts.
pub fn machine(facts: &Facts) -> Option<Machine> {
    let system = facts.smbios.value().ok()?.system.as_ref()?;
    Some(Machine { manufacturer: system.manufacturer.clone()?, model: system.product.clone()? })
}

/// How facts know that a machine has no BMC. One that could not be asked is there, and one without IPMI may be spoken to by
/// the network card that SMBIOS has of it (type 42).
pub fn no_bmc(facts: &Facts) -> Option<&str> {
    let has_door = facts.smbios.value().is_ok_and(|smbios| !smbios.host_interfaces.is_empty());
    match &facts.bmc {
        Observed::Nothing { reason } if !has_door => Some(reason),
        Observed::Nothing { .. } | Observed::Seen { .. } | Observed::Absent { .. } => None,
    }
}

/// Where a machine's BMC is, by its facts.
pub fn bmc_address(facts: &Facts) -> Option<IpAddr> {
    let lan = facts.bmc.value().ok()?.lan.value().ok()?;
    lan.first()?.address.filter(|address| !address.is_unspecified())
}

fn bios(facts: &Facts) -> Option<String> {
    facts.smbios.value().ok()?.bios.as_ref()?.version.clone()
}
