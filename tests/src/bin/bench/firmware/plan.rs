//! Who would be in a campaign, and the way of each to its versions: a hundred thousand against a thousand.

use crate::{
    Place,
    report::{Report, Row, median},
};
use anyhow::{Context, Result, ensure};
use pious_lab::{
    bmc::image::Label,
    fleet::{
        Machine, Server,
        bmc::{MANUFACTURER, MODEL, Pace},
    },
};
use pious_protocol::firmware::FirmwareComponent;
use pious_tests::senzu::Process;
use serde_json::json;
use sqlx::{Connection, SqliteConnection};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
const TIMES: usize = 3;
const RUNS: &str = "2.10.0";
const WANTED: &str = "2.11.0";

pub async fn measure(place: &Place, report: &mut Report) -> Result<()> {
    let (few, many) = (preview(place, FEW).await?, preview(place, MANY).await?);
    let (few, many) = (few.as_secs_f64(), many.as_secs_f64());
    report.add(Row {
        figure: "a campaign's preview, prechecks and plans: 100,000 assets against a hundred times 1,000".into(),
        measured: many / (few * f64::from(MANY / FEW)),
        unit: "×",
        budget: Some(1.3),
        detail: format!("{many:.2} s against {:.1} ms; each has a way of one step", few * 1e3),
    });
    Ok(())
}

async fn preview(place: &Place, servers: u32) -> Result<Duration> {
    let (program, data, signer) = super::prepare(place, "plan", servers, 60)?;
    boot_all(&data).await.context("fill the store")?;
    let process = Process::serve(&program, &data, &[])?;
    let operator = process.operator()?;
    signer.bring(&operator, &Label::new(FirmwareComponent::Bmc, MODEL, WANTED), 1024).await?;
    let spec = json!({
        "name": "the bench's", "query": {"region": "fleet"}, "wanted": [{"component": "bmc", "version": WANTED}],
    });
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let preview = operator.post("/v1/campaigns/preview", &spec).await?;
        times.push(begun.elapsed());
        ensure!(preview["qualify"] == servers, "of {servers}, {} qualify", preview["qualify"]);
        let plans = preview["members"].as_array().context("no members")?.iter().map(|member| &member["plan"]);
        for plan in plans {
            ensure!(plan[0]["way"] == json!([RUNS, WANTED]), "its plan is {plan}");
        }
    }
    Ok(median(times))
}

/// Each has booted, told its facts and had its BMC read: written straight into the store, as Senzu writes it.
async fn boot_all(data: &Path) -> Result<()> {
    const NOW: Pace = Pace { flash: Duration::ZERO, restart: Duration::ZERO };
    let facts = serde_json::to_string(&Machine::with_bmc(Server::new(0), NOW)?.facts())?;
    let file = format!("sqlite://{}", data.join("senzu.sqlite").display());
    let mut database = SqliteConnection::connect(&file).await?;
    let mut tx = database.begin().await?;
    // A boot session's id is its asset's own: it is of the same kind.
    let sessions = "INSERT INTO sessions (boot_id, asset_id, started_ms, last_seen_ms, firmware_mode, agent_version, \
                    fingerprint, timeline, told_revision, told_expectation) \
                    SELECT id, id, 0, 0, 'uefi', '0', fingerprint, '[]', 0, '' FROM assets";
    sqlx::query(sessions).execute(&mut *tx).await?;
    sqlx::query("UPDATE assets SET state = 'SPARE', current_boot = id").execute(&mut *tx).await?;
    let told = "INSERT INTO facts (boot_id, generation, received_ms, body) SELECT id, 1, 0, $1 FROM assets";
    sqlx::query(told).bind(facts).execute(&mut *tx).await?;
    let machine = "INSERT INTO machines (asset_id, manufacturer, model) SELECT id, $1, $2 FROM assets";
    sqlx::query(machine).bind(MANUFACTURER).bind(MODEL).execute(&mut *tx).await?;
    let read = "INSERT INTO firmware_installed (asset_id, component, version, source, boot_id, read_ms) \
                SELECT id, 'bmc', $1, 'a simulated BMC', id, 0 FROM assets";
    sqlx::query(read).bind(RUNS).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(database.close().await?)
}
