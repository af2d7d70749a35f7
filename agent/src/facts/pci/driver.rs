//! Whether a driver has a PCI function, and if none has although its class does nothing without: why.

use crate::{
    facts::{Host, sysfs},
    modalias::Aliases,
};
use pious_protocol::facts::PciDriver;
use std::cell::OnceCell;

/// Whether a class does nothing for a server without a driver (PCI Code and ID Assignment Specification 1.15 §1).
///
/// Not in the list, although a driver would find something to do there: what each processor or chipset brings along and
/// no server is bought for (performance counters and signal processing 11h, co-processors 0B40h, the security processor
/// 1080h, SMBus 0C05h, management engines 0780h), and VGA, which the firmware's frame buffer serves.
pub(super) fn is_needed(base: u8, sub: u8, interface: u8) -> bool {
    match (base, sub) {
        // Mass storage, network.
        (0x01 | 0x02, _) => true,
        // Display but VGA and XGA: GPUs.
        (0x03, sub) => sub >= 0x02,
        // CXL memory.
        (0x05, 0x02) => true,
        // USB hosts; FEh is a device, 80h tells nothing.
        (0x0c, 0x03) => !matches!(interface, 0x80 | 0xfe),
        // FireWire, Fibre Channel, InfiniBand, IPMI.
        (0x0c, 0x00 | 0x04 | 0x06 | 0x07) => true,
        // Network, computing and entertainment encryption.
        (0x10, 0x00 | 0x10) => true,
        // Processing accelerators.
        (0x12, _) => true,
        _ => false,
    }
}

/// The modules that a host could load, by what they ask for. Read when the first function wants one: on most machines
/// none does.
pub(super) struct Modules {
    file: String,
    text: OnceCell<Result<String, String>>,
}

impl Modules {
    /// Of a host's running kernel.
    pub(super) fn of(host: &dyn Host) -> Self {
        let file = format!("/lib/modules/{}/modules.alias", host.kernel_release().unwrap_or_default());
        Self { file, text: OnceCell::new() }
    }

    fn text(&self, host: &dyn Host) -> Result<&str, &str> {
        let read = || {
            let text = host.read(&self.file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            text.map_err(|error| format!("{} can't be read: {error}", self.file))
        };
        self.text.get_or_init(read).as_ref().map(String::as_str).map_err(String::as_str)
    }

    /// Why no driver has a function that needs one.
    fn why_missing(&self, host: &dyn Host, modalias: Option<&str>) -> String {
        let Some(modalias) = modalias else { return "its modalias can't be read".into() };
        let aliases = match self.text(host) {
            Ok(text) => Aliases::parse(text),
            Err(reason) => return reason.to_owned(),
        };
        let modules = aliases.modules(modalias);
        if modules.is_empty() {
            return format!("no module in {} knows it", self.file);
        }
        let told = modules.iter().map(|module| {
            if host.list(&format!("/sys/module/{module}")).is_ok() {
                format!("module {module} knows it, is loaded, and did not take it: see the kernel's log")
            } else {
                format!("module {module} knows it and is not loaded")
            }
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// Whether a driver has the function at this place in sysfs.
    pub(super) fn driver(&self, host: &dyn Host, device: &str, class: Option<u32>) -> PciDriver {
        if let Some(name) = sysfs::link_name(host, &format!("{device}/driver")) {
            return PciDriver::Bound { name };
        }
        let Some(class) = class else { return PciDriver::Unknown };
        let [_, base, sub, interface] = class.to_be_bytes();
        if !is_needed(base, sub, interface) {
            return PciDriver::NotNeeded;
        }
        let modalias = sysfs::text(host, &format!("{device}/modalias"));
        PciDriver::Missing { reason: self.why_missing(host, modalias.as_deref()) }
    }
}

#[cfg(test)]
mod tests {
    use super::is_needed;

    #[test]
    fn classes_that_do_nothing_without_a_driver() {
        for (class, needed, what) in [
            (0x02_00_00_u32, true, "Ethernet"),
            (0x02_07_00, true, "InfiniBand host"),
            (0x01_08_02, true, "NVMe"),
            (0x01_07_00, true, "SAS"),
            (0x03_00_00, false, "VGA, as of a BMC"),
            (0x03_02_00, true, "GPU without a screen"),
            (0x03_80_00, true, "GPU of AMD's"),
            (0x05_00_00, false, "RAM"),
            (0x05_02_10, true, "CXL memory"),
            (0x06_04_00, false, "PCI bridge"),
            (0x07_80_00, false, "management engine"),
            (0x08_80_00, false, "system peripheral"),
            (0x0b_40_00, false, "QAT"),
            (0x0c_03_30, true, "xHCI"),
            (0x0c_03_fe, false, "USB device"),
            (0x0c_04_00, true, "Fibre Channel"),
            (0x0c_05_00, false, "SMBus"),
            (0x0c_07_01, true, "IPMI over KCS"),
            (0x10_00_00, true, "encryption"),
            (0x10_80_00, false, "AMD's security processor"),
            (0x11_01_00, false, "performance counters"),
            (0x12_00_00, true, "accelerator"),
        ] {
            let [_, base, sub, interface] = class.to_be_bytes();
            assert_eq!(is_needed(base, sub, interface), needed, "{what}");
        }
    }
}
