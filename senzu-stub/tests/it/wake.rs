//! Firmware of what is off: its BMC turns it on, it is updated by its agent, and it powers off again.

use crate::{
    agent::{Agent, done},
    redfish::Redfish,
    scene::{SOON, serve},
    server::Server,
    servers::{People, until},
    signer::Signer,
    world::{IMPORT, World},
};
use pious_protocol::instruction::{Action, Instruction};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NAME: &str = "r1-u10";

/// A Senzu, a SPARE server that nobody holds, and its BMC.
struct Rack {
    world: World,
    bmc: Redfish,
    server: Server,
}

impl Rack {
    /// It is off; its BMC was onboarded, or never.
    async fn new(is_onboarded: bool) -> Self {
        let bmc = Redfish::new();
        let mut world = World::empty();
        world.import(IMPORT);
        serve(&mut world, &bmc, &[]);
        let signer = Signer::trusted_by(&world);
        signer.imports(&world, "bmc", "2.11.0").await;
        let server = Server::of(Agent::u10(&world), Some(bmc.address.ip()), bmc.certificate.clone()).await;
        let mut rack = Self { world, bmc, server };
        if is_onboarded {
            let wanted = json!({"wanted": [{"component": "bmc", "version": "2.11.0"}], "why": "a test"});
            let path = format!("/v1/assets/{NAME}/firmware");
            let token = rack.world.operator_token();
            let put = rack.world.ask(&token, reqwest::Method::PUT, &path, wanted).await;
            assert_eq!(put.status(), StatusCode::OK);
            let user = loop {
                let next = rack.server.next(&rack.world).await.unwrap();
                match &next.action {
                    Action::BmcUser(_) => break next,
                    // It was told before.
                    Action::Shutdown { .. } => rack.server.agent.reports(&next, refused()).await,
                    other => panic!("{other:?}"),
                }
            };
            let access = rack.server.bmc_access(&user).await.unwrap();
            rack.bmc.state().password = Some(access.password.reveal().to_owned());
            rack.server.does(&user).await;
            rack.server.does(&rack.server.agent.instructions(&rack.world).await[0]).await;
            let withdrawn = rack.world.post(&format!("{path}/withdraw"), json!({"why": "a test"})).await;
            assert_eq!(withdrawn.status(), StatusCode::OK);
            rack.world.change("UPDATE instructions SET changed_ms = 1; UPDATE assets SET next_walk_ms = 1").await;
        }
        let off = rack.is_told_to_power_off().await;
        rack.powers_off(&off).await;
        rack
    }

    async fn is_told_to_power_off(&mut self) -> Instruction {
        let begun = Instant::now();
        loop {
            match self.server.next(&self.world).await {
                Some(told) if matches!(told.action, Action::Shutdown { .. }) => return told,
                Some(other) => panic!("{other:?}"),
                None => assert!(begun.elapsed() < SOON, "it stays on: {}", self.stands().await),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn powers_off(&self, told: &Instruction) {
        self.server.agent.reports(told, done()).await;
        self.bmc.state().is_off = true;
    }

    /// `STEP: reason`
    async fn stands(&self) -> String {
        let standing = &self.world.get(&format!("/v1/assets/{NAME}")).await["standing"];
        format!("{}: {}", standing["step"], standing["reason"]).replace('"', "")
    }

    /// The member of a campaign's preview.
    async fn previewed(&self) -> Value {
        let preview = self.world.post("/v1/campaigns/preview", spec()).await;
        assert_eq!(preview.status(), StatusCode::OK);
        preview.json::<Value>().await.unwrap()["members"][0].take()
    }

    async fn member(&self, campaign: &str) -> Value {
        self.world.get(&format!("/v1/campaigns/{campaign}")).await["members"][0].take()
    }
}

fn refused() -> pious_protocol::message::Report {
    pious_protocol::message::Report::Refused { reason: "a test".into() }
}

fn spec() -> Value {
    json!({"name": "all SPARE", "query": {"names": [NAME]}, "wanted": [{"component": "bmc", "version": "2.11.0"}]})
}

#[tokio::test]
async fn what_is_off_is_turned_on_updated_and_off_again() {
    let mut rack = Rack::new(true).await;
    assert_eq!(rack.previewed().await["status"], "waiting");
    let people = People::of(&rack.world).await;
    let id = people.starts(&rack.world, spec()).await;
    until(async || (rack.stands().await == "WAKE: waits for its boot: its BMC turned it on").then_some(())).await;
    {
        let state = rack.bmc.state();
        assert_eq!((&state.resets, state.boot_once.as_deref()), (&vec![json!("On")], Some("Once Pxe")));
        assert!(!state.is_off && state.images.is_empty());
    }
    assert_eq!(rack.member(&id).await["status"], "admitted");
    rack.server.boots().await;
    let update = rack.server.next_update(&rack.world).await;
    let Action::FirmwareUpdate(order) = &update.action else { panic!("{update:?}") };
    rack.server.updates(&update, order).await;
    until(async || (rack.member(&id).await["status"] == "done").then_some(())).await;
    // Nobody needs it any more.
    let off = rack.is_told_to_power_off().await;
    rack.powers_off(&off).await;
    assert_eq!(rack.bmc.state().resets, [json!("On")], "it is turned on once");
}

#[tokio::test]
async fn what_is_off_for_good_is_left_out_and_told_why() {
    let rack = Rack::new(false).await;
    let member = rack.previewed().await;
    assert_eq!(
        (&member["status"], &member["why"]),
        (&json!("skipped"), &json!("off, and its BMC was never onboarded; switch it on"))
    );
    rack.world.change("UPDATE machines SET bmc_address = NULL").await;
    let member = rack.previewed().await;
    assert_eq!(
        (&member["status"], &member["why"], &member["wave"]),
        (&json!("skipped"), &json!("off, and its BMC is not known; switch it on"), &Value::Null)
    );
    let state = rack.bmc.state();
    assert_eq!((state.logins, state.is_off), (0, true));
}

#[tokio::test]
async fn a_bmc_that_lets_nobody_in_is_asked_once_and_a_person_looks() {
    let rack = Rack::new(true).await;
    rack.bmc.state().password = Some("another".into());
    let logins = rack.bmc.state().logins;
    let people = People::of(&rack.world).await;
    let id = people.starts(&rack.world, spec()).await;
    until(async || (rack.member(&id).await["status"] == "recovery").then_some(())).await;
    let why = rack.member(&id).await["why"].to_string();
    assert!(why.contains("it was not woken: refused: ") && why.contains("refuses user"), "{why}");
    let state = rack.bmc.state();
    assert_eq!((state.logins, state.is_off), (logins + 1, true));
}

/// That a BMC says "on" is no boot.
#[tokio::test]
async fn what_was_turned_on_and_does_not_boot_goes_to_recovery() {
    let rack = Rack::new(true).await;
    let people = People::of(&rack.world).await;
    let id = people.starts(&rack.world, spec()).await;
    until(async || (rack.stands().await == "WAKE: waits for its boot: its BMC turned it on").then_some(())).await;
    // Twenty minutes pass.
    let passes = "UPDATE instructions SET changed_ms = changed_ms - 1200000, issued_ms = issued_ms - 1200000;
         UPDATE sessions SET ended_ms = ended_ms - 1200000; UPDATE firmware_goals SET since_ms = since_ms - 1200000;
         UPDATE assets SET next_walk_ms = 1";
    rack.world.change(passes).await;
    until(async || (rack.member(&id).await["status"] == "recovery").then_some(())).await;
    let why = rack.member(&id).await["why"].to_string();
    assert!(why.contains("it did not boot into PIOUS within 20 minutes, though it was woken"), "{why}");
}
