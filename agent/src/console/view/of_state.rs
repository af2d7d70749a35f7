//! The view of a machine's state.

use super::{Age, Busy, Hardware, Judged, Neighbour, NicView, SenzuReach, View};
use crate::{
    console::{next, words::plain},
    facts::Part,
    journal::Journal,
    machine::{Ending, Judging, Reach, State, Working, is_routable},
};
use pious_protocol::{
    facts::{FirmwareFailure, Neighbours, Nic},
    finding::{Finding, Verdict},
};
use std::{sync::Arc, time::Duration};

/// The longest text of anybody else's (a switch's name, Senzu's reason) that is shown.
const MAX_FOREIGN_CHARS: usize = 200;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Parts that are read from time to time, since no event tells of their changes.
const POLLED: [Part; 4] = [Part::DiskHealth, Part::BmcHealth, Part::Sensors, Part::MemoryErrors];

impl View {
    /// The view of a machine's state. `senzu_urls` are as the machine was told, `port` is the agent's server's.
    pub fn of(state: &State, now: Duration, surroundings: &Surroundings) -> Self {
        let (findings, passed): (Vec<_>, Vec<_>) =
            state.findings().into_iter().partition(|finding| finding.verdict != Verdict::Pass);
        let known = state.known.as_ref();
        let facts = state.facts();
        let senzu_url = surroundings.senzu_url(state.senzu);
        let mut view = Self {
            version: state.config().agent_version.clone(),
            boot_id: state.config().boot_id.to_string(),
            asset: known.map(|known| foreign(&known.name)).or_else(|| surroundings.called.as_deref().map(foreign)),
            is_confirmed: known.is_some(),
            state: known.map(|known| known.standing.state),
            evaluation: known.map(|known| known.standing.evaluation),
            step: known.and_then(|known| known.standing.step.as_deref()).map(foreign),
            reason: known.and_then(|known| known.standing.reason.as_deref()).map(foreign),
            machine: if state.inventory.is_gathered() {
                machine_words(facts)
            } else {
                "looking at the hardware".into()
            },
            senzu: reach_of(state, now),
            senzu_url: senzu_url.clone(),
            nics: facts.data_nics().map(NicView::of).collect(),
            links_settle: now < state.links_settle_at,
            findings: findings.iter().map(foreign_finding).collect(),
            passed: passed.len(),
            judged: match state.judging() {
                Judging::Judged => Judged::Yes,
                Judging::DevicesComing => Judged::DriversLoad,
                Judging::NothingExpected => Judged::NothingExpected,
            },
            agent_urls: agent_urls(facts, surroundings.port),
            warnings: state.warnings.iter().map(|warning| foreign(warning)).collect(),
            missing_firmware: facts.kernel.missing_firmware.iter().map(|file| foreign(file)).collect(),
            busy: state.desk.working().filter(|working| working.is_writing()).map(Busy::of),
            work: state.desk.working().filter(|working| !working.is_writing()).map(Busy::of),
            ending: state.farewell.map(|farewell| ending_words(farewell.ending)),
            next: String::new(),
            timeline: state.timeline().to_vec(),
            senzu_page: known.map(|known| format!("{senzu_url}/assets/{}", known.asset)),
            ages: POLLED.iter().filter_map(|part| age(state, *part, now)).collect(),
            facts: Hardware::of(Arc::clone(state.inventory.facts())),
            log: surroundings.journal.entries(),
        };
        view.warnings.extend(firmware_warning(&facts.kernel.failed_firmware));
        view.next = next::of(&view);
        view
    }

    /// When the view of a state that was made `at` is another one though nothing happens: it tells for how long
    /// something lasts. It is made anew then and not each second, so that an idle server costs nothing.
    pub fn changes_at(state: &State, at: Duration) -> Option<Duration> {
        let failing = match state.reach {
            Reach::Fails { .. } => Some(at + SECOND),
            Reach::Answers | Reach::Untried => None,
        };
        let settling = Some(state.links_settle_at).filter(|settle_at| *settle_at > at);
        let ages = POLLED.iter().filter_map(|part| {
            let age_s = state.age(*part, at)?.as_secs();
            Some(at + MINUTE - Duration::from_secs(age_s % MINUTE.as_secs()))
        });
        failing.into_iter().chain(settling).chain(ages).min()
    }

    /// The same view with work that must not be disturbed.
    pub fn busy_with(mut self, busy: Busy) -> Self {
        self.busy = Some(busy);
        self.next = next::of(&self);
        self
    }
}

/// What the view shows that the machine does not know.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Senzu's URLs, as the machine counts them.
    pub senzu_urls: Vec<String>,
    /// The port of the agent's own server, where it runs.
    pub port: Option<u16>,
    /// What PXE calls the asset.
    pub called: Option<String>,
    /// The log.
    pub journal: Journal,
}

impl Surroundings {
    fn senzu_url(&self, number: usize) -> String {
        self.senzu_urls.get(number).map(|url| foreign(url.trim_end_matches('/'))).unwrap_or_default()
    }
}

impl Busy {
    fn of(working: &Working) -> Self {
        let title = &working.title;
        match &working.progress {
            None => Self { words: foreign(title), percent: None },
            Some(progress) => {
                let words = foreign(&format!("{title}: {}", progress.words));
                Self { words, percent: Some(progress.percent) }
            }
        }
    }
}

impl NicView {
    fn of(nic: &Nic) -> Self {
        let mut other_vlans: Vec<_> =
            nic.vlan.announced.iter().map(|vlan| vlan.id).chain(nic.vlan.tags_seen.iter().copied()).collect();
        other_vlans.retain(|vlan| Some(*vlan) != nic.vlan.announced_native);
        other_vlans.sort_unstable();
        other_vlans.dedup();
        Self {
            name: foreign(&nic.name),
            mac: nic.lasting_mac().map(|mac| mac.to_string()),
            location: nic.location.as_deref().map(foreign),
            link: nic.link,
            speed_mbps: nic.speed_mbps,
            native_vlan: nic.vlan.announced_native,
            other_vlans,
            neighbours: nic.neighbours.heard().iter().map(Neighbour::of).collect(),
            silence: match &nic.neighbours {
                Neighbours::Heard(_) => None,
                Neighbours::Silent { reason } => Some(foreign(reason)),
            },
            addresses: nic.addresses.iter().filter(|address| is_routable(**address)).map(|a| a.to_string()).collect(),
            dhcp: nic.dhcp.clone(),
        }
    }
}

impl Neighbour {
    fn of(neighbour: &pious_protocol::facts::Neighbour) -> Self {
        Self {
            switch: foreign(neighbour.system_name.as_deref().unwrap_or(&neighbour.chassis_id.value)),
            port: foreign(&neighbour.port_id.value),
        }
    }
}

/// The age of a part. In whole minutes, so that a view is another one only when somebody would read something else.
fn age(state: &State, part: Part, now: Duration) -> Option<Age> {
    let age_s = state.age(part, now)?.as_secs();
    Some(Age { part, age_s: age_s - age_s % MINUTE.as_secs() })
}

fn reach_of(state: &State, now: Duration) -> SenzuReach {
    match &state.reach {
        Reach::Answers => SenzuReach::Answers,
        Reach::Fails { since, failure } => SenzuReach::Fails {
            why: foreign(&failure.to_string()),
            for_s: now.saturating_sub(*since).as_secs(),
            retry_in_s: state.next_try().map_or(0, |next| next.saturating_sub(now).as_secs()),
        },
        Reach::Untried => SenzuReach::Untried {
            why: match (state.inventory.has_link(), state.inventory.has_address()) {
                (false, _) => "no network link yet",
                (true, false) => "no address yet",
                (true, true) => "asking now",
            }
            .into(),
        },
    }
}

fn machine_words(facts: &pious_protocol::facts::Facts) -> String {
    let part = |text: Option<&String>| text.map(|text| foreign(text)).unwrap_or_default();
    let mut words: Vec<String> = match facts.smbios.value().map(|smbios| smbios.system.as_ref()) {
        Ok(Some(system)) => {
            let serial = system.serial.as_ref().map(|serial| format!("serial {}", foreign(serial)));
            vec![part(system.manufacturer.as_ref()), part(system.product.as_ref()), serial.unwrap_or_default()]
        }
        Ok(None) => vec!["SMBIOS names no system".into()],
        Err(reason) => vec![format!("no SMBIOS: {}", foreign(reason))],
    };
    words.push(
        match facts.firmware_mode {
            pious_protocol::facts::FirmwareMode::Bios => "BIOS",
            pious_protocol::facts::FirmwareMode::Uefi => "UEFI",
            pious_protocol::facts::FirmwareMode::Unknown => "",
        }
        .into(),
    );
    words.retain(|word| !word.trim().is_empty());
    words.join("  ")
}

fn agent_urls(facts: &pious_protocol::facts::Facts, port: Option<u16>) -> Vec<String> {
    let Some(port) = port else { return Vec::new() };
    let addresses = facts.data_nics().flat_map(|nic| &nic.addresses).filter(|address| is_routable(**address));
    addresses.filter(|address| address.is_ipv4()).map(|address| format!("http://{address}:{port}")).collect()
}

/// What a driver of this machine asked for in vain. That drivers of other machines may want files is no news at a rack.
fn firmware_warning(failed: &[FirmwareFailure]) -> Option<String> {
    let (first, others) = failed.split_first()?;
    let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
    Some(foreign(&format!("{} asked for firmware that the image lacks: {}{more}", first.driver, first.file)))
}

fn ending_words(ending: Ending) -> String {
    match ending {
        Ending::PowerOff => "powering off".into(),
        Ending::Reboot => "rebooting".into(),
        Ending::Stop => "stopping, as it was told to at this server".into(),
    }
}

fn foreign(text: &str) -> String {
    plain(text, MAX_FOREIGN_CHARS)
}

fn foreign_finding(finding: &Finding) -> Finding {
    Finding {
        check: foreign(&finding.check),
        subject: finding.subject.as_deref().map(foreign),
        verdict: finding.verdict,
        severity: finding.severity,
        seen: foreign(&finding.seen),
        expected: foreign(&finding.expected),
        remedy: foreign(&finding.remedy),
    }
}
