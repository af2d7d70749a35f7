//! What watches and feeds the machine: the BMC's registers, power supplies, the TPM (types 38, 39 and 43).

use super::{
    names,
    reader::{Reader, printable},
};
use pious_protocol::facts::{IpmiDevice, PowerSupply, TpmDevice};
use smbioslib::{
    AddressBit, MaxPowerCapacity, RegisterSpacing, SMBiosIpmiDeviceInformation, SMBiosStruct, SMBiosSystemPowerSupply,
    SMBiosTpmDevice,
};

/// §7.39.
pub(super) fn ipmi(reader: &mut Reader<'_>) -> IpmiDevice {
    /// SSIF: no registers, but an address on the SMBus, in bits 7:1 of the base address.
    const SSIF: u8 = 4;
    /// No memory for records.
    const NO_STORAGE: u8 = 0xff;
    let typed = SMBiosIpmiDeviceInformation::new(reader.structure);
    let is_ssif = reader.byte(0x04) == Some(SSIF);
    let base = typed.base_address();
    let modifier = typed.base_address_modifier();
    // Bit 0 says which space, and the modifier has the bit that belongs there.
    let lowest = modifier.as_ref().map_or(0, |modifier| match modifier.ls_address_bit {
        AddressBit::Zero => 0,
        AddressBit::One => 1,
    });
    IpmiDevice {
        interface: reader.name(0x04, "IPMI interface type", names::ipmi_interface),
        specification: typed.ipmi_specification_revision().map(|bcd| format!("{}.{}", bcd >> 4, bcd & 0x0f)),
        i2c_address: typed.i2c_target_address().map(|address| address >> 1),
        nv_storage_address: typed.nvstorage_device_address().filter(|&address| address != NO_STORAGE).map(u32::from),
        base_address: base.map(|base| if is_ssif { (base & 0xff) >> 1 } else { base & !1 | lowest }),
        is_io: base.filter(|_| !is_ssif).map(|base| base & 1 == 1),
        register_spacing_bytes: modifier.filter(|_| !is_ssif).and_then(|modifier| match modifier.register_spacing {
            RegisterSpacing::BoundaryByte => Some(1),
            RegisterSpacing::Boundary32Bit => Some(4),
            // Its name says 16 bits; the specification, bytes.
            RegisterSpacing::Boundary16Bit => Some(16),
            RegisterSpacing::None => None,
        }),
        interrupt: typed.interrupt_number().filter(|&number| number != 0).map(u32::from),
    }
}

/// §7.40.
pub(super) fn power_supply(reader: &mut Reader<'_>) -> PowerSupply {
    let typed = SMBiosSystemPowerSupply::new(reader.structure);
    let raw = typed.power_supply_characteristics().map(|characteristics| characteristics.raw);
    // Four bits at most: they always fit.
    let bits = |shift: u32, mask: u16| raw.map(|raw| (raw >> shift & mask) as u8);
    PowerSupply {
        group: typed.power_unit_group().filter(|&group| group != 0).map(u32::from),
        location: reader.string(0x05),
        name: reader.string(0x06),
        manufacturer: reader.string(0x07),
        serial: reader.string(0x08),
        asset_tag: reader.string(0x09),
        model: reader.string(0x0a),
        revision: reader.string(0x0b),
        // In watts: the specification says milliwatts in a half sentence, and nobody writes them into 16 bits.
        max_power_watts: match typed.max_power_capacity() {
            Some(MaxPowerCapacity::Watts(watts)) => Some(watts.into()),
            Some(MaxPowerCapacity::Unknown) | None => None,
        },
        kind: bits(10, 0xf).and_then(|kind| reader.name_of(kind, "power supply type", names::power_supply)),
        status: bits(7, 0x7)
            .and_then(|status| reader.name_of(status, "power supply status", names::power_supply_status)),
        input_range: bits(3, 0xf)
            .and_then(|range| reader.name_of(range, "input voltage range switching", names::power_supply_input)),
        present: bits(1, 1).map(|bit| bit == 1),
        plugged: bits(2, 1).map(|unplugged| unplugged == 0),
        hot_replaceable: bits(0, 1).map(|bit| bit == 1),
    }
}

/// §7.44.
pub(super) fn tpm(reader: &mut Reader<'_>) -> TpmDevice {
    let typed = SMBiosTpmDevice::new(reader.structure);
    let (major, minor) = (typed.major_spec_version(), typed.minor_spec_version());
    let firmware = match (major, typed.firmware_version_1().map(u32::to_le_bytes)) {
        // TPM_VERSION (TPM Main part 2 §5.3): the specification's two numbers again, then the firmware's.
        (Some(1), Some([_, _, major, minor])) => Some(format!("{major}.{minor}")),
        // TPM_PT_FIRMWARE_VERSION_1: two words. The second dword is each vendor's own, and printed by nobody.
        (Some(2), Some([a, b, c, d])) => Some(format!("{}.{}", u16::from_le_bytes([c, d]), u16::from_le_bytes([a, b]))),
        (Some(_) | None, _) => None,
    };
    let vendor = typed.vendor_id().map(|vendor| printable(vendor.array.split(|&byte| byte == 0).next().unwrap_or(&[])));
    TpmDevice {
        vendor: vendor.filter(|vendor| !vendor.is_empty()),
        specification: major.zip(minor).map(|(major, minor)| format!("{major}.{minor}")),
        firmware,
        description: reader.string(0x12),
        characteristics: names::of_bits(names::TPM_CHARACTERISTICS, reader.qword(0x13).unwrap_or(0)),
    }
}
