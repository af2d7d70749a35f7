//! LLDP on one NIC: hears neighbours and VLAN tags for as long as the NIC is there; where the machine is ours, announces
//! us, says goodbye, and asks on which VLANs a DHCP server answers. What a frame means is `facts::lldp`'s business.

use super::{
    announcement, filter,
    packet_socket::{Heard, Hearing, PacketSocket},
    vlan_probe::VlanProbe,
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
    /// Whether DHCP has asked untagged for long enough to call that in vain.
    pub(super) dhcp_is_in_vain: watch::Receiver<bool>,
}

/// What was learnt on the link; what untagged DHCP tells stays default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Learnt {
    pub(super) neighbours: Neighbours,
    pub(super) vlan: Vlan,
}

/// Runs until dropped, until the NIC is gone, or, with a goodbye, until `carrier` ends. `voice` is `None` on a machine that
/// is not ours; `own` are the addresses of the server's NICs.
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
    let mut listener = Listener {
        socket,
        probe: voice.as_ref().map(|voice| VlanProbe::new(voice.port)),
        voice,
        own,
        table: Table::new(),
        tags: BTreeSet::new(),
        started: Instant::now(),
    };
    listener.carrier(*carrier.borrow_and_update());
    let mut told = None;
    let mut announce_at = Instant::now() + ANNOUNCE_PERIOD;
    loop {
        let learnt = listener.learnt();
        if told.as_ref() != Some(&learnt) {
            tell(learnt.clone());
            told = Some(learnt);
        }
        let (change_at, probe_at) = (listener.next_change(), listener.next_question());
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
                    listener.say_goodbye();
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
            heard = from_others(&mut listener.voice) => match heard {
                FromOthers::Name => listener.announce(),
                FromOthers::DhcpInVain(is_in_vain) => listener.dhcp_is_in_vain(is_in_vain),
            },
            () = sleep_until(announce_at) => {
                listener.announce();
                announce_at += ANNOUNCE_PERIOD;
            }
            () = sleep_until(change_at.unwrap_or(announce_at)), if change_at.is_some() => listener.expire(),
            () = sleep_until(probe_at.unwrap_or(announce_at)), if probe_at.is_some() => listener.ask_on_vlans(),
        }
    }
}

struct Listener {
    socket: PacketSocket,
    voice: Option<Voice>,
    own: watch::Receiver<BTreeSet<MacAddress>>,
    probe: Option<VlanProbe>,
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
            if let Some(probe) = &mut self.probe {
                probe.heard(&heard.frame, heard.stripped_vlan);
            }
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
            if let Some(probe) = &mut self.probe {
                probe.forget();
            }
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
        let dhcp_answers_tagged = self.probe.as_ref().map(VlanProbe::answered).unwrap_or_default();
        let vlan = Vlan { tags_seen, dhcp_answers_tagged, ..self.table.announced_vlans() };
        Learnt { neighbours: self.table.neighbours(now), vlan }
    }

    /// The tagged VLANs that there may be: those that the neighbour names, then those whose tags were seen.
    fn tagged_vlans(&self) -> Vec<u16> {
        let Vlan { announced_native, announced, .. } = self.table.announced_vlans();
        let named = announced.iter().map(|vlan| vlan.id).filter(|id| Some(*id) != announced_native);
        let mut vlans: Vec<u16> = named.collect();
        let seen = self.tags.iter().filter(|id| !vlans.contains(id)).copied().collect::<Vec<_>>();
        vlans.extend(seen);
        vlans
    }

    fn dhcp_is_in_vain(&mut self, is_in_vain: bool) {
        let now = self.now();
        if let Some(probe) = &mut self.probe {
            probe.untagged_is_silent(is_in_vain, now);
        }
    }

    fn next_question(&self) -> Option<Instant> {
        let at = self.probe.as_ref()?.next_at(&self.tagged_vlans())?;
        Some(self.started + at)
    }

    fn ask_on_vlans(&mut self) {
        let (candidates, now) = (self.tagged_vlans(), self.now());
        let questions = self.probe.as_mut().map(|probe| probe.questions(&candidates, now)).unwrap_or_default();
        for frame in questions {
            self.send(&frame);
        }
    }

    fn announce(&self) {
        let Some(voice) = &self.voice else { return };
        let name = voice.system_name.borrow().clone();
        let frame = announcement::frame(&name, voice.chassis, voice.port, &voice.interface);
        self.send(&frame);
    }

    fn say_goodbye(&self) {
        if let Some(voice) = &self.voice {
            self.send(&announcement::goodbye(voice.chassis, voice.port));
        }
    }

    /// Without carrier nobody would hear it; what is to be heard is said again when the link comes.
    fn send(&self, frame: &[u8]) {
        if let (Err(error), Some(voice)) = (self.socket.send(frame), &self.voice) {
            tracing::debug!("a frame on {} was not sent: {error}", voice.interface);
        }
    }
}

/// What others tell a listener whose machine is ours.
enum FromOthers {
    /// The system has another name.
    Name,
    /// Whether untagged DHCP is in vain.
    DhcpInVain(bool),
}

/// Waits for news; for ever, where the machine is not ours or nobody tells any more.
async fn from_others(voice: &mut Option<Voice>) -> FromOthers {
    if let Some(voice) = voice {
        tokio::select! {
            Ok(()) = voice.system_name.changed() => return FromOthers::Name,
            Ok(()) = voice.dhcp_is_in_vain.changed() => {
                return FromOthers::DhcpInVain(*voice.dhcp_is_in_vain.borrow_and_update());
            }
            else => {}
        }
    }
    std::future::pending().await
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(nix::libc::ENETDOWN | nix::libc::EINTR))
}
