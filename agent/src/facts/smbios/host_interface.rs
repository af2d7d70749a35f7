//! The ways to a BMC from its own host (type 42), with what DSP0270 §8 puts into them for Redfish.

use super::{
    names,
    reader::{Reader, printable},
    system,
};
use pious_protocol::{facts::HostInterface, ids::MacAddress};
use smbioslib::{HostInterfaceType, HostProtocolType, SMBiosManagementControllerHostInterface, SMBiosStruct};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// §7.43.
pub(super) fn read(reader: &mut Reader<'_>) -> HostInterface {
    /// Before it, the interface's own data had no length, so what follows can't be found.
    const LENGTHS_SINCE: (u8, u8) = (3, 2);
    let mut facts = HostInterface {
        kind: reader.name(0x04, "host interface type", names::host_interface),
        ..HostInterface::default()
    };
    let has_lengths = (reader.version.major, reader.version.minor) >= LENGTHS_SINCE;
    // Some makers (and QEMU, whatever table it is given) announce an older version beside a structure of a newer one.
    if !has_lengths && !fills_exactly(&reader.structure.fields) {
        return facts;
    }
    let typed = SMBiosManagementControllerHostInterface::new(reader.structure);
    let is_network = typed.interface_type().is_some_and(|kind| *kind == HostInterfaceType::NetworkHostInterface);
    match typed.interface_type_specific_data() {
        Some(data) if is_network => device(reader, data, &mut facts),
        Some(_) => {}
        None => reader.problem("the interface's own data is cut"),
    }
    for record in typed.protocol_record_iterator() {
        let Some(kind) = record.protocol_type() else { continue };
        facts.protocols.extend(reader.name_of(kind.raw, "protocol type", names::protocol));
        if *kind == HostProtocolType::RedfishOverIP {
            let data = record.protocol_type_specific_data().unwrap_or_default();
            if redfish(reader, data, &mut facts).is_none() {
                reader.problem(&format!("the Redfish record has {} bytes, and needs {REDFISH_BYTES}", data.len()));
            }
        }
    }
    // smbios-lib stops at a record that is cut, and at an empty one; records of a type that nobody knows were problems
    // above.
    let promised = typed.number_of_protocol_records().map_or(0, usize::from);
    let whole = typed.protocol_record_iterator().count();
    if whole < promised {
        reader.problem(&format!("{promised} protocol records are promised, and {whole} are there"));
    }
    facts
}

/// Whether a structure, taken for one with lengths, ends where the last of them says.
fn fills_exactly(structure: &[u8]) -> bool {
    /// Behind the header and the interface's type: its data, length first.
    const DATA: usize = 0x05;
    let behind = |at: usize| Some(at + 1 + usize::from(*structure.get(at)?));
    let records = || {
        let count_at = behind(DATA)?;
        // Each record: its type, then its data, length first.
        (0..*structure.get(count_at)?).try_fold(count_at + 1, |at, _| behind(at + 1))
    };
    records().is_some_and(|end| end == structure.len())
}

/// Where a device descriptor has what, counted from behind its type (DSP0270 §8.3).
struct Layout {
    name: &'static str,
    /// Vendor, then product or device: two words.
    ids: usize,
    mac: Option<usize>,
    /// As in a slot's structure.
    pci_address: Option<usize>,
    /// Bit 0 of a word that came with DSP0270 1.3.
    characteristics: Option<usize>,
}

/// smbios-lib leaves the interface's data to its user.
fn device(reader: &mut Reader<'_>, data: &[u8], facts: &mut HostInterface) {
    /// In the structure, the data begins here, and the descriptor one byte later.
    const DESCRIPTOR: usize = 0x07;
    let Some((&kind, descriptor)) = data.split_first() else { return };
    let layout = match kind {
        2 => Layout { name: "usb", ids: 0, mac: None, pci_address: None, characteristics: None },
        3 => Layout { name: "pci", ids: 0, mac: None, pci_address: None, characteristics: None },
        // From 4 on, a length comes first.
        4 => Layout { name: "usb_v2", ids: 1, mac: Some(6), pci_address: None, characteristics: Some(0x0c) },
        5 => Layout { name: "pci_v2", ids: 1, mac: Some(9), pci_address: Some(0x0f), characteristics: Some(0x13) },
        0x80.. => {
            facts.device = Some("oem".to_owned());
            return;
        }
        _ => {
            return reader
                .problem(&format!("the host interface's device type {kind:#04x} is not in the specification"));
        }
    };
    let word = |at: usize| Some(u16::from_le_bytes([*descriptor.get(at)?, *descriptor.get(at + 1)?]));
    facts.device = Some(layout.name.to_owned());
    facts.vendor_id = word(layout.ids);
    facts.product_id = word(layout.ids + 2);
    let mac = layout.mac.and_then(|at| descriptor.get(at..)?.first_chunk());
    facts.mac = mac.filter(|&&mac| mac != [0; 6]).map(|&mac| MacAddress(mac));
    let is_whole = |at: &usize| descriptor.len() >= at + 4;
    facts.pci_address = layout.pci_address.filter(is_whole).and_then(|at| reader.pci_address(DESCRIPTOR + at));
    facts.credential_bootstrapping = layout.characteristics.and_then(word).map(|word| word & 1 == 1);
}

/// A Redfish record's members (DSP0270 §8.6), its service's name last.
const REDFISH_BYTES: usize = 91;

/// `None` for a record that is too short.
fn redfish(reader: &mut Reader<'_>, data: &[u8], facts: &mut HostInterface) -> Option<()> {
    let (fixed, name) = data.split_first_chunk::<REDFISH_BYTES>()?;
    let address = |format: usize, at: usize| ip_address(*fixed.get(format)?, fixed.get(at..)?.first_chunk()?);
    let word = |at: usize| Some(u16::from_le_bytes([*fixed.get(at)?, *fixed.get(at + 1)?]));
    facts.service_uuid = fixed.get(..16).and_then(|bytes| system::uuid(bytes, reader.version));
    let (host, service) = (fixed[16], fixed[50]);
    facts.host_assignment = assignment(reader, host);
    if is_told(host) {
        facts.host_address = address(17, 18);
        facts.host_mask = address(17, 34);
    }
    facts.service_discovery = assignment(reader, service);
    if is_told(service) {
        facts.service_address = address(51, 52);
        facts.service_mask = address(51, 68);
        facts.service_port = word(84).filter(|&port| port != 0);
        // Of four bytes, as many as a VLAN's number needs; 0 is none.
        facts.service_vlan = word(86).filter(|&vlan| vlan != 0);
    }
    match name.get(..usize::from(fixed[90])) {
        // Some firmware counts the NUL in.
        Some(name) => facts.service_host = name.split(|&byte| byte == 0).next().map(printable),
        None => reader.problem("the Redfish service's name is cut"),
    }
    facts.service_host = facts.service_host.take().filter(|name| !name.is_empty());
    Some(())
}

/// How an end of the interface gets its address (DSP0270 §8.6).
fn assignment(reader: &mut Reader<'_>, value: u8) -> Option<String> {
    let names = |value: u8| match value {
        0 => Some("unknown"),
        1 => Some("static"),
        2 => Some("dhcp"),
        3 => Some("auto_configure"),
        4 => Some("host_selected"),
        _ => None,
    };
    reader.name_of(value, "way to find an address", names)
}

/// An address stands in the record only where it is static or configures itself.
fn is_told(assignment: u8) -> bool {
    matches!(assignment, 1 | 3)
}

fn ip_address(format: u8, bytes: &[u8; 16]) -> Option<IpAddr> {
    match (format, bytes) {
        (1, &[a, b, c, d, ..]) => Some(Ipv4Addr::new(a, b, c, d).into()),
        (2, _) => Some(Ipv6Addr::from(*bytes).into()),
        _ => None,
    }
}
