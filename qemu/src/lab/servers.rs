//! The rack's servers: on or off, their serial ports, the carriers of their NICs.

use super::{
    conversation::chain,
    events::{Events, What},
    refusal::Refusal,
    serial::Serial,
    wires::Wires,
};
use crate::{
    bmc::{Ports, redfish},
    machine::{
        argv::{Accelerator, Places, Start},
        qmp::MachineEvent,
        running::{Machine, MachineError, Started},
    },
    rack::{NicRef, PortRef, Rack, ServerSpec},
    switch::fabric::End,
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// Where sockets lie: on the lab's own `/run`, where paths are short and vanish with it.
const SOCKETS: &str = "/run/pious-lab";

/// How long a cable is in nobody's port while it is moved; a hand takes longer. A virtio NIC whose carrier is back before
/// its driver looked (virtnet_config_changed_work) tells its system nothing, which no real NIC does: its link takes a
/// second to come up.
const CABLE_IN_HAND: Duration = Duration::from_secs(1);

/// All servers of a rack.
pub struct Servers {
    rack: Arc<Rack>,
    files: PathBuf,
    accelerator: Accelerator,
    wires: Arc<Wires>,
    events: Arc<Events>,
    serials: BTreeMap<String, Arc<Serial>>,
    /// The Redfish services of the servers' BMCs.
    redfish: BTreeMap<String, Arc<redfish::Service>>,
    on: Mutex<BTreeMap<String, Arc<Machine>>>,
    /// Servers that are being switched on.
    starting: Mutex<Vec<String>>,
    /// Where each cable was last, for `plug` without a port.
    last: Mutex<BTreeMap<NicRef, PortRef>>,
    off: watch::Sender<()>,
}

/// What the end of a QEMU is for its server.
enum Ending {
    /// It is off.
    Off,
    /// It goes on in another.
    Reset { guest: bool },
}

/// A server's places beneath the run directory.
pub fn places(files: &Path, server: &str) -> Places {
    Places { files: files.join("servers").join(server), sockets: Path::new(SOCKETS).join(server) }
}

impl Servers {
    /// All off. A run starts with empty disks: what an earlier one left behind is removed.
    pub fn new(
        rack: Arc<Rack>,
        files: &Path,
        accelerator: Accelerator,
        wires: Arc<Wires>,
        events: Arc<Events>,
        redfish: BTreeMap<String, Arc<redfish::Service>>,
    ) -> io::Result<Self> {
        let mut serials = BTreeMap::new();
        let mut last = BTreeMap::new();
        for server in &rack.servers {
            let places = places(files, &server.name);
            match std::fs::remove_dir_all(&places.files) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            std::fs::create_dir_all(&places.files)?;
            serials.insert(server.name.clone(), Arc::new(Serial::create(&places.serial_log())?));
            for nic in &server.nics {
                if let Some(port) = &nic.cable {
                    last.insert(NicRef { server: server.name.clone(), nic: nic.name.clone() }, port.clone());
                }
            }
        }
        Ok(Self {
            rack,
            files: files.to_owned(),
            accelerator,
            wires,
            events,
            serials,
            redfish,
            on: Mutex::default(),
            starting: Mutex::default(),
            last: Mutex::new(last),
            off: watch::Sender::new(()),
        })
    }

    /// Switches a server on.
    pub async fn boot(self: &Arc<Self>, name: &str) -> Result<(), Refusal> {
        let server = self.rack.server(name)?.clone();
        {
            let mut starting = lock(&self.starting);
            if lock(&self.on).contains_key(name) || starting.iter().any(|other| other == name) {
                return Err(Refusal::AlreadyOn(name.to_owned()));
            }
            starting.push(name.to_owned());
        }
        let started = self.switch_on(&server).await;
        lock(&self.starting).retain(|other| other != name);
        Ok(started?)
    }

    /// Where the BMC of a server that has one waits for it.
    fn bmc_port(&self, name: &str) -> Option<u16> {
        let place = self.rack.servers.iter().position(|server| server.name == name && server.bmc.is_some())?;
        Some(Ports::of(place).system)
    }

    /// The Redfish service of a server's BMC.
    pub fn redfish(&self, name: &str) -> Result<&Arc<redfish::Service>, Refusal> {
        self.rack.server(name)?;
        self.redfish.get(name).ok_or_else(|| Refusal::NoRedfish(name.to_owned()))
    }

    async fn switch_on(self: &Arc<Self>, server: &ServerSpec) -> Result<(), MachineError> {
        let started = self.start(server).await?;
        let machine = Arc::clone(&started.machine);
        self.events.add(Some(&server.name), What::PowerOn);
        tokio::spawn(Arc::clone(self).attend(server.clone(), started));
        machine.run().await
    }

    /// A QEMU whose guest stands still yet.
    async fn start(&self, server: &ServerSpec) -> Result<Started, MachineError> {
        let (bios_version, boot) = match self.redfish.get(&server.name) {
            Some(bmc) => bmc.host_starts(),
            None => Default::default(),
        };
        let start = Start { bmc: self.bmc_port(&server.name), bios_version, boot };
        let places = places(&self.files, &server.name);
        let started = Machine::start(server, places, self.accelerator, &start).await?;
        let machine = &started.machine;
        for (index, nic) in server.nics.iter().enumerate() {
            let end = End::Nic(NicRef { server: server.name.clone(), nic: nic.name.clone() });
            if self.carrier(&end).is_none() {
                machine.set_carrier(index, false).await?;
            }
        }
        lock(&self.on).insert(server.name.clone(), Arc::clone(machine));
        Ok(started)
    }

    /// Stays with a server until it is off.
    async fn attend(self: Arc<Self>, server: ServerSpec, started: Started) {
        let name = &server.name;
        let mut running = Some(started);
        while let Some(started) = running.take() {
            let before = Arc::clone(&started.machine);
            if let Ending::Reset { guest } = self.attend_once(name, started).await
                && !before.is_unplugged()
            {
                self.events.add(Some(name), What::Reset { guest });
                running = match self.start_again(&server, &before).await {
                    Ok(started) => Some(started),
                    Err(error) => {
                        tracing::error!(server = name, "{}", chain(&error));
                        None
                    }
                };
            }
        }
        if let Some(bmc) = self.redfish.get(name) {
            bmc.host_is_off();
        }
        lock(&self.on).remove(name);
        self.events.add(Some(name), What::Off);
        self.off.send_replace(());
    }

    async fn start_again(&self, server: &ServerSpec, before: &Machine) -> Result<Started, MachineError> {
        let started = self.start(server).await?;
        // Whoever pulled the cord meanwhile had only the old one to pull it of.
        if before.is_unplugged() {
            started.machine.power_off().await?;
        } else {
            started.machine.run().await?;
        }
        Ok(started)
    }

    /// Stays with a QEMU until it ends.
    async fn attend_once(&self, name: &str, started: Started) -> Ending {
        let Started { machine, mut process, mut events, serial } = started;
        let mut ending = Ending::Off;
        let copying = self.serials.get(name).map(|log| {
            let log = Arc::clone(log);
            tokio::spawn(async move { log.follow(serial).await })
        });
        let mut finished = false;
        while let Some(event) = events.recv().await {
            match event {
                MachineEvent::Reset { guest } => self.events.add(Some(name), What::Reset { guest }),
                MachineEvent::Restart { guest } => {
                    ending = Ending::Reset { guest };
                    finished = true;
                    if let Err(error) = machine.end().await {
                        tracing::warn!(server = name, "{}", chain(&error));
                    }
                }
                MachineEvent::Shutdown { guest: true } => {
                    self.events.add(Some(name), What::Shutdown { guest: true });
                    finished = true;
                    if let Err(error) = machine.finish().await {
                        tracing::warn!(server = name, "{}", chain(&error));
                    }
                }
                // That of `finish`.
                MachineEvent::Shutdown { guest: false } if finished => {}
                MachineEvent::Shutdown { guest: false } => {
                    self.events.add(Some(name), What::Shutdown { guest: false });
                }
                MachineEvent::Other(other) => tracing::debug!(server = name, other, "QEMU"),
            }
        }
        let status = process.wait().await;
        if let Some(copying) = copying {
            let _ = copying.await;
        }
        tracing::info!(server = name, ?status, "QEMU ended");
        ending
    }

    /// A server that is on.
    pub fn machine(&self, name: &str) -> Result<Arc<Machine>, Refusal> {
        self.rack.server(name)?;
        lock(&self.on).get(name).cloned().ok_or_else(|| Refusal::Off(name.to_owned()))
    }

    /// Whether a server is on.
    pub fn is_on(&self, name: &str) -> bool {
        lock(&self.on).contains_key(name)
    }

    /// Pulls every power cord, and waits until all are off.
    pub async fn all_off(&self) {
        let mut off = self.off.subscribe();
        let machines: Vec<Arc<Machine>> = lock(&self.on).values().cloned().collect();
        for machine in machines {
            let _ = machine.power_off().await;
        }
        while !lock(&self.on).is_empty() {
            let _ = off.changed().await;
        }
    }

    /// A server's serial port.
    pub fn serial(&self, name: &str) -> Result<Arc<Serial>, Refusal> {
        self.rack.server(name)?;
        self.serials.get(name).cloned().ok_or_else(|| Refusal::Off(name.to_owned()))
    }

    /// Pulls a cable: nothing passes any more, and the NIC loses its carrier.
    pub async fn unplug(&self, nic: &NicRef) -> Result<PortRef, Refusal> {
        self.rack.nic(nic)?;
        let end = End::Nic(nic.clone());
        let port = self.wires.fabric().unplug(&end).ok_or_else(|| Refusal::NotPlugged(nic.clone()))?;
        lock(&self.last).insert(nic.clone(), port.clone());
        self.wires.tell_daemon(&port);
        self.tell_carrier(nic).await?;
        let (nic, was_in) = (nic.to_string(), port.to_string());
        self.events.add(None, What::Unplugged { nic, port: was_in });
        Ok(port)
    }

    /// Plugs a cable: into the port named, or the one it was in last.
    pub async fn plug(&self, nic: &NicRef, port: Option<PortRef>) -> Result<PortRef, Refusal> {
        self.rack.nic(nic)?;
        let last = || lock(&self.last).get(nic).cloned();
        let port = port.or_else(last).ok_or_else(|| Refusal::NeverPlugged(nic.clone()))?;
        let end = End::Nic(nic.clone());
        self.wires.fabric().plug(end.clone(), &port)?;
        lock(&self.last).insert(nic.clone(), port.clone());
        self.tell_carrier(nic).await?;
        self.wires.tell_daemon(&port);
        self.wires.announce_to(&end);
        self.events.add(None, What::Plugged { nic: nic.to_string(), port: port.to_string() });
        Ok(port)
    }

    /// Moves a cable; answers the port it was in. Where it can't be plugged, it goes back.
    pub async fn move_cable(&self, nic: &NicRef, port: PortRef) -> Result<PortRef, Refusal> {
        let was_in = self.unplug(nic).await?;
        if self.is_on(&nic.server) {
            tokio::time::sleep(CABLE_IN_HAND).await;
        }
        match self.plug(nic, Some(port)).await {
            Ok(_) => Ok(was_in),
            Err(refusal) => {
                self.plug(nic, Some(was_in)).await?;
                Err(refusal)
            }
        }
    }

    /// Sets the carriers of the NIC at a port, after the port was shut or opened.
    pub async fn port_changed(&self, port: &PortRef) -> Result<(), Refusal> {
        self.wires.tell_daemon(port);
        let end = self.wires.fabric().end_at(port).cloned();
        match end {
            Some(End::Nic(nic)) => self.tell_carrier(&nic).await,
            Some(End::Interface(_) | End::Daemon(_) | End::Bmc(_)) | None => Ok(()),
        }
    }

    /// The port that gives an end its carrier: one that is plugged and not shut.
    fn carrier(&self, end: &End) -> Option<PortRef> {
        let fabric = self.wires.fabric();
        let port = fabric.port_of(end)?;
        fabric.is_down(&port).is_ok_and(|down| !down).then_some(port)
    }

    async fn tell_carrier(&self, nic: &NicRef) -> Result<(), Refusal> {
        let Ok(machine) = self.machine(&nic.server) else { return Ok(()) };
        let nics = &self.rack.server(&nic.server)?.nics;
        if let Some(index) = nics.iter().position(|spec| spec.name == nic.nic) {
            machine.set_carrier(index, self.carrier(&End::Nic(nic.clone())).is_some()).await?;
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
