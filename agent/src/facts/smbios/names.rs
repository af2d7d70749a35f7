//! The names that DSP0134 gives to enumerated values, spelled as dmidecode spells them.

/// §7.4.1, without the lock bit.
pub(super) fn chassis(value: u8) -> Option<&'static str> {
    from_one(
        value,
        &[
            "Other",
            "Unknown",
            "Desktop",
            "Low Profile Desktop",
            "Pizza Box",
            "Mini Tower",
            "Tower",
            "Portable",
            "Laptop",
            "Notebook",
            "Hand Held",
            "Docking Station",
            "All In One",
            "Sub Notebook",
            "Space-saving",
            "Lunch Box",
            "Main Server Chassis",
            "Expansion Chassis",
            "Sub Chassis",
            "Bus Expansion Chassis",
            "Peripheral Chassis",
            "RAID Chassis",
            "Rack Mount Chassis",
            "Sealed-case PC",
            "Multi-system",
            "CompactPCI",
            "AdvancedTCA",
            "Blade",
            "Blade Enclosing",
            "Tablet",
            "Convertible",
            "Detachable",
            "IoT Gateway",
            "Embedded PC",
            "Mini PC",
            "Stick PC",
        ],
    )
}

/// §7.17.1.
pub(super) fn array_location(value: u8) -> Option<&'static str> {
    /// The second range begins here.
    const PC98: u8 = 0xa0;
    let first = [
        "Other",
        "Unknown",
        "System Board Or Motherboard",
        "ISA Add-on Card",
        "EISA Add-on Card",
        "PCI Add-on Card",
        "MCA Add-on Card",
        "PCMCIA Add-on Card",
        "Proprietary Add-on Card",
        "NuBus",
    ];
    let second = [
        "PC-98/C20 Add-on Card",
        "PC-98/C24 Add-on Card",
        "PC-98/E Add-on Card",
        "PC-98/Local Bus Add-on Card",
        "CXL Add-on Card",
    ];
    match value.checked_sub(PC98) {
        Some(index) => second.get(usize::from(index)).copied(),
        None => from_one(value, &first),
    }
}

/// §7.17.2.
pub(super) fn array_use(value: u8) -> Option<&'static str> {
    from_one(
        value,
        &["Other", "Unknown", "System Memory", "Video Memory", "Flash Memory", "Non-volatile RAM", "Cache Memory"],
    )
}

/// §7.17.3.
pub(super) fn error_correction(value: u8) -> Option<&'static str> {
    from_one(value, &["Other", "Unknown", "None", "Parity", "Single-bit ECC", "Multi-bit ECC", "CRC"])
}

/// §7.18.1.
pub(super) fn form_factor(value: u8) -> Option<&'static str> {
    from_one(
        value,
        &[
            "Other",
            "Unknown",
            "SIMM",
            "SIP",
            "Chip",
            "DIP",
            "ZIP",
            "Proprietary Card",
            "DIMM",
            "TSOP",
            "Row Of Chips",
            "RIMM",
            "SODIMM",
            "SRIMM",
            "FB-DIMM",
            "Die",
            "CAMM",
        ],
    )
}

/// §7.18.2.
pub(super) fn memory_kind(value: u8) -> Option<&'static str> {
    from_one(
        value,
        &[
            "Other",
            "Unknown",
            "DRAM",
            "EDRAM",
            "VRAM",
            "SRAM",
            "RAM",
            "ROM",
            "Flash",
            "EEPROM",
            "FEPROM",
            "EPROM",
            "CDRAM",
            "3DRAM",
            "SDRAM",
            "SGRAM",
            "RDRAM",
            "DDR",
            "DDR2",
            "DDR2 FB-DIMM",
            "Reserved",
            "Reserved",
            "Reserved",
            "DDR3",
            "FBD2",
            "DDR4",
            "LPDDR",
            "LPDDR2",
            "LPDDR3",
            "LPDDR4",
            "Logical non-volatile device",
            "HBM",
            "HBM2",
            "DDR5",
            "LPDDR5",
            "HBM3",
            "MRDIMM",
        ],
    )
}

/// All these enumerations begin at 1.
fn from_one(value: u8, names: &[&'static str]) -> Option<&'static str> {
    names.get(usize::from(value.checked_sub(1)?)).copied()
}
