//! What the machine is, read through one small trait: bytes in, typed facts out.
//!
//! [`gather`] asks each source once and answers all facts but those that need listening (DHCP, VLANs, neighbours), which
//! are `network`'s to add. A source that can't be read says why; nothing here ever fails as a whole, and nothing judges.

mod cpu;
mod disk;
mod firmware_mode;
mod host;
mod kernel;
pub mod lldp;
mod memory;
mod netlink;
mod nic;
pub mod smbios;
mod sysfs;

pub use host::{Host, HostError, LinkReport, LiveHost, RootHost};

use pious_protocol::facts::Facts;

/// Everything that can be read of the host now. `Nic::dhcp`, `Nic::vlan` and `Nic::neighbours` stay default.
pub fn gather(host: &dyn Host) -> Facts {
    Facts {
        firmware_mode: firmware_mode::read(host),
        smbios: smbios::read(host),
        cpu: cpu::read(host),
        memory: memory::read(host),
        nics: nic::read(host),
        disks: disk::read(host),
        kernel: kernel::read(host),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests;
