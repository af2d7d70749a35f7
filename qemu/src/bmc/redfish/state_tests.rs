//! One BMC on a clock that the test moves.

use super::{
    fault::{Fault, WRONG_VERSION},
    log::Noted,
    state::{BootEnabled, BootOverride, BootTarget, Description, LoginError, Order, ResetType, Sensor, Simulated},
    style::{Style, Versions},
    update::{ApplyTime, Busy, TaskState, Wishes},
};
use crate::bmc::image::{Incoming, Received, make};
use jiff::Timestamp;
use pious_protocol::firmware::{
    FirmwareComponent::{self, Bios, Bmc, Nic, Psu},
    Transfer,
};
use std::time::Duration;

/// A BMC like the lab's: 3 s to write, 2 s to restart.
pub(super) fn description(style: Style) -> Description {
    let versions = [(Bmc, "2.10.0"), (Bios, "2.1.0"), (Nic, "22.31.6"), (Psu, "1.3")];
    Description {
        style,
        name: "a".into(),
        manufacturer: "PIOUS".into(),
        model: "Lab Server".into(),
        serial: "S1".into(),
        uuid: uuid::Uuid::from_u128(1),
        versions: versions.map(|(component, version)| (component, version.to_owned())).into(),
        flash: Duration::from_secs(3),
        restart: Duration::from_secs(2),
        sensors: vec![Sensor { name: "Inlet Temp".into(), reading_type: "Temperature", units: "Cel", reading: 24.0 }],
    }
}

struct Test {
    bmc: Simulated,
    now: Timestamp,
}

impl Test {
    fn of(style: Style) -> Self {
        Self { bmc: Simulated::new(description(style)), now: Timestamp::from_second(1_000_000).unwrap() }
    }

    fn with(fault: Fault) -> Self {
        let mut test = Self::of(Style::Generic);
        test.bmc.tell_fault(test.now, Some(fault), false);
        test
    }

    fn push(&mut self, component: FirmwareComponent, version: &str) -> u32 {
        self.push_with(received(component, "Lab Server", version), &Wishes::default())
    }

    fn push_with(&mut self, image: Received, wishes: &Wishes) -> u32 {
        self.bmc.push_begins(self.now, Transfer::MultipartPush).unwrap();
        self.bmc.push_ends(self.now, image.bytes, image.sha256.clone(), true);
        self.bmc.write(self.now, image, wishes)
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.bmc.advance(self.now);
    }

    fn task(&self, number: u32) -> (TaskState, u8, String) {
        let task = self.bmc.tasks.iter().find(|task| task.number == number).expect("a task");
        (task.state, task.percent, task.messages.last().map(|message| message.text.clone()).unwrap_or_default())
    }

    fn version(&self, component: FirmwareComponent) -> &str {
        &self.bmc.versions()[&component]
    }

    fn noted(&self, wanted: impl Fn(&Noted) -> bool) -> usize {
        self.bmc.log().iter().filter(|entry| wanted(&entry.what)).count()
    }
}

fn received(component: FirmwareComponent, model: &str, version: &str) -> Received {
    let mut incoming = Incoming::default();
    incoming.take(&make(component, model, version, 1000));
    incoming.finish()
}

#[test]
fn a_bios_runs_after_the_servers_reset() {
    let mut test = Test::of(Style::Generic);
    let task = test.push(Bios, "2.2.0");
    test.pass(1_500);
    assert_eq!(test.task(task), (TaskState::Running, 50, String::new()));
    test.pass(1_500);
    let message = "BIOS 2.2.0 was written; it runs after the server's next reset";
    assert_eq!(test.task(task), (TaskState::Completed, 100, message.into()));
    test.pass(60_000);
    assert_eq!(test.version(Bios), "2.1.0");
    test.bmc.reset_host(test.now, ResetType::ForceRestart);
    assert_eq!(test.bmc.take_orders(), [Order::Host(ResetType::ForceRestart)]);
    test.bmc.host_starts(test.now);
    assert_eq!(test.version(Bios), "2.2.0");
    let changed = Noted::VersionChanged { component: Bios, from: "2.1.0".into(), to: "2.2.0".into() };
    assert_eq!(test.noted(|noted| *noted == changed), 1);
}

#[test]
fn a_bmc_restarts_for_its_own_firmware_where_its_vendor_does() {
    let mut test = Test::of(Style::Dell);
    test.bmc.log_in(test.now, "u", true, "t".into()).unwrap();
    let task = test.push(Bmc, "2.20.0");
    test.pass(3_000);
    assert_eq!((test.task(task).0, test.version(Bmc), test.bmc.is_here()), (TaskState::Completed, "2.10.0", true));
    test.pass(500);
    assert_eq!((test.version(Bmc), test.bmc.is_here()), ("2.20.0", false));
    test.pass(2_000);
    assert!(test.bmc.is_here());
    assert!(!test.bmc.admit(test.now, "t"), "sessions are forgotten");
    assert_eq!(test.task(task).0, TaskState::Completed, "tasks are not");

    let mut test = Test::of(Style::Openbmc);
    test.push(Bmc, "2.20.0");
    test.pass(60_000);
    assert_eq!((test.version(Bmc), test.bmc.is_here()), ("2.10.0", true));
    test.bmc.reset_bmc(test.now);
    test.pass(500);
    assert_eq!((test.version(Bmc), test.bmc.is_here(), test.bmc.tasks.len()), ("2.20.0", false, 0));
}

#[test]
fn an_update_on_reset_waits_for_it() {
    let mut test = Test::of(Style::Generic);
    let wishes = Wishes { apply: ApplyTime::OnReset, ..Wishes::default() };
    test.push_with(received(Bmc, "Lab Server", "2.20.0"), &wishes);
    test.pass(60_000);
    assert_eq!((test.version(Bmc), test.bmc.is_here()), ("2.10.0", true));
}

#[test]
fn an_image_for_something_else_is_refused() {
    let cases = [
        (
            received(Bios, "Other Server", "2.2.0"),
            vec![],
            "the image is for model \"Other Server\"; this is \"Lab Server\"",
        ),
        (
            received(FirmwareComponent::Drive, "Lab Server", "1"),
            vec![],
            "the image is for a component that is not here: drive",
        ),
        (
            received(Bios, "Lab Server", "2.2.0"),
            vec!["BMC".to_owned()],
            "the image is for the component BIOS, not for \"BMC\"",
        ),
        (Incoming::default().finish(), vec![], "the image has no first line within 1024 bytes"),
    ];
    for (image, targets, why) in cases {
        let mut test = Test::of(Style::Generic);
        let task = test.push_with(image, &Wishes { targets, ..Wishes::default() });
        assert_eq!(test.task(task), (TaskState::Exception, 0, why.into()));
        test.pass(60_000);
        assert_eq!(test.bmc.versions(), &description(Style::Generic).versions);
    }
}

#[test]
fn one_update_at_a_time() {
    let mut test = Test::of(Style::Generic);
    test.push(Psu, "1.4");
    assert_eq!(test.bmc.push_begins(test.now, Transfer::HttpPush), Err(Busy));
    test.pass(3_000);
    assert_eq!(test.version(Psu), "1.4");
    assert_eq!(test.bmc.push_begins(test.now, Transfer::HttpPush), Ok(None));
    assert_eq!(test.bmc.push_begins(test.now, Transfer::HttpPush), Err(Busy), "one comes in");
    test.bmc.push_ends(test.now, 7, "ab".into(), false);
    assert_eq!(test.bmc.push_begins(test.now, Transfer::HttpPush), Ok(None));
}

#[test]
fn an_image_that_can_not_be_fetched_ends_its_task() {
    let mut test = Test::of(Style::Generic);
    let (task, _) = test.bmc.fetch_begins(test.now).unwrap();
    test.bmc.push_ends(test.now, 0, String::new(), false);
    test.bmc.fetched(test.now, task, Err("404".into()), &Wishes::default());
    assert_eq!(test.task(task), (TaskState::Exception, 0, "can't fetch the image: 404".into()));
}

#[test]
fn it_hangs_at_60_once() {
    let mut test = Test::with(Fault::HangsAt60);
    let task = test.push(Psu, "1.4");
    test.pass(3_600_000);
    assert_eq!(test.task(task), (TaskState::Running, 60, String::new()));
    assert_eq!(test.bmc.next_due(), None, "nobody waits for it");
    test.bmc.reset_bmc(test.now);
    test.pass(500);
    assert_eq!(test.task(task), (TaskState::Exception, 60, "the BMC restarted meanwhile".into()));
    test.pass(2_000);
    test.push(Psu, "1.4");
    test.pass(3_000);
    assert_eq!(test.version(Psu), "1.4");
}

#[test]
fn it_does_nothing_and_says_that_all_is_well() {
    let mut test = Test::with(Fault::DoesNothing);
    let task = test.push(Psu, "1.4");
    test.pass(3_000);
    assert_eq!(test.task(task), (TaskState::Completed, 100, "PSU 1.4 was installed".into()));
    assert_eq!(test.version(Psu), "1.3");
}

#[test]
fn it_resets_mid_flash_and_keeps_the_old_version() {
    let mut test = Test::with(Fault::ResetsMidFlash);
    let task = test.push(Bmc, "2.20.0");
    test.pass(2_000);
    assert!(!test.bmc.is_here());
    test.pass(60_000);
    assert_eq!(test.task(task), (TaskState::Exception, 50, "the BMC restarted meanwhile".into()));
    assert_eq!((test.version(Bmc), test.bmc.is_here()), ("2.10.0", true));
}

#[test]
fn another_version_runs_afterwards() {
    let mut test = Test::with(Fault::WrongVersion);
    let task = test.push(Nic, "22.40.0");
    test.pass(3_000);
    assert_eq!((test.task(task).0, test.version(Nic)), (TaskState::Completed, WRONG_VERSION));
}

#[test]
fn a_signature_is_rejected() {
    let mut test = Test::with(Fault::RejectsSignature);
    let task = test.push(Bios, "2.2.0");
    assert_eq!(test.task(task), (TaskState::Exception, 0, "signature verification failed".into()));
}

#[test]
fn it_stays_away_until_its_faults_are_taken_away() {
    let mut test = Test::with(Fault::StaysAway);
    test.bmc.reset_bmc(test.now);
    test.pass(3_600_000);
    assert_eq!((test.bmc.is_here(), test.bmc.next_due()), (false, None));
    test.bmc.tell_fault(test.now, None, false);
    test.pass(2_000);
    assert!(test.bmc.is_here());
}

#[test]
fn sessions_expire_at_the_next_look_at_a_task() {
    let mut test = Test::with(Fault::ExpiresSessions);
    test.bmc.log_in(test.now, "u", true, "t".into()).unwrap();
    assert!(test.bmc.admit(test.now, "t"));
    test.bmc.task_polled();
    assert!(!test.bmc.admit(test.now, "t"));
    test.bmc.log_in(test.now, "u", true, "t2".into()).unwrap();
    test.bmc.task_polled();
    assert!(test.bmc.admit(test.now, "t2"), "once");
}

#[test]
fn an_image_comes_in_slowly() {
    let mut test = Test::with(Fault::SlowLink { bytes_per_s: 1000 });
    assert_eq!(test.bmc.push_begins(test.now, Transfer::HttpPush), Ok(Some(1000)));
}

#[test]
fn the_faults_of_requests_are_told() {
    let mut test = Test::with(Fault::RefusesCredentials);
    assert_eq!([(); 2].map(|()| test.bmc.refuses_credentials()), [true, false]);
    let mut test = Test::with(Fault::Unavailable { requests: 1 });
    assert_eq!([(); 2].map(|()| test.bmc.is_unavailable()), [true, false]);
    let mut test = Test::with(Fault::NewCertificate);
    assert_eq!(test.bmc.take_orders(), [Order::NewCertificate]);
}

#[test]
fn a_session_that_nobody_uses_ends() {
    let mut test = Test::of(Style::Generic);
    assert_eq!(test.bmc.log_in(test.now, "u", false, "x".into()), Err(LoginError::Refused));
    test.bmc.log_in(test.now, "u", true, "t".into()).unwrap();
    test.pass(1_799_000);
    assert!(test.bmc.admit(test.now, "t"));
    test.pass(1_799_000);
    assert!(test.bmc.admit(test.now, "t"));
    test.pass(1_801_000);
    assert!(!test.bmc.admit(test.now, "t"));
    assert_eq!(test.noted(|noted| matches!(noted, Noted::Login { .. })), 2);
}

#[test]
fn a_boot_override_holds_once() {
    let mut test = Test::of(Style::Generic);
    test.bmc.set_boot(test.now, BootOverride { target: BootTarget::Pxe, enabled: BootEnabled::Once });
    assert_eq!([(); 2].map(|()| test.bmc.host_starts(test.now)), [BootTarget::Pxe, BootTarget::None]);
    test.bmc.set_boot(test.now, BootOverride { target: BootTarget::Hdd, enabled: BootEnabled::Continuous });
    assert_eq!([(); 2].map(|()| test.bmc.host_starts(test.now)), [BootTarget::Hdd, BootTarget::Hdd]);
}

#[test]
fn every_style_has_every_component_in_its_inventory() {
    for style in Style::ALL {
        let versions = description(style).versions;
        let inventory = style.inventory(&versions, &Versions::new());
        for (component, version) in &versions {
            let running = inventory.iter().filter(|item| item.component == *component && item.runs);
            assert!(running.clone().count() >= 1, "{style:?} {component}");
            assert!(running.clone().all(|item| item.version == *version), "{style:?} {component}");
        }
        let mut ids: Vec<&str> = inventory.iter().map(|item| item.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), inventory.len(), "{style:?}");
    }
}
