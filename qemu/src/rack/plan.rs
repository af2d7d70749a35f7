//! What the rack file means to Senzu: its import file.

use super::{PROVISIONING_VLAN, Rack, ServerSpec};
use pious_protocol::expectation::{HardwareProfile, PlannedLink};
use serde::Serialize;

/// Senzu's import file, as far as a rack file fills it.
#[derive(Serialize)]
struct Import<'a> {
    profiles: &'a [HardwareProfile],
    assets: Vec<Asset<'a>>,
}

#[derive(Serialize)]
struct Asset<'a> {
    name: &'a str,
    serial: &'a str,
    uuid: uuid::Uuid,
    macs: Vec<pious_protocol::ids::MacAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bmc_mac: Option<pious_protocol::ids::MacAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<&'a str>,
    links: Vec<PlannedLink>,
}

impl Rack {
    /// Senzu's import file, in JSON: every server that Senzu knows of, with the ports that its cables belong in.
    pub fn senzu_import(&self) -> serde_json::Value {
        let assets = self.servers.iter().filter(|server| !server.unknown_to_senzu).map(|server| self.asset(server));
        let import = Import { profiles: &self.profiles, assets: assets.collect() };
        serde_json::to_value(import).unwrap_or_default()
    }

    fn asset<'a>(&self, server: &'a ServerSpec) -> Asset<'a> {
        let links = server.nics.iter().filter_map(|nic| {
            let planned = nic.planned.as_ref().or(nic.cable.as_ref())?;
            let port = self.port(planned).ok()?;
            Some(PlannedLink {
                nic: nic.mac,
                label: Some(nic.name.clone()),
                switch: planned.switch.clone(),
                port: planned.port.clone(),
                native_vlan: port.native.or(Some(PROVISIONING_VLAN)),
                tagged_vlans: port.tagged.clone(),
                min_speed_mbps: nic.planned_min_mbps,
                group: None,
            })
        });
        Asset {
            name: &server.name,
            serial: &server.serial,
            uuid: server.uuid,
            macs: server.nics.iter().map(|nic| nic.mac).collect(),
            profile: server.profile.as_deref(),
            bmc_mac: server.bmc.as_ref().map(|bmc| bmc.mac).or(server.bmc_mac),
            held: server.held.as_deref(),
            links: links.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rack::Rack;

    #[test]
    fn a_miswired_cable_is_imported_where_it_belongs() {
        let rack = Rack::parse(
            r#"
            name = "t"
            [[switches]]
            name = "sw1"
            chassis = "52:54:00:5e:00:01"
            ports = [{ name = "p1", native = 10 }, { name = "p2", native = 10, tagged = [20, 30] }]
            [[servers]]
            name = "a"
            firmware = "bios"
            serial = "S1"
            uuid = "00000000-0000-4000-8000-000000000001"
            held = "operations"
            nics = [{ name = "nic1", mac = "52:54:00:01:00:01", cable = "sw1.p1", planned = "sw1.p2", planned_min_mbps = 10000 }]
            [[servers]]
            name = "stranger"
            firmware = "bios"
            serial = "S2"
            uuid = "00000000-0000-4000-8000-000000000002"
            unknown_to_senzu = true
            "#,
        )
        .unwrap();
        assert_eq!(
            rack.senzu_import(),
            serde_json::json!({
                "profiles": [],
                "assets": [{
                    "name": "a", "serial": "S1", "uuid": "00000000-0000-4000-8000-000000000001",
                    "macs": ["52:54:00:01:00:01"], "held": "operations",
                    "links": [{
                        "nic": "52:54:00:01:00:01", "label": "nic1", "switch": "sw1", "port": "p2",
                        "native_vlan": 10, "tagged_vlans": [20, 30], "min_speed_mbps": 10000, "group": null,
                    }],
                }],
            })
        );
    }
}
