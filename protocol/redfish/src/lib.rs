//! A server's BMC, spoken to in Redfish (DSP0266, DSP2046): what it is, what firmware there is, how it takes a new one.
//!
//! The agent speaks to its own machine's BMC with it, Senzu to the BMCs of servers that are off. What differs between
//! vendors comes as data ([`pious_protocol::firmware::FlashRecipe`]); the crate knows no vendor, and it knows neither Senzu
//! nor where an image comes from ([`Image`]) nor who is told of the progress ([`Watch`]).
//!
//! What a BMC has is found by its links alone: only `/redfish/v1/` is a name that is known beforehand (DSP0266 §6.3.2).
//! A BMC's documents are read as the JSON they are, a property at a time: BMCs break the schema in places that do not
//! matter here, and a typed model of it would be larger than the rest of the agent. Where an asynchronous operation is to
//! be followed is read by `nv-redfish`.
//!
//! Nothing that a BMC says is believed to be short, near or soon: every body, count and wait has a bound.

mod bmc;
mod discovery;
mod error;
mod exchange;
mod flash;
mod flash_error;
mod follow;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod http;
mod image;
mod inventory;
mod patience;
mod place;
mod resume;
mod task;
mod tls;
mod update;

pub use bmc::Bmc;
pub use discovery::{Identity, ManagerIdentity, SystemIdentity};
pub use error::Error;
pub use flash::{FlashOrder, Flashed, Stopped, Watch, flash, flash_patiently};
pub use flash_error::{Begun, FlashError};
pub use image::{Again, BadKey, Image, ImageKey, Opening, Proved, proved};
pub use inventory::{Member, matches};
pub use patience::Patience;
pub use place::{BootOnce, HostRestart, Place};
pub use reqwest::Url;
pub use resume::{resume, resume_patiently};
pub use update::UpdateShape;
