//! A neighbour as lldpd has it: one line of words for each fact that `lldpcli -f json0 show neighbors details` tells.
//!
//! Everything that lldpd tells is read here or named in a list of what is not; a member that is neither is a failure.

use pious_protocol::facts::{Med, Neighbour, RawTlv};
use serde_json::Value;

/// What lldpd tells and is not compared here: its bookkeeping, what we do not keep, and link aggregation, of which it knows
/// only the older TLV (tshark knows both).
const NOT_COMPARED: [&str; 7] = ["name", "via", "rid", "age", "mgmt-iface", "aggregation", "geoid"];

/// 802.1's link aggregation, which lldpd does not decode.
const AGGREGATION: &str = "unknown 00-80-c2/7 ";

/// What lldpd tells of one neighbour, sorted.
pub fn theirs(interface: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for (member, value) in members(interface) {
        match member {
            "chassis" | "port" => items(value).for_each(|item| chassis_or_port(member, item, &mut told)),
            "vlan" => items(value).for_each(|vlan| {
                let id = &text(&vlan["vlan-id"]);
                told.extend((vlan["pvid"] == true).then(|| format!("native VLAN {id}")));
                told.extend(vlan["value"].as_str().map(|name| format!("VLAN {id} {name}")));
            }),
            "ppvid" => told.extend(items(value).map(|vlan| {
                format!(
                    "protocol VLAN {} {} {}",
                    vlan["value"].as_str().unwrap_or("0"),
                    vlan["supported"],
                    vlan["enabled"]
                )
            })),
            "pi" => told.extend(items(value).map(|pi| format!("protocol {}", text(&pi["value"]).replace(' ', "")))),
            "lldp-med" => items(value).for_each(|item| med(item, &mut told)),
            "unknown-tlvs" => told.extend(items(&value[0]["unknown-tlv"]).map(unknown_to_lldpd)),
            other => assert!(NOT_COMPARED.contains(&other), "lldpd tells {other}"),
        }
    }
    told.retain(|told| !told.starts_with(AGGREGATION));
    told.sort();
    told
}

fn unknown_to_lldpd(tlv: &Value) -> String {
    let bytes = text(&tlv["value"]).replace(',', "").to_lowercase();
    let oui = text(&tlv["oui"]).replace(',', "-").to_lowercase();
    format!("unknown {oui}/{} {bytes}", text(&tlv["subtype"]))
}

fn chassis_or_port(whose: &str, of: &Value, told: &mut Vec<String>) {
    for (member, value) in members(of) {
        let only = &value[0];
        match member {
            "id" | "ttl" | "descr" | "mfs" => told.push(format!("{whose} {member} {}", text(&only["value"]))),
            "name" => told.push(format!("name {}", text(&only["value"]))),
            "mgmt-ip" => told.extend(items(value).map(|address| format!("address {}", text(&address["value"])))),
            "capability" => {
                told.extend(items(value).map(|item| format!("capability {} {}", text(&item["type"]), item["enabled"])))
            }
            "auto-negotiation" => told.push(format!("negotiation {} {}", only["supported"], only["enabled"])),
            "power" => power(only, told),
            other => assert!(NOT_COMPARED.contains(&other), "lldpd tells {other} of the {whose}"),
        }
    }
}

fn power(of: &Value, told: &mut Vec<String>) {
    for (member, value) in members(of) {
        told.push(match member {
            "supported" | "enabled" | "paircontrol" => format!("power {member} {value}"),
            _ => format!("power {member} {}", text(&value[0]["value"])),
        });
    }
}

fn med(of: &Value, told: &mut Vec<String>) {
    for (member, value) in members(of) {
        let only = &value[0];
        match member {
            "device-type" => told.push(format!("MED {}", text(&only["value"]))),
            "capability" => told.extend(items(value).map(|item| format!("MED capability {}", text(&item["type"])))),
            "policy" => told.extend(items(value).map(|policy| {
                let part = |name: &str| text(&policy[name][0]["value"]);
                let vlan = policy["vlan"][0]["vid"].as_str().unwrap_or("none");
                let (pcp, dscp) = (part("pcp"), part("dscp"));
                format!("policy {} {} {vlan} {pcp} {dscp}", text(&policy["apptype"]), policy["defined"])
            })),
            "location" => told.extend(items(value).map(location)),
            "poe" => told.push(
                ["device-type", "source", "priority", "power"].map(|part| text(&only[part][0]["value"])).join(" "),
            ),
            "inventory" => {
                told.extend(
                    members(only).map(|(part, value)| format!("inventory {part} {}", text(&value[0]["value"]))),
                );
            }
            other => assert!(NOT_COMPARED.contains(&other), "lldpd tells {other} of LLDP-MED"),
        }
    }
}

/// lldpd rounds coordinates to a tenth of a degree: tshark's comparison has the bits. Of an address the order is lost.
fn location(of: &Value) -> String {
    let mut parts: Vec<_> = members(of).filter(|(name, _)| *name != "type").collect();
    let value = |value: &Value| text(&value[0]["value"]);
    match text(&of["type"]).as_str() {
        "Civic address" => {
            parts.sort_by_key(|(name, _)| (*name != "country", *name));
            let words = parts.iter().map(|(name, part)| match *name {
                "country" => value(part),
                name => format!("{name} {}", value(part)),
            });
            format!("civic: {}", words.collect::<Vec<_>>().join(", "))
        }
        "ELIN" => format!("elin: {}", parts.first().map(|(_, part)| value(part)).unwrap_or_default()),
        kind => kind.to_lowercase(),
    }
}

/// A location of ours in the same words.
fn our_location(told: &str) -> String {
    match told.split_once(": ") {
        Some(("civic", address)) => {
            let mut parts: Vec<_> = address.split(", ").collect();
            parts.get_mut(1..).unwrap_or_default().sort_unstable();
            format!("civic: {}", parts.join(", "))
        }
        Some(("coordinates", _)) => "coordinates".into(),
        Some(_) | None => told.to_owned(),
    }
}

/// Our facts in the same words, sorted.
pub fn ours(neighbour: &Neighbour) -> Vec<String> {
    let is_ip = |address: &&String| address.parse::<std::net::IpAddr>().is_ok();
    let mut told = vec![
        format!("chassis id {}", neighbour.chassis_id.value),
        format!("port id {}", neighbour.port_id.value),
        format!("port ttl {}", neighbour.ttl_s),
    ];
    told.extend(neighbour.system_name.iter().map(|name| format!("name {name}")));
    told.extend(neighbour.system_description.iter().map(|text| format!("chassis descr {text}")));
    told.extend(neighbour.port_description.iter().map(|text| format!("port descr {text}")));
    // lldpd keeps IP addresses only.
    told.extend(neighbour.management_addresses.iter().filter(is_ip).map(|address| format!("address {address}")));
    told.extend(neighbour.capabilities.iter().filter_map(|name| {
        let is_enabled = neighbour.enabled_capabilities.contains(name);
        // lldpcli has no word for the others.
        let word = match name.as_str() {
            "bridge" => "Bridge",
            "router" => "Router",
            "wlan_access_point" => "Wlan",
            "station_only" => "Station",
            "repeater" => "Repeater",
            "telephone" => "Tel",
            "docsis_cable_device" => "Docsis",
            "other" => "Other",
            _ => return None,
        };
        Some(format!("capability {word} {is_enabled}"))
    }));
    ieee(neighbour, &mut told);
    neighbour.med.iter().for_each(|of| our_med(of, &mut told));
    told.extend(neighbour.other.iter().filter_map(unknown));
    told.sort();
    told
}

fn ieee(neighbour: &Neighbour, told: &mut Vec<String>) {
    told.extend(neighbour.native_vlan.map(|vlan| format!("native VLAN {vlan}")));
    told.extend(neighbour.vlans.iter().map(|vlan| format!("VLAN {} {}", vlan.id, vlan.name)));
    let vlans = neighbour.protocol_vlans.iter();
    told.extend(vlans.map(|vlan| format!("protocol VLAN {} {} {}", vlan.id, vlan.supported, vlan.enabled)));
    told.extend(neighbour.protocols.iter().filter(|pi| !pi.is_empty()).map(|pi| format!("protocol {pi}")));
    told.extend(neighbour.vid_usage_digest.map(|digest| format!("unknown 00-80-c2/5 {digest:08x}")));
    told.extend(neighbour.management_vlan.map(|vlan| format!("unknown 00-80-c2/6 {vlan:04x}")));
    told.extend(neighbour.max_frame_bytes.map(|bytes| format!("port mfs {bytes}")));
    if let Some(phy) = &neighbour.mac_phy {
        told.push(format!("negotiation {} {}", phy.autonegotiation_supported, phy.autonegotiation_enabled));
    }
    if let Some(power) = &neighbour.power {
        told.push(format!("power supported {}", power.supported));
        told.push(format!("power enabled {}", power.enabled));
        told.push(format!("power paircontrol {}", power.pairs_selectable));
        told.push(format!("power device-type {}", if power.is_source { "PSE" } else { "PD" }));
        told.push(format!("power pairs {}", if power.pair == 2 { "spare" } else { "signal" }));
        let class = power.class.checked_sub(1).map_or("unknown".into(), |class| format!("class {class}"));
        told.push(format!("power class {class}"));
        told.extend(power.kind.map(|kind| format!("power power-type {}", if kind < 2 { 2 } else { 1 })));
        told.extend(
            power
                .source
                .map(|source| format!("power source {}", ["unknown", "PSE", "backup", "both"][usize::from(source)])),
        );
        told.extend(power.priority.map(|priority| format!("power priority {}", PRIORITIES[usize::from(priority)])));
        told.extend(power.requested_deciwatts.map(|power| format!("power requested {}00", power)));
        told.extend(power.allocated_deciwatts.map(|power| format!("power allocated {}00", power)));
    }
}

const PRIORITIES: [&str; 4] = ["unknown", "critical", "high", "low"];

fn our_med(of: &Med, told: &mut Vec<String>) {
    const CAPABILITIES: [&str; 6] = ["Capabilities", "Policy", "Location", "MDI/PSE", "MDI/PD", "Inventory"];
    const CLASSES: [&str; 5] = [
        "unknown",
        "Generic Endpoint (Class I)",
        "Media Endpoint (Class II)",
        "Communication Device Endpoint (Class III)",
        "Network Connectivity Device",
    ];
    const APPLICATIONS: [&str; 9] = [
        "unknown",
        "Voice",
        "Voice Signaling",
        "Guest Voice",
        "Guest Voice Signaling",
        "Softphone Voice",
        "Video Conferencing",
        "Streaming Video",
        "Video Signaling",
    ];
    told.push(format!("MED {}", CLASSES[usize::from(of.device_class)]));
    let is_capable = |bit: usize| of.capabilities >> bit & 1 != 0;
    let names = CAPABILITIES.iter().enumerate().filter(|(bit, _)| is_capable(*bit));
    told.extend(names.map(|(_, name)| format!("MED capability {name}")));
    for policy in &of.policies {
        let vlan = if policy.tagged { policy.vlan.to_string() } else { "none".into() };
        let application = APPLICATIONS[usize::from(policy.application)];
        told.push(format!("policy {application} {} {vlan} {} {}", !policy.unknown, policy.priority, policy.dscp));
    }
    told.extend(of.locations.iter().map(|location| our_location(location)));
    if let Some(power) = &of.power {
        let device = ["PSE", "PD"][usize::from(power.kind)];
        let source = ["Unknown", "Primary Power Source", "Backup Power Source"][usize::from(power.source)];
        told.push(format!("{device} {source} {} {}00", PRIORITIES[usize::from(power.priority)], power.deciwatts));
    }
    let inventory = [
        ("hardware", &of.hardware_revision),
        ("firmware", &of.firmware_revision),
        ("software", &of.software_revision),
        ("serial", &of.serial),
        ("manufacturer", &of.manufacturer),
        ("model", &of.model),
        ("asset", &of.asset_id),
    ];
    told.extend(inventory.iter().filter_map(|(part, text)| Some(format!("inventory {part} {}", text.as_deref()?))));
}

/// lldpd keeps those of organizations only.
fn unknown(raw: &RawTlv) -> Option<String> {
    Some(format!("unknown {} {}", raw.organization.as_deref()?, raw.value))
}

fn members(of: &Value) -> impl Iterator<Item = (&str, &Value)> {
    of.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn items(of: &Value) -> impl Iterator<Item = &Value> {
    of.as_array().into_iter().flatten()
}

fn text(of: &Value) -> String {
    of.as_str().unwrap_or_default().to_owned()
}
