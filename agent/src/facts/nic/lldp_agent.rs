//! Whether a NIC's own firmware speaks LLDP. One that does keeps the frames to itself: the kernel never sees a neighbour,
//! and the switch sees the firmware's words instead of ours.
//!
//! Two drivers of Linux have a switch for it, a private flag each; both keep it across boots. The kernel's documentation
//! of devlink names none for mlx5 and bnxt (Documentation/networking/devlink/mlx5.rst, bnxt.rst, as of 6.19): only the
//! makers' tools can tell and change it there, and the fact says so.
//!
//! Unproven on hardware: no emulated NIC has such a firmware.

use super::ethtool::{self, PrivateFlag};
use crate::facts::{Host, HostError};
use pious_protocol::facts::{LldpAgent, Observed};

const SOURCE: &str = "ethtool netlink, private flags";

/// The flag of a driver, and what it means.
struct Control {
    flag: &'static str,
    /// Whether the flag stands for the agent, or for its absence.
    set_means_running: bool,
}

/// What is known of a driver's firmware.
enum Knowledge {
    Control(Control),
    /// There may be an agent that Linux can't ask.
    Elsewhere(&'static str),
    None,
}

fn knowledge(driver: &str) -> Knowledge {
    match driver {
        // i40e_ethtool.c: X710, XL710, X722.
        "i40e" => Knowledge::Control(Control { flag: "disable-fw-lldp", set_means_running: false }),
        // ice_ethtool.c: E810, E82x.
        "ice" => Knowledge::Control(Control { flag: "fw-lldp-agent", set_means_running: true }),
        "mlx5_core" => Knowledge::Elsewhere("mlxconfig's LLDP_NB_DCBX_P1 and LLDP_NB_RX_MODE_P1"),
        "bnxt_en" => Knowledge::Elsewhere("Broadcom's niccli, or its setup page at boot"),
        _ => Knowledge::None,
    }
}

/// Whether the agent runs.
pub(super) fn read(host: &dyn Host, interface: &str, driver: Option<&str>) -> Observed<LldpAgent> {
    let Some(driver) = driver else { return Observed::absent("no driver to ask") };
    match knowledge(driver) {
        Knowledge::Control(control) => match running(host, interface, &control) {
            Ok(Some(running)) => {
                Observed::seen(SOURCE, LldpAgent { running, control: control.flag.to_owned(), ..LldpAgent::default() })
            }
            Ok(None) => Observed::absent(format!("this {driver} has no private flag {}", control.flag)),
            Err(error) => Observed::absent(error.to_string()),
        },
        Knowledge::Elsewhere(tool) => {
            Observed::absent(format!("{driver} does not tell of an LLDP agent in its firmware: ask {tool}"))
        }
        Knowledge::None => Observed::absent(format!("{driver} knows of no LLDP agent in its firmware")),
    }
}

/// Switches the agent off where it runs and can be, and reads back. What is there is told as [`read`] does.
pub(super) fn switch_off(host: &dyn Host, interface: &str, driver: Option<&str>) -> Observed<LldpAgent> {
    let before = read(host, interface, driver);
    let (Observed::Seen { value: LldpAgent { running: true, .. }, .. }, Some(driver)) = (&before, driver) else {
        return before;
    };
    let Knowledge::Control(control) = knowledge(driver) else { return before };
    let flag = PrivateFlag { name: control.flag.to_owned(), is_set: !control.set_means_running };
    let refusal = match host.generic_netlink(&ethtool::set_private_flag(interface, &flag)) {
        Ok(_) => "it was accepted, and the agent runs all the same".to_owned(),
        Err(error) => error.to_string(),
    };
    match read(host, interface, Some(driver)) {
        Observed::Seen { source, value } if value.running => {
            Observed::seen(source, LldpAgent { refusal: Some(refusal), ..value })
        }
        Observed::Seen { source, value } => Observed::seen(source, LldpAgent { switched_off_by_us: true, ..value }),
        untold @ (Observed::Absent { .. } | Observed::Nothing { .. }) => untold,
    }
}

fn running(host: &dyn Host, interface: &str, control: &Control) -> Result<Option<bool>, HostError> {
    let answer = host.generic_netlink(&ethtool::ask_private_flags(interface))?;
    let flags = ethtool::private_flags(&answer);
    Ok(flags.iter().find(|flag| flag.name == control.flag).map(|flag| flag.is_set == control.set_means_running))
}
