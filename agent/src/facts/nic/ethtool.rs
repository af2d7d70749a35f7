//! ethtool's generic netlink (Documentation/networking/ethtool-netlink.rst), the few messages that a NIC's facts need:
//! questions as bytes, answers from bytes. What a module's bytes mean is `transceiver`'s business.

use crate::facts::generic_netlink::GenericRequest;
use netlink_bindings::ethtool::{
    self, IterableBitset, OpLinkmodesGetDo, OpModuleEepromGetDo, OpPrivflagsGetDo, OpPrivflagsSetDo,
};
use pious_protocol::facts::Duplex;

const FAMILY: &str = "ethtool";

/// Messages of <linux/ethtool_netlink.h>. netlink-bindings 0.3.5 numbers ethtool's requests wrongly from the third on
/// (it gives 5 to LINKMODES_GET, which is the number that sets them), so they are numbered here.
const LINKMODES_GET: u8 = 4;
const PRIVFLAGS_GET: u8 = 13;
const PRIVFLAGS_SET: u8 = 14;
const MODULE_EEPROM_GET: u8 = 31;

/// A message's header (struct genlmsghdr, linux/genetlink.h): command, version, two reserved bytes.
const HEADER_BYTES: usize = 4;

/// ethtool's words for "not told" (SPEED_UNKNOWN, DUPLEX_UNKNOWN, linux/ethtool.h).
const SPEED_UNKNOWN: u32 = u32::MAX;
const DUPLEX_HALF: u8 = 0;
const DUPLEX_FULL: u8 = 1;

/// The I2C address of a module's memory (SFF-8472 §4.1, SFF-8636 §5.1: A0h, of which the kernel wants the upper seven
/// bits).
const MODULE_I2C_ADDRESS: u8 = 0x50;

/// What a link does and could do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LinkModes {
    pub(super) speed_mbps: Option<u32>,
    pub(super) duplex: Option<Duplex>,
    pub(super) autonegotiation: Option<bool>,
    pub(super) supported: Vec<String>,
}

/// One private flag of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrivateFlag {
    pub(super) name: String,
    pub(super) is_set: bool,
}

/// A half of a module's memory: the lower one, or the upper one of page 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModuleHalf {
    Lower,
    Upper,
}

pub(super) fn ask_link_modes(interface: &str) -> GenericRequest {
    let mut payload = Vec::new();
    let request = OpLinkmodesGetDo::encode_request(&mut payload);
    request.nested_header().push_dev_name_bytes(interface.as_bytes()).end_nested();
    numbered("asking for the link modes", LINKMODES_GET, payload)
}

pub(super) fn ask_private_flags(interface: &str) -> GenericRequest {
    let mut payload = Vec::new();
    let request = OpPrivflagsGetDo::encode_request(&mut payload);
    request.nested_header().push_dev_name_bytes(interface.as_bytes()).end_nested();
    numbered("asking for the driver's private flags", PRIVFLAGS_GET, payload)
}

/// Sets or clears one flag; the others stay.
pub(super) fn set_private_flag(interface: &str, flag: &PrivateFlag) -> GenericRequest {
    let mut payload = Vec::new();
    let request = OpPrivflagsSetDo::encode_request(&mut payload);
    let request = request.nested_header().push_dev_name_bytes(interface.as_bytes()).end_nested();
    let mut bit = request.nested_flags().nested_bits().nested_bit().push_name_bytes(flag.name.as_bytes());
    if flag.is_set {
        bit = bit.push_value(());
    }
    drop(bit);
    numbered("setting a private flag of the driver", PRIVFLAGS_SET, payload)
}

/// The kernel refuses a read across the middle of the memory: each half is a question of its own.
pub(super) fn ask_module(interface: &str, half: ModuleHalf) -> GenericRequest {
    const LENGTH: u32 = super::transceiver::HALF_BYTES as u32;
    let offset = match half {
        ModuleHalf::Lower => 0,
        ModuleHalf::Upper => LENGTH,
    };
    let mut payload = Vec::new();
    let request = OpModuleEepromGetDo::encode_request(&mut payload);
    let request = request.nested_header().push_dev_name_bytes(interface.as_bytes()).end_nested();
    request.push_offset(offset).push_length(LENGTH).push_page(0).push_i2c_address(MODULE_I2C_ADDRESS);
    numbered("reading the module's memory", MODULE_EEPROM_GET, payload)
}

fn numbered(what: &'static str, command: u8, mut payload: Vec<u8>) -> GenericRequest {
    if let Some(first) = payload.first_mut() {
        *first = command;
    }
    // The last attribute comes without its padding, which the kernel forgives; netlink(7) does not promise that.
    payload.resize(payload.len().next_multiple_of(4), 0);
    GenericRequest { what, family: FAMILY, payload }
}

pub(super) fn link_modes(answer: &[u8]) -> LinkModes {
    let answer = ethtool::Linkmodes::new(attributes(answer));
    // Beside modes (`10000baseT/Full`) the set has ports, pause and FEC, which have no speed and no slash.
    let supported = answer.get_ours().map(bits).unwrap_or_default().into_iter().map(|flag| flag.name);
    LinkModes {
        speed_mbps: answer.get_speed().ok().filter(|speed| *speed != SPEED_UNKNOWN && *speed != 0),
        duplex: match answer.get_duplex() {
            Ok(DUPLEX_HALF) => Some(Duplex::Half),
            Ok(DUPLEX_FULL) => Some(Duplex::Full),
            Ok(_) | Err(_) => None,
        },
        autonegotiation: answer.get_autoneg().ok().map(|autoneg| autoneg != 0),
        supported: supported.filter(|name| name.contains('/')).collect(),
    }
}

pub(super) fn private_flags(answer: &[u8]) -> Vec<PrivateFlag> {
    ethtool::Privflags::new(attributes(answer)).get_flags().map(bits).unwrap_or_default()
}

pub(super) fn module_bytes(answer: &[u8]) -> Vec<u8> {
    ethtool::ModuleEeprom::new(attributes(answer)).get_data().unwrap_or_default().to_vec()
}

fn attributes(message: &[u8]) -> &[u8] {
    message.get(HEADER_BYTES..).unwrap_or_default()
}

/// A bit set's members by name: those in its mask, each set or not.
fn bits(set: IterableBitset<'_>) -> Vec<PrivateFlag> {
    let Ok(bits) = set.get_bits() else { return Vec::new() };
    bits.filter_map(|bit| {
        let ethtool::BitsetBits::Bit(bit) = bit.ok()?;
        let name = bit.get_name().ok()?.to_string_lossy().into_owned();
        Some(PrivateFlag { name, is_set: bit.get_value().is_ok() })
    })
    .collect()
}
