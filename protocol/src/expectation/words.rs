//! Kinds of parts, as people write them: `nvme, solid state, at least 960 GB`.

use super::{DiskProfile, NicKindProfile, PciProfile};
use std::fmt::{Display, Formatter, Result};

impl Display for DiskProfile {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        let mut words = vec![self.transport.clone().unwrap_or_else(|| "any".into())];
        words.extend(self.rotational.map(|spins| if spins { "spinning".into() } else { "solid state".into() }));
        words.extend(self.model_contains.clone());
        words.extend(self.min_gb.map(|gb| format!("at least {gb} GB")));
        formatter.write_str(&words.join(", "))
    }
}

impl Display for NicKindProfile {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        let mut words: Vec<String> = self.driver.iter().chain(&self.pci_id).cloned().collect();
        words.extend(self.min_speed_mbps.map(|mbps| format!("at least {mbps} Mb/s")));
        words.extend(self.location_contains.as_ref().map(|place| format!("in {place}")));
        formatter.write_str(if words.is_empty() { "any" } else { "" })?;
        formatter.write_str(&words.join(", "))
    }
}

impl Display for PciProfile {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match &self.label {
            Some(label) => write!(formatter, "{label} ({})", self.id),
            None => formatter.write_str(&self.id),
        }
    }
}
