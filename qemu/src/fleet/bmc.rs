//! A simulated server's BMC: Redfish over HTTPS in this process, at an address of its own on the loopback, which the
//! server's SMBIOS names.
//!
//! There is no IPMI here, so the user that Senzu wants is put by hand; everything else the agent does to it for real.

use super::server::Server;
use crate::bmc::redfish::{Authenticate, Description, Entry, Fault, Noted, Service, Style, Versions, service::Parts};
use pious_agent::{machine::LinkSeen, work::Hands};
use pious_protocol::{
    facts::{Bios, Facts, HostInterface, Link, Nic, NicRole, Observed, Smbios, System},
    firmware::{FirmwareComponent, Secret},
    message::Report,
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::task::AbortHandle;
use uuid::Uuid;

/// Who makes these servers, and as what: the lab's recipe is theirs.
pub const MANUFACTURER: &str = "PIOUS";
/// As what.
pub const MODEL: &str = "Lab Server";

/// What each BMC and each BIOS runs at first.
pub const FIRST: [(FirmwareComponent, &str); 4] = [
    (FirmwareComponent::Bmc, "2.10.0"),
    (FirmwareComponent::Bios, "2.1.0"),
    (FirmwareComponent::Nic, "22.31.6"),
    (FirmwareComponent::Psu, "00.1B.53"),
];

/// The BMC's door to its host.
const DOOR: &str = "usb0";

/// What BMCs take their time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// To write an image.
    pub flash: Duration,
    /// To restart.
    pub restart: Duration,
}

/// A BMC that is on, for as long as this lives.
pub struct Bmc {
    service: Arc<Service>,
    user: Arc<Pair>,
    address: SocketAddr,
    serving: AbortHandle,
}

impl Drop for Bmc {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Bmc {
    /// Switches on the BMC of a server, in this runtime.
    pub fn start(server: Server, pace: Pace) -> io::Result<Self> {
        let user = Arc::<Pair>::default();
        let is = Description {
            style: Style::Generic,
            name: server.name(),
            manufacturer: MANUFACTURER.into(),
            model: MODEL.into(),
            serial: server.serial(),
            uuid: Uuid::from_u128(u128::from(server.number()) + 1),
            versions: FIRST.map(|(component, version)| (component, version.to_owned())).into(),
            flash: pace.flash,
            restart: pace.restart,
            sensors: Vec::new(),
        };
        let service = Service::new(Parts { is, users: user.clone(), host: None, log: None })?;
        // Each has an address of its own: when it restarts, nobody else's connection has taken its port.
        let [_, _, high, low] = server.number().to_be_bytes();
        let listener = TcpListener::bind((Ipv4Addr::new(127, 77, high, low), 0))?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn({
            let service = service.clone();
            async move {
                if let Err(error) = service.serve(listener).await {
                    tracing::error!(%error, %address, "a BMC serves no more");
                }
            }
        });
        Ok(Self { service, user, address, serving: serving.abort_handle() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets this user in, and nobody else.
    pub fn let_in(&self, user: String, password: Secret) {
        self.user.set(user, password);
    }

    /// Who may log in, once somebody was told to.
    pub fn user(&self) -> Option<(String, Secret)> {
        self.user.get()
    }

    /// Orders a fault; `None` takes all of them away.
    pub fn fault(&self, fault: Option<Fault>, sticky: bool) {
        self.service.fault(fault, sticky);
    }

    /// What it noted so far.
    pub fn log(&self) -> Vec<Entry> {
        self.service.log()
    }

    /// What runs, by its own account.
    pub fn versions(&self) -> Versions {
        let mut runs: Versions = FIRST.map(|(component, version)| (component, version.to_owned())).into();
        for entry in self.log() {
            if let Noted::VersionChanged { component, to, .. } = entry.what {
                runs.insert(component, to);
            }
        }
        runs
    }

    /// The server starts: a BIOS that was written runs from now on.
    pub fn host_starts(&self) {
        self.service.host_starts();
    }

    /// Adds to a server's facts what it shows of its BMC and its BIOS.
    pub(super) fn add_to(&self, facts: &mut Facts) {
        let mut smbios = facts.smbios.value().cloned().unwrap_or_default();
        let system = smbios.system.take().unwrap_or_default();
        let record = HostInterface {
            kind: Some("Network Host Interface".into()),
            protocols: vec!["Redfish over IP".into()],
            service_address: Some(self.address.ip()),
            service_port: Some(self.address.port()),
            ..HostInterface::default()
        };
        let smbios = Smbios {
            bios: Some(Bios { version: self.versions().remove(&FirmwareComponent::Bios), ..Bios::default() }),
            system: Some(System { manufacturer: Some(MANUFACTURER.into()), product: Some(MODEL.into()), ..system }),
            host_interfaces: vec![record],
            ..smbios
        };
        facts.smbios = Observed::seen("a simulated server", smbios);
        let door = Nic { name: DOOR.into(), role: NicRole::HostInterface, link: Link::Up, ..Nic::default() };
        facts.nics.push(door);
    }

    /// The BMC's door to its host, as a link.
    pub(super) fn door() -> LinkSeen {
        LinkSeen { name: DOOR.into(), role: NicRole::HostInterface, link: Link::Up, ..LinkSeen::default() }
    }

    /// What `bmc_user` does here: the BMC takes the user that Senzu tells.
    pub(super) async fn put_user(&self, mut hands: Hands) -> Report {
        match hands.bmc_access().await {
            Ok(access) => {
                let words = format!("telling the BMC of user {}", access.user);
                if let Err(halt) = hands.line.progress(10, words).await {
                    return Report::Failed { reason: halt.to_string() };
                }
                self.let_in(access.user, access.password);
                Report::done("the simulated BMC has its user")
            }
            Err(reason) => Report::Failed { reason },
        }
    }
}

/// The one user, as it was set last.
#[derive(Default)]
struct Pair(Mutex<Option<(String, Secret)>>);

impl Pair {
    fn set(&self, user: String, password: Secret) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((user, password));
    }

    fn get(&self) -> Option<(String, Secret)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Authenticate for Pair {
    fn authenticate<'a>(&'a self, user: &'a str, password: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        let is_right = self.get().is_some_and(|(known, secret)| known == user && secret.reveal() == password);
        Box::pin(std::future::ready(is_right))
    }
}
