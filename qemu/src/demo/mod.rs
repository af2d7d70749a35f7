//! The demo: four servers, from the loading dock to production, told on a terminal while it happens.
//!
//! `story` is what happens and what must hold; `teller` shows it; `timeline` and `report` write it down; `browser` takes
//! pictures of Senzu's page.

mod browser;
mod report;
mod story;
mod teller;
mod timeline;

use crate::{
    Lab, LabError, Options,
    lab::{ownership, servers::places},
};
use anyhow::Context;
use report::Report;
use std::{path::Path, sync::Arc};
use teller::Teller;

/// The rack, part of the program: the demo runs from anywhere.
const RACK: &str = include_str!("../../racks/demo.toml");

/// Tells the story. Answers whether every step held.
pub async fn run(options: Options, output: &Path, once: bool) -> anyhow::Result<bool> {
    ownership::create_dir_all(output).with_context(|| format!("creating {}", output.display()))?;
    let rack_file = output.join("rack.toml");
    std::fs::write(&rack_file, RACK).with_context(|| format!("writing {}", rack_file.display()))?;

    let teller = Arc::new(Teller::new());
    teller.say("PIOUS: four servers, from the loading dock to production.");
    let lab = tokio::select! {
        lab = Lab::up(&rack_file, options) => lab?,
        _ = tokio::signal::ctrl_c() => return Ok(false),
    };
    teller.say(&format!(
        "The rack is up: Senzu, pxe, dnsmasq, lldpd, two switches; its files are in {}.",
        lab.dir().display()
    ));
    if let Some(page) = &lab.page {
        teller.say(&format!("Senzu's page: {page}   (its certificate is the lab's own)"));
    }

    let narrator = tokio::spawn(teller::narrate(Arc::clone(&teller), lab.watch(0).await?));
    let mut report = Report::default();
    let mut interrupted = false;
    let told = tokio::select! {
        told = story::tell(&lab, &teller, &mut report, output) => told,
        _ = tokio::signal::ctrl_c() => {
            interrupted = true;
            Err(anyhow::anyhow!("interrupted"))
        }
    };
    narrator.abort();
    if let Err(error) = &told {
        teller.say(&format!("It ends here: {error:#}"));
    }
    let held = told.is_ok() && report.held();
    finish(&lab, &mut report, output).await?;
    teller.chapter("What began when, in seconds since power-on or restart:");
    for (server, boots) in &report.timelines {
        for boot in boots {
            teller.say(&format!("  {server}  {}", boot.line()));
        }
    }
    teller.say("");
    report.write(&output.join("report.json"), held)?;
    teller.say(&format!(
        "Written: {}, and beside it each console's pictures and serial log.",
        output.join("report.json").display()
    ));
    teller.say(if held { "Every step held." } else { "NOT every step held." });

    ownership::give_back(output);
    if !once && !interrupted {
        stay(&lab, &teller).await?;
    }
    lab.down().await?;
    Ok(held)
}

/// Writes down what is left of each server: its timeline, its serial log, its last screen.
async fn finish(lab: &Lab, report: &mut Report, output: &Path) -> Result<(), LabError> {
    let events = lab.events().await?;
    let senzu = lab.senzu().await?;
    for server in &lab.rack.servers {
        let sessions = senzu.asset(&server.name).await.unwrap_or_default();
        report.timelines.insert(server.name.clone(), timeline::boots(&events, &server.name, &sessions));
        let places = places(lab.dir(), &server.name);
        let name = format!("{}.serial.log", server.name);
        // A server that was never switched on wrote nothing.
        if std::fs::copy(places.serial_log(), output.join(&name)).is_ok() {
            report.serial_logs.insert(server.name.clone(), name);
        }
        // Nor has one that is on a last screen yet.
        let name = format!("{}-off.png", server.name);
        if std::fs::copy(places.last_screen(), output.join(&name)).is_ok() {
            report.screenshots.entry(server.name.clone()).or_default().push(name);
        }
    }
    Ok(())
}

async fn stay(lab: &Lab, teller: &Teller) -> Result<(), LabError> {
    teller.say("");
    teller.say("The rack stays up.");
    teller.say(&lab.what_next());
    teller.say("Ctrl-C takes it down.");
    let mut watch = lab.watch(0).await?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = async { while watch.next().await.is_ok() {} } => {}
    }
    Ok(())
}
