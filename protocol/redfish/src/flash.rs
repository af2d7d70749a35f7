//! The whole update of one component: look, prove the image, hand it over, follow, let it run, read back.
//!
//! Up to the hand-over nothing has changed and anything may stop it. From there on the BMC has the image; it is followed to
//! an end whatever anybody says, because half a flash is worse than one that nobody wants any more. What counts in the end
//! is the version that is read, not what the BMC answered.

use crate::bmc::Bmc;
use crate::error::Error;
use crate::flash_error::{Begun, FlashError};
use crate::follow::{Bounds, End};
use crate::image::{Image, ImageKey, prove};
use crate::patience::Patience;
use crate::place::Place;
use crate::task::Outcome;
use crate::update::{self, HandOver, HandedOver};
use backon::{BackoffBuilder, ExponentialBuilder};
use pious_protocol::{
    firmware::{Activation, Artifact, FirmwareComponent, FlashPhase, FlashRecipe, InstalledFirmware},
    instruction::VersionQuestion,
    version,
};
use std::{cmp::Ordering, pin::Pin, time::Duration};
use tokio::time::Instant;

/// What is to be updated, and by what.
#[derive(Clone, Debug)]
pub struct FlashOrder {
    /// What gets it.
    pub component: FirmwareComponent,
    /// The version that it must run now.
    pub expected: String,
    /// The version to reach.
    pub version: String,
    /// The image.
    pub artifact: Artifact,
    /// How it gets there.
    pub recipe: FlashRecipe,
    /// What the image is signed with.
    pub key: ImageKey,
}

/// Why a flash must not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped(pub String);

/// Who is told how far a flash is.
pub trait Watch: Send {
    /// Hears it, and may stop it: honoured up to and including [`FlashPhase::HandingOver`], the last moment at which the
    /// BMC has nothing. A phase comes several times, with its percentage.
    fn phase<'a>(
        &'a mut self,
        phase: FlashPhase,
        percent: u8,
        words: String,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>>;
}

/// An update that is done, or was never needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flashed {
    /// What the component runs now.
    pub firmware: Vec<InstalledFirmware>,
    /// What was seen, for people.
    pub evidence: String,
    /// SHA-256 of the certificate that the BMC showed.
    pub certificate_sha256: Option<String>,
    /// Whether the server must be restarted before the new version runs, and can be read.
    pub activation_pending: bool,
}

/// Updates one component.
pub async fn flash(
    place: &Place,
    order: &FlashOrder,
    image: &dyn Image,
    watch: &mut dyn Watch,
) -> Result<Flashed, FlashError> {
    flash_patiently(place, order, image, watch, &Patience::default()).await
}

/// The same with other bounds.
pub async fn flash_patiently(
    place: &Place,
    order: &FlashOrder,
    image: &dyn Image,
    watch: &mut dyn Watch,
    patience: &Patience,
) -> Result<Flashed, FlashError> {
    before(watch, FlashPhase::Checking, 0, format!("connecting to the BMC at {}", place.url.host_str().unwrap_or("?")))
        .await?;
    let bmc = Bmc::connect(place).await.map_err(FlashError::at("connecting", Begun::No))?;
    let flash = Flash { bmc: &bmc, order, image, patience };
    let result = flash.run(watch).await;
    bmc.end_session().await;
    result
}

/// A length as people read it.
fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1024 / 1024),
    }
}

/// Tells where it may still be stopped.
pub(crate) async fn before(
    watch: &mut dyn Watch,
    phase: FlashPhase,
    percent: u8,
    words: String,
) -> Result<(), FlashError> {
    let told = watch.phase(phase, percent, words).await;
    told.map_err(|Stopped(reason)| FlashError::Stopped { reason })
}

/// Tells where nobody can stop it any more.
pub(crate) async fn behind(watch: &mut dyn Watch, phase: FlashPhase, percent: u8, words: String) {
    if let Err(Stopped(reason)) = watch.phase(phase, percent, words).await {
        tracing::warn!(reason, ?phase, "the BMC has the image: the flash is followed to its end");
    }
}

pub(crate) struct Flash<'a> {
    pub(crate) bmc: &'a Bmc,
    pub(crate) order: &'a FlashOrder,
    pub(crate) image: &'a dyn Image,
    pub(crate) patience: &'a Patience,
}

impl Flash<'_> {
    async fn run(&self, watch: &mut dyn Watch) -> Result<Flashed, FlashError> {
        let FlashOrder { component, expected, version, artifact, recipe, .. } = self.order;
        let found = self.installed().await.map_err(FlashError::at("telling its version", Begun::No))?;
        if is_same(&found.version, version) {
            let evidence =
                format!("the {component} runs {} already ({}); nothing was handed over", found.version, found.source);
            return Ok(self.flashed(found, evidence, false));
        }
        if !is_same(&found.version, expected) {
            return Err(FlashError::Moved { component: *component, expected: expected.clone(), found: found.version });
        }
        let (way, targets) = self.plan().await.map_err(FlashError::at("telling how it is updated", Begun::No))?;
        self.must_be_idle().await?;
        before(watch, FlashPhase::Checking, 100, format!("the {component} runs {}, as expected", found.version))
            .await?;

        before(
            watch,
            FlashPhase::Fetching,
            0,
            format!("fetching and proving the image, {}", size(artifact.size_bytes)),
        )
        .await?;
        prove(self.image, artifact, &self.order.key, self.patience, watch).await?;
        // That took a while: somebody else may have begun something, and the session may have ended.
        self.must_be_idle().await?;

        let words = format!("the BMC gets its image, {}", size(artifact.size_bytes));
        before(watch, FlashPhase::HandingOver, 0, words).await?;
        if recipe.resets_bmc_before {
            self.bmc.restart_bmc().await.map_err(FlashError::at("restarting before the update", Begun::No))?;
            self.wait_for_restart(Begun::No).await?;
            before(watch, FlashPhase::HandingOver, 0, "the BMC has restarted, and gets the image".into()).await?;
        }
        let outcome = self.hand_over(&way, &targets, watch).await?;
        let end = self.bmc.follow(outcome, &self.bounds(), watch).await?;
        self.activate(&found, end, watch).await
    }

    fn question(&self) -> VersionQuestion {
        VersionQuestion { component: self.order.component, version: self.order.recipe.version.clone() }
    }

    pub(crate) async fn installed(&self) -> Result<InstalledFirmware, Error> {
        let found = self.bmc.versions(&[self.question()]).await?;
        found.into_iter().next().ok_or_else(|| self.bmc.missing("version"))
    }

    /// Where the image goes, and what it is for. What this build or this BMC can't is said before anything is fetched.
    async fn plan(&self) -> Result<(String, Vec<String>), Error> {
        let recipe = &self.order.recipe;
        match recipe.activation {
            Activation::Itself | Activation::BmcReset | Activation::HostReset => {}
            Activation::Unknown => return Err(Error::Unknown { what: "what makes the new version run" }),
        }
        let shape = self.bmc.update_shape().await?;
        let way = self.bmc.way(&shape, recipe.transfer)?;
        if let Some(most) = shape.max_image_bytes.filter(|most| *most > 0 && *most < self.order.artifact.size_bytes) {
            return Err(Error::NotAllowed {
                what: "UpdateService".into(),
                wanted: format!("an image of {} bytes", self.order.artifact.size_bytes),
                allowed: format!("at most {most}"),
            });
        }
        let targets = match recipe.names_targets {
            true => self.bmc.targets(&self.question()).await?,
            false => Vec::new(),
        };
        Ok((way, targets))
    }

    async fn must_be_idle(&self) -> Result<(), FlashError> {
        match self.bmc.busy().await.map_err(FlashError::at("telling its tasks", Begun::No))? {
            None => Ok(()),
            Some(task) => Err(FlashError::Busy { task }),
        }
    }

    pub(crate) fn bounds(&self) -> Bounds<'_> {
        Bounds {
            flash_within: Duration::from_secs(self.order.recipe.flash_within_s.into()),
            back_within: Duration::from_secs(self.order.recipe.bmc_back_within_s.into()),
            is_applied_by_reset: self.order.recipe.activation != Activation::Itself,
            patience: self.patience,
        }
    }

    /// Hands the image over; again, where the BMC says that it takes none yet.
    async fn hand_over(&self, way: &str, targets: &[String], watch: &mut dyn Watch) -> Result<Outcome, FlashError> {
        let recipe = &self.order.recipe;
        let it = HandOver {
            transfer: recipe.transfer,
            artifact: &self.order.artifact,
            image: self.image,
            targets,
            apply_time: recipe.apply_time.as_deref(),
            within: self.bounds().flash_within,
            patience: self.patience,
        };
        let mut tries = 1;
        loop {
            match self.bmc.hand_over(way, &it).await? {
                HandedOver::Taken(outcome) => return Ok(outcome),
                HandedOver::NotReady { words, .. } if tries >= self.patience.tries => {
                    return Err(FlashError::Refused { transfer: update::name(recipe.transfer), code: 503, words });
                }
                HandedOver::NotReady { retry_after, words } => {
                    let wait = retry_after.min(self.patience.longest_retry_after);
                    before(watch, FlashPhase::HandingOver, 0, format!("not yet: {words}")).await?;
                    tokio::time::sleep(wait).await;
                    tries += 1;
                }
            }
        }
    }

    pub(crate) async fn activate(
        &self,
        found: &InstalledFirmware,
        end: End,
        watch: &mut dyn Watch,
    ) -> Result<Flashed, FlashError> {
        let FlashOrder { component, artifact, recipe, .. } = self.order;
        let is_broken_by_restart = match recipe.activation {
            Activation::HostReset | Activation::BmcReset => true,
            // Reading back has its own time.
            Activation::Itself | Activation::Unknown => false,
        };
        if is_broken_by_restart && !end.was_told {
            // It may still be writing.
            let words = "the BMC tells nothing of its end, and gets all the time it may take".into();
            behind(watch, FlashPhase::Flashing, 0, words).await;
            tokio::time::sleep(self.bounds().flash_within).await;
        }
        let restarts = match recipe.activation {
            Activation::HostReset => {
                let evidence = format!("{}; it runs once the server has restarted", end.words);
                return Ok(self.flashed(found.clone(), evidence, true));
            }
            Activation::BmcReset => {
                behind(watch, FlashPhase::Restarting, 0, "the BMC is told to restart".into()).await;
                self.bmc.restart_bmc().await.map_err(FlashError::at("restarting", Begun::Maybe))?;
                true
            }
            // One that was away has restarted already.
            Activation::Itself => *component == FirmwareComponent::Bmc && !end.was_away,
            Activation::Unknown => false,
        };
        if restarts {
            behind(watch, FlashPhase::Restarting, 0, "the BMC restarts".into()).await;
            self.wait_for_restart(Begun::Maybe).await?;
        }
        behind(watch, FlashPhase::ReadingBack, 0, "the version is read".into()).await;
        // Where there is no task to follow, the version alone tells of the end.
        let settles = match end.was_told {
            true => self.patience.settles_within,
            false => self.bounds().flash_within.max(self.patience.settles_within),
        };
        let now = self.read_back(settles).await?;
        let by = update::name(recipe.transfer);
        let evidence = format!(
            "{}; {} bytes by {by}; the {component} ran {} and runs {} ({})",
            end.words, artifact.size_bytes, found.version, now.version, now.source
        );
        Ok(self.flashed(now, evidence, false))
    }

    /// First gone, then back. One that is never seen gone may have been away between two looks; the version decides.
    async fn wait_for_restart(&self, begun: Begun) -> Result<(), FlashError> {
        let until = Instant::now() + self.patience.gone_within;
        while Instant::now() < until {
            match self.bmc.look().await {
                Err(error) if error.is_away() => break,
                Err(error) => return Err(FlashError::at("restarting", begun)(error)),
                Ok(()) => tokio::time::sleep(self.patience.poll).await,
            }
        }
        self.bmc.come_back(&self.bounds(), begun).await
    }

    /// The version, once it is the one to reach: the inventory of a BMC that has just started fills slowly.
    async fn read_back(&self, within: Duration) -> Result<InstalledFirmware, FlashError> {
        let until = Instant::now() + within;
        let FlashOrder { component, version, .. } = self.order;
        let backoff = ExponentialBuilder::default().with_min_delay(self.patience.poll / 4);
        let mut delays = backoff.with_max_delay(self.patience.poll).without_max_times().with_jitter().build();
        loop {
            let late = match self.installed().await {
                Ok(found) if is_same(&found.version, version) => return Ok(found),
                Ok(found) => {
                    FlashError::NotTaken { component: *component, expected: version.clone(), found: found.version }
                }
                Err(error) if error.is_away() => {
                    self.bmc.come_back(&self.bounds(), Begun::Maybe).await?;
                    FlashError::at("telling its version", Begun::Maybe)(error)
                }
                // Not there yet.
                Err(error @ (Error::NoVersion { .. } | Error::Missing { .. } | Error::Status { .. })) => {
                    FlashError::at("telling its version", Begun::Maybe)(error)
                }
                Err(error) => return Err(FlashError::at("telling its version", Begun::Maybe)(error)),
            };
            if Instant::now() >= until {
                return Err(late);
            }
            tokio::time::sleep(delays.next().unwrap_or(self.patience.poll)).await;
        }
    }

    pub(crate) fn flashed(&self, firmware: InstalledFirmware, evidence: String, activation_pending: bool) -> Flashed {
        let certificate_sha256 = self.bmc.certificate_sha256().map(str::to_owned);
        Flashed { firmware: vec![firmware], evidence, certificate_sha256, activation_pending }
    }
}

/// Whether two versions are one: `2.10` is `2.10.0`.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one.trim() == other.trim() || version::compare(one, other) == Some(Ordering::Equal)
}
