//! The thin I/O around the switches: QEMU's datagram sockets and taps in, the pure fabric in the middle, sockets and
//! taps out; captures and the journal beside it.

use super::{
    events::{Events, What},
    interface,
};
use crate::{
    machine::argv::Places,
    rack::{LldpSpeaker, NicRef, NicSpec, PortRef, Rack},
    switch::{
        fabric::{End, Fabric, FabricError, Passage},
        journal, lldp, pcap,
    },
};
use pious_protocol::ids::MacAddress;
use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{self, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::unix::AsyncFd,
    net::UnixDatagram,
    sync::mpsc::{Receiver, Sender, channel},
};

/// The longest frame: QEMU's virtio-net never sends more without offloads.
const MAX_FRAME_BYTES: usize = 65_536;

/// How many frames wait for a slow end before the switch drops them, as a switch does.
const QUEUE_FRAMES: usize = 2048;

/// Room for a queue's frames in the kernel: a guest under TCG reads in bursts.
const SOCKET_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// The running network.
pub struct Wires {
    fabric: Mutex<Fabric>,
    outlets: BTreeMap<End, Sender<Outgoing>>,
    /// The taps of the ports that an `lldpd` speaks for.
    taps: BTreeMap<PortRef, Arc<Plug>>,
    captures: Mutex<BTreeMap<PortRef, File>>,
    spoken: Mutex<HashSet<PortRef>>,
    events: Arc<Events>,
    born: Instant,
}

/// A tap's name and the port whose `lldpd` sits on it.
pub type DaemonTap = (String, PortRef);

/// The taps of a server's BMC, which are in a namespace of its own.
pub struct Doors {
    /// Whose.
    pub server: String,
    /// The one of its management port, if that has a cable.
    pub management: Option<OwnedFd>,
    /// The one of the wire to its server, if there is one, with the server's card at the other end.
    pub host: Option<(NicSpec, OwnedFd)>,
}

/// Where an end's frames come from and go to.
enum Plug {
    Socket { socket: UnixDatagram, guest: PathBuf },
    Tap(AsyncFd<OwnedFd>),
}

impl Wires {
    /// Makes every end of a rack. `places` gives a server's paths; `folder` is where captured frames lie.
    pub fn build(
        rack: &Rack,
        folder: &Path,
        places: &dyn Fn(&str) -> Places,
        doors: Vec<Doors>,
        events: Arc<Events>,
    ) -> Result<(Arc<Self>, Vec<DaemonTap>), WireError> {
        let fabric = Fabric::new(rack, &|file| std::fs::read(folder.join(file)))?;
        let mut plugs = Vec::new();
        for name in ["prov", "bmc"] {
            plugs.push((End::Interface(name.into()), Plug::tap(name, None)?));
        }
        for server in &rack.servers {
            for nic in &server.nics {
                let end = End::Nic(NicRef { server: server.name.clone(), nic: nic.name.clone() });
                plugs.push((end, Plug::socket(&places(&server.name), nic)?));
            }
        }
        for Doors { server, management, host } in doors {
            let tap = |tap: OwnedFd| {
                let tap = interface::pollable(tap);
                tap.map(Plug::Tap).map_err(|source| WireError::Tap { name: format!("{server}'s BMC's"), source })
            };
            if let Some((nic, host)) = host {
                join(Plug::socket(&places(&server), &nic)?, tap(host)?);
            }
            if let Some(management) = management {
                plugs.push((End::Bmc(server.clone()), tap(management)?));
            }
        }
        let mut daemons = Vec::new();
        for switch in &rack.switches {
            for port in switch.ports.iter().filter(|port| port.lldp == LldpSpeaker::Lldpd) {
                let at = PortRef { switch: switch.name.clone(), port: port.name.clone() };
                // An interface's name has 15 characters; a port's may have more.
                let tap = format!("lldp{}", daemons.len());
                // lldpd tells its interface's address as the chassis id.
                plugs.push((End::Daemon(at.clone()), Plug::tap(&tap, Some(switch.chassis))?));
                daemons.push((tap, at));
            }
        }
        let (mut outlets, mut ends, mut taps) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for (end, plug) in plugs {
            let (plug, (sender, receiver)) = (Arc::new(plug), channel(QUEUE_FRAMES));
            outlets.insert(end.clone(), sender);
            if let End::Daemon(port) = &end {
                taps.insert(port.clone(), Arc::clone(&plug));
            }
            ends.push((end, plug, receiver));
        }
        let wires = Arc::new(Self {
            fabric: Mutex::new(fabric),
            outlets,
            taps,
            captures: Mutex::default(),
            spoken: Mutex::default(),
            events,
            born: Instant::now(),
        });
        for (end, plug, receiver) in ends {
            tokio::spawn(take(Arc::clone(&wires), end, Arc::clone(&plug)));
            tokio::spawn(give(plug, receiver));
        }
        for (_, port) in &daemons {
            wires.tell_daemon(port);
        }
        tokio::spawn(announce(Arc::clone(&wires)));
        Ok((wires, daemons))
    }

    /// The switches, to change cables and ports.
    pub fn fabric(&self) -> MutexGuard<'_, Fabric> {
        self.fabric.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a port has a live cable in it.
    pub fn has_cable(&self, port: &PortRef) -> bool {
        let fabric = self.fabric();
        fabric.end_at(port).is_some() && fabric.is_down(port).is_ok_and(|down| !down)
    }

    /// Tells a port's `lldpd` by its tap's carrier whether there is a cable: it greets a new one at once.
    pub fn tell_daemon(&self, port: &PortRef) {
        let Some(Plug::Tap(tap)) = self.taps.get(port).map(Arc::as_ref) else { return };
        if let Err(error) = interface::set_carrier(tap, self.has_cable(port)) {
            tracing::warn!(%port, %error, "setting the carrier of lldpd's tap");
        }
    }

    /// The port that an end was just plugged into announces itself.
    pub fn announce_to(self: &Arc<Self>, end: &End) {
        let passage = self.fabric().announce_to(end, self.born.elapsed());
        self.carry(passage);
    }

    /// Sets a port's native VLAN; the port announces it at once, as a switch does whose configuration changed.
    pub fn set_native(self: &Arc<Self>, port: &PortRef, vlan: u16) -> Result<(), FabricError> {
        let mut fabric = self.fabric();
        fabric.set_native(port, vlan)?;
        let end = fabric.end_at(port).cloned();
        drop(fabric);
        if let Some(end) = end {
            self.announce_to(&end);
        }
        Ok(())
    }

    /// Begins a port's capture into a file, or ends it.
    pub fn capture(&self, port: &PortRef, file: Option<&Path>) -> Result<(), WireError> {
        let opened = file.map(|path| {
            let mut file = File::create(path)?;
            file.write_all(&pcap::header())?;
            Ok(file)
        });
        let opened = opened.transpose().map_err(|source| WireError::Capture { port: port.clone(), source })?;
        self.fabric().capture(port, opened.is_some())?;
        let mut captures = self.captures.lock().unwrap_or_else(PoisonError::into_inner);
        match opened {
            Some(file) => captures.insert(port.clone(), file),
            None => captures.remove(port),
        };
        Ok(())
    }

    fn received(self: &Arc<Self>, from: &End, frame: &[u8]) {
        match from {
            End::Nic(nic) => {
                if let Some((_, moment)) = journal::moment(frame) {
                    self.events.add(Some(&nic.server), What::Wire(moment));
                }
            }
            End::Daemon(port) => {
                let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
                if frame.get(12..14) == Some(&[0x88, 0xcc]) && spoken.insert(port.clone()) {
                    self.events.add(None, What::LldpdSpeaks { port: port.to_string() });
                }
            }
            End::Interface(_) | End::Bmc(_) => {}
        }
        let passage = self.fabric().send(from, frame, self.born.elapsed());
        self.carry(passage);
    }

    fn carry(self: &Arc<Self>, passage: Passage) {
        if !passage.captured.is_empty() {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let mut captures = self.captures.lock().unwrap_or_else(PoisonError::into_inner);
            for seen in passage.captured {
                if let Some(file) = captures.get_mut(&seen.port) {
                    // A full disk loses captures, not the network.
                    let _ = file.write_all(&pcap::record(at, &seen.frame));
                }
            }
        }
        for delivery in passage.deliveries {
            if let Some(outlet) = self.outlets.get(&delivery.to) {
                let due = (!delivery.delay.is_zero()).then(|| tokio::time::Instant::now() + delivery.delay);
                // A full queue drops, as a switch does.
                let _ = outlet.try_send(Outgoing { frame: delivery.frame, due });
            }
        }
    }
}

/// Why the network can't be made.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The cables.
    #[error(transparent)]
    Fabric(#[from] FabricError),
    /// A tap.
    #[error("making tap {name}")]
    Tap {
        /// Its name.
        name: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A cable's socket.
    #[error("making the cable's socket {path}")]
    Socket {
        /// Its path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A capture's file.
    #[error("capturing port {port}")]
    Capture {
        /// The port.
        port: PortRef,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Plug {
    fn tap(name: &str, mac: Option<MacAddress>) -> Result<Self, WireError> {
        let made = interface::tap(name).and_then(interface::pollable).and_then(|tap| {
            if let Some(mac) = mac {
                interface::set_mac(name, mac)?;
            }
            interface::up(name)?;
            Ok(tap)
        });
        made.map(Self::Tap).map_err(|source| WireError::Tap { name: name.to_owned(), source })
    }

    fn socket(places: &Places, nic: &NicSpec) -> Result<Self, WireError> {
        let path = places.cable(nic);
        let made = std::fs::create_dir_all(&places.sockets).and_then(|()| {
            let socket = UnixDatagram::bind(&path)?;
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::SndBufForce, &SOCKET_BUFFER_BYTES)?;
            Ok(socket)
        });
        let socket = made.map_err(|source| WireError::Socket { path, source })?;
        Ok(Self::Socket { socket, guest: places.nic(nic) })
    }

    async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Socket { socket, .. } => socket.recv(buffer).await,
            Self::Tap(tap) => loop {
                let mut guard = tap.readable().await?;
                let read = guard.try_io(|tap| {
                    let fd = tap.get_ref();
                    nix::unistd::read(fd, buffer).map_err(io::Error::from)
                });
                if let Ok(result) = read {
                    return result;
                }
            },
        }
    }

    async fn transmit(&self, frame: &[u8]) -> io::Result<()> {
        match self {
            Self::Socket { socket, guest } => socket.send_to(frame, guest).await.map(|_| ()),
            Self::Tap(tap) => loop {
                let mut guard = tap.writable().await?;
                let written = guard.try_io(|tap| nix::unistd::write(tap.get_ref(), frame).map_err(io::Error::from));
                if let Ok(result) = written {
                    return result.map(|_| ());
                }
            },
        }
    }
}

/// A wire that no switch is in.
fn join(one: Plug, other: Plug) {
    let (one, other) = (Arc::new(one), Arc::new(other));
    tokio::spawn(copy(Arc::clone(&one), Arc::clone(&other)));
    tokio::spawn(copy(other, one));
}

async fn copy(from: Arc<Plug>, to: Arc<Plug>) {
    let mut buffer = vec![0; MAX_FRAME_BYTES];
    while let Ok(count) = from.receive(&mut buffer).await {
        // A server that is off has no socket: the frame falls off the end of the cable.
        let _ = to.transmit(&buffer[..count]).await;
    }
}

async fn take(wires: Arc<Wires>, end: End, plug: Arc<Plug>) {
    let mut buffer = vec![0; MAX_FRAME_BYTES];
    loop {
        match plug.receive(&mut buffer).await {
            Ok(count) => wires.received(&end, &buffer[..count]),
            Err(error) => {
                tracing::error!(%end, %error, "a cable's end broke");
                return;
            }
        }
    }
}

/// A frame in an end's queue.
struct Outgoing {
    frame: Vec<u8>,
    /// When it may leave; delayed frames keep their order.
    due: Option<tokio::time::Instant>,
}

async fn give(plug: Arc<Plug>, mut frames: Receiver<Outgoing>) {
    while let Some(Outgoing { frame, due }) = frames.recv().await {
        if let Some(due) = due {
            tokio::time::sleep_until(due).await;
        }
        // A server that is off has no socket: the frame falls off the end of the cable.
        let _ = plug.transmit(&frame).await;
    }
}

async fn announce(wires: Arc<Wires>) {
    let mut interval = tokio::time::interval(lldp::INTERVAL);
    loop {
        interval.tick().await;
        let passage = wires.fabric().announce(wires.born.elapsed());
        wires.carry(passage);
    }
}
