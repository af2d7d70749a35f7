//! Firmware: which there is, and a new one for one component; by way of the BMC, but for disks that this server writes itself
//! (`drives`).

use super::{
    bmc::{self, Lost},
    drives,
    line::Line,
    marks::{Mark, Marks},
    worker::{Hands, Tools},
};
use crate::driver::chain;
use pious_client::Agent;
use pious_protocol::{
    facts::Facts,
    firmware::{FirmwareComponent, FlashPhase, InstalledFirmware, Transfer},
    ids::InstructionId,
    instruction::{FirmwareInventory, FirmwareUpdate, VersionQuestion},
    message::Report,
};
use pious_redfish::{
    Bmc, Error, FlashOrder, Flashed, Image, ImageKey, Opening, Patience, Stopped, Watch, flash_patiently,
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Reads which firmware there is.
pub(super) async fn inventory(asked: &FirmwareInventory, tools: &Tools, hands: &mut Hands) -> Result<Report, String> {
    let halted = |halt: super::Halt| halt.to_string();
    let access = hands.bmc_access().await?;
    hands.line.progress(10, "connecting to the BMC").await.map_err(halted)?;
    let (bmc, place) = match bmc::find(&hands.known, &access).await {
        Ok(found) => found,
        Err(lost) => return without_bmc(lost),
    };
    let host = place.url.host_str().unwrap_or_default().to_owned();
    let told = hands.line.progress(50, format!("asking the BMC at {host}")).await;
    let read = match told {
        Ok(()) => versions(&bmc, &asked.components, tools, &hands.known).await,
        Err(halt) => Err(halt.to_string()),
    };
    let certificate = bmc.certificate_sha256().map(str::to_owned);
    // BMCs have few sessions, and keep them for long.
    bmc.close().await;
    let Versions { by_bmc, by_disks, gaps } = read?;
    let words = |found: &InstalledFirmware| format!("{} {} ({})", found.component, found.version, found.source);
    let told = by_bmc.iter().map(words).chain(gaps).collect::<Vec<_>>().join("; ");
    let disks_told = by_disks.iter().map(|found| format!("; the disks say: {}", words(found)));
    Ok(Report::Done {
        evidence: Some(format!("the BMC at {host} says: {told}{}", disks_told.collect::<String>())),
        firmware: by_bmc.into_iter().chain(by_disks).collect(),
        bmc_certificate_sha256: certificate,
    })
}

/// What comes of work whose BMC is lost. Nothing was done.
fn without_bmc(lost: Lost) -> Result<Report, String> {
    match lost {
        Lost::ForNow(reason) => Err(reason),
        Lost::ForGood(reason) => Ok(Report::Refused { reason }),
    }
}

/// Which versions are known, and why the others are not.
#[derive(Default)]
struct Versions {
    by_bmc: Vec<InstalledFirmware>,
    by_disks: Vec<InstalledFirmware>,
    gaps: Vec<String>,
}

/// The versions that the BMC tells, and why it does not tell the others: a server without a power supply's firmware has
/// that of its BMC still. NVMe disks that the BMC does not know tell theirs themselves. None at all is a failure.
async fn versions(bmc: &Bmc, asked: &[VersionQuestion], tools: &Tools, known: &Arc<Facts>) -> Result<Versions, String> {
    match bmc.versions(asked).await {
        Ok(by_bmc) => return Ok(Versions { by_bmc, ..Versions::default() }),
        // Each question would be one more login that is refused.
        Err(error @ Error::Credentials { .. }) => return Err(chain(&error)),
        Err(error) if error.is_away() => return Err(chain(&error)),
        Err(_) => {}
    }
    let mut versions = Versions::default();
    for question in asked {
        match bmc.versions(std::slice::from_ref(question)).await {
            Ok(found) => versions.by_bmc.extend(found),
            Err(error) if error.is_away() => return Err(chain(&error)),
            Err(error) if question.component == FirmwareComponent::Drive => {
                match by_disks(question, tools, known).await {
                    Ok(found) => versions.by_disks.push(found),
                    Err(why) => {
                        versions.gaps.push(format!("{} is not known: {}; {why}", question.component, chain(&error)));
                    }
                }
            }
            Err(error) => versions.gaps.push(format!("{} is not known: {}", question.component, chain(&error))),
        }
    }
    let is_empty = versions.by_bmc.is_empty() && versions.by_disks.is_empty();
    if is_empty { Err(versions.gaps.join("; ")) } else { Ok(versions) }
}

async fn by_disks(question: &VersionQuestion, tools: &Tools, known: &Arc<Facts>) -> Result<InstalledFirmware, String> {
    let (disks, known, version) = (Arc::clone(&tools.disks), Arc::clone(known), question.version.clone());
    let asked = tokio::task::spawn_blocking(move || drives::installed(&*disks, &known, &version)).await;
    asked.map_err(|died| format!("the agent's own task died: {died}"))?
}

/// The image's key of firmware.
fn key(text: Option<&str>) -> Result<ImageKey, String> {
    let text = text.ok_or("this image trusts no firmware key")?;
    text.parse().map_err(|error| format!("this image's firmware key can't be read: {}", chain(&error)))
}

/// Brings a component to a version, unless that was begun before.
pub(super) async fn update(
    from: String,
    update: FirmwareUpdate,
    tools: &Tools,
    hands: &mut Hands,
    patience: &Patience,
) -> Result<Report, String> {
    let id = hands.line.id();
    must_be_new(&tools.marks, id, update.recipe.transfer)?;
    let key = match key(tools.firmware_key.as_deref()) {
        Ok(key) => key,
        Err(reason) => return Ok(Report::Refused { reason }),
    };
    let mark = match tools.marks.ready(id) {
        Ok(mark) => mark,
        // Without a mark, a process that dies is followed by one that begins again.
        Err(error) => return Ok(Report::Refused { reason: not_marked(&error) }),
    };
    let image = FromSenzu {
        senzu: Arc::clone(&hands.senzu),
        url: update.artifact.url.clone(),
        turn: AtomicUsize::new(hands.call.senzu),
    };
    match update.recipe.transfer {
        Transfer::Nvme => {
            let order = drives::Order { from, update };
            let (disks, known) = (Arc::clone(&tools.disks), Arc::clone(&hands.known));
            let mut told = Told { line: &mut hands.line, mark };
            Ok(drives::update(order, &key, &image, disks, known, &mut told).await)
        }
        Transfer::MultipartPush | Transfer::HttpPush | Transfer::SimpleUpdate | Transfer::Unknown => {
            by_bmc(from, update, key, &image, mark, hands, patience).await
        }
    }
}

fn not_marked(error: &io::Error) -> String {
    format!("this agent can't keep in mind that it began the update: {error}")
}

/// An update that was begun, and whose process has died since: it is not begun again.
fn must_be_new(marks: &Marks, id: InstructionId, transfer: Transfer) -> Result<(), String> {
    match marks.is_set(id) {
        Ok(false) => Ok(()),
        Ok(true) => {
            let while_it = if transfer == Transfer::Nvme { "disks were written" } else { "the BMC had the image" };
            Err(format!("the agent's process died while {while_it}; what became of it is not known here"))
        }
        Err(error) => Err(format!("it is not known whether this update was begun before: {error}")),
    }
}

async fn by_bmc(
    from: String,
    update: FirmwareUpdate,
    key: ImageKey,
    image: &FromSenzu,
    mark: Mark,
    hands: &mut Hands,
    patience: &Patience,
) -> Result<Report, String> {
    let access = hands.bmc_access().await?;
    let told = hands.line.phase(FlashPhase::Checking, 0, "looking for the BMC").await;
    told.map_err(|halt| halt.to_string())?;
    let (bmc, place) = match bmc::find(&hands.known, &access).await {
        Ok(found) => found,
        Err(lost) => return without_bmc(lost),
    };
    // The flash opens a session of its own.
    bmc.close().await;
    let FirmwareUpdate { component, version, mut artifact, recipe } = update;
    if recipe.transfer == Transfer::SimpleUpdate {
        // The BMC fetches it, and knows no Senzu.
        let at = hands.senzu.artifact_url(hands.call.senzu, &artifact.url).map_err(|error| chain(&error))?;
        artifact.url = at.into();
    }
    let order = FlashOrder { component, expected: from, version, artifact, recipe, key };
    match flash_patiently(&place, &order, image, &mut Told { line: &mut hands.line, mark }, patience).await {
        Ok(flashed) => Ok(done(flashed)),
        Err(error) if error.may_have_begun() => Err(format!("{}; the BMC may have the image", chain(&error))),
        // Nothing was done, and nothing would be a second time.
        Err(error) if error.is_lasting() => Ok(Report::Refused { reason: chain(&error) }),
        Err(error) => Err(chain(&error)),
    }
}

fn done(flashed: Flashed) -> Report {
    let Flashed { firmware, evidence, certificate_sha256, activation_pending } = flashed;
    let pending = if activation_pending { "written, and applies at the next restart of the server: " } else { "" };
    Report::Done {
        evidence: Some(format!("{pending}{evidence}")),
        firmware,
        bmc_certificate_sha256: certificate_sha256,
    }
}

/// The image, at Senzu.
struct FromSenzu {
    senzu: Arc<Agent>,
    url: String,
    /// Which of Senzu's URLs is next: one that broke off is not asked again at once.
    turn: AtomicUsize,
}

impl Image for FromSenzu {
    fn open<'a>(&'a self, from: u64) -> Opening<'a> {
        Box::pin(async move {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let download = self.senzu.artifact(turn, &self.url, from).await.map_err(io::Error::other)?;
            Ok(Box::pin(download) as Pin<Box<_>>)
        })
    }
}

/// Whoever the machine's line leads to; and the mark, which is set once the gate is open.
struct Told<'l> {
    line: &'l mut Line,
    mark: Mark,
}

impl Watch for Told<'_> {
    fn phase<'a>(
        &'a mut self,
        phase: FlashPhase,
        percent: u8,
        words: String,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>> {
        Box::pin(async move {
            self.line.phase(phase, percent, words).await.map_err(|halt| Stopped(halt.0))?;
            match phase {
                FlashPhase::HandingOver => self.mark.set().map_err(|error| Stopped(not_marked(&error))),
                FlashPhase::Checking
                | FlashPhase::Fetching
                | FlashPhase::Flashing
                | FlashPhase::Restarting
                | FlashPhase::ReadingBack
                | FlashPhase::Unknown => Ok(()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_no_image_is_believed() {
        assert_eq!(key(None).err().unwrap(), "this image trusts no firmware key");
        let broken = key(Some("ssh-ed25519 AAAA")).err().unwrap();
        assert!(broken.starts_with("this image's firmware key can't be read: "), "{broken}");
    }

    #[test]
    fn what_waits_for_a_restart_says_so() {
        let firmware = vec![InstalledFirmware {
            component: FirmwareComponent::Bios,
            version: "1.0".into(),
            source: "System".into(),
        }];
        let flashed = |activation_pending| Flashed {
            firmware: firmware.clone(),
            evidence: "the task ended".into(),
            certificate_sha256: Some("aa".into()),
            activation_pending,
        };
        let expected = |words: &str| Report::Done {
            evidence: Some(words.into()),
            firmware: firmware.clone(),
            bmc_certificate_sha256: Some("aa".into()),
        };
        assert_eq!(done(flashed(false)), expected("the task ended"));
        let pending = "written, and applies at the next restart of the server: the task ended";
        assert_eq!(done(flashed(true)), expected(pending));
    }
}
