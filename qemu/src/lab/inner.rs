//! The inner process: brings everything up in its order, does what the control socket asks, takes everything down.

use super::{
    bmcs,
    control::{NicStatus, Request, SOCKET, ServerStatus, ServiceAction, ServiceName, ServiceStatus, Status},
    conversation,
    events::{Events, What},
    faults::Faulty,
    forward,
    house::{self, Hands, House},
    lldpd, namespace,
    options::Options,
    ownership, programs,
    refusal::Refusal,
    servers::{Servers, places},
    services::{PxeFile, Service},
    wires::{DaemonTap, Wires},
};
use crate::{
    rack::{NicRef, Rack},
    switch::{fabric::End, lldp},
};
use anyhow::Context;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::UnixListener,
    process::Command,
    signal::unix::{SignalKind, signal},
    sync::{Mutex, Notify},
};

/// Where Senzu and pxe are, and who may promote.
pub const PROVISIONING_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// A source on the same network that may not promote.
pub const STRANGER_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 66);
/// The lab's address on the BMC network.
pub const BMC_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
/// What dnsmasq's router advertisements come from.
pub const PROVISIONING_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1);
/// Senzu's.
pub const SENZU: SocketAddr = SocketAddr::new(IpAddr::V4(PROVISIONING_ADDRESS), 8443);

/// `lldpd` waits up to a second before its first frame, and two cores may be busy.
const LLDPD_SPEAKS_WITHIN: Duration = Duration::from_secs(20);

/// The lab, from inside.
pub(super) struct Inner {
    rack: Arc<Rack>,
    options: Options,
    wires: Arc<Wires>,
    pub(super) servers: Arc<Servers>,
    pub(super) events: Arc<Events>,
    services: Mutex<BTreeMap<ServiceName, Service>>,
    fault: Mutex<Option<Faulty>>,
    page: Option<String>,
    forwards: AtomicUsize,
    down: Notify,
}

/// Runs the lab until it is told to end. `detached`: standard input says nothing about the one who started us.
pub async fn run(
    options: Options,
    rack_file: &Path,
    listener: Option<std::net::TcpListener>,
    detached: bool,
) -> anyhow::Result<()> {
    let orphaned = orphaned(detached);
    tokio::pin!(orphaned);
    let mut stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    let [terminate, interrupt] = &mut stop;
    let up = async {
        let (inner, others) = bring_up(options, rack_file, listener).await?;
        let control = UnixListener::bind(inner.options.dir.join(SOCKET)).context("opening the control socket")?;
        tokio::spawn(conversation::serve(Arc::clone(&inner), control));
        println!("ready {}", json!({ "page": inner.page }));
        anyhow::Ok((inner, others))
    };
    let (inner, others) = tokio::select! {
        up = up => up?,
        () = &mut orphaned => anyhow::bail!("whoever started the lab is gone"),
        _ = terminate.recv() => anyhow::bail!("told to end while starting"),
        _ = interrupt.recv() => anyhow::bail!("told to end while starting"),
    };
    tokio::select! {
        () = inner.down.notified() => {}
        () = &mut orphaned => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    inner.take_down(others).await;
    Ok(())
}

/// Comes back when standard input ends: its other end is held by the process that wants this lab.
async fn orphaned(detached: bool) {
    if detached {
        std::future::pending::<()>().await;
    }
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    // A thread of its own: a read of standard input can't be waited for otherwise, and this one lasts as long as we do.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop(ended);
    });
    let _ = end.await;
}

async fn bring_up(
    options: Options,
    rack_file: &Path,
    listener: Option<std::net::TcpListener>,
) -> anyhow::Result<(Arc<Inner>, Vec<Service>)> {
    let text = std::fs::read_to_string(rack_file).with_context(|| format!("reading {}", rack_file.display()))?;
    let rack = Arc::new(Rack::parse(&text).with_context(|| rack_file.display().to_string())?);
    let folder = rack_file.parent().unwrap_or(Path::new("."));
    // Whatever an earlier lab learnt in the same directory is not this one's.
    for directory in ["logs", "forward", "pxe"] {
        let path = options.dir.join(directory);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
    }
    let events = Arc::new(Events::create(&options.dir.join("events.jsonl")).context("creating events.jsonl")?);
    let at = |server: &str| places(&options.dir, server);
    let mut houses = house::houses(&rack)?;
    let doors = houses.iter_mut().filter_map(House::take_doors).collect();
    let (wires, daemons) = Wires::build(&rack, folder, &at, doors, Arc::clone(&events))?;
    namespace::addresses()?;
    let (wires_, events_) = (Arc::clone(&wires), Arc::clone(&events));
    let hands = Arc::new(Hands::default());
    let redfish = house::services(&rack, &options.dir, &hands)?;
    let services = redfish.clone();
    let servers = Servers::new(Arc::clone(&rack), &options.dir, options.accelerator, wires_, events_, redfish)
        .context("making the servers' directories")?;
    let servers = Arc::new(servers);
    hands.reach(&servers);
    let page = match listener {
        Some(listener) => {
            let page = format!("https://{}/", listener.local_addr()?);
            forward::host(listener, SENZU)?;
            Some(page)
        }
        None => None,
    };
    let inner = Arc::new(Inner {
        rack,
        options,
        wires,
        servers,
        events,
        services: Mutex::default(),
        fault: Mutex::default(),
        page,
        forwards: AtomicUsize::new(0),
        down: Notify::new(),
    });
    let mut others = inner.start_lldpds(&daemons)?;
    others.extend(bmcs::start(&inner.rack, &inner.options.dir).await?);
    // Whom they let in, ipmi_sim knows.
    house::open(houses, &services);
    inner.prepare_senzu().await?;
    if inner.options.senzu {
        inner.start(ServiceName::Senzu).await?;
    }
    if inner.options.pxe {
        inner.start(ServiceName::Pxe).await?;
    }
    inner.lldpds_speak(&daemons).await?;
    Ok((inner, others))
}

impl Inner {
    fn log(&self, name: &str) -> PathBuf {
        self.options.dir.join("logs").join(format!("{name}.log"))
    }

    fn senzu_data(&self) -> PathBuf {
        self.options.dir.join("senzu")
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Refusal> {
        std::fs::write(path, text).map_err(|source| Refusal::File { what: "writing", path: path.to_owned(), source })
    }

    /// A fresh Senzu, with the keys that the image trusts and the assets that the rack has.
    async fn prepare_senzu(&self) -> Result<(), Refusal> {
        let (data, trust) = (self.senzu_data(), &self.options.trust);
        let file = |what, path: &Path| {
            let path = path.to_owned();
            move |source| Refusal::File { what, path, source }
        };
        let _ = std::fs::remove_dir_all(&data);
        std::fs::create_dir_all(&data).map_err(file("creating", &data))?;
        let missing = file("reading Senzu's keys (made by senzu-stub init --data) from", trust);
        for entry in std::fs::read_dir(trust).map_err(missing)?.flatten() {
            if entry.path().is_file() {
                std::fs::copy(entry.path(), data.join(entry.file_name())).map_err(file("copying", &entry.path()))?;
            }
        }
        let import = self.options.dir.join("senzu-import.json");
        self.write(&import, &format!("{:#}\n", self.rack.senzu_import()))?;
        let mut command = self.own("senzu-stub")?;
        command.arg("import").arg("--data").arg(&data).arg(&import);
        Ok(Service::run("senzu-stub import", command, &self.log("senzu")).await?)
    }

    fn own(&self, name: &str) -> Result<Command, Refusal> {
        Ok(Command::new(programs::own(&self.options.programs, name)?))
    }

    async fn start(&self, name: ServiceName) -> Result<(), Refusal> {
        let mut services = self.services.lock().await;
        if services.get(&name).is_some_and(Service::runs) {
            return Err(Refusal::ServiceRuns(name.name()));
        }
        let command = match name {
            ServiceName::Senzu => {
                let mut command = self.own("senzu-stub")?;
                command.arg("serve").arg("--data").arg(self.senzu_data());
                command.args(["--listen", &SENZU.to_string()]);
                command.args(["--facts-period-s", &self.options.facts_period_s.to_string()]);
                command
            }
            ServiceName::Pxe => {
                programs::installed("dnsmasq", "dnsmasq-base")?;
                let file = self.options.dir.join("pxe.toml");
                let state = self.options.dir.join("pxe");
                let ca = self.options.trust.join("ca.pem");
                let text =
                    PxeFile { state: &state, image: &self.options.image, ca: &ca, cmdline: &self.options.cmdline };
                self.write(&file, &text.text())?;
                let mut command = self.own("pious-pxe")?;
                command.arg("serve").arg("--config").arg(&file);
                command
            }
        };
        let mut service = Service::start(name.name(), command, &self.log(name.name()))?;
        service.ready().await?;
        let (events, end) = (Arc::clone(&self.events), service.end());
        events.add(None, What::ServiceUp { service: name.name().into() });
        tokio::spawn(async move {
            let status = end.await;
            events.add(None, What::ServiceDown { service: name.name().into(), status });
        });
        services.insert(name, service);
        Ok(())
    }

    async fn stop(&self, name: ServiceName) -> Result<(), Refusal> {
        let service = self.services.lock().await.remove(&name).ok_or(Refusal::ServiceStopped(name.name()))?;
        service.stop().await;
        Ok(())
    }

    /// One `lldpd` for each switch that has ports for it.
    fn start_lldpds(&self, daemons: &[DaemonTap]) -> anyhow::Result<Vec<Service>> {
        let mut lldpds = Vec::new();
        for switch in &self.rack.switches {
            let mine = daemons.iter().filter(|(_, port)| port.switch == switch.name);
            let taps: Vec<_> = mine
                .filter_map(|(tap, at)| Some((tap.clone(), switch.ports.iter().find(|port| port.name == at.port)?)))
                .collect();
            if taps.is_empty() {
                continue;
            }
            // Where its privilege separation wants to be; on the lab's own /run.
            std::fs::create_dir_all("/run/lldpd").context("creating /run/lldpd")?;
            let configuration = self.options.dir.join(format!("lldpd-{}.conf", switch.name));
            self.write(&configuration, &lldpd::configuration(switch, &taps, lldp::INTERVAL))?;
            let names: Vec<&str> = taps.iter().map(|(tap, _)| tap.as_str()).collect();
            let mut command = Command::new(programs::installed("lldpd", "lldpd")?);
            command.args(["-d", "-I", &names.join(",")]);
            command.arg("-u").arg(format!("/run/lldpd-{}.socket", switch.name));
            command.arg("-O").arg(&configuration);
            lldpds.push(Service::start("lldpd", command, &self.log(&format!("lldpd-{}", switch.name)))?);
        }
        Ok(lldpds)
    }

    /// Waits until every `lldpd` was heard on each of its taps that has a cable.
    async fn lldpds_speak(&self, daemons: &[DaemonTap]) -> anyhow::Result<()> {
        // Into an empty port nobody speaks.
        let cabled = daemons.iter().filter(|(_, port)| self.wires.has_cable(port));
        let (mut waiting, mut next) = (cabled.map(|(_, port)| port.to_string()).collect::<Vec<_>>(), 0);
        let heard = async {
            while !waiting.is_empty() {
                let event = self.events.get(next).await;
                next += 1;
                if let What::LldpdSpeaks { port } = event.what {
                    waiting.retain(|silent| *silent != port);
                }
            }
        };
        if tokio::time::timeout(LLDPD_SPEAKS_WITHIN, heard).await.is_err() {
            anyhow::bail!(
                "lldpd did not speak on {} within {} s; see {}",
                waiting.join(", "),
                LLDPD_SPEAKS_WITHIN.as_secs(),
                self.options.dir.join("logs").display()
            );
        }
        Ok(())
    }

    /// `others`: those that nobody outside can stop.
    async fn take_down(&self, others: Vec<Service>) {
        self.servers.all_off().await;
        for name in [ServiceName::Pxe, ServiceName::Senzu] {
            let _ = self.stop(name).await;
        }
        for other in others {
            other.stop().await;
        }
        if let Some(fault) = self.fault.lock().await.take() {
            fault.stop().await;
        }
        let _ = std::fs::remove_file(self.options.dir.join(SOCKET));
        let _ = std::fs::remove_dir_all(self.options.dir.join("forward"));
        ownership::give_back(&self.options.dir);
    }

    async fn status(&self) -> Status {
        let services = self.services.lock().await;
        let service = |name: ServiceName| ServiceStatus {
            name: name.name().into(),
            running: services.get(&name).is_some_and(Service::runs),
        };
        let fabric = self.wires.fabric();
        let servers = self.rack.servers.iter().map(|server| ServerStatus {
            name: server.name.clone(),
            on: self.servers.is_on(&server.name),
            nics: server
                .nics
                .iter()
                .map(|nic| {
                    let end = End::Nic(NicRef { server: server.name.clone(), nic: nic.name.clone() });
                    NicStatus { name: nic.name.clone(), mac: nic.mac, port: fabric.port_of(&end) }
                })
                .collect(),
        });
        Status {
            rack: self.rack.name.clone(),
            page: self.page.clone(),
            services: vec![service(ServiceName::Senzu), service(ServiceName::Pxe)],
            servers: servers.collect(),
            events: self.events.count(),
        }
    }

    /// Everything but the streams.
    pub(super) async fn perform(&self, request: Request) -> Result<Value, Refusal> {
        match request {
            Request::Status => Ok(json!(self.status().await)),
            Request::Boot { server } => self.servers.boot(&server).await.map(|()| Value::Null),
            Request::PowerOff { server } => {
                self.servers.machine(&server)?.power_off().await?;
                Ok(Value::Null)
            }
            Request::Reset { server } => {
                self.servers.machine(&server)?.reset().await?;
                Ok(Value::Null)
            }
            Request::Screenshot { server, file } => {
                let png = self.servers.machine(&server)?.screenshot().await?;
                std::fs::write(&file, png).map_err(|source| Refusal::File { what: "writing", path: file, source })?;
                Ok(Value::Null)
            }
            Request::TextAgain { server } => Ok(json!(self.servers.machine(&server)?.text_again().await?)),
            Request::Text { server } => Ok(json!(self.servers.machine(&server)?.text().await?)),
            Request::Unplug { nic } => Ok(json!(self.servers.unplug(&nic).await?)),
            Request::Plug { nic, port } => Ok(json!(self.servers.plug(&nic, port).await?)),
            Request::Move { nic, port } => Ok(json!(self.servers.move_cable(&nic, port).await?)),
            Request::Port { port, down, loss_percent, delay_ms, native } => {
                if let Some(vlan) = native {
                    self.wires.set_native(&port, vlan)?;
                }
                self.wires.fabric().with_port(&port, |port| {
                    port.down = down.unwrap_or(port.down);
                    port.loss_percent = loss_percent.unwrap_or(port.loss_percent);
                    port.delay = delay_ms.map_or(port.delay, Duration::from_millis);
                })?;
                self.servers.port_changed(&port).await.map(|()| Value::Null)
            }
            Request::Capture { port, file } => Ok(self.wires.capture(&port, file.as_deref()).map(|()| Value::Null)?),
            Request::Forward { to, from } => self.forward(to, from),
            Request::Service { service, action: ServiceAction::Start } => {
                self.start(service).await.map(|()| Value::Null)
            }
            Request::Service { service, action: ServiceAction::Stop } => self.stop(service).await.map(|()| Value::Null),
            Request::Fault { fault } => {
                if self.services.lock().await.get(&ServiceName::Senzu).is_some_and(Service::runs) {
                    return Err(Refusal::SenzuInTheWay);
                }
                let mut place = self.fault.lock().await;
                // The one that is there must let go of the address first.
                if let Some(there) = place.take() {
                    there.stop().await;
                }
                if let Some(fault) = fault {
                    *place = Some(fault.start(SENZU, &self.senzu_data()).await.map_err(Refusal::Fault)?);
                }
                Ok(Value::Null)
            }
            Request::BmcFault { server, fault, sticky } => {
                self.servers.redfish(&server)?.fault(fault, sticky);
                Ok(Value::Null)
            }
            Request::BmcLog { server } => Ok(json!(self.servers.redfish(&server)?.log())),
            Request::Down => {
                self.down.notify_one();
                Ok(Value::Null)
            }
            // Streams: see `converse`.
            Request::Serial { .. } | Request::Watch { .. } => Ok(Value::Null),
        }
    }

    fn forward(&self, to: SocketAddr, from: Option<IpAddr>) -> Result<Value, Refusal> {
        let number = self.forwards.fetch_add(1, Ordering::Relaxed);
        let path = self.options.dir.join("forward").join(number.to_string());
        forward::unix(&path, to, from).map_err(|source| Refusal::File {
            what: "listening at",
            path: path.clone(),
            source,
        })?;
        Ok(json!(path))
    }
}
