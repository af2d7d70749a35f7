//! Firmware: from what an asset shall run to what was read back, and every way there that goes wrong.

use crate::{
    agent::Agent,
    server::{Server, at},
    signer::Signer,
    world::{World, problem},
};
use pious_protocol::{firmware::FlashPhase, instruction::Action, message::Report};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ASSET: &str = "r1-u12";

/// A world that has images of these, and a server in it.
async fn with(images: &[(&str, &str)]) -> (World, Server) {
    let world = World::new();
    let signer = Signer::trusted_by(&world);
    for (component, version) in images {
        signer.imports(&world, component, version).await;
    }
    let server = Server::spare(&world).await;
    (world, server)
}

const BOTH: [(&str, &str); 2] = [("bmc", "2.11.0"), ("bios", "2.2.0")];

async fn put(world: &World, wanted: Value) -> reqwest::Response {
    let request = world.request(Method::PUT, &format!("/v1/assets/{ASSET}/firmware"));
    request.bearer_auth(world.operator_token()).json(&json!({"wanted": wanted, "why": "a test"})).send().await.unwrap()
}

async fn shall_run(world: &World, wanted: &[(&str, &str)]) {
    let wanted = wanted.iter().map(|(component, version)| json!({"component": component, "version": version}));
    let answer = put(world, wanted.collect()).await;
    assert_eq!(answer.status(), StatusCode::OK, "{:?}", answer.text().await);
}

async fn firmware(world: &World) -> Value {
    world.get(&format!("/v1/assets/{ASSET}/firmware")).await
}

/// `[status, words]` of the newest goal.
async fn goal(world: &World) -> (String, String) {
    let goal = &firmware(world).await["goals"][0];
    (goal["status"].as_str().unwrap().into(), goal["words"].as_str().unwrap_or_default().into())
}

async fn step(world: &World) -> Value {
    world.standing(ASSET).await[2].clone()
}

/// Lets every wait before another try be over.
async fn waits_are_over(world: &World, server: &mut Server) {
    world.change("UPDATE instructions SET changed_ms = changed_ms - 7200000").await;
    server.tells_facts().await;
}

#[tokio::test]
async fn both_get_their_versions_the_bmc_first_and_each_is_read_back() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bios", "2.2.0"), ("bmc", "2.11.0")]).await;
    assert_eq!(step(&world).await, "ONBOARD_BMC");
    server.obeys(&world).await;
    assert_eq!(server.told, ["bmc_user", "firmware_inventory", "BMC to 2.11.0", "BIOS to 2.2.0", "reboot"]);
    // Written is not running.
    assert_eq!(step(&world).await, "RESTART_FOR_BIOS");
    assert_eq!(goal(&world).await.0, "open");
    let read = |view: &Value| -> Vec<String> {
        let installed = view["installed"].as_array().unwrap();
        installed.iter().map(|one| format!("{} {}", one["component"], one["version"]).replace('"', "")).collect()
    };
    assert_eq!(read(&firmware(&world).await), ["bios 2.1.0", "bmc 2.11.0"]);

    server.told.clear();
    server.boots().await;
    server.obeys(&world).await;
    // Read anew in the new boot, and nothing done twice.
    assert_eq!(server.told, ["firmware_inventory"]);
    assert_eq!(goal(&world).await, ("done".into(), "runs BMC 2.11.0, BIOS 2.2.0, each read back".into()));
    assert_eq!(read(&firmware(&world).await), ["bios 2.2.0", "bmc 2.11.0"]);
    assert_eq!(world.standing(ASSET).await, json!(["SPARE", "passed", "POWER_OFF_SPARE"]));
    let graph = world.get(&format!("/v1/assets/{ASSET}/dag")).await;
    assert_eq!(graph["graph"]["name"], "discovery");
}

#[tokio::test]
async fn one_leg_goes_without_the_other() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    server.obeys(&world).await;
    assert_eq!(server.told, ["bmc_user", "firmware_inventory", "BMC to 2.11.0"]);
    assert_eq!(goal(&world).await.0, "done");
    // Its user is there, and what runs already needs nothing.
    server.told.clear();
    shall_run(&world, &[("bios", "2.2.0"), ("bmc", "2.11.0")]).await;
    server.obeys(&world).await;
    assert_eq!(server.told, ["firmware_inventory", "BIOS to 2.2.0", "reboot"]);
    server.boots().await;
    server.obeys(&world).await;
    assert_eq!(goal(&world).await.0, "done");
}

#[tokio::test]
async fn what_went_wrong_once_the_bmc_had_it_waits_for_a_person() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &BOTH).await;
    let flash = server.next_update(&world).await;
    server.hands_over(&flash).await;
    server.agent.reports(&flash, at(FlashPhase::Flashing)).await;
    let reason = "the BMC's task 7 ended as Exception: image is corrupt";
    server.agent.reports(&flash, Report::Failed { reason: reason.into() }).await;
    let (status, words) = goal(&world).await;
    assert_eq!(status, "recovery");
    assert_eq!(words, format!("BMC, 2.10.0 → 2.11.0: failed: {reason}"));
    assert_eq!(world.alert_kinds().await, ["firmware_recovery"]);
    // Nothing loops: not in this boot, not in the next.
    waits_are_over(&world, &mut server).await;
    assert_eq!(server.agent.instructions(&world).await, []);
    server.boots().await;
    assert_eq!(server.agent.instructions(&world).await, []);
    let asset = world.get(&format!("/v1/assets/{ASSET}")).await;
    assert!(asset["standing"]["reason"].as_str().unwrap().contains("firmware retry"), "{}", asset["standing"]);

    // A person has looked: from the beginning, with a new password.
    server.told.clear();
    let retried = world.post(&format!("/v1/assets/{ASSET}/firmware/retry"), json!({"why": "the cord was loose"})).await;
    assert_eq!(retried.status(), StatusCode::OK, "{:?}", retried.text().await);
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
    server.obeys(&world).await;
    server.boots().await;
    server.obeys(&world).await;
    let told = ["bmc_user", "firmware_inventory", "BMC to 2.11.0", "BIOS to 2.2.0", "reboot", "firmware_inventory"];
    assert_eq!(server.told, told);
    assert_eq!(goal(&world).await.0, "done");
}

#[tokio::test]
async fn what_ended_before_the_bmc_had_anything_is_tried_again_a_few_times() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    for attempt in 1..=5 {
        let flash = server.next_update(&world).await;
        server.agent.reports(&flash, Report::Accepted).await;
        server.agent.reports(&flash, at(FlashPhase::Fetching)).await;
        server.agent.reports(&flash, Report::Failed { reason: "the image breaks off".into() }).await;
        // Not at once.
        assert_eq!(server.agent.instructions(&world).await, [], "{attempt}");
        waits_are_over(&world, &mut server).await;
    }
    let (status, words) = goal(&world).await;
    assert_eq!(status, "recovery");
    assert_eq!(words, "FLASH_BMC came to nothing 5 times, the last time: failed: the image breaks off");
}

#[tokio::test]
async fn what_is_refused_is_not_asked_again() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    let flash = server.next_update(&world).await;
    let reason = "the BMC runs 2.10.7 now, not 2.10.0";
    server.agent.reports(&flash, Report::Refused { reason: reason.into() }).await;
    assert_eq!(goal(&world).await, ("recovery".into(), format!("BMC: refused: {reason}")));
}

#[tokio::test]
async fn an_update_whose_end_nobody_saw_is_handed_over_once_more_at_most() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    for _ in 0..2 {
        let flash = server.next_update(&world).await;
        server.hands_over(&flash).await;
        // The power went; the old version runs, as the next boot reads.
        server.boots().await;
        waits_are_over(&world, &mut server).await;
    }
    let read = server.next(&world).await.unwrap();
    server.does(&read).await;
    let (status, words) = goal(&world).await;
    assert_eq!(status, "recovery", "{words}");
    assert!(words.contains("2.11.0 was handed over 2 times"), "{words}");
}

#[tokio::test]
async fn an_update_whose_end_nobody_saw_and_that_was_well_is_not_done_again() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &BOTH).await;
    let flash = server.next_update(&world).await;
    server.hands_over(&flash).await;
    server.runs.insert(pious_protocol::firmware::FirmwareComponent::Bmc, "2.11.0".into());
    server.told.clear();
    server.boots().await;
    server.obeys(&world).await;
    assert_eq!(server.told, ["firmware_inventory", "BIOS to 2.2.0", "reboot"]);
}

/// The agent's process died in the middle. Its successor may not begin anew, and what runs is read while the BMC has its time.
#[tokio::test]
async fn an_update_whose_end_nobody_saw_is_read_before_its_time_is_over() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    let flash = server.next_update(&world).await;
    server.hands_over(&flash).await;
    assert_eq!(server.agent.send_report(&flash, &Report::Accepted).await.status(), StatusCode::CONFLICT);
    server.told.clear();
    assert_eq!(server.next(&world).await, None);
    for runs in ["2.10.0", "2.11.0"] {
        // A quarter of the 40 s that this BMC may take, and a little.
        world.change("UPDATE instructions SET changed_ms = changed_ms - 11000").await;
        server.tells_facts().await;
        server.runs.insert(pious_protocol::firmware::FirmwareComponent::Bmc, runs.into());
        let read = server.next(&world).await.unwrap();
        server.does(&read).await;
    }
    assert_eq!(server.told, ["firmware_inventory", "firmware_inventory"]);
    assert_eq!(goal(&world).await, ("done".into(), "runs BMC 2.11.0, each read back".into()));
}

#[tokio::test]
async fn a_bmc_that_says_done_and_runs_the_old_version_is_not_believed() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bios", "2.2.0")]).await;
    server.obeys(&world).await;
    // It was written, they said.
    server.staged.clear();
    server.boots().await;
    server.obeys(&world).await;
    let (status, words) = goal(&world).await;
    assert_eq!(status, "recovery");
    assert_eq!(words, "BIOS: the BMC took 2.2.0 and said that it was done, and 2.1.0 was read afterwards");
}

#[tokio::test]
async fn a_bios_that_smbios_denies_is_not_believed() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bios", "2.2.0")]).await;
    server.obeys(&world).await;
    server.boots().await;
    // The BMC says 2.2.0, the machine itself another.
    let read = server.next(&world).await.unwrap();
    server.runs.insert(pious_protocol::firmware::FirmwareComponent::Bios, "2.1.0".into());
    server.tells_facts().await;
    server.runs.insert(pious_protocol::firmware::FirmwareComponent::Bios, "2.2.0".into());
    server.does(&read).await;
    let (status, words) = goal(&world).await;
    assert_eq!(status, "recovery");
    assert!(words.contains("the machine's own SMBIOS says 2.1.0"), "{words}");
}

#[tokio::test]
async fn the_last_permission_is_refused_to_what_is_not_wanted_any_more() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    let flash = server.next_update(&world).await;
    server.agent.reports(&flash, at(FlashPhase::Fetching)).await;
    let withdraw = format!("/v1/assets/{ASSET}/firmware/withdraw");
    // It is at it, and may have gone on by the time that it heard.
    let refused = world.post(&withdraw, json!({"why": "recalled"})).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    // Another Senzu, or an operator in the database.
    world.change("UPDATE firmware_goals SET status = 'withdrawn'").await;
    let refused = server.agent.send_report(&flash, &at(FlashPhase::HandingOver)).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let words = problem(refused).await["detail"].as_str().unwrap().to_owned();
    assert!(words.contains("nobody wants other firmware of the asset any more"), "{words}");
}

#[tokio::test]
async fn a_goal_is_withdrawn_with_what_nobody_took_yet() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    assert!(server.next(&world).await.is_some());
    let withdrawn = world.post(&format!("/v1/assets/{ASSET}/firmware/withdraw"), json!({"why": "recalled"})).await;
    assert_eq!(withdrawn.status(), StatusCode::OK, "{:?}", withdrawn.text().await);
    assert_eq!(goal(&world).await, ("withdrawn".into(), "recalled".into()));
    assert_eq!(server.agent.instructions(&world).await, []);
    let refused = world.post(&format!("/v1/assets/{ASSET}/firmware/retry"), json!({"why": "after all"})).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_can_t_be_says_why_and_who_acts() {
    let (world, mut server) = with(&BOTH).await;
    let cases = [
        (json!([{"component": "bmc", "version": "2.12.0"}]), "2.12.0"),
        (json!([{"component": "bios", "version": "2.0.0"}]), "older"),
    ];
    for (wanted, word) in cases {
        assert_eq!(put(&world, wanted.clone()).await.status(), StatusCode::OK);
        server.obeys(&world).await;
        let view = firmware(&world).await;
        assert_eq!(view["plan"][0]["status"], "impossible", "{wanted}: {view}");
        let standing = &world.get(&format!("/v1/assets/{ASSET}")).await["standing"];
        assert_eq!(standing["step"], "CHECK_COMPONENTS_TO_UPGRADE");
        assert!(standing["reason"].as_str().unwrap().contains(word), "{standing}");
        world.post(&format!("/v1/assets/{ASSET}/firmware/withdraw"), json!({"why": "next"})).await;
    }
    // An image that comes later is all that was missing.
    shall_run(&world, &[("bmc", "2.12.0")]).await;
    server.obeys(&world).await;
    Signer::trusted_by(&world).imports(&world, "bmc", "2.12.0").await;
    server.tells_facts().await;
    server.obeys(&world).await;
    assert_eq!(goal(&world).await.0, "done");
}

#[tokio::test]
async fn a_machine_without_a_bmc_is_told_nothing_of_one() {
    let world = World::new();
    let agent = Agent::spare(&world).await;
    shall_run(&world, &[("bios", "2.2.0")]).await;
    let standing = world.get(&format!("/v1/assets/{ASSET}")).await["standing"].clone();
    assert_eq!(
        standing["reason"],
        "it has no BMC, through which its firmware would be updated: a machine without a BMC; withdraw the goal"
    );
    assert_eq!(agent.instructions(&world).await, []);
    let page = world.request(Method::GET, &format!("/assets/{ASSET}")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("It has no BMC") && !page.contains("bmc_user"), "{page}");
}

#[tokio::test]
async fn an_older_version_is_taken_where_it_was_asked_for_by_name() {
    let (world, mut server) = with(&[("bmc", "2.9.0")]).await;
    let answer = put(&world, json!([{"component": "bmc", "version": "2.9.0", "downgrade": true}])).await;
    assert_eq!(answer.status(), StatusCode::OK);
    server.obeys(&world).await;
    assert_eq!(goal(&world).await, ("done".into(), "runs BMC 2.9.0, each read back".into()));
}

#[tokio::test]
async fn a_goal_that_makes_no_sense_is_refused() {
    let (world, _server) = with(&[]).await;
    let cases = [
        (json!([]), "wanted is empty"),
        (json!([{"component": "toaster", "version": "1"}]), "wanted.component"),
        (json!([{"component": "bmc", "version": " "}]), "wanted.version is empty"),
        (json!([{"component": "bmc", "version": "1"}, {"component": "bmc", "version": "2"}]), "BMC twice"),
    ];
    for (wanted, words) in cases {
        let refused = put(&world, wanted.clone()).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wanted}");
        let detail = problem(refused).await["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{wanted}: {detail}");
    }
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    let second = put(&world, json!([{"component": "bios", "version": "2.2.0"}])).await;
    assert_eq!(second.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_bmcs_password_is_for_its_instruction_alone_and_stored_nowhere() {
    let (world, mut server) = with(&BOTH).await;
    shall_run(&world, &[("bmc", "2.11.0")]).await;
    let user = server.next(&world).await.unwrap();
    let access = server.bmc_access(&user).await.unwrap();
    assert_eq!((access.user.as_str(), access.certificate_sha256.as_deref()), ("pious", None));
    server.does(&user).await;
    assert_eq!(server.bmc_access(&user).await, Err(StatusCode::NOT_FOUND), "it has ended");
    let read = server.next(&world).await.unwrap();
    let again = server.bmc_access(&read).await.unwrap();
    assert_eq!(again.password, access.password);
    assert_eq!(again.certificate_sha256, Some("ab".repeat(32)));
    server.does(&read).await;
    // What an operator may order besides has nothing to do with a BMC.
    let order = json!({"action": {"kind": "reboot", "reason": "x"}, "expires_in_s": 60});
    world.post(&format!("/v1/assets/{ASSET}/instructions"), order).await;
    for instruction in server.agent.instructions(&world).await {
        if let Action::Reboot { .. } = instruction.action {
            assert_eq!(server.bmc_access(&instruction).await, Err(StatusCode::NOT_FOUND));
        }
    }
    for file in std::fs::read_dir(world.data()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let password = access.password.reveal().as_bytes();
        assert!(!bytes.windows(password.len()).any(|window| window == password), "{path:?}");
    }
}

#[tokio::test]
async fn an_operator_plans_firmware_and_does_not_order_it() {
    let (world, _server) = with(&[]).await;
    for action in [json!({"kind": "bmc_user", "generation": 9})] {
        let order = json!({"action": action, "expires_in_s": 60});
        let refused = world.post(&format!("/v1/assets/{ASSET}/instructions"), order).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        assert!(problem(refused).await["detail"].as_str().unwrap().contains("PUT /v1/assets/{asset}/firmware"));
    }
}
