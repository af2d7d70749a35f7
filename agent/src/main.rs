//! `pious-agent`: `/init` of the image, and an ordinary program on any Linux host.

use clap::{Parser, Subcommand, ValueEnum};
use pious_agent::{
    boot,
    console::{
        Page,
        demo::{self, ScreenSize},
    },
    decode, driver,
    journal::Journal,
    machine::Power,
    session::{self, HostOptions},
    trust::Paths,
};
use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

/// PIOUS's agent: looks at the machine, reports to Senzu, does what Senzu instructs
#[derive(Parser)]
#[command(name = "pious-agent", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print all facts of this host as JSON
    Facts {
        /// Read a recorded host's files instead of the live host's
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
    /// Print what a dump or a capture holds, as JSON
    Decode {
        /// What the file is
        what: What,
        /// The file
        file: PathBuf,
    },
    /// Show a recorded view as the console of a server does
    Console(ConsoleArguments),
    /// Run a boot session without being PID 1; the host's network configuration is left alone
    Run(RunArguments),
    /// The child of PID 1 in the image
    #[command(hide = true)]
    Session,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// An SMBIOS table
    Smbios,
    /// A pcap or pcapng capture with LLDP frames
    Lldp,
}

#[derive(clap::Args)]
struct ConsoleArguments {
    /// The recorded view: what /v1/status answered. `q` ends it
    #[arg(long, value_name = "FILE")]
    demo: PathBuf,
    /// Print one screen as text, and end
    #[arg(long)]
    once: bool,
    /// The page to print
    #[arg(long, value_enum, default_value_t, requires = "once")]
    page: Page,
    /// The size to print it in; without it, this terminal's
    #[arg(long, value_name = "COLUMNSxROWS", requires = "once")]
    size: Option<ScreenSize>,
}

#[derive(clap::Args)]
struct RunArguments {
    /// Senzu's URL; may repeat, the first is preferred
    #[arg(long, value_name = "URL", required = true, num_args = 1..)]
    senzu: Vec<String>,
    /// Senzu's CA (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The public keys of Senzu's instructions (JWK Set); without it, none is believed
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The public key of firmware images (minisign); without it, none is believed
    #[arg(long, value_name = "FILE")]
    firmware_key: Option<PathBuf>,
    /// Networks that may ask the agent's own server (JSON); without it, only this host
    #[arg(long, value_name = "FILE")]
    allow: Option<PathBuf>,
    /// Where the agent's own server listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Let instructions reboot and power off this host, and change its BMC and firmware
    #[arg(long)]
    allow_power: bool,
}

fn main() -> ExitCode {
    if std::process::id() == 1 {
        boot::pid1()
    }
    match Cli::parse().command {
        Command::Facts { root } => print(decode::facts(root.as_deref())),
        Command::Decode { what: What::Smbios, file } => print(decode::smbios(&file)),
        Command::Decode { what: What::Lldp, file } => print(decode::lldp(&file)),
        Command::Console(ConsoleArguments { demo: file, once: true, page, size }) => {
            exit(demo::print(&file, page, size).map(|()| 0))
        }
        Command::Console(ConsoleArguments { demo: file, once: false, .. }) => exit(demo::show(&file).map(|()| 0)),
        Command::Run(arguments) => exit(session::on_host(arguments.into(), log()).map(|()| 0)),
        Command::Session => exit(session::in_image(log())),
    }
}

fn print(output: decode::Output) -> ExitCode {
    if let Err(error) = io::stdout().lock().write_all(output.text.as_bytes()) {
        // Whoever reads may have enough of it (`| head`).
        return if error.kind() == io::ErrorKind::BrokenPipe { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if let Some(remark) = output.remark {
        eprintln!("{remark}");
    }
    exit(output.error.map_or(Ok(0), Err))
}

fn exit<E: std::error::Error>(result: Result<u8, E>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("pious-agent: {}", driver::chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Logs go to standard error: PID 1 keeps their end, and the kernel's log has them all. Their end is also kept here, for
/// the console.
fn log() -> Journal {
    let journal = Journal::default();
    let to_stderr = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    let levels = tracing_subscriber::filter::LevelFilter::INFO;
    tracing_subscriber::registry().with(levels).with(to_stderr).with(journal.clone()).init();
    journal
}

impl From<RunArguments> for HostOptions {
    fn from(arguments: RunArguments) -> Self {
        let RunArguments { senzu, ca, keys, firmware_key, allow, listen, allow_power } = arguments;
        let power = if allow_power { Power::Granted } else { Power::Withheld };
        Self { senzu, trust: Paths { ca, keys, firmware_key, allow, build: None }, listen, power }
    }
}
