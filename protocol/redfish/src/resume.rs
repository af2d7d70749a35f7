//! Following an update on that somebody else began: the BMC has the whole image, and whoever gave it has stopped.

use crate::bmc::Bmc;
use crate::error::Error;
use crate::flash::{Flash, FlashOrder, Flashed, Watch, behind, is_same};
use crate::flash_error::{Begun, FlashError};
use crate::image::{Image, Opening};
use crate::patience::Patience;
use crate::place::Place;
use crate::task::Outcome;
use pious_protocol::firmware::FlashPhase;
use std::io;
use tokio::time::Instant;

/// Follows an update to its end. Nothing is handed over, whatever is found.
pub async fn resume(place: &Place, order: &FlashOrder, watch: &mut dyn Watch) -> Result<Flashed, FlashError> {
    resume_patiently(place, order, watch, &Patience::default()).await
}

/// The same with other bounds.
pub async fn resume_patiently(
    place: &Place,
    order: &FlashOrder,
    watch: &mut dyn Watch,
    patience: &Patience,
) -> Result<Flashed, FlashError> {
    behind(watch, FlashPhase::Flashing, 0, "the BMC has the image; it is followed on".into()).await;
    let since = Instant::now();
    // It may be restarting.
    let bmc = loop {
        let within = std::time::Duration::from_secs(order.recipe.bmc_back_within_s.into());
        match Bmc::connect(place).await {
            Ok(bmc) => break bmc,
            Err(error) if !error.is_away() => return Err(FlashError::at("connecting", Begun::Maybe)(error)),
            Err(source) if since.elapsed() >= within => {
                return Err(FlashError::Away { away_s: since.elapsed().as_secs(), begun: Begun::Maybe, source });
            }
            Err(error) => tracing::debug!(%error, "the BMC is away"),
        }
        tokio::time::sleep(patience.poll).await;
    };
    let flash = Flash { bmc: &bmc, order, image: &HandedOver, patience };
    let result = follow(&flash, watch).await;
    bmc.end_session().await;
    result
}

async fn follow(flash: &Flash<'_>, watch: &mut dyn Watch) -> Result<Flashed, FlashError> {
    let FlashOrder { component, expected, version, .. } = flash.order;
    let telling = |error: Error| FlashError::at("telling its version", Begun::Maybe)(error);
    let found = match flash.installed().await {
        Err(error) if error.is_away() => {
            flash.bmc.come_back(&flash.bounds(), Begun::Maybe).await?;
            flash.installed().await.map_err(telling)?
        }
        found => found.map_err(telling)?,
    };
    if is_same(&found.version, version) {
        let evidence = format!("the {component} runs {} by now ({})", found.version, found.source);
        return Ok(flash.flashed(found, evidence, false));
    }
    if !is_same(&found.version, expected) {
        return Err(FlashError::NotTaken { component: *component, expected: version.clone(), found: found.version });
    }
    let end = flash.bmc.follow(Outcome::Untold, &flash.bounds(), watch).await?;
    flash.activate(&found, end, watch).await
}

/// The image, which is not needed any more.
struct HandedOver;

impl Image for HandedOver {
    fn open<'a>(&'a self, _: u64) -> Opening<'a> {
        Box::pin(async { Err(io::Error::other("it was handed over before")) })
    }
}
