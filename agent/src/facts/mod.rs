//! What the machine is, read through one small trait: bytes in, typed facts out.
//!
//! [`gather`] asks each source once and answers all facts but those that need listening (DHCP, VLANs, neighbours), which
//! are `network`'s to add. A source that can't be read says why; nothing here ever fails as a whole, and nothing judges.

mod cpu;
mod disk;
mod driver_info;
mod firmware_mode;
mod generic_netlink;
mod host;
mod kernel;
pub mod lldp;
mod location;
mod memory;
mod netlink;
pub(crate) mod nic;
mod part;
mod pci;
pub mod smbios;
mod sysfs;

pub use disk::{AtaRead, DeviceError, LogPage, NvmeRead, ScsiAnswer, ScsiRead, Sense, StatisticsPage};
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
            Part::Firmware => facts.firmware_mode = firmware_mode::read(host),
            Part::Smbios => facts.smbios = smbios::read(host),
            Part::Cpu => facts.cpu = cpu::read(host),
            Part::Memory => facts.memory = memory::read(host),
            Part::Nics => facts.nics = nic::read(host, facts.smbios.value().ok()),
            Part::Disks => facts.disks = disk::read(host, &Locations::read(host, facts.smbios.value().ok())),
            Part::DiskHealth => disk::read_health(host, &mut facts.disks),
            Part::Pci => facts.pci = pci::read(host, &Locations::read(host, facts.smbios.value().ok())),
            Part::Kernel => facts.kernel = kernel::read(host),
            Part::MemoryErrors | Part::Bmc | Part::BmcHealth | Part::Sensors => {}
        }
    }
    facts
}

#[cfg(test)]
mod tests;
