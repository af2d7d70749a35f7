//! One component's update, against a BMC that does what its script says.

mod scripted;

use pious_protocol::firmware::{Activation, FirmwareComponent, FlashPhase, Secret, Transfer, VersionSource};
use pious_redfish::{Bmc, BootOnce, Error, FlashError, HostRestart, Stopped, Watch, flash_patiently};
use scripted::{Place, Push, SIZE, Script, Step, Takes, Tls, Trial, sha256};
use serde_json::{Value, json};
use std::{
    pin::Pin,
    time::{Duration, Instant},
};

const ALL_BUT_RESTARTING: [FlashPhase; 5] = [
    FlashPhase::Checking,
    FlashPhase::Fetching,
    FlashPhase::HandingOver,
    FlashPhase::Flashing,
    FlashPhase::ReadingBack,
];

#[tokio::test]
async fn an_image_goes_by_multipart() {
    let trial = Trial::new();
    let bytes = trial.image.bytes.clone();
    let (flashed, seen, told) = trial.works().await;
    assert!(!flashed.activation_pending);
    assert_eq!(flashed.firmware[0].source, "FirmwareInventory/7");
    assert_eq!(
        flashed.evidence,
        "task /redfish/v1/t/mine ended: Completed: The end.; 300001 bytes by MultipartHttpPush; the BIOS ran 2.10 and runs \
         2.11 (FirmwareInventory/7)"
    );
    assert_eq!(told.order(), ALL_BUT_RESTARTING);
    let percents: Vec<u8> = told
        .phases
        .iter()
        .filter(|(phase, ..)| *phase == FlashPhase::Flashing)
        .map(|(_, percent, _)| *percent)
        .collect();
    assert_eq!(percents, [0, 10, 60, 100]);

    let [(kind, long, body)] = seen.pushes.as_slice() else { panic!("{} pushes", seen.pushes.len()) };
    assert_eq!(*long, body.len() as u64);
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect(kind);
    let before = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"UpdateParameters\"\r\nContent-Type: application/json\r\n\
         \r\n{{\"@Redfish.OperationApplyTime\":\"Immediate\",\"Targets\":[\"/redfish/v1/u/f/7\"]}}\r\n--{boundary}\r\n\
         Content-Disposition: form-data; name=\"UpdateFile\"; filename=\"bios-2.11.bin\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let expected = [before.as_bytes(), &bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    assert!(*body == expected, "{}", String::from_utf8_lossy(&body[..before.len()]));
    assert_eq!((seen.logins, seen.ended_sessions), (1, 1));
}

#[tokio::test]
async fn an_image_goes_by_push() {
    let trial = Trial::by(Transfer::HttpPush).script(|script| script.push = [Push::Monitor].into());
    let bytes = trial.image.bytes.clone();
    let (_, seen, told) = trial.works().await;
    assert_eq!(told.order(), ALL_BUT_RESTARTING);
    assert!(seen.pushes == [("application/octet-stream".to_owned(), SIZE as u64, bytes)]);
    let options = json!({ "HttpPushUriApplyTime": { "ApplyTime": "Immediate" } });
    let change = json!({ "HttpPushUriTargets": ["/redfish/v1/u/f/7"], "HttpPushUriOptions": options });
    assert_eq!(seen.patches, [("/redfish/v1/u".to_owned(), change)]);
}

#[tokio::test]
async fn an_image_is_fetched_by_the_bmc() {
    let trial = Trial::by(Transfer::SimpleUpdate);
    let url = trial.order.artifact.url.clone();
    let (_, seen, told) = trial.works().await;
    assert_eq!(told.order(), ALL_BUT_RESTARTING);
    let expected =
        json!({ "ImageURI": url, "Targets": ["/redfish/v1/u/f/7"], "@Redfish.OperationApplyTime": "Immediate" });
    assert_eq!(seen.simple_updates, [expected]);
}

#[tokio::test]
async fn what_runs_already_is_not_flashed() {
    let (flashed, seen, _) = Trial::new().script(|script| script.version = "2.11.0").run().await;
    let flashed = flashed.unwrap();
    let words = "the BIOS runs 2.11.0 already (FirmwareInventory/7); nothing was handed over";
    assert_eq!((flashed.evidence.as_str(), flashed.firmware[0].version.as_str()), (words, "2.11.0"));
    assert!(seen.pushes.is_empty());
}

#[tokio::test]
async fn it_does_not_begin_where_it_may_not() {
    let moved = Trial::new().script(|script| script.version = "2.9");
    moved.fails_before("the BIOS runs 2.9, and not 2.10, from which it would be updated").await;
    let busy = Trial::new().script(|script| script.other_task = Some("Running"));
    busy.fails_before("the BMC is busy: task /redfish/v1/t/other (Another update) is Running at 7%").await;

    for phase in [FlashPhase::Checking, FlashPhase::Fetching, FlashPhase::HandingOver] {
        let mut stopped = Trial::new();
        stopped.told.stops_at = Some(phase);
        let seen = stopped.fails_before("stopped before the BMC got anything: Senzu took it back").await;
        assert_eq!(seen.logins, seen.ended_sessions, "{phase:?}");
    }

    let mut unknown = Trial::by(Transfer::Unknown);
    unknown.order.recipe.names_targets = false;
    unknown.fails_before("the BMC failed at telling how it is updated").await;
}

#[tokio::test]
async fn an_image_that_is_not_the_one_goes_nowhere() {
    let mut wrong = Trial::new();
    let expected = wrong.order.artifact.sha256.clone();
    wrong.image.bytes[SIZE / 2] ^= 1;
    let words = format!("the image has SHA-256 {}, and not {expected}", sha256(&wrong.image.bytes));
    wrong.fails_before(&words).await;

    let mut short = Trial::new();
    short.image.bytes.pop();
    short.fails_before("the image has 300000 bytes, and not 300001").await;

    let mut long = Trial::new();
    long.image.bytes.push(0);
    long.fails_before("the image has 300002 bytes, and not 300001").await;

    let mut unsigned = Trial::new();
    unsigned.image.bytes[SIZE / 2] ^= 1;
    unsigned.order.artifact.sha256 = sha256(&unsigned.image.bytes);
    let words = format!("the image's signature does not hold by key {}", unsigned.order.key);
    unsigned.fails_before(&words).await;

    let mut by_another = Trial::new();
    by_another.order.key = Trial::new().order.key;
    let words = format!("the image's signature does not hold by key {}", by_another.order.key);
    by_another.fails_before(&words).await;
}

#[tokio::test]
async fn a_read_that_breaks_goes_on_where_it_was() {
    let mut breaking = Trial::new();
    breaking.image.breaks_behind = Some(100_000);
    let place = Place::new(breaking.script.clone());
    let Trial { order, image, told, patience, .. } = &mut breaking;
    flash_patiently(&place.at(), order, image, told, patience).await.unwrap();
    let at = image.at.lock().unwrap().clone();
    assert_eq!(at, [0, 100_000, 200_000, 300_000, 0, 100_000, 200_000, 300_000]);

    let mut broken = Trial::new();
    broken.image.breaks_behind = Some(0);
    broken.fails_before("the image can't be read after 0 of 300001 bytes").await;

    // One that gives a little each time is no better.
    let mut dripping = Trial::new();
    dripping.image.breaks_behind = Some(10);
    dripping.fails_before("the image can't be read after 40 of 300001 bytes").await;
}

#[tokio::test]
async fn another_image_behind_the_proof_never_gets_through() {
    for transfer in [Transfer::MultipartPush, Transfer::HttpPush] {
        let mut changed = Trial::by(transfer);
        let mut later = changed.image.bytes.clone();
        later[7] ^= 1;
        let words = format!("the image has SHA-256 {}, and not {}", sha256(&later), changed.order.artifact.sha256);
        changed.image.later = Some(later);
        let seen = changed.fails_behind(&words).await;
        assert!(seen.pushes.is_empty(), "{transfer:?}");
    }
}

#[tokio::test]
async fn a_bmc_that_is_not_ready_is_asked_again() {
    let (_, seen, _) =
        Trial::new().script(|script| script.push = [Push::NotReady, Push::NotReady].into()).works().await;
    assert_eq!(seen.pushes.len(), 3);

    let never = Trial::new().script(|script| script.push = [Push::NotReady, Push::NotReady, Push::NotReady].into());
    let (result, seen, _) = never.run().await;
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "the BMC refused the image by MultipartHttpPush: 503 Service Unavailable");
    assert!(!error.may_have_begun());
    assert_eq!(seen.pushes.len(), 3);
}

#[tokio::test]
async fn a_bmc_that_says_no_is_not_asked_again() {
    let refused = Trial::new().script(|script| script.push = [Push::Refused(400, "It is no image.")].into());
    let (result, seen, _) = refused.run().await;
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "the BMC refused the image by MultipartHttpPush: 400 It is no image.");
    assert!(!error.may_have_begun());
    assert_eq!(seen.pushes.len(), 1);
    // An answer that says yes, with an error in it, or one behind the whole image: who knows.
    for code in [200, 500] {
        let odd = Trial::new().script(|script| script.push = [Push::Refused(code, "Odd.")].into());
        odd.fails_behind(&format!("the BMC refused the image by MultipartHttpPush: {code} Odd.")).await;
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_is_not_made_twice() {
    for transfer in [Transfer::MultipartPush, Transfer::HttpPush] {
        let (result, seen, _) = Trial::by(transfer).script(|script| script.push = [Push::Cut].into()).run().await;
        let error = result.unwrap_err();
        assert!(matches!(error, FlashError::HandOverBroke { of: 300_001, .. }), "{error:?}");
        assert!(error.may_have_begun());
        assert!(seen.pushes.is_empty());
        let uploads =
            seen.requests.iter().filter(|request| request.contains("/u/multipart") || request.contains("/u/push"));
        assert_eq!(uploads.count(), 1);
    }
}

#[tokio::test]
async fn a_task_that_fails_says_why() {
    for state in ["Exception", "Cancelled", "Killed"] {
        let failed = Trial::new().task([Step::Running(40), Step::Ended(state, "Critical")]).script(never);
        failed.fails_behind(&format!("the BMC's task ended as {state}: The end.")).await;
    }
    let critical = Trial::new().task([Step::Ended("Completed", "Critical")]).script(never);
    critical.fails_behind("the BMC's task ended as Completed, Critical: The end.").await;
}

fn never(script: &mut Script) {
    script.takes = Takes::Never;
}

#[tokio::test]
async fn a_task_that_hangs_is_given_up() {
    let mut hangs = Trial::new().task([Step::Running(10), Step::Running(42)]);
    hangs.order.recipe.flash_within_s = 1;
    hangs.fails_behind("the BMC's task /redfish/v1/t/mine hangs at 42% after 1 s").await;
}

#[tokio::test]
async fn done_is_what_the_version_says() {
    let nothing = Trial::new().script(never);
    nothing.fails_behind("the BMC answered done, and the BIOS runs 2.10 and not 2.11").await;
    let other = Trial::new().script(|script| script.next = "2.12");
    other.fails_behind("the BMC answered done, and the BIOS runs 2.12 and not 2.11").await;

    // It says yes, names no task and does nothing: only the time tells.
    let mut untold = Trial::new().script(|script| {
        script.push = [Push::Nothing].into();
        never(script);
    });
    untold.order.recipe.flash_within_s = 1;
    untold.fails_behind("the BMC answered done, and the BIOS runs 2.10 and not 2.11").await;
}

fn of_bmc(activation: Activation) -> Trial {
    let mut trial = Trial::new().script(|script| script.takes = Takes::WithARestart);
    trial.order.component = FirmwareComponent::Bmc;
    trial.order.recipe.version = VersionSource::Manager;
    trial.order.recipe.activation = activation;
    trial
}

#[tokio::test]
async fn a_bmc_restarts_by_itself() {
    let trial = of_bmc(Activation::Itself).task([Step::Running(50), Step::EndedAndRestarts]);
    let (flashed, seen, told) = trial.works().await;
    assert_eq!(flashed.firmware[0].source, "me.FirmwareVersion");
    assert_eq!((seen.restarts, seen.logins, seen.ended_sessions), (1, 2, 1));
    assert!(told.order().contains(&FlashPhase::Restarting));
}

#[tokio::test]
async fn a_bmc_is_restarted() {
    let (_, seen, told) = of_bmc(Activation::BmcReset).works().await;
    assert_eq!(seen.resets, [json!({ "ResetType": "GracefulRestart" })]);
    assert!(told.order().contains(&FlashPhase::Restarting));

    let (_, seen, _) =
        of_bmc(Activation::BmcReset).script(|script| script.reset_kinds = &["ForceRestart"]).works().await;
    assert_eq!(seen.resets, [json!({ "ResetType": "ForceRestart" })]);

    let cant = of_bmc(Activation::BmcReset).script(|script| script.reset_kinds = &["PowerCycle"]);
    cant.fails_behind("the BMC failed at restarting").await;
}

#[tokio::test]
async fn a_bmc_restarts_amid_its_task() {
    let (_, seen, told) =
        of_bmc(Activation::Itself).task([Step::Running(50), Step::Restarts, Step::Gone]).works().await;
    assert_eq!((seen.restarts, seen.logins), (1, 2));
    assert!(
        told.phases.iter().any(|(_, percent, words)| *percent == 50 && words.starts_with("the BMC does not answer"))
    );

    // A BIOS's task that its BMC forgets: the version decides.
    let lost = Trial::new().task([Step::Running(50), Step::Restarts, Step::Gone]).script(never);
    lost.fails_behind("the BMC answered done, and the BIOS runs 2.10 and not 2.11").await;
}

#[tokio::test]
async fn a_bmc_that_stays_away_is_given_up() {
    let mut away =
        of_bmc(Activation::Itself).task([Step::Restarts]).script(|script| script.away = Duration::from_secs(60));
    away.order.recipe.bmc_back_within_s = 1;
    away.fails_behind("the BMC is away for 1 s now").await;
}

#[tokio::test]
async fn a_bmc_without_room_is_restarted_before() {
    let mut trial = Trial::new();
    trial.order.recipe.resets_bmc_before = true;
    let (_, seen, told) = trial.works().await;
    assert_eq!((seen.restarts, seen.pushes.len()), (1, 1));
    assert_eq!(told.order(), ALL_BUT_RESTARTING);
}

#[tokio::test]
async fn a_server_must_restart_before_the_version_is_read() {
    let mut trial = Trial::new().script(never);
    trial.order.recipe.activation = Activation::HostReset;
    let (result, _, told) = trial.run().await;
    let flashed = result.unwrap();
    assert!(flashed.activation_pending);
    assert_eq!(flashed.firmware[0].version, "2.10");
    assert_eq!(told.order(), ALL_BUT_RESTARTING[..4]);
}

#[tokio::test]
async fn a_task_that_waits_for_the_restart_is_at_its_end() {
    let mut trial = Trial::new().script(never).task([Step::Running(5), Step::Pending]);
    trial.order.recipe.activation = Activation::HostReset;
    let flashed = trial.run().await.0.unwrap();
    let words =
        "task /redfish/v1/t/mine waits for the restart: Pending: Scheduled.; it runs once the server has restarted";
    assert_eq!((flashed.evidence.as_str(), flashed.activation_pending), (words, true));

    // Where none comes, it hangs.
    let mut queued = Trial::new().script(never).task([Step::Pending]);
    queued.order.recipe.flash_within_s = 1;
    queued.fails_behind("the BMC's task /redfish/v1/t/mine hangs at 0% after 1 s").await;
}

#[tokio::test]
async fn a_session_that_ends_is_opened_again() {
    let (_, seen, _) =
        Trial::new().task([Step::Running(1), Step::Expired, Step::Ended("Completed", "OK")]).works().await;
    assert_eq!((seen.logins, seen.ended_sessions), (2, 1));
    // One that ends again and again is none.
    let never_lasts = Trial::new().task([Step::Expired]);
    let (result, seen, _) = never_lasts.run().await;
    assert!(matches!(result, Err(FlashError::Credentials { .. })), "{result:?}");
    assert_eq!(seen.logins, 2);
}

#[tokio::test]
async fn who_is_refused_does_not_try_again() {
    let refused = Trial::new().script(|script| script.password = "another");
    let (result, seen, _) = refused.run().await;
    let error = result.unwrap_err();
    assert!(matches!(error, FlashError::Credentials { code: 401, .. }), "{error:?}");
    assert!(!error.may_have_begun());
    assert_eq!(seen.logins, 1);
    assert_eq!(seen.requests, ["GET /redfish/v1", "POST /redfish/v1/in/now"]);
}

#[tokio::test]
async fn a_password_that_is_changed_meanwhile_is_not_tried_twice() {
    let trial = Trial::new().task([Step::Running(1), Step::Expired]);
    let place = Place::new(trial.script.clone());
    let Trial { order, image, patience, .. } = &trial;
    let bmc = place.at();
    struct Changes<'a>(&'a Place);
    impl Watch for Changes<'_> {
        fn phase<'a>(
            &'a mut self,
            phase: FlashPhase,
            _: u8,
            _: String,
        ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>> {
            if phase == FlashPhase::Flashing {
                self.0.rewrite(|script| script.password = "another");
            }
            Box::pin(async { Ok(()) })
        }
    }
    let error = flash_patiently(&bmc, order, image, &mut Changes(&place), patience).await.unwrap_err();
    assert!(matches!(error, FlashError::Credentials { .. }), "{error:?}");
    assert!(error.may_have_begun());
    assert_eq!(place.seen().logins, 2);
}

#[tokio::test]
async fn without_sessions_the_password_goes_with_each_request() {
    let (_, seen, _) = Trial::new().script(|script| script.has_sessions = false).works().await;
    assert_eq!(seen.logins, 0);
    let mut place = Place::new(Script { has_sessions: false, ..Script::default() }).at();
    place.password = Secret::new("wrong");
    assert!(matches!(Bmc::connect(&place).await, Err(Error::Credentials { code: 401, .. })));
}

#[tokio::test]
async fn a_certificate_is_kept_to() {
    let tls = Tls::new();
    let served = Place::with(Script::default(), Some(tls.clone()));
    let bmc = Bmc::connect(&served.at()).await.unwrap();
    assert_eq!(bmc.certificate_sha256(), Some(tls.sha256.as_str()));
    bmc.close().await;

    let mut pinned = served.at();
    pinned.certificate_sha256 = Some(tls.sha256.to_uppercase());
    Bmc::connect(&pinned).await.unwrap().close().await;
    assert_eq!(served.seen().ended_sessions, 2);

    let plain = Place::new(Script::default());
    let shows_none = pious_redfish::Place { url: plain.url.clone(), ..pinned.clone() };
    assert!(matches!(Bmc::connect(&shows_none).await, Err(Error::Certificate { .. })));
    assert!(plain.seen().requests.is_empty());

    // Another BMC, or somebody who says to be it: nothing is asked of it.
    let other = Tls::new();
    let impostor = Place::with(Script::default(), Some(other.clone()));
    pinned.url = impostor.url.clone();
    let Trial { order, image, mut told, patience, .. } = Trial::new();
    let error = flash_patiently(&pinned, &order, &image, &mut told, &patience).await.unwrap_err();
    let words = format!("the BMC shows certificate {}, and not {}", other.sha256, tls.sha256.to_uppercase());
    assert_eq!(error.to_string().to_lowercase(), words.to_lowercase());
    assert!(!error.may_have_begun());
    assert!(impostor.seen().requests.is_empty());
}

#[tokio::test]
async fn a_host_is_told_what_to_boot_and_asked_whether_it_will() {
    let place = Place::new(Script::default());
    let bmc = Bmc::connect(&place.at()).await.unwrap();
    bmc.boot_once(BootOnce::Pxe).await.unwrap();
    bmc.restart_host(HostRestart::Force).await.unwrap();
    let refused = bmc.restart_host(HostRestart::PowerCycle).await.unwrap_err().to_string();
    assert_eq!(refused, "ComputerSystem.Reset takes none of PowerCycle, but On, ForceRestart");
    let boot: Value = json!({ "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe" });
    let seen = place.seen();
    assert_eq!(seen.patches, [("/redfish/v1/s/box".to_owned(), json!({ "Boot": boot }))]);
    assert_eq!(seen.resets, [json!({ "ResetType": "ForceRestart" })]);
    bmc.close().await;
}

#[tokio::test]
async fn an_override_that_is_not_taken_is_said() {
    let place = Place::new(Script { takes_override: false, ..Script::default() });
    let bmc = Bmc::connect(&place.at()).await.unwrap();
    let error = bmc.boot_once(BootOnce::Hdd).await.unwrap_err().to_string();
    assert_eq!(error, "/redfish/v1/s/box took the boot override Once Hdd and says Disabled None");
}

/// An agent gives a flash to a task.
#[test]
fn a_flash_can_go_to_another_thread() {
    fn is_send<T: Send>(_: T) {}
    let mut trial = Trial::new();
    let place = pious_redfish::Place {
        url: "http://127.0.0.1:1".parse().unwrap(),
        user: String::new(),
        password: Secret::new(""),
        certificate_sha256: None,
    };
    is_send(flash_patiently(&place, &trial.order, &trial.image, &mut trial.told, &trial.patience));
}

#[tokio::test]
async fn a_task_that_is_not_named_is_found() {
    let (flashed, _, _) = Trial::new().script(|script| script.push = [Push::Listed].into()).works().await;
    assert!(flashed.evidence.starts_with("task /redfish/v1/t/mine ended: "), "{}", flashed.evidence);
}

#[tokio::test]
async fn a_bmc_that_may_still_write_is_not_restarted() {
    let mut trial = of_bmc(Activation::BmcReset).script(|script| script.push = [Push::Written].into());
    trial.order.recipe.flash_within_s = 1;
    let begun = Instant::now();
    let (_, seen, _) = trial.works().await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(seen.restarts, 1);
}

#[tokio::test]
async fn a_bios_is_read_from_the_system() {
    let mut trial = Trial::new();
    trial.order.recipe.version = VersionSource::System;
    let (flashed, seen, _) = trial.works().await;
    assert_eq!(flashed.firmware[0].source, "box.BiosVersion");
    let (_, _, body) = &seen.pushes[0];
    assert!(String::from_utf8_lossy(body).contains("\"Targets\":[\"/redfish/v1/s/box\"]"));
}
