//! What happens, and what must hold.

mod firmware;

use super::{
    browser,
    report::{Report, Step},
    teller::Teller,
};
use crate::{
    Lab,
    lab::{
        APPROVED, BOOT_WITHIN, NEXT_WITHIN, STRANGER,
        events::{Event, What},
        handle::{Senzu, SerialLines, agent_address},
    },
    rack::NicRef,
    switch::journal::{DhcpClient, Moment},
};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    path::Path,
    time::{Duration, Instant},
};

/// How long a screen must stand still before its picture is taken, and how long that is waited for.
const STILL_FOR: Duration = Duration::from_millis(300);
const STILL_WITHIN: Duration = Duration::from_secs(2);

struct Story<'a> {
    lab: &'a Lab,
    senzu: Senzu,
    teller: &'a Teller,
    report: &'a mut Report,
    output: &'a Path,
}

/// Tells it all.
pub async fn tell(lab: &Lab, teller: &Teller, report: &mut Report, output: &Path) -> anyhow::Result<()> {
    let senzu = lab.senzu().await?;
    let mut story = Story { lab, senzu, teller, report, output };
    teller.chapter("1. r1-u10: UEFI, healthy, cabled as planned. It graduates, and is shut down to save power.");
    story.healthy("r1-u10").await?;
    teller
        .chapter("2. r1-u11: BIOS, its cable is in the wrong port. The console and Senzu's page say where it belongs.");
    story.miswired("r1-u11").await?;
    teller.chapter("3. r1-u12: two NICs, two sockets; a SPARE that is held, and asked to become BAREMETAL.");
    story.promoted("r1-u12").await?;
    teller
        .chapter("4. r1-u14: a SPARE with old firmware. Its BMC gets a new version, then its BIOS; each is read back.");
    story.updated("r1-u14").await
}

impl Story<'_> {
    /// Does a step, and writes down how it went.
    async fn step<T>(
        &mut self,
        server: &str,
        what: &str,
        doing: impl Future<Output = anyhow::Result<(T, String)>>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        let done = doing.await;
        let held = done.is_ok();
        self.teller.step(server, what, held);
        let (result, evidence) = match done {
            Ok((result, evidence)) => (Ok(result), evidence),
            Err(error) => {
                let words = format!("{error:#}");
                (Err(error.context(format!("{server}: {what}"))), words)
            }
        };
        self.report.steps.push(Step {
            server: server.into(),
            what: what.into(),
            at_ms: self.teller.elapsed().as_millis() as u64,
            took_ms: begun.elapsed().as_millis() as u64,
            held,
            evidence,
        });
        if !held {
            self.screenshot(server, "failed").await?;
        }
        result
    }

    async fn healthy(&mut self, server: &str) -> anyhow::Result<()> {
        let mut serial = self.boot(server, DhcpClient::Firmware).await?;
        let judged = all_passed(&mut serial);
        self.step(server, "its console shows that every check passed", judged).await?;
        self.spare_and_off(server).await
    }

    /// Its evaluation ends well, and Senzu switches it off to save power.
    async fn spare_and_off(&mut self, server: &str) -> anyhow::Result<()> {
        let spare = self.graduated(server);
        self.step(server, "Senzu has it as SPARE", spare).await?;
        let off = shut_down(self.lab, self.senzu.clone(), server);
        self.step(server, "it powers itself off, as Senzu instructed", off).await
    }

    async fn miswired(&mut self, server: &str) -> anyhow::Result<()> {
        let nic = NicRef { server: server.into(), nic: "nic1".into() };
        let spec = self.lab.rack.nic(&nic)?.clone();
        let (Some(actual), Some(planned)) = (spec.cable, spec.planned) else { bail!("{nic} is not miswired") };
        let mut serial = self.boot(server, DhcpClient::Ipxe).await?;

        let named = both_named(&mut serial, &actual.port, &planned.port);
        let step = format!("its console names {actual}, where the cable is, and {planned}, where it belongs");
        self.step(server, &step, named).await?;
        let on_page = page_names(self.senzu.clone(), server.to_owned(), actual.port.clone(), planned.port.clone());
        self.step(server, "Senzu's page names both ports", on_page).await?;
        self.screenshot(server, "miswired").await?;

        let (lab, from) = (self.lab, serial.seen().len());
        let moving = async {
            let was_in = lab.move_cable(&nic, &planned).await?;
            Ok(((), format!("moved from {was_in} to {planned}")))
        };
        self.step(server, "the cable is moved", moving).await?;
        let judged = all_passed(&mut serial);
        self.step(server, "its console shows that every check passed now", judged).await?;
        ensure!(serial.seen().len() > from, "the console said nothing new");
        self.spare_and_off(server).await
    }

    async fn promoted(&mut self, server: &str) -> anyhow::Result<()> {
        let mut serial = self.boot(server, DhcpClient::Ipxe).await?;
        let judged = all_passed(&mut serial);
        self.step(server, "its console shows that every check passed", judged).await?;
        let spare = self.graduated(server);
        let detail = self.step(server, "Senzu has it as SPARE", spare).await?;
        let held = async { Ok(((), detail["held"]["by"].as_str().context("nobody holds it")?.to_owned())) };
        self.step(server, "it is held for use, so it stays on", held).await?;
        let is_spare = |line: &str| line.starts_with("== PIOUS") && line.ends_with("SPARE ==");
        let says = async { Ok(((), serial.ever("a console that says SPARE", NEXT_WITHIN, is_spare).await?)) };
        self.step(server, "its console says so, too", says).await?;
        self.screenshot(server, "spare").await?;

        let lab = self.lab;
        let events = lab.status().await?.events;
        let address = agent_address(&detail).context("no NIC has a lease")?;
        let refused = strangers_promotion(lab, address);
        self.step(server, "a source that is not on its list asks for a promotion, and is turned away", refused).await?;
        let asking = promote(lab, address);
        self.step(server, "its own HTTP server is asked for a promotion, and grants it", asking).await?;
        let restarting = async {
            lab.wait_reset(server, events, NEXT_WITHIN).await?;
            Ok(((), "the guest reset itself".to_owned()))
        };
        self.step(server, "it restarts", restarting).await?;
        let baremetal = self.in_state(server, "BAREMETAL");
        self.step(server, "Senzu has it as BAREMETAL", baremetal).await?;
        let mac = lab.rack.server(server)?.nics[0].mac;
        let local = boots_local_disk(lab, server, events, mac);
        self.step(server, "pxe sends it to its local disk; nothing is downloaded", local).await?;
        self.screenshot(server, "baremetal").await
    }

    /// Switches a server on and follows it until the agent speaks.
    async fn boot(&mut self, server: &str, first: DhcpClient) -> anyhow::Result<SerialLines> {
        let lab = self.lab;
        let from = lab.status().await?.events;
        let empty = async {
            lab.boot(server).await?;
            Ok(((), "power on, disks empty".to_owned()))
        };
        self.step(server, "switched on", empty).await?;
        let mut watch = lab.watch(from).await?;
        let booting = async {
            let wire = |event: &Event, wanted: &dyn Fn(&Moment) -> bool| {
                event.server.as_deref() == Some(server) && matches!(&event.what, What::Wire(moment) if wanted(moment))
            };
            let asks = |moment: &Moment| matches!(moment, Moment::Dhcp { client, .. } if *client == first);
            watch.until("a DHCP discover", BOOT_WITHIN, |event| wire(event, &asks)).await?;
            let initrd =
                |moment: &Moment| matches!(moment, Moment::Http { request } if request.ends_with("/initrd.img"));
            watch.until("the download of the initrd", BOOT_WITHIN, |event| wire(event, &initrd)).await?;
            Ok(((), "DHCP, loader, kernel and initrd came over the network".to_owned()))
        };
        self.step(server, "boots over the network", booting).await?;
        let mut serial = lab.serial(server).await?;
        let agent = async {
            let line = serial.contains("== PIOUS", BOOT_WITHIN).await?;
            Ok(((), line))
        };
        self.step(server, "PIOUS runs", agent).await?;
        Ok(serial)
    }

    /// The asset's detail once it is SPARE with every finding a pass.
    fn graduated(&self, server: &str) -> impl Future<Output = anyhow::Result<(Value, String)>> + use<> {
        let state = self.in_state(server, "SPARE");
        async {
            let (detail, words) = state.await?;
            let findings = detail["findings"].as_array().cloned().unwrap_or_default();
            ensure!(!findings.is_empty(), "SPARE without a single finding");
            for finding in &findings {
                ensure!(finding["verdict"] == "pass", "SPARE with a finding that is no pass: {finding}");
            }
            Ok((detail, format!("{words}, {} findings, all pass", findings.len())))
        }
    }

    fn in_state(
        &self,
        server: &str,
        state: &'static str,
    ) -> impl Future<Output = anyhow::Result<(Value, String)>> + use<> {
        let (senzu, server) = (self.senzu.clone(), server.to_owned());
        async move { Ok((senzu.in_state(&server, state).await?, format!("state {state}"))) }
    }

    /// A picture of a screen that stands still: the serial port is faster than a screen that is painted under emulation,
    /// and nothing tells when that is done.
    async fn screenshot(&mut self, server: &str, moment: &str) -> anyhow::Result<()> {
        let file = format!("{server}-{moment}.png");
        let path = self.output.join(&file);
        let mut before = Vec::new();
        let deadline = Instant::now() + STILL_WITHIN;
        loop {
            if let Err(error) = self.lab.screenshot(server, &path).await {
                self.teller.say(&format!("            (no picture of {server}: {error})"));
                return Ok(());
            }
            let picture = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            if picture == before || Instant::now() > deadline {
                break;
            }
            before = picture;
            tokio::time::sleep(STILL_FOR).await;
        }
        self.report.screenshots.entry(server.into()).or_default().push(file);
        Ok(())
    }

    /// Where a server is in Senzu's page, where that can be reached.
    fn page_of(&self, server: &str) -> Option<String> {
        self.lab.page.as_ref().map(|page| format!("{page}assets/{server}"))
    }

    /// A picture of a server in Senzu's page. The story holds without it.
    async fn page_picture(&mut self, server: &str, moment: &str) {
        let Some(url) = self.page_of(server) else { return };
        let file = format!("{server}-page-{moment}.png");
        match browser::picture(&url, &self.output.join(&file)).await {
            Ok(true) => self.report.screenshots.entry(server.into()).or_default().push(file),
            Ok(false) => self.teller.say("            (no picture of Senzu's page: Chromium is not installed)"),
            Err(error) => self.teller.say(&format!("            (no picture of Senzu's page: {error:#})")),
        }
    }
}

/// The console's tally, once nothing failed and nothing is unknown.
async fn all_passed(serial: &mut SerialLines) -> anyhow::Result<((), String)> {
    Ok(((), serial.all_passed().await?.trim().to_owned()))
}

/// Off, and by Senzu's instruction.
async fn shut_down(lab: &Lab, senzu: Senzu, server: &str) -> anyhow::Result<((), String)> {
    lab.wait_off(server, NEXT_WITHIN).await?;
    let is_done = |asset: &Value| {
        let mut instructions = asset["instructions"].as_array().into_iter().flatten();
        instructions.any(|one| one["action"]["kind"] == "shutdown" && one["state"] == "done")
    };
    senzu.asset_when(server, &format!("{server}'s shutdown as done"), is_done).await?;
    Ok(((), "the guest powered itself off; Senzu has its instruction, shutdown, as done".into()))
}

/// A failed check on the console, whose lines name both ports.
async fn both_named(serial: &mut SerialLines, actual: &str, planned: &str) -> anyhow::Result<((), String)> {
    // The verdict's own line, what was seen, what was expected, what to do.
    const BLOCK_LINES: usize = 4;
    let mut block: Vec<String> = Vec::new();
    let named = |line: &str| {
        if line.contains("FAIL") {
            block.clear();
        }
        block.push(line.trim().to_owned());
        let is_failure = block.first().is_some_and(|first| first.contains("FAIL")) && block.len() == BLOCK_LINES;
        is_failure
            && block.iter().any(|line| has_word(line, actual))
            && block.iter().any(|line| has_word(line, planned))
    };
    serial.until("a failed check that names both ports", BOOT_WITHIN, named).await?;
    Ok(((), block.join(" | ")))
}

async fn page_names(senzu: Senzu, server: String, actual: String, planned: String) -> anyhow::Result<((), String)> {
    let fails = |asset: &Value| {
        asset["findings"].as_array().into_iter().flatten().any(|finding| {
            finding["verdict"] == "fail"
                && has_word(&finding.to_string(), &actual)
                && has_word(&finding.to_string(), &planned)
        })
    };
    let asset = senzu.asset_when(&server, "a failing finding that names both ports", fails).await?;
    let id = asset["id"].as_str().context("an asset without an id")?;
    let page = senzu.page(&format!("/assets/{id}")).await?;
    ensure!(has_word(&page, &actual) && has_word(&page, &planned), "/assets/{id} does not name {actual} and {planned}");
    Ok(((), format!("/assets/{id} has {actual} and {planned}")))
}

/// Whether a text has a port's name, and not only as the beginning of another's (`Ethernet1` in `Ethernet12`).
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '/';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

const PROMOTION: &str = "/v1/promotions";

async fn strangers_promotion(lab: &Lab, address: IpAddr) -> anyhow::Result<((), String)> {
    let (client, url) = lab.agent_http(address, STRANGER).await?;
    let answer = client.post(format!("{url}{PROMOTION}")).json(&json!({ "requester": "a stranger" })).send().await?;
    ensure!(answer.status() == 403, "it answered {}: {}", answer.status(), answer.text().await?);
    Ok(((), format!("403, from {STRANGER}")))
}

async fn promote(lab: &Lab, address: IpAddr) -> anyhow::Result<((), String)> {
    let (client, url) = lab.agent_http(address, APPROVED).await?;
    let body = json!({ "requester": "demo", "reason": "the demo's third chapter" });
    let answer = client.post(format!("{url}{PROMOTION}")).json(&body).send().await?;
    let (status, words) = (answer.status(), answer.text().await?);
    ensure!(status.is_success() && words.contains("granted"), "it answered {status}: {words}");
    Ok(((), format!("{status} {words}")))
}

/// The boot after the restart: the script says local disk, and no kernel is fetched.
async fn boots_local_disk(
    lab: &Lab,
    server: &str,
    from: usize,
    mac: pious_protocol::ids::MacAddress,
) -> anyhow::Result<((), String)> {
    let mut watch = lab.watch(from).await?;
    let of_server = |event: &Event| event.server.as_deref() == Some(server);
    let is_reset = |event: &Event| of_server(event) && matches!(event.what, What::Reset { .. });
    watch.until("the restart", NEXT_WITHIN, is_reset).await?;
    let own_script = format!("/boot/{}.ipxe", mac.to_string().replace(':', "-"));
    let asks = |event: &Event| {
        of_server(event)
            && matches!(&event.what, What::Wire(Moment::Http { request }) if request.ends_with(&own_script))
    };
    watch.until("its request for its boot script", BOOT_WITHIN, asks).await?;
    let (client, url) = lab.pxe_http().await?;
    let script = client.get(format!("{url}{own_script}")).send().await?.error_for_status()?.text().await?;
    ensure!(
        script.contains("local disk") && !script.contains("vmlinuz"),
        "its script is not the local disk's:\n{script}"
    );
    // The download would follow within milliseconds.
    let image = |event: &Event| {
        of_server(event) && matches!(&event.what, What::Wire(Moment::Http { request }) if request.contains("/image/"))
    };
    const QUIET: Duration = Duration::from_secs(3);
    if let Ok(event) = watch.until("a download", QUIET, image).await {
        bail!("it downloads all the same: {event:?}");
    }
    Ok(((), script.lines().nth(1).unwrap_or_default().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn a_ports_name_is_not_found_in_a_longer_one() {
        assert!(has_word("move it to <b>Ethernet1</b>", "Ethernet1"));
        assert!(!has_word("seen Ethernet12", "Ethernet1"));
        assert!(!has_word("seen Ethernet1/2", "Ethernet1"));
        assert!(has_word("Ethernet12 Ethernet1", "Ethernet1"));
    }
}
