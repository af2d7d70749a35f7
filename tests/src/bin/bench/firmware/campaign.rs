//! A campaign over simulated BMCs at a cap, while Senzu is killed once and a tenth of the agents are: what the BMCs
//! themselves noted is what counts.

use crate::{
    Place,
    report::{Report, Row},
};
use anyhow::{Context, Result, ensure};
use pious_lab::{
    bmc::{
        image::Label,
        redfish::{Entry, Noted},
    },
    fleet::{
        Death, Firmware, Fleet, Machine, Server,
        bmc::{MODEL, Pace},
    },
    lab::handle::Senzu,
};
use pious_protocol::firmware::{FirmwareComponent, FlashPhase};
use pious_redfish::Patience;
use pious_tests::senzu::Process;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const SERVERS: u32 = 500;
/// At once, in their one management network.
const CAP: usize = 16;
const WANTED: &str = "2.11.0";
const IMAGE_BYTES: u64 = 1024 * 1024;
/// A real BMC takes minutes, and what else an update needs takes seconds. Here a Senzu, 500 agents and 500 BMCs share one
/// machine's cores: were this much shorter, their work would be what is measured.
const PACE: Pace = Pace { flash: Duration::from_secs(25), restart: Duration::from_millis(RESTART_MS) };
const RESTART_MS: u64 = 5_000;
const WITHIN_S: u32 = 60;
const SPARE_WITHIN: Duration = Duration::from_secs(300);
const ENDED_WITHIN: Duration = Duration::from_secs(1800);
const ASK_EVERY: Duration = Duration::from_secs(1);

/// As quick as these BMCs.
fn patience() -> Patience {
    Patience {
        poll: Duration::from_millis(250),
        longest_retry_after: Duration::from_secs(1),
        again: Duration::from_millis(500),
        tries: 6,
        gone_within: Duration::from_secs(10),
        settles_within: Duration::from_secs(10),
    }
}

pub async fn measure(place: &Place, report: &mut Report) -> Result<()> {
    let (program, data, signer) = super::prepare(place, "campaign", SERVERS, WITHIN_S)?;
    let mut process = Process::serve(&program, &data, &[])?;
    let operator = process.operator()?;
    signer.bring(&operator, &Label::new(FirmwareComponent::Bmc, MODEL, WANTED), IMAGE_BYTES).await?;
    let machines = (0..SERVERS)
        .map(|number| Machine::with_bmc(Server::new(number), PACE).map(Arc::new))
        .collect::<Result<Vec<_>, _>>()?;
    let fleet = Fleet {
        servers: SERVERS,
        senzu: vec![pious_client::read_url(process.url(), false)?],
        ca: Some(data.join("ca.pem")),
        keys: data.join("instruction-keys.json"),
        at_once: 100,
        within: SPARE_WITHIN,
        stay: Duration::MAX,
        firmware: Some(Firmware { key: signer.key.clone(), patience: patience() }),
    };
    let running = fleet.switch_on(&machines)?;
    tokio::time::timeout(SPARE_WITHIN, running.spare()).await.context("not all are SPARE")?;
    kill_a_tenth(&machines);
    let begun = Instant::now();
    let id = start(&operator).await?;
    let ended = watch(&mut process, &operator, &id).await?;
    let took_s = begun.elapsed().as_secs_f64();
    let deaths = running.report().deaths;
    let neither = neither(&operator, &machines).await?;
    let logs: Vec<Vec<Entry>> = machines.iter().filter_map(|machine| Some(machine.bmc()?.log())).collect();
    let tally = Tally::of(&logs);
    let told = format!("{ended}; in {took_s:.0} s; Senzu killed once, {deaths} agents");
    report.add(Row {
        figure: format!("a campaign over {SERVERS} BMCs in one network, {CAP} at once: the most that had an image"),
        measured: tally.most as f64,
        unit: "BMCs",
        budget: Some(CAP as f64),
        detail: told,
    });
    report.add(Row {
        figure: "the same: what is not used of the cap while assets wait".into(),
        measured: (1.0 - tally.used) * 100.0,
        unit: "%",
        budget: Some(10.0),
        detail: format!(
            "by time, from a BMC's first login of a try to the try's end; {:.0} % had an image",
            tally.writing * 100.0
        ),
    });
    report.add(Row {
        figure: "the same: assets with neither the version nor a reason in recovery".into(),
        measured: neither as f64,
        unit: "assets",
        budget: Some(0.0),
        detail: format!("of {SERVERS}"),
    });
    report.add(Row {
        figure: "the same: whole images that a BMC got though it had taken one".into(),
        measured: tally.twice as f64,
        unit: "images",
        budget: Some(0.0),
        detail: format!("of {}", tally.images),
    });
    Ok(())
}

/// A random tenth dies in the middle of its update: before the BMC has anything, while it gets it, while it writes.
fn kill_a_tenth(machines: &[Arc<Machine>]) {
    const PHASES: [FlashPhase; 3] = [FlashPhase::Fetching, FlashPhase::HandingOver, FlashPhase::Flashing];
    for machine in machines {
        let (luck, more) = uuid::Uuid::new_v4().as_u64_pair();
        if luck % 10 == 0 {
            let death = if more & 1 == 0 { Death::Process } else { Death::Power };
            let phase = PHASES[(more >> 1) as usize % PHASES.len()];
            machine.at(phase, 0, move |machine| machine.die(death));
        }
    }
}

/// Makes the campaign, has another operator approve it, and starts it; its id.
async fn start(operator: &Senzu) -> Result<String> {
    let other = another(operator).await?;
    let spec = json!({
        "name": "the bench's", "query": {"region": "fleet"}, "wanted": [{"component": "bmc", "version": WANTED}],
        "caps": {"per_network": {"concurrent": CAP}},
        "waves": {"canary": SERVERS, "soak_s": 0, "halt_after": SERVERS},
    });
    let made = operator.post("/v1/campaigns", &json!({"spec": spec, "why": "the bench"})).await?;
    let id = made["id"].as_str().context("it has no id")?.to_owned();
    let why = json!({"why": "the bench"});
    other.post(&format!("/v1/campaigns/{id}/approve"), &why).await.context("approve it")?;
    operator.post(&format!("/v1/campaigns/{id}/start"), &why).await.context("start it")?;
    Ok(id)
}

/// Whoever approves what the first operator wants.
async fn another(operator: &Senzu) -> Result<Senzu> {
    let url = format!("{}/v1/operators/approver", operator.url);
    let request = operator.client.put(url).bearer_auth(&operator.token).json(&json!({"role": "approver"}));
    let made = request.send().await?.status();
    ensure!(made == StatusCode::NO_CONTENT, "another operator: {made}");
    let ask = json!({"operator": "approver", "name": "the bench", "role": "approver", "expires_in_s": 3600});
    let made = operator.post("/v1/tokens", &ask).await?;
    let token = made["token"].as_str().context("no token")?.to_owned();
    Ok(Senzu { token, ..operator.clone() })
}

/// Waits for the campaign's end, with Senzu killed once in the middle; how its members ended.
async fn watch(process: &mut Process, operator: &Senzu, id: &str) -> Result<Value> {
    let (begun, mut is_killed) = (Instant::now(), false);
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        let campaign = operator.get(&format!("/v1/campaigns/{id}?limit=1")).await?;
        let view = if campaign["counts"].is_object() { &campaign } else { &campaign["campaign"] };
        let count = |name: &str| view["counts"][name].as_u64().unwrap_or_default();
        let ended = count("done") + count("recovery") + count("impossible") + count("skipped");
        if !is_killed && ended >= u64::from(SERVERS) / 2 {
            process.kill_and_start_again()?;
            is_killed = true;
        }
        if ended >= u64::from(SERVERS) {
            return Ok(view["counts"].clone());
        }
        ensure!(begun.elapsed() < ENDED_WITHIN, "it does not end: {}", view["counts"]);
    }
}

/// How many have neither the version nor a reason.
async fn neither(operator: &Senzu, machines: &[Arc<Machine>]) -> Result<usize> {
    let mut neither = 0;
    for machine in machines {
        let runs = machine.bmc().and_then(|bmc| bmc.versions().remove(&FirmwareComponent::Bmc));
        let goal = &operator.firmware(&machine.server().name()).await?["goals"][0];
        let is_well = match goal["status"].as_str() {
            Some("done") => runs.as_deref() == Some(WANTED),
            Some("recovery") => goal["words"].as_str().is_some_and(|words| !words.is_empty()),
            _ => false,
        };
        if !is_well {
            eprintln!("{}: {goal}, and runs {runs:?}", machine.server().name());
            neither += 1;
        }
    }
    Ok(neither)
}

/// What the BMCs' logs tell.
struct Tally {
    /// The most that had, or were getting, an image at once.
    most: usize,
    /// How much of the cap was used, by time, while others waited: by each BMC from a try's first login to its end.
    used: f64,
    /// How much by BMCs with an image.
    writing: f64,
    images: usize,
    /// Whole images behind one that ran afterwards.
    twice: usize,
}

/// From when until when.
type Span = (u64, u64);

impl Tally {
    fn of(logs: &[Vec<Entry>]) -> Self {
        let mut writes: Vec<Span> = Vec::new();
        let mut tries: Vec<Span> = Vec::new();
        let mut first: Vec<u64> = Vec::new();
        let (mut images, mut twice) = (0, 0);
        for log in logs {
            let whole =
                log.iter().filter(|entry| matches!(entry.what, Noted::PushEnded { complete: true, .. })).count();
            let failed = log
                .iter()
                .filter(|entry| matches!(&entry.what, Noted::TaskEnded { state, .. } if state == "Exception"));
            images += whole;
            twice += whole.saturating_sub(1 + failed.count());
            let pushes = |entry: &&Entry| matches!(entry.what, Noted::PushBegun { .. });
            first.extend(log.iter().find(pushes).map(|entry| entry.at_ms));
            let (mut logins, mut push) = (Vec::new(), None);
            let mut ended = |begun: Option<(u64, u64)>, at: u64| {
                let Some((login, pushed)) = begun else { return };
                writes.push((pushed, at));
                tries.push((login, at));
            };
            for entry in log {
                match &entry.what {
                    Noted::Login { admitted: true, .. } => logins.push(entry.at_ms),
                    // The agent looks for the BMC, and then updates it: two logins.
                    Noted::PushBegun { .. } => {
                        let login = logins.iter().rev().nth(1).copied().unwrap_or(entry.at_ms);
                        push = Some((login, entry.at_ms));
                    }
                    Noted::PushEnded { complete: false, .. } => ended(push.take(), entry.at_ms),
                    // It is back a moment later.
                    Noted::VersionChanged { .. } => ended(push.take(), entry.at_ms + RESTART_MS),
                    _ => {}
                }
            }
        }
        // Once the last has begun for the first time, nobody waits for the cap.
        let begun = first.iter().copied().min().unwrap_or_default();
        let last = first.iter().copied().max().unwrap_or_default();
        let used = |spans: &[Span]| {
            let busy: u64 = spans.iter().map(|span| span.1.min(last).saturating_sub(span.0.max(begun))).sum();
            busy as f64 / (CAP as f64 * last.saturating_sub(begun).max(1) as f64)
        };
        Self { most: most_at_once(&writes), used: used(&tries), writing: used(&writes), images, twice }
    }
}

fn most_at_once(spans: &[Span]) -> usize {
    let mut edges: Vec<(u64, i64)> = spans.iter().flat_map(|&(from, to)| [(from, 1), (to, -1)]).collect();
    // One that ends makes room for one that begins in the same millisecond.
    edges.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, edge) in edges {
        now += edge;
        most = most.max(now);
    }
    usize::try_from(most).unwrap_or_default()
}
