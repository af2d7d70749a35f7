//! What Senzu costs and how fast it is, under a fleet of simulated agents: against OpenStack Ironic, against itself with
//! more stored, and while one of two replicas dies.
//!
//! Senzu keeps its promises as shipped: SQLite with WAL, synchronous FULL; TLS; all on the machine that the load comes from.

mod daemon;
mod hammer;
mod ironic;
mod postgres;

use crate::{
    Place,
    report::{Report, Row},
};
use anyhow::{Context, Result, ensure};
use daemon::Senzu;
use hammer::{Rate, hammer};
use pious_client::Agent;
use pious_lab::fleet::{Fleet, Server};
use pious_protocol::ids::BootId;
use std::{sync::Arc, time::Duration};

/// Connections that ask at once, of either side.
const CONNECTIONS: usize = 16;

/// How long either side is asked.
const ASKED_FOR: Duration = Duration::from_secs(15);

/// Servers that boot, of those that are stored: few enough that either side's answers come from a warm store, many enough
/// that none boots so often that Senzu takes it for a loop.
const BOOTING: u32 = 1000;

/// Servers that watch.
const WATCHING: u32 = 10_000;

/// How much is stored.
const STORED: [u32; 3] = [1_000, 10_000, 100_000];

pub async fn measure(place: &Place, wanted: impl Fn(&str) -> bool, report: &mut Report) -> Result<()> {
    pious_client::install_crypto();
    let wanted = |part: &str| wanted("senzu") || wanted(&format!("senzu.{part}"));
    if wanted("ironic") {
        against_ironic(place, report).await.context("against Ironic")?;
    }
    if wanted("stored") {
        stored(place, report).await.context("with more stored")?;
    }
    if wanted("watching") {
        watching(place, report).await.context("a fleet that watches")?;
    }
    if wanted("storm") {
        storm(place, report).await.context("a storm on two replicas")?;
    }
    Ok(())
}

/// BOOT_EVENT → whoami, from so many connections at once, each boot a new one.
async fn boot_events(senzu: &Senzu, of: u32) -> Result<Rate> {
    let (http, urls) = (senzu.http()?, vec![senzu.url.clone()]);
    let rate = hammer(CONNECTIONS, ASKED_FOR, move |number| {
        let server = Server::new(u32::try_from(number).unwrap_or_default() % BOOTING * (of / BOOTING));
        let boot = BootId(uuid::Uuid::now_v7());
        let agent = Agent::new(http.clone(), urls.clone(), boot, Default::default());
        async move { agent.boot_event(0, &server.boot_event(boot)).await.is_ok() }
    })
    .await;
    ensure!(rate.failures == 0, "{} BOOT_EVENTs of {} failed", rate.failures, rate.answers);
    Ok(rate)
}

async fn against_ironic(place: &Place, report: &mut Report) -> Result<()> {
    let ironic = ironic::start(place).await?;
    let theirs = ironic.lookups(CONNECTIONS, ASKED_FOR).await?;
    drop(ironic);
    let senzu = Senzu::start(place, "ironic", BOOTING, true).await?;
    let ours = boot_events(&senzu, BOOTING).await?;
    report.add(Row {
        figure: "BOOT_EVENT → whoami: time of one against a node lookup of Ironic's, 16 connections".into(),
        measured: theirs.per_s / ours.per_s,
        unit: "×",
        budget: Some(1.0 / 20.0),
        detail: format!("{:.0}/s against {:.0}/s, whose p99 is {:.0} ms", ours.per_s, theirs.per_s, theirs.p99_ms),
    });
    report.add(Row {
        figure: "the same: p99".into(),
        measured: ours.p99_ms,
        unit: "ms",
        budget: Some(250.0),
        detail: format!("median {:.1} ms, of {}", ours.p50_ms, ours.answers),
    });
    Ok(())
}

async fn stored(place: &Place, report: &mut Report) -> Result<()> {
    let (mut check_ins, mut pages) = (Vec::new(), Vec::new());
    for assets in STORED {
        let senzu = Senzu::start(place, "stored", assets, true).await?;
        pages.push(senzu.pages(ASKED_FOR / 3).await?);
        check_ins.push(boot_events(&senzu, assets).await?);
    }
    let per_s = check_ins.iter().map(|rate| format!("{:.0}/s", rate.per_s)).collect::<Vec<_>>().join(", ");
    let slowest = check_ins.iter().map(|rate| rate.per_s).fold(f64::INFINITY, f64::min);
    report.add(Row {
        figure: "check-in with 1,000, 10,000, 100,000 assets stored: the dearest against that of 1,000".into(),
        measured: check_ins[0].per_s / slowest,
        unit: "×",
        budget: Some(1.5),
        detail: per_s,
    });
    let told = pages.iter().map(|rate| format!("{:.1} ms", rate.p50_ms)).collect::<Vec<_>>().join(", ");
    report.add(Row {
        figure: "the page that lists assets: with 100,000 against 1,000".into(),
        measured: pages[2].p50_ms / pages[0].p50_ms,
        unit: "×",
        budget: Some(1.5),
        detail: format!("{told}; medians, one connection"),
    });
    Ok(())
}

async fn watching(place: &Place, report: &mut Report) -> Result<()> {
    /// Two rounds of facts.
    const STAY: Duration = Duration::from_secs(130);
    const MIB: f64 = 1024.0 * 1024.0;
    let senzu = Senzu::start(place, "watching", WATCHING, true).await?;
    let fleet = Fleet { at_once: 500, stay: STAY, ..senzu.fleet(vec![senzu.url.clone()]) };
    let running = tokio::spawn(async move { fleet.run().await });
    senzu.when_spare(WATCHING as usize).await?;
    let watching = senzu.most_rss_bytes(STAY - Duration::from_secs(10)).await? as f64 / MIB;
    let peak = senzu.peak_rss_bytes()? as f64 / MIB;
    let told = running.await??;
    ensure!(told.spare == WATCHING as usize, "{} of {WATCHING} became SPARE", told.spare);
    report.add(Row {
        figure: "Senzu's RSS with 10,000 agents in watch: long-polls held, facts each minute".into(),
        measured: watching,
        unit: "MiB",
        budget: Some(300.0),
        detail: format!(
            "the most in two minutes; {peak:.0} MiB while they boot, all in {:.0} s; facts: p99 {:.0} ms",
            told.took_s, told.facts.p99_ms
        ),
    });
    Ok(())
}

async fn storm(place: &Place, report: &mut Report) -> Result<()> {
    let database = Arc::new(postgres::start()?);
    let first = Senzu::start_on(place, "first", WATCHING, &database).await?;
    let second = first.replica("second").await?;
    let fleet = Fleet { at_once: 500, ..first.fleet(vec![first.url.clone(), second.url.clone()]) };
    let running = tokio::spawn(async move { fleet.run().await });
    first.when_spare(WATCHING as usize / 3).await?;
    // In mid-storm: kill -9, and it does not come back.
    drop(first);
    let told = running.await??;
    let lost = second.sessions_lost(&told).await?;
    report.add(Row {
        figure: "two replicas on PostgreSQL, one killed in mid-storm: of 10,000 assets not SPARE".into(),
        measured: (WATCHING as usize - told.spare) as f64,
        unit: "assets",
        budget: Some(0.0),
        detail: format!("all in {:.0} s; {} agents went on to the other", told.took_s, told.moved_on),
    });
    report.add(Row {
        figure: "the same: acknowledged BOOT_EVENTs that were lost".into(),
        measured: lost as f64,
        unit: "events",
        budget: Some(0.0),
        detail: format!("of {}", told.boot_events.answers),
    });
    report.add(Row {
        figure: "the same: instructions done twice".into(),
        measured: told.done_twice as f64,
        unit: "instructions",
        budget: Some(0.0),
        detail: format!("of {} done", told.done),
    });
    Ok(())
}
