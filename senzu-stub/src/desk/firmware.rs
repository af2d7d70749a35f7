//! Firmware: images, and what assets shall run.

use super::{
    Ask, CONNECT_WITHIN, Desk, Said,
    goals::{self, Change, Goal, OfAsset, Retry},
    table::table,
};
use crate::{api::ArtifactList, firmware::ArtifactView, words::time};
use anyhow::Context;
use clap::{Args, Subcommand};
use pious_client::{Content, Method, read_url};
use pious_protocol::message::Problem;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

/// What an upload gets at least: the slowest line that an operator sits at.
const SLOWEST_BYTES_PER_S: u64 = 64 * 1024;
/// For the answer to it: a disk writes what it has taken.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Firmware.
#[derive(Subcommand)]
pub enum FirmwareCommand {
    /// Bring an image, with its signature and what it is for.
    Import(Box<Import>),
    /// Show what an asset's components run, shall run, and the way there.
    Show(OfAsset),
    /// Say what an asset shall run: its BMC gets there first, then its BIOS, then the rest.
    Set(Goal),
    /// Take back what an asset shall run.
    Withdraw(Change),
    /// Try again, once a person has looked at what went wrong.
    Retry(Retry),
    /// Ask for a BAREMETAL asset, which is drained, to be written to and restarted; another operator must approve.
    Drained(Ask),
    /// List the images that Senzu has.
    List {
        #[command(flatten)]
        desk: Desk,
        /// How many at most; left out: all.
        #[arg(long)]
        limit: Option<usize>,
    },
}

/// An image.
#[derive(Args)]
pub struct Import {
    #[command(flatten)]
    desk: Desk,
    /// The image.
    #[arg(long)]
    file: PathBuf,
    /// Its signature, as minisign -S writes it, by the key that Senzu trusts (firmware.pub in its data directory).
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
    /// The manufacturer, as machines say it: "Dell Inc.".
    #[arg(long)]
    vendor: String,
    /// The models that it is for, as machines say them: "PowerEdge R7*".
    #[arg(long)]
    model: String,
    /// bmc, bios, nic, psu or drive.
    #[arg(long)]
    component: String,
    /// As the component says it once it runs.
    #[arg(long)]
    version: String,
    /// What its maker says of it.
    #[arg(long, default_value = "")]
    note: String,
    /// critical, recommended or optional.
    #[arg(long, default_value = "recommended", value_parser = ["critical", "recommended", "optional"])]
    severity: String,
}

impl FirmwareCommand {
    pub async fn answer(self) -> Said {
        match self {
            Self::Import(import) => import.answer().await,
            Self::Show(of) => goals::show(of).await,
            Self::Set(goal) => goals::set(goal).await,
            Self::Withdraw(change) => goals::withdraw(change).await,
            Self::Retry(retry) => goals::retry(retry).await,
            Self::Drained(ask) => super::ask(ask, "firmware").await,
            Self::List { desk, limit } => {
                let list = desk.pages(&["artifacts"], &[], "artifacts", limit.unwrap_or(usize::MAX)).await?;
                desk.show(list, |list: ArtifactList| words(list.artifacts))
            }
        }
    }
}

impl Import {
    async fn answer(self) -> Said {
        let (sha256, size_bytes) =
            digest(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let signature = fs::read_to_string(&self.signature)
            .with_context(|| format!("cannot read the signature {}", self.signature.display()))?;
        let file_name = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ask = json!({
            "sha256": sha256, "size_bytes": size_bytes, "vendor": self.vendor, "model": self.model,
            "component": self.component, "version": self.version, "signature": signature,
            "release_note": self.note, "severity": self.severity, "file_name": file_name,
        });
        let known = self.desk.order(Method::POST, &["artifacts"], Content::Json(ask)).await?;
        let known: ArtifactView =
            serde_json::from_value(known).context("Senzu's answer is not what this build knows")?;
        if known.image_ms.is_none() {
            self.desk.bring(&self.file, &known.sha256, size_bytes).await?;
        }
        let now = self.desk.ask(&["artifacts", &known.sha256], &[]).await?;
        self.desk.show(now, |artifact: ArtifactView| {
            let ArtifactView { component, version, vendor, model, sha256, .. } = artifact;
            format!("{component} {version} for {vendor} {model} is there as {sha256}\n")
        })
    }
}

impl Desk {
    /// Sends an image, a piece at a time.
    async fn bring(&self, file: &Path, sha256: &str, size_bytes: u64) -> anyhow::Result<()> {
        pious_client::install_crypto();
        let authorities = match &self.ca {
            Some(path) => reqwest::Certificate::from_pem_bundle(&fs::read(path)?)?,
            None => Vec::new(),
        };
        let token = fs::read_to_string(&self.token_file)?;
        let client = reqwest::Client::builder()
            .tls_certs_only(authorities)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN + Duration::from_secs(size_bytes / SLOWEST_BYTES_PER_S))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let mut unheard = None;
        for url in &self.urls {
            let mut url = read_url(url, true)?;
            if let Ok(mut parts) = url.path_segments_mut() {
                parts.pop_if_empty().extend(["v1", "artifacts", sha256, "image"]);
            }
            let at = url.to_string();
            let image = tokio::fs::File::open(file).await.with_context(|| format!("cannot read {}", file.display()))?;
            let request = client
                .put(url)
                .bearer_auth(token.trim())
                .header(reqwest::header::CONTENT_TYPE, "application/octet-stream")
                .header(reqwest::header::CONTENT_LENGTH, size_bytes)
                .body(image);
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    let code = answer.status();
                    let words = answer.json::<Problem>().await.ok().and_then(|problem| problem.detail);
                    anyhow::bail!("{at} answered {} {}", code.as_u16(), words.unwrap_or_default());
                }
                Err(error) if error.is_connect() => unheard = Some((at, error)),
                Err(error) => return Err(error).with_context(|| format!("{at} did not take the image")),
            }
        }
        match unheard {
            Some((at, error)) => Err(error).with_context(|| format!("no connection to {at}")),
            None => Ok(()),
        }
    }
}

/// A file's SHA-256, in hex, and its size.
fn digest(file: &Path) -> io::Result<(String, u64)> {
    let mut file = fs::File::open(file)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => {
                hash.update(&piece[..read]);
                size += read as u64;
            }
        }
    }
    Ok((hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect(), size))
}

fn words(mut artifacts: Vec<ArtifactView>) -> String {
    artifacts.sort_by(|a, b| {
        let key = |artifact: &ArtifactView| (artifact.vendor.clone(), artifact.component, artifact.model.clone());
        key(a).cmp(&key(b)).then_with(|| {
            pious_protocol::version::compare(&a.version, &b.version).unwrap_or_else(|| a.version.cmp(&b.version))
        })
    });
    let rows = artifacts.into_iter().map(|artifact| {
        [
            artifact.vendor,
            artifact.model,
            artifact.component.to_string(),
            artifact.version,
            crate::store::word(&artifact.severity),
            artifact.size_bytes.to_string(),
            artifact.image_ms.map_or_else(|| "awaited".into(), |at| format!("came {}", time(at))),
            artifact.sha256,
        ]
    });
    table(["VENDOR", "MODEL", "COMPONENT", "VERSION", "SEVERITY", "BYTES", "IMAGE", "SHA-256"], rows)
}
