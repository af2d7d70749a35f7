//! The image builder: one static agent, a distribution's kernel and the drivers that servers need, packed into what PXE
//! serves. Everything is done in this process but `depmod`, which kernel packages leave to the target. It knows nothing
//! of our other crates: the agent arrives as a path.

pub mod archive;
pub mod build;
pub mod cache;
pub mod digest;
pub mod drivers;
pub mod firmware;
pub mod image;
pub mod manifest;
pub mod program;
pub mod source;
