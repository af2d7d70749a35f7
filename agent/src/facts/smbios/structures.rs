//! From structures to facts: which file reads which type (DSP0134 §7).

use super::{board, entry::Version, host_interface, management, memory, processor, reader::Reader, system};
use pious_protocol::facts::Smbios;
use smbioslib::UndefinedStruct;

/// Adds one structure's facts; a type that is not asked for adds nothing.
pub(super) fn add(structure: &UndefinedStruct, version: Version, smbios: &mut Smbios) {
    let mut reader = Reader { structure, version, problems: &mut smbios.problems };
    let reader = &mut reader;
    match structure.header.struct_type() {
        0 => drop(smbios.bios.get_or_insert_with(|| system::bios(reader))),
        1 => drop(smbios.system.get_or_insert_with(|| system::system(reader))),
        2 => smbios.baseboards.push(system::baseboard(reader)),
        3 => smbios.chassis.push(system::chassis(reader)),
        4 => smbios.processors.push(processor::processor(reader)),
        7 => smbios.caches.push(processor::cache(reader)),
        8 => smbios.ports.push(board::port(reader)),
        9 => smbios.slots.push(board::slot(reader)),
        11 => smbios.oem_strings.extend(system::oem_strings(reader)),
        16 => smbios.memory_arrays.push(memory::array(reader)),
        17 => smbios.memory_devices.push(memory::device(reader)),
        19 => smbios.mapped_ranges.extend(memory::mapped_range(reader)),
        38 => drop(smbios.ipmi.get_or_insert_with(|| management::ipmi(reader))),
        39 => smbios.power_supplies.push(management::power_supply(reader)),
        41 => smbios.onboard_devices.push(board::onboard_device(reader)),
        42 => smbios.host_interfaces.push(host_interface::read(reader)),
        43 => drop(smbios.tpm.get_or_insert_with(|| management::tpm(reader))),
        _ => {}
    }
}
