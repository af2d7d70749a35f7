//! `pious-initrd`: agent + kernel + drivers → what PXE serves. Parses the command line; the work is in the library.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use pious_initrd::build::{Order, build};
use pious_initrd::image::Effort;
use pious_initrd::manifest::{Manifest, difference};

/// Builds the vmlinuz and the initrd.img that a server boots PIOUS from.
#[derive(Parser)]
#[command(name = "pious-initrd", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write vmlinuz, initrd.img and manifest.json.
    Build(Build),
    /// Say in which files, modules and sizes two images differ; exit status 1 if they do.
    Diff {
        /// A manifest.json, or the folder that holds it.
        old: PathBuf,
        /// A manifest.json, or the folder that holds it.
        new: PathBuf,
    },
}

#[derive(clap::Args)]
struct Build {
    /// The agent: one statically linked program; becomes /init.
    #[arg(long, value_name = "FILE")]
    agent: PathBuf,
    /// A kernel package (.deb), a kernel image, or a folder with either or with modules. Repeat for split packages.
    #[arg(long = "kernel", value_name = "FILE-or-DIR", required = true)]
    kernels: Vec<PathBuf>,
    /// Which drivers: `server`, `none` (the agent alone), or a profile file of your own (*.toml).
    #[arg(long, default_value = "server")]
    profile: String,
    /// Pack ca.pem, instruction-keys.json and (if there) firmware.pub and allow.json of this folder under /etc/pious.
    #[arg(long, value_name = "DIR")]
    trust: Option<PathBuf>,
    /// Build an image for the lab: the agent then also accepts what only a lab may.
    #[arg(long)]
    lab: bool,
    /// Pack the firmware files that the chosen modules declare, where this folder has them (like /lib/firmware).
    #[arg(long, value_name = "DIR")]
    firmware: Option<PathBuf>,
    /// Compress hardest: slow to build, smallest to download.
    #[arg(long)]
    release: bool,
    /// A second static program, packed as /bin/rescue. Without it the image holds no program but the agent.
    #[arg(long, value_name = "FILE")]
    rescue: Option<PathBuf>,
    /// Where compressed drivers are kept between builds [default: OUT/.cache].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Date of the build in seconds since 1970: the agent's clock floor.
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS")]
    source_date_epoch: Option<u64>,
    /// Folder for the results.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pious-initrd: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Build(args) => {
            let order = order(args);
            let (manifest, notes) = build(&order)?;
            for note in notes {
                eprintln!("note: {note}");
            }
            print!("{}", manifest.summary());
            Ok(ExitCode::SUCCESS)
        }
        Command::Diff { old, new } => {
            let lines = difference(&read_manifest(old)?, &read_manifest(new)?);
            lines.iter().for_each(|line| println!("{line}"));
            Ok(if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
    }
}

fn order(args: Build) -> Order {
    Order {
        cache: args.cache.unwrap_or_else(|| args.out.join(".cache")),
        agent: args.agent,
        kernels: args.kernels,
        profile: args.profile,
        trust: args.trust,
        lab: args.lab,
        firmware: args.firmware,
        effort: if args.release { Effort::Release } else { Effort::Quick },
        rescue: args.rescue,
        source_date_epoch: args.source_date_epoch,
        out: args.out,
    }
}

fn read_manifest(path: PathBuf) -> anyhow::Result<Manifest> {
    let path = if path.is_dir() { path.join("manifest.json") } else { path };
    let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not an image's manifest", path.display()))
}
