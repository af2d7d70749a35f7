//! Firmware of what serves: written by Senzu itself, through the BMC, once two operators agreed that it is drained.

use crate::{
    redfish::Redfish,
    server::Server,
    signer::Signer,
    world::{IMPORT, World, problem},
};
use pious_protocol::instruction::Action;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const ASSET: &str = "r1-u12";
/// A BMC that restarts is looked for every five seconds.
const SOON: Duration = Duration::from_secs(60);

/// A Senzu, a server that serves by now, its BMC, and two operators.
struct Scene {
    world: World,
    bmc: Redfish,
    server: Server,
    alice: String,
    bob: String,
}

impl Scene {
    async fn new(is_onboarded: bool) -> Self {
        let bmc = Redfish::new();
        let mut world = World::empty();
        world.import(IMPORT);
        serve(&mut world, &bmc);
        let signer = Signer::trusted_by(&world);
        for (component, version) in [("bmc", "2.11.0"), ("bios", "2.2.0")] {
            signer.imports(&world, component, version).await;
        }
        let (alice, bob) = (world.token_of("alice", "operator").await, world.token_of("bob", "approver").await);
        let server = Server::with_bmc(&world, Some(bmc.address.ip()), bmc.certificate.clone()).await;
        let mut scene = Self { world, bmc, server, alice, bob };
        if is_onboarded {
            scene.shall_run(&[("bmc", "2.11.0")]).await;
            let user = scene.server.next(&scene.world).await.unwrap();
            assert!(matches!(user.action, Action::BmcUser(_)));
            let access = scene.server.bmc_access(&user).await.unwrap();
            scene.bmc.state().password = Some(access.password.reveal().to_owned());
            scene.server.does(&user).await;
            scene.said(scene.post("firmware/withdraw").await).await;
        }
        assert_eq!(scene.world.standing(ASSET).await[0], "SPARE", "{}", scene.stands().await);
        scene.said(scene.ask("promote").await).await;
        scene.decides("approve").await;
        scene.server.obeys(&scene.world).await;
        assert_eq!(scene.world.standing(ASSET).await[0], "BAREMETAL");
        scene
    }

    async fn post(&self, path: &str) -> Response {
        self.world.post(&format!("/v1/assets/{ASSET}/{path}"), json!({"why": "a test"})).await
    }

    async fn said(&self, answer: Response) -> Value {
        assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
        answer.json().await.unwrap()
    }

    async fn shall_run(&self, wanted: &[(&str, &str)]) {
        let wanted: Vec<_> =
            wanted.iter().map(|(one, version)| json!({"component": one, "version": version})).collect();
        let request = self.world.request(Method::PUT, &format!("/v1/assets/{ASSET}/firmware"));
        let request = request.bearer_auth(self.world.operator_token());
        self.said(request.json(&json!({"wanted": wanted, "why": "a test"})).send().await.unwrap()).await;
    }

    async fn ask(&self, kind: &str) -> Response {
        let ask = json!({"asset": ASSET, "kind": kind, "why": "drained"});
        self.world.ask(&self.alice, Method::POST, "/v1/approvals", ask).await
    }

    /// The newest request.
    async fn approval(&self) -> Value {
        self.world.get("/v1/approvals").await["approvals"][0].clone()
    }

    async fn decides(&self, decision: &str) {
        let path = format!("/v1/approvals/{}/{decision}", self.approval().await["id"].as_str().unwrap());
        self.said(self.world.ask(&self.bob, Method::POST, &path, json!({"why": "agreed"})).await).await;
    }

    /// `[status, words]` of the newest goal.
    async fn goal(&self) -> (String, String) {
        let goal = &self.world.get(&format!("/v1/assets/{ASSET}/firmware")).await["goals"][0];
        (goal["status"].as_str().unwrap().into(), goal["words"].as_str().unwrap_or_default().into())
    }

    /// `STEP: reason`
    async fn stands(&self) -> String {
        let standing = &self.world.get(&format!("/v1/assets/{ASSET}")).await["standing"];
        format!("{}: {}", standing["step"], standing["reason"]).replace('"', "")
    }

    async fn until_stands(&self, words: &str) {
        let begun = Instant::now();
        loop {
            let stands = self.stands().await;
            if stands.contains(words) {
                return;
            }
            assert!(begun.elapsed() < SOON, "{words:?} is waited for, and it stands at {stands}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn until_goal(&self, status: &str) -> String {
        let begun = Instant::now();
        loop {
            let (now, words) = self.goal().await;
            if now == status {
                return words;
            }
            assert!(begun.elapsed() < SOON, "{status} is waited for, and it is {now}: {}", self.stands().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Until the BMC has so many images, and is at the last one.
    async fn until_writing(&self, images: usize) {
        let begun = Instant::now();
        while self.bmc.state().images.len() < images {
            assert!(begun.elapsed() < SOON, "image {images} is waited for, and it stands at {}", self.stands().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.until_stands("the BMC has the image").await;
    }

    /// The power cut while the BMC is at this image; Senzu comes back, once nobody has the lease any more.
    async fn dies_and_comes_back(&mut self, images: usize, meanwhile: impl FnOnce(&Redfish)) {
        self.until_writing(images).await;
        self.world.kill();
        meanwhile(&self.bmc);
        serve(&mut self.world, &self.bmc);
        // Whoever has the lease may be at it still.
        let logins = self.bmc.state().logins;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(self.bmc.state().logins, logins);
        self.world.change("UPDATE instructions SET lease_until_ms = 1 WHERE status = 'accepted'").await;
    }
}

fn serve(world: &mut World, bmc: &Redfish) {
    world.serve_with(&["--bmc-port", &bmc.address.port().to_string()]);
}

#[tokio::test]
async fn both_get_their_versions_once_two_agreed_that_it_is_drained() {
    let scene = Scene::new(true).await;
    let refused = problem(scene.ask("firmware").await).await;
    assert!(refused["detail"].as_str().unwrap().contains("nobody wants other firmware of it"), "{refused}");
    scene.shall_run(&[("bmc", "2.11.0"), ("bios", "2.2.0")]).await;
    scene.until_stands("VALIDATE_BMC: it serves").await;
    let stands = scene.stands().await;
    assert!(stands.ends_with("drain it, then ask for approval (kind firmware)"), "{stands}");
    assert!(scene.bmc.state().images.is_empty());

    scene.said(scene.ask("firmware").await).await;
    scene.decides("approve").await;
    assert_eq!(scene.until_goal("done").await, "runs BMC 2.11.0, BIOS 2.2.0, each read back");
    {
        let state = scene.bmc.state();
        assert_eq!(state.images, ["bmc 2.11.0", "bios 2.2.0"]);
        assert_eq!(state.resets, ["GracefulRestart"]);
    }
    let approval = scene.approval().await;
    assert_eq!((&approval["kind"], &approval["outcome"]), (&json!("firmware"), &json!("done")), "{approval}");
    assert_eq!(scene.world.standing(ASSET).await[0], "BAREMETAL");
    let view = scene.world.get(&format!("/v1/assets/{ASSET}/firmware")).await;
    assert!(view["installed"].as_array().unwrap().iter().all(|read| read["boot"].is_null()), "{view}");
}

#[tokio::test]
async fn a_bmc_that_refuses_the_user_is_asked_once() {
    let scene = Scene::new(true).await;
    scene.bmc.state().password = Some("another".into());
    scene.shall_run(&[("bmc", "2.11.0")]).await;
    let words = scene.until_goal("recovery").await;
    assert!(words.contains("refuses user \"pious\" with 401"), "{words}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(scene.bmc.state().logins, 1);
    let refused = problem(scene.ask("firmware").await).await;
    assert!(refused["detail"].as_str().unwrap().contains("a person must look"), "{refused}");
}

#[tokio::test]
async fn what_nobody_saw_the_end_of_and_was_well_is_not_done_again() {
    let mut scene = Scene::new(true).await;
    scene.bmc.state().hangs = true;
    scene.shall_run(&[("bmc", "2.11.0")]).await;
    scene.said(scene.ask("firmware").await).await;
    scene.decides("approve").await;
    scene
        .dies_and_comes_back(1, |bmc| {
            let mut state = bmc.state();
            state.hangs = false;
            state.bmc = "2.11.0".into();
            state.restarts();
        })
        .await;
    assert_eq!(scene.until_goal("done").await, "runs BMC 2.11.0, each read back");
    assert_eq!(scene.bmc.state().images, ["bmc 2.11.0"]);
}

#[tokio::test]
async fn what_nobody_saw_the_end_of_is_handed_over_once_more_at_most() {
    let mut scene = Scene::new(true).await;
    scene.bmc.state().hangs = true;
    scene.shall_run(&[("bmc", "2.11.0")]).await;
    scene.said(scene.ask("firmware").await).await;
    scene.decides("approve").await;
    for images in 1..=2 {
        scene.dies_and_comes_back(images, |bmc| bmc.state().restarts()).await;
    }
    let words = scene.until_goal("recovery").await;
    assert!(words.contains("2.11.0 was handed over 2 times"), "{words}");
    assert_eq!(scene.bmc.state().images.len(), 2);
    // Whoever looks may take a while: by then it may serve again.
    assert_eq!(scene.approval().await["outcome"], "failed");
}

#[tokio::test]
async fn what_senzu_does_itself_no_agent_is_handed_and_nobody_takes_back() {
    let mut scene = Scene::new(true).await;
    scene.bmc.state().hangs = true;
    scene.shall_run(&[("bmc", "2.11.0")]).await;
    scene.said(scene.ask("firmware").await).await;
    scene.decides("approve").await;
    scene.until_writing(1).await;
    let withdrawn = scene.post("firmware/withdraw").await;
    assert_eq!(withdrawn.status(), StatusCode::CONFLICT);
    // Somebody boots it into PIOUS meanwhile.
    scene.server.boots().await;
    assert_eq!(scene.server.agent.instructions(&scene.world).await, []);
    scene.bmc.state().hangs = false;
    assert_eq!(scene.until_goal("done").await, "runs BMC 2.11.0, each read back");
    assert_eq!(scene.bmc.state().images, ["bmc 2.11.0"]);
}

#[tokio::test]
async fn a_bmc_that_was_never_onboarded_is_not_reached() {
    let scene = Scene::new(false).await;
    scene.shall_run(&[("bios", "2.2.0")]).await;
    scene.until_stands("ONBOARD_BMC: its BMC was never onboarded").await;
    assert!(scene.stands().await.ends_with("boot it into PIOUS once"));
    assert_eq!(scene.bmc.state().logins, 0);
}

#[tokio::test]
async fn what_does_not_serve_needs_no_approval() {
    let world = World::new();
    let _server = Server::spare(&world).await;
    let alice = world.token_of("alice", "operator").await;
    let ask = json!({"asset": ASSET, "kind": "firmware", "why": "drained"});
    let refused = world.ask(&alice, Method::POST, "/v1/approvals", ask).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let detail = problem(refused).await["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("only a BAREMETAL asset's firmware"), "{detail}");
}
