//! Whether the clock can be believed, and asking the first NTP server that a lease names where it can't.

use crate::boot::clock::{self, ClockSet};
use std::net::Ipv4Addr;

/// Whether the clock can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Nobody has told the time: the first NTP server is asked.
    Unsure,
    /// An NTP server is being asked; leases are told when it has answered.
    Asking,
    /// The boot script told, or NTP, or nobody will.
    Sure,
}

/// Asks one server, no longer than [`clock::NTP_PATIENCE`].
pub(super) async fn ask(server: Ipv4Addr) -> Option<ClockSet> {
    match tokio::time::timeout(clock::NTP_PATIENCE, clock::set_from_ntp(server)).await {
        Ok(Ok(set)) => set,
        Ok(Err(error)) => {
            tracing::warn!("{error}");
            None
        }
        Err(_elapsed) => {
            tracing::warn!("NTP server {server} does not answer");
            None
        }
    }
}
