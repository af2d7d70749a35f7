//! The agent's facts against the tools that people trust, in one guest: Debian's dmidecode, ip, ethtool, lspci, lldpcli,
//! ipmitool, nvme, smartctl and lshw run beside the agent, and every difference is explained or fails the test.
//!
//! Needs root (namespaces), `target/image` and `target/trust`, and the tools of the group `peers` of scripts/packages on
//! this host: `scripts/test` sees to all of them.

mod bmc;
mod devices;
mod dmi;
#[path = "../../../senzu-stub/tests/it/missing.rs"]
mod missing;
mod network;
#[path = "../../../senzu-stub/tests/contract/python.rs"]
#[allow(dead_code, reason = "a validator that ends badly has found something")]
mod python;
mod table;
mod validators;

use anyhow::{Context, Result, ensure};
use pious_lab::lab::{BOOT_WITHIN, Lab, NEXT_WITHIN, Options, handle::agent_address};
use pious_protocol::facts::{Facts, Link};
use pious_tests::{
    bring_up,
    guest::{self, runs},
    run::{Run, words},
};
use serde_json::Value;
use std::{net::IpAddr, path::Path, time::Duration};
use table::Table;

const SERVER: &str = "r1-u30";

/// NICs with a neighbour: the fourth has no cable.
const NEIGHBOURS: usize = 3;

#[tokio::test]
async fn the_agent_says_what_the_tools_say() -> Result<()> {
    let image = Options::of("t-peers").dir.join("image");
    guest::image(&Options::of("t-peers").image, Path::new(env!("CARGO_BIN_EXE_beside-agent")), &image)?;
    let lab = bring_up("peers", "peers", &[], |options| {
        options.image = image;
        options.cmdline = guest::CMDLINE.into();
    })
    .await?;
    lab.boot(SERVER).await?;
    lab.serial(SERVER).await?.contains(" passed", BOOT_WITHIN).await?;
    let (facts, address) = facts(&lab).await?;
    let table = compare(&lab, address, &facts).await?;
    println!("{table}");
    std::fs::write(lab.dir().join("comparison.md"), table.to_string())?;
    for tool in ["dmidecode", "ip", "ethtool", "lspci", "lldpcli", "ipmitool", "nvme", "smartctl", "lshw"] {
        ensure!(table.compared(tool) > 0, "nothing was compared with {tool}");
    }
    assert_eq!(table.differences(), Vec::<String>::new());
    Ok(())
}

/// What `pious-agent facts` prints in the guest, with the neighbours that the session has heard and told Senzu. An e1000e
/// lets frames through a second before its driver says that it has carrier.
async fn facts(lab: &Lab) -> Result<(Facts, IpAddr)> {
    let told = |asset: &Value| serde_json::from_value::<Facts>(asset["facts"].clone());
    let up = |facts: Facts| {
        facts.nics.iter().filter(|nic| nic.link == Link::Up && nic.neighbours.heard().len() == 1).count()
    };
    let complete = |asset: &Value| told(asset).is_ok_and(|facts| up(facts) == NEIGHBOURS);
    let asset = lab.senzu().await?.asset_when(SERVER, "carrier and a neighbour for each cable", complete).await?;
    let address = agent_address(&asset).context("no NIC has a lease")?;
    let session = told(&asset).context("the asset's facts")?;
    let mut facts: Facts = serde_json::from_value(ask(lab, address, "/init facts").await?.json()?)?;
    for nic in &mut facts.nics {
        let known = session.nics.iter().find(|known| known.name == nic.name).context("another NIC")?;
        nic.neighbours = known.neighbours.clone();
    }
    Ok((facts, address))
}

async fn compare(lab: &Lab, address: IpAddr, facts: &Facts) -> Result<Table> {
    let mut table = Table::default();
    ask(lab, address, "lldpd").await?.succeeded()?;

    dmi::compare(facts, ask(lab, address, "dmidecode").await?.succeeded()?, &mut table).map_err(anyhow::Error::msg)?;
    network::compare_links(facts, &ask(lab, address, network::IP).await?.json()?, &mut table)?;
    for nic in &facts.nics {
        let runs = runs(lab, address, &network::questions(&nic.name)).await?;
        network::compare_ethtool(nic, &runs.iter().collect::<Vec<_>>(), &mut table)?;
    }
    let functions = ask(lab, address, devices::LSPCI).await?;
    devices::compare_pci(facts, functions.succeeded()?, &mut table).map_err(anyhow::Error::msg)?;
    let nvme = devices::disk(facts, "nvme0n1").context("no nvme0n1")?;
    let identity = ask(lab, address, "nvme id-ctrl /dev/nvme0 -o json").await?.json()?;
    let health = ask(lab, address, "nvme smart-log /dev/nvme0 -o json").await?.json()?;
    devices::compare_nvme(nvme, &identity, &health, &mut table);
    let sata = devices::disk(facts, "sda").context("no sda")?;
    let told = ask(lab, address, "smartctl -j -a /dev/sda").await?;
    devices::compare_smart(sata, &serde_json::from_str(&told.output)?, &mut table);
    devices::compare_lshw(facts, &ask(lab, address, devices::LSHW).await?.json()?, &mut table);
    let questions = bmc::QUESTIONS.map(words);
    let answers = runs(lab, address, &questions).await?;
    let answers = answers.iter().map(Run::succeeded).collect::<Result<Vec<_>>>()?;
    bmc::compare(facts, &answers, &mut table).map_err(anyhow::Error::msg)?;
    network::compare_neighbours(facts, &heard(lab, address).await?, &mut table);
    Ok(table)
}

/// What lldpd has heard, once that is as much as there is.
async fn heard(lab: &Lab, address: IpAddr) -> Result<Value> {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let hearing = async {
        loop {
            ticks.tick().await;
            let heard = ask(lab, address, network::LLDP).await?.json()?;
            if network::neighbours(&heard) >= NEIGHBOURS {
                return anyhow::Ok(heard);
            }
        }
    };
    tokio::time::timeout(NEXT_WITHIN, hearing).await.context("lldpd in the guest hears too few neighbours")?
}

async fn ask(lab: &Lab, address: IpAddr, line: &str) -> Result<Run> {
    runs(lab, address, &[words(line)]).await?.pop().context("no answer")
}
