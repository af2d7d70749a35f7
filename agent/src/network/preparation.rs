//! What an interface is put through when it appears. In a thread of its own: a driver may take seconds for any of it, and
//! sixteen of them must not add up.

use super::configuration;
use crate::facts::{LiveHost, nic};
use pious_protocol::facts::{LldpAgent, Observed};
use std::thread;

/// What is to be done with an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Firmware {
    /// Its LLDP agent is asked for, and left alone.
    Asked,
    /// Its LLDP agent is switched off: the machine is ours.
    Silenced,
}

/// Starts. `tell` hears of the LLDP agent in the NIC's firmware, before the interface comes up: a switch's first words
/// after that are for us.
pub(super) fn start(
    interface: u32,
    name: String,
    firmware: Firmware,
    bring_up: bool,
    tell: impl FnOnce(Observed<LldpAgent>) + Send + 'static,
) {
    let started = thread::Builder::new().name(format!("up {name}")).spawn(move || {
        tell(match firmware {
            Firmware::Asked => nic::lldp_agent(&LiveHost, &name),
            Firmware::Silenced => nic::switch_lldp_agent_off(&LiveHost, &name),
        });
        if bring_up && let Err(error) = configuration::bring_up(interface, &name) {
            tracing::warn!("{error}");
        }
    });
    if let Err(error) = started {
        tracing::warn!("cannot bring interface {interface} up: {error}");
    }
}
