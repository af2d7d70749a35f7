//! Hands a BMC an image, and follows it to its end.

use super::{At, Ended, chain};
use crate::{
    campaign::rates,
    firmware::{ArtifactError, Lane, Paced, Sha256Hex},
    senzu::{Refusal, Senzu, now},
    store::{StoreError, instructions},
};
use pious_protocol::{
    firmware::{FlashPhase, Transfer},
    ids::InstructionId,
    instruction::{FirmwareUpdate, Instruction, Precondition},
    message::Report,
};
use pious_redfish::{BadKey, FlashError, FlashOrder, Flashed, Image, Opening, Stopped, Watch, flash, resume};
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
    ) -> Result<Ended, String> {
        let Some(Precondition::FirmwareIs { version: expected, .. }) = &instruction.precondition else {
            return Ok(Report::Refused { reason: "it does not say which version to start from".into() }.into());
        };
        let key = self.firmware.key_text().map_err(|error| chain(&error))?;
        let key = key.parse().map_err(|error: BadKey| format!("firmware.pub: {}", chain(&error)))?;
        let sha256: Sha256Hex = it.artifact.sha256.parse().map_err(|error: Refusal| chain(&error))?;
        let mut artifact = it.artifact.clone();
        if it.recipe.transfer == Transfer::SimpleUpdate {
            match self.firmware.fetch_url(place.address, &self.image_path(instruction, &artifact.sha256)) {
                Some(url) => artifact.url = url,
                None => return Ok(Report::Refused { reason: no_url(place.address) }.into()),
            }
        }
        let (reaches, reached) = watch::channel(FlashPhase::Checking);
        let image = Stored {
            senzu: self,
            sha256,
            bmc: place.address,
            lane: self.lane(instruction).await?,
            phase: reached.clone(),
        };
        let order = FlashOrder {
            component: it.component,
            expected: expected.clone(),
            version: it.version.clone(),
            artifact,
            recipe: it.recipe.clone(),
            key,
        };
        let mut told = Told { senzu: self, id: instruction.id, reaches };
        let is_handed_over = self.is_handed_over(instruction.id).await.map_err(|error| chain(&error))?;
        let flashed = async {
            match is_handed_over {
                true => resume(&place.redfish, &order, &mut told).await,
                false => flash(&place.redfish, &order, &image, &mut told).await,
            }
        };
        let flashed = tokio::select! {
            biased;
            flashed = flashed => flashed,
            () = self.may_let_go(reached) => return Ok(Ended::LetGo),
        };
        match flashed {
            Ok(flashed) => Ok(done(flashed).into()),
            // Nothing was handed over.
            Err(FlashError::Stopped { .. }) if self.stopping.is_cancelled() => Ok(Ended::LetGo),
            Err(error) if error.may_have_begun() => Err(format!("{}; the BMC may have the image", chain(&error))),
            // Nothing was done, and nothing would be a second time.
            Err(error) if error.is_lasting() => Ok(Report::Refused { reason: chain(&error) }.into()),
            Err(error) => Err(chain(&error)),
        }
    }

    /// Whether the BMC has the whole image: whoever let go before, let it go only then, or before it had any of it.
    async fn is_handed_over(&self, id: InstructionId) -> Result<bool, StoreError> {
        let reports = instructions::reports(&mut *self.db.look().await?, id).await?;
        let is_past = |report: &Report| matches!(report, Report::Progress { phase: Some(phase), .. } if *phase > FlashPhase::HandingOver);
        Ok(reports.iter().any(|stored| is_past(&stored.report)))
    }

    /// Waits until Senzu stops, and the BMC has the whole image: what is on its way goes on to its end.
    async fn may_let_go(&self, mut reached: watch::Receiver<FlashPhase>) {
        self.stopping.cancelled().await;
        if reached.wait_for(|phase| *phase > FlashPhase::HandingOver).await.is_err() {
            // It has ended.
            std::future::pending().await
        }
    }

    async fn lane(&self, instruction: &Instruction) -> Result<Lane, String> {
        let lane = async { rates::lane(&mut *self.db.read().await?, instruction.asset, now()).await };
        lane.await.map_err(|error| chain(&error))
    }
}

/// What is to be said where no BMC of a network can fetch an image.
fn no_url(bmc: IpAddr) -> String {
    format!(
        "the BMC at {bmc} fetches its image itself (SimpleUpdate), and nobody said by which URL its network reaches Senzu: \
         senzu-stub serve --artifact-url NETWORK=URL"
    )
}

fn done(flashed: Flashed) -> Report {
    let when = match flashed.activation_pending {
        true => "written, and applies at the next restart of the server: ",
        false => "",
    };
    Report::Done {
        evidence: Some(format!("{when}{}", flashed.evidence)),
        firmware: flashed.firmware,
        bmc_certificate_sha256: flashed.certificate_sha256,
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
    reaches: watch::Sender<FlashPhase>,
}

impl Watch for Told<'_> {
    fn phase<'a>(
        &'a mut self,
        phase: FlashPhase,
        percent: u8,
        words: String,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>> {
        Box::pin(async move {
            // The BMC has nothing yet, and shall not get it from a Senzu that stops.
            if phase <= FlashPhase::HandingOver && self.senzu.stopping.is_cancelled() {
                return Err(Stopped("this Senzu stops".into()));
            }
            let report = Report::Progress { percent, words, phase: Some(phase) };
            self.senzu.tell(self.id, &report).await.map_err(Stopped)?;
            self.reaches.send_replace(phase);
            Ok(())
        })
    }
}
