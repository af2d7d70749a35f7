//! One NIC as the network's task knows it, and what runs on it.

use super::{
    lease::{Configuration, Lease},
    links::Link,
    listening::Learnt,
};
use pious_protocol::facts::{Dhcp, LldpAgent, Neighbours, Observed, Vlan};
use std::net::IpAddr;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Long enough for two of DHCP's questions and the server's look whether the address is free (dnsmasq pings for 3 s), so
/// that no VLAN is asked where the untagged one is only slow.
const IN_VAIN_AFTER_S: u64 = 6;

pub(super) struct Port {
    pub(super) link: Link,
    pub(super) carrier: watch::Sender<bool>,
    /// Whether DHCP has asked for long enough to call it in vain.
    dhcp_is_in_vain: watch::Sender<bool>,
    /// Ends with the port. The BMC's interface has no switch at its other end, and nobody listens there.
    listening: Option<AbortOnDropHandle<()>>,
    pub(super) lldp_agent: Option<Observed<LldpAgent>>,
    pub(super) dhcp: Option<AbortOnDropHandle<()>>,
    pub(super) run: u64,
    pub(super) lease: Option<(Lease, Configuration)>,
    /// As the listening task told; see [`Port::learnt`].
    pub(super) heard: Learnt,
    /// DHCP's progress, and the addresses, as they were told last.
    told_dhcp: (Dhcp, Vec<IpAddr>),
}

impl Port {
    /// A port to which nobody listens yet.
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            carrier: watch::Sender::new(false),
            dhcp_is_in_vain: watch::Sender::new(false),
            listening: None,
            lldp_agent: None,
            dhcp: None,
            run: 0,
            lease: None,
            heard: Learnt { neighbours: Neighbours::default(), vlan: Vlan::default() },
            told_dhcp: (Dhcp::Idle, Vec::new()),
        }
    }

    /// What a listener follows: carrier, and whether DHCP is in vain.
    pub(super) fn to_follow(&self) -> (watch::Receiver<bool>, watch::Receiver<bool>) {
        (self.carrier.subscribe(), self.dhcp_is_in_vain.subscribe())
    }

    pub(super) fn listened_by(&mut self, listening: AbortOnDropHandle<()>) {
        self.listening = Some(listening);
    }

    /// Lets the listener say goodbye; what is awaited is its end.
    pub(super) fn end(self) -> Option<AbortOnDropHandle<()>> {
        // Dropping `carrier` is the sign.
        self.listening
    }

    /// Takes note of DHCP's progress.
    pub(super) fn follow_dhcp(&self, dhcp: &Dhcp) {
        let is_in_vain = match dhcp {
            Dhcp::Asking { for_s, .. } => *for_s >= IN_VAIN_AFTER_S,
            Dhcp::Idle | Dhcp::Bound { .. } | Dhcp::Unknown => false,
        };
        self.dhcp_is_in_vain.send_if_modified(|known| std::mem::replace(known, is_in_vain) != is_in_vain);
    }

    /// Ends DHCP; whether there was anything to end, be it a fixed address.
    pub(super) fn stop_asking(&mut self) -> bool {
        let was_asking = self.dhcp.take().is_some();
        self.run = 0;
        was_asking || self.lease.is_some()
    }

    pub(super) fn bound(&self) -> Option<Dhcp> {
        let (lease, _) = self.lease.as_ref()?;
        Some(Dhcp::Bound {
            address: lease.address.addr().into(),
            prefix_length: lease.address.prefix_len(),
            server: lease.server.into(),
            lease_s: lease.lease_s,
        })
    }

    /// The addresses to tell with this progress, unless both were told already.
    pub(super) fn news_of_dhcp(&mut self, dhcp: &Dhcp) -> Option<Vec<IpAddr>> {
        let addresses: Vec<IpAddr> = self.lease.iter().map(|(lease, _)| lease.address.addr().into()).collect();
        let told = (dhcp.clone(), addresses.clone());
        (std::mem::replace(&mut self.told_dhcp, told.clone()) != told).then_some(addresses)
    }

    /// What was heard, with what DHCP and the NIC's firmware have to say to it.
    pub(super) fn learnt(&self) -> Learnt {
        let Learnt { neighbours, vlan } = self.heard.clone();
        let agent = self.lldp_agent.as_ref().and_then(|agent| agent.value().ok());
        let neighbours = match (neighbours, agent) {
            (Neighbours::Silent { reason }, Some(LldpAgent { running: true, control, .. })) => Neighbours::Silent {
                reason: format!("{reason}; the NIC's firmware keeps LLDP to itself (private flag {control})"),
            },
            (neighbours, _) => neighbours,
        };
        Learnt { neighbours, vlan: Vlan { dhcp_answers_untagged: self.lease.is_some(), ..vlan } }
    }
}
