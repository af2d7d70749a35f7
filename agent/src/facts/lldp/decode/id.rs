//! Who and where: chassis and port ids (§8.5.2, §8.5.3) and network addresses (§8.5.9).

use super::{
    error::{LldpError, MandatoryTlv},
    text::{hex, text},
};
use pious_protocol::{facts::LldpId, ids::MacAddress};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

/// A chassis or port id: one byte of subtype, 1 to 255 of id (§8.5.2, §8.5.3).
const ID_BYTES: RangeInclusive<usize> = 2..=256;

pub(super) fn id(tlv: MandatoryTlv, value: &[u8]) -> Result<LldpId, LldpError> {
    let bad = || LldpError::BadLength { tlv, bytes: value.len() };
    if !ID_BYTES.contains(&value.len()) {
        return Err(bad());
    }
    let (&number, id) = value.split_first().ok_or_else(bad)?;
    let subtype = match tlv {
        MandatoryTlv::ChassisId => chassis_subtype(number),
        MandatoryTlv::PortId | MandatoryTlv::TimeToLive => port_subtype(number),
    };
    let value = match subtype {
        Some("mac_address") => <[u8; 6]>::try_from(id).map_or_else(|_| hex(id), |mac| MacAddress(mac).to_string()),
        Some("network_address") => network_address(id).unwrap_or_else(|| hex(id)),
        Some(_) => text(id),
        // What a reserved subtype means is not ours to guess, not even whether it is text.
        None => hex(id),
    };
    Ok(LldpId { subtype: subtype.map_or_else(|| format!("reserved_{number}"), str::to_owned), value })
}

/// Table 8-2.
fn chassis_subtype(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "chassis_component",
        2 => "interface_alias",
        3 => "port_component",
        4 => "mac_address",
        5 => "network_address",
        6 => "interface_name",
        7 => "local",
        _ => return None,
    })
}

/// Table 8-3.
fn port_subtype(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "interface_alias",
        2 => "port_component",
        3 => "mac_address",
        4 => "network_address",
        5 => "interface_name",
        6 => "agent_circuit_id",
        7 => "local",
        _ => return None,
    })
}

/// §8.5.9: length of subtype and address, then those; the interface number and OID behind them are not read.
pub(super) fn management_address(value: &[u8]) -> Option<String> {
    let (&length, rest) = value.split_first()?;
    network_address(rest.get(..usize::from(length))?)
}

/// An address family number of IANA's, and an address. `None` without an address.
fn network_address(bytes: &[u8]) -> Option<String> {
    const IPV4: u8 = 1;
    const IPV6: u8 = 2;
    let (&family, address) = bytes.split_first()?;
    if address.is_empty() {
        return None;
    }
    let ip = match family {
        IPV4 => <[u8; 4]>::try_from(address).ok().map(|octets| Ipv4Addr::from(octets).to_string()),
        IPV6 => <[u8; 16]>::try_from(address).ok().map(|octets| Ipv6Addr::from(octets).to_string()),
        _ => None,
    };
    Some(ip.unwrap_or_else(|| format!("afi {family}: {}", hex(address))))
}
