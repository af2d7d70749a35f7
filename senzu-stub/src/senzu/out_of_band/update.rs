//! Hands a BMC an image, and follows it to its end.

use super::{At, chain};
use crate::{
    campaign::rates,
    firmware::{ArtifactError, Lane, Paced, Sha256Hex},
    senzu::{Refusal, Senzu, now},
};
use pious_protocol::{
    firmware::FlashPhase,
    ids::InstructionId,
    instruction::{FirmwareUpdate, Instruction, Precondition},
    message::Report,
};
use pious_redfish::{BadKey, FlashOrder, Image, Opening, Stopped, Watch, flash};
use std::{
    io::{self, SeekFrom},
    net::IpAddr,
    pin::Pin,
};
use tokio::{io::AsyncSeekExt, sync::watch};

impl Senzu {
    pub(super) async fn update(
        &self,
        place: &At,
        instruction: &Instruction,
        it: &FirmwareUpdate,
    ) -> Result<Report, String> {
        let Some(Precondition::FirmwareIs { version: expected, .. }) = &instruction.precondition else {
            return Ok(Report::Refused { reason: "it does not say which version to start from".into() });
        };
        let key = self.firmware.key_text().map_err(|error| chain(&error))?;
        let key = key.parse().map_err(|error: BadKey| format!("firmware.pub: {}", chain(&error)))?;
        let sha256: Sha256Hex = it.artifact.sha256.parse().map_err(|error: Refusal| chain(&error))?;
        let (reached, phase) = watch::channel(FlashPhase::Checking);
        let image = Stored { senzu: self, sha256, bmc: place.address, lane: self.lane(instruction).await?, phase };
        let order = FlashOrder {
            component: it.component,
            expected: expected.clone(),
            version: it.version.clone(),
            artifact: it.artifact.clone(),
            recipe: it.recipe.clone(),
            key,
        };
        let mut told = Told { senzu: self, id: instruction.id, reached };
        match flash(&place.redfish, &order, &image, &mut told).await {
            Ok(flashed) => {
                let when = match flashed.activation_pending {
                    true => "written, and applies at the next restart of the server: ",
                    false => "",
                };
                Ok(Report::Done {
                    evidence: Some(format!("{when}{}", flashed.evidence)),
                    firmware: flashed.firmware,
                    bmc_certificate_sha256: flashed.certificate_sha256,
                })
            }
            Err(error) if error.may_have_begun() => Err(format!("{}; the BMC may have the image", chain(&error))),
            // Nothing was done, and nothing would be a second time.
            Err(error) if error.is_lasting() => Ok(Report::Refused { reason: chain(&error) }),
            Err(error) => Err(chain(&error)),
        }
    }

    async fn lane(&self, instruction: &Instruction) -> Result<Lane, String> {
        let lane = async { rates::lane(&mut *self.db.read().await?, instruction.asset, now()).await };
        lane.await.map_err(|error| chain(&error))
    }
}

/// An image in the data directory, on its way to a BMC.
struct Stored<'a> {
    senzu: &'a Senzu,
    sha256: Sha256Hex,
    bmc: IpAddr,
    lane: Lane,
    phase: watch::Receiver<FlashPhase>,
}

impl Image for Stored<'_> {
    fn open<'a>(&'a self, from: u64) -> Opening<'a> {
        Box::pin(async move {
            let gone = |error: ArtifactError| io::Error::other(error);
            let (mut file, _) = self.senzu.firmware.image(&self.sha256).await.map_err(gone)?;
            file.seek(SeekFrom::Start(from)).await?;
            // Before that it is proved here, and goes nowhere.
            if *self.phase.borrow() < FlashPhase::HandingOver {
                return Ok(Box::pin(file) as Pin<Box<_>>);
            }
            let pace = self.senzu.firmware.pace(self.bmc, Some(self.lane.clone()));
            Ok(Box::pin(Paced::new(file, pace)) as Pin<Box<_>>)
        })
    }
}

/// Reports how far a flash is; the report of handing over is the last permission, as for agents.
struct Told<'a> {
    senzu: &'a Senzu,
    id: InstructionId,
    reached: watch::Sender<FlashPhase>,
}

impl Watch for Told<'_> {
    fn phase<'a>(
        &'a mut self,
        phase: FlashPhase,
        percent: u8,
        words: String,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>> {
        Box::pin(async move {
            let report = Report::Progress { percent, words, phase: Some(phase) };
            self.senzu.tell(self.id, &report).await.map_err(Stopped)?;
            self.reached.send_replace(phase);
            Ok(())
        })
    }
}
