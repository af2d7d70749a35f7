//! How a boot session is put together from its parts: in the image, and on an ordinary host.

use crate::{
    boot,
    cmdline::{Cmdline, Consoles},
    console::{self, Identify, Output, Surroundings, Terminals, View},
    driver::{self, Driver},
    facts::{self, LiveHost, Parts},
    journal::Journal,
    machine::{Config, Ending, Event, LinkSeen, NetworkOwner, Power, State},
    network, senzu,
    server::{self, Face},
    trust::{Paths, Trust, TrustError},
    work::{self, Marks, Tools},
};
use pious_client::{Patience, Url, read_url};
use pious_protocol::{facts::Facts, ids::BootId, message::TimelineEntry};
use std::{io, net::SocketAddr, path::Path, sync::Arc};
use thiserror::Error;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
};

/// The screen: the second virtual terminal. The first is in front when the kernel hands over, and is its own.
const SCREEN: Terminals = Terminals { own: 2, kernel: 1 };

/// The serial line.
const SERIAL: &str = "/dev/ttyS0";

/// Where it is kept which updates began: gone with the boot, as what PID 1 keeps there.
const BEGUN: &str = "/run/pious/begun";

/// News that may wait for the loop; beyond it the network waits.
const INPUT_QUEUE: usize = 64;

/// Promotions that may wait for the loop; beyond it they are answered 503.
const ASK_QUEUE: usize = 8;

/// The most of a dead process's last words that is sent.
const MAX_LAST_WORDS_BYTES: usize = 16 * 1024;

/// Why a session can't be put together.
#[derive(Debug, Error)]
pub enum SessionError {
    /// What to trust can't be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Senzu can't be asked.
    #[error(transparent)]
    Senzu(#[from] pious_client::Error),
    /// The runtime could not be made.
    #[error("the asynchronous runtime can't be made")]
    Runtime(#[source] io::Error),
    /// The host would not go down.
    #[error("{command} failed")]
    Power {
        /// What was tried.
        command: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What `pious-agent run` is told.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Senzu's URLs.
    pub senzu: Vec<String>,
    /// What is trusted.
    pub trust: Paths,
    /// Where the agent's own server listens.
    pub listen: SocketAddr,
    /// Whether instructions may end this host.
    pub power: Power,
}

/// What differs between the image and an ordinary host.
struct Setting {
    config: Config,
    senzu: pious_client::Agent,
    trust: Trust,
    listen: SocketAddr,
    outputs: Vec<Output>,
    surroundings: Surroundings,
    network: network::Options,
    warnings: Vec<String>,
}

/// The boot session of the image: the child of PID 1. Answers the exit code that PID 1 understands.
pub fn in_image(journal: Journal) -> Result<u8, SessionError> {
    let cmdline = Cmdline::parse(&std::fs::read_to_string("/proc/cmdline").unwrap_or_default());
    console::quiet_kernel();
    let (trust, problems) = Trust::of_image(&Paths::of_image());
    let mut warnings = cmdline.warnings.clone();
    warnings.extend(problems.iter().map(|problem| driver::chain(problem)));
    let urls: Vec<_> = cmdline.senzu.iter().filter_map(|url| readable(url, trust.build.lab, &mut warnings)).collect();
    if urls.is_empty() {
        warnings.push("no Senzu to ask: the kernel command line has no usable pious.senzu=URL".into());
    }
    if trust.ca_pem.is_empty() && urls.iter().any(|url| url.scheme() == "https") {
        warnings.push("this image carries no CA, so no https Senzu can be believed: build it with --trust".into());
    }
    let boot_id = boot_id();
    let setting = Setting {
        surroundings: Surroundings {
            senzu_urls: urls.iter().map(ToString::to_string).collect(),
            port: Some(server::PORT),
            called: cmdline.name.clone(),
            journal,
        },
        config: config(boot_id, &trust, urls.len(), NetworkOwner::Agent, Power::Granted),
        senzu: senzu::client(urls, &trust.ca_pem, boot_id, Patience::default())?,
        listen: ([0, 0, 0, 0], server::PORT).into(),
        outputs: outputs(cmdline.consoles, &mut warnings),
        network: network::Options::ours(cmdline.name.as_deref().unwrap_or("pious")),
        trust,
        warnings,
    };
    Ok(match run(setting)? {
        Ending::PowerOff => boot::Ending::PowerOff.exit_code(),
        Ending::Reboot => boot::Ending::Reboot.exit_code(),
        // PID 1 knows what it wants when it asks; to whom it did not ask, this is a death, and it starts another.
        Ending::Stop => 0,
    })
}

/// A boot session on an ordinary host, whose network is its own.
pub fn on_host(options: HostOptions, journal: Journal) -> Result<(), SessionError> {
    let trust = Trust::read(&options.trust)?;
    // Whoever runs the agent by hand says himself what he speaks to.
    let urls = options.senzu.iter().map(|url| read_url(url, true)).collect::<Result<Vec<_>, _>>()?;
    let boot_id = boot_id();
    let power = options.power;
    let setting = Setting {
        surroundings: Surroundings {
            senzu_urls: urls.iter().map(ToString::to_string).collect(),
            // Only a server that listens on every address is told by each of them.
            port: options.listen.ip().is_unspecified().then(|| options.listen.port()),
            called: None,
            journal,
        },
        config: config(boot_id, &trust, urls.len(), NetworkOwner::Host, power),
        senzu: senzu::client(urls, &trust.ca_pem, boot_id, Patience::default())?,
        listen: options.listen,
        outputs: Output::stderr().into_iter().collect(),
        network: network::Options::observe(),
        trust,
        warnings: Vec::new(),
    };
    let command = match run(setting)? {
        Ending::PowerOff => "poweroff",
        Ending::Reboot => "reboot",
        Ending::Stop => return Ok(()),
    };
    debug_assert_eq!(power, Power::Granted, "without power the machine is never ended");
    std::process::Command::new(command).status().map(drop).map_err(|source| SessionError::Power { command, source })
}

fn run(setting: Setting) -> Result<Ending, SessionError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(SessionError::Runtime)?;
    let ending = runtime.block_on(live(setting));
    // A thread that hangs in a driver must not hold up the power-off.
    runtime.shutdown_background();
    Ok(ending)
}

async fn live(setting: Setting) -> Ending {
    let (network, network_events) = network::start(setting.network);
    let (inputs_in, inputs) = mpsc::channel(INPUT_QUEUE);
    let (asks_in, asks) = mpsc::channel(ASK_QUEUE);
    let state = State::new(setting.config);
    let first_view = View::of(&state, driver::now(), &setting.surroundings);
    let (view, views) = watch::channel(Arc::new(first_view));
    for words in setting.warnings {
        // The queue is empty and has room for all of them: they are bounded where they are made.
        let _sent = inputs_in.try_send(Event::Warning(words));
    }
    match signal(SignalKind::terminate()) {
        Ok(terminations) => drop(tokio::spawn(end_when_told(terminations, inputs_in.clone()))),
        // The signal then ends the process as it ends any other.
        Err(error) => tracing::warn!("a session that is told to end will not say goodbye: {error}"),
    }
    tokio::spawn(pass_on(network_events, inputs_in));
    let face = Face { allow: Arc::new(setting.trust.allow), view: views, asks: asks_in };
    tokio::spawn(server::serve(face, setting.listen));
    let driver = Driver {
        state,
        senzu: Arc::new(setting.senzu),
        gather: Arc::new(gather),
        worker: work::worker(Tools {
            firmware_key: setting.trust.firmware_key,
            marks: Marks::new(BEGUN),
            host: Arc::new(LiveHost),
            disks: Arc::new(LiveHost),
        }),
        inputs,
        asks,
        surroundings: setting.surroundings,
        outputs: setting.outputs,
        view,
        on_name: Box::new(move |name| network.set_name(name)),
    };
    driver.run(Event::Started { timeline: timeline_before() }).await
}

fn gather(parts: &Parts, known: &Facts) -> Facts {
    facts::read(&LiveHost, parts, known.clone())
}

/// Tells the machine that this process is to end.
async fn end_when_told(mut terminations: Signal, to: mpsc::Sender<Event>) {
    while terminations.recv().await.is_some() && to.send(Event::Terminated).await.is_ok() {}
}

/// Tells the machine what the network tells.
async fn pass_on(mut from: mpsc::Receiver<network::Event>, to: mpsc::Sender<Event>) {
    while let Some(event) = from.recv().await {
        let event = match event {
            network::Event::Links(links) => Event::Links(links.into_iter().map(seen).collect()),
            network::Event::Dhcp { nic, dhcp, addresses } => Event::Dhcp { nic, dhcp, addresses },
            network::Event::Lldp { nic, neighbours, vlan } => Event::Lldp { nic, neighbours, vlan },
            network::Event::ClockSet { source } => Event::ClockSet { source },
            network::Event::DevicesSettled { subsystems } => Event::DevicesSettled { subsystems },
        };
        if to.send(event).await.is_err() {
            return;
        }
    }
}

fn seen(link: network::LinkState) -> LinkSeen {
    LinkSeen {
        name: link.name,
        mac: link.mac,
        permanent_mac: link.permanent_mac,
        link: link.link,
        speed_mbps: link.speed_mbps,
        role: link.role,
        lldp_agent: link.lldp_agent,
    }
}

fn config(boot_id: BootId, trust: &Trust, urls: usize, network: NetworkOwner, power: Power) -> Config {
    Config {
        boot_id,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        keys: Arc::new(trust.keys.clone()),
        senzu_urls: urls.max(1),
        network,
        power,
        last_words: last_words(),
    }
}

fn readable(url: &str, lab: bool, warnings: &mut Vec<String>) -> Option<Url> {
    read_url(url, lab).map_err(|problem| warnings.push(problem.to_string())).ok()
}

/// The boot's name: PID 1's, so that it outlives a process that dies; else a new one.
fn boot_id() -> BootId {
    let told = std::env::var(boot::BOOT_ID_VARIABLE).ok().and_then(|text| text.parse().ok());
    told.unwrap_or_else(|| BootId(uuid::Uuid::now_v7()))
}

fn last_words() -> Option<String> {
    let path = std::env::var_os(boot::LAST_WORDS_VARIABLE)?;
    let bytes = std::fs::read(path).ok()?;
    let start = bytes.len().saturating_sub(MAX_LAST_WORDS_BYTES);
    Some(String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned())
}

/// `kernel` and `init`: the latter is when this process started, which PID 1 does once the mount table stands.
fn timeline_before() -> Vec<TimelineEntry> {
    let ticks = procfs::process::Process::myself().and_then(|me| me.stat()).map(|stat| stat.starttime);
    let init = ticks.map(|ticks| ticks.saturating_mul(1000) / procfs::ticks_per_second().max(1));
    let entry = |phase: &str, at_ms| TimelineEntry { phase: phase.to_owned(), at_ms };
    [Some(entry("kernel", 0)), init.ok().map(|at_ms| entry("init", at_ms))].into_iter().flatten().collect()
}

fn outputs(consoles: Consoles, warnings: &mut Vec<String>) -> Vec<Output> {
    let identify = Arc::new(Identify::by(|seconds| Ok(facts::bmc::identify(&LiveHost, seconds)?)));
    let screen = || ("the screen", Output::screen(SCREEN, Arc::clone(&identify)));
    let serial = || (SERIAL, Output::lines(Path::new(SERIAL), Arc::clone(&identify)));
    let opened = match consoles {
        Consoles::Vga => vec![screen()],
        Consoles::Serial => vec![serial()],
        Consoles::Both => vec![screen(), serial()],
    };
    let mut outputs = Vec::new();
    for (device, result) in opened {
        match result {
            Ok(output) => outputs.push(output),
            Err(error) => warnings.push(format!("no console on {device} ({error})")),
        }
    }
    outputs
}
