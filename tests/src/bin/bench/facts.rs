//! What it costs to know a machine: `pious-agent facts` against the tools that tell the same one by one, in one guest and
//! on this host. Waiting for LLDP is left out on both sides: the agent's `facts` does not listen, and lldpd has listened
//! before.

use crate::{
    Place,
    report::{Report, Row, median},
};
use anyhow::{Context, Result, ensure};
use pious_lab::lab::{BOOT_WITHIN, handle::agent_address};
use pious_protocol::facts::Facts;
use pious_tests::{
    bring_up,
    guest::{self, runs},
    run::{Run, words},
};
use std::{net::IpAddr, time::Duration};

const SERVER: &str = "r1-u30";

/// A tenth of what the tools take together.
const BUDGET: f64 = 0.1;

/// One side's cost, all of its programs together.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

impl Cost {
    fn of(runs: &[Run]) -> Self {
        Self { wall: runs.iter().map(Run::wall).sum(), cpu: runs.iter().map(Run::cpu).sum() }
    }
}

/// What each side cost, run by run.
#[derive(Default)]
struct Sides {
    ours: Vec<Cost>,
    theirs: Vec<Cost>,
}

/// The tools' questions that tell of this machine what its facts tell. The first ones tell what every machine has; the
/// others its BMC's and its disks' part of the facts.
fn tools(facts: &Facts) -> Vec<Vec<String>> {
    let mut lines = vec!["dmidecode".to_owned(), "ip -d -j link".into()];
    lines.extend(facts.nics.iter().map(|nic| format!("ethtool {}", nic.name)));
    lines.extend(["lspci -vmm", "lshw -json"].map(str::to_owned));
    for disk in facts.disks.iter().filter(|disk| disk.health.value().is_ok()) {
        let name = &disk.name;
        match disk.nvme {
            Some(_) => lines.extend([format!("nvme id-ctrl /dev/{name}"), format!("nvme smart-log /dev/{name}")]),
            None => lines.push(format!("smartctl -a /dev/{name}")),
        }
    }
    if facts.bmc.value().is_ok() {
        let asked =
            ["mc info", "lan print 1", "fru print", "chassis status", "sel info", "sel elist", "sdr elist full"];
        lines.extend(asked.map(|question| format!("ipmitool {question}")));
    }
    lines.iter().map(|line| words(line)).collect()
}

pub async fn measure(place: &Place, count: usize, report: &mut Report) -> Result<()> {
    let sides = in_guest(place, count).await?;
    add(report, "all facts in one go against the tools one by one, in one guest", &sides);
    let sides = on_host(place, count)?;
    add(report, "the same on this host, without lldpcli", &sides);
    Ok(())
}

fn add(report: &mut Report, what: &str, sides: &Sides) {
    report.add(sides.row(format!("{what}: wall time"), |cost| cost.wall));
    report.add(sides.row(format!("{what}: CPU time"), |cost| cost.cpu));
}

impl Sides {
    fn row(&self, figure: String, part: impl Fn(&Cost) -> Duration) -> Row {
        let middle = |costs: &[Cost]| median(costs.iter().map(&part).collect()).as_secs_f64();
        let (ours, theirs) = (middle(&self.ours), middle(&self.theirs));
        let (ours_ms, theirs_ms, count) = (ours * 1e3, theirs * 1e3, self.ours.len());
        Row {
            figure,
            measured: ours / theirs,
            unit: "×",
            budget: Some(BUDGET),
            detail: format!("{ours_ms:.1} ms against {theirs_ms:.1} ms, median of {count}"),
        }
    }
}

async fn in_guest(place: &Place, count: usize) -> Result<Sides> {
    let image = place.work.join("peers");
    guest::image(&place.target.join("image"), &place.tools.join("beside-agent"), &image)?;
    let lab = bring_up("bench-facts", "peers", &[], |options| {
        options.image = image;
        options.programs = place.programs.clone();
        options.cmdline = guest::CMDLINE.into();
    })
    .await?;
    lab.boot(SERVER).await?;
    lab.serial(SERVER).await?.contains(" passed", BOOT_WITHIN).await?;
    let leased = |asset: &serde_json::Value| agent_address(asset).is_some();
    let asset = lab.senzu().await?.asset_when(SERVER, "its address", leased).await?;
    let address: IpAddr = agent_address(&asset).context("no NIC has a lease")?;
    let agent = [words("/init facts")];
    let told = runs(&lab, address, &agent).await?.pop().context("no answer")?;
    let mut tools = tools(&serde_json::from_value(told.json()?).context("the guest's facts")?);
    tools.push(words("lldpcli show neighbors details"));
    for run in runs(&lab, address, &[words("lldpd")]).await? {
        run.succeeded()?;
    }
    let mut sides = Sides::default();
    for _ in 0..count {
        let (ours, theirs) = (runs(&lab, address, &agent).await?, runs(&lab, address, &tools).await?);
        for run in ours.iter().chain(&theirs) {
            // smartctl's exit status tells of the disk, too (smartctl(8)): bit 0 is the one for a command line in vain.
            ensure!(run.code.is_some_and(|code| code & 1 == 0), "{}: {}", run.command.join(" "), run.errors);
        }
        sides.ours.push(Cost::of(&ours));
        sides.theirs.push(Cost::of(&theirs));
    }
    lab.down().await?;
    Ok(sides)
}

fn on_host(place: &Place, count: usize) -> Result<Sides> {
    let agent = [place.agent.display().to_string(), "facts".into()];
    let facts: Facts = serde_json::from_value(Run::of(&agent).json()?).context("this host's facts")?;
    let tools = tools(&facts);
    let mut sides = Sides::default();
    for _ in 0..count {
        let ours = Run::of(&agent);
        ours.succeeded()?;
        sides.ours.push(Cost::of(&[ours]));
        // A host without SMBIOS makes dmidecode fail, which takes less time than succeeding.
        sides.theirs.push(Cost::of(&tools.iter().map(|tool| Run::of(tool)).collect::<Vec<_>>()));
    }
    Ok(sides)
}
