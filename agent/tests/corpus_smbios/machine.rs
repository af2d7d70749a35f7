//! Types 0 to 4, 16 and 17: the machine, its processors and its memory. What dmidecode tells beside (handles of one
//! structure in another, how the BIOS may be started, a processor's flags, which the kernel tells better) is left out.

use crate::dmidecode::{Fields, fields, list, number, size, volts};
use pious_protocol::facts::{Baseboard, Bios, Chassis, MemoryArray, MemoryDevice, Processor, System};

pub fn bios(bios: &Bios) -> Fields {
    fields([
        ("ROM Size", size(bios.rom_bytes)),
        ("BIOS Revision", bios.release.clone()),
        ("Firmware Revision", bios.controller_release.clone()),
    ])
}

pub fn system(system: &System) -> Fields {
    fields([("Wake-up Type", system.wake_up.clone())])
}

pub fn baseboard(board: &Baseboard) -> Fields {
    fields([("Type", board.kind.clone()), ("Location In Chassis", board.location.clone())])
}

pub fn chassis(chassis: &Chassis) -> Fields {
    fields([
        ("Boot-up State", chassis.boot_up_state.clone()),
        ("Power Supply State", chassis.power_supply_state.clone()),
        ("Thermal State", chassis.thermal_state.clone()),
        ("Height", number(chassis.height_units, " U")),
        ("Number Of Power Cords", number(chassis.power_cords, "")),
        ("SKU Number", chassis.sku.clone()),
    ])
}

pub fn processor(processor: &Processor) -> Fields {
    let status = processor.status.as_deref().unwrap_or("<OUT OF SPEC>");
    let mut told = fields([
        ("Socket Designation", processor.socket.clone()),
        ("Type", processor.kind.clone()),
        ("Status", Some(if processor.populated { format!("Populated, {status}") } else { "Unpopulated".to_owned() })),
        ("Manufacturer", processor.manufacturer.clone()),
        ("Version", processor.version.clone()),
        ("Serial Number", processor.serial.clone()),
        ("Asset Tag", processor.asset_tag.clone()),
        ("Part Number", processor.part_number.clone()),
        ("Upgrade", processor.upgrade.clone()),
        ("External Clock", number(processor.external_clock_mhz, " MHz")),
        ("Max Speed", number(processor.max_speed_mhz, " MHz")),
        ("Current Speed", number(processor.current_speed_mhz, " MHz")),
        ("Core Count", number(processor.cores, "")),
        ("Core Enabled", number(processor.cores_enabled, "")),
        ("Thread Count", number(processor.threads, "")),
    ]);
    // Characteristics came with 2.5, as the counts did; without them dmidecode has no line.
    if processor.cores.is_some() {
        told.insert("Characteristics".to_owned(), list(&processor.characteristics));
    }
    told
}

/// What dmidecode says of a processor's voltage that is no measure: what the socket could be set to.
pub fn is_choice_of_voltages(text: &str) -> bool {
    text.split(" V")
        .map(str::trim)
        .filter(|volts| !volts.is_empty())
        .all(|volts| ["5.0", "3.3", "2.9"].contains(&volts))
}

pub fn memory_array(array: &MemoryArray) -> Fields {
    fields([
        ("Location", array.location.clone()),
        ("Use", array.usage.clone()),
        ("Error Correction Type", array.error_correction.clone()),
        ("Maximum Capacity", size(array.max_capacity_bytes)),
        ("Number Of Devices", number(array.slots, "")),
    ])
}

pub fn memory_device(device: &MemoryDevice) -> Fields {
    let mut told = fields([
        ("Locator", device.locator.clone()),
        ("Bank Locator", device.bank.clone()),
        ("Size", if device.populated { size(device.size_bytes) } else { Some("No Module Installed".into()) }),
        ("Form Factor", device.form_factor.clone()),
        ("Type", device.kind.clone()),
        ("Speed", number(device.speed_mts, " MT/s")),
        ("Configured Memory Speed", number(device.configured_speed_mts, " MT/s")),
        ("Manufacturer", device.manufacturer.clone()),
        ("Serial Number", device.serial.clone()),
        ("Asset Tag", device.asset_tag.clone()),
        ("Part Number", device.part_number.clone()),
        ("Rank", number(device.rank, "")),
        ("Minimum Voltage", volts(device.minimum_millivolts)),
        ("Maximum Voltage", volts(device.maximum_millivolts)),
        ("Configured Voltage", volts(device.configured_millivolts)),
        ("Memory Technology", device.technology.clone()),
        ("Firmware Version", device.firmware.clone()),
    ]);
    // Of an empty slot dmidecode prints what its last module, or nobody, left there.
    if device.populated {
        let details = if device.details.is_empty() { "None".to_owned() } else { device.details.join(" ") };
        let portion = |bytes: Option<u64>| if bytes == Some(0) { Some("None".to_owned()) } else { size(bytes) };
        told.extend(fields([
            ("Type Detail", Some(details)),
            ("Total Width", number(device.total_width_bits, " bits")),
            ("Data Width", number(device.data_width_bits, " bits")),
            ("Volatile Size", portion(device.volatile_bytes)),
            ("Non-Volatile Size", portion(device.non_volatile_bytes)),
        ]));
    }
    told
}
