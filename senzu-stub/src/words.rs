//! Values as people read them, on pages and in a shell.

use crate::dag::firmware::no_bmc;
use jiff::Timestamp;
use pious_protocol::{
    facts::{Dhcp, Facts, Link, Neighbour, Neighbours, Nic, Observed},
    ids::UnixMs,
    instruction::Action,
    message::Report,
};

/// `2026-11-23 07:41:53 UTC`
pub fn time(at: UnixMs) -> String {
    let at = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| "?".into(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// `12 s ago`
pub fn ago(at: UnixMs, now: UnixMs) -> String {
    let seconds = now.0.saturating_sub(at.0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        7200..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

pub fn action(action: &Action) -> String {
    match action {
        Action::SwitchState { to } => format!("switch_state to {to}"),
        Action::Reboot { reason } => format!("reboot: {reason}"),
        Action::Shutdown { reason } => format!("shutdown: {reason}"),
        Action::FirmwareUpdate(update) => format!("firmware_update of {} to {}", update.component, update.version),
        Action::FirmwareInventory(_) => "firmware_inventory".into(),
        Action::BmcUser(user) => format!("bmc_user, generation {}", user.generation),
        Action::Unknown(unknown) => unknown.kind.clone(),
    }
}

pub fn report(report: &Report) -> String {
    match report {
        Report::Accepted => "accepted".into(),
        Report::Progress { percent, words, .. } => format!("{percent} %: {words}"),
        Report::Done { evidence: None, .. } => "done".into(),
        Report::Done { evidence: Some(evidence), .. } => format!("done: {evidence}"),
        Report::Failed { reason } => format!("failed: {reason}"),
        Report::Refused { reason } => format!("refused: {reason}"),
        Report::Unknown => "?".into(),
    }
}

pub fn link(nic: &Nic) -> String {
    let speed = nic.speed_mbps.map(|mbps| format!(", {mbps} Mb/s")).unwrap_or_default();
    let link = match nic.link {
        Link::Up => "up",
        Link::NoCarrier => "no carrier",
        Link::Disabled => "switched off",
        Link::Unknown => "not told",
    };
    let address = match &nic.dhcp {
        Dhcp::Bound { address, .. } => format!(", {address}"),
        Dhcp::Asking { for_s, .. } => format!(", no DHCP answer for {for_s} s"),
        Dhcp::Idle | Dhcp::Unknown => String::new(),
    };
    format!("{link}{speed}{address}")
}

pub fn neighbours(neighbours: &Neighbours) -> String {
    match neighbours {
        Neighbours::Heard(heard) => heard.iter().map(neighbour).collect::<Vec<_>>().join("; "),
        Neighbours::Silent { reason } => format!("no neighbour: {reason}"),
    }
}

fn neighbour(neighbour: &Neighbour) -> String {
    let switch = neighbour.system_name.as_deref().unwrap_or(&neighbour.chassis_id.value);
    let vlan = neighbour.native_vlan.map(|vlan| format!(", native VLAN {vlan}")).unwrap_or_default();
    format!("{switch} port {}{vlan}", neighbour.port_id.value)
}

/// The hardware in a few lines.
pub fn hardware(facts: &Facts) -> Vec<(&'static str, String)> {
    let told = |values: &[&Option<String>]| {
        let told: Vec<_> = values.iter().filter_map(|value| value.as_deref()).collect();
        if told.is_empty() { "its firmware does not tell".into() } else { told.join(" ") }
    };
    let mut lines = Vec::new();
    match facts.smbios.value() {
        Ok(smbios) => {
            if let Some(system) = &smbios.system {
                lines.push(("System", told(&[&system.manufacturer, &system.product])));
            }
            if let Some(bios) = &smbios.bios {
                lines.push(("Firmware", told(&[&bios.vendor, &bios.version])));
            }
            let populated: Vec<_> = smbios.memory_devices.iter().filter(|device| device.populated).collect();
            let bytes: u64 = populated.iter().filter_map(|device| device.size_bytes).sum();
            lines.push(("Memory", format!("{} MiB, DIMMs: {}", bytes >> 20, populated.len())));
        }
        Err(reason) => lines.push(("SMBIOS", format!("unknown: {reason}"))),
    }
    match facts.cpu.value() {
        Ok(cpu) => lines.push(("CPU", format!("{} × {}, cores: {}", cpu.sockets, cpu.model, cpu.cores))),
        Err(reason) => lines.push(("CPU", format!("unknown: {reason}"))),
    }
    for disk in &facts.disks {
        let size = format!("{} GB", disk.size_bytes / 1_000_000_000);
        let told = [disk.model.as_deref(), disk.transport.as_deref(), Some(&size)];
        lines.push(("Disk", format!("{}: {}", disk.name, told.into_iter().flatten().collect::<Vec<_>>().join(", "))));
    }
    lines.push(("BMC", bmc(facts)));
    lines.push(("Kernel", facts.kernel.release.clone()));
    if !facts.kernel.missing_firmware.is_empty() {
        // The image's lack, not the machine's; the whole list would hide what is the machine's.
        let count = facts.kernel.missing_firmware.len();
        let words = format!("{count}, which matters only to hardware that needs one; the asset's facts list them");
        lines.push(("Firmware files that the image lacks", words));
    }
    lines
}

/// The management controller's firmware and addresses.
fn bmc(facts: &Facts) -> String {
    let bmc = match &facts.bmc {
        Observed::Seen { value, .. } => value,
        Observed::Absent { reason } => return format!("unknown: {reason}"),
        Observed::Nothing { reason } => {
            let none = if no_bmc(facts).is_some() { "none" } else { "not by IPMI" };
            return format!("{none}: {reason}");
        }
    };
    let firmware = match bmc.device.value() {
        Ok(device) => format!("firmware {}", device.firmware_version),
        Err(reason) => format!("firmware unknown: {reason}"),
    };
    let addresses = match bmc.lan.value() {
        Ok(lan) => lan.iter().filter_map(|lan| Some(format!("address {}", lan.address?))).collect(),
        Err(reason) => vec![format!("addresses unknown: {reason}")],
    };
    [vec![firmware], addresses].concat().join(", ")
}
