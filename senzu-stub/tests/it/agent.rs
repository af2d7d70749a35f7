//! An agent, as far as Senzu sees one.

use crate::world::{World, mac};
use pious_protocol::{
    facts::{
        Facts, FirmwareMode, Kernel, Link, LldpId, Memory, MemoryDevice, Neighbour, Neighbours, Nic, Observed, Smbios,
        System,
    },
    identity::Fingerprint,
    ids::{BootId, Generation},
    instruction::Instruction,
    message::{
        BootEvent, FactsAnswer, FactsReport, InstructionsAnswer, PromotionAsk, PromotionRequest, Report, TimelineEntry,
        Whoami,
    },
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use uuid::Uuid;

/// A machine and the boot session that it is in.
#[derive(Clone)]
pub struct Agent {
    pub boot: BootId,
    pub serial: String,
    pub nic: String,
    /// The switch port that its cable is in.
    pub port: String,
    pub token: String,
    pub base: String,
    pub client: Client,
}

impl Agent {
    /// `r1-u10` of the import, cabled as planned, before its BOOT_EVENT.
    pub fn u10(world: &World) -> Self {
        Self::new(world, "PIOUS-R1-U10", "52:54:00:01:10:01", "Ethernet1")
    }

    /// `r1-u12` of the import, which is held; cabled as planned.
    pub fn u12(world: &World) -> Self {
        Self::new(world, "PIOUS-R1-U12", "52:54:00:01:12:01", "Ethernet2")
    }

    /// The same, SPARE by now; it stays on because it is held.
    pub async fn spare(world: &World) -> Self {
        let mut agent = Self::u12(world);
        agent.boots().await;
        agent.tells_facts(1).await;
        agent
    }

    pub fn new(world: &World, serial: &str, nic: &str, port: &str) -> Self {
        Self {
            boot: BootId(Uuid::now_v7()),
            serial: serial.into(),
            nic: nic.into(),
            port: port.into(),
            token: String::new(),
            base: world.url(""),
            client: world.client(),
        }
    }

    /// The same machine in another boot session.
    pub fn reboot(&self) -> Self {
        Self { boot: BootId(Uuid::now_v7()), token: String::new(), ..self.clone() }
    }

    /// The same session, after Senzu was served anew.
    pub fn at(&self, world: &World) -> Self {
        Self { base: world.url(""), client: world.client(), ..self.clone() }
    }

    pub fn facts(&self) -> Facts {
        let id = |subtype: &str, value: &str| LldpId { subtype: subtype.into(), value: value.into() };
        let neighbour = Neighbour {
            chassis_id: id("mac_address", "52:54:00:aa:00:01"),
            port_id: id("interface_name", &self.port),
            ttl_s: 120,
            system_name: Some("r1-sw1".into()),
            native_vlan: Some(10),
            ..Neighbour::default()
        };
        Facts {
            firmware_mode: FirmwareMode::Uefi,
            smbios: Observed::seen(
                "test",
                Smbios {
                    system: Some(System { serial: Some(self.serial.clone()), ..System::default() }),
                    memory_devices: vec![MemoryDevice {
                        locator: Some("DIMM 0".into()),
                        populated: true,
                        size_bytes: Some(1 << 28),
                        ..MemoryDevice::default()
                    }],
                    ..Smbios::default()
                },
            ),
            memory: Observed::seen("test", Memory { total_bytes: 1 << 28, ..Memory::default() }),
            nics: vec![Nic {
                name: "eth0".into(),
                mac: Some(mac(&self.nic)),
                permanent_mac: Some(mac(&self.nic)),
                link: Link::Up,
                neighbours: Neighbours::Heard(vec![neighbour]),
                ..Nic::default()
            }],
            kernel: Kernel { release: "6.1.0".into(), ..Kernel::default() },
            memory_errors: Observed::nothing("a virtual machine"),
            pci: Observed::nothing("a machine without PCI"),
            bmc: Observed::nothing("a machine without a BMC"),
            sensors: Observed::nothing("a virtual machine"),
            ..Facts::default()
        }
    }

    pub fn boot_event(&self) -> BootEvent {
        BootEvent {
            protocol: 1,
            boot_id: self.boot,
            fingerprint: Fingerprint::of(&self.facts()),
            firmware_mode: FirmwareMode::Uefi,
            agent_version: "0.1.0".into(),
            timeline: vec![TimelineEntry { phase: "kernel".into(), at_ms: 0 }],
            last_words: None,
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A session route's request, with the token.
    pub fn session(&self, method: Method, rest: &str) -> RequestBuilder {
        self.request(method, &format!("/v1/sessions/{}{rest}", self.boot)).bearer_auth(&self.token)
    }

    pub async fn send_boot_event(&self, event: &BootEvent) -> Response {
        self.request(Method::POST, "/v1/boot-events").json(event).send().await.unwrap()
    }

    /// BOOT_EVENT → whoami; keeps the token.
    pub async fn boots(&mut self) -> Whoami {
        let answer = self.send_boot_event(&self.boot_event()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
        let whoami: Whoami = answer.json().await.unwrap();
        self.token = whoami.session_token.clone();
        whoami
    }

    pub fn report_of_facts(&self, generation: u64) -> FactsReport {
        FactsReport { generation: Generation(generation), facts: self.facts(), timeline: Vec::new() }
    }

    pub async fn send_facts(&self, generation: u64) -> Response {
        self.session(Method::PUT, "/facts").json(&self.report_of_facts(generation)).send().await.unwrap()
    }

    pub async fn tells_facts(&self, generation: u64) -> FactsAnswer {
        let answer = self.send_facts(generation).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    pub async fn polls(&self, after: u64, wait_s: u64) -> InstructionsAnswer {
        let path = format!("/instructions?after={after}&wait_s={wait_s}");
        let answer = self.session(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// The open instructions, believed by the world's keys.
    pub async fn instructions(&self, world: &World) -> Vec<Instruction> {
        let answer = self.polls(0, 0).await;
        answer.instructions.iter().map(|sealed| world.keys().open(&sealed.jws).unwrap()).collect()
    }

    pub async fn send_report(&self, instruction: &Instruction, report: &Report) -> Response {
        let path = format!("/instructions/{}/reports", instruction.id);
        self.session(Method::POST, &path).json(report).send().await.unwrap()
    }

    pub async fn reports(&self, instruction: &Instruction, report: Report) {
        let answer = self.send_report(instruction, &report).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{:?}", answer.text().await);
    }

    pub async fn asks_promotion(&self, requester: &str) -> Response {
        let ask = PromotionAsk {
            request: PromotionRequest { requester: requester.into(), reason: Some("needed".into()) },
            source: [10, 77, 0, 1].into(),
        };
        self.session(Method::POST, "/promotions").json(&ask).send().await.unwrap()
    }
}

/// Done, with nothing to show for it.
pub fn done() -> Report {
    Report::Done { evidence: None, firmware: Vec::new(), bmc_certificate_sha256: None }
}
