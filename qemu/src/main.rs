//! `pious-lab`: the rack on a desk, from the command line.

mod firmware;

use anyhow::Context;
use clap::{Parser, Subcommand};
use firmware::{BmcVerb, FirmwareImage};
use pious_lab::{
    Lab, Options,
    bmc::key,
    fleet::{self, Fleet},
    lab::{control::Request, handle, namespace, options::target_dir},
    machine::argv::Accelerator,
    rack::{NicRef, PortRef},
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// The rack on a desk.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Verb,
    /// The run directory of the lab to talk to; the only one that runs unless given.
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Verb {
    /// Bring a rack up, and keep it up until Ctrl-C.
    Up {
        /// The rack file.
        rack: PathBuf,
        /// Come back once it is up; `down` ends it.
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        options: UpOptions,
    },
    /// Bring the demo's rack up and tell its story.
    Demo {
        /// End with the story instead of staying up.
        #[arg(long)]
        once: bool,
        /// Where report, pictures and logs are written; target/demo unless given.
        #[arg(long)]
        out: Option<PathBuf>,
        #[command(flatten)]
        options: UpOptions,
    },
    /// Switch a server on.
    Boot {
        /// Its name.
        server: String,
    },
    /// Pull a server's power cord.
    Off {
        /// Its name.
        server: String,
    },
    /// Press a server's reset button.
    Reset {
        /// Its name.
        server: String,
    },
    /// Show a server's serial port, from the beginning; what is typed goes there.
    Console {
        /// Its name.
        server: String,
    },
    /// Write what a server's VGA screen shows.
    Screenshot {
        /// Its name.
        server: String,
        /// The PNG file.
        file: PathBuf,
    },
    /// Print the text on a server's VGA screen.
    Text {
        /// Its name.
        server: String,
    },
    /// Pull a cable.
    Unplug {
        /// SERVER.NIC
        nic: NicRef,
    },
    /// Plug a cable back in.
    Plug {
        /// SERVER.NIC
        nic: NicRef,
        /// SWITCH.PORT; where it was last unless given.
        port: Option<PortRef>,
    },
    /// Move a cable.
    Move {
        /// SERVER.NIC
        nic: NicRef,
        /// SWITCH.PORT
        port: PortRef,
    },
    /// Change how a switch port behaves.
    Port {
        /// SWITCH.PORT
        port: PortRef,
        /// Shut it, or open it.
        #[arg(long)]
        down: Option<bool>,
        /// How many of a hundred frames are lost, each way.
        #[arg(long, value_parser = clap::value_parser!(u8).range(..=100))]
        loss_percent: Option<u8>,
        /// How long each frame takes, each way.
        #[arg(long)]
        delay_ms: Option<u64>,
        /// The VLAN of untagged frames.
        #[arg(long)]
        native: Option<u16>,
    },
    /// Capture what passes a port into a pcap file; without a file: stop.
    Capture {
        /// SWITCH.PORT
        port: PortRef,
        /// The file.
        file: Option<PathBuf>,
    },
    /// A server's BMC: what it does wrong, and what it noted.
    Bmc {
        #[command(subcommand)]
        verb: BmcVerb,
    },
    /// Write a firmware image for the lab's BMCs.
    FirmwareImage(FirmwareImage),
    /// Write a key pair for firmware images: firmware.key, without a password, and firmware.pub.
    FirmwareKey {
        /// The directory.
        #[arg(long)]
        out: PathBuf,
    },
    /// Show what there is.
    Status,
    /// Take the lab down.
    Down,
    /// Simulated servers by the thousand, without a rack: the agent's own decisions, real HTTP to a real Senzu.
    Fleet {
        #[command(subcommand)]
        verb: FleetVerb,
    },
    #[command(hide = true)]
    Outer {
        rack: PathBuf,
        options: String,
        #[arg(long)]
        detached: bool,
    },
    #[command(hide = true)]
    Inner {
        rack: PathBuf,
        options: String,
        #[arg(long)]
        detached: bool,
    },
}

#[derive(Subcommand)]
enum FleetVerb {
    /// Write what Senzu must be told of the fleet: for `senzu-stub import`.
    Plan {
        /// How many servers.
        #[arg(long)]
        assets: u32,
        /// They stay on once they are SPARE.
        #[arg(long)]
        held: bool,
        /// The .json file.
        file: PathBuf,
    },
    /// Boot the fleet, and print as JSON what came of it.
    Boot {
        /// How many servers.
        #[arg(long)]
        assets: u32,
        /// A URL of Senzu's; may repeat.
        #[arg(long, required = true)]
        senzu: Vec<String>,
        /// Senzu's data directory: its authority and the keys that it signs instructions with.
        #[arg(long)]
        trust: PathBuf,
        /// How many may be on their way from power-on to SPARE at once.
        #[arg(long, default_value_t = 1000)]
        at_once: usize,
        /// How long all of them may take to become SPARE, in seconds.
        #[arg(long, default_value_t = 600)]
        within_s: u64,
        /// How long they watch on after that, in seconds.
        #[arg(long, default_value_t = 10)]
        stay_s: u64,
    },
}

impl FleetVerb {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Plan { assets, held, file } => {
                let plan = serde_json::to_vec_pretty(&fleet::plan(assets, held))?;
                std::fs::write(&file, plan).with_context(|| format!("cannot write {}", file.display()))
            }
            Self::Boot { assets, senzu, trust, at_once, within_s, stay_s } => {
                let senzu = senzu.iter().map(|url| pious_client::read_url(url, true)).collect::<Result<Vec<_>, _>>()?;
                let is_secret = senzu.iter().any(|url| url.scheme() == "https");
                let fleet = Fleet {
                    servers: assets,
                    senzu,
                    ca: is_secret.then(|| trust.join("ca.pem")),
                    keys: trust.join("instruction-keys.json"),
                    at_once,
                    within: Duration::from_secs(within_s),
                    stay: Duration::from_secs(stay_s),
                    firmware: None,
                };
                let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
                println!("{}", serde_json::to_string_pretty(&runtime.block_on(fleet.run())?)?);
                Ok(())
            }
        }
    }
}

#[derive(clap::Args)]
struct UpOptions {
    /// How guests are run. kvm only where it is known to work.
    #[arg(long, value_enum, default_value = "tcg")]
    accel: Accelerator,
    /// The image's directory; target/image unless given.
    #[arg(long)]
    image: Option<PathBuf>,
    /// Senzu's keys; target/trust unless given.
    #[arg(long)]
    trust: Option<PathBuf>,
    /// Words to add to every kernel's command line.
    #[arg(long, default_value = "")]
    cmdline: String,
    /// Begin without Senzu.
    #[arg(long)]
    without_senzu: bool,
    /// Begin without pxe and DHCP.
    #[arg(long)]
    without_pxe: bool,
}

impl UpOptions {
    fn of(self, rack: &str, dir: Option<PathBuf>) -> Options {
        let default = Options::of(rack);
        Options {
            dir: dir.unwrap_or(default.dir),
            image: self.image.unwrap_or(default.image),
            trust: self.trust.unwrap_or(default.trust),
            accelerator: self.accel,
            cmdline: self.cmdline,
            senzu: !self.without_senzu,
            pxe: !self.without_pxe,
            ..Options::of(rack)
        }
    }
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pious-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let dir = arguments.dir;
    match arguments.command {
        Verb::Outer { rack, options, detached } => {
            let page = serde_json::from_str::<Options>(&options)?.page;
            let mut words = vec![rack.to_string_lossy().into_owned(), options];
            words.extend(detached.then(|| "--detached".to_owned()));
            namespace::outer(&words, page)
        }
        Verb::Inner { rack, options, detached } => {
            namespace::inner(serde_json::from_str(&options)?, &rack, detached)?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Up { rack, detach, options } => {
            must_be_root()?;
            let described = handle::read_rack(&rack)?;
            let options = options.of(&described.name, dir);
            if detach {
                let (dir, page) = (options.dir.clone(), Lab::up_detached(&rack, options)?);
                tell(&dir, &handle::hints(&described, page.as_deref()));
                return Ok(ExitCode::SUCCESS);
            }
            runtime()?.block_on(up(&rack, options))?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Demo { once, out, options } => {
            must_be_root()?;
            let out = std::path::absolute(out.unwrap_or_else(|| target_dir().join("demo")))?;
            let held = runtime()?.block_on(pious_lab::demo::run(options.of("demo", dir), &out, once))?;
            Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Verb::Fleet { verb } => verb.run().map(|()| ExitCode::SUCCESS),
        Verb::FirmwareImage(image) => image.write().map(|()| ExitCode::SUCCESS),
        Verb::FirmwareKey { out } => {
            key::write_pair(&out)?;
            println!("{}", out.join(key::PUBLIC).display());
            Ok(ExitCode::SUCCESS)
        }
        verb => runtime()?.block_on(ask(verb, dir)),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().context("starting tokio")
}

fn must_be_root() -> anyhow::Result<()> {
    anyhow::ensure!(
        nix::unistd::geteuid().is_root(),
        "a lab makes namespaces, taps and raw sockets, for which it must be root: use sudo"
    );
    Ok(())
}

fn tell(dir: &Path, hints: &str) {
    println!("up; its logs, disks and captures are in {}\n{hints}", dir.display());
}

async fn up(rack: &Path, options: Options) -> anyhow::Result<()> {
    let lab = tokio::select! {
        lab = Lab::up(rack, options) => lab?,
        _ = tokio::signal::ctrl_c() => return Ok(()),
    };
    tell(lab.dir(), &lab.what_next());
    println!("Ctrl-C takes it down.");
    // Somebody may take it down from elsewhere, too: then its events end.
    let mut watch = lab.watch(0).await?;
    let ended = async { while watch.next().await.is_ok() {} };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = ended => {}
    }
    lab.down().await?;
    Ok(())
}

async fn ask(verb: Verb, dir: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let dir = match dir {
        Some(dir) => dir,
        None => the_only_lab()?,
    };
    let absolute = |file: PathBuf| std::path::absolute(file);
    let request = match verb {
        Verb::Boot { server } => Request::Boot { server },
        Verb::Off { server } => Request::PowerOff { server },
        Verb::Reset { server } => Request::Reset { server },
        Verb::Screenshot { server, file } => Request::Screenshot { server, file: absolute(file)? },
        Verb::Text { server } => {
            let lines: Vec<String> = handle::ask(&dir, &Request::Text { server }).await?;
            println!("{}", lines.join("\n"));
            return Ok(ExitCode::SUCCESS);
        }
        Verb::Unplug { nic } => Request::Unplug { nic },
        Verb::Plug { nic, port } => Request::Plug { nic, port },
        Verb::Move { nic, port } => Request::Move { nic, port },
        Verb::Port { port, down, loss_percent, delay_ms, native } => {
            Request::Port { port, down, loss_percent, delay_ms, native }
        }
        Verb::Capture { port, file } => Request::Capture { port, file: file.map(absolute).transpose()? },
        Verb::Bmc { verb } => {
            verb.run(&dir).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Verb::Status => Request::Status,
        Verb::Down => {
            handle::down(&dir).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Verb::Console { server } => {
            handle::console(&dir, &server).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Verb::Up { .. }
        | Verb::Demo { .. }
        | Verb::Fleet { .. }
        | Verb::FirmwareImage(_)
        | Verb::FirmwareKey { .. }
        | Verb::Outer { .. }
        | Verb::Inner { .. } => {
            unreachable!("handled before")
        }
    };
    let answer: serde_json::Value = handle::ask(&dir, &request).await?;
    if !answer.is_null() {
        println!("{answer:#}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The run directory beneath target/lab whose lab runs, if it is one.
fn the_only_lab() -> anyhow::Result<PathBuf> {
    let labs = target_dir().join("lab");
    let running =
        |dir: &PathBuf| std::os::unix::net::UnixStream::connect(dir.join(pious_lab::lab::control::SOCKET)).is_ok();
    let entries = std::fs::read_dir(&labs).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(running).collect();
    match (found.pop(), found.is_empty()) {
        (Some(dir), true) => Ok(dir),
        (None, _) => anyhow::bail!("no lab runs beneath {}; bring one up: pious-lab up RACK", labs.display()),
        (Some(_), false) => anyhow::bail!("several labs run beneath {}; say which by --dir", labs.display()),
    }
}
