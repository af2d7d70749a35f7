//! The BMC's network: Get LAN Configuration Parameters, for each channel that is a LAN.

use super::{
    command::Command,
    conversation::{Conversation, first},
    error::{Completion, IpmiError},
};
use pious_protocol::{
    facts::{BmcLan, Gaps},
    ids::MacAddress,
};
use std::{
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
};

/// Channels that a maker may use as he likes; 0 is the IPMB, Eh the one that is asked on, Fh the system interface
/// (IPMI 2.0 §6.3).
const CHANNELS: RangeInclusive<u8> = 1..=0x0b;

/// Channel medium "802.3 LAN": IPMI 2.0 §6.5.
const MEDIUM_LAN: u8 = 4;

/// Parameters of IPMI 2.0 table 23-4.
mod parameter {
    pub const ADDRESS: u8 = 3;
    pub const ADDRESS_SOURCE: u8 = 4;
    pub const MAC: u8 = 5;
    pub const SUBNET_MASK: u8 = 6;
    pub const GATEWAY: u8 = 12;
    pub const GATEWAY_MAC: u8 = 13;
    pub const VLAN: u8 = 20;
}

pub(super) fn read(bmc: &mut Conversation) -> Result<Vec<BmcLan>, IpmiError> {
    channels(bmc)?.into_iter().map(|channel| lan(bmc, channel)).collect()
}

/// The channels that are LANs.
pub(super) fn channels(bmc: &mut Conversation) -> Result<Vec<u8>, IpmiError> {
    let mut channels = Vec::new();
    for channel in CHANNELS {
        match bmc.ask(Command::GetChannelInfo, &[channel]) {
            Ok(answer) if is_lan(&answer) => channels.push(channel),
            // A channel that is something else, or is not there.
            Ok(_) | Err(IpmiError::Refused(..)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(channels)
}

fn is_lan(answer: &[u8]) -> bool {
    answer.get(1).is_some_and(|medium| medium & 0x7f == MEDIUM_LAN)
}

fn lan(bmc: &mut Conversation, channel: u8) -> Result<BmcLan, IpmiError> {
    let mut gaps = Gaps::default();
    let source = ask::<1>(bmc, channel, parameter::ADDRESS_SOURCE)?.map(|[source]| address_source(source).to_owned());
    let address = ask(bmc, channel, parameter::ADDRESS)?.and_then(set_address);
    let mac = ask(bmc, channel, parameter::MAC)?.and_then(set_mac);
    let mask = ask(bmc, channel, parameter::SUBNET_MASK)?.and_then(set_address);
    let gateway = ask(bmc, channel, parameter::GATEWAY)?.and_then(set_address);
    let gateway_mac = ask(bmc, channel, parameter::GATEWAY_MAC)?.and_then(set_mac);
    let vlan = ask(bmc, channel, parameter::VLAN)?.map(vlan);
    Ok(BmcLan {
        channel,
        address: gaps.keep("address", address),
        address_source: gaps.keep("address_source", source),
        mac: gaps.keep("mac", mac),
        subnet_mask: gaps.keep("subnet_mask", mask),
        gateway: gaps.keep("gateway", gateway),
        gateway_mac: gaps.keep("gateway_mac", gateway_mac),
        vlan: gaps.keep("vlan", vlan).flatten(),
        gaps,
    })
}

/// A parameter's bytes, or why the BMC does not tell it. An error that is no refusal ends the whole reading.
fn ask<const N: usize>(
    bmc: &mut Conversation,
    channel: u8,
    parameter: u8,
) -> Result<Result<[u8; N], String>, IpmiError> {
    let command = Command::GetLanParameter;
    let answer = match bmc.ask(command, &[channel, parameter, 0, 0]) {
        Ok(answer) => answer,
        // "Parameter not supported", §23.2.
        Err(IpmiError::Refused(_, Completion(0x80))) => return Ok(Err("the BMC does not have this parameter".into())),
        Err(error @ IpmiError::Refused(..)) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error),
    };
    // The first byte is the parameter's revision.
    Ok(first::<N>(command, answer.get(1..).unwrap_or_default()).map_err(|error| error.to_string()))
}

fn address_source(source: u8) -> &'static str {
    match source & 0x0f {
        0 => "unspecified",
        1 => "static",
        2 => "dhcp",
        3 => "bios",
        _ => "other",
    }
}

fn set_address(octets: [u8; 4]) -> Result<IpAddr, String> {
    let address = Ipv4Addr::from(octets);
    if address.is_unspecified() { Err("none is set (0.0.0.0)".into()) } else { Ok(address.into()) }
}

fn set_mac(octets: [u8; 6]) -> Result<MacAddress, String> {
    if octets == [0; 6] { Err("none is set (all zeroes)".into()) } else { Ok(MacAddress(octets)) }
}

/// Bit 15 says whether frames are tagged, bits 11 to 0 with what.
fn vlan(bytes: [u8; 2]) -> Option<u16> {
    let field = u16::from_le_bytes(bytes);
    (field & 0x8000 != 0).then_some(field & 0x0fff)
}
