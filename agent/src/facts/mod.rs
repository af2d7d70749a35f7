//! What the machine is, read through one small trait: bytes in, typed facts out.
//!
//! [`gather`] asks each source once and answers all facts but those that need listening (DHCP, VLANs, neighbours), which
//! are `network`'s to add. A source that can't be read says why; nothing here ever fails as a whole, and nothing judges.

pub mod bmc;
mod cpu;
mod disk;
mod driver_info;
mod firmware;
mod generic_netlink;
mod host;
mod kernel;
pub mod lldp;
mod location;
mod memory;
mod memory_errors;
mod netlink;
pub(crate) mod nic;
mod numa;
mod part;
mod pci;
mod sensors;
pub mod smbios;
mod sysfs;

pub use disk::{AtaRead, DeviceError, LogPage, NvmeRead, ScsiAnswer, ScsiRead, Sense, StatisticsPage};
pub(crate) use disk::{ask_nvme, opened as open_disk};
pub use generic_netlink::GenericRequest;
pub use host::{Host, HostError, LinkReport, LiveHost, RootHost};
pub use part::{Part, Parts};

use pci::Locations;
use pious_protocol::facts::Facts;

/// Everything that can be read of the host now. `Nic::dhcp`, `Nic::vlan` and `Nic::neighbours` stay default.
pub fn gather(host: &dyn Host) -> Facts {
    read(host, &Part::ALL.into(), Facts::default())
}

/// Reads some parts anew; the others stay as they are known. Parts are read in an order in which what one needs of
/// another comes first.
pub fn read(host: &dyn Host, parts: &Parts, mut facts: Facts) -> Facts {
    for part in parts {
        match part {
            Part::Smbios => facts.smbios = smbios::read(host),
            Part::Firmware => {
                facts.firmware_mode = firmware::mode(host);
                facts.firmware = firmware::read(host, facts.firmware_mode, &facts.smbios);
            }
            Part::Cpu => facts.cpu = cpu::read(host),
            Part::Memory => facts.memory = memory::read(host),
            Part::MemoryErrors => facts.memory_errors = memory_errors::read(host, &facts.cpu),
            Part::Nics => facts.nics = nic::read(host, facts.smbios.value().ok()),
            Part::Disks => facts.disks = disk::read(host, &Locations::read(host, facts.smbios.value().ok())),
            Part::DiskHealth => disk::read_health(host, &mut facts.disks),
            Part::Pci => facts.pci = pci::read(host, &Locations::read(host, facts.smbios.value().ok())),
            Part::Sensors => facts.sensors = sensors::read(host, &facts.cpu),
            Part::Kernel => facts.kernel = kernel::read(host),
            // Asked together with who it is.
            Part::BmcHealth if parts.contains(&Part::Bmc) => {}
            Part::Bmc if parts.contains(&Part::BmcHealth) => {
                facts.bmc = bmc::presence::judge(host, &facts.smbios, bmc::identity_and_health(host));
            }
            // The other half of what is known of the BMC stays.
            Part::Bmc | Part::BmcHealth => {
                let bmc = if *part == Part::Bmc { bmc::identity(host) } else { bmc::health(host) };
                let bmc = bmc::presence::judge(host, &facts.smbios, bmc);
                part.take(&mut facts, &mut Facts { bmc, ..Facts::default() });
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests;
