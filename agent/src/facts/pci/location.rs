//! Where a PCI function sits, by what is printed there; and where SMBIOS tells nothing, by the number of its hot-plug slot.

use crate::facts::{Host, location, sysfs};
use pious_protocol::facts::Smbios;

const SLOTS: &str = "/sys/bus/pci/slots";

/// What is known of a machine's places.
#[derive(Clone, Debug, Default)]
pub(in crate::facts) struct Locations<'table> {
    smbios: Option<&'table Smbios>,
    hot_plug: Vec<HotPlugSlot>,
}

#[derive(Clone, Debug)]
struct HotPlugSlot {
    name: String,
    /// Without the function.
    address: String,
}

impl<'table> Locations<'table> {
    /// Of a machine with this table, where it has one.
    pub(in crate::facts) fn read(host: &dyn Host, smbios: Option<&'table Smbios>) -> Self {
        let hot_plug = host.list(SLOTS).unwrap_or_default().into_iter().filter_map(|name| {
            let address = sysfs::text(host, &format!("{SLOTS}/{name}/address"))?;
            Some(HotPlugSlot { name, address })
        });
        Self { smbios, hot_plug: hot_plug.collect() }
    }

    /// Where a function sits.
    pub(in crate::facts) fn of(&self, host: &dyn Host, address: &str) -> Option<String> {
        let addresses = sysfs::pci_addresses(host, &format!("/sys/bus/pci/devices/{address}"));
        self.smbios.and_then(|table| location::of(table, &addresses)).or_else(|| {
            let is_in = |slot: &&HotPlugSlot| {
                addresses
                    .iter()
                    .any(|address| address.split_once('.').is_some_and(|(device, _)| device == slot.address))
            };
            self.hot_plug.iter().find(is_in).map(|slot| format!("slot {}", slot.name))
        })
    }
}
