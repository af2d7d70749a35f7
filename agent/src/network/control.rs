//! The one task that knows all NICs: follows the links, starts and ends what runs on each, applies leases, tells events.

use super::{
    Event, LinkState, Options, configuration,
    dhcp::{self, News},
    lease::{Configuration, Lease},
    links::Link,
    listening::{self, Learnt, Voice},
    packet_socket,
    rtnl::{self, Rtnl},
};
use crate::boot::clock;
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recv},
};
use pious_protocol::{
    facts::{Dhcp, Neighbours, Vlan},
    ids::MacAddress,
};
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr},
    os::fd::{AsRawFd, OwnedFd},
    thread,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::{mpsc, watch},
};
use tokio_util::task::AbortOnDropHandle;

/// What the NICs' tasks tell. A task that was ended may have told before; its `run` is then no longer the NIC's.
enum Report {
    Dhcp {
        interface: u32,
        run: u64,
        news: News,
    },
    /// The time was asked for; leases can be told now.
    ClockAsked {
        set: Option<clock::ClockSet>,
    },
    Learnt {
        interface: u32,
        learnt: Learnt,
    },
}

/// One NIC and what runs on it.
struct Port {
    link: Link,
    carrier: watch::Sender<bool>,
    /// Ends with the port.
    _listening: AbortOnDropHandle<()>,
    dhcp: Option<AbortOnDropHandle<()>>,
    run: u64,
    lease: Option<(Lease, Configuration)>,
    learnt: Learnt,
    /// DHCP's progress as it was told last.
    told_dhcp: Dhcp,
}

/// Runs until nobody holds the sender of `names` any more.
pub(super) async fn run(options: Options, names: watch::Receiver<String>, events: mpsc::Sender<Event>) {
    let (reports, mut inbox) = mpsc::unbounded_channel();
    // Listening starts before the first look, so that no change falls between the two.
    let changes = match rtnl::link_changes().and_then(packet_socket::watched) {
        Ok(changes) => changes,
        Err(error) => {
            tracing::error!("no network: cannot listen to link changes: {error}");
            return;
        }
    };
    let rtnl = match Rtnl::connect() {
        Ok(rtnl) => rtnl,
        Err(error) => {
            tracing::error!("no network: {error}");
            return;
        }
    };
    let mut ended = names.clone();
    let clock = if options.prepare_machine && !clock::is_told_by_boot() { Clock::Unsure } else { Clock::Sure };
    let mut control = Control {
        options,
        names,
        events,
        reports,
        rtnl,
        ports: BTreeMap::new(),
        chassis: None,
        told: None,
        runs: 0,
        clock,
    };
    control.begin();
    loop {
        control.follow_links().await;
        tokio::select! {
            changed = changed(&changes) => {
                if let Err(error) = changed {
                    tracing::error!("link changes are no longer told: {error}");
                    return;
                }
            }
            report = inbox.recv() => match report {
                Some(report) => control.hear(report).await,
                None => return,
            },
            ended = ended.changed() => {
                if ended.is_err() {
                    return;
                }
            }
        }
    }
}

struct Control {
    options: Options,
    names: watch::Receiver<String>,
    events: mpsc::Sender<Event>,
    reports: mpsc::UnboundedSender<Report>,
    rtnl: Rtnl,
    ports: BTreeMap<u32, Port>,
    told: Option<Vec<LinkState>>,
    runs: u64,
    clock: Clock,
    /// What we call the machine by LLDP, whatever the NIC: the first NIC's lasting address.
    chassis: Option<MacAddress>,
}

/// Whether the clock can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// Nobody has told the time: the first NTP server is asked.
    Unsure,
    /// An NTP server is being asked; leases are told when it has answered.
    Asking,
    /// The boot script told, or NTP, or nobody will.
    Sure,
}

impl Control {
    fn begin(&mut self) {
        if !self.options.configure {
            return;
        }
        configuration::forget_earlier_rules(&mut self.rtnl);
        if self.options.prepare_machine
            && let Ok(loopback) = nix::net::if_::if_nametoindex("lo")
            && let Err(error) = self.rtnl.set_up(loopback)
        {
            tracing::warn!("{error}");
        }
    }

    /// Looks at all links and does what their changes ask for. The kernel's messages only say when: a list is never out
    /// of step, whatever was lost or came at once.
    async fn follow_links(&mut self) {
        let links = match self.rtnl.links() {
            Ok(links) => links,
            Err(error) => {
                tracing::warn!("{error}");
                return;
            }
        };
        let links: Vec<Link> = links.into_iter().filter(|link| self.is_wanted(link)).map(Link::with_speed).collect();
        let gone: Vec<u32> =
            self.ports.keys().copied().filter(|index| links.iter().all(|link| link.state.index != *index)).collect();
        for interface in gone {
            self.end_lease(interface).await;
            self.ports.remove(&interface);
        }
        let states: Vec<LinkState> = links.iter().map(|link| link.state.clone()).collect();
        if self.told.as_ref() != Some(&states) {
            self.tell(Event::Links(states.clone())).await;
            self.told = Some(states);
        }
        for link in links {
            self.follow(link).await;
        }
    }

    fn is_wanted(&self, link: &Link) -> bool {
        match &self.options.only {
            Some(names) => names.contains(&link.state.name),
            None => link.is_physical(),
        }
    }

    async fn follow(&mut self, link: Link) {
        let interface = link.state.index;
        let had_carrier = match self.ports.get_mut(&interface) {
            Some(port) => {
                let was_moved = port.link.carrier_losses != link.carrier_losses;
                let had_carrier = port.link.has_carrier() && !was_moved;
                port.link = link.clone();
                had_carrier
            }
            None => {
                self.appear(link.clone());
                false
            }
        };
        let has_carrier = link.has_carrier();
        if !had_carrier || !has_carrier {
            self.end_lease(interface).await;
        }
        if let Some(port) = self.ports.get(&interface) {
            if !had_carrier && has_carrier {
                // A cable that was out for a moment may be in another port now: forget, then listen anew.
                port.carrier.send_replace(false);
            }
            port.carrier.send_if_modified(|known| std::mem::replace(known, has_carrier) != has_carrier);
        }
        if has_carrier && self.options.configure {
            self.ask(&link);
        }
    }

    /// A NIC came.
    fn appear(&mut self, link: Link) {
        let (interface, name) = (link.state.index, link.state.name.clone());
        if self.options.configure {
            configuration::forget_earlier_life(&mut self.rtnl, interface);
            bring_up(interface, name);
        }
        let (carrier, carriers) = watch::channel(false);
        let reports = self.reports.clone();
        let tell = move |learnt| {
            let _ended = reports.send(Report::Learnt { interface, learnt });
        };
        let voice = self.voice(&link);
        let listening = tokio::spawn(listening::run(interface, voice, carriers, tell));
        let learnt = Learnt { neighbours: Neighbours::default(), vlan: Vlan::default() };
        let port = Port {
            link,
            carrier,
            _listening: AbortOnDropHandle::new(listening),
            dhcp: None,
            run: 0,
            lease: None,
            learnt,
            told_dhcp: Dhcp::Idle,
        };
        self.ports.insert(interface, port);
    }

    fn voice(&mut self, link: &Link) -> Option<Voice> {
        let port = link.state.mac.filter(|_| self.options.configure)?;
        let chassis = *self.chassis.get_or_insert(link.state.permanent_mac.unwrap_or(port));
        Some(Voice { chassis, port, interface: link.state.name.clone(), system_name: self.names.clone() })
    }

    /// Starts DHCP, unless it runs.
    fn ask(&mut self, link: &Link) {
        let interface = link.state.index;
        let (Some(port), Some(mac)) = (self.ports.get_mut(&interface), link.state.mac) else { return };
        if port.dhcp.is_some() {
            return;
        }
        self.runs += 1;
        let run = self.runs;
        let reports = self.reports.clone();
        let nic = dhcp::Nic { index: interface, name: link.state.name.clone(), mac };
        let task = tokio::spawn(dhcp::run(nic, move |news| {
            let _ended = reports.send(Report::Dhcp { interface, run, news });
        }));
        port.run = run;
        port.dhcp = Some(AbortOnDropHandle::new(task));
    }

    /// Carrier is gone, or was: the address goes too, and what was a lease is asked for anew when it returns, because
    /// the cable may be in another VLAN by then.
    async fn end_lease(&mut self, interface: u32) {
        let Some(port) = self.ports.get_mut(&interface) else { return };
        if port.dhcp.take().is_none() {
            return;
        }
        port.run = 0;
        self.take_lease(interface).await;
        self.tell_dhcp(interface, Dhcp::Idle).await;
    }

    async fn take_lease(&mut self, interface: u32) {
        let lease = self.ports.get_mut(&interface).and_then(|port| port.lease.take());
        if let Some((_, configuration)) = lease {
            configuration::replace(&mut self.rtnl, Some(&configuration), None);
            self.name_services();
            self.tell_learnt(interface).await;
        }
    }

    async fn hear(&mut self, report: Report) {
        match report {
            Report::Dhcp { interface, run, news } if self.is_current(interface, run) => {
                self.progress(interface, news).await;
            }
            Report::ClockAsked { set } => {
                self.clock = Clock::Sure;
                if let Some(set) = set {
                    self.tell(Event::ClockSet { source: set.source }).await;
                }
                let interfaces: Vec<u32> = self.ports.keys().copied().collect();
                for interface in interfaces {
                    self.tell_bound(interface).await;
                }
            }
            Report::Learnt { interface, learnt } => {
                if let Some(port) = self.ports.get_mut(&interface) {
                    port.learnt = learnt;
                    self.tell_learnt(interface).await;
                }
            }
            Report::Dhcp { .. } => {}
        }
    }

    fn is_current(&self, interface: u32, run: u64) -> bool {
        self.ports.get(&interface).is_some_and(|port| port.run == run)
    }

    async fn progress(&mut self, interface: u32, news: News) {
        match news {
            News::Asking { for_s, attempts } => {
                self.take_lease(interface).await;
                self.tell_dhcp(interface, Dhcp::Asking { for_s, attempts }).await;
            }
            News::Bound(lease) => {
                let Some(port) = self.ports.get_mut(&interface) else { return };
                let configuration = lease.configuration(interface);
                let ntp_server = lease.ntp_servers.first().copied();
                let old = port.lease.replace((*lease, configuration.clone()));
                configuration::replace(&mut self.rtnl, old.as_ref().map(|(_, old)| old), Some(&configuration));
                self.name_services();
                if old.is_none() {
                    self.tell_learnt(interface).await;
                }
                if self.clock == Clock::Unsure
                    && let Some(server) = ntp_server
                {
                    self.ask_clock(server);
                }
                if self.clock != Clock::Asking {
                    self.tell_bound(interface).await;
                }
            }
        }
    }

    /// Asks for the time, and holds the news of leases back meanwhile (bounded by [`clock::NTP_PATIENCE`]): whoever
    /// hears of a lease starts a TLS handshake.
    fn ask_clock(&mut self, server: Ipv4Addr) {
        self.clock = Clock::Asking;
        let reports = self.reports.clone();
        tokio::spawn(async move {
            let set = match tokio::time::timeout(clock::NTP_PATIENCE, clock::set_from_ntp(server)).await {
                Ok(Ok(set)) => set,
                Ok(Err(error)) => {
                    tracing::warn!("{error}");
                    None
                }
                Err(_elapsed) => {
                    tracing::warn!("NTP server {server} does not answer");
                    None
                }
            };
            let _ended = reports.send(Report::ClockAsked { set });
        });
    }

    fn name_services(&self) {
        // In a trial on somebody's machine the resolver and the name are not ours.
        if self.options.prepare_machine {
            let leases = self.ports.values().filter_map(|port| Some(&port.lease.as_ref()?.0));
            configuration::name_services(leases, &self.names.borrow());
        }
    }

    async fn tell_bound(&mut self, interface: u32) {
        let lease = self.ports.get(&interface).and_then(|port| port.lease.as_ref());
        if let Some((lease, _)) = lease {
            let bound = Dhcp::Bound {
                address: lease.address.addr().into(),
                prefix_length: lease.address.prefix_len(),
                server: lease.server.into(),
                lease_s: lease.lease_s,
            };
            self.tell_dhcp(interface, bound).await;
        }
    }

    async fn tell_dhcp(&mut self, interface: u32, dhcp: Dhcp) {
        let Some(port) = self.ports.get_mut(&interface) else { return };
        if port.told_dhcp != dhcp {
            port.told_dhcp = dhcp.clone();
            let addresses: Vec<IpAddr> = port.lease.iter().map(|(lease, _)| lease.address.addr().into()).collect();
            let nic = port.link.state.name.clone();
            self.tell(Event::Dhcp { nic, dhcp, addresses }).await;
        }
    }

    async fn tell_learnt(&self, interface: u32) {
        if let Some(port) = self.ports.get(&interface) {
            let Learnt { neighbours, vlan } = port.learnt.clone();
            let vlan = Vlan { dhcp_answers_untagged: port.lease.is_some(), ..vlan };
            self.tell(Event::Lldp { nic: port.link.state.name.clone(), neighbours, vlan }).await;
        }
    }

    async fn tell(&self, event: Event) {
        // Nobody listens any more: the session is ending.
        let _ended = self.events.send(event).await;
    }
}

/// In a thread of its own: a driver may take seconds, and sixteen of them must not add up here.
fn bring_up(interface: u32, name: String) {
    let started = thread::Builder::new().name(format!("up {name}")).spawn(move || {
        if let Err(error) = configuration::bring_up(interface, &name) {
            tracing::warn!("{error}");
        }
    });
    if let Err(error) = started {
        tracing::warn!("cannot bring interface {interface} up: {error}");
    }
}

/// Waits until links changed, and swallows what the kernel said of it.
async fn changed(socket: &AsyncFd<OwnedFd>) -> io::Result<()> {
    socket
        .async_io(Interest::READABLE, |socket| {
            let mut buffer = [0; 8192];
            let mut heard = false;
            loop {
                match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                    Ok(_) => heard = true,
                    // Lost messages are changes too.
                    Err(Errno::ENOBUFS) => heard = true,
                    Err(Errno::EAGAIN) if heard => return Ok(()),
                    Err(errno) => return Err(errno.into()),
                }
            }
        })
        .await
}
