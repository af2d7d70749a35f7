//! Machines whose firmware is updated, and the people who ask for that.

use crate::{
    agent::{Agent, done},
    world::World,
};
use pious_protocol::{
    facts::{HostInterface, Observed},
    firmware::{FirmwareComponent, FlashPhase, InstalledFirmware},
    instruction::{Action, Instruction},
    message::Report,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Machines of a campaign.
pub const COUNT: usize = 12;
/// What Senzu does by itself it does within seconds.
const SOON: Duration = Duration::from_secs(60);
const OLD: &str = "1.0";
pub const NEW: &str = "2.0";

/// How a machine's BMC takes an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bmc {
    Good,
    /// It says no, once it has the image.
    Bad,
}

/// A machine whose agent the test plays.
#[derive(Clone)]
pub struct Server {
    pub agent: Agent,
    pub name: String,
    /// What it has firmware of.
    pub component: FirmwareComponent,
    pub version: String,
    pub bmc: Bmc,
}

fn name(number: usize) -> String {
    format!("c-u{number:02}")
}

/// Machines that are held, so that they stay on.
fn import(count: usize) -> String {
    let mut text = "[[profiles]]\nname = \"demo\"\nversion = 1\n[profiles.memory]\ndimms = 1\n".to_owned();
    for number in 1..=count {
        text.push_str(&format!(
            "[[assets]]\nname = \"{}\"\nserial = \"CAMPAIGN-{number:02}\"\nprofile = \"demo\"\nheld = \"operations\"\n\
             [[assets.links]]\nnic = \"52:54:00:0c:00:{number:02x}\"\nswitch = \"r1-sw1\"\nport = \"Ethernet{number}\"\n\
             native_vlan = 10\n",
            name(number)
        ));
    }
    text
}

/// A Senzu with so many machines, all of them up and SPARE.
pub async fn fleet(count: usize) -> (World, Vec<Server>) {
    let mut world = World::empty();
    world.import(&import(count));
    world.serve();
    let mut servers = Vec::new();
    for number in 1..=count {
        let nic = format!("52:54:00:0c:00:{number:02x}");
        let agent = Agent::new(&world, &format!("CAMPAIGN-{number:02}"), &nic, &format!("Ethernet{number}"));
        let mut server = Server {
            agent,
            name: name(number),
            component: FirmwareComponent::Bmc,
            version: OLD.into(),
            bmc: Bmc::Good,
        };
        server.boots().await;
        servers.push(server);
    }
    (world, servers)
}

impl Server {
    pub async fn boots(&mut self) {
        self.agent.boots().await;
        let mut report = self.agent.report_of_facts(1);
        let mut smbios = report.facts.smbios.value().unwrap().clone();
        let system = smbios.system.as_mut().unwrap();
        (system.manufacturer, system.product) = (Some("PIOUS".into()), Some("Lab Server".into()));
        smbios.host_interfaces = vec![HostInterface::default()];
        report.facts.smbios = Observed::seen("test", smbios);
        let answer = self.agent.session(Method::PUT, "/facts").json(&report).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    fn read(&self) -> Report {
        let component = self.component;
        let read = InstalledFirmware { component, version: self.version.clone(), source: "a test".into() };
        Report::Done { evidence: None, firmware: vec![read], bmc_certificate_sha256: None }
    }

    /// Does what is asked until it is asked to update or for nothing more; answers the update.
    pub async fn reads(&self, world: &World) -> Option<Instruction> {
        loop {
            let instruction = self.agent.instructions(world).await.into_iter().next()?;
            match &instruction.action {
                Action::BmcUser(_) => self.agent.reports(&instruction, done()).await,
                Action::FirmwareInventory(_) => self.agent.reports(&instruction, self.read()).await,
                Action::FirmwareUpdate(_) => return Some(instruction),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The update that it is told, as soon as it is.
    pub async fn is_told(&self, world: &World) -> Instruction {
        let begun = Instant::now();
        loop {
            if let Some(update) = self.reads(world).await {
                return update;
            }
            assert!(begun.elapsed() < SOON, "{} is told nothing", self.name);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn progresses(&self, update: &Instruction, phase: FlashPhase) -> StatusCode {
        let report = Report::Progress { percent: 10, words: "a test".into(), phase: Some(phase) };
        self.agent.send_report(update, &report).await.status()
    }

    /// Updates, once it may: hands the image over, and says how that ended.
    pub async fn updates(&mut self, update: &Instruction) {
        self.agent.reports(update, Report::Accepted).await;
        assert_eq!(self.progresses(update, FlashPhase::HandingOver).await, StatusCode::NO_CONTENT);
        self.ends(update).await;
    }

    pub async fn ends(&mut self, update: &Instruction) {
        match self.bmc {
            Bmc::Good => {
                self.version = NEW.into();
                self.agent.reports(update, self.read()).await;
            }
            Bmc::Bad => self.agent.reports(update, Report::Failed { reason: "the BMC says no".into() }).await,
        }
    }
}

/// Those that make and approve campaigns.
pub struct People {
    pub maker: String,
    pub checker: String,
}

impl People {
    pub async fn of(world: &World) -> Self {
        // The maker may approve, only not what they made themselves.
        Self { maker: world.token_of("mia", "approver").await, checker: world.token_of("cem", "approver").await }
    }

    pub async fn acts(&self, world: &World, id: &str, act: &str) -> Value {
        let token = if act == "approve" { &self.checker } else { &self.maker };
        let path = format!("/v1/campaigns/{id}/{act}");
        let answer = world.ask(token, Method::POST, &path, json!({"why": "a test"})).await;
        assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
        answer.json().await.unwrap()
    }

    pub async fn makes(&self, world: &World, spec: Value) -> String {
        let ask = json!({"spec": spec, "why": "CVE-2026-1234"});
        let made = world.ask(&self.maker, Method::POST, "/v1/campaigns", ask).await;
        assert_eq!(made.status(), StatusCode::OK, "{:?}", made.text().await);
        made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Makes one, approves it and starts it.
    pub async fn starts(&self, world: &World, spec: Value) -> String {
        let id = self.makes(world, spec).await;
        self.acts(world, &id, "approve").await;
        self.acts(world, &id, "start").await;
        id
    }
}

/// Waits until there is something.
pub async fn until<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < SOON, "it does not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// An image of the new version, as if somebody had imported it.
pub async fn image(world: &World) {
    image_of(world, FirmwareComponent::Bmc, &"ab".repeat(32)).await;
}

pub async fn image_of(world: &World, component: FirmwareComponent, sha256: &str) {
    let component = component.name();
    world
        .change(&format!(
            "INSERT INTO artifacts (sha256, size_bytes, vendor, model, component, version, signature, release_note,
                 severity, file_name, added_by, added_ms, image_ms)
             VALUES ('{sha256}', 1, 'PIOUS', '*', '{component}', '{NEW}', '', '', 'critical', 'a.bin', 'a test', 1, 1)"
        ))
        .await;
}

/// Everybody's BMC to the new version; waves and caps as given.
pub fn spec(waves: Value, caps: Value) -> Value {
    json!({
        "name": "BMC 2.0", "query": {"manufacturer": "pious", "model": "Lab*"},
        "wanted": [{"component": "bmc", "version": NEW}], "waves": waves, "caps": caps,
    })
}

pub async fn campaign(world: &World, id: &str) -> Value {
    world.get(&format!("/v1/campaigns/{id}")).await
}

/// `[wave, status]` of a member.
pub async fn member(world: &World, id: &str, name: &str) -> Value {
    let detail = campaign(world, id).await;
    let members = detail["members"].as_array().unwrap();
    let one = members.iter().find(|member| member["name"] == name).unwrap();
    json!([one["wave"], one["status"]])
}

/// Waits until a campaign is so.
pub async fn becomes(world: &World, id: &str, status: &str) -> Value {
    until(async || Some(campaign(world, id).await).filter(|detail| detail["campaign"]["status"] == status)).await
}
