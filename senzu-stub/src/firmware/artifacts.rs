//! Images, as operators bring them: first what is known of one, then the image itself, which is proved by that.

use super::{
    Firmware,
    glob::Glob,
    images::{Expected, Incoming, MAX_BYTES},
    lanes::Lane,
    pace::Pace,
    plan::ArtifactInfo,
    trust::{Signed, Trust},
};
use crate::{
    access::Caller,
    senzu::{Refusal, Senzu, audit, now},
    store::{
        Conn,
        artifacts::{self, Artifact, Urgency},
    },
};
use pious_protocol::{firmware::FirmwareComponent, ids::UnixMs};
use serde::{Deserialize, Serialize};
use std::{io, net::IpAddr, path::PathBuf, str::FromStr};
use thiserror::Error;
use tokio::fs::File;
use utoipa::ToSchema;

const MAX_NAME_CHARS: usize = 200;
const MAX_NOTE_CHARS: usize = 10_000;
/// A signature file has four lines; its comments are somebody's.
const MAX_SIGNATURE_CHARS: usize = 4096;

/// Why an image is not taken, given or removed.
#[derive(Debug, Error)]
pub enum ArtifactError {
    #[error("no artifact {0}: GET /v1/artifacts lists them")]
    NoSuch(String),
    #[error("the image of artifact {0} is not here: PUT /v1/artifacts/{0}/image brings it")]
    NoImage(String),
    #[error("artifact {sha256} is {stored} already, and here it is {asked}: DELETE it first, or say the same")]
    Differs { sha256: String, stored: String, asked: String },
    #[error("{by} names artifact {sha256}: let that end first")]
    Named { sha256: String, by: String },
    #[error(
        "{path} is missing: put the public key there that firmware is signed with (minisign -G makes a pair; the public \
         half is minisign.pub)"
    )]
    NoKey { path: PathBuf },
    #[error("{path} is no public key of minisign's: put the text of minisign.pub there")]
    BadKey { path: PathBuf },
    #[error(
        "signature is no signature of minisign's: send the whole text of the file that minisign -S wrote (.minisig)"
    )]
    NoSignature,
    #[error(
        "signature is by key {by}, and key {trusted} is trusted (firmware.pub in the data directory): sign by that"
    )]
    Stranger { by: String, trusted: String },
    #[error("signature is of the old kind, of the image and not of its hash: sign anew (minisign -S -H)")]
    NotPrehashed,
    #[error("the image has more than the {expected} bytes that were announced; nothing was kept")]
    TooLong { expected: u64 },
    #[error("the image has {found} bytes, and {expected} were announced; nothing was kept")]
    OtherSize { expected: u64, found: u64 },
    #[error("the image's SHA-256 is {found}, and {expected} was announced; nothing was kept")]
    OtherDigest { expected: String, found: String },
    #[error("the image is not what key {key} signed; nothing was kept")]
    OtherSignature { key: String },
    #[error("cannot {verb} {path}: {source}")]
    Disk {
        verb: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// An image's SHA-256, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sha256Hex(String);

impl Sha256Hex {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sha256Hex {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => {
                let value = format!("{:?}", text.chars().take(MAX_NAME_CHARS).collect::<String>());
                Err(Refusal::OutOfRange { field: "sha256", value, remedy: "write 64 hexadecimal digits" })
            }
        }
    }
}

/// What is known of an image that will come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactAsk {
    /// Of the image, in hex.
    pub sha256: String,
    #[schema(minimum = 1, maximum = 2_147_483_648_u64)]
    pub size_bytes: u64,
    /// The manufacturer, as machines say it.
    pub vendor: String,
    /// The models that it is for, as machines say them; `*` stands for any text.
    pub model: String,
    /// bmc, bios, nic, psu or drive.
    pub component: String,
    /// As the component says it once it runs.
    pub version: String,
    /// The whole text of the image's minisign signature file.
    pub signature: String,
    #[serde(default)]
    pub release_note: String,
    #[serde(default)]
    pub severity: Urgency,
    /// What the image's file was called.
    #[serde(default)]
    pub file_name: String,
}

/// An image, as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactView {
    /// Its name.
    pub sha256: String,
    pub size_bytes: u64,
    pub vendor: String,
    pub model: String,
    pub component: FirmwareComponent,
    pub version: String,
    pub signature: String,
    pub release_note: String,
    pub severity: Urgency,
    pub file_name: String,
    pub added_by: String,
    pub added_ms: UnixMs,
    /// When the image itself came; `null`: it did not yet.
    pub image_ms: Option<UnixMs>,
}

impl From<Artifact> for ArtifactView {
    fn from(artifact: Artifact) -> Self {
        Self {
            sha256: artifact.sha256,
            size_bytes: artifact.size_bytes,
            vendor: artifact.vendor,
            model: artifact.model,
            component: artifact.component,
            version: artifact.version,
            signature: artifact.signature,
            release_note: artifact.release_note,
            severity: artifact.severity,
            file_name: artifact.file_name,
            added_by: artifact.added_by,
            added_ms: artifact.added,
            image_ms: artifact.image,
        }
    }
}

/// As plans take it.
impl From<&Artifact> for ArtifactInfo {
    fn from(artifact: &Artifact) -> Self {
        Self {
            sha256: artifact.sha256.clone(),
            vendor: artifact.vendor.clone(),
            model: Glob::new(&artifact.model),
            component: artifact.component,
            version: artifact.version.clone(),
            has_image: artifact.image.is_some(),
        }
    }
}

/// What is checked before an image comes: what it should be, and the signature that proves it.
pub struct Awaited {
    expected: Expected,
    signed: Signed,
}

impl Awaited {
    /// Refuses an image that announces another size, before any of it comes.
    pub fn allow(&self, announced: u64) -> Result<(), ArtifactError> {
        let expected = self.expected.size_bytes;
        match announced == expected {
            true => Ok(()),
            false => Err(ArtifactError::OtherSize { expected, found: announced }),
        }
    }

    pub fn sha256(&self) -> &str {
        &self.expected.sha256
    }
}

impl Firmware {
    fn trust(&self) -> Result<Trust, ArtifactError> {
        Trust::read(&self.key)
    }

    /// The text of the key that images are signed with.
    pub fn key_text(&self) -> Result<String, ArtifactError> {
        // What is wrong with it is said there.
        Trust::read(&self.key)?;
        let unreadable = |source| ArtifactError::Disk { verb: "read", path: self.key.clone(), source };
        std::fs::read_to_string(&self.key).map_err(unreadable)
    }

    /// Begins to write an image.
    pub async fn begin<'a>(&self, awaited: &'a Awaited) -> Result<Incoming<'a>, ArtifactError> {
        self.images.write(awaited.expected.clone(), &awaited.signed).await
    }

    /// Opens an image; its size.
    pub async fn image(&self, sha256: &Sha256Hex) -> Result<(File, u64), ArtifactError> {
        self.images.read(&sha256.0).await?.ok_or_else(|| ArtifactError::NoImage(sha256.0.clone()))
    }

    /// What a file that fails says.
    pub fn unreadable(&self, sha256: &Sha256Hex, source: io::Error) -> ArtifactError {
        ArtifactError::Disk { verb: "read", path: self.images.path(&sha256.0), source }
    }

    /// Where a BMC fetches what has this path here; `None`: nobody said how its network reaches us.
    pub fn fetch_url(&self, bmc: IpAddr, path: &str) -> Option<String> {
        self.fetch_urls.of(bmc, path)
    }

    /// How fast an image may go to an address, and into the management network that it is for, where that is known.
    pub fn pace(&self, peer: IpAddr, lane: Option<Lane>) -> Pace {
        Pace::new(self.budgets.of(peer), lane.map(|lane| self.lanes.enter(lane)))
    }
}

fn text(field: &'static str, text: &str, max: usize, is_needed: bool) -> Result<String, Refusal> {
    let text = text.trim();
    let count = text.chars().count();
    match (count, is_needed) {
        (0, true) => Err(Refusal::Empty { field, remedy: "say it as the machines do" }),
        (count, _) if count > max => Err(Refusal::TooMany { what: field, count, max }),
        _ => Ok(text.to_owned()),
    }
}

/// What an operator says of an image, checked.
fn checked(ask: &ArtifactAsk, by: &str) -> Result<Artifact, Refusal> {
    let Sha256Hex(sha256) = ask.sha256.parse()?;
    if !(1..=MAX_BYTES).contains(&ask.size_bytes) {
        let (field, value) = ("size_bytes", ask.size_bytes.to_string());
        return Err(Refusal::OutOfRange { field, value, remedy: "from 1 to 2147483648, which is 2 GiB" });
    }
    let component: FirmwareComponent = ask.component.parse().map_err(|_| Refusal::OutOfRange {
        field: "component",
        value: format!("{:?}", ask.component.chars().take(MAX_NAME_CHARS).collect::<String>()),
        remedy: "write bmc, bios, nic, psu or drive",
    })?;
    if ask.signature.len() > MAX_SIGNATURE_CHARS {
        let count = ask.signature.len();
        return Err(Refusal::TooMany { what: "signature", count, max: MAX_SIGNATURE_CHARS });
    }
    Ok(Artifact {
        sha256,
        size_bytes: ask.size_bytes,
        vendor: text("vendor", &ask.vendor, MAX_NAME_CHARS, true)?,
        model: text("model", &ask.model, MAX_NAME_CHARS, true)?,
        component,
        version: text("version", &ask.version, MAX_NAME_CHARS, true)?,
        signature: ask.signature.clone(),
        release_note: text("release_note", &ask.release_note, MAX_NOTE_CHARS, false)?,
        severity: ask.severity,
        file_name: text("file_name", &ask.file_name, MAX_NAME_CHARS, false)?,
        added_by: by.to_owned(),
        added: now(),
        image: None,
    })
}

/// What counts of an artifact, in words.
fn words(artifact: &Artifact) -> String {
    let Artifact { vendor, model, component, version, size_bytes, .. } = artifact;
    format!("{component} {version} for {vendor:?} {model:?} with {size_bytes} bytes")
}

impl Senzu {
    /// Takes what is known of an image. The same again is nothing new.
    pub async fn add_artifact(&self, by: &Caller, ask: &ArtifactAsk) -> Result<ArtifactView, Refusal> {
        let artifact = checked(ask, &by.operator)?;
        self.firmware.trust()?.take(&artifact.signature)?;
        let mut tx = self.db.write().await?;
        if let Some(stored) = artifacts::one(&mut tx, &artifact.sha256).await? {
            let (was, asked) = (words(&stored), words(&artifact));
            return match was == asked {
                true => Ok(stored.into()),
                false => Err(ArtifactError::Differs { sha256: artifact.sha256, stored: was, asked }.into()),
            };
        }
        artifacts::insert(&mut tx, &artifact).await?;
        let what = format!("announced {}", words(&artifact));
        audit(&mut tx, None, &by.operator, what, format!("artifact {}", artifact.sha256)).await?;
        tx.commit().await?;
        Ok(artifact.into())
    }

    /// Artifacts by digest, behind `after`.
    pub async fn artifacts(&self, after: Option<&str>, limit: u32) -> Result<Vec<ArtifactView>, Refusal> {
        let page = artifacts::page(&mut *self.db.look().await?, after.unwrap_or_default(), limit).await?;
        Ok(page.into_iter().map(ArtifactView::from).collect())
    }

    /// One artifact.
    pub async fn artifact(&self, sha256: &Sha256Hex) -> Result<ArtifactView, Refusal> {
        Ok(find(&mut *self.db.look().await?, sha256).await?.into())
    }

    /// Makes ready for an image.
    pub async fn await_image(&self, sha256: &Sha256Hex) -> Result<Awaited, Refusal> {
        let Artifact { sha256, size_bytes, signature, .. } = find(&mut *self.db.look().await?, sha256).await?;
        let signed = self.firmware.trust()?.take(&signature)?;
        Ok(Awaited { expected: Expected { sha256, size_bytes }, signed })
    }

    /// An image came, and is what it should be.
    pub async fn image_came(&self, by: &Caller, awaited: &Awaited) -> Result<(), Refusal> {
        let sha256 = awaited.sha256();
        let mut tx = self.db.write().await?;
        if !artifacts::has_image(&mut tx, sha256, now()).await? {
            drop(tx);
            // It was removed meanwhile.
            self.firmware.images.remove(sha256).await?;
            return Err(ArtifactError::NoSuch(sha256.to_owned()).into());
        }
        let why = format!("its size, its digest and the signature by key {} are right", awaited.signed.key_id());
        audit(&mut tx, None, &by.operator, format!("brought the image of artifact {sha256}"), why).await?;
        Ok(tx.commit().await?)
    }

    /// Removes an artifact that nothing names any more.
    pub async fn remove_artifact(&self, by: &Caller, sha256: &Sha256Hex) -> Result<(), Refusal> {
        let mut tx = self.db.write().await?;
        let artifact = find(&mut tx, sha256).await?;
        if let Some(by) = artifacts::named_by(&mut tx, &artifact.sha256).await? {
            return Err(ArtifactError::Named { sha256: artifact.sha256, by }.into());
        }
        artifacts::remove(&mut tx, &artifact.sha256).await?;
        let what = format!("removed {}", words(&artifact));
        audit(&mut tx, None, &by.operator, what, format!("artifact {}", artifact.sha256)).await?;
        tx.commit().await?;
        // In this order: an image that nothing tells of is harmless.
        Ok(self.firmware.images.remove(&artifact.sha256).await?)
    }
}

async fn find(conn: &mut Conn, sha256: &Sha256Hex) -> Result<Artifact, Refusal> {
    let found = artifacts::one(conn, &sha256.0).await?;
    found.ok_or_else(|| ArtifactError::NoSuch(sha256.0.clone()).into())
}
