//! Where people find a PCI device: what is printed beside its socket, or on its slot. Pure.

use pious_protocol::facts::{OnboardDevice, Smbios};

/// The name of the place of a device, whose own PCI address comes first in `addresses` and those of the bridges above it
/// follow: some firmware names a slot by the card in it, some by the port that it hangs on.
pub(super) fn of(smbios: &Smbios, addresses: &[String]) -> Option<String> {
    let onboard = onboard(smbios, addresses).and_then(|device| device.designation.clone());
    onboard.or_else(|| {
        let slot = |address: &String| {
            let is_it = |of: &Option<String>| of.as_deref().is_some_and(|of| slot_part(of) == slot_part(address));
            smbios.slots.iter().find(|slot| is_it(&slot.pci_address))
        };
        addresses.iter().find_map(slot).and_then(|slot| slot.designation.clone())
    })
}

/// The onboard device that is this very function: a board's ports are functions of one chip.
pub(super) fn onboard<'a>(smbios: &'a Smbios, addresses: &[String]) -> Option<&'a OnboardDevice> {
    let own = addresses.first()?;
    smbios.onboard_devices.iter().find(|device| device.pci_address.as_ref() == Some(own))
}

/// Without the function: a card in a slot may have several.
fn slot_part(address: &str) -> &str {
    address.split_once('.').map_or(address, |(device, _)| device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::facts::Slot;

    #[test]
    fn onboard_devices_by_function_and_cards_by_slot() {
        let text = |text: &str| Some(text.to_owned());
        let onboard = |name, address| OnboardDevice {
            designation: text(name),
            instance: Some(2),
            pci_address: text(address),
            ..OnboardDevice::default()
        };
        let slot = |name, address| Slot { designation: text(name), pci_address: text(address), ..Slot::default() };
        let smbios = Smbios {
            onboard_devices: vec![onboard("LAN 1", "0000:19:00.0"), onboard("LAN 2", "0000:19:00.1")],
            slots: vec![slot("PCIe Slot 3", "0000:3b:00.0"), slot("Riser 2", "0000:80:02.0")],
            ..Smbios::default()
        };
        let cases: [(&str, &[&str], Option<&str>); 5] = [
            ("an onboard port", &["0000:19:00.1", "0000:17:00.0"], Some("LAN 2")),
            ("an unnamed function of an onboard chip", &["0000:19:00.2"], None),
            ("a card's second port", &["0000:3b:00.1", "0000:3a:00.0"], Some("PCIe Slot 3")),
            (
                "a slot named by its port, behind the card's switch",
                &["0000:83:00.0", "0000:81:00.0", "0000:80:02.0"],
                Some("Riser 2"),
            ),
            ("no PCI device", &[], None),
        ];
        for (case, addresses, expected) in cases {
            let addresses: Vec<_> = addresses.iter().map(|address| (*address).to_owned()).collect();
            assert_eq!(of(&smbios, &addresses).as_deref(), expected, "{case}");
        }
    }
}
