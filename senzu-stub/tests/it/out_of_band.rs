//! Firmware of what serves: written by Senzu itself, through the BMC, once two operators agreed that it is drained.

use crate::{
    agent::Agent,
    scene::{ASSET, SOON, Scene},
    server::Server,
    servers::People,
    world::{World, problem},
};
use pious_protocol::{
    instruction::{Action, Instruction},
    message::Report,
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::time::{Duration, Instant};

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

/// A server of a campaign that lets 100000 bytes a second into the network of its BMC, and the update that it is told.
async fn in_a_campaign_of_this_network(scene: &Scene) -> (Server, Instruction) {
    let address = Some([127, 0, 0, 9].into());
    let mut other = Server::of(Agent::u10(&scene.world), address, "cd".repeat(32)).await;
    let people = People::of(&scene.world).await;
    let spec = json!({
        "name": "slowly", "query": {"names": ["r1-u10"]}, "wanted": [{"component": "bmc", "version": "2.11.0"}],
        "caps": {"per_network": {"bytes_per_s": RATE}},
    });
    people.starts(&scene.world, spec).await;
    let begun = Instant::now();
    while scene.world.standing("r1-u10").await[2] != "ONBOARD_BMC" {
        assert!(begun.elapsed() < SOON, "it is not admitted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let update = other.next_update(&scene.world).await;
    (other, update)
}

const RATE: usize = 100_000;
const IMAGE: usize = 2 * RATE;
/// What an image takes at that rate, less what a rest has saved up.
const TAKES: Duration = Duration::from_millis(1_890);

/// Where an image is that an instruction names.
fn image_of(update: &Instruction) -> &str {
    let Action::FirmwareUpdate(update) = &update.action else { panic!("{update:?}") };
    &update.artifact.url
}

#[tokio::test]
async fn a_campaigns_rate_is_that_of_all_images_into_its_network_by_whichever_way() {
    let scene = Scene::with(true, IMAGE, &[]).await;
    let (_other, update) = in_a_campaign_of_this_network(&scene).await;
    scene.shall_run(&[("bmc", "2.11.0")]).await;
    scene.said(scene.ask("firmware").await).await;
    scene.decides("approve").await;
    let begun = Instant::now();
    while scene.bmc.state().coming < RATE / 10 {
        assert!(begun.elapsed() < SOON, "no image comes, and it stands at {}", scene.stands().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Another is on its way to the campaign's own member meanwhile.
    let served = scene.world.request(Method::GET, image_of(&update)).send().await.unwrap();
    assert_eq!(served.status(), StatusCode::OK);
    assert_eq!(served.bytes().await.unwrap().len(), IMAGE + "bmc 2.11.0\n".len());
    let served = Instant::now();
    assert_eq!(scene.until_goal("done").await, "runs BMC 2.11.0, each read back");
    let (began, pushed) = scene.bmc.state().push.unwrap();
    assert!(pushed - began >= TAKES, "the push took {:?}", pushed - began);
    let both = served.max(pushed) - began;
    assert!(both >= 2 * TAKES, "both took {both:?}");
}

#[tokio::test]
async fn a_ticket_is_good_for_its_image_and_until_its_instruction_has_ended() {
    let scene = Scene::new(true).await;
    let (other, update) = in_a_campaign_of_this_network(&scene).await;
    let get = async |path: &str| scene.world.request(Method::GET, path).send().await.unwrap();
    let path = image_of(&update).to_owned();
    let [_, _, _, sha256, _, ticket, _] = *path.split('/').collect::<Vec<_>>() else { panic!("{path}") };
    assert_eq!(get(&path).await.bytes().await.unwrap(), "bmc 2.11.0\n");
    let artifacts = scene.world.get("/v1/artifacts").await;
    let all = artifacts["artifacts"].as_array().unwrap().iter().map(|one| one["sha256"].as_str().unwrap());
    let another = all.into_iter().find(|other| *other != sha256).unwrap();
    for wrong in [
        format!("/v1/artifacts/{another}/for/{ticket}/image"),
        format!("/v1/artifacts/{sha256}/for/{}/image", "0".repeat(64)),
    ] {
        let refused = get(&wrong).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{wrong}");
        let words = "the ticket in the image's address is none, is another image's, or its instruction has ended";
        assert_eq!(problem(refused).await["detail"], words);
    }
    other.agent.reports(&update, Report::Refused { reason: "a test".into() }).await;
    assert_eq!(get(&path).await.status(), StatusCode::FORBIDDEN);
}
