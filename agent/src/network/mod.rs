//! Links, addresses, routes, DHCP and LLDP, told as events.
//!
//! On a machine that is ours (`/init session`) every physical link is brought up, asks for a lease and is configured; on
//! an ordinary host (`pious-agent run`) nothing is touched, only looked at. Who wants to know gets [`Event`]s; nothing
//! here knows what they are for.
//!
//! An interface keeps its driver's MTU: DHCP's option 26, which mozim asks for, is not heeded. What the agent sends is
//! small, and an MTU that a server has wrong would cost the one link that could tell of it.
//!
//! A session that ends says goodbye by LLDP; one that is killed is forgotten by its neighbours by the TTL, two minutes
//! later.
//!
//! Where untagged DHCP is in vain and there are tagged VLANs, each is asked whether a DHCP server answers there. That is
//! a fact about the cable: the agent itself goes on untagged.
//!
//! The BMC's own interface on its host (SMBIOS type 42) is told from the server's by `facts`. It gets an address within
//! its subnet and is otherwise left out: no LLDP, no route, no name server, no time comes from it.
//!
//! IPv4 only: router advertisements are ignored (the provisioning network has them, with a lifetime of 0, for iPXE).

mod announcement;
mod configuration;
mod control;
mod dhcp;
mod filter;
mod host_interface;
mod lease;
mod link_changes;
mod links;
mod listening;
mod packet_socket;
mod port;
mod preparation;
mod rtnl;
mod time;
mod vlan_probe;

pub use links::LinkState;

use pious_protocol::facts::{Dhcp, Neighbours, Vlan};
use std::{collections::BTreeSet, net::IpAddr, time::Duration};
use tokio::sync::{mpsc, watch};

/// Events that may wait for a session that is busy; beyond it the network waits, and nothing is lost.
const EVENT_QUEUE: usize = 256;

/// How long a session that ends waits for its goodbyes: frames that are handed to the kernel in microseconds, unless a
/// driver holds the network's thread up.
const LONGEST_GOODBYE: Duration = Duration::from_millis(500);

/// What is ours to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bring links up, ask for leases, set addresses and routes, announce ourselves by LLDP.
    pub configure: bool,
    /// Set the clock and load modules for the devices that are there, first.
    pub prepare_machine: bool,
    /// Only these interfaces, hardware or not; `None`: all physical ones.
    pub only: Option<Vec<String>>,
    /// What the machine is called until [`Handle::set_name`] says better.
    pub name: String,
}

impl Options {
    /// For the machine that PID 1 booted: everything is ours.
    pub fn ours(name: &str) -> Self {
        Self { configure: true, prepare_machine: true, only: None, name: name.to_owned() }
    }

    /// For an ordinary host: look, touch nothing.
    pub fn observe() -> Self {
        Self { configure: false, prepare_machine: false, only: None, name: String::new() }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The links, all of them, whenever any changed; by the kernel's number.
    Links(Vec<LinkState>),
    /// DHCP's progress on a NIC, and the addresses that the NIC now has from it.
    Dhcp {
        /// The NIC's name.
        nic: String,
        /// The progress.
        dhcp: Dhcp,
        /// The addresses.
        addresses: Vec<IpAddr>,
    },
    /// What was learnt of a NIC's other end.
    Lldp {
        /// The NIC's name.
        nic: String,
        /// Who is there, or why nobody is heard.
        neighbours: Neighbours,
        /// VLANs announced and seen.
        vlan: Vlan,
    },
    /// The clock was set.
    ClockSet {
        /// From what.
        source: String,
    },
    /// Every device that is there has its driver, as far as the image has one. Told again after devices came or went.
    DevicesSettled {
        /// The subsystems whose devices came, went or changed since it was told last.
        subsystems: BTreeSet<String>,
    },
}

/// The running network. Dropping it ends the watching, with a goodbye by LLDP that it waits for in bounds; addresses stay
/// until their leases end.
#[derive(Debug)]
pub struct Handle {
    name: Option<watch::Sender<String>>,
    /// Ends with the network's thread.
    ended: std::sync::mpsc::Receiver<()>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.name.take());
        let _ended_or_hangs = self.ended.recv_timeout(LONGEST_GOODBYE);
    }
}

impl Handle {
    /// Tells what the asset is called; neighbours hear it by LLDP at once.
    pub fn set_name(&self, name: &str) {
        let Some(names) = &self.name else { return };
        names.send_if_modified(|known| {
            let is_new = known != name;
            name.clone_into(known);
            is_new
        });
    }
}

/// Starts, in a thread of its own: the kernel lets nobody look at links while a driver brings one up, which may take
/// seconds, and the session must not wait for that. What cannot be done is a sentence in the log, never a failure: an
/// agent without a network still judges and shows. The clock, where it is ours, is set when this returns.
pub fn start(options: Options) -> (Handle, mpsc::Receiver<Event>) {
    let (events, receiver) = mpsc::channel(EVENT_QUEUE);
    let (name, names) = watch::channel(options.name.clone());
    if options.prepare_machine {
        prepare_machine(&events);
    }
    let (end, ended) = std::sync::mpsc::channel();
    let run = move || {
        run(options, names, events);
        drop(end);
    };
    if let Err(error) = std::thread::Builder::new().name("network".into()).spawn(run) {
        tracing::error!("no network: cannot start its thread: {error}");
    }
    (Handle { name: Some(name), ended }, receiver)
}

fn run(options: Options, names: watch::Receiver<String>, events: mpsc::Sender<Event>) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(control::run(options, names, events)),
        Err(error) => tracing::error!("no network: {error}"),
    }
}

fn prepare_machine(events: &mpsc::Sender<Event>) {
    if let Some(set) = crate::boot::clock::set_from_boot() {
        // The queue is empty and has room.
        let _sent = events.try_send(Event::ClockSet { source: set.source });
    }
    let events = events.clone();
    let started = crate::boot::modules::start(move |subsystems| {
        // Its own thread may wait; a session that ended hears nothing more.
        let _ended = events.blocking_send(Event::DevicesSettled { subsystems });
    });
    if let Err(error) = started {
        tracing::error!("cannot start the thread that loads modules: {error}");
    }
}
