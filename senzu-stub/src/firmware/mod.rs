//! Firmware: what machines should run, by which steps they get there, and the images.
//!
//! * `recipe`, `recipes`: what differs between vendors, as files. `plan`: what a machine lacks, and the way there. Both pure.
//! * `artifacts`: images, and what is known of them. `trust`: whose signatures count. `images`: the files.
//! * `range`, `throttle`: what of an image is sent, and how fast. Pure. `budget`: how fast to which addresses, as Senzu is
//!   told. `lanes`: how fast into which management network, as campaigns are. `pace`: an image read within both. `fetch_urls`: where
//!   BMCs fetch them.

mod artifacts;
mod budget;
mod fetch_urls;
mod glob;
mod images;
mod keys;
mod lanes;
mod pace;
mod plan;
mod range;
mod recipe;
mod recipes;
mod throttle;
mod trust;
mod version_order;

pub use artifacts::{ArtifactAsk, ArtifactError, ArtifactView, Sha256Hex};
pub use budget::Share;
pub use fetch_urls::FetchUrl;
pub use glob::Glob;
pub use images::MAX_BYTES;
pub use lanes::Lane;
pub use pace::{Pace, Paced};
pub use plan::{ArtifactInfo, Machine, Planned, Step, Wanted, plan};
pub use range::{Part, part};
pub use recipes::{Recipes, RecipesError};

use crate::data_dir::DataDir;
use budget::Budgets;
use fetch_urls::FetchUrls;
use images::Images;
use lanes::Lanes;
use std::{path::PathBuf, sync::Arc};

/// What `serve` is told of firmware.
#[derive(Debug, Default)]
pub struct FirmwareOptions {
    /// A folder of recipes, beside that in the data directory.
    pub recipes: Option<PathBuf>,
    pub shares: Vec<Share>,
    pub fetch_urls: Vec<FetchUrl>,
}

/// What Senzu has for firmware.
pub struct Firmware {
    pub recipes: Arc<Recipes>,
    budgets: Budgets,
    lanes: Arc<Lanes>,
    fetch_urls: FetchUrls,
    images: Images,
    /// Where the key is that images are signed with.
    key: PathBuf,
}

impl Firmware {
    pub fn open(dir: &DataDir, options: &FirmwareOptions) -> Result<Self, FirmwareError> {
        let own = Some(dir.recipes()).filter(|folder| folder.exists());
        let folders: Vec<_> = own.into_iter().chain(options.recipes.clone()).collect();
        Ok(Self {
            recipes: Arc::new(Recipes::load(&folders)?),
            budgets: Budgets::new(&options.shares),
            lanes: Arc::new(Lanes::new()),
            fetch_urls: FetchUrls::new(&options.fetch_urls),
            images: Images::open(dir.artifacts())?,
            key: dir.firmware_key(),
        })
    }
}

/// Why firmware is not looked after.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    #[error(transparent)]
    Recipes(#[from] RecipesError),
    #[error(transparent)]
    Images(#[from] ArtifactError),
}
