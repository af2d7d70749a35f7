//! Where the rack's Redfish services live: each in a network namespace of its own, with the taps of its management port
//! and of the wire to its server, on a thread that never leaves it. So what it listens at and what it fetches are its
//! own, and reach it through the switches or from its server, as in a rack.
//!
//! Who may log in is asked of the server's `ipmi_sim`, and the power is the lab's: both on the lab's own threads.

use super::{conversation::chain, interface, servers::Servers, wires::Doors};
use crate::{
    bmc::{
        Ports,
        redfish::{
            Authenticate, Description, Host, ResetType, Service, Versions,
            service::{Parts, log_file},
            state::Sensor,
        },
        session,
    },
    machine::smbios::REDFISH_PORT,
    rack::{
        BmcSpec, Measure, NicSpec, Rack, RedfishSpec, ServerSpec,
        redfish::{HOST_INTERFACE_PREFIX, HOST_INTERFACE_SERVICE},
    },
};
use anyhow::Context;
use nix::sched::{CloneFlags, unshare};
use pious_protocol::firmware::FirmwareComponent;
use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, TcpListener},
    os::fd::OwnedFd,
    path::Path,
    pin::Pin,
    sync::{Arc, OnceLock, Weak, mpsc},
    thread,
    time::Duration,
};
use tokio::runtime::Handle;

/// The names of its interfaces, in its own namespace.
const MANAGEMENT: &str = "eth0";
const HOST_INTERFACE: &str = "usb0";

/// A namespace that waits for its service.
pub struct House {
    server: String,
    doors: Option<Doors>,
    tenant: mpsc::Sender<Arc<Service>>,
}

impl House {
    /// Its taps; each can be taken once.
    pub fn take_doors(&mut self) -> Option<Doors> {
        self.doors.take()
    }
}

/// A house for each Redfish service of the rack.
pub fn houses(rack: &Rack) -> anyhow::Result<Vec<House>> {
    let spec = |server: &ServerSpec| server.bmc.clone().filter(|bmc| bmc.redfish.is_some());
    let with = rack.servers.iter().filter_map(|server| Some((server, spec(server)?)));
    with.map(|(server, bmc)| {
        build(&server.name, bmc).with_context(|| format!("making the network of {}'s BMC", server.name))
    })
    .collect()
}

fn build(server: &str, bmc: BmcSpec) -> io::Result<House> {
    let (tenant, tenants) = mpsc::channel::<Arc<Service>>();
    let (built, answer) = mpsc::channel();
    let nic = bmc.host_nic();
    // It ends with the process: nobody else is in the namespace.
    thread::Builder::new().name(format!("bmc-{server}")).spawn(move || {
        let (taps, listener) = match furnish(&bmc) {
            Ok((taps, listener)) => (Ok(taps), Some(listener)),
            Err(error) => (Err(error), None),
        };
        let _ = built.send(taps);
        if let (Some(listener), Ok(service)) = (listener, tenants.recv())
            && let Err(error) = live(service, listener)
        {
            tracing::error!(%error, "a BMC's Redfish service ended");
        }
    })?;
    let Taps { management, host } = answer.recv().map_err(io::Error::other)??;
    let host = nic.zip(host);
    Ok(House { server: server.to_owned(), doors: Some(Doors { server: server.to_owned(), management, host }), tenant })
}

struct Taps {
    management: Option<OwnedFd>,
    host: Option<OwnedFd>,
}

/// Leaves the calling thread's network for a new one, and makes everything in that.
fn furnish(bmc: &BmcSpec) -> io::Result<(Taps, TcpListener)> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    interface::up("lo")?;
    let has_cable = bmc.redfish.as_ref().is_some_and(|redfish| redfish.cable.is_some());
    let tap = |name, mac, address: Ipv4Addr, prefix| {
        let tap = interface::tap(name)?;
        interface::set_mac(name, mac)?;
        interface::up(name)?;
        interface::add_ipv4(name, address, prefix)?;
        io::Result::Ok(tap)
    };
    let prefix = u8::try_from(bmc.mask.to_bits().count_ones()).unwrap_or(u8::MAX);
    let management = has_cable.then(|| tap(MANAGEMENT, bmc.mac, bmc.address, prefix)).transpose()?;
    if let Some(gateway) = bmc.gateway.filter(|_| has_cable) {
        interface::default_route(gateway)?;
    }
    let host = bmc
        .host_nic()
        .map(|_: NicSpec| tap(HOST_INTERFACE, bmc.host_interface_mac(), HOST_INTERFACE_SERVICE, HOST_INTERFACE_PREFIX));
    let host = host.transpose()?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, REDFISH_PORT))?;
    Ok((Taps { management, host }, listener))
}

/// With a runtime of this thread alone: whatever that starts is in the same namespace.
fn live(service: Arc<Service>, listener: TcpListener) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(service.serve(listener))
}

/// The services move in, and listen.
pub fn open(houses: Vec<House>, services: &BTreeMap<String, Arc<Service>>) {
    for house in houses {
        if let Some(service) = services.get(&house.server) {
            // It waits for nothing else.
            let _ = house.tenant.send(Arc::clone(service));
        }
    }
}

/// The Redfish services of a rack, by server. Called within the lab's runtime.
pub fn services(rack: &Rack, dir: &Path, hands: &Arc<Hands>) -> anyhow::Result<BTreeMap<String, Arc<Service>>> {
    let mut services = BTreeMap::new();
    for (place, server) in rack.servers.iter().enumerate() {
        let Some((bmc, redfish)) = server.bmc.as_ref().and_then(|bmc| Some((bmc, bmc.redfish.as_ref()?))) else {
            continue;
        };
        let log = dir.join("logs").join(format!("bmc-{}.jsonl", server.name));
        let parts = Parts {
            is: description(server, bmc, redfish),
            users: Arc::new(IpmiUsers { port: Ports::of(place).lan, lab: Handle::current() }),
            host: Some(Arc::new(Server {
                name: server.name.clone(),
                hands: Arc::clone(hands),
                lab: Handle::current(),
            })),
            log: Some(log_file(&log).with_context(|| format!("creating {}", log.display()))?),
        };
        let service =
            Service::new(parts).with_context(|| format!("making the certificate of {}'s BMC", server.name))?;
        services.insert(server.name.clone(), service);
    }
    Ok(services)
}

fn description(server: &ServerSpec, bmc: &BmcSpec, redfish: &RedfishSpec) -> Description {
    let own = redfish.bmc_version.clone().unwrap_or_else(|| bmc.firmware.to_string());
    let sensors = bmc.sensors.iter().map(|sensor| {
        let (reading_type, units) = match sensor.kind {
            Measure::Temperature => ("Temperature", "Cel"),
            Measure::Voltage => ("Voltage", "V"),
            Measure::Fan => ("Rotational", "{rev}/min"),
            Measure::Power => ("Power", "W"),
        };
        Sensor { name: sensor.name.clone(), reading_type, units, reading: f64::from(sensor.milli) / 1000.0 }
    });
    Description {
        style: redfish.style,
        name: server.name.clone(),
        manufacturer: server.manufacturer.clone(),
        model: redfish.model.clone().unwrap_or_else(|| server.product.clone()),
        serial: server.serial.clone(),
        uuid: server.uuid,
        versions: Versions::from([
            (FirmwareComponent::Bmc, own),
            (FirmwareComponent::Bios, redfish.bios_version.clone()),
            (FirmwareComponent::Nic, redfish.nic_version.clone()),
            (FirmwareComponent::Psu, redfish.psu_version.clone()),
        ]),
        flash: Duration::from_millis(redfish.flash_ms),
        restart: Duration::from_millis(redfish.restart_ms),
        sensors: sensors.collect(),
    }
}

/// The users that IPMI has: whoever is made over the server's own system interface may log in here too.
struct IpmiUsers {
    port: u16,
    lab: Handle,
}

impl Authenticate for IpmiUsers {
    fn authenticate<'a>(&'a self, user: &'a str, password: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        let (port, user, password) = (self.port, user.to_owned(), password.to_owned());
        Box::pin(async move {
            // A thread for it must be one of the lab's: one that is started here would be in the BMC's network.
            let asked = self.lab.spawn(async move {
                tokio::task::spawn_blocking(move || session::admits(port, &user, &password)).await.unwrap_or(false)
            });
            asked.await.unwrap_or(false)
        })
    }
}

/// What reaches the lab's servers, once there are any.
#[derive(Default)]
pub struct Hands(OnceLock<Weak<Servers>>);

impl Hands {
    /// Reaches for the servers.
    pub fn reach(&self, servers: &Arc<Servers>) {
        // It is done once.
        let _ = self.0.set(Arc::downgrade(servers));
    }

    fn servers(&self) -> Option<Arc<Servers>> {
        self.0.get()?.upgrade()
    }
}

/// A server, as its BMC has hold of it.
struct Server {
    name: String,
    hands: Arc<Hands>,
    lab: Handle,
}

impl Host for Server {
    fn reset(&self, reset: ResetType) {
        let Some(servers) = self.hands.servers() else { return };
        let name = self.name.clone();
        self.lab.spawn(async move {
            if let Err(error) = obey(&servers, &name, reset).await {
                tracing::warn!(server = name, ?reset, "{}", chain(&error));
            }
        });
    }
}

async fn obey(servers: &Arc<Servers>, name: &str, reset: ResetType) -> Result<(), super::refusal::Refusal> {
    let is_on = servers.is_on(name);
    match reset {
        ResetType::On if is_on => Ok(()),
        ResetType::On => servers.boot(name).await,
        ResetType::ForceOff if !is_on => Ok(()),
        ResetType::ForceOff => Ok(servers.machine(name)?.power_off().await?),
        ResetType::GracefulShutdown => Ok(servers.machine(name)?.press_power_button().await?),
        // A guest that is asked to restart need not; a reset button is pressed by the BMC, too, after a while.
        ResetType::GracefulRestart | ResetType::ForceRestart | ResetType::PowerCycle => match is_on {
            true => Ok(servers.machine(name)?.reset().await?),
            false => servers.boot(name).await,
        },
    }
}
