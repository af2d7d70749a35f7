//! Instructions that take time, through the real driver: told of on the way, stopped at the gate, dead at work.

use crate::{
    agent::{Agent, PATIENCE},
    senzu::Senzu,
};
use axum::http::StatusCode;
use pious_agent::{
    facts::RootHost,
    senzu,
    work::{Hands, Marks, Tools, Worker, worker},
};
use pious_client::read_url;
use pious_protocol::{
    firmware::FlashPhase,
    ids::{BootId, InstructionId},
    instruction::{Action, BmcUser, FirmwareInventory},
    message::{AssetState, Report},
};
use std::sync::Arc;

pub async fn agent(senzu: &Senzu, worker: Worker) -> Agent {
    senzu.listen().await;
    agent_of(senzu, BootId(uuid::Uuid::now_v7()), worker).await
}

/// The process of a boot whose Senzu listens already.
pub async fn agent_of(senzu: &Senzu, boot: BootId, worker: Worker) -> Agent {
    let client = senzu::client(vec![read_url(&senzu.url(), true).unwrap()], b"", boot, PATIENCE).unwrap();
    let mut agent = Agent::start_working(senzu, client, boot, 1, worker).await;
    agent.shows("its state", |view| view.state == Some(AssetState::Spare)).await;
    agent
}

fn inventory() -> Action {
    Action::FirmwareInventory(FirmwareInventory { components: vec![] })
}

/// Hands an image over and is done, if it may.
async fn hand_over(mut hands: Hands) -> Report {
    for phase in [FlashPhase::Fetching, FlashPhase::HandingOver, FlashPhase::Flashing] {
        if let Err(halt) = hands.line.phase(phase, 0, "").await {
            return Report::Failed { reason: halt.to_string() };
        }
    }
    Report::done("2.14")
}

/// What Senzu heard of an instruction, its end last. Progress may be left out: of what was not sent yet, the newest is.
pub async fn heard(senzu: &Senzu, id: InstructionId) -> Vec<Report> {
    let is_over = |told: &crate::senzu::Told| told.reports.iter().any(|(of, report)| *of == id && report.is_final());
    let told = senzu.heard("the end of the work", is_over).await;
    told.reports.into_iter().filter(|(of, _)| *of == id).map(|(_, report)| report).collect()
}

fn is_gate(report: &Report) -> bool {
    matches!(report, Report::Progress { phase: Some(FlashPhase::HandingOver), .. })
}

#[tokio::test]
async fn work_goes_through_the_gate_that_senzu_opens() {
    let senzu = Senzu::new(AssetState::Spare);
    let _agent = agent(&senzu, Arc::new(|_, hands| Box::pin(hand_over(hands)))).await;
    let reports = heard(&senzu, senzu.instruct(1, inventory())).await;
    assert_eq!(reports.first(), Some(&Report::Accepted));
    assert!(reports.iter().any(is_gate), "{reports:?}");
    assert_eq!(reports.last(), Some(&Report::done("2.14")));
}

#[tokio::test]
async fn a_gate_that_senzu_shuts_stops_the_work_and_the_next_one_follows() {
    let senzu = Senzu::new(AssetState::Spare);
    senzu.change(|script| script.at_gate = StatusCode::CONFLICT);
    let _agent = agent(&senzu, Arc::new(|_, hands| Box::pin(hand_over(hands)))).await;
    let (first, second) = (senzu.instruct(1, inventory()), senzu.instruct(2, inventory()));
    for id in [first, second] {
        let reports = heard(&senzu, id).await;
        let reason = "it may not go on: Senzu answers 409 Conflict".into();
        assert_eq!(reports.last(), Some(&Report::Failed { reason }));
    }
}

#[tokio::test]
async fn work_that_dies_is_a_failed_report() {
    let senzu = Senzu::new(AssetState::Spare);
    let _agent = agent(&senzu, Arc::new(|_, _| Box::pin(async { panic!("by design") }))).await;
    let reports = heard(&senzu, senzu.instruct(1, inventory())).await;
    let Some(Report::Failed { reason }) = reports.last() else { panic!("{reports:?}") };
    assert!(reason.starts_with("the agent's own task died: "), "{reason}");
}

#[tokio::test]
async fn the_agents_own_worker_says_what_this_server_lacks() {
    let senzu = Senzu::new(AssetState::Spare);
    let root = tempfile::tempdir().unwrap();
    let host = Arc::new(RootHost::new(root.path()).unwrap());
    let marks = Marks::new(root.path().join("begun"));
    let _agent = agent(&senzu, worker(Tools { firmware_key: None, marks, disks: host.clone(), host })).await;
    let last = async |action, sequence| heard(&senzu, senzu.instruct(sequence, action)).await.pop().unwrap();
    let Report::Failed { reason } = last(inventory(), 1).await else { panic!() };
    assert!(reason.starts_with("the BMC is not found: SMBIOS type 42: "), "{reason}");
    assert!(reason.ends_with("; Senzu's record: no address"), "{reason}");
    let Report::Failed { reason } = last(Action::BmcUser(BmcUser { generation: 1 }), 2).await else { panic!() };
    assert!(reason.contains("there is no BMC to ask"), "{reason}");
    assert!(senzu.told().reports.iter().all(|(_, report)| !format!("{report:?}").contains("hunter2")));
}
