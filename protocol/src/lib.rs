//! What PIOUS's parts say to each other, and the judgement both ends share.
//!
//! Pure: no I/O, no clock, no randomness. Time is always an argument. The crate knows no other crate of this workspace;
//! every other one may know it.
//!
//! * [`ids`]: names for things, as types of their own.
//! * [`facts`]: what an agent observed of the machine it woke up in; no opinion.
//! * [`identity`]: whether two sightings are the same asset.
//! * [`expectation`]: what Senzu expects of an asset.
//! * [`finding`] and [`mod@verify`]: the judgement, `verify(expectation, facts) -> findings`.
//! * [`firmware`]: what a server has of it, and how a new one gets there.
//! * [`instruction`] and [`envelope`]: what Senzu tells an agent to do, and the signature that makes it believable.
//! * [`message`]: the HTTP bodies of `/v1`.
//!
//! JSON rules, everywhere: unknown fields are ignored; an unknown enum value becomes `Unknown`, never an error.

pub mod envelope;
pub mod expectation;
pub mod facts;
pub mod finding;
pub mod firmware;
pub mod identity;
pub mod ids;
pub mod instruction;
pub mod message;
pub mod verify;
pub mod version;

pub use verify::verify;

/// The protocol's version: the `/v1` of every route, and `protocol` in [`message::BootEvent`].
pub const PROTOCOL_VERSION: u32 = 1;
