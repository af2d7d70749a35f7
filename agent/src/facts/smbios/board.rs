//! What a board has places for: ports, slots and the devices on it (types 8, 9 and 41).

use super::{names, reader::Reader};
use pious_protocol::facts::{OnboardDevice, PortConnector, Slot, SlotPeer};
use smbioslib::{SMBiosPortConnectorInformation, SMBiosStruct, SMBiosSystemSlot};

/// §7.9. smbios-lib's names are its own enums'; ours come from the raw bytes.
pub(super) fn port(reader: &mut Reader<'_>) -> PortConnector {
    let typed = SMBiosPortConnectorInformation::new(reader.structure);
    let (internal, external) = (typed.internal_connector_type(), typed.external_connector_type());
    let kind = typed.port_type();
    PortConnector {
        internal: reader.string(0x04),
        internal_connector: internal.and_then(|kind| reader.name_of(kind.raw, "connector type", names::connector)),
        external: reader.string(0x06),
        external_connector: external.and_then(|kind| reader.name_of(kind.raw, "connector type", names::connector)),
        kind: kind.and_then(|kind| reader.name_of(kind.raw, "port type", names::port)),
    }
}

/// §7.10.
pub(super) fn slot(reader: &mut Reader<'_>) -> Slot {
    /// The peers begin here, five bytes each (§7.10.9).
    const PEERS: usize = 0x13;
    const PEER_BYTES: usize = 5;
    let typed = SMBiosSystemSlot::new(reader.structure);
    let promised = typed.peer_group_count().unwrap_or(0);
    // smbios-lib knows its peers' numbers, and not when "no address" is meant.
    let peers: Vec<_> = (0..promised).map_while(|peer| slot_peer(reader, PEERS + PEER_BYTES * peer)).collect();
    if peers.len() < promised {
        reader.problem(&format!("{promised} peer devices are promised, and {} are there", peers.len()));
    }
    Slot {
        designation: reader.string(0x04),
        kind: reader.name(0x05, "slot type", names::slot),
        width: reader.name(0x06, "slot width", names::slot_width),
        usage: reader.name(0x07, "slot usage", names::slot_usage),
        length: reader.name(0x08, "slot length", names::slot_length),
        id: reader.byte(0x05).filter(|&kind| has_number(kind)).and(reader.byte(0x09)).map(u32::from),
        pci_address: reader.pci_address(0x0d),
        base_width: typed.data_bus_width().filter(|&lanes| lanes != 0).map(u32::from),
        peers,
        // 0 says that none is told, of each of these three.
        generation: typed.slot_information().filter(|&generation| generation != 0).map(u32::from),
        physical_width: match typed.slot_physical_width().map(|width| width.raw) {
            None | Some(0) => None,
            Some(width) => reader.name_of(width, "physical slot width", names::slot_width),
        },
        pitch_hundredths_mm: typed.slot_pitch().filter(|&pitch| pitch != 0).map(u32::from),
        height: typed.slot_height().and_then(|height| reader.name_of(height.raw, "slot height", names::slot_height)),
        characteristics: characteristics(reader),
    }
}

fn slot_peer(reader: &Reader<'_>, offset: usize) -> Option<SlotPeer> {
    let width = reader.byte(offset + 4)?.into();
    Some(SlotPeer { pci_address: reader.pci_address(offset), width })
}

/// Of which slot types the first byte of the id is the number printed beside the slot (§7.10.5): MCA, EISA, PCI, AGP,
/// PCI-X and PCI Express.
fn has_number(kind: u8) -> bool {
    matches!(kind, 0x04..=0x06 | 0x0e..=0x13 | 0x1f..=0x25 | 0xa5..=0xb6 | 0xb8..=0xc4)
}

/// §7.10.6 and, since 2.1, §7.10.7. Bit 0 of the first says that nothing is known.
fn characteristics(reader: &Reader<'_>) -> Vec<String> {
    const UNKNOWN: u8 = 1;
    let Some(first) = reader.byte(0x0b).filter(|first| first & UNKNOWN == 0) else { return vec![] };
    let second = reader.byte(0x0c).unwrap_or(0);
    names::of_bits(names::SLOT_CHARACTERISTICS, u16::from_le_bytes([first, second]).into())
}

/// §7.42.
pub(super) fn onboard_device(reader: &mut Reader<'_>) -> OnboardDevice {
    const ENABLED: u8 = 0x80;
    let kind = reader.byte(0x05);
    OnboardDevice {
        designation: reader.string(0x04),
        kind: kind.and_then(|kind| reader.name_of(kind & !ENABLED, "onboard device type", names::onboard_device)),
        enabled: kind.map(|kind| kind & ENABLED != 0),
        instance: reader.byte(0x06).map(u32::from),
        pci_address: reader.pci_address(0x07),
    }
}
