//! The configuration of a real `lldpd` that speaks for switch ports. Pure.

use crate::rack::{PROVISIONING_VLAN, PortSpec, SwitchSpec};
use std::time::Duration;

/// One `lldpd`'s configuration: it speaks for one switch, on the taps of the ports it has.
pub fn configuration(switch: &SwitchSpec, taps: &[(String, &PortSpec)], interval: Duration) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', ""));
    let mut lines = vec![
        format!("configure system hostname {}", quoted(&switch.name)),
        format!("configure system description {}", quoted(switch.description.as_deref().unwrap_or("PIOUS lab switch"))),
        format!("configure lldp tx-interval {}", interval.as_secs()),
    ];
    if let Some(address) = switch.management {
        lines.push(format!("configure system ip management pattern {address}"));
    }
    for (tap, port) in taps {
        lines.push(format!("configure ports {tap} lldp portidsubtype local {}", quoted(&port.name)));
        let description = port.description.as_deref().unwrap_or(&port.name);
        lines.push(format!("configure ports {tap} lldp portdescription {}", quoted(description)));
        // The host has no VLAN devices to tell it from: IEEE 802.1's Port VLAN ID (subtype 1) and VLAN Name (3) by hand.
        if let Some(native) = port.native {
            lines.push(custom_tlv(tap, 1, &native.to_be_bytes()));
        }
        for vlan in port.native.iter().chain(&port.tagged) {
            let name = if *vlan == PROVISIONING_VLAN { "provisioning".into() } else { format!("vlan{vlan}") };
            lines.push(custom_tlv(tap, 3, &[&vlan.to_be_bytes()[..], &[name.len() as u8], name.as_bytes()].concat()));
        }
    }
    lines.join("\n") + "\n"
}

fn custom_tlv(tap: &str, subtype: u8, value: &[u8]) -> String {
    let octets: Vec<String> = value.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("configure ports {tap} lldp custom-tlv add oui 00,80,c2 subtype {subtype} oui-info {}", octets.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lldpd_is_told_what_the_rack_says() {
        let switch: SwitchSpec = toml::from_str(
            "name = 'r1-sw1'\nchassis = '52:54:00:5e:00:01'\nports = [{name='Ethernet1', native=10, lldp='lldpd'}]",
        )
        .unwrap();
        assert_eq!(
            configuration(&switch, &[("lldp0".into(), &switch.ports[0])], Duration::from_secs(3)),
            "configure system hostname \"r1-sw1\"\n\
             configure system description \"PIOUS lab switch\"\n\
             configure lldp tx-interval 3\n\
             configure ports lldp0 lldp portidsubtype local \"Ethernet1\"\n\
             configure ports lldp0 lldp portdescription \"Ethernet1\"\n\
             configure ports lldp0 lldp custom-tlv add oui 00,80,c2 subtype 1 oui-info 00,0a\n\
             configure ports lldp0 lldp custom-tlv add oui 00,80,c2 subtype 3 oui-info \
             00,0a,0c,70,72,6f,76,69,73,69,6f,6e,69,6e,67\n"
        );
    }
}
