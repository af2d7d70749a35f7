//! Senzu's HTTP API, for whoever calls it: agents ([`Agent`]), the PXE service ([`BootTargets`]) and, with the feature
//! `operator`, operators ([`Operator`]).
//!
//! A function per route of `senzu-stub/openapi.json`; every wait and every body is bounded. Messages are those of
//! `pious-protocol`. Senzu may be reached by several addresses: agents try them one by one as their own state machine
//! decides, the others by [`Several`].

mod agent;
mod boot_targets;
mod download;
mod error;
mod http;
#[cfg(feature = "operator")]
mod operator;
mod several;

pub use agent::{Agent, Patience, Via};
pub use boot_targets::BootTargets;
pub use download::Download;
pub use error::Error;
pub use http::{Builder, Http, install_crypto, read_url};
#[cfg(feature = "operator")]
pub use operator::{Content, Operator};
pub use reqwest::{Method, Url};
pub use several::Several;
