//! What `pious-lab` does with firmware: images and keys, and what BMCs do with them.

use anyhow::Context;
use clap::Subcommand;
use pious_lab::{
    bmc::{
        image::{self, Label},
        key,
        redfish::{Entry, Fault},
    },
    lab::{LabError, control::Request, handle},
};
use pious_protocol::firmware::FirmwareComponent;
use std::path::{Path, PathBuf};

/// What is asked of a server's BMC.
#[derive(Subcommand)]
pub enum BmcVerb {
    /// Have it do something wrong.
    Fault {
        /// The server's name.
        server: String,
        /// hangs_at_60, does_nothing, resets_mid_flash, wrong_version, expires_sessions, rejects_signature, stays_away,
        /// refuses_credentials, new_certificate, unavailable=REQUESTS, slow_link=BYTES_PER_SECOND; none: nothing any more.
        fault: FaultOrNone,
        /// Again and again; else once.
        #[arg(long)]
        sticky: bool,
    },
    /// Print what it noted, as JSON.
    Log {
        /// The server's name.
        server: String,
    },
}

impl BmcVerb {
    /// Asks the lab that runs in a directory.
    pub async fn run(self, dir: &Path) -> Result<(), LabError> {
        match self {
            Self::Fault { server, fault, sticky } => {
                handle::ask(dir, &Request::BmcFault { server, fault: fault.0, sticky }).await
            }
            Self::Log { server } => {
                let entries: Vec<Entry> = handle::ask(dir, &Request::BmcLog { server }).await?;
                for entry in entries {
                    println!("{}", serde_json::to_string(&entry).map_err(std::io::Error::other)?);
                }
                Ok(())
            }
        }
    }
}

/// A fault, or that there shall be none.
#[derive(Clone)]
pub struct FaultOrNone(Option<Fault>);

impl std::str::FromStr for FaultOrNone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|fault| Self(Some(fault))) }
    }
}

/// An image to write.
#[derive(clap::Args)]
pub struct FirmwareImage {
    /// bmc, bios, nic, psu or drive.
    #[arg(long)]
    component: FirmwareComponent,
    /// The model that it is for.
    #[arg(long)]
    model: String,
    /// The version that runs once it is applied.
    #[arg(long)]
    version: String,
    /// How long it is.
    #[arg(long, default_value_t = 8)]
    size_mib: u64,
    /// The file.
    #[arg(long)]
    out: PathBuf,
    /// Sign it with this key of `firmware-key`'s; the signature is written beside it, as .minisig.
    #[arg(long)]
    sign: Option<PathBuf>,
}

impl FirmwareImage {
    /// Writes it, and its signature if it is to be signed.
    pub fn write(self) -> anyhow::Result<()> {
        let cannot = || format!("writing {}", self.out.display());
        let mut file = std::io::BufWriter::new(std::fs::File::create(&self.out).with_context(cannot)?);
        let label = Label::new(self.component, &self.model, &self.version);
        image::write(&label, self.size_mib * 1024 * 1024, &mut file).with_context(cannot)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(cannot)?;
        if let Some(secret) = &self.sign {
            key::sign(secret, &self.out)?;
        }
        Ok(())
    }
}
