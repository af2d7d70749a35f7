//! The one task that knows all NICs: follows the links, starts and ends what runs on each, applies leases, tells events.

use super::{
    Event, LinkState, Options, configuration,
    dhcp::{self, News},
    host_interface,
    lease::Lease,
    link_changes,
    links::Link,
    listening::{self, Learnt, Voice},
    port::Port,
    preparation::{self, Firmware},
    rtnl::Rtnl,
    time::{self, Clock},
};
use crate::{
    boot::clock,
    facts::{LiveHost, smbios},
};
use pious_protocol::{
    facts::{Dhcp, HostInterface, LldpAgent, Observed},
    ids::MacAddress,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};
use tokio::sync::{mpsc, watch};
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
    LldpAgent {
        interface: u32,
        agent: Observed<LldpAgent>,
    },
}

/// Runs until nobody holds the sender of `names` any more.
pub(super) async fn run(options: Options, names: watch::Receiver<String>, events: mpsc::Sender<Event>) {
    let (reports, mut inbox) = mpsc::unbounded_channel();
    // Listening starts before the first look, so that no change falls between the two.
    let changes = match link_changes::listen() {
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
        host_interfaces: smbios::read(&LiveHost)
            .value()
            .map(|smbios| smbios.host_interfaces.clone())
            .unwrap_or_default(),
        chassis: None,
        own: watch::Sender::default(),
        told: None,
        runs: 0,
        clock,
    };
    control.begin();
    loop {
        control.follow_links().await;
        tokio::select! {
            changed = link_changes::next(&changes) => {
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
                    control.say_goodbye().await;
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
    /// SMBIOS's records of the BMC's ways to this host.
    host_interfaces: Vec<HostInterface>,
    told: Option<Vec<LinkState>>,
    runs: u64,
    clock: Clock,
    /// What we call the machine by LLDP, whatever the NIC: the first NIC's lasting address.
    chassis: Option<MacAddress>,
    /// The addresses of all NICs: what they say by LLDP is no neighbour's.
    own: watch::Sender<BTreeSet<MacAddress>>,
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

    /// By LLDP, on all links at once, and no longer than [`super::LONGEST_GOODBYE`] allows: that of our handle.
    async fn say_goodbye(self) {
        let ends: Vec<_> = self.ports.into_values().filter_map(Port::end).collect();
        for end in ends {
            // A listener that panicked has said what it had to say.
            let _ended = end.await;
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
        let links = links.into_iter().filter(|link| self.is_wanted(link));
        let links: Vec<Link> = links.map(|link| link.with_speed().with_role(&self.host_interfaces)).collect();
        let gone: Vec<u32> =
            self.ports.keys().copied().filter(|index| links.iter().all(|link| link.state.index != *index)).collect();
        for interface in gone {
            self.end_lease(interface).await;
            self.ports.remove(&interface);
        }
        let state = |link: &Link| {
            let lldp_agent = self.ports.get(&link.state.index).and_then(|port| port.lldp_agent.clone());
            LinkState { lldp_agent, ..link.state.clone() }
        };
        let states: Vec<LinkState> = links.iter().map(state).collect();
        let own = states.iter().flat_map(|state| [state.mac, state.permanent_mac]).flatten();
        self.own.send_replace(own.collect());
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
            match link.record.as_ref().and_then(host_interface::fixed) {
                Some(lease) => self.fix(interface, lease).await,
                None => self.ask(&link),
            }
        }
    }

    /// Gives the BMC's interface the address that SMBIOS says.
    async fn fix(&mut self, interface: u32, lease: Lease) {
        let Some(port) = self.ports.get_mut(&interface) else { return };
        if port.lease.is_none() {
            let configuration = lease.configuration(interface);
            configuration::replace(&mut self.rtnl, None, Some(&configuration));
            port.lease = Some((lease, configuration));
            self.tell_dhcp(interface, Dhcp::Idle).await;
        }
    }

    /// A NIC came.
    fn appear(&mut self, link: Link) {
        let (interface, name) = (link.state.index, link.state.name.clone());
        if self.options.configure {
            configuration::forget_earlier_life(&mut self.rtnl, interface);
        }
        let reports = self.reports.clone();
        let is_quieted = self.options.prepare_machine && link.is_ours();
        let firmware = if is_quieted { Firmware::Silenced } else { Firmware::Asked };
        preparation::start(interface, name, firmware, self.options.configure, move |agent| {
            let _ended = reports.send(Report::LldpAgent { interface, agent });
        });
        let mut port = Port::new(link);
        if port.link.is_ours() {
            port.listened_by(self.listen(&port));
        }
        self.ports.insert(interface, port);
    }

    fn listen(&mut self, port: &Port) -> AbortOnDropHandle<()> {
        let interface = port.link.state.index;
        let reports = self.reports.clone();
        let tell = move |learnt| {
            let _ended = reports.send(Report::Learnt { interface, learnt });
        };
        let (carrier, dhcp_is_in_vain) = port.to_follow();
        let voice = self.voice(&port.link, dhcp_is_in_vain);
        let own = self.own.subscribe();
        AbortOnDropHandle::new(tokio::spawn(listening::run(interface, voice, own, carrier, tell)))
    }

    fn voice(&mut self, link: &Link, dhcp_is_in_vain: watch::Receiver<bool>) -> Option<Voice> {
        let port = link.state.mac.filter(|_| self.options.configure)?;
        let chassis = *self.chassis.get_or_insert(link.state.permanent_mac.unwrap_or(port));
        let (interface, system_name) = (link.state.name.clone(), self.names.clone());
        Some(Voice { chassis, port, interface, system_name, dhcp_is_in_vain })
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
        if !port.stop_asking() {
            return;
        }
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
                    port.heard = learnt;
                    self.tell_learnt(interface).await;
                }
            }
            Report::LldpAgent { interface, agent } => {
                if let Some(port) = self.ports.get_mut(&interface) {
                    // The next look at the links tells of it.
                    port.lldp_agent = Some(agent);
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
                let lease = if port.link.is_ours() { *lease } else { host_interface::confined(*lease) };
                let configuration = lease.configuration(interface);
                let ntp_server = lease.ntp_servers.first().copied();
                let old = port.lease.replace((lease, configuration.clone()));
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
            let set = time::ask(server).await;
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
        if let Some(bound) = self.ports.get(&interface).and_then(Port::bound) {
            self.tell_dhcp(interface, bound).await;
        }
    }

    async fn tell_dhcp(&mut self, interface: u32, dhcp: Dhcp) {
        let Some(port) = self.ports.get_mut(&interface) else { return };
        port.follow_dhcp(&dhcp);
        if let Some(addresses) = port.news_of_dhcp(&dhcp) {
            let nic = port.link.state.name.clone();
            self.tell(Event::Dhcp { nic, dhcp, addresses }).await;
        }
    }

    async fn tell_learnt(&self, interface: u32) {
        if let Some(port) = self.ports.get(&interface) {
            let Learnt { neighbours, vlan } = port.learnt();
            self.tell(Event::Lldp { nic: port.link.state.name.clone(), neighbours, vlan }).await;
        }
    }

    async fn tell(&self, event: Event) {
        // Nobody listens any more: the session is ending.
        let _ended = self.events.send(event).await;
    }
}
