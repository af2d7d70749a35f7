//! Whose an interface is: the server's own, or its BMC's door to it (SMBIOS type 42, DSP0270).
//!
//! A BMC shows its host a network interface on USB or PCI. It looks like any other NIC and often has a DHCP server behind
//! it that hands out a default route; so whatever looks for the network must know it first. Bytes and files stay out of
//! here: what is asked is an [`Attachment`].

use pious_protocol::{
    facts::{HostInterface, NicRole},
    ids::MacAddress,
};

/// USB vendor and product.
pub(crate) type UsbId = (u16, u16);

/// USB network interfaces that are nothing but a BMC's: for machines whose table has no type 42. iDRAC (usb.ids); AMI
/// MegaRAC (Thomas-Krenn's wiki, "Redfish Host Interface"); Insyde Supervyse, as in Supermicro's and Gigabyte's BMCs
/// (lsusb of such servers). Ids of generic gadgets (1d6b:0104, 0525:a4a2, IBM's 04b3:4010) are other devices' too, and
/// believed only where type 42 names them.
const KNOWN_USB: [UsbId; 3] = [(0x413c, 0xa102), (0x046b, 0xffb0), (0x0b1f, 0x03ee)];

/// Makers of BMCs whose interface may have another id than the one that type 42 names.
const BMC_USB_VENDORS: [u16; 6] = [0x413c, 0x046b, 0x0b1f, 0x03f0, 0x17ef, 0x1d6b];

/// The drivers of a BMC's USB network interface.
const USB_DRIVERS: [&str; 4] = ["cdc_ether", "rndis_host", "cdc_eem", "cdc_ncm"];

/// How an interface hangs on its machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(crate) macs: Vec<MacAddress>,
    pub(crate) driver: Option<String>,
    /// Of the USB device that it is a function of.
    pub(crate) usb: Option<UsbId>,
    /// The PCI function that it is, or hangs on.
    pub(crate) pci: Option<String>,
}

/// The record that describes the interface, or that there is none and it is a BMC's all the same.
pub(crate) fn role(attachment: &Attachment, records: &[HostInterface]) -> NicRole {
    let known = attachment.usb.is_some_and(|id| KNOWN_USB.contains(&id));
    if known || record(attachment, records).is_some() { NicRole::HostInterface } else { NicRole::Data }
}

/// Which type 42 describes the interface: by its MAC, else by its PCI function, else by its USB ids, else as the only sort
/// of thing that it can be. PCI ids name a model, of which there are data NICs too: on PCI only a MAC or a function counts.
pub(crate) fn record<'a>(attachment: &Attachment, records: &'a [HostInterface]) -> Option<&'a HostInterface> {
    let by = |is_it: &dyn Fn(&HostInterface) -> bool| records.iter().find(|record| is_it(record));
    by(&|record| record.mac.is_some_and(|mac| attachment.macs.contains(&mac)))
        .or_else(|| by(&|record| is_function_of(record, attachment)))
        .or_else(|| by(&|record| has_ids_of(record, attachment)))
        .or_else(|| by(&|record| is_usb(record) && is_bmc_gadget(attachment)))
}

/// A record that tells a MAC too means that one.
fn is_function_of(record: &HostInterface, attachment: &Attachment) -> bool {
    let is_pci = record.mac.is_none() && attachment.usb.is_none();
    is_pci && record.pci_address.is_some() && record.pci_address == attachment.pci
}

fn has_ids_of(record: &HostInterface, attachment: &Attachment) -> bool {
    let named = record.vendor_id.zip(record.product_id).filter(|ids| *ids != (0, 0));
    is_usb(record) && named.is_some() && named == attachment.usb
}

fn is_usb(record: &HostInterface) -> bool {
    record.device.as_deref().is_some_and(|device| device.starts_with("usb"))
}

fn is_bmc_gadget(attachment: &Attachment) -> bool {
    attachment.driver.as_deref().is_some_and(|driver| USB_DRIVERS.contains(&driver))
        && attachment.usb.is_some_and(|(vendor, _)| BMC_USB_VENDORS.contains(&vendor))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = MacAddress([0xae, 0x4e, 0xb9, 0x34, 0xe8, 0xbc]);

    const FUNCTION: &str = "0000:02:00.0";

    fn usb(id: UsbId, driver: &str) -> Attachment {
        Attachment { macs: vec![MAC], driver: Some(driver.into()), usb: Some(id), pci: Some(FUNCTION.into()) }
    }

    fn record(device: &str, ids: UsbId, mac: Option<MacAddress>) -> HostInterface {
        HostInterface {
            device: Some(device.into()),
            vendor_id: Some(ids.0),
            product_id: Some(ids.1),
            mac,
            ..HostInterface::default()
        }
    }

    #[test]
    fn a_bmcs_interface_is_told_from_a_data_nic() {
        let i350 = (0x8086, 0x1521);
        let pci = || Attachment { macs: vec![MAC], driver: Some("igb".into()), usb: None, pci: Some(FUNCTION.into()) };
        let at = |function: &str, mac| HostInterface {
            pci_address: Some(function.into()),
            ..record("pci_v2", (0x8086, 0x1521), mac)
        };
        let other = Some(MacAddress([2; 6]));
        let (ami, gadget, dongle) = ((0x046b, 0xffb0), (0x1d6b, 0x0104), (0x0b95, 0x1790));
        let (host, data) = (NicRole::HostInterface, NicRole::Data);
        let cases = [
            ("AMI's, as the record says", usb(ami, "cdc_ether"), vec![record("usb", ami, None)], host),
            ("AMI's, without a record", usb(ami, "cdc_ether"), vec![], host),
            ("a generic gadget, without a record", usb(gadget, "cdc_ether"), vec![], data),
            ("a generic gadget, by ids", usb(gadget, "cdc_ether"), vec![record("usb", gadget, None)], host),
            ("by MAC, whatever the ids", usb(dongle, "ax88179"), vec![record("usb_v2", (0, 0), Some(MAC))], host),
            ("a BMC maker's other id", usb((0x17ef, 1), "rndis_host"), vec![record("usb", (0, 0), None)], host),
            ("somebody's dongle", usb(dongle, "cdc_ncm"), vec![record("usb", ami, None)], data),
            ("a record without ids, a NIC without", usb((0, 0), "x"), vec![record("usb", (0, 0), None)], data),
            ("PCI, by ids alone", pci(), vec![record("pci", i350, None)], data),
            ("PCI, another MAC", pci(), vec![record("pci_v2", i350, other)], data),
            ("PCI, by MAC", pci(), vec![record("pci_v2", i350, Some(MAC))], host),
            ("PCI, by function", pci(), vec![at(FUNCTION, None)], host),
            ("PCI, by function, of another MAC", pci(), vec![at(FUNCTION, other)], data),
            ("PCI, another function", pci(), vec![at("0000:02:00.1", None)], data),
            ("USB behind a function", usb(dongle, "x"), vec![at(FUNCTION, None)], data),
            ("a record of a KCS", pci(), vec![HostInterface::default()], data),
        ];
        for (case, attachment, records, expected) in cases {
            assert_eq!(role(&attachment, &records), expected, "{case}");
        }
    }
}
