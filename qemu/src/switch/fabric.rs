//! All switches of a rack and what is plugged into them. Pure: a frame in from one end, frames out to others.
//!
//! An *end* is something with a cable: a server's NIC, one of the lab's interfaces, a port's LLDP daemon. Moving a
//! cable is changing this map; the end itself notices nothing but its carrier.

use super::{Output, PortIndex, Side, Switch, lldp, pcap};
use crate::rack::{LldpSpeaker, NicRef, PortRef, PortSpec, Rack, RackError, SwitchSpec};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    time::Duration,
};

/// How many switches a frame passes before it is dropped: no rack is deeper, and a cabling loop must not melt the desk.
const MAX_HOPS: u32 = 8;

/// Something with one network cable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// A server's NIC.
    Nic(NicRef),
    /// One of the lab's interfaces.
    Interface(String),
    /// The LLDP daemon behind a port.
    Daemon(PortRef),
    /// The management port of a server's BMC.
    Bmc(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nic(nic) => write!(f, "{nic}"),
            Self::Interface(name) => write!(f, "the lab's {name}"),
            Self::Daemon(port) => write!(f, "lldpd of {port}"),
            Self::Bmc(server) => write!(f, "{server}'s BMC"),
        }
    }
}

/// A port, by places: switch, port.
type At = (usize, PortIndex);

/// A frame on its way to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Where to.
    pub to: End,
    /// Its bytes.
    pub frame: Vec<u8>,
    /// How long it takes.
    pub delay: Duration,
}

/// A frame that passed a captured port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The port.
    pub port: PortRef,
    /// Its bytes as they were on the wire.
    pub frame: Vec<u8>,
}

/// What became of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// Where it goes.
    pub deliveries: Vec<Delivery>,
    /// Where it was seen.
    pub captured: Vec<Captured>,
}

/// The switches, and the cables in them.
pub struct Fabric {
    specs: Vec<SwitchSpec>,
    switches: Vec<Switch>,
    plugged: BTreeMap<At, Far>,
    announcements: BTreeMap<At, Vec<u8>>,
    captures: BTreeSet<At>,
}

/// The far end of a port's cable.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Far {
    End(End),
    Port(At),
}

impl Fabric {
    /// The fabric of a checked rack. `replays` gives a capture file's bytes by the name in the rack file.
    pub fn new(rack: &Rack, replays: &dyn Fn(&Path) -> std::io::Result<Vec<u8>>) -> Result<Self, FabricError> {
        let mut fabric = Self {
            specs: rack.switches.clone(),
            switches: rack.switches.iter().zip(1..).map(|(spec, seed)| Switch::new(spec, seed)).collect(),
            plugged: BTreeMap::new(),
            announcements: BTreeMap::new(),
            captures: BTreeSet::new(),
        };
        for (index, switch) in rack.switches.iter().enumerate() {
            for (place, port) in switch.ports.iter().enumerate() {
                let frame = match &port.lldp {
                    LldpSpeaker::Announce => lldp::announcement(switch, port, &vlan_names()),
                    LldpSpeaker::Replay(file) => replayed(file, replays)?,
                    LldpSpeaker::Silent | LldpSpeaker::Lldpd => continue,
                };
                fabric.announcements.insert((index, place), frame);
            }
        }
        for uplink in &rack.uplinks {
            fabric.plug(End::Interface(uplink.interface.clone()), &uplink.cable)?;
        }
        for trunk in &rack.trunks {
            let [a, b] = [fabric.at(&trunk.ports[0])?, fabric.at(&trunk.ports[1])?];
            fabric.plugged.insert(a, Far::Port(b));
            fabric.plugged.insert(b, Far::Port(a));
        }
        for server in &rack.servers {
            for nic in &server.nics {
                if let Some(port) = &nic.cable {
                    let end = End::Nic(NicRef { server: server.name.clone(), nic: nic.name.clone() });
                    fabric.plug(end, port)?;
                }
            }
        }
        for (server, port) in rack.bmc_cables() {
            fabric.plug(End::Bmc(server.name.clone()), port)?;
        }
        Ok(fabric)
    }

    /// Plugs an end's cable into a port.
    pub fn plug(&mut self, end: End, port: &PortRef) -> Result<(), FabricError> {
        let at = self.at(port)?;
        if let Some(there) = self.plugged.get(&at) {
            let first = match there {
                Far::End(there) => there.to_string(),
                Far::Port(far) => format!("the trunk to {}", self.name(*far)),
            };
            let taken = RackError::PortTaken { port: port.clone(), first, second: end.to_string() };
            return Err(FabricError::Rack(taken));
        }
        if let Some(already) = self.port_of(&end) {
            return Err(FabricError::AlreadyPlugged { end, port: already });
        }
        self.plugged.insert(at, Far::End(end));
        Ok(())
    }

    /// Pulls an end's cable; answers the port it was in.
    pub fn unplug(&mut self, end: &End) -> Option<PortRef> {
        let at = self.find(end)?;
        self.plugged.remove(&at);
        self.switches[at.0].forget(at.1);
        Some(self.name(at))
    }

    /// The port that an end's cable is in.
    pub fn port_of(&self, end: &End) -> Option<PortRef> {
        self.find(end).map(|at| self.name(at))
    }

    /// Changes how a port behaves.
    pub fn with_port(&mut self, port: &PortRef, change: impl FnOnce(&mut super::Port)) -> Result<(), FabricError> {
        let at = self.at(port)?;
        if let Some(port) = self.switches[at.0].port_mut(at.1) {
            change(port);
        }
        Ok(())
    }

    /// Sets a port's native VLAN, and with it what the port announces.
    pub fn set_native(&mut self, port: &PortRef, vlan: u16) -> Result<(), FabricError> {
        let at = self.at(port)?;
        let switch = &self.specs[at.0];
        let spec = PortSpec { native: Some(vlan), ..switch.ports[at.1].clone() };
        spec.check_vlans(port)?;
        match spec.lldp {
            LldpSpeaker::Announce => {
                self.announcements.insert(at, lldp::announcement(switch, &spec, &vlan_names()));
            }
            LldpSpeaker::Silent => {}
            LldpSpeaker::Lldpd | LldpSpeaker::Replay(_) => return Err(FabricError::ForeignVoice(port.clone())),
        }
        self.specs[at.0].ports[at.1] = spec;
        self.with_port(port, |port| port.native = Some(vlan))
    }

    /// Whether the port is shut.
    pub fn is_down(&self, port: &PortRef) -> Result<bool, FabricError> {
        let at = self.at(port)?;
        Ok(self.switches[at.0].port(at.1).is_some_and(|port| port.down))
    }

    /// Begins or ends capturing a port.
    pub fn capture(&mut self, port: &PortRef, on: bool) -> Result<(), FabricError> {
        let at = self.at(port)?;
        if on {
            self.captures.insert(at);
        } else {
            self.captures.remove(&at);
        }
        Ok(())
    }

    /// The end at a port's cable.
    pub fn end_at(&self, port: &PortRef) -> Option<&End> {
        match self.plugged.get(&self.at(port).ok()?)? {
            Far::End(end) => Some(end),
            Far::Port(_) => None,
        }
    }

    /// An end sent a frame.
    pub fn send(&mut self, from: &End, frame: &[u8], now: Duration) -> Passage {
        let mut passage = Passage::default();
        let entry = match from {
            End::Daemon(port) => self.at(port).ok().map(|(switch, port)| (switch, Side::Daemon(port))),
            End::Nic(_) | End::Interface(_) | End::Bmc(_) => {
                self.find(from).map(|(switch, port)| (switch, Side::Wire(port)))
            }
        };
        if let Some((switch, side)) = entry {
            self.enter(switch, side, frame, now, Duration::ZERO, 0, &mut passage);
        }
        passage
    }

    /// Every announcing port speaks.
    pub fn announce(&mut self, now: Duration) -> Passage {
        let ports: Vec<At> = self.announcements.keys().copied().collect();
        let mut passage = Passage::default();
        for at in ports {
            self.announce_at(at, now, &mut passage);
        }
        passage
    }

    /// The port that an end is in speaks, because the cable was just plugged.
    pub fn announce_to(&mut self, end: &End, now: Duration) -> Passage {
        let mut passage = Passage::default();
        if let Some(at) = self.find(end) {
            self.announce_at(at, now, &mut passage);
        }
        passage
    }

    fn announce_at(&mut self, at: At, now: Duration, passage: &mut Passage) {
        if let Some(frame) = self.announcements.get(&at).cloned()
            && let Some(output) = self.switches[at.0].announce(at.1, frame)
        {
            self.leave(at.0, output, now, Duration::ZERO, 0, passage);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn enter(
        &mut self,
        switch: usize,
        side: Side,
        frame: &[u8],
        now: Duration,
        delay: Duration,
        hops: u32,
        passage: &mut Passage,
    ) {
        if hops >= MAX_HOPS {
            return;
        }
        if let Side::Wire(port) = side {
            self.note((switch, port), frame, passage);
        }
        for output in self.switches[switch].receive(side, frame, now) {
            self.leave(switch, output, now, delay, hops, passage);
        }
    }

    fn leave(&mut self, switch: usize, out: Output, now: Duration, delay: Duration, hops: u32, passage: &mut Passage) {
        let delay = delay + out.delay;
        match out.to {
            Side::Daemon(port) => {
                let to = End::Daemon(self.name((switch, port)));
                passage.deliveries.push(Delivery { to, frame: out.frame, delay });
            }
            Side::Wire(port) => {
                let far = self.plugged.get(&(switch, port)).cloned();
                if far.is_some() {
                    self.note((switch, port), &out.frame, passage);
                }
                match far {
                    Some(Far::End(to)) => passage.deliveries.push(Delivery { to, frame: out.frame, delay }),
                    Some(Far::Port(at)) => {
                        self.enter(at.0, Side::Wire(at.1), &out.frame, now, delay, hops + 1, passage);
                    }
                    None => {}
                }
            }
        }
    }

    fn note(&self, at: At, frame: &[u8], passage: &mut Passage) {
        if self.captures.contains(&at) {
            passage.captured.push(Captured { port: self.name(at), frame: frame.to_vec() });
        }
    }

    fn find(&self, end: &End) -> Option<At> {
        self.plugged.iter().find(|(_, far)| matches!(far, Far::End(there) if there == end)).map(|(at, _)| *at)
    }

    fn at(&self, port: &PortRef) -> Result<At, FabricError> {
        let unknown_switch = || RackError::UnknownSwitch {
            port: port.clone(),
            present: self.specs.iter().map(|switch| switch.name.as_str()).collect(),
        };
        let switch = self.specs.iter().position(|switch| switch.name == port.switch).ok_or_else(unknown_switch)?;
        let unknown_port =
            || RackError::UnknownPort { port: port.clone(), present: self.switches[switch].port_names().collect() };
        let place = self.switches[switch].find(&port.port).ok_or_else(unknown_port)?;
        Ok((switch, place))
    }

    fn name(&self, (switch, port): At) -> PortRef {
        let port = self.switches[switch].port(port).map(|port| port.name.clone()).unwrap_or_default();
        PortRef { switch: self.specs[switch].name.clone(), port }
    }
}

/// Why a cable can't be plugged, or a fabric not be made.
#[derive(Debug, thiserror::Error)]
pub enum FabricError {
    /// The rack says no.
    #[error(transparent)]
    Rack(#[from] RackError),
    /// An end has one cable.
    #[error("{end} is already plugged, into {port}")]
    AlreadyPlugged {
        /// Whose cable.
        end: End,
        /// Where it is.
        port: PortRef,
    },
    /// A port that somebody else speaks for would go on to tell its old VLAN.
    #[error(
        "port {0} is spoken for by an lldpd or a capture, which would tell its old VLAN; change one that announces"
    )]
    ForeignVoice(PortRef),
    /// A frame to replay can't be read.
    #[error("captured frame {file:?} can't be read")]
    ReplayFile {
        /// The file, as the rack names it.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A frame to replay is none.
    #[error("captured frame {file:?} can't be replayed")]
    Replay {
        /// The file, as the rack names it.
        file: String,
        /// Why.
        #[source]
        source: pcap::PcapError,
    },
}

fn replayed(file: &str, read: &dyn Fn(&Path) -> std::io::Result<Vec<u8>>) -> Result<Vec<u8>, FabricError> {
    let bytes = read(Path::new(file)).map_err(|source| FabricError::ReplayFile { file: file.to_owned(), source })?;
    pcap::first_frame(&bytes).map_err(|source| FabricError::Replay { file: file.to_owned(), source })
}

fn vlan_names() -> lldp::VlanNames {
    lldp::VlanNames::from([(crate::rack::PROVISIONING_VLAN, "provisioning".to_owned()), (20, "bmc".to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RACK: &str = r#"
        name = "t"
        trunks = [{ ports = ["sw1.up", "sw2.up"] }]
        uplinks = [{ interface = "prov", cable = "sw1.lab" }]
        [[switches]]
        name = "sw1"
        chassis = "52:54:00:5e:00:01"
        ports = [
            { name = "p1", native = 10 }, { name = "p2", native = 10, lldp = "lldpd" },
            { name = "lab", native = 10, lldp = "silent" }, { name = "up", tagged = [10], lldp = "silent" },
        ]
        [[switches]]
        name = "sw2"
        chassis = "52:54:00:5e:00:02"
        ports = [{ name = "p1", native = 10 }, { name = "p2", native = 20 }, { name = "up", tagged = [10] }]
        [[servers]]
        name = "a"
        firmware = "bios"
        serial = "S1"
        uuid = "00000000-0000-4000-8000-000000000001"
        nics = [{ name = "n1", mac = "52:54:00:01:00:01", cable = "sw2.p1" }]
    "#;
    const T0: Duration = Duration::ZERO;

    fn fabric() -> Fabric {
        Fabric::new(&Rack::parse(RACK).unwrap(), &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
    }

    fn nic() -> End {
        End::Nic("a.n1".parse().unwrap())
    }

    fn prov() -> End {
        End::Interface("prov".into())
    }

    fn port(text: &str) -> PortRef {
        text.parse().unwrap()
    }

    fn broadcast() -> Vec<u8> {
        [&[0xff; 6][..], &[0x52, 0x54, 0, 1, 0, 1], &[8, 0], b"hello"].concat()
    }

    #[test]
    fn a_frame_crosses_the_trunk_and_is_captured_tagged_there() {
        let mut fabric = fabric();
        fabric.capture(&port("sw2.up"), true).unwrap();
        let passage = fabric.send(&nic(), &broadcast(), T0);
        assert_eq!(passage.deliveries, [Delivery { to: prov(), frame: broadcast(), delay: T0 }]);
        let tagged = [&broadcast()[..12], &[0x81, 0, 0, 10], &broadcast()[12..]].concat();
        assert_eq!(passage.captured, [Captured { port: port("sw2.up"), frame: tagged }]);
    }

    #[test]
    fn a_moved_cable_is_in_another_vlan_and_hears_another_port_at_once() {
        let mut fabric = fabric();
        assert_eq!(fabric.unplug(&nic()), Some(port("sw2.p1")));
        assert_eq!(fabric.send(&nic(), &broadcast(), T0), Passage::default(), "a cable in nothing");
        fabric.plug(nic(), &port("sw2.p2")).unwrap();
        assert_eq!(fabric.send(&nic(), &broadcast(), T0), Passage::default(), "VLAN 20 ends here");
        let heard = fabric.announce_to(&nic(), T0).deliveries;
        assert_eq!(heard.iter().map(|delivery| &delivery.to).collect::<Vec<_>>(), [&nic()]);
        assert!(String::from_utf8_lossy(&heard[0].frame).contains("p2"));
    }

    #[test]
    fn a_changed_native_vlan_is_carried_and_announced() {
        let mut fabric = fabric();
        fabric.set_native(&port("sw2.p1"), 20).unwrap();
        assert_eq!(fabric.send(&nic(), &broadcast(), T0), Passage::default(), "VLAN 20 ends here");
        let heard = fabric.announce_to(&nic(), T0).deliveries;
        let pvid = [0xfe, 6, 0, 0x80, 0xc2, 1, 0, 20];
        assert!(heard[0].frame.windows(pvid.len()).any(|part| part == pvid), "{heard:?}");
        let mut error = |port_name: &str, vlan| fabric.set_native(&port(port_name), vlan).unwrap_err().to_string();
        assert_eq!(error("sw2.p1", 4095), "port sw2.p1: VLAN 4095 is not between 1 and 4094");
        assert_eq!(error("sw1.up", 10), "port sw1.up: VLAN 10 is both native and tagged");
        assert_eq!(
            error("sw1.p2", 20),
            "port sw1.p2 is spoken for by an lldpd or a capture, which would tell its old VLAN; change one that announces"
        );
    }

    #[test]
    fn plugging_says_what_is_in_the_way() {
        let mut fabric = fabric();
        let stranger = End::Nic("b.n1".parse().unwrap());
        let error = |result: Result<(), FabricError>| result.unwrap_err().to_string();
        assert_eq!(error(fabric.plug(stranger.clone(), &port("sw2.p1"))), "two cables in port sw2.p1: a.n1 and b.n1");
        assert_eq!(
            error(fabric.plug(stranger, &port("sw1.up"))),
            "two cables in port sw1.up: the trunk to sw2.up and b.n1"
        );
        assert_eq!(error(fabric.plug(nic(), &port("sw2.p2"))), "a.n1 is already plugged, into sw2.p1");
        assert_eq!(error(fabric.plug(nic(), &port("sw2.p9"))), r#"switch "sw2" has no port "p9"; it has p1, p2, up"#);
    }

    #[test]
    fn lldp_stays_on_its_link_and_reaches_the_ports_daemon() {
        let mut fabric = fabric();
        let announced: Vec<End> = fabric.announce(T0).deliveries.into_iter().map(|delivery| delivery.to).collect();
        assert_eq!(announced, [nic()], "only cabled, announcing ports; never through the trunk");

        fabric.unplug(&nic());
        fabric.plug(nic(), &port("sw1.p2")).unwrap();
        let lldp = [&[0x01, 0x80, 0xc2, 0, 0, 0x0e][..], &[0x52, 0x54, 0, 1, 0, 1], &[0x88, 0xcc], b"lldp"].concat();
        let daemon = End::Daemon(port("sw1.p2"));
        let to = |end: &End| [Delivery { to: end.clone(), frame: lldp.clone(), delay: T0 }];
        assert_eq!(fabric.send(&nic(), &lldp, T0).deliveries, to(&daemon));
        assert_eq!(fabric.send(&daemon, &lldp, T0).deliveries, to(&nic()));
    }

    #[test]
    fn a_loop_of_cables_ends() {
        let looped = RACK.replace(
            r#"trunks = [{ ports = ["sw1.up", "sw2.up"] }]"#,
            r#"trunks = [{ ports = ["sw1.up", "sw2.up"] }, { ports = ["sw1.p1", "sw1.p2"] }]"#,
        );
        let mut fabric = Fabric::new(&Rack::parse(&looped).unwrap(), &|_| Ok(Vec::new())).unwrap();
        assert!(fabric.send(&nic(), &broadcast(), T0).deliveries.len() < 1 << (MAX_HOPS + 1));
    }

    #[test]
    fn a_frame_to_replay_must_be_there_and_be_one() {
        let text =
            RACK.replace(r#"{ name = "p1", native = 10 }, {"#, r#"{ name = "p1", lldp = { replay = "x.pcap" } }, {"#);
        let rack = Rack::parse(&text).unwrap();
        let missing = Fabric::new(&rack, &|_| Err(std::io::ErrorKind::NotFound.into())).err().unwrap();
        assert_eq!(missing.to_string(), r#"captured frame "x.pcap" can't be read"#);
        let garbage = Fabric::new(&rack, &|_| Ok(vec![0; 40])).err().unwrap();
        assert_eq!(garbage.to_string(), r#"captured frame "x.pcap" can't be replayed"#);
    }
}
