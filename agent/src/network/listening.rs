//! LLDP on one NIC: hears neighbours and VLAN tags for as long as the NIC is there, and announces us where the machine
//! is ours. What a frame means is `facts::lldp`'s business.

use super::{
    announcement, filter,
    packet_socket::{Heard, Hearing, PacketSocket},
};
use crate::facts::lldp::{self, Table};
use pious_protocol::{
    facts::{Neighbours, Vlan},
    ids::MacAddress,
};
use std::{collections::BTreeSet, io, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// IEEE 802.1AB-2016 §9.2.5.7, the default.
const ANNOUNCE_PERIOD: Duration = Duration::from_secs(30);

/// Tags that are remembered: a trunk with more names them by LLDP.
const MOST_TAGS: usize = 64;

/// Who announces, on which NIC.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    pub(super) chassis: MacAddress,
    pub(super) port: MacAddress,
    pub(super) interface: String,
    /// What the asset is called; changes when Senzu tells.
    pub(super) system_name: watch::Receiver<String>,
}

/// What was learnt on the link; what DHCP tells of VLANs stays default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Learnt {
    pub(super) neighbours: Neighbours,
    pub(super) vlan: Vlan,
}

/// Runs until dropped, or until the NIC is gone. `voice` is `None` on a machine that is not ours; `own` are the addresses
/// of the server's NICs.
pub(super) async fn run(
    interface: u32,
    voice: Option<Voice>,
    own: watch::Receiver<BTreeSet<MacAddress>>,
    mut carrier: watch::Receiver<bool>,
    mut tell: impl FnMut(Learnt),
) {
    let hearing = if voice.is_some() { Hearing::Everything } else { Hearing::Lldp };
    let socket = match PacketSocket::open(interface, hearing) {
        Ok(socket) => socket,
        Err(error) => {
            let reason = format!("cannot listen for LLDP: {error}");
            tell(Learnt { neighbours: Neighbours::Silent { reason }, vlan: Vlan::default() });
            return;
        }
    };
    let mut listener =
        Listener { socket, voice, own, table: Table::new(), tags: BTreeSet::new(), started: Instant::now() };
    listener.carrier(*carrier.borrow_and_update());
    let mut told = None;
    let mut announce_at = Instant::now() + ANNOUNCE_PERIOD;
    loop {
        let learnt = listener.learnt();
        if told.as_ref() != Some(&learnt) {
            tell(learnt.clone());
            told = Some(learnt);
        }
        let change_at = listener.next_change();
        tokio::select! {
            heard = listener.socket.receive() => match heard {
                Ok(heard) => listener.heard(&heard),
                // The interface went down or away; carrier and the links' list tell the rest.
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    tracing::warn!("listening for LLDP on interface {interface} ended: {error}");
                    return;
                }
            },
            changed = carrier.changed() => {
                if changed.is_err() {
                    return;
                }
                // A link that was lost and found between two looks is told once, as found: what was heard on it was
                // heard on another cable, perhaps.
                let has_carrier = *carrier.borrow_and_update();
                listener.carrier(false);
                if has_carrier {
                    listener.carrier(true);
                }
                announce_at = Instant::now() + ANNOUNCE_PERIOD;
            }
            () = renamed(&mut listener.voice) => listener.announce(),
            () = sleep_until(announce_at) => {
                listener.announce();
                announce_at += ANNOUNCE_PERIOD;
            }
            () = sleep_until(change_at.unwrap_or(announce_at)), if change_at.is_some() => listener.expire(),
        }
    }
}

struct Listener {
    socket: PacketSocket,
    voice: Option<Voice>,
    own: watch::Receiver<BTreeSet<MacAddress>>,
    table: Table,
    tags: BTreeSet<u16>,
    started: Instant,
}

impl Listener {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn heard(&mut self, heard: &Heard) {
        let now = self.now();
        // Tag 0 is a priority, not a VLAN (IEEE 802.1Q-2018 §9.6).
        let tags = filter::tags(&heard.frame).chain(heard.stripped_vlan).filter(|id| *id != 0);
        for id in tags {
            if self.tags.len() < MOST_TAGS {
                self.tags.insert(id);
            }
        }
        if !filter::is_lldp(&heard.frame) {
            return;
        }
        match lldp::decode(&heard.frame) {
            Ok(lldpdu) => match lldpdu.is_from(&self.own.borrow()) {
                Some(nic) => self.table.echoed(nic, now),
                None => {
                    self.table.heard(lldpdu, now);
                }
            },
            Err(error) => self.table.refused(error, now),
        }
    }

    fn carrier(&mut self, is_up: bool) {
        if is_up {
            self.table.link_up(self.now());
            self.announce();
        } else {
            self.table.link_down();
            self.tags.clear();
        }
    }

    fn expire(&mut self) {
        self.table.expire(self.now());
    }

    fn next_change(&self) -> Option<Instant> {
        self.table.next_change(self.now()).map(|at| self.started + at)
    }

    fn learnt(&self) -> Learnt {
        let now = self.now();
        let tags_seen = self.tags.iter().copied().collect();
        Learnt { neighbours: self.table.neighbours(now), vlan: Vlan { tags_seen, ..self.table.announced_vlans() } }
    }

    fn announce(&self) {
        let Some(voice) = &self.voice else { return };
        let name = voice.system_name.borrow().clone();
        let frame = announcement::frame(&name, voice.chassis, voice.port, &voice.interface);
        // Without carrier nobody would hear it; the next one comes with the link.
        if let Err(error) = self.socket.send(&frame) {
            tracing::debug!("LLDP on {} was not sent: {error}", voice.interface);
        }
    }
}

/// The system name changed; never, where nobody announces.
async fn renamed(voice: &mut Option<Voice>) {
    if let Some(voice) = voice
        && voice.system_name.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(nix::libc::ENETDOWN | nix::libc::EINTR))
}
