//! The facts behind the pages: the machine's own, shared and not copied. In JSON they are facts without what no page
//! shows, which is most of them by size: PCI functions, and the SMBIOS table but for memory and power supplies.

use pious_protocol::facts::{Facts, Observed, Smbios};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// The facts behind the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardware(Arc<Facts>);

impl Hardware {
    /// Of a machine's facts.
    pub fn of(facts: Arc<Facts>) -> Self {
        Self(facts)
    }

    /// The facts; of a recording, those that it holds.
    pub fn facts(&self) -> &Facts {
        &self.0
    }
}

impl Serialize for Hardware {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Facts { memory, memory_errors, nics, disks, bmc, sensors, smbios, .. } = &*self.0;
        let smbios = match smbios {
            Observed::Absent { reason } => Observed::absent(reason),
            Observed::Nothing { reason } => Observed::nothing(reason),
            Observed::Seen { source, value } => Observed::seen(source, without_the_rest(value)),
        };
        let shown = Facts {
            memory: memory.clone(),
            memory_errors: memory_errors.clone(),
            nics: nics.clone(),
            disks: disks.clone(),
            bmc: bmc.clone(),
            sensors: sensors.clone(),
            smbios,
            pci: Observed::absent("no page shows it"),
            ..Facts::default()
        };
        shown.serialize(serializer)
    }
}

fn without_the_rest(smbios: &Smbios) -> Smbios {
    Smbios {
        version: smbios.version.clone(),
        memory_arrays: smbios.memory_arrays.clone(),
        memory_devices: smbios.memory_devices.clone(),
        power_supplies: smbios.power_supplies.clone(),
        ..Smbios::default()
    }
}

impl<'de> Deserialize<'de> for Hardware {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Facts::deserialize(deserializer).map(|facts| Self(Arc::new(facts)))
    }
}
