//! A neighbour in tshark's words: each TLV as the fields that tshark's JSON has of it.
//!
//! Both sides are lists of TLVs, and a TLV a list of named values. What tshark tells beyond our facts is dropped by a
//! list that says why; any other field, on either side, is a difference.

use pious_protocol::facts::{LldpId, Med, MedPolicy, Neighbour, PortPower, RawTlv};
use serde_json::Value;

/// One TLV: tshark's field names and values, sorted.
pub type Tlv = Vec<(String, String)>;

/// Fields that are not compared, by how their names begin, and why.
const NOT_COMPARED: [(&str, &str); 17] = [
    ("_ws.", "an opinion of tshark's"),
    ("lldp.tlv_deprecated", "an opinion of tshark's"),
    ("lldp.tlv.len", "not a fact of the neighbour"),
    ("lldp.network_address.subtype", "told by the address's form"),
    ("lldp.mgn.address.len", "not a fact of the neighbour"),
    ("lldp.mgn.address.subtype", "told by the address's form"),
    ("lldp.mgn.interface", "of use to SNMP only: not kept"),
    ("lldp.mgn.obj", "of use to SNMP only: not kept"),
    ("lldp.ieee.802_1.vlan.name_len", "not a fact of the neighbour"),
    ("lldp.ieee.802_1.proto.id_length", "not a fact of the neighbour"),
    ("lldp.ieee.802_1qbg", "kept raw"),
    ("lldp.ieee.802_3.pmd_auto_neg_advertised_caps_inv", "the advertised bits the wrong way round"),
    ("lldp.media.civic.length", "not a fact of the neighbour"),
    ("lldp.media.civic.what", "always the client or the switch, which does not matter in one rack: not kept"),
    ("lldp.dcbx", "kept raw"),
    ("lldp.iana.mudurl", "kept raw"),
    ("lldp.ieee.802_1qau", "kept raw"),
];

/// The TLVs of tshark's `lldp` layer, sorted; without End Of LLDPDU and the fields that are [`NOT_COMPARED`].
pub fn dissected(layer: &Value) -> Vec<Tlv> {
    // TLVs of the same name are a list under it.
    let named = layer.as_object().into_iter().flat_map(|layer| layer.values());
    let tlvs = named.flat_map(|of_a_name| match of_a_name {
        Value::Array(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    });
    let fields = tlvs.map(|tlv| {
        let mut fields = Vec::new();
        leaves(tlv, &mut fields);
        civic_in_words(fields)
    });
    let kind_is =
        |fields: &Tlv, is: fn(&str) -> bool| fields.iter().any(|(name, kind)| name == "lldp.tlv.type" && is(kind));
    sorted(one_aggregation(fields.filter(|fields| kind_is(fields, |kind| kind != "0")).collect()))
}

/// Whether tshark gave up somewhere in the layer.
pub fn is_malformed(layer: &Value) -> bool {
    match layer {
        Value::Object(members) => members.iter().any(|(name, value)| name == "_ws.malformed" || is_malformed(value)),
        Value::Array(items) => items.iter().any(is_malformed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// 802.3's link aggregation became 802.1's: a sender of both is told by the newer one, and our facts do not say which.
fn one_aggregation(tlvs: Vec<Tlv>) -> Vec<Tlv> {
    let is_of = |tlv: &Tlv, organization: &str| {
        tlv.iter().any(|(name, _)| name.starts_with(organization) && name.ends_with("aggregated_port_id"))
    };
    let has_newer = tlvs.iter().any(|tlv| is_of(tlv, "lldp.ieee.802_1."));
    let kept = tlvs.into_iter().filter(|tlv| !(has_newer && is_of(tlv, "lldp.ieee.802_3.")));
    kept.map(|tlv| match tlv.iter().any(|(name, _)| name.ends_with("aggregated_port_id")) {
        true => {
            tlv.into_iter().filter_map(|(name, value)| Some((name.split_once("aggregat")?.1.into(), value))).collect()
        }
        false => tlv,
    })
    .collect()
}

/// A field's single bits (`…_tree`) repeat the field.
fn leaves(tlv: &Value, fields: &mut Tlv) {
    let members = tlv.as_object().into_iter().flatten();
    for (name, value) in members.filter(|(name, _)| !name.ends_with("_tree")) {
        let is_compared = NOT_COMPARED.iter().all(|(begin, _)| !name.starts_with(begin));
        match value {
            Value::String(text) if is_compared => fields.push((name.clone(), without_reserved(name, text))),
            Value::Array(items) if is_compared => {
                fields.extend(items.iter().filter_map(|item| Some((name.clone(), item.as_str()?.to_owned()))));
            }
            Value::Object(_) => leaves(value, fields),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
        }
    }
}

/// Bits that the standard reserves, and that a sender sets all the same, are none of our facts.
fn without_reserved(name: &str, value: &str) -> String {
    match (name, value) {
        // IEEE 802.1Q-2018 §D.2.2.1: bits 1 and 2 count.
        ("lldp.ieee.802_1.port_and_vlan_id_flag", "0x01") => hex2(0),
        _ => value.to_owned(),
    }
}

/// tshark's country, types and values of a civic address as our facts have them.
fn civic_in_words(fields: Tlv) -> Tlv {
    const NAMES: [(&str, &str); 5] =
        [("3", "city"), ("6", "street"), ("25", "building"), ("27", "floor"), ("28", "room")];
    let (civic, mut others): (Tlv, Tlv) =
        fields.into_iter().partition(|(name, _)| name.starts_with("lldp.media.civic"));
    let values =
        |of: &str| civic.iter().filter(|(name, _)| name.ends_with(of)).map(|(_, value)| value).collect::<Vec<_>>();
    if let [country] = values("country").as_slice() {
        let elements = values(".type").into_iter().zip(values(".value")).map(|(kind, value)| {
            let (_, name) = NAMES.iter().find(|(number, _)| number == kind).expect("a named element");
            format!(", {name} {value}")
        });
        let words = format!("civic: {country}{}", elements.collect::<String>());
        others.push(("civic".into(), words));
    }
    others
}

/// Our facts in tshark's words, sorted.
pub fn told(neighbour: &Neighbour) -> Vec<Tlv> {
    let mut tlvs = vec![
        tlv(1, chassis(&neighbour.chassis_id)),
        tlv(2, port(&neighbour.port_id)),
        tlv(3, [field("lldp.time_to_live", neighbour.ttl_s)]),
    ];
    let mut text =
        |kind, name, text: &Option<String>| tlvs.extend(text.iter().map(|text| tlv(kind, [field(name, text)])));
    text(4, "lldp.port.desc", &neighbour.port_description);
    text(5, "lldp.tlv.system.name", &neighbour.system_name);
    text(6, "lldp.tlv.system.desc", &neighbour.system_description);
    if !neighbour.capabilities.is_empty() {
        let capabilities = hex4(capability_bits(&neighbour.capabilities));
        let enabled = hex4(capability_bits(&neighbour.enabled_capabilities));
        let fields = [field("lldp.tlv.system_cap", capabilities), field("lldp.tlv.enable_system_cap", enabled)];
        tlvs.push(tlv(7, fields));
    }
    tlvs.extend(neighbour.management_addresses.iter().map(|address| {
        let (name, value) = match address.strip_prefix("afi 6: ") {
            Some(mac) => ("lldp.mgn.addr.hex", colons(mac)),
            None if address.contains(':') => ("lldp.mgn.addr.ip6", address.clone()),
            None => ("lldp.mgn.addr.ip4", address.clone()),
        };
        tlv(8, [field(name, value)])
    }));
    ieee8021(neighbour, &mut tlvs);
    ieee8023(neighbour, &mut tlvs);
    neighbour.med.iter().for_each(|told| med(told, &mut tlvs));
    tlvs.extend(neighbour.other.iter().map(raw));
    sorted(tlvs)
}

fn ieee8021(neighbour: &Neighbour, tlvs: &mut Vec<Tlv>) {
    let mut add = |subtype: u8, fields: Vec<(String, String)>| tlvs.push(organization(OUI_802_1, subtype, fields));
    if let Some(vlan) = neighbour.native_vlan {
        add(1, vec![field("lldp.ieee.802_1.port_vlan.id", vlan)]);
    }
    for vlan in &neighbour.protocol_vlans {
        let flags = hex2(u8::from(vlan.supported) << 1 | u8::from(vlan.enabled) << 2);
        let flags = field("lldp.ieee.802_1.port_and_vlan_id_flag", flags);
        add(2, vec![flags, field("lldp.ieee.802_1.port_proto_vlan.id", vlan.id)]);
    }
    for vlan in &neighbour.vlans {
        let name = field("lldp.ieee.802_1.vlan.name", &vlan.name);
        add(3, vec![field("lldp.ieee.802_1.vlan.id", vlan.id), name]);
    }
    for protocol in &neighbour.protocols {
        let identity = (!protocol.is_empty()).then(|| field("lldp.ieee.802_1.proto.id", colons(protocol)));
        add(4, identity.into_iter().collect());
    }
    // tshark tells no more of these two than that they are there; lldpd tells the rest.
    neighbour.vid_usage_digest.iter().for_each(|_| add(5, vec![]));
    neighbour.management_vlan.iter().for_each(|_| add(6, vec![]));
    if let Some(told) = &neighbour.link_aggregation {
        let status = hex2(u8::from(told.capable) | u8::from(told.enabled) << 1);
        tlvs.push(vec![field("ion_status", status), field("ed_port_id", told.port_id)]);
    }
}

fn ieee8023(neighbour: &Neighbour, tlvs: &mut Vec<Tlv>) {
    let mut add = |subtype, fields: Vec<(String, String)>| tlvs.push(organization(OUI_802_3, subtype, fields));
    if let Some(told) = &neighbour.mac_phy {
        let status = u8::from(told.autonegotiation_supported) | u8::from(told.autonegotiation_enabled) << 1;
        add(
            1,
            vec![
                field("lldp.ieee.802_3.mac_phy_auto_neg_status", hex2(status)),
                field("lldp.ieee.802_3.pmd_auto_neg_advertised_caps", hex4(told.advertised)),
                field("lldp.ieee.802_3.pmd_mau_type", hex4(told.mau_type)),
            ],
        );
    }
    neighbour.power.iter().for_each(|told| add(2, power(told)));
    neighbour.max_frame_bytes.iter().for_each(|bytes| add(4, vec![field("lldp.ieee.802_3.max_frame_size", bytes)]));
}

fn power(told: &PortPower) -> Tlv {
    let bits = [told.is_source, told.supported, told.enabled, told.pairs_selectable];
    let support = bits.iter().rev().fold(0, |all, bit| all << 1 | u8::from(*bit));
    let mut fields = vec![
        field("lldp.ieee.802_3.mdi_power_support", hex2(support)),
        field("lldp.ieee.802_3.mdi_pse_pair", told.pair),
        field("lldp.ieee.802_3.mdi_power_class", told.class),
    ];
    let mut optional = |name, value: Option<u16>| fields.extend(value.map(|value| field(name, value)));
    optional("lldp.ieee.802_3.mdi_power_type", told.kind.map(u16::from));
    optional("lldp.ieee.802_3.mdi_power_source", told.source.map(u16::from));
    optional("lldp.ieee.802_3.mdi_power_priority", told.priority.map(u16::from));
    optional("lldp.ieee.802_3.mdi_pde_requested", told.requested_deciwatts);
    optional("lldp.ieee.802_3.mdi_pse_allocated", told.allocated_deciwatts);
    fields
}

fn med(told: &Med, tlvs: &mut Vec<Tlv>) {
    let mut add = |subtype, fields: Vec<(String, String)>| tlvs.push(organization(OUI_TIA, subtype, fields));
    let capabilities = field("lldp.media.subtype.caps", hex4(told.capabilities));
    add(1, vec![capabilities, field("lldp.media.subtype.class", told.device_class)]);
    told.policies.iter().for_each(|told| add(2, policy(told)));
    told.locations.iter().for_each(|told| add(3, location(told)));
    if let Some(power) = &told.power {
        let kind = field("lldp.media.power.type", power.kind);
        let (source, priority) =
            (field("lldp.media.power.source", power.source), field("lldp.media.power.prio", power.priority));
        add(4, vec![kind, source, priority, field("lldp.media.power.value", power.deciwatts)]);
    }
    let inventory = [
        ("lldp.media.hardware", &told.hardware_revision),
        ("lldp.media.firmware", &told.firmware_revision),
        ("lldp.media.software", &told.software_revision),
        ("lldp.media.sn", &told.serial),
        ("lldp.media.manufacturer", &told.manufacturer),
        ("lldp.media.model", &told.model),
        ("lldp.media.asset", &told.asset_id),
    ];
    for ((name, text), subtype) in inventory.into_iter().zip(5..) {
        text.iter().for_each(|text| add(subtype, vec![field(name, text)]));
    }
}

fn policy(told: &MedPolicy) -> Tlv {
    vec![
        field("lldp.media.app_type", told.application),
        field("lldp.media.policy_flag", u8::from(told.unknown)),
        field("lldp.media.tag_flag", u8::from(told.tagged)),
        field("lldp.media.vlan_id", told.vlan),
        field("lldp.media.l2_prio", told.priority),
        field("lldp.media.dscp", told.dscp),
    ]
}

fn location(told: &str) -> Tlv {
    let format = |number: u8| field("lldp.media.loc.data_format", number);
    if let Some(hex) = told.strip_prefix("coordinates: ") {
        // IETF RFC 3825 §2: 6 and 34 bits of latitude, 6 and 34 of longitude, 4, 6 and 30 of altitude, 8 of datum. tshark
        // shows the two 34s with the 6 before them.
        let bits = u128::from_str_radix(hex, 16).expect("16 bytes of hex");
        let part = |name, at: u32, width: u32| field(name, bits >> (128 - at - width) & ((1 << width) - 1));
        return vec![
            format(1),
            part("lldp.media.loc.lat_resolution", 0, 6),
            part("lldp.media.loc.latitude", 0, 40),
            part("lldp.media.loc.long_resolution", 40, 6),
            part("lldp.media.loc.longitude", 40, 40),
            part("lldp.media.loc.alt_type", 80, 4),
            part("lldp.media.loc.alt_resolution", 84, 6),
            part("lldp.media.loc.altitude", 90, 30),
            part("lldp.media.loc.datum", 120, 8),
        ];
    }
    match told.strip_prefix("elin: ") {
        Some(number) => vec![format(3), field("lldp.media.ecs", number)],
        None => vec![format(2), field("civic", told)],
    }
}

const OUI_802_1: &str = "00-80-c2";
const OUI_802_3: &str = "00-12-0f";
const OUI_TIA: &str = "00-12-bb";
const OUI_IANA: &str = "00-00-5e";

fn raw(raw: &RawTlv) -> Tlv {
    let Some(organization) = &raw.organization else { return tlv(raw.kind, []) };
    let (oui, subtype) = organization.split_once('/').expect("an OUI and a subtype");
    let subtype = subtype.parse().expect("a number");
    let is_known = [OUI_802_1, OUI_802_3, OUI_TIA, OUI_IANA].contains(&oui);
    let content = (!is_known).then(|| field("lldp.unknown_subtype.content", colons(&raw.value)));
    self::organization(oui, subtype, content.into_iter().collect())
}

fn organization(oui: &str, subtype: u8, fields: Vec<(String, String)>) -> Tlv {
    let subtype = match oui {
        OUI_802_1 => field("lldp.ieee.802_1.subtype", hex2(subtype)),
        OUI_802_3 => field("lldp.ieee.802_3.subtype", hex2(subtype)),
        OUI_TIA => field("lldp.media.subtype", hex2(subtype)),
        OUI_IANA => field("lldp.iana.subtype", hex2(subtype)),
        _ => field("lldp.unknown_subtype", subtype),
    };
    let number = u32::from_str_radix(&oui.replace('-', ""), 16).expect("an OUI");
    tlv(127, [vec![field("lldp.orgtlv.oui", number), subtype], fields].concat())
}

fn chassis(id: &LldpId) -> Tlv {
    let names = [
        "chassis_component",
        "interface_alias",
        "port_component",
        "mac_address",
        "network_address",
        "interface_name",
        "local",
    ];
    let (name, value) = match id.subtype.as_str() {
        "mac_address" => ("lldp.chassis.id.mac", id.value.clone()),
        "network_address" => ("lldp.chassis.id.ip4", id.value.clone()),
        _ => ("lldp.chassis.id", id.value.clone()),
    };
    vec![field("lldp.chassis.subtype", number(&names, id)), field(name, value)]
}

fn port(id: &LldpId) -> Tlv {
    let names = [
        "interface_alias",
        "port_component",
        "mac_address",
        "network_address",
        "interface_name",
        "agent_circuit_id",
        "local",
    ];
    let name = match id.subtype.as_str() {
        "mac_address" => "lldp.port.id.mac",
        "network_address" => "lldp.port.id.ip4",
        _ => "lldp.port.id",
    };
    vec![field("lldp.port.subtype", number(&names, id)), field(name, &id.value)]
}

fn number(names: &[&str; 7], id: &LldpId) -> usize {
    names.iter().position(|&name| name == id.subtype).expect("a subtype of the standard's") + 1
}

fn capability_bits(names: &[String]) -> u16 {
    const BITS: [&str; 8] = [
        "other",
        "repeater",
        "bridge",
        "wlan_access_point",
        "router",
        "telephone",
        "docsis_cable_device",
        "station_only",
    ];
    names.iter().fold(0, |bits, name| bits | 1 << BITS.iter().position(|bit| bit == name).expect("a capability"))
}

fn tlv(kind: u8, fields: impl IntoIterator<Item = (String, String)>) -> Tlv {
    [field("lldp.tlv.type", kind)].into_iter().chain(fields).collect()
}

fn field(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

fn hex2(value: u8) -> String {
    format!("{value:#04x}")
}

fn hex4(value: u16) -> String {
    format!("{value:#06x}")
}

fn colons(hex: &str) -> String {
    let pairs: Vec<&str> = (0..hex.len() / 2).filter_map(|at| hex.get(2 * at..2 * at + 2)).collect();
    pairs.join(":")
}

fn sorted(mut tlvs: Vec<Tlv>) -> Vec<Tlv> {
    tlvs.iter_mut().for_each(|tlv| tlv.sort());
    tlvs.sort();
    tlvs
}
