//! `pious-pxe`: parse, run, exit code.

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use pious_pxe::{config::Config, dnsmasq, host, serve};
use std::{path::PathBuf, process::ExitCode};

/// DHCP, TFTP and HTTP for servers that boot PIOUS over the network.
#[derive(Parser)]
#[command(name = "pious-pxe", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGTERM; prints `ready` on stdout when DHCP and HTTP answer.
    Serve {
        /// The TOML file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Check the configuration and print dnsmasq's.
    Check {
        /// The TOML file.
        #[arg(long)]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pious-pxe: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::Check { config } => {
            let config = Config::read(&config)?;
            config.check_files()?;
            print!("{}", dnsmasq::configuration(&config, host::surroundings()));
            Ok(())
        }
        Command::Serve { config } => {
            let config = Config::read(&config)?;
            config.check_files()?;
            // One thread: dnsmasq's death signal is tied to the thread that started it, which has to be the one that
            // lives as long as the process. Files are read on the blocking pool.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start tokio")?;
            runtime.block_on(serve::serve(config))
        }
    }
}
