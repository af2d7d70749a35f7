//! What a switch port says of itself: one LLDP frame (IEEE 802.1AB-2016), with the 802.1 TLVs of IEEE 802.1Q-2018
//! Annex D. Pure.

use crate::rack::{PortSpec, SwitchSpec};
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

/// How often the lab's switches announce themselves. Real ones take 30 s (§9.2.5.7); nobody at a desk wants to.
pub const INTERVAL: Duration = Duration::from_secs(3);

/// How long an announcement stays true: the standard's four intervals (§9.2.5.5, msgTxHold).
const TTL_S: u16 = 4 * INTERVAL.as_secs() as u16;

/// 01-80-C2-00-00-0E, the nearest bridge (§7.1, table 7-1).
const NEAREST_BRIDGE: [u8; 6] = [0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e];

/// IEEE 802.1's OUI.
const OUI_8021: [u8; 3] = [0x00, 0x80, 0xc2];

/// Ethernet's least frame, without its check sequence.
const MIN_FRAME_BYTES: usize = 60;

/// A TLV's length has nine bits (§8.4.2).
const MAX_VALUE_BYTES: usize = 511;

/// VLAN ids and their names, for the VLAN Name TLV.
pub type VlanNames = BTreeMap<u16, String>;

/// The frame that a port announces itself with.
pub fn announcement(switch: &SwitchSpec, port: &PortSpec, names: &VlanNames) -> Vec<u8> {
    let mut frame = Vec::with_capacity(128);
    frame.extend(NEAREST_BRIDGE);
    frame.extend(switch.chassis.0);
    frame.extend(super::frame::TYPE_LLDP.to_be_bytes());

    // Chassis id: MAC address (4). Port id: interface name (5).
    tlv(&mut frame, 1, &[&[4], &switch.chassis.0[..]].concat());
    tlv(&mut frame, 2, &[&[5], port.name.as_bytes()].concat());
    tlv(&mut frame, 3, &TTL_S.to_be_bytes());
    if let Some(description) = &port.description {
        tlv(&mut frame, 4, description.as_bytes());
    }
    tlv(&mut frame, 5, switch.name.as_bytes());
    tlv(&mut frame, 6, switch.description.as_deref().unwrap_or("PIOUS lab switch").as_bytes());
    // Capabilities: bridge (bit 2), and it is on.
    tlv(&mut frame, 7, &[0, 4, 0, 4]);
    if let Some(address) = switch.management {
        tlv(&mut frame, 8, &management(address));
    }
    if let Some(native) = port.native {
        tlv(&mut frame, 127, &[&OUI_8021[..], &[1], &native.to_be_bytes()].concat());
    }
    for vlan in port.native.iter().chain(&port.tagged) {
        let name = names.get(vlan).map_or_else(|| format!("vlan{vlan}"), Clone::clone);
        let name = &name.as_bytes()[..name.len().min(32)];
        tlv(&mut frame, 127, &[&OUI_8021[..], &[3], &vlan.to_be_bytes(), &[name.len() as u8], name].concat());
    }
    tlv(&mut frame, 0, &[]);
    frame.resize(frame.len().max(MIN_FRAME_BYTES), 0);
    frame
}

/// The goodbye of a port that is about to fall silent: a TTL of 0 (§9.2.7.1, shutdown LLDPDU).
pub fn goodbye(switch: &SwitchSpec, port: &PortSpec) -> Vec<u8> {
    let mut frame = [&NEAREST_BRIDGE[..], &switch.chassis.0, &super::frame::TYPE_LLDP.to_be_bytes()].concat();
    tlv(&mut frame, 1, &[&[4], &switch.chassis.0[..]].concat());
    tlv(&mut frame, 2, &[&[5], port.name.as_bytes()].concat());
    tlv(&mut frame, 3, &[0, 0]);
    tlv(&mut frame, 0, &[]);
    frame.resize(frame.len().max(MIN_FRAME_BYTES), 0);
    frame
}

/// §8.5.9: length of subtype and address, address family number, address, interface numbering "unknown", no OID.
fn management(address: IpAddr) -> Vec<u8> {
    let (family, octets) = match address {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
    };
    [&[octets.len() as u8 + 1, family], &octets[..], &[1, 0, 0, 0, 0, 0]].concat()
}

fn tlv(frame: &mut Vec<u8>, kind: u8, value: &[u8]) {
    let value = &value[..value.len().min(MAX_VALUE_BYTES)];
    frame.extend((u16::from(kind) << 9 | value.len() as u16).to_be_bytes());
    frame.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn every_tlv_is_where_the_standard_puts_it() {
        let switch: SwitchSpec = toml::from_str(
            "name = 'sw1'\nchassis = '52:54:00:5e:00:01'\nmanagement = '10.77.0.251'\ndescription = 'd'
             ports = [{ name = 'p1', description = 'up', native = 10, tagged = [20] }]",
        )
        .unwrap();
        let names = VlanNames::from([(10, "prov".to_owned())]);
        let expected = [
            "0180c200000e5254005e000188cc", // header
            "02070452",                     // chassis id: 7 bytes, MAC
            "54005e0001",
            "0403057031",                     // port id "p1", interface name
            "0602000c",                       // TTL 12
            "08027570",                       // port description "up"
            "0a03737731",                     // system name "sw1"
            "0c0164",                         // system description "d"
            "0e0400040004",                   // bridge, enabled
            "100c05010a4d00fb010000000000",   // management address 10.77.0.251
            "fe060080c201000a",               // PVID 10
            "fe0b0080c203000a0470726f76",     // VLAN 10 "prov"
            "fe0d0080c203001406766c616e3230", // VLAN 20 "vlan20"
            "0000",
        ]
        .concat();
        assert_eq!(hex(&announcement(&switch, &switch.ports[0], &names)), expected);
        assert_eq!(
            hex(&goodbye(&switch, &switch.ports[0])),
            format!("{:0<120}", "0180c200000e5254005e000188cc0207045254005e0001040305703106020000")
        );
    }
}
