//! A UEFI device path as text (UEFI 2.10 §10.6, as far as boot entries of servers use it): what the firmware boots, from
//! the root of the machine on.
//!
//! Own code: the crates that print device paths ask the running firmware to do it, or know only hard drives and files.

use super::boot_entry::text;
use std::{
    fmt::Write,
    net::{Ipv4Addr, Ipv6Addr},
};
use uuid::Uuid;

/// Type, subtype, length.
const HEAD_BYTES: usize = 4;

/// How much of an unknown node is shown: enough to look it up, and no more than a line of it.
const UNKNOWN_BYTES: usize = 32;

/// A device path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DevicePath {
    /// Its nodes, from the root on, as far as they can be read.
    pub text: String,
    /// Why it breaks off.
    pub problem: Option<String>,
}

impl DevicePath {
    /// The first path of the list that begins here. Further ones (§3.1.3) are the operating system's.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut path = Self::default();
        let mut rest = bytes;
        while let Some((head, behind)) = rest.split_first_chunk::<HEAD_BYTES>() {
            let [kind, subtype, low, high] = *head;
            let length = usize::from(u16::from_le_bytes([low, high]));
            let Some(data) = length.checked_sub(HEAD_BYTES).and_then(|length| behind.get(..length)) else {
                let at = bytes.len() - rest.len();
                path.problem = Some(format!("the node at byte {at} claims {length} bytes, of {}", rest.len()));
                return path;
            };
            match (kind, subtype) {
                (0x7f, 0xff) => return path,
                // Another way to the same device.
                (0x7f, 0x01) => path.text.push(','),
                _ => path.push(&node(kind, subtype, data).unwrap_or_else(|| unknown(kind, subtype, data))),
            }
            rest = behind.get(data.len()..).unwrap_or_default();
        }
        path.problem = Some(format!("it has no end in {} bytes", bytes.len()));
        path
    }

    fn push(&mut self, node: &str) {
        if !self.text.is_empty() && !self.text.ends_with(',') {
            self.text.push('/');
        }
        self.text.push_str(node);
    }
}

fn unknown(kind: u8, subtype: u8, data: &[u8]) -> String {
    let mut node = format!("Path({kind},{subtype}");
    for (index, byte) in data.iter().take(UNKNOWN_BYTES).enumerate() {
        let comma = if index == 0 { "," } else { "" };
        // Writing to a string can't fail.
        let _ = write!(node, "{comma}{byte:02x}");
    }
    node.push_str(if data.len() > UNKNOWN_BYTES { "..)" } else { ")" });
    node
}

/// A node's text; `None` for one that is not known, or too short for what it is.
fn node(kind: u8, subtype: u8, data: &[u8]) -> Option<String> {
    match kind {
        1 => hardware(subtype, data),
        2 => acpi(subtype, data),
        3 => messaging(subtype, data),
        4 => media(subtype, data),
        _ => None,
    }
}

/// §10.3.2.
fn hardware(subtype: u8, data: &[u8]) -> Option<String> {
    match subtype {
        // Function first, device second; told the other way round.
        1 => Some(format!("Pci({:#x},{:#x})", byte(data, 1)?, byte(data, 0)?)),
        4 => Some(format!("VenHw({})", guid(data, 0)?)),
        _ => None,
    }
}

/// §10.3.3.
fn acpi(subtype: u8, data: &[u8]) -> Option<String> {
    /// `PNP`, five bits a letter.
    const PNP: u32 = 0x41d0;
    // 2 is the expanded node: names as text follow the numbers, and are empty where those say all.
    if !matches!(subtype, 1 | 2) {
        return None;
    }
    let (hid, uid) = (dword(data, 0)?, dword(data, 4)?);
    let (id, vendor) = (hid >> 16, hid & 0xffff);
    Some(match (vendor, id) {
        (PNP, 0x0a03) => format!("PciRoot({uid:#x})"),
        (PNP, 0x0a08) => format!("PcieRoot({uid:#x})"),
        (PNP, id) => format!("Acpi(PNP{id:04X},{uid:#x})"),
        (_, _) => format!("Acpi({hid:#010x},{uid:#x})"),
    })
}

/// §10.3.4.
fn messaging(subtype: u8, data: &[u8]) -> Option<String> {
    match subtype {
        2 => Some(format!("Scsi({:#x},{:#x})", word(data, 0)?, word(data, 2)?)),
        5 => Some(format!("USB({:#x},{:#x})", byte(data, 0)?, byte(data, 1)?)),
        10 => Some(format!("VenMsg({})", guid(data, 0)?)),
        11 => mac(data),
        // Local address, then the other end's; the rest says how the local one came about.
        12 => Some(format!("IPv4({})", Ipv4Addr::from(*chunk::<4>(data, 4)?))),
        13 => Some(format!("IPv6({})", Ipv6Addr::from(*chunk::<16>(data, 16)?))),
        17 => Some(format!("Unit({:#x})", byte(data, 0)?)),
        18 => Some(format!("Sata({:#x},{:#x},{:#x})", word(data, 0)?, word(data, 2)?, word(data, 4)?)),
        20 => Some(format!("Vlan({})", word(data, 0)?)),
        23 => {
            let eui: Vec<String> = chunk::<8>(data, 4)?.iter().rev().map(|byte| format!("{byte:02X}")).collect();
            Some(format!("NVMe({:#x},{})", dword(data, 0)?, eui.join("-")))
        }
        24 => Some(format!("Uri({})", text(data.iter().map(|&byte| byte.into())))),
        _ => None,
    }
}

/// An address in 32 bytes, and what kind of interface it is: of Ethernet (0 by the specification, 1 by RFC 3232's
/// numbers, which firmware writes) six bytes matter.
fn mac(data: &[u8]) -> Option<String> {
    let (address, kind) = (chunk::<32>(data, 0)?, byte(data, 32)?);
    let used = if kind <= 1 { 6 } else { address.len() };
    let address: String = address.iter().take(used).map(|byte| format!("{byte:02x}")).collect();
    Some(format!("MAC({address},{kind:#x})"))
}

/// §10.3.5.
fn media(subtype: u8, data: &[u8]) -> Option<String> {
    match subtype {
        1 => hard_drive(data),
        2 => Some(format!("CDROM({:#x},{:#x},{:#x})", dword(data, 0)?, qword(data, 4)?, qword(data, 12)?)),
        3 => Some(format!("VenMedia({})", guid(data, 0)?)),
        4 => {
            let units = data.chunks_exact(2).filter_map(|unit| unit.try_into().ok().map(u16::from_le_bytes));
            Some(text(units.take_while(|&unit| unit != 0)))
        }
        6 => Some(format!("FvFile({})", guid(data, 0)?)),
        7 => Some(format!("Fv({})", guid(data, 0)?)),
        _ => None,
    }
}

/// §10.3.5.1: partition, first block, blocks, signature, format of the table, kind of signature.
fn hard_drive(data: &[u8]) -> Option<String> {
    let (partition, start, size) = (dword(data, 0)?, qword(data, 4)?, qword(data, 12)?);
    let (format, signature) = match byte(data, 37)? {
        1 => ("MBR", format!("{:#010x}", dword(data, 20)?)),
        2 => ("GPT", guid(data, 20)?.to_string()),
        _ => ("0", "0".to_owned()),
    };
    Some(format!("HD({partition},{format},{signature},{start:#x},{size:#x})"))
}

fn chunk<const N: usize>(data: &[u8], at: usize) -> Option<&[u8; N]> {
    data.get(at..)?.first_chunk()
}

fn byte(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

fn word(data: &[u8], at: usize) -> Option<u16> {
    chunk(data, at).copied().map(u16::from_le_bytes)
}

fn dword(data: &[u8], at: usize) -> Option<u32> {
    chunk(data, at).copied().map(u32::from_le_bytes)
}

fn qword(data: &[u8], at: usize) -> Option<u64> {
    chunk(data, at).copied().map(u64::from_le_bytes)
}

fn guid(data: &[u8], at: usize) -> Option<Uuid> {
    chunk(data, at).copied().map(Uuid::from_bytes_le)
}
