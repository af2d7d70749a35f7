//! The rack, running: namespaces, wires, services, servers; and the handle by which it is driven from outside.
//!
//! Three processes: the *handle* (a command, a test) in the host's namespaces; the *outer* process, which makes
//! namespaces of its own and waits; the *inner* one, PID 1 in them, which runs everything else. Whoever of the three
//! dies takes the ones behind it along, so nothing is left behind, whatever kills them.

pub mod bmcs;
pub mod control;
mod conversation;
mod error;
pub mod events;
pub mod faults;
mod firmware;
pub mod forward;
pub mod handle;
mod house;
pub mod inner;
pub mod interface;
mod lldpd;
pub mod namespace;
mod operator;
pub mod options;
pub mod ownership;
pub mod programs;
pub mod refusal;
mod screens;
pub mod serial;
pub mod servers;
pub mod services;
mod streams;
pub mod wires;

use std::{net::IpAddr, time::Duration};

pub use handle::{Lab, LabError};
pub use options::Options;

/// From power-on to the agent's first words: 10 to 25 s under emulation on two quiet cores; a busy desk takes longer.
pub const BOOT_WITHIN: Duration = Duration::from_secs(240);

/// From one word of the agent's to the next: seconds; 30 for a retry of its longest back-off.
pub const NEXT_WITHIN: Duration = Duration::from_secs(120);

/// An address of the lab's that the image's allow-list lets promote.
pub const APPROVED: IpAddr = IpAddr::V4(inner::PROVISIONING_ADDRESS);

/// An address of the lab's that it does not.
pub const STRANGER: IpAddr = IpAddr::V4(inner::STRANGER_ADDRESS);
