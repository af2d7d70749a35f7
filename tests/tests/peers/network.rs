//! NICs against ip and ethtool, neighbours against lldpcli.

use crate::table::Table;
use anyhow::{Context, Result};
use pious_protocol::facts::{Duplex, Facts, Link, Neighbour, Nic};
use pious_tests::run::{Run, words};
use serde_json::Value;
use std::collections::BTreeMap;

/// What asks for all links.
pub const IP: &str = "ip -d -j link";
/// What asks for all neighbours, every member in a list.
pub const LLDP: &str = "lldpcli -f json0 show neighbors details";

const NO_LINK: &str = "without carrier the agent tells no speed and no duplex; ethtool tells the kernel's placeholders";

/// What asks for one NIC.
pub fn questions(nic: &str) -> Vec<Vec<String>> {
    ["ethtool", "ethtool -i", "ethtool -P"].iter().map(|command| words(&format!("{command} {nic}"))).collect()
}

pub fn compare_links(facts: &Facts, links: &Value, table: &mut Table) -> Result<()> {
    let links = links.as_array().context("ip's links")?;
    let physical = links.iter().filter(|link| link["link_type"] == "ether" && link["linkinfo"].is_null());
    table.same("ip", "number of NICs", Some(facts.nics.len()), Some(physical.count()));
    for nic in &facts.nics {
        let link = links.iter().find(|link| link["ifname"] == nic.name.as_str()).unwrap_or(&Value::Null);
        let fact = |member: &str| format!("{} {member}", nic.name);
        let permanent = link["permaddr"].as_str().or(link["address"].as_str());
        table.same("ip", &fact("address"), nic.mac, link["address"].as_str());
        table.same("ip", &fact("permanent address"), nic.permanent_mac, permanent);
        table.same("ip", &fact("link"), Some(link_words(nic.link)), Some(ip_link(link)));
    }
    Ok(())
}

fn link_words(link: Link) -> &'static str {
    match link {
        Link::Up => "up",
        Link::NoCarrier => "no carrier",
        Link::Disabled => "disabled",
        Link::Unknown => "unknown",
    }
}

fn ip_link(link: &Value) -> &'static str {
    let has = |flag: &str| link["flags"].as_array().is_some_and(|flags| flags.iter().any(|one| one == flag));
    match (has("UP"), has("LOWER_UP")) {
        (false, _) => "disabled",
        (true, false) => "no carrier",
        (true, true) => "up",
    }
}

pub fn compare_ethtool(nic: &Nic, runs: &[&Run], table: &mut Table) -> Result<()> {
    let [settings, driver, permanent] = runs else { anyhow::bail!("three runs of ethtool for each NIC") };
    let fact = |member: &str| format!("{} {member}", nic.name);
    let settings = fields(settings.succeeded()?);
    let known = |name: &str| settings.get(name).map(String::as_str).filter(|text| !text.starts_with("Unknown"));
    let speed = known("Speed").and_then(|text| text.strip_suffix("Mb/s"));
    table.explained("ethtool", &fact("speed"), nic.speed_mbps, speed, NO_LINK);
    table.explained("ethtool", &fact("duplex"), nic.duplex.map(duplex_words), known("Duplex"), NO_LINK);
    let negotiates = nic.autonegotiation.map(|on| if on { "on" } else { "off" });
    table.same("ethtool", &fact("autonegotiation"), negotiates, known("Auto-negotiation"));
    let modes = known("Supported link modes").filter(|text| *text != "Not reported");
    let sorted = |modes: &mut Vec<&str>| {
        modes.sort_unstable();
        modes.join(" ")
    };
    let ours = sorted(&mut nic.supported_modes.iter().map(String::as_str).collect());
    let theirs = sorted(&mut modes.unwrap_or_default().split_whitespace().collect());
    table.same("ethtool", &fact("supported modes"), Some(ours), Some(theirs));
    let driver = fields(driver.succeeded()?);
    let told = |name: &str| driver.get(name).map(String::as_str).filter(|text| !text.is_empty() && *text != "N/A");
    table.same("ethtool", &fact("driver"), nic.driver.as_ref(), told("driver"));
    table.same("ethtool", &fact("firmware"), nic.firmware_version.as_ref(), told("firmware-version"));
    table.same("ethtool", &fact("PCI address"), nic.pci_address.as_ref(), told("bus-info"));
    let address = fields(permanent.succeeded()?).remove("Permanent address");
    table.same("ethtool", &fact("permanent address"), nic.permanent_mac, address);
    Ok(())
}

fn duplex_words(duplex: Duplex) -> &'static str {
    match duplex {
        Duplex::Full => "Full",
        Duplex::Half => "Half",
        Duplex::Unknown => "unknown",
    }
}

/// `name: value` lines; a line without a name goes on with the one before it.
fn fields(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut last: Option<String> = None;
    for line in text.lines().map(str::trim) {
        match (line.split_once(": ").or(line.strip_suffix(':').map(|name| (name, ""))), &last) {
            (Some((name, value)), _) => {
                fields.insert(name.to_owned(), value.trim().to_owned());
                last = Some(name.to_owned());
            }
            (None, Some(name)) => {
                let value: &mut String = fields.entry(name.clone()).or_default();
                value.push(' ');
                value.push_str(line);
            }
            (None, None) => {}
        }
    }
    fields
}

/// How many neighbours lldpd has heard.
pub fn neighbours(heard: &Value) -> usize {
    heard["lldp"][0]["interface"].as_array().map_or(0, Vec::len)
}

pub fn compare_neighbours(facts: &Facts, heard: &Value, table: &mut Table) {
    let empty = Vec::new();
    let interfaces = heard["lldp"][0]["interface"].as_array().unwrap_or(&empty);
    for nic in &facts.nics {
        let theirs: Vec<&Value> =
            interfaces.iter().filter(|interface| interface["name"] == nic.name.as_str()).collect();
        let ours = nic.neighbours.heard();
        table.same("lldpcli", &format!("{} neighbours", nic.name), Some(ours.len()), Some(theirs.len()));
        if let ([ours], [theirs]) = (ours, theirs.as_slice()) {
            compare_neighbour(&nic.name, ours, theirs, table);
        }
    }
}

fn compare_neighbour(nic: &str, ours: &Neighbour, theirs: &Value, table: &mut Table) {
    let (chassis, port) = (&theirs["chassis"][0], &theirs["port"][0]);
    let value = |member: &Value| member[0]["value"].as_str().map(str::to_owned);
    let mut same = |member: &str, ours: Option<String>, theirs: Option<String>| {
        table.same("lldpcli", &format!("{nic} neighbour's {member}"), ours, theirs);
    };
    same("chassis id", Some(ours.chassis_id.value.clone()), value(&chassis["id"]));
    same("port id", Some(ours.port_id.value.clone()), value(&port["id"]));
    same("TTL", Some(ours.ttl_s.to_string()), value(&port["ttl"]));
    same("port description", ours.port_description.clone(), value(&port["descr"]));
    same("system name", ours.system_name.clone(), value(&chassis["name"]));
    same("system description", ours.system_description.clone(), value(&chassis["descr"]));
    let list = |member: &Value, one: &dyn Fn(&Value) -> Option<String>| {
        let mut all: Vec<String> = member.as_array().into_iter().flatten().filter_map(one).collect();
        all.sort();
        Some(all.join(" "))
    };
    let ours_sorted = |mut all: Vec<String>| {
        all.sort();
        Some(all.join(" "))
    };
    let address = |member: &Value| member["value"].as_str().map(str::to_owned);
    same("addresses", ours_sorted(ours.management_addresses.clone()), list(&chassis["mgmt-ip"], &address));
    let vlans = ours.vlans.iter().map(|vlan| format!("{}={}", vlan.id, vlan.name)).collect();
    let vlan = |member: &Value| Some(format!("{}={}", member["vlan-id"].as_str()?, member["value"].as_str()?));
    same("VLANs", ours_sorted(vlans), list(&theirs["vlan"], &vlan));
    let native = |member: &Value| (member["pvid"] == true).then(|| member["vlan-id"].as_str().map(str::to_owned))?;
    let ours_native = ours.native_vlan.map(|id| id.to_string()).unwrap_or_default();
    same("native VLAN", Some(ours_native), list(&theirs["vlan"], &native));
    let enabled =
        |member: &Value| (member["enabled"] == true).then(|| member["type"].as_str().map(str::to_lowercase)).flatten();
    // IEEE 802.1AB's "station only" is lldpd's "station".
    let capability = |name: &String| name.to_lowercase().trim_end_matches("_only").to_owned();
    let capabilities = ours.enabled_capabilities.iter().map(capability).collect();
    same("enabled capabilities", ours_sorted(capabilities), list(&chassis["capability"], &enabled));
}
