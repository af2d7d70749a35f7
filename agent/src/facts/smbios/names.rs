//! The names that DSP0134 gives to enumerated values and flags, spelled as dmidecode spells them.
//!
//! Each table is one text, its names parted by `|`: as an array of strings it would cost 40 bytes of pointers and
//! relocations for each name.

/// The name of each value of a field.
pub(super) type Names = fn(u8) -> Option<&'static str>;

fn nth(names: &'static str, index: u8) -> Option<&'static str> {
    names.split('|').nth(index.into()).filter(|name| !name.is_empty())
}

/// Most enumerations begin at 1.
fn from_one(names: &'static str, value: u8) -> Option<&'static str> {
    nth(names, value.checked_sub(1)?)
}

/// The names of the bits that are set; the first name is bit 0's, and an empty one has no meaning.
pub(super) fn of_bits(names: &'static str, value: u64) -> Vec<String> {
    let set = names.split('|').enumerate().filter(|(bit, name)| !name.is_empty() && (value >> bit) & 1 == 1);
    set.map(|(_, name)| name.to_owned()).collect()
}

/// §7.2.2.
pub(super) fn wake_up(value: u8) -> Option<&'static str> {
    nth("Reserved|Other|Unknown|APM Timer|Modem Ring|LAN Remote|Power Switch|PCI PME#|AC Power Restored", value)
}

/// §7.3.2.
pub(super) fn board(value: u8) -> Option<&'static str> {
    from_one(
        "Unknown|Other|Server Blade|Connectivity Switch|System Management Module|Processor Module|I/O Module|\
         Memory Module|Daughter Board|Motherboard|Processor+Memory Module|Processor+I/O Module|Interconnect Board",
        value,
    )
}

/// §7.4.1, without the lock bit.
pub(super) fn chassis(value: u8) -> Option<&'static str> {
    from_one(
        "Other|Unknown|Desktop|Low Profile Desktop|Pizza Box|Mini Tower|Tower|Portable|Laptop|Notebook|Hand Held|\
         Docking Station|All In One|Sub Notebook|Space-saving|Lunch Box|Main Server Chassis|Expansion Chassis|\
         Sub Chassis|Bus Expansion Chassis|Peripheral Chassis|RAID Chassis|Rack Mount Chassis|Sealed-case PC|\
         Multi-system|CompactPCI|AdvancedTCA|Blade|Blade Enclosing|Tablet|Convertible|Detachable|IoT Gateway|\
         Embedded PC|Mini PC|Stick PC",
        value,
    )
}

/// §7.4.2.
pub(super) fn chassis_state(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|Safe|Warning|Critical|Non-recoverable", value)
}

/// §7.5.1.
pub(super) fn processor(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|Central Processor|Math Processor|DSP Processor|Video Processor", value)
}

/// §7.5, bits 2:0 of the status.
pub(super) fn processor_status(value: u8) -> Option<&'static str> {
    nth("Unknown|Enabled|Disabled By User|Disabled By BIOS|Idle|||Other", value)
}

/// §7.5.5.
pub(super) fn upgrade(value: u8) -> Option<&'static str> {
    from_one(
        "Other|Unknown|Daughter Board|ZIF Socket|Replaceable Piggy Back|None|LIF Socket|Slot 1|Slot 2|370-pin Socket|\
         Slot A|Slot M|Socket 423|Socket A (Socket 462)|Socket 478|Socket 754|Socket 940|Socket 939|Socket mPGA604|\
         Socket LGA771|Socket LGA775|Socket S1|Socket AM2|Socket F (1207)|Socket LGA1366|Socket G34|Socket AM3|\
         Socket C32|Socket LGA1156|Socket LGA1567|Socket PGA988A|Socket BGA1288|Socket rPGA988B|Socket BGA1023|\
         Socket BGA1224|Socket BGA1155|Socket LGA1356|Socket LGA2011|Socket FS1|Socket FS2|Socket FM1|Socket FM2|\
         Socket LGA2011-3|Socket LGA1356-3|Socket LGA1150|Socket BGA1168|Socket BGA1234|Socket BGA1364|Socket AM4|\
         Socket LGA1151|Socket BGA1356|Socket BGA1440|Socket BGA1515|Socket LGA3647-1|Socket SP3|Socket SP3r2|\
         Socket LGA2066|Socket BGA1392|Socket BGA1510|Socket BGA1528|Socket LGA4189|Socket LGA1200|Socket LGA4677|\
         Socket LGA1700|Socket BGA1744|Socket BGA1781|Socket BGA1211|Socket BGA2422|Socket LGA1211|Socket LGA2422|\
         Socket LGA5773|Socket BGA5773|Socket AM5|Socket SP5|Socket SP6|Socket BGA883|Socket BGA1190|Socket BGA4129|\
         Socket LGA4710|Socket LGA7529",
        value,
    )
}

/// §7.5.9.
pub(super) const PROCESSOR_CHARACTERISTICS: &str = "||64-bit capable|Multi-Core|Hardware Thread|Execute Protection|\
    Enhanced Virtualization|Power/Performance Control|128-bit Capable|Arm64 SoC ID";

/// §7.8, bits 6:5 of the configuration.
pub(super) fn cache_location(value: u8) -> Option<&'static str> {
    nth("Internal|External||Unknown", value)
}

/// §7.8, bits 9:8 of the configuration.
pub(super) fn cache_operation(value: u8) -> Option<&'static str> {
    nth("Write Through|Write Back|Varies With Memory Address|Unknown", value)
}

/// §7.8.3.
pub(super) fn cache_error_correction(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|None|Parity|Single-bit ECC|Multi-bit ECC", value)
}

/// §7.8.4.
pub(super) fn cache(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|Instruction|Data|Unified", value)
}

/// §7.8.5.
pub(super) fn associativity(value: u8) -> Option<&'static str> {
    from_one(
        "Other|Unknown|Direct Mapped|2-way Set-associative|4-way Set-associative|Fully Associative|\
         8-way Set-associative|16-way Set-associative|12-way Set-associative|24-way Set-associative|\
         32-way Set-associative|48-way Set-associative|64-way Set-associative|20-way Set-associative",
        value,
    )
}

/// §7.9.2.
pub(super) fn connector(value: u8) -> Option<&'static str> {
    const COMMON: &str = "None|Centronics|Mini Centronics|Proprietary|DB-25 male|DB-25 female|DB-15 male|\
        DB-15 female|DB-9 male|DB-9 female|RJ-11|RJ-45|50 Pin MiniSCSI|Mini DIN|Micro DIN|PS/2|Infrared|HP-HIL|\
        Access Bus (USB)|SSA SCSI|Circular DIN-8 male|Circular DIN-8 female|On Board IDE|On Board Floppy|\
        9 Pin Dual Inline (pin 10 cut)|25 Pin Dual Inline (pin 26 cut)|50 Pin Dual Inline|68 Pin Dual Inline|\
        On Board Sound Input From CD-ROM|Mini Centronics Type-14|Mini Centronics Type-26|Mini Jack (headphones)|BNC|\
        IEEE 1394|SAS/SATA Plug Receptacle|USB Type-C Receptacle";
    const PC98: &str = "PC-98|PC-98 Hireso|PC-H98|PC-98 Note|PC-98 Full";
    match value {
        0xa0.. => nth(PC98, value - 0xa0).or((value == 0xff).then_some("Other")),
        _ => nth(COMMON, value),
    }
}

/// §7.9.3.
pub(super) fn port(value: u8) -> Option<&'static str> {
    const COMMON: &str = "None|Parallel Port XT/AT Compatible|Parallel Port PS/2|Parallel Port ECP|Parallel Port EPP|\
        Parallel Port ECP/EPP|Serial Port XT/AT Compatible|Serial Port 16450 Compatible|Serial Port 16550 Compatible|\
        Serial Port 16550A Compatible|SCSI Port|MIDI Port|Joystick Port|Keyboard Port|Mouse Port|SSA SCSI|USB|\
        Firewire (IEEE P1394)|PCMCIA Type I|PCMCIA Type II|PCMCIA Type III|Cardbus|Access Bus Port|SCSI II|SCSI Wide|\
        PC-98|PC-98 Hireso|PC-H98|Video Port|Audio Port|Modem Port|Network Port|SATA|SAS|\
        MFDP (Multi-Function Display Port)|Thunderbolt";
    const UARTS: &str = "8251 Compatible|8251 FIFO Compatible";
    match value {
        0xa0.. => nth(UARTS, value - 0xa0).or((value == 0xff).then_some("Other")),
        _ => nth(COMMON, value),
    }
}

/// §7.10.1.
pub(super) fn slot(value: u8) -> Option<&'static str> {
    const FIRST: &str = "Other|Unknown|ISA|MCA|EISA|PCI|PC Card (PCMCIA)|VLB|Proprietary|Processor Card|\
        Proprietary Memory Card|I/O Riser Card|NuBus|PCI-66|AGP|AGP 2x|AGP 4x|PCI-X|AGP 8x|M.2 Socket 1-DP|\
        M.2 Socket 1-SD|M.2 Socket 2|M.2 Socket 3|MXM Type I|MXM Type II|MXM Type III|MXM Type III-HE|MXM Type IV|\
        MXM 3.0 Type A|MXM 3.0 Type B|PCI Express 2 SFF-8639 (U.2)|PCI Express 3 SFF-8639 (U.2)|\
        PCI Express Mini 52-pin with bottom-side keep-outs|PCI Express Mini 52-pin without bottom-side keep-outs|\
        PCI Express Mini 76-pin|PCI Express 4 SFF-8639 (U.2)|PCI Express 5 SFF-8639 (U.2)|\
        OCP NIC 3.0 Small Form Factor (SFF)|OCP NIC 3.0 Large Form Factor (LFF)|OCP NIC Prior to 3.0";
    const SINCE_PC98: &str = "PC-98/C20|PC-98/C24|PC-98/E|PC-98/Local Bus|PC-98/Card|PCI Express|PCI Express x1|\
        PCI Express x2|PCI Express x4|PCI Express x8|PCI Express x16|PCI Express 2|PCI Express 2 x1|PCI Express 2 x2|\
        PCI Express 2 x4|PCI Express 2 x8|PCI Express 2 x16|PCI Express 3|PCI Express 3 x1|PCI Express 3 x2|\
        PCI Express 3 x4|PCI Express 3 x8|PCI Express 3 x16||PCI Express 4|PCI Express 4 x1|PCI Express 4 x2|\
        PCI Express 4 x4|PCI Express 4 x8|PCI Express 4 x16|PCI Express 5|PCI Express 5 x1|PCI Express 5 x2|\
        PCI Express 5 x4|PCI Express 5 x8|PCI Express 5 x16|PCI Express 6+|EDSFF E1|EDSFF E3";
    match value {
        0x30 => Some("CXL Flexbus 1.0"),
        0xa0.. => nth(SINCE_PC98, value - 0xa0),
        _ => from_one(FIRST, value),
    }
}

/// §7.10.2.
pub(super) fn slot_width(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|8-bit|16-bit|32-bit|64-bit|128-bit|x1|x2|x4|x8|x12|x16|x32", value)
}

/// §7.10.3.
pub(super) fn slot_usage(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|Available|In Use|Unavailable", value)
}

/// §7.10.4.
pub(super) fn slot_length(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|Short|Long|2.5\" drive form factor|3.5\" drive form factor", value)
}

/// §7.10.13.
pub(super) fn slot_height(value: u8) -> Option<&'static str> {
    nth("Not applicable|Other|Unknown|Full height|Low-profile", value)
}

/// §7.10.6, and from bit 8 on §7.10.7.
pub(super) const SLOT_CHARACTERISTICS: &str = "|5.0 V is provided|3.3 V is provided|Opening is shared|\
    PC Card-16 is supported|Cardbus is supported|Zoom Video is supported|Modem ring resume is supported|\
    PME signal is supported|Hot-plug devices are supported|SMBus signal is supported|\
    PCIe slot bifurcation is supported|Async/surprise removal is supported|Flexbus slot, CXL 1.0 capable|\
    Flexbus slot, CXL 2.0 capable|Flexbus slot, CXL 3.0 capable";

/// §7.42.2, without the bit that says enabled.
pub(super) fn onboard_device(value: u8) -> Option<&'static str> {
    from_one(
        "Other|Unknown|Video|SCSI Controller|Ethernet|Token Ring|Sound|PATA Controller|SATA Controller|SAS Controller|\
         Wireless LAN|Bluetooth|WWAN|eMMC|NVMe Controller|UFS Controller",
        value,
    )
}

/// §7.17.1.
pub(super) fn array_location(value: u8) -> Option<&'static str> {
    const FIRST: &str = "Other|Unknown|System Board Or Motherboard|ISA Add-on Card|EISA Add-on Card|PCI Add-on Card|\
        MCA Add-on Card|PCMCIA Add-on Card|Proprietary Add-on Card|NuBus";
    const SINCE_PC98: &str = "PC-98/C20 Add-on Card|PC-98/C24 Add-on Card|PC-98/E Add-on Card|\
        PC-98/Local Bus Add-on Card|CXL Add-on Card";
    match value {
        0xa0.. => nth(SINCE_PC98, value - 0xa0),
        _ => from_one(FIRST, value),
    }
}

/// §7.17.2.
pub(super) fn array_use(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|System Memory|Video Memory|Flash Memory|Non-volatile RAM|Cache Memory", value)
}

/// §7.17.3.
pub(super) fn error_correction(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|None|Parity|Single-bit ECC|Multi-bit ECC|CRC", value)
}

/// §7.18.1.
pub(super) fn form_factor(value: u8) -> Option<&'static str> {
    from_one(
        "Other|Unknown|SIMM|SIP|Chip|DIP|ZIP|Proprietary Card|DIMM|TSOP|Row Of Chips|RIMM|SODIMM|SRIMM|FB-DIMM|Die|\
         CAMM",
        value,
    )
}

/// §7.18.2.
pub(super) fn memory_kind(value: u8) -> Option<&'static str> {
    from_one(
        "Other|Unknown|DRAM|EDRAM|VRAM|SRAM|RAM|ROM|Flash|EEPROM|FEPROM|EPROM|CDRAM|3DRAM|SDRAM|SGRAM|RDRAM|DDR|DDR2|\
         DDR2 FB-DIMM|Reserved|Reserved|Reserved|DDR3|FBD2|DDR4|LPDDR|LPDDR2|LPDDR3|LPDDR4|\
         Logical non-volatile device|HBM|HBM2|DDR5|LPDDR5|HBM3|MRDIMM",
        value,
    )
}

/// §7.18.3.
pub(super) const MEMORY_DETAILS: &str = "|Other|Unknown|Fast-paged|Static Column|Pseudo-static|RAMBus|Synchronous|CMOS|\
    EDO|Window DRAM|Cache DRAM|Non-Volatile|Registered (Buffered)|Unbuffered (Unregistered)|LRDIMM";

/// §7.18.6.
pub(super) fn memory_technology(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|DRAM|NVDIMM-N|NVDIMM-F|NVDIMM-P|Intel Optane persistent memory|MRDIMM", value)
}

/// §7.39.1.
pub(super) fn ipmi_interface(value: u8) -> Option<&'static str> {
    nth(
        "Unknown|KCS (Keyboard Control Style)|SMIC (Server Management Interface Chip)|BT (Block Transfer)|\
         SSIF (SMBus System Interface)",
        value,
    )
}

/// §7.40.1: bits 13:10.
pub(super) fn power_supply(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|Linear|Switching|Battery|UPS|Converter|Regulator", value)
}

/// §7.40.1: bits 9:7.
pub(super) fn power_supply_status(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|OK|Non-critical|Critical", value)
}

/// §7.40.1: bits 6:3.
pub(super) fn power_supply_input(value: u8) -> Option<&'static str> {
    from_one("Other|Unknown|Manual|Auto-switch|Wide Range|N/A", value)
}

/// DSP0239 and, from 0x40 on, §7.43.1.
pub(super) fn host_interface(value: u8) -> Option<&'static str> {
    const MCTP: &str = "KCS: Keyboard Controller Style|8250 UART Register Compatible|16450 UART Register Compatible|\
        16550/16550A UART Register Compatible|16650/16650A UART Register Compatible|\
        16750/16750A UART Register Compatible|16850/16850A UART Register Compatible|I2C/SMBus|I3C|PCIe VDM|MMBI|PCC|\
        UCIe|USB";
    match value {
        0x40 => Some("Network Host Interface"),
        0xf0 => Some("OEM"),
        _ => nth(MCTP, value.checked_sub(2)?),
    }
}

/// §7.43.2.
pub(super) fn protocol(value: u8) -> Option<&'static str> {
    match value {
        2 => Some("IPMI"),
        3 => Some("MCTP"),
        4 => Some("Redfish over IP"),
        0xf0 => Some("OEM"),
        _ => None,
    }
}

/// §7.44.1.
pub(super) const TPM_CHARACTERISTICS: &str = "||TPM Device characteristics not supported|\
    Family configurable via firmware update|Family configurable via platform software support|\
    Family configurable via OEM proprietary mechanism";
