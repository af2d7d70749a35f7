//! Real captures, compared with what tshark and lldpd make of them.

mod corpus;

use pious_agent::{capture, decode, facts::lldp};
use pious_protocol::facts::{LldpId, Neighbour, VlanName};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn captures(folder: &Path) -> Vec<PathBuf> {
    let folders = corpus::entries(folder).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| corpus::entries(&folder));
    files.filter(|file| file.extension().is_some_and(|extension| extension == "pcap")).collect()
}

/// Frame number → the neighbour; `None` for a frame refused.
fn decoded(file: &Path) -> BTreeMap<u64, Option<Neighbour>> {
    let output = decode::lldp(file);
    let lines = output.text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let neighbour =
        |line: &Value| line.get("neighbour").map(|n| serde_json::from_value(n.clone()).expect("a neighbour"));
    lines.map(|line| (line["frame"].as_u64().expect("a number"), neighbour(&line))).collect()
}

#[test]
fn frames_agree_with_tshark() {
    let Some(folder) = corpus::folder("lldp") else { return };
    let (mut files, mut frames) = (0, 0);
    for file in captures(&folder) {
        let ours = decoded(&file);
        let mut lldp_frames = Vec::new();
        for packet in corpus::json(&file.with_extension("tshark.json")).as_array().expect("packets") {
            let layers = &packet["_source"]["layers"];
            let Some(dissected) = layers.get("lldp") else { continue };
            let number: u64 = layers["frame"]["frame.number"].as_str().expect("text").parse().expect("a number");
            lldp_frames.push(number);
            let context = format!("{} frame {number}", file.display());
            compare_with_tshark(ours.get(&number).expect(&context).as_ref(), dissected, &context);
        }
        assert_eq!(ours.keys().copied().collect::<Vec<_>>(), lldp_frames, "{}", file.display());
        files += 1;
        frames += lldp_frames.len();
    }
    corpus::say(&format!("lldp: {frames} frames of {files} captures as tshark dissects them"));
    assert!(frames > 0, "the corpus in {} is empty", folder.display());
}

fn compare_with_tshark(ours: Option<&Neighbour>, dissected: &Value, context: &str) {
    let tlvs = || dissected.as_object().expect("TLVs").values().filter_map(Value::as_object);
    let field = |name: &str| tlvs().find_map(|tlv| tlv.get(name)?.as_str());
    let any = |names: [&'static str; 3]| names.into_iter().find_map(field);
    // tshark dissects up to where it is malformed: without a TTL there is no LLDPDU to believe.
    let Some(ttl) = field("lldp.time_to_live") else {
        assert_eq!(ours, None, "{context}");
        return;
    };
    let ours = ours.expect(context);
    assert_eq!(ours.ttl_s.to_string(), ttl, "{context}");
    let chassis = any(["lldp.chassis.id.mac", "lldp.chassis.id.ip4", "lldp.chassis.id"]);
    assert_eq!(Some(ours.chassis_id.value.as_str()), chassis, "{context}: chassis");
    assert_eq!(chassis_number(&ours.chassis_id), field("lldp.chassis.subtype"), "{context}: chassis subtype");
    let port = any(["lldp.port.id.mac", "lldp.port.id.ip4", "lldp.port.id"]);
    assert_eq!(Some(ours.port_id.value.as_str()), port, "{context}: port");
    assert_eq!(port_number(&ours.port_id), field("lldp.port.subtype"), "{context}: port subtype");
    assert_eq!(ours.system_name.as_deref(), field("lldp.tlv.system.name"), "{context}: name");
    assert_eq!(ours.port_description.as_deref(), field("lldp.port.desc"), "{context}: port description");
    let pvid = field("lldp.ieee.802_1.port_vlan.id").filter(|&pvid| pvid != "0");
    assert_eq!(ours.native_vlan.map(|vlan| vlan.to_string()).as_deref(), pvid, "{context}: port VLAN");
    // tshark's JSON keeps one of several TLVs of the same name.
    if let Some(name) = field("lldp.ieee.802_1.vlan.name") {
        assert!(ours.vlans.iter().any(|vlan| vlan.name == name), "{context}: VLAN {name}");
    }
}

fn chassis_number(id: &LldpId) -> Option<&'static str> {
    let names = [
        "chassis_component",
        "interface_alias",
        "port_component",
        "mac_address",
        "network_address",
        "interface_name",
        "local",
    ];
    number(&names, id)
}

fn port_number(id: &LldpId) -> Option<&'static str> {
    let names = [
        "interface_alias",
        "port_component",
        "mac_address",
        "network_address",
        "interface_name",
        "agent_circuit_id",
        "local",
    ];
    number(&names, id)
}

fn number(names: &[&str; 7], id: &LldpId) -> Option<&'static str> {
    let index = names.iter().position(|&name| name == id.subtype)?;
    ["1", "2", "3", "4", "5", "6", "7"].get(index).copied()
}

/// What both sides tell of a neighbour.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    chassis: String,
    port: String,
    ttl: String,
    name: Option<String>,
    description: Option<String>,
    port_description: Option<String>,
    addresses: Vec<String>,
    native_vlan: Option<String>,
    vlans: Vec<VlanName>,
}

#[test]
fn neighbours_agree_with_lldpd() {
    let Some(folder) = corpus::folder("lldp") else { return };
    let (mut files, mut neighbours) = (0, 0);
    for file in captures(&folder) {
        // As lldpd keeps them: the last frame of a chassis and port stands.
        let last: BTreeMap<_, _> = decoded(&file)
            .into_values()
            .flatten()
            .map(|neighbour| ((neighbour.chassis_id.clone(), neighbour.port_id.clone()), neighbour))
            .collect();
        let mut ours: Vec<_> = last.values().map(ours_told).collect();
        let lldpcli = corpus::json(&file.with_extension("lldpcli.json"));
        let interfaces = lldpcli["lldp"][0]["interface"].as_array().cloned().unwrap_or_default();
        let mut theirs: Vec<_> = interfaces.iter().map(theirs_told).collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{}", file.display());
        files += 1;
        neighbours += ours.len();
    }
    corpus::say(&format!("lldp: {neighbours} neighbours of {files} captures as lldpd has them"));
    assert!(neighbours > 0, "the corpus in {} is empty", folder.display());
}

fn ours_told(neighbour: &Neighbour) -> Told {
    let is_ip = |address: &&String| address.parse::<std::net::IpAddr>().is_ok();
    Told {
        chassis: neighbour.chassis_id.value.clone(),
        port: neighbour.port_id.value.clone(),
        ttl: neighbour.ttl_s.to_string(),
        name: neighbour.system_name.clone(),
        description: neighbour.system_description.clone(),
        port_description: neighbour.port_description.clone(),
        // lldpd keeps IP addresses only.
        addresses: neighbour.management_addresses.iter().filter(is_ip).cloned().collect(),
        native_vlan: neighbour.native_vlan.map(|vlan| vlan.to_string()),
        vlans: neighbour.vlans.clone(),
    }
}

fn theirs_told(interface: &Value) -> Told {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (chassis, port) = (&interface["chassis"][0], &interface["port"][0]);
    let value = |of: &Value, field: &str| text(&of[field][0]["value"]);
    let vlans = interface["vlan"].as_array().cloned().unwrap_or_default();
    let mut named: Vec<_> = vlans
        .iter()
        .filter_map(|vlan| Some(VlanName { id: vlan["vlan-id"].as_str()?.parse().ok()?, name: text(&vlan["value"])? }))
        .collect();
    named.sort();
    let addresses = chassis["mgmt-ip"].as_array().cloned().unwrap_or_default();
    Told {
        chassis: value(chassis, "id").unwrap_or_default(),
        port: value(port, "id").unwrap_or_default(),
        ttl: value(port, "ttl").unwrap_or_default(),
        name: value(chassis, "name"),
        description: value(chassis, "descr"),
        port_description: value(port, "descr"),
        addresses: addresses.iter().filter_map(|address| text(&address["value"])).collect(),
        native_vlan: vlans.iter().find(|vlan| vlan["pvid"] == true).and_then(|vlan| text(&vlan["vlan-id"])),
        vlans: named,
    }
}

#[test]
fn captures_cut_at_every_byte_and_frames_changed_anywhere_never_panic() {
    let Some(folder) = corpus::folder("lldp") else { return };
    let mut runs = 0;
    for file in captures(&folder) {
        let bytes = fs::read(&file).expect("a capture");
        for cut in 0..bytes.len() {
            if let Ok(capture) = capture::read(bytes.get(..cut).unwrap_or_default()) {
                capture.frames.iter().for_each(|frame| drop(lldp::decode(frame.bytes)));
            }
            runs += 1;
        }
        for frame in capture::read(&bytes).expect("a capture").frames {
            for at in 0..frame.bytes.len() {
                for value in [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff] {
                    let mut changed = frame.bytes.to_vec();
                    changed[at] = value;
                    let _ = lldp::decode(&changed);
                    runs += 1;
                }
            }
        }
    }
    corpus::say(&format!("lldp: {runs} cut captures and changed frames, no panic"));
}
