//! The watch loop: what it costs while nothing happens, and how soon the screen says so when something does.
//!
//! One BIOS guest, cabled right and held, so that its agent stays. The screen is read as text from the adapter's memory,
//! which stops the guest for some milliseconds each time: that counts against us.

use crate::{
    Place,
    report::{Report, Row, median},
};
use anyhow::{Context, Result, ensure};
use pious_lab::{
    Lab,
    lab::{BOOT_WITHIN, NEXT_WITHIN, handle::agent_address, inner::PROVISIONING_ADDRESS},
    rack::{NicRef, PortRef},
    switch::pcap,
};
use pious_tests::bring_up;
use std::time::{Duration, Instant};

const SERVER: &str = "r1-u20";

/// The kernel's name of the NIC whose cable is moved: the second.
const MOVED: &str = "eth1";

/// After graduation: what was set in motion by it has come to rest, and what is read each minute was read again.
const SETTLED_AFTER: Duration = Duration::from_secs(90);

/// How often an agent that does not answer is asked again.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How long the idle agent's processor time is counted: as long as the longest period of anything that it does by itself.
const IDLE_FOR: Duration = Duration::from_secs(300);

/// Between two looks at the screen; the guest runs on meanwhile.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Between two flaps: the kernel batches link events to one a second (net/core/link_watch.c).
const APART: Duration = Duration::from_millis(2200);

/// How often a cable is pulled, and how often moved.
const FLAPS: usize = 11;
const MOVES: usize = 5;

/// What makes the rack's first server one that is cabled right.
const CABLED_RIGHT: [(&str, &str); 2] = [
    ("cable = \"r1-sw2.Ethernet1\"\nplanned = \"r1-sw1.Ethernet1\"", "cable = \"r1-sw1.Ethernet1\""),
    ("cable = \"r1-sw1.Ethernet1\"\nplanned = \"r1-sw2.Ethernet1\"", "cable = \"r1-sw2.Ethernet1\""),
];

pub async fn measure(place: &Place, wanted: impl Fn(&str) -> bool, report: &mut Report) -> Result<()> {
    let wanted = |part: &str| wanted("watch") || wanted(&format!("watch.{part}"));
    if !wanted("idle") && !wanted("cables") {
        return Ok(());
    }
    let lab = bring_up("bench-watch", "miscabled", &CABLED_RIGHT, |options| {
        options.programs = place.programs.clone();
    })
    .await?;
    lab.boot(SERVER).await?;
    lab.serial(SERVER).await?.contains("SPARE", BOOT_WITHIN).await?;
    if wanted("idle") {
        idle(&lab, report).await?;
    }
    if wanted("cables") {
        carrier(&lab, report).await?;
        moves(&lab, place, report).await?;
    }
    Ok(lab.down().await?)
}

/// What the agent's processes have cost so far.
struct Cost {
    cpu_s: f64,
    rss_bytes: f64,
}

/// A server that Senzu knows moves to the address of its long lease, and is asked again there.
async fn cost(lab: &Lab) -> Result<Cost> {
    let mut ticks = tokio::time::interval(ASK_EVERY);
    let answering = async {
        loop {
            ticks.tick().await;
            let asset = lab.senzu().await?.asset(SERVER).await?;
            let address = agent_address(&asset).context("no NIC has a lease")?;
            let (client, url) = lab.agent_http(address, PROVISIONING_ADDRESS.into()).await?;
            if let Ok(answer) = client.get(format!("{url}/metrics")).send().await {
                return anyhow::Ok(answer.error_for_status()?.text().await?);
            }
        }
    };
    let metrics = tokio::time::timeout(NEXT_WITHIN, answering).await.context("the agent does not answer")??;
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.parse::<f64>().ok()).with_context(|| format!("no {name} in /metrics"))
    };
    Ok(Cost {
        cpu_s: value("process_cpu_seconds_total")? + value("pious_init_cpu_seconds_total")?,
        rss_bytes: value("process_resident_memory_bytes")? + value("pious_init_resident_memory_bytes")?,
    })
}

async fn idle(lab: &Lab, report: &mut Report) -> Result<()> {
    tokio::time::sleep(SETTLED_AFTER).await;
    let (before, begun) = (cost(lab).await?, Instant::now());
    tokio::time::sleep(IDLE_FOR).await;
    let after = cost(lab).await?;
    let (cpu_s, wall_s) = (after.cpu_s - before.cpu_s, begun.elapsed().as_secs_f64());
    report.add(Row {
        figure: "idle agent in its watch loop, PID 1 and session: processor".into(),
        measured: cpu_s / wall_s * 100.0,
        unit: "% of a core",
        budget: Some(0.5),
        detail: format!(
            "{:.0} ms in {wall_s:.0} s, from {} s after graduation on, TCG",
            cpu_s * 1e3,
            SETTLED_AFTER.as_secs()
        ),
    });
    report.add(Row {
        figure: "the same: RSS".into(),
        measured: after.rss_bytes / 1024.0 / 1024.0,
        unit: "MiB",
        budget: Some(24.0),
        detail: "PID 1 and session".into(),
    });
    Ok(())
}

fn nic() -> NicRef {
    NicRef { server: SERVER.into(), nic: "nic2".into() }
}

/// Waits until the NIC's row on the screen has these words; answers when.
async fn row_says(lab: &Lab, words: &str) -> Result<Instant> {
    let saying = async {
        loop {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            let lines = lab.screen_again(SERVER).await?;
            if lines
                .iter()
                .any(|line| line.trim_start_matches(['>', '!', ' ']).starts_with(MOVED) && line.contains(words))
            {
                return anyhow::Ok(Instant::now());
            }
        }
    };
    tokio::time::timeout(NEXT_WITHIN, saying).await.with_context(|| format!("{MOVED}'s row never says {words:?}"))?
}

async fn carrier(lab: &Lab, report: &mut Report) -> Result<()> {
    let mut times = Vec::new();
    // Finds where the screen is; its own page does not scroll.
    lab.screen(SERVER).await?;
    for _ in 0..FLAPS {
        row_says(lab, "r1-sw2 Ethernet1").await?;
        tokio::time::sleep(APART).await;
        let begun = Instant::now();
        lab.unplug(&nic()).await?;
        times.push(row_says(lab, "NO CARRIER").await? - begun);
        tokio::time::sleep(APART).await;
        lab.plug(&nic(), None).await?;
    }
    let (least, most) = (times.iter().min().copied(), times.iter().max().copied());
    report.add(Row {
        figure: "carrier lost (QMP set_link) → its cell on the VGA screen changed".into(),
        measured: median(times).as_secs_f64() * 1e3,
        unit: "ms",
        budget: Some(150.0),
        detail: format!(
            "median of {FLAPS}, {} to {} ms, TCG",
            least.unwrap_or_default().as_millis(),
            most.unwrap_or_default().as_millis()
        ),
    });
    Ok(())
}

async fn moves(lab: &Lab, place: &Place, report: &mut Report) -> Result<()> {
    let (planned, other): (PortRef, PortRef) = ("r1-sw2.Ethernet1".parse()?, "r1-sw2.Ethernet3".parse()?);
    let file = place.work.join("moved.pcap");
    let (mut frames, mut times) = (Vec::new(), Vec::new());
    row_says(lab, "r1-sw2 Ethernet1").await?;
    for turn in 0..MOVES {
        let port = if turn % 2 == 0 { &other } else { &planned };
        lab.capture(port, Some(&file)).await?;
        lab.move_cable(&nic(), port).await?;
        let begun = Instant::now();
        let judged = row_says(lab, &format!("{} {}", port.switch, port.port)).await?;
        lab.capture(port, None).await?;
        times.push(judged.duration_since(begun));
        frames.push(announcements(&std::fs::read(&file)?)?);
        tokio::time::sleep(APART).await;
    }
    frames.sort_unstable();
    report.add(Row {
        figure: "cable moved → new neighbour on the screen: LLDPDUs of the new port until then".into(),
        measured: frames.get(MOVES / 2).copied().unwrap_or_default() as f64,
        unit: "LLDPDUs",
        budget: Some(1.0),
        detail: format!("median of {MOVES}; {} ms after the cable is in", median(times).as_millis()),
    });
    Ok(())
}

/// How many LLDPDUs of the switch a capture holds.
fn announcements(capture: &[u8]) -> Result<usize> {
    // Destination and source before it; the rack's second switch.
    const ANNOUNCED: [u8; 8] = [0x52, 0x54, 0x00, 0x5e, 0x01, 0x02, 0x88, 0xcc];
    let frames = pcap::frames(capture)?.collect::<Result<Vec<_>, _>>()?;
    let count = frames.iter().filter(|frame| frame.get(6..14) == Some(&ANNOUNCED)).count();
    ensure!(count > 0, "the neighbour is on the screen, and its port has not spoken");
    Ok(count)
}
