//! A server whose agent does as it is told, as far as Senzu sees one: its BMC, its BIOS, and what goes wrong with them.

use crate::{agent::Agent, world::World};
use pious_protocol::{
    facts::{Bios, Bmc, BmcDevice, BmcLan, Facts, HostInterface, Observed, System},
    firmware::{BmcAccess, FirmwareComponent, FlashPhase, InstalledFirmware},
    instruction::{Action, FirmwareUpdate, Instruction},
    message::Report,
};
use reqwest::{Method, StatusCode};
use std::{collections::BTreeMap, net::IpAddr};

/// A server that is up, with the versions that its components run.
pub struct Server {
    pub agent: Agent,
    pub runs: BTreeMap<FirmwareComponent, String>,
    /// What is written and runs from the next start on.
    pub staged: BTreeMap<FirmwareComponent, String>,
    /// What it was told, in words, in order.
    pub told: Vec<String>,
    /// Where its BMC is, if it tells.
    pub bmc: Option<IpAddr>,
    /// SHA-256 of the certificate that its BMC shows.
    pub certificate: String,
    generation: u64,
}

impl Server {
    /// `r1-u12`, held and SPARE, with a BMC of 2.10.0 and a BIOS of 2.1.0.
    pub async fn spare(world: &World) -> Self {
        Self::with_bmc(world, None, "ab".repeat(32)).await
    }

    /// The same, whose BMC is somewhere.
    pub async fn with_bmc(world: &World, bmc: Option<IpAddr>, certificate: String) -> Self {
        Self::of(Agent::u12(world), bmc, certificate).await
    }

    /// Another such server.
    pub async fn of(agent: Agent, bmc: Option<IpAddr>, certificate: String) -> Self {
        let runs = [(FirmwareComponent::Bmc, "2.10.0"), (FirmwareComponent::Bios, "2.1.0")];
        let mut server = Self {
            agent,
            runs: runs.map(|(component, version)| (component, version.to_owned())).into(),
            staged: BTreeMap::new(),
            told: Vec::new(),
            bmc,
            certificate,
            generation: 0,
        };
        server.boots().await;
        server
    }

    fn facts(&self) -> Facts {
        let mut facts = self.agent.facts();
        let mut smbios = facts.smbios.value().unwrap().clone();
        let system = smbios.system.take().unwrap();
        smbios.system =
            Some(System { manufacturer: Some("PIOUS".into()), product: Some("Lab Server".into()), ..system });
        // There is a BMC, whether or not it tells where.
        smbios.host_interfaces = vec![HostInterface::default()];
        smbios.bios = Some(Bios { version: self.runs.get(&FirmwareComponent::Bios).cloned(), ..Bios::default() });
        facts.smbios = Observed::seen("test", smbios);
        if let Some(address) = self.bmc {
            let lan = BmcLan { address: Some(address), ..BmcLan::default() };
            let none = "a BMC of few words";
            let bmc = Bmc {
                lan: Observed::seen("test", vec![lan]),
                event_log: Observed::nothing(none),
                sensors: Observed::nothing(none),
                power_supplies: Observed::nothing(none),
                chassis: Observed::nothing(none),
                frus: Observed::nothing(none),
                device: Observed::seen("test", BmcDevice::default()),
            };
            facts.bmc = Observed::seen("test", bmc);
        }
        facts
    }

    /// A new boot session, with whatever was written by then.
    pub async fn boots(&mut self) {
        self.runs.append(&mut self.staged);
        self.agent = self.agent.reboot();
        self.agent.boots().await;
        self.tells_facts().await;
    }

    pub async fn tells_facts(&mut self) {
        self.generation += 1;
        let mut report = self.agent.report_of_facts(self.generation);
        report.facts = self.facts();
        let answer = self.agent.session(Method::PUT, "/facts").json(&report).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// What it is told now, in words; nothing is done.
    pub async fn next(&mut self, world: &World) -> Option<Instruction> {
        let instruction = self.agent.instructions(world).await.into_iter().next()?;
        self.told.push(match &instruction.action {
            Action::FirmwareUpdate(update) => format!("{} to {}", update.component, update.version),
            action => action.kind().to_owned(),
        });
        Some(instruction)
    }

    /// The first update that it is told, with nothing of it done.
    pub async fn next_update(&mut self, world: &World) -> Instruction {
        loop {
            let instruction = self.next(world).await.expect("an update");
            match instruction.action {
                Action::FirmwareUpdate(_) => return instruction,
                _ => self.does(&instruction).await,
            }
        }
    }

    /// Does what it is told until it is told nothing more, or to restart or to power off: that is answered, and not done.
    pub async fn obeys(&mut self, world: &World) {
        while let Some(instruction) = self.next(world).await {
            match &instruction.action {
                Action::FirmwareUpdate(update) => self.updates(&instruction, update).await,
                Action::Reboot { .. } | Action::Shutdown { .. } => {
                    return self.agent.reports(&instruction, Report::done("now")).await;
                }
                _ => self.does(&instruction).await,
            }
        }
    }

    /// Does what changes no firmware.
    pub async fn does(&self, instruction: &Instruction) {
        self.agent.reports(instruction, Report::Accepted).await;
        let report = match &instruction.action {
            Action::FirmwareInventory(read) => {
                self.read(read.components.iter().map(|question| question.component), "read")
            }
            _ => self.read([], "done"),
        };
        self.agent.reports(instruction, report).await;
    }

    /// An update as it should go.
    pub async fn updates(&mut self, instruction: &Instruction, update: &FirmwareUpdate) {
        self.hands_over(instruction).await;
        let FirmwareUpdate { component, version, .. } = update;
        match component {
            FirmwareComponent::Bios => self.staged.insert(*component, version.clone()),
            _ => self.runs.insert(*component, version.clone()),
        };
        let read = if *component == FirmwareComponent::Bios { None } else { Some(*component) };
        self.agent.reports(instruction, self.read(read, "written")).await;
    }

    /// Takes it, and gets the last permission.
    pub async fn hands_over(&self, instruction: &Instruction) {
        self.agent.reports(instruction, Report::Accepted).await;
        self.agent.reports(instruction, at(FlashPhase::HandingOver)).await;
    }

    /// Done, with what these components run.
    pub fn read(&self, components: impl IntoIterator<Item = FirmwareComponent>, evidence: &str) -> Report {
        let firmware = components.into_iter().map(|component| InstalledFirmware {
            component,
            version: self.runs[&component].clone(),
            source: "FirmwareInventory".into(),
        });
        Report::Done {
            evidence: Some(evidence.into()),
            firmware: firmware.collect(),
            bmc_certificate_sha256: Some(self.certificate.clone()),
        }
    }

    /// How it gets into its BMC; the status that Senzu answers.
    pub async fn bmc_access(&self, instruction: &Instruction) -> Result<BmcAccess, StatusCode> {
        let path = format!("/instructions/{}/bmc-access", instruction.id);
        let answer = self.agent.session(Method::POST, &path).send().await.unwrap();
        match answer.status() {
            StatusCode::OK => Ok(answer.json().await.unwrap()),
            status => Err(status),
        }
    }
}

/// Progress of an update.
pub fn at(phase: FlashPhase) -> Report {
    Report::Progress { percent: 40, words: "writes".into(), phase: Some(phase) }
}
