//! Reading sysfs: small text attributes, and where in the device tree something hangs.

use super::Host;
use std::str::FromStr;

/// An attribute's text without the newline and padding around it; `None` where it is absent, unreadable or empty.
pub(super) fn text(host: &dyn Host, path: &str) -> Option<String> {
    let bytes = host.read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // NVMe and SCSI pad their strings with blanks (NVMe base 2.0 §1.5), some devices with NULs.
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// An attribute that is a number.
pub(super) fn number<T: FromStr>(host: &dyn Host, path: &str) -> Option<T> {
    text(host, path)?.parse().ok()
}

/// The last component of what a symbolic link points to: how sysfs names drivers and subsystems.
pub(super) fn link_name(host: &dyn Host, path: &str) -> Option<String> {
    let target = host.link(path).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// The PCI function nearest to a class device (`/sys/class/net/eth0`, `/sys/block/sda`): the last component of its path
/// in the device tree that is a PCI address. A virtio device, a SATA port and a SAS disk all hang below theirs.
pub(super) fn pci_address(host: &dyn Host, class_device: &str) -> Option<String> {
    pci_addresses(host, class_device).into_iter().next()
}

/// The PCI functions on the way to a class device, the nearest first: its own, then the bridges above it.
pub(super) fn pci_addresses(host: &dyn Host, class_device: &str) -> Vec<String> {
    let links = [class_device.to_owned(), format!("{class_device}/device")];
    let found = links.iter().find_map(|link| {
        let target = host.link(link).ok()?;
        let mut addresses: Vec<_> = target
            .iter()
            .filter_map(|part| part.to_str())
            .filter(|part| is_pci_address(part))
            .map(str::to_owned)
            .collect();
        addresses.reverse();
        (!addresses.is_empty()).then_some(addresses)
    });
    found.unwrap_or_default()
}

/// A USB device above a class device, at most `levels` up: its vendor and product. An interface of a USB device is one
/// level below it.
pub(super) fn usb_id(host: &dyn Host, class_device: &str, levels: usize) -> Option<(u16, u16)> {
    let mut device = format!("{class_device}/device");
    for _ in 0..=levels {
        let id = |which: &str| u16::from_str_radix(&text(host, &format!("{device}/{which}"))?, 16).ok();
        if let (Some(vendor), Some(product)) = (id("idVendor"), id("idProduct")) {
            return Some((vendor, product));
        }
        device.push_str("/..");
    }
    None
}

/// `0000:00:02.0`: domain (four digits or more), bus, device, function.
fn is_pci_address(text: &str) -> bool {
    let mut parts = text.split([':', '.']);
    let mut hex = |digits: std::ops::RangeInclusive<usize>| {
        parts.next().is_some_and(|part| digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let shaped = hex(4..=8) && hex(2..=2) && hex(2..=2) && hex(1..=1);
    shaped && parts.next().is_none() && text.contains('.')
}

#[cfg(test)]
mod tests {
    use super::is_pci_address;

    #[test]
    fn pci_addresses_are_told_from_their_neighbours_in_a_path() {
        let cases = [
            ("0000:00:02.0", true),
            ("10000:e1:00.0", true),
            ("pci0000:00", false),
            ("virtio0", false),
            ("0:0:0:0", false),
            ("0000:00:02", false),
            ("0000:00:02:0", false),
            ("0000:00:02.0.1", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_pci_address(text), expected, "{text}");
        }
    }
}
