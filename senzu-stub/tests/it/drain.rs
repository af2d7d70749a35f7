//! Senzu is told to stop while it works on BMCs: what is on its way goes on to its end, and the next Senzu goes on from there.

use crate::{
    scene::{ASSET, SOON, Scene, serve},
    servers::until,
};
use serde_json::Value;
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

/// At this rate the image takes four seconds.
const SLOWLY: [&str; 2] = ["--image-budget", "127.0.0.0/8=200kB/s"];
const IMAGE: usize = 800_000;

/// What the asset was told out of band to do with firmware: `[id, state]` of each, the newest first.
async fn updates(scene: &Scene) -> Vec<(String, String)> {
    let asset = scene.world.get(&format!("/v1/assets/{ASSET}")).await;
    let told = asset["instructions"].as_array().unwrap().iter();
    let updates = told.filter(|told| told["action"]["kind"] == "firmware_update");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    updates.map(|told| (text(&told["id"]), text(&told["state"]))).collect()
}

impl Scene {
    async fn is_written_to(&self, wanted: &[(&str, &str)]) {
        self.shall_run(wanted).await;
        self.said(self.ask("firmware").await).await;
        self.decides("approve").await;
    }

    /// Tells Senzu to stop, and waits until it takes no more connections.
    async fn stops(&mut self) {
        self.world.is_told_to_stop();
        let address = self.world.url("").rsplit('/').next().unwrap().to_owned();
        let begun = Instant::now();
        while TcpStream::connect(&address).is_ok() {
            assert!(begun.elapsed() < SOON, "it does not stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn an_image_that_a_bmc_is_getting_goes_on_to_its_end_and_the_next_senzu_follows_it() {
    let mut scene = Scene::with(true, IMAGE, &SLOWLY).await;
    scene.bmc.state().hangs = true;
    scene.is_written_to(&[("bmc", "2.11.0")]).await;
    let begun = Instant::now();
    while scene.bmc.state().coming < IMAGE / 10 {
        assert!(begun.elapsed() < SOON, "no image comes, and it stands at {}", scene.stands().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    scene.stops().await;
    assert!(scene.bmc.state().images.is_empty(), "it is stopped in the middle");
    assert!(scene.world.ends().success());
    let logins = {
        let state = scene.bmc.state();
        assert_eq!(state.images, ["bmc 2.11.0"], "it had all of it before that Senzu ended");
        state.logins
    };
    serve(&mut scene.world, &scene.bmc, &[]);
    let [(id, state)] = updates(&scene).await.try_into().unwrap();
    assert_eq!(state, "accepted");
    // The next one looks at it, though the BMC is not done yet.
    until(async || (scene.bmc.state().logins > logins).then_some(())).await;
    scene.bmc.state().hangs = false;
    assert_eq!(scene.until_goal("done").await, "runs BMC 2.11.0, each read back");
    assert_eq!(scene.bmc.state().images, ["bmc 2.11.0"]);
    // By the same instruction: nothing was given up, nor told again.
    assert_eq!(updates(&scene).await, [(id, "done".to_owned())]);
}

#[tokio::test]
async fn what_no_bmc_has_anything_of_is_begun_by_the_next_senzu() {
    let mut scene = Scene::new(true).await;
    scene.bmc.state().holds_back = true;
    scene.is_written_to(&[("bmc", "2.11.0")]).await;
    until(async || scene.bmc.state().is_waited_for.then_some(())).await;
    scene.stops().await;
    scene.bmc.state().holds_back = false;
    assert!(scene.world.ends().success());
    assert!(scene.bmc.state().images.is_empty());
    serve(&mut scene.world, &scene.bmc, &[]);
    assert_eq!(scene.until_goal("done").await, "runs BMC 2.11.0, each read back");
    assert_eq!(scene.bmc.state().images, ["bmc 2.11.0"]);
    let states: Vec<_> = updates(&scene).await.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["done"]);
}

#[tokio::test]
async fn a_server_that_restarts_is_not_restarted_again_by_the_next_senzu() {
    let mut scene = Scene::new(true).await;
    scene.bmc.state().stays_off = true;
    scene.is_written_to(&[("bios", "2.2.0")]).await;
    until(async || (!scene.bmc.state().resets.is_empty()).then_some(())).await;
    scene.stops().await;
    assert!(scene.world.ends().success());
    let logins = scene.bmc.state().logins;
    serve(&mut scene.world, &scene.bmc, &[]);
    until(async || (scene.bmc.state().logins > logins).then_some(())).await;
    scene.bmc.state().stays_off = false;
    assert_eq!(scene.until_goal("done").await, "runs BIOS 2.2.0, each read back");
    let state = scene.bmc.state();
    assert_eq!(
        (&state.resets, &state.images),
        (&vec![serde_json::json!("GracefulRestart")], &vec!["bios 2.2.0".to_owned()])
    );
}
