//! Whether there is a BMC at all: none is told apart from one that could not be asked, because the first need not be judged
//! and the second never passes.

use crate::facts::Host;
use pious_protocol::facts::{Bmc, Observed, Smbios};

/// The interfaces to a BMC that the kernel found.
const IPMI: &str = "/sys/class/ipmi";

/// A BMC that could not be asked, and of which neither the firmware nor the kernel has any sign, is none.
pub(in crate::facts) fn judge(host: &dyn Host, smbios: &Observed<Smbios>, bmc: Observed<Bmc>) -> Observed<Bmc> {
    match bmc {
        Observed::Absent { .. } if !has_sign(host, smbios) => {
            Observed::nothing("SMBIOS has no IPMI device (type 38), and the kernel found none")
        }
        bmc @ (Observed::Seen { .. } | Observed::Absent { .. } | Observed::Nothing { .. }) => bmc,
    }
}

/// A table that can't be read is no sign that there is none.
fn has_sign(host: &dyn Host, smbios: &Observed<Smbios>) -> bool {
    match smbios.value() {
        Ok(smbios) => smbios.ipmi.is_some() || host.list(IPMI).is_ok_and(|devices| !devices.is_empty()),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::facts::RootHost;
    use pious_protocol::facts::{Bmc, IpmiDevice, Observed, Smbios};
    use std::fs;

    fn table(ipmi: Option<IpmiDevice>) -> Observed<Smbios> {
        Observed::seen("test", Smbios { ipmi, ..Smbios::default() })
    }

    #[test]
    fn none_is_told_from_one_that_could_not_be_asked() {
        let root = tempfile::tempdir().unwrap();
        let host = RootHost::new(root.path()).unwrap();
        let absent = || Observed::absent("no /dev/ipmi0");
        let judged = |smbios| judge(&host, &smbios, absent());
        assert!(judged(table(None)).reading().is_none());
        assert_eq!(judged(table(Some(IpmiDevice::default()))), absent(), "the firmware has one");
        assert_eq!(judged(Observed::default()), absent(), "without a table nobody knows");

        let seen = Observed::seen("/dev/ipmi0", Bmc::default());
        assert_eq!(judge(&host, &table(None), seen.clone()), seen);

        fs::create_dir_all(root.path().join("sys/class/ipmi/ipmi0")).unwrap();
        assert_eq!(judge(&host, &table(None), absent()), absent(), "the kernel has one");
    }
}
