//! The page of NICs: a block for each, those that findings name first.

use super::{Row, labelled};
use crate::console::{
    View,
    words::{self, Times, joined},
};
use pious_protocol::facts::{Duplex, LldpAgent, Neighbour, Nic, NicRole, Transceiver};

pub(super) fn rows(view: &View, _width: usize) -> Vec<Row> {
    if view.nics.is_empty() {
        return vec![Row::plain(" no network card is found")];
    }
    let mut order: Vec<_> = view.nics.iter().collect();
    order.sort_by_key(|nic| !words::is_blamed(view, nic));
    let mut rows = Vec::new();
    for shown in order {
        let facts = view.facts.facts().nics.iter().find(|nic| nic.name == shown.name);
        let unlooked_at = Nic { name: shown.name.clone(), ..Nic::default() };
        let nic = facts.unwrap_or(&unlooked_at);
        let is_blamed = words::is_blamed(view, shown);
        let fails = if is_blamed { "CHECK FAILED" } else { "" };
        let mac = shown.mac.as_deref().unwrap_or_default();
        let title = joined(&[&shown.name, &words::link(shown), fails, duplex(nic), mac, &place(nic)], "  ");
        rows.push(if is_blamed { Row::bad(format!("!{title}")) } else { Row::head(format!(" {title}")) });
        rows.extend(labelled("address", Some(words::address(shown, Times::Exact)).filter(|text| text != "-")));
        rows.extend(hardware(nic));
        rows.extend(wire(nic));
    }
    rows
}

fn duplex(nic: &Nic) -> &'static str {
    match (nic.duplex, nic.autonegotiation) {
        (Some(Duplex::Half), _) => "HALF DUPLEX",
        (Some(Duplex::Full), Some(false)) => "full duplex, no negotiation",
        (Some(Duplex::Full), _) => "full duplex",
        (Some(Duplex::Unknown) | None, _) => "",
    }
}

/// Where to find it, and whose it is where that is not plain.
fn place(nic: &Nic) -> String {
    let role = match nic.role {
        NicRole::Data | NicRole::Unknown => "",
        NicRole::HostInterface => "door to the BMC",
    };
    joined(&[nic.location.as_deref().unwrap_or_default(), role], "  ")
}

fn hardware(nic: &Nic) -> Vec<Row> {
    let firmware = nic.firmware_version.as_deref().map(|version| format!("firmware {version}"));
    let pci = joined(
        &["PCI", nic.pci_address.as_deref().unwrap_or_default(), nic.pci_id.as_deref().unwrap_or_default()],
        " ",
    );
    let pci = if pci == "PCI" { String::new() } else { pci };
    let driver = [nic.driver.as_deref().unwrap_or_default(), &firmware.unwrap_or_default(), &pci];
    let module = match nic.transceiver.value() {
        Ok(module) => Some(transceiver(module)),
        // Copper has no cage, and that needs no row.
        Err(_) => None,
    };
    let functions =
        nic.sriov.as_ref().map(|sriov| format!("{} of {} virtual functions", sriov.functions, sriov.max_functions));
    let modes = (!nic.supported_modes.is_empty()).then(|| nic.supported_modes.join(" "));
    [
        labelled("driver", Some(joined(&driver, ", "))),
        labelled("module", module),
        labelled("modes", modes),
        labelled("SR-IOV", functions),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn transceiver(module: &Transceiver) -> String {
    let named = |name: &str, text: &Option<String>| text.as_deref().map(|text| format!("{name} {text}"));
    let length = module.length_decimetres.map(|length| format!("{}.{} m", length / 10, length % 10));
    let parts = [
        Some(module.kind.clone()),
        module.compliance.clone(),
        module.vendor.clone(),
        named("part", &module.part_number),
        named("serial", &module.serial),
        length,
    ];
    parts.into_iter().flatten().filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(", ")
}

/// What the cable tells.
fn wire(nic: &Nic) -> Vec<Row> {
    let mut rows = Vec::new();
    for neighbour in nic.neighbours.heard() {
        rows.extend(labelled("switch", Some(switch(neighbour))));
    }
    if let pious_protocol::facts::Neighbours::Silent { reason } = &nic.neighbours {
        rows.extend(labelled("switch", Some(format!("no LLDP: {reason}"))));
    }
    rows.extend(labelled("VLANs", Some(vlans(nic))));
    if let Ok(agent) = nic.lldp_agent.value() {
        rows.extend(lldp_agent(agent).and_then(|words| labelled("LLDP", Some(words))));
    }
    rows.extend(counters(nic));
    rows
}

fn switch(neighbour: &Neighbour) -> String {
    let name = neighbour.system_name.as_deref().unwrap_or(&neighbour.chassis_id.value);
    let described = neighbour.port_description.as_ref().filter(|text| **text != neighbour.port_id.value);
    let management = neighbour.management_addresses.first().map(|address| format!("managed at {address}"));
    let speaks = neighbour.system_description.as_deref().and_then(|text| text.lines().next()).map(str::to_owned);
    let aggregated = neighbour.link_aggregation.as_ref().filter(|aggregation| aggregation.enabled);
    let parts = [
        Some(format!("{name} port {}", neighbour.port_id.value)),
        described.map(|text| format!("\"{text}\"")),
        management,
        aggregated.map(|aggregation| format!("in aggregate {}", aggregation.port_id)),
        neighbour.max_frame_bytes.map(|bytes| format!("frames to {bytes} B")),
        Some(format!("TTL {} s", neighbour.ttl_s)),
        speaks,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn vlans(nic: &Nic) -> String {
    let vlan = &nic.vlan;
    let ids = |ids: &[u16]| ids.iter().map(u16::to_string).collect::<Vec<_>>().join(" ");
    let named: Vec<_> = vlan.announced.iter().map(|vlan| format!("{} {}", vlan.id, vlan.name)).collect();
    let answers = match (vlan.dhcp_answers_untagged, vlan.dhcp_answers_tagged.as_slice()) {
        (false, []) => String::new(),
        (true, []) => "DHCP answers untagged".into(),
        (false, tagged) => format!("DHCP answers on {}", ids(tagged)),
        (true, tagged) => format!("DHCP answers untagged and on {}", ids(tagged)),
    };
    let parts = [
        vlan.announced_native.map(|native| format!("native {native}")).unwrap_or_default(),
        if named.is_empty() { String::new() } else { format!("announced {}", named.join(", ")) },
        if vlan.tags_seen.is_empty() { String::new() } else { format!("tags seen {}", ids(&vlan.tags_seen)) },
        answers,
    ];
    joined(&parts.each_ref().map(String::as_str), "; ")
}

fn lldp_agent(agent: &LldpAgent) -> Option<String> {
    match (agent.running, agent.switched_off_by_us) {
        (true, _) => Some(format!("KEPT BY THE NIC'S FIRMWARE ({}): no switch is heard", agent.control)),
        (false, true) => Some(format!("the firmware's own agent is off, by PIOUS ({})", agent.control)),
        (false, false) => None,
    }
}

/// Traffic, and whatever went wrong with it.
fn counters(nic: &Nic) -> Vec<Row> {
    let Some(counted) = &nic.counters else { return Vec::new() };
    let errors = [
        ("receive errors", counted.rx_errors),
        ("CRC errors", counted.rx_crc_errors),
        ("missed", counted.rx_missed_errors),
        ("send errors", counted.tx_errors),
        ("dropped", counted.rx_dropped.saturating_add(counted.tx_dropped)),
    ];
    let wrong: Vec<_> =
        errors.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    let changes = nic.carrier_changes.map(|changes| format!("carrier changed {changes} times")).unwrap_or_default();
    let traffic = format!("received {}, sent {}", words::bytes(counted.rx_bytes), words::bytes(counted.tx_bytes));
    let wrong = if wrong.is_empty() { "no errors".to_owned() } else { wrong.join(", ") };
    labelled("counters", Some(joined(&[&wrong, &changes, &traffic], "; "))).into_iter().collect()
}
