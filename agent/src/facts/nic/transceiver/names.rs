//! Names of SFF-8024 rev 4.12's codes, as far as servers meet them; another code is told by its number.

use super::Map;

/// Table 4-1: the module's kind, and which memory map it has.
pub(super) fn kind(identifier: u8) -> Option<(&'static str, Map)> {
    Some(match identifier {
        0x03 => ("SFP", Map::Sff8472),
        0x0c => ("QSFP", Map::Sff8636),
        0x0d => ("QSFP+", Map::Sff8636),
        0x11 => ("QSFP28", Map::Sff8636),
        0x18 => ("QSFP-DD", Map::Cmis),
        0x19 => ("OSFP", Map::Cmis),
        0x1b => ("DSFP", Map::Cmis),
        0x1e => ("QSFP (CMIS)", Map::Cmis),
        0x1f => ("SFP-DD", Map::Cmis),
        0x20 => ("SFP (CMIS)", Map::Cmis),
        0x21 => ("OSFP-XD", Map::Cmis),
        _ => return None,
    })
}

/// Table 4-4.
pub(super) fn extended_compliance(code: u8) -> String {
    let name = match code {
        0x01 | 0x18 => "100G AOC or 25G AOC",
        0x02 => "100GBASE-SR4 or 25GBASE-SR",
        0x03 => "100GBASE-LR4 or 25GBASE-LR",
        0x04 => "100GBASE-ER4 or 25GBASE-ER",
        0x05 => "100GBASE-SR10",
        0x06 => "100G CWDM4",
        0x07 => "100G PSM4",
        0x08 | 0x19 => "100G ACC or 25G ACC",
        0x0b => "100GBASE-CR4 or 25GBASE-CR CA-L",
        0x0c => "25GBASE-CR CA-S",
        0x0d => "25GBASE-CR CA-N",
        0x10 => "40GBASE-ER4",
        0x11 => "4x 10GBASE-SR",
        0x12 => "40G PSM4",
        0x16 => "10GBASE-T",
        0x17 => "100G CLR4",
        0x1a => "100GE-DWDM2",
        0x1c => "10GBASE-T short reach",
        0x1d => "5GBASE-T",
        0x1e => "2.5GBASE-T",
        0x1f => "40G SWDM4",
        0x20 => "100G SWDM4",
        0x21 => "100G PAM4 BiDi",
        0x22 => "100G 4WDM-10",
        0x23 => "100G 4WDM-20",
        0x24 => "100G 4WDM-40",
        0x25 => "100GBASE-DR",
        0x26 | 0x2a => "100GBASE-FR1",
        0x27 | 0x2b => "100GBASE-LR1",
        0x30 | 0x32 => "active copper cable, 50G lanes",
        0x31 | 0x33 => "active optical cable, 50G lanes",
        0x40 => "50GBASE-CR, 100GBASE-CR2 or 200GBASE-CR4",
        0x41 => "50GBASE-SR, 100GBASE-SR2 or 200GBASE-SR4",
        0x42 => "50GBASE-FR or 200GBASE-DR4",
        0x43 => "200GBASE-FR4",
        0x45 => "50GBASE-LR",
        0x46 => "200GBASE-LR4",
        _ => return unknown("4-4", code),
    };
    name.to_owned()
}

/// Table 4-5: electrical ends, those of cables.
pub(super) fn host_interface(code: u8) -> String {
    let name = match code {
        0x0b => "CAUI-4",
        0x0d => "100GAUI-2",
        0x0f => "200GAUI-4",
        0x11 => "400GAUI-8",
        0x14 => "25GBASE-CR CA-L",
        0x15 => "25GBASE-CR CA-S",
        0x16 => "25GBASE-CR CA-N",
        0x17 => "40GBASE-CR4",
        0x18 => "50GBASE-CR",
        0x1a => "100GBASE-CR4",
        0x1b => "100GBASE-CR2",
        0x1c => "200GBASE-CR4",
        0x1d => "400G CR8",
        0x46 => "100GBASE-CR1",
        0x47 => "200GBASE-CR2",
        0x48 => "400GBASE-CR4",
        0x49 => "800GBASE-CR8",
        0x51 | 0x52 => "800GAUI-8",
        _ => return unknown("4-5", code),
    };
    name.to_owned()
}

/// Table 4-6.
pub(super) fn multimode(code: u8) -> String {
    let name = match code {
        0x02 => "10GBASE-SR",
        0x03 => "25GBASE-SR",
        0x04 => "40GBASE-SR4",
        0x07 => "50GBASE-SR",
        0x09 => "100GBASE-SR4",
        0x0c => "100GBASE-SR2",
        0x0d => "100GBASE-SR1",
        0x0e => "200GBASE-SR4",
        0x0f => "400GBASE-SR16",
        0x10 => "400GBASE-SR8",
        0x11 => "400GBASE-SR4",
        0x12 => "800GBASE-SR8",
        _ => return unknown("4-6", code),
    };
    name.to_owned()
}

/// Table 4-7.
pub(super) fn single_mode(code: u8) -> String {
    let name = match code {
        0x04 => "10GBASE-LR",
        0x05 => "10GBASE-ER",
        0x07 => "25GBASE-LR",
        0x08 => "25GBASE-ER",
        0x09 => "40GBASE-LR4",
        0x0b => "50GBASE-FR",
        0x0c => "50GBASE-LR",
        0x0d => "100GBASE-LR4",
        0x0e => "100GBASE-ER4",
        0x0f => "100G PSM4",
        0x10 => "100G CWDM4",
        0x14 => "100GBASE-DR",
        0x15 => "100GBASE-FR1",
        0x16 => "100GBASE-LR1",
        0x17 => "200GBASE-DR4",
        0x18 => "200GBASE-FR4",
        0x19 => "200GBASE-LR4",
        0x1a => "400GBASE-FR8",
        0x1b => "400GBASE-LR8",
        0x1c => "400GBASE-DR4",
        0x1d => "400GBASE-FR4",
        0x1e => "400GBASE-LR4-6",
        0x41 => "200GBASE-ER4",
        0x44 => "100GBASE-ZR",
        _ => return unknown("4-7", code),
    };
    name.to_owned()
}

fn unknown(table: &str, code: u8) -> String {
    format!("code {code:#04x} of SFF-8024 table {table}")
}
