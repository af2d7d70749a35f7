//! Firmware for many assets: in waves, a canary first, and never more at once than was allowed.
//!
//! What is decided is decided without a database, and tested so: [`spec`] (what is asked for), [`choice`] (who qualifies),
//! [`decide`] (who is next, and when it stops), [`slots`] (how many at once). [`desk`] is what operators do, [`advance`]
//! what Senzu does by itself, [`leases`] how beans hold a slot, [`rates`] how fast images go. The updates themselves are the beans': a campaign only sets
//! goals.

pub mod admission;
mod advance;
mod choice;
pub mod decide;
mod desk;
pub mod leases;
pub mod rates;
pub mod slots;
pub mod spec;
mod views;

pub use decide::{MemberStatus, Status};
pub use desk::Act;
pub use leases::SlotState;
pub use spec::Spec;
pub use views::{CampaignDetail, CampaignPage, CampaignView, Counts, MemberView, Preview, PreviewMember, WaveView};
