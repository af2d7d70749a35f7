//! The management controller: does it answer, is its firmware new enough, and is it in the network that it belongs in?

use super::{check::Check, firmware, words::DEVICE_FIRST};
use crate::{
    expectation::{BmcProfile, ManagementNetwork},
    facts::{BmcLan, Facts},
    finding::Finding,
};
use std::net::IpAddr;

const RESTART: &str =
    "restart the server; if it stays, pull its power cords for a minute: the BMC starts anew with them";

pub(super) fn judge(profile: Option<&BmcProfile>, facts: &Facts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = device(profile.is_some(), facts).into_iter().collect();
    let least = profile.and_then(|profile| profile.min_firmware.as_deref());
    findings.extend(least.map(|least| firmware_version(least, facts)));
    findings
}

/// Judged by every profile: a BMC that is there and does not answer hides the health of half the machine.
fn device(is_wanted: bool, facts: &Facts) -> Option<Finding> {
    let question = Check::BmcDevice.expects("a BMC that answers");
    let bmc = match facts.bmc.reading() {
        None if !is_wanted => return None,
        None => {
            return Some(question.fail("no BMC", "compare the server with the order; look whether its BMC has power"));
        }
        Some(Err(reason)) => return Some(question.unknown(reason, RESTART)),
        Some(Ok(bmc)) => bmc,
    };
    Some(match bmc.device.value() {
        Err(reason) => question.unknown(reason, RESTART),
        Ok(device) if device.is_updating => question
            .unknown("it updates its firmware now", "wait until the BMC's update ends, and do not power off before"),
        Ok(device) => question.pass(format!("firmware {}, IPMI {}", device.firmware_version, device.ipmi_version)),
    })
}

fn firmware_version(least: &str, facts: &Facts) -> Finding {
    let question = Check::BmcFirmware.expects(format!("at least {least}"));
    match facts.bmc.value().and_then(|bmc| bmc.device.value()) {
        Err(reason) => question.unknown(reason, DEVICE_FIRST),
        Ok(device) => firmware::at_least(
            question,
            least,
            &device.firmware_version,
            format!("update the BMC's firmware to {least}"),
        ),
    }
}

/// Whether the BMC has an address in its network, and tags its frames as it should. That it answers there is for those to
/// say who are in that network; the server itself is not.
pub(super) fn network(network: Option<&ManagementNetwork>, facts: &Facts) -> Vec<Finding> {
    let Some(network) = network else { return Vec::new() };
    let mut findings = vec![address(network, facts)];
    findings.extend(network.vlan.map(|wanted| vlan(wanted, network, facts)));
    findings
}

/// The LAN channels that have an address.
fn channels(facts: &Facts) -> Result<Vec<(&BmcLan, IpAddr)>, &str> {
    let lan = facts.bmc.value()?.lan.value()?;
    // 0.0.0.0 is no address.
    let addressed = |channel: &BmcLan| channel.address.filter(|address| !address.is_unspecified());
    match lan.is_empty() {
        true => Err("the BMC tells of no LAN channel"),
        false => Ok(lan.iter().filter_map(|channel| Some((channel, addressed(channel)?))).collect()),
    }
}

fn address(network: &ManagementNetwork, facts: &Facts) -> Finding {
    let question = Check::BmcAddress.expects(format!("an address in {}", network.subnet));
    let channels = match channels(facts) {
        Err(reason) => return question.unknown(reason, DEVICE_FIRST),
        Ok(channels) => channels,
    };
    let words = |(lan, address): &(&BmcLan, IpAddr)| match &lan.address_source {
        Some(source) => format!("{address} ({source}, channel {})", lan.channel),
        None => format!("{address} (channel {})", lan.channel),
    };
    let all = channels.iter().map(words).collect::<Vec<_>>().join(", ");
    match channels.iter().find(|(_, address)| network.subnet.contains(address)) {
        Some(fits) => question.pass(words(fits)),
        None if channels.is_empty() => question.fail(
            "no address",
            format!(
                "plug the BMC's cable into the management network and look whether its DHCP answers; or give the BMC an \
                 address in {} in its setup",
                network.subnet
            ),
        ),
        None => question.fail(
            all,
            format!("move the BMC's cable to the management network, or set its address to one in {}", network.subnet),
        ),
    }
}

fn vlan(wanted: u16, network: &ManagementNetwork, facts: &Facts) -> Finding {
    let words = |vlan| match vlan {
        0 => "untagged".to_owned(),
        id => format!("VLAN {id}"),
    };
    let question = Check::BmcVlan.expects(words(wanted));
    let channels = match channels(facts) {
        Err(reason) => return question.unknown(reason, DEVICE_FIRST),
        Ok(channels) => channels,
    };
    // The channel that is in the network speaks; where none is, that with any address.
    let inside = channels.iter().find(|(_, address)| network.subnet.contains(address));
    match inside.or(channels.first()).map(|(lan, _)| lan.vlan.unwrap_or(0)) {
        None => question.unknown("no LAN channel has an address", "mend bmc.address first"),
        Some(seen) if seen == wanted => question.pass(words(seen)),
        Some(seen) if wanted == 0 => question.fail(words(seen), "switch the VLAN off in the BMC's network setup"),
        Some(seen) => question.fail(words(seen), format!("set the VLAN to {wanted} in the BMC's network setup")),
    }
}
