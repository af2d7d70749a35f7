//! A server's BMC as the network sees it: a Redfish service (DSP0266) with an inventory that changes, tasks that get on,
//! and faults on demand. It knows no lab: its listener, who may log in, and what resets its server are given to it.
//!
//! * [`state`], [`update`]: one BMC. Pure.
//! * [`style`]: what differs between vendors. Pure.
//! * [`resources`], [`message`]: its answers. Pure.
//! * [`service`]: HTTP and TLS around them.
//!
//! The lab gives each a namespace, a server and IPMI's users; a fleet of hundreds in one process gives each a port, a
//! [`FixedPair`] and nobody's server ([`service::Parts`]).

mod answer;
pub mod fault;
pub mod log;
mod message;
mod odata;
mod request;
mod resources;
mod router;
pub mod service;
pub mod state;
pub mod style;
pub mod update;
mod upload;

#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use log::{Entry, Noted};
pub use service::{Authenticate, FixedPair, Host, Service};
pub use state::{Description, ResetType, Simulated};
pub use style::{Style, Versions};
