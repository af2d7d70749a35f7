//! What we say of ourselves by LLDP, so that a switch's neighbour table names the asset behind each port. Pure.

use super::{filter::LLDP_ETHERTYPE, packet_socket::NEAREST_BRIDGE};
use pious_protocol::ids::MacAddress;

/// How long a switch keeps us (IEEE 802.1AB-2016 §9.2.5.22 with its defaults: 4 × 30 s + 1, without the 1).
const TTL_S: u16 = 120;

/// The shortest Ethernet frame, without its checksum.
const SHORTEST_FRAME: usize = 60;

/// TLV types and the subtypes that we use (§8.5.2.2, §8.5.3.2).
const CHASSIS_ID: u8 = 1;
const PORT_ID: u8 = 2;
const TTL: u8 = 3;
const PORT_DESCRIPTION: u8 = 4;
const SYSTEM_NAME: u8 = 5;
const SYSTEM_DESCRIPTION: u8 = 6;
const CHASSIS_IS_MAC: u8 = 4;
const PORT_IS_MAC: u8 = 3;

/// The longest text that a TLV holds (§8.5.5.2 to §8.5.8.2).
const LONGEST_TEXT: usize = 255;

const DESCRIPTION: &str = concat!("PIOUS ", env!("CARGO_PKG_VERSION"));

/// The whole Ethernet frame that a NIC announces itself with. `chassis` is the same for every NIC of the machine.
pub(super) fn frame(system_name: &str, chassis: MacAddress, port: MacAddress, interface: &str) -> Vec<u8> {
    let mut frame = head(chassis, port, TTL_S);
    put(&mut frame, PORT_DESCRIPTION, interface.as_bytes());
    if !system_name.is_empty() {
        put(&mut frame, SYSTEM_NAME, system_name.as_bytes());
    }
    put(&mut frame, SYSTEM_DESCRIPTION, DESCRIPTION.as_bytes());
    close(&mut frame);
    frame
}

/// The frame that says goodbye: who hears it forgets us at once (TTL 0, IEEE 802.1AB-2016 §8.5.4).
pub(super) fn goodbye(chassis: MacAddress, port: MacAddress) -> Vec<u8> {
    let mut frame = head(chassis, port, 0);
    close(&mut frame);
    frame
}

/// Up to the TLVs that every LLDPDU begins with.
fn head(chassis: MacAddress, port: MacAddress, ttl_s: u16) -> Vec<u8> {
    let mut frame = Vec::with_capacity(SHORTEST_FRAME);
    frame.extend(NEAREST_BRIDGE);
    frame.extend(port.0);
    frame.extend(LLDP_ETHERTYPE.to_be_bytes());
    put(&mut frame, CHASSIS_ID, &[&[CHASSIS_IS_MAC], chassis.0.as_slice()].concat());
    put(&mut frame, PORT_ID, &[&[PORT_IS_MAC], port.0.as_slice()].concat());
    put(&mut frame, TTL, &ttl_s.to_be_bytes());
    frame
}

/// End of LLDPDU, and no runt.
fn close(frame: &mut Vec<u8>) {
    frame.extend([0, 0]);
    frame.resize(frame.len().max(SHORTEST_FRAME), 0);
}

/// A TLV: seven bits of type, nine of length (§8.4).
fn put(frame: &mut Vec<u8>, kind: u8, value: &[u8]) {
    let value = value.get(..value.len().min(LONGEST_TEXT)).unwrap_or_default();
    let length = u16::try_from(value.len()).unwrap_or_default();
    frame.extend((u16::from(kind) << 9 | length).to_be_bytes());
    frame.extend(value);
}

#[cfg(test)]
mod tests {
    use super::{frame, goodbye};
    use crate::facts::lldp;
    use pious_protocol::{
        facts::{LldpId, Neighbour},
        ids::MacAddress,
    };

    const CHASSIS: MacAddress = MacAddress([0x52, 0x54, 0, 1, 0x10, 1]);
    const PORT: MacAddress = MacAddress([0x52, 0x54, 0, 1, 0x10, 2]);

    fn heard(frame: &[u8]) -> Neighbour {
        lldp::decode(frame).unwrap().neighbour
    }

    #[test]
    fn a_neighbour_hears_who_we_are() {
        let expected = Neighbour {
            chassis_id: LldpId { subtype: "mac_address".into(), value: "52:54:00:01:10:01".into() },
            port_id: LldpId { subtype: "mac_address".into(), value: "52:54:00:01:10:02".into() },
            ttl_s: 120,
            port_description: Some("eth1".into()),
            system_name: Some("r1-u10".into()),
            system_description: Some(super::DESCRIPTION.into()),
            ..Neighbour::default()
        };
        assert_eq!(heard(&frame("r1-u10", CHASSIS, PORT, "eth1")), expected);
    }

    #[test]
    fn a_neighbour_is_told_to_forget_us() {
        let frame = goodbye(CHASSIS, PORT);
        let told = heard(&frame);
        let whole = heard(&super::frame("r1-u10", CHASSIS, PORT, "eth1"));
        assert_eq!((told.chassis_id, told.port_id, told.ttl_s), (whole.chassis_id, whole.port_id, 0));
        assert_eq!((told.system_name, frame.len()), (None, 60));
    }

    #[test]
    fn without_a_name_and_with_a_long_one() {
        assert_eq!(heard(&frame("", CHASSIS, PORT, "eth0")).system_name, None);
        let long = heard(&frame(&"x".repeat(1000), CHASSIS, PORT, "eth0"));
        assert_eq!(long.system_name.map(|name| name.len()), Some(255));
        assert!(frame("", CHASSIS, PORT, "e").len() >= 60, "no runt");
    }
}
