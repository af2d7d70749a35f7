//! A server that serves, its BMC, a Senzu that reaches that, and two operators.

use crate::{
    redfish::Redfish,
    server::Server,
    signer::Signer,
    world::{IMPORT, World},
};
use pious_protocol::instruction::Action;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub const ASSET: &str = "r1-u12";
/// A BMC that restarts is looked for every five seconds.
pub const SOON: Duration = Duration::from_secs(60);

/// A Senzu, a server that serves by now, its BMC, and two operators.
pub struct Scene {
    pub world: World,
    pub bmc: Redfish,
    pub server: Server,
    alice: String,
    bob: String,
}

impl Scene {
    pub async fn new(is_onboarded: bool) -> Self {
        Self::with(is_onboarded, 0, &[]).await
    }

    /// The same, with images of so many bytes, and options of Senzu's.
    pub async fn with(is_onboarded: bool, bytes: usize, options: &[&str]) -> Self {
        let bmc = Redfish::new();
        let mut world = World::empty();
        world.import(IMPORT);
        serve(&mut world, &bmc, options);
        let signer = Signer::trusted_by(&world);
        for (component, version) in [("bmc", "2.11.0"), ("bios", "2.2.0")] {
            signer.imports_of(&world, component, version, bytes).await;
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

    pub async fn post(&self, path: &str) -> Response {
        self.world.post(&format!("/v1/assets/{ASSET}/{path}"), json!({"why": "a test"})).await
    }

    pub async fn said(&self, answer: Response) -> Value {
        assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
        answer.json().await.unwrap()
    }

    pub async fn shall_run(&self, wanted: &[(&str, &str)]) {
        let wanted: Vec<_> =
            wanted.iter().map(|(one, version)| json!({"component": one, "version": version})).collect();
        let request = self.world.request(Method::PUT, &format!("/v1/assets/{ASSET}/firmware"));
        let request = request.bearer_auth(self.world.operator_token());
        self.said(request.json(&json!({"wanted": wanted, "why": "a test"})).send().await.unwrap()).await;
    }

    pub async fn ask(&self, kind: &str) -> Response {
        let ask = json!({"asset": ASSET, "kind": kind, "why": "drained"});
        self.world.ask(&self.alice, Method::POST, "/v1/approvals", ask).await
    }

    /// The newest request.
    pub async fn approval(&self) -> Value {
        self.world.get("/v1/approvals").await["approvals"][0].clone()
    }

    pub async fn decides(&self, decision: &str) {
        let path = format!("/v1/approvals/{}/{decision}", self.approval().await["id"].as_str().unwrap());
        self.said(self.world.ask(&self.bob, Method::POST, &path, json!({"why": "agreed"})).await).await;
    }

    /// `[status, words]` of the newest goal.
    pub async fn goal(&self) -> (String, String) {
        let goal = &self.world.get(&format!("/v1/assets/{ASSET}/firmware")).await["goals"][0];
        (goal["status"].as_str().unwrap().into(), goal["words"].as_str().unwrap_or_default().into())
    }

    /// `STEP: reason`
    pub async fn stands(&self) -> String {
        let standing = &self.world.get(&format!("/v1/assets/{ASSET}")).await["standing"];
        format!("{}: {}", standing["step"], standing["reason"]).replace('"', "")
    }

    pub async fn until_stands(&self, words: &str) {
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

    pub async fn until_goal(&self, status: &str) -> String {
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
    pub async fn until_writing(&self, images: usize) {
        let begun = Instant::now();
        while self.bmc.state().images.len() < images {
            assert!(begun.elapsed() < SOON, "image {images} is waited for, and it stands at {}", self.stands().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.until_stands("the BMC has the image").await;
    }

    /// The power cut while the BMC is at this image; Senzu comes back, once nobody has the lease any more.
    pub async fn dies_and_comes_back(&mut self, images: usize, meanwhile: impl FnOnce(&Redfish)) {
        self.until_writing(images).await;
        self.world.kill();
        meanwhile(&self.bmc);
        serve(&mut self.world, &self.bmc, &[]);
        // Whoever has the lease may be at it still.
        let logins = self.bmc.state().logins;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(self.bmc.state().logins, logins);
        self.world.change("UPDATE instructions SET lease_until_ms = 1 WHERE status = 'accepted'").await;
    }
}

/// Serves, where that BMC is reached, with options beside.
pub fn serve(world: &mut World, bmc: &Redfish, options: &[&str]) {
    let port = bmc.address.port().to_string();
    let all: Vec<&str> = ["--bmc-port", &port].into_iter().chain(options.iter().copied()).collect();
    world.serve_with(&all);
}
