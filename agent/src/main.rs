//! `pious-agent`: `/init` of the image, and an ordinary program on any Linux host.

use clap::{Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(
    name = "pious-agent",
    version,
    about = "PIOUS's agent: looks at the machine, reports to Senzu, does what Senzu instructs"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print all facts of this host as JSON
    Facts {
        /// Read a recorded host's files instead of the live host's
        #[arg(long)]
        root: Option<PathBuf>,
    },
    /// Print what a dump or a capture holds
    Decode {
        /// What the file is
        what: What,
        /// The file
        file: PathBuf,
    },
    /// Run a boot session without being PID 1; the host's network configuration is left alone
    Run(RunArguments),
    /// The child of PID 1 in the image
    #[command(hide = true)]
    Session,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// An SMBIOS table dump
    Smbios,
    /// A pcap or pcapng capture with LLDP frames
    Lldp,
}

#[derive(clap::Args)]
struct RunArguments {
    /// Senzu's URL; may repeat, the first is preferred
    #[arg(long, required = true)]
    senzu: Vec<String>,
    /// Senzu's CA (PEM)
    #[arg(long)]
    ca: Option<PathBuf>,
    /// The public keys of Senzu's instructions (JWK Set)
    #[arg(long)]
    keys: Option<PathBuf>,
    /// Networks that may ask the agent's own server (JSON)
    #[arg(long)]
    allow: Option<PathBuf>,
    /// Where the agent's own server listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Let instructions reboot and power off this host
    #[arg(long)]
    allow_power: bool,
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Facts { root } => drop(root),
        Command::Decode { what, file } => drop((what, file)),
        Command::Run(run) => drop((run.senzu, run.ca, run.keys, run.allow, run.listen, run.allow_power)),
        Command::Session => {}
    }
    ExitCode::SUCCESS
}
