//! Who does what takes time: with what it has at hand, to a final report.

use super::{Work, bmc_user, firmware, line::Line, marks::Marks, nvme_device::NvmeDisks};
use crate::{driver::chain, facts::Host, machine::Call};
use pious_client::{Agent, Error, Via};
use pious_protocol::{facts::Facts, firmware::BmcAccess, message::Report};
use pious_redfish::Patience;
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// Tries to learn the way to the BMC. Senzu answered a moment ago, when it handed out the instruction; one that is away for
/// longer than these take is waited for by the next instruction.
const ACCESS_TRIES: u32 = 6;

/// Before the second try; it doubles.
const ACCESS_REST: Duration = Duration::from_millis(500);

/// The most characters of a final report's words.
const MAX_WORDS_CHARS: usize = 1000;

/// What one work has at hand.
pub struct Hands {
    /// Senzu.
    pub senzu: Arc<Agent>,
    /// Where it is asked for what the work needs.
    pub call: Call,
    /// The facts as they stood.
    pub known: Arc<Facts>,
    /// To the machine.
    pub line: Line,
}

/// What is the same for every work of this process.
#[derive(Clone)]
pub struct Tools {
    /// The key that firmware images are signed with, as `firmware.pub` says it; `None`: no image is believed.
    pub firmware_key: Option<String>,
    /// Which updates began in this boot.
    pub marks: Marks,
    /// The host whose BMC is asked.
    pub host: Arc<dyn Host + Send + Sync>,
    /// The disks that this server writes a firmware to itself.
    pub disks: Arc<dyn NvmeDisks>,
}

/// A work under way.
pub type Doing = Pin<Box<dyn Future<Output = Report> + Send>>;

/// Does work.
pub type Worker = Arc<dyn Fn(Work, Hands) -> Doing + Send + Sync>;

/// A worker with these tools.
pub fn worker(tools: Tools) -> Worker {
    patient_worker(tools, Patience::default())
}

/// The same with other bounds: a simulated BMC is quicker than a real one.
pub fn patient_worker(tools: Tools, patience: Patience) -> Worker {
    Arc::new(move |work, hands| {
        let (tools, patience) = (tools.clone(), patience.clone());
        Box::pin(async move { bounded(run(work, hands, &tools, &patience).await) })
    })
}

async fn run(work: Work, mut hands: Hands, tools: &Tools, patience: &Patience) -> Report {
    let done = match work {
        Work::FirmwareUpdate { from, update } => firmware::update(from, *update, tools, &mut hands, patience).await,
        Work::FirmwareInventory(inventory) => firmware::inventory(&inventory, tools, &mut hands).await,
        Work::BmcUser(_) => bmc_user::put(&mut hands, &tools.host).await,
    };
    done.unwrap_or_else(|reason| Report::Failed { reason })
}

impl Hands {
    /// The way to the BMC, by Senzu.
    pub async fn bmc_access(&self) -> Result<BmcAccess, String> {
        let mut at = self.call.senzu;
        let mut rest = ACCESS_REST;
        let mut tries = 1;
        loop {
            let via = Via { senzu: at, token: &self.call.token };
            let error = match self.senzu.bmc_access(via, self.line.id()).await {
                Ok(access) => return Ok(access),
                Err(Error::NoSuchUrl(_)) if at > 0 => {
                    at = 0;
                    continue;
                }
                Err(error) => error,
            };
            if !error.moves_on() || tries >= ACCESS_TRIES {
                return Err(format!("Senzu gives no access to the BMC: {}", chain(&error)));
            }
            tokio::time::sleep(rest).await;
            (at, rest, tries) = (at + 1, rest * 2, tries + 1);
        }
    }
}

/// A report whose words Senzu takes: a BMC's messages have no bound of their own.
fn bounded(report: Report) -> Report {
    let cut = |words: String| words.chars().take(MAX_WORDS_CHARS).collect::<String>();
    match report {
        Report::Done { evidence, firmware, bmc_certificate_sha256 } => {
            Report::Done { evidence: evidence.map(cut), firmware, bmc_certificate_sha256 }
        }
        Report::Failed { reason } => Report::Failed { reason: cut(reason) },
        Report::Refused { reason } => Report::Refused { reason: cut(reason) },
        report @ (Report::Accepted | Report::Progress { .. } | Report::Unknown) => report,
    }
}
