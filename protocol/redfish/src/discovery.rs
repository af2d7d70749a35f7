//! Which of a BMC's resources is the server, and which one is the BMC itself.
//!
//! Most BMCs have one of each. Those of GPU servers also show the GPU board, as a System with a Manager of its own. Of
//! several systems, the server is, by the first of these that tells them apart:
//!
//! 1. the one that the Manager which provides this Redfish service (`Links.ManagerProvidingService`) manages;
//! 2. the one with a `BiosVersion`: a board has no BIOS;
//! 3. the one with processors in its `ProcessorSummary`;
//! 4. the first in the collection.
//!
//! Its Manager is the one that provides the service, if that one manages it; else the first of those that it links to
//! (`ManagedBy`) or that link to it (`ManagerForServers`) which is a `BMC` by its `ManagerType`; else the first of them; else
//! the only one there is.

use crate::bmc::Bmc;
use crate::error::Error;
use crate::http::{link, links, text};
use serde_json::Value;

/// Systems and managers of one BMC: a server has one or two, a chassis of blades two dozen.
const MAX_RESOURCES: usize = 64;

/// The server and its BMC, as resources.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) system: String,
    pub(crate) manager: Option<String>,
}

/// What a BMC says it is. What it does not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The protocol's version.
    pub redfish_version: Option<String>,
    /// Who made the service.
    pub vendor: Option<String>,
    /// What the service is.
    pub product: Option<String>,
    /// The server.
    pub system: SystemIdentity,
    /// The BMC itself; `None`: it shows no Manager.
    pub manager: Option<ManagerIdentity>,
}

/// The server, by its BMC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemIdentity {
    /// The resource.
    pub path: String,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// What it is sold as; of a Dell, the service tag.
    pub sku: Option<String>,
    /// The BIOS's version.
    pub bios_version: Option<String>,
    /// `On`, `Off`, or on the way.
    pub power_state: Option<String>,
    /// Memory in GiB, rounded.
    pub memory_gib: Option<u64>,
    /// Processors.
    pub cpus: Option<u64>,
    /// What the processors are.
    pub cpu_model: Option<String>,
}

/// The BMC itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerIdentity {
    /// The resource.
    pub path: String,
    /// What it is.
    pub model: Option<String>,
    /// The version it runs.
    pub firmware_version: Option<String>,
}

/// A resource that was read.
pub(crate) struct Found {
    pub(crate) path: String,
    pub(crate) document: Value,
}

impl Bmc {
    /// What it is, and what server it is of.
    pub async fn identity(&self) -> Result<Identity, Error> {
        let host = self.host().await?;
        let root = self.root();
        let system = self.get(&host.system).await?;
        let manager = match host.manager {
            None => None,
            Some(path) => {
                let document = self.get(&path).await?;
                let (model, firmware_version) = (text(&document, "Model"), text(&document, "FirmwareVersion"));
                Some(ManagerIdentity { path, model, firmware_version })
            }
        };
        let cpus = system.get("ProcessorSummary");
        let memory = system.get("MemorySummary").and_then(|memory| memory.get("TotalSystemMemoryGiB"));
        Ok(Identity {
            redfish_version: text(&root, "RedfishVersion"),
            vendor: text(&root, "Vendor"),
            product: text(&root, "Product"),
            system: SystemIdentity {
                path: host.system,
                manufacturer: text(&system, "Manufacturer"),
                model: text(&system, "Model"),
                serial: text(&system, "SerialNumber"),
                sku: text(&system, "SKU"),
                bios_version: text(&system, "BiosVersion"),
                power_state: text(&system, "PowerState"),
                memory_gib: memory.and_then(Value::as_f64).map(|gib| gib.round() as u64),
                cpus: cpus.and_then(|cpus| cpus.get("Count")).and_then(Value::as_u64),
                cpu_model: cpus.and_then(|cpus| text(cpus, "Model")),
            },
            manager,
        })
    }

    /// The server and its Manager.
    pub(crate) async fn host(&self) -> Result<Host, Error> {
        if let Some(host) = self.remembered_host() {
            return Ok(host);
        }
        let systems = self.resources("Systems").await?;
        let managers = match self.resources("Managers").await {
            Ok(managers) => managers,
            Err(Error::Missing { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let provider = self.root().get("Links").and_then(|links| link(links, "ManagerProvidingService"));
        let system = choose_system(&systems, &managers, provider.as_deref());
        let system = system.ok_or_else(|| self.missing("ComputerSystem"))?;
        let manager = choose_manager(system, &managers, provider.as_deref());
        let host = Host { system: system.path.clone(), manager: manager.map(|manager| manager.path.clone()) };
        self.remember_host(host.clone());
        Ok(host)
    }

    /// The members of one of the root's collections.
    async fn resources(&self, name: &str) -> Result<Vec<Found>, Error> {
        let at = link(&self.root(), name).ok_or_else(|| self.missing(name))?;
        let mut read = Vec::new();
        for path in self.member_links(&at, MAX_RESOURCES).await? {
            match self.get(&path).await {
                Ok(document) => read.push(Found { path, document }),
                // Linked to and not there: a node that was pulled.
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    /// Where a collection's members are, over all of its pages (DSP0266 §7.4).
    pub(crate) async fn member_links(&self, collection: &str, most: usize) -> Result<Vec<String>, Error> {
        let mut members = Vec::new();
        let mut next = Some(collection.to_owned());
        // A page has at least one member, or it is the last one.
        while let Some(page) = next.take() {
            let document = self.get(&page).await?;
            let found = links(&document, "Members");
            next = text(&document, "Members@odata.nextLink").filter(|_| !found.is_empty());
            members.extend(found);
            if members.len() > most {
                return Err(Error::TooMany { at: collection.to_owned(), most });
            }
        }
        Ok(members)
    }
}

pub(crate) fn choose_system<'a>(systems: &'a [Found], managers: &[Found], provider: Option<&str>) -> Option<&'a Found> {
    let provider = provider.and_then(|path| managers.iter().find(|manager| same(&manager.path, path)));
    let rank = |system: &Found| {
        let cpus = system.document.get("ProcessorSummary").and_then(|cpus| cpus.get("Count")).and_then(Value::as_u64);
        (
            provider.is_some_and(|provider| manages(provider, system)),
            text(&system.document, "BiosVersion").is_some(),
            cpus.is_some_and(|count| count > 0),
        )
    };
    // `max_by_key` has the last of equals: the other way round, the first.
    systems.iter().rev().max_by_key(|system| rank(system))
}

pub(crate) fn choose_manager<'a>(system: &Found, managers: &'a [Found], provider: Option<&str>) -> Option<&'a Found> {
    let rank = |manager: &Found| {
        (
            provider.is_some_and(|provider| same(provider, &manager.path)),
            text(&manager.document, "ManagerType").as_deref() == Some("BMC"),
        )
    };
    let managing = managers.iter().rev().filter(|manager| manages(manager, system));
    match (managing.max_by_key(|manager| rank(manager)), managers) {
        (None, [only]) => Some(only),
        (found, _) => found,
    }
}

/// Whether either says so of the other.
fn manages(manager: &Found, system: &Found) -> bool {
    let said = |of: &Found, name: &str| of.document.get("Links").map(|it| links(it, name)).unwrap_or_default();
    said(manager, "ManagerForServers").iter().any(|path| same(path, &system.path))
        || said(system, "ManagedBy").iter().any(|path| same(path, &manager.path))
}

/// Whether two links lead to one resource: some BMCs write them now with a slash behind them, now without.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::{Found, choose_manager, choose_system};
    use serde_json::{Value, json};

    fn read(path: &str, document: Value) -> Found {
        Found { path: path.into(), document }
    }

    /// How the BMCs of GPU servers show themselves.
    fn gpu_server() -> (Vec<Found>, Vec<Found>) {
        let of = |name: &str, path: &str| json!({ name: [{ "@odata.id": path }] });
        let systems = vec![
            read("/s/HGX_Baseboard_0", json!({ "Links": of("ManagedBy", "/m/HGX_BMC_0") })),
            read("/s/System_0", json!({ "BiosVersion": "2.1", "ProcessorSummary": { "Count": 2 } })),
        ];
        let managers = vec![
            read(
                "/m/HGX_BMC_0",
                json!({ "ManagerType": "BMC", "Links": of("ManagerForServers", "/s/HGX_Baseboard_0") }),
            ),
            read("/m/Fabric", json!({ "ManagerType": "Service", "Links": of("ManagerForServers", "/s/System_0") })),
            read("/m/BMC_0", json!({ "ManagerType": "BMC", "Links": of("ManagerForServers", "/s/System_0/") })),
        ];
        (systems, managers)
    }

    #[test]
    fn the_server_is_not_its_gpu_board() {
        let (systems, managers) = gpu_server();
        for provider in [None, Some("/m/BMC_0")] {
            let system = choose_system(&systems, &managers, provider).unwrap();
            assert_eq!(system.path, "/s/System_0", "{provider:?}");
            assert_eq!(choose_manager(system, &managers, provider).unwrap().path, "/m/BMC_0", "{provider:?}");
        }
    }

    #[test]
    fn who_provides_the_service_comes_before_what_looks_like_a_server() {
        let (systems, managers) = gpu_server();
        let system = choose_system(&systems, &managers, Some("/m/HGX_BMC_0")).unwrap();
        assert_eq!(system.path, "/s/HGX_Baseboard_0");
    }

    #[test]
    fn of_equal_ones_the_first() {
        let systems = ["/s/1", "/s/2"].map(|path| read(path, json!({})));
        assert_eq!(choose_system(&systems, &[], None).unwrap().path, "/s/1");
        assert!(choose_manager(&systems[0], &[], None).is_none());
        assert!(choose_system(&[], &[], None).is_none());
    }
}
