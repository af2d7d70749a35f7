//! One switch, as a pure function: a frame in at a port, frames out of others.
//!
//! Learns addresses per VLAN with ageing, keeps native and tagged VLANs apart, never forwards link-local multicast. It
//! must not know what is plugged into its ports, nor what time it is: `now` is an argument. Loss is drawn from a seeded
//! generator, so that a run can be repeated.

pub mod fabric;
pub mod frame;
pub mod journal;
pub mod lldp;
pub mod pcap;

use crate::rack::{LldpSpeaker, SwitchSpec};
use frame::{Frame, TYPE_LLDP, is_group, is_link_local};
use pious_protocol::ids::MacAddress;
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

/// How long a learnt address is believed: the usual bridge's 300 s (IEEE 802.1Q-2018 table 8-6).
pub const AGEING: Duration = Duration::from_secs(300);

/// How many addresses a switch learns before it floods: a rack has far fewer, a flood of forged ones must not fill memory.
const MAX_LEARNT: usize = 16 * 1024;

/// A port, by its place in the switch's list.
pub type PortIndex = usize;

/// Where frames go in and out of a switch: the port's wire, or the LLDP daemon that runs behind the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The port's cable.
    Wire(PortIndex),
    /// The port's own LLDP daemon, on the switch's inside.
    Daemon(PortIndex),
}

/// A frame on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where it leaves.
    pub to: Side,
    /// Its bytes.
    pub frame: Vec<u8>,
    /// How long it takes.
    pub delay: Duration,
}

/// What one port is like, and how it misbehaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its LLDP port id.
    pub name: String,
    /// The VLAN of untagged frames; without one, they are dropped.
    pub native: Option<u16>,
    tagged: BTreeSet<u16>,
    has_daemon: bool,
    /// Whether it is shut.
    pub down: bool,
    /// How many of a hundred frames are lost, each way.
    pub loss_percent: u8,
    /// How long each frame takes, each way.
    pub delay: Duration,
}

/// One switch.
#[derive(Clone, Debug)]
pub struct Switch {
    ports: Vec<Port>,
    learnt: HashMap<(u16, MacAddress), (PortIndex, Duration)>,
    dice: u64,
}

impl Switch {
    /// The switch of a rack file. `seed` decides which frames a lossy port loses.
    pub fn new(spec: &SwitchSpec, seed: u64) -> Self {
        let ports = spec.ports.iter().map(|port| Port {
            name: port.name.clone(),
            native: port.native,
            tagged: port.tagged.iter().copied().collect(),
            has_daemon: port.lldp == LldpSpeaker::Lldpd,
            down: port.down,
            loss_percent: port.loss_percent,
            delay: Duration::from_millis(port.delay_ms),
        });
        // xorshift stands still at zero.
        Self { ports: ports.collect(), learnt: HashMap::new(), dice: seed | 1 }
    }

    /// A port.
    pub fn port(&self, index: PortIndex) -> Option<&Port> {
        self.ports.get(index)
    }

    /// A port, to misbehave from now on.
    pub fn port_mut(&mut self, index: PortIndex) -> Option<&mut Port> {
        self.ports.get_mut(index)
    }

    /// The port of that name.
    pub fn find(&self, name: &str) -> Option<PortIndex> {
        self.ports.iter().position(|port| port.name == name)
    }

    /// Its ports' names.
    pub fn port_names(&self) -> impl Iterator<Item = &str> {
        self.ports.iter().map(|port| port.name.as_str())
    }

    /// Forgets what was learnt at a port: its cable was pulled.
    pub fn forget(&mut self, port: PortIndex) {
        self.learnt.retain(|_, (at, _)| *at != port);
    }

    /// A frame came in: which frames go out?
    pub fn receive(&mut self, from: Side, bytes: &[u8], now: Duration) -> Vec<Output> {
        let Some(frame) = Frame::parse(bytes) else { return Vec::new() };
        match from {
            Side::Daemon(index) => self.on_daemon_frame(index, &frame),
            Side::Wire(index) => self.on_wire_frame(index, &frame, now),
        }
    }

    /// The daemon behind a port speaks LLDP to the wire, and nothing else.
    fn on_daemon_frame(&mut self, index: PortIndex, frame: &Frame) -> Vec<Output> {
        if frame.ether_type() == TYPE_LLDP && is_link_local(frame.destination()) {
            self.send(index, frame.untagged.clone(), Duration::ZERO).into_iter().collect()
        } else {
            Vec::new()
        }
    }

    fn on_wire_frame(&mut self, index: PortIndex, frame: &Frame, now: Duration) -> Vec<Output> {
        let Some(port) = self.ports.get(index).filter(|port| !port.down).cloned() else { return Vec::new() };
        if self.lost(port.loss_percent) {
            return Vec::new();
        }
        if is_link_local(frame.destination()) {
            let for_daemon = port.has_daemon && frame.ether_type() == TYPE_LLDP;
            let frame = frame.untagged.clone();
            return for_daemon
                .then_some(Output { to: Side::Daemon(index), frame, delay: port.delay })
                .into_iter()
                .collect();
        }
        let Some(vlan) = port.admits(frame) else { return Vec::new() };
        self.learn(vlan, frame.source(), index, now);
        let targets = match self.known(vlan, frame.destination(), now) {
            Some(known) => vec![known],
            None => (0..self.ports.len()).collect(),
        };
        let mut outputs = Vec::new();
        for target in targets.into_iter().filter(|&target| target != index) {
            let bytes = self.ports.get(target).and_then(|port| port.emits(frame, vlan));
            outputs.extend(bytes.and_then(|bytes| self.send(target, bytes, port.delay)));
        }
        outputs
    }

    /// The switch itself sends out of a port (its LLDP announcement).
    pub fn announce(&mut self, index: PortIndex, frame: Vec<u8>) -> Option<Output> {
        self.send(index, frame, Duration::ZERO)
    }

    fn send(&mut self, index: PortIndex, frame: Vec<u8>, so_far: Duration) -> Option<Output> {
        let port = self.ports.get(index).filter(|port| !port.down)?;
        let (loss, delay) = (port.loss_percent, so_far + port.delay);
        (!self.lost(loss)).then_some(Output { to: Side::Wire(index), frame, delay })
    }

    fn learn(&mut self, vlan: u16, source: MacAddress, port: PortIndex, now: Duration) {
        if is_group(source) {
            return;
        }
        if self.learnt.len() >= MAX_LEARNT && !self.learnt.contains_key(&(vlan, source)) {
            self.learnt.retain(|_, (_, at)| now.saturating_sub(*at) < AGEING);
            if self.learnt.len() >= MAX_LEARNT {
                return;
            }
        }
        self.learnt.insert((vlan, source), (port, now));
    }

    fn known(&self, vlan: u16, destination: MacAddress, now: Duration) -> Option<PortIndex> {
        let (port, at) = self.learnt.get(&(vlan, destination))?;
        (now.saturating_sub(*at) < AGEING).then_some(*port)
    }

    /// Xorshift64: enough to lose frames by, and the same frames each run.
    fn lost(&mut self, percent: u8) -> bool {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        // The high bits are the better ones.
        (self.dice >> 33) % 100 < u64::from(percent)
    }
}

impl Port {
    /// The VLAN that an incoming frame belongs to; `None`: not admitted here.
    fn admits(&self, frame: &Frame) -> Option<u16> {
        match frame.vlan() {
            None => self.native,
            Some(vlan) => self.tagged.contains(&vlan).then_some(vlan),
        }
    }

    /// The frame as it leaves here; `None`: the VLAN does not.
    fn emits(&self, frame: &Frame, vlan: u16) -> Option<Vec<u8>> {
        if self.native == Some(vlan) {
            Some(frame.untagged.clone())
        } else {
            self.tagged.contains(&vlan).then(|| frame.tagged(vlan))
        }
    }
}

#[cfg(test)]
mod tests;
