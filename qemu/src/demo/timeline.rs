//! One timeline per boot of a server: what the lab saw on the wire, and what the agent told Senzu, on one clock that
//! starts at power-on. Pure.

use crate::{
    lab::events::{Event, What},
    switch::journal::{DhcpClient, Moment},
};
use serde::Serialize;
use serde_json::Value;

/// One boot of one server.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Boot {
    /// What began it: `power_on` or `reset`.
    pub by: &'static str,
    /// When, in milliseconds since 1970.
    pub started_ms: u64,
    /// In order.
    pub phases: Vec<Phase>,
}

/// A moment of a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Phase {
    /// What begins: `firmware`; `firmware_dhcp`, its own network boot; `loader`, its download of iPXE; `ipxe`;
    /// `script`, pxe's decision for this server; `download` of the kernel; `initrd`, its download; then what the agent
    /// tells, from `kernel` to `findings`; `off`.
    pub phase: String,
    /// Milliseconds since the boot began.
    pub at_ms: u64,
}

/// Every boot of a server. `asset` is Senzu's detail of it.
pub fn boots(events: &[Event], server: &str, asset: &Value) -> Vec<Boot> {
    let mut boots: Vec<Boot> = Vec::new();
    for event in events.iter().filter(|event| event.server.as_deref() == Some(server)) {
        let begins = match event.what {
            What::PowerOn => Some("power_on"),
            What::Reset { .. } => Some("reset"),
            _ => None,
        };
        if let Some(by) = begins {
            // One restart is several resets: the guest's own, then the BIOS's while it tells a cold start from a warm one.
            if by == "reset" && boots.last().is_some_and(|boot| boot.by == by && boot.phases.len() == 1) {
                continue;
            }
            boots.push(Boot {
                by,
                started_ms: event.at_ms,
                phases: vec![Phase { phase: "firmware".into(), at_ms: 0 }],
            });
        } else if let (Some(boot), Some(phase)) = (boots.last_mut(), phase(&event.what)) {
            boot.add(phase, event.at_ms);
        }
    }
    for session in asset["sessions"].as_array().into_iter().flatten() {
        add_session(&mut boots, session);
    }
    for boot in &mut boots {
        boot.phases.sort_by_key(|phase| phase.at_ms);
    }
    boots
}

fn phase(what: &What) -> Option<&'static str> {
    match what {
        What::Wire(Moment::Dhcp { client: DhcpClient::Firmware, .. }) => Some("firmware_dhcp"),
        What::Wire(Moment::Dhcp { client: DhcpClient::Ipxe, .. }) => Some("ipxe"),
        What::Wire(Moment::Tftp { .. }) => Some("loader"),
        What::Wire(Moment::Http { request }) if request.starts_with("GET /boot/") => Some("script"),
        What::Wire(Moment::Http { request }) if request.ends_with("/vmlinuz") => Some("download"),
        What::Wire(Moment::Http { request }) if request.ends_with("/initrd.img") => Some("initrd"),
        What::Off => Some("off"),
        _ => None,
    }
}

/// The agent counts from the kernel's start. Senzu wrote down when BOOT_EVENT arrived, and the agent when it sent it:
/// that puts the two clocks together.
fn add_session(boots: &mut [Boot], session: &Value) {
    let Some(arrived_ms) = session["started_ms"].as_u64() else { return };
    let entries: Vec<(&str, u64)> = session["timeline"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry["phase"].as_str()?, entry["at_ms"].as_u64()?)))
        .collect();
    let Some((_, sent_ms)) = entries.iter().find(|(phase, _)| *phase == "boot_event") else { return };
    let Some(kernel_ms) = arrived_ms.checked_sub(*sent_ms) else { return };
    let Some(boot) = boots.iter_mut().rev().find(|boot| boot.started_ms <= kernel_ms) else { return };
    boot.add("kernel", kernel_ms);
    for (phase, at_ms) in entries {
        boot.add(phase, kernel_ms + at_ms);
    }
}

impl Boot {
    /// One line for a terminal: what began when, in seconds.
    pub fn line(&self) -> String {
        let words = |phase: &Phase| format!("{} {:.1}", phase.phase, phase.at_ms as f64 / 1000.0);
        self.phases.iter().map(words).collect::<Vec<_>>().join("  ")
    }

    /// Only the first of each phase counts.
    fn add(&mut self, phase: &str, unix_ms: u64) {
        if !self.phases.iter().any(|known| known.phase == phase) {
            let at_ms = unix_ms.saturating_sub(self.started_ms);
            self.phases.push(Phase { phase: phase.to_owned(), at_ms });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wires_moments_and_the_agents_own_are_on_one_clock() {
        let event = |at_ms, what| Event { at_ms, server: Some("a".into()), what };
        let http = |path: &str| What::Wire(Moment::Http { request: format!("GET {path}") });
        let dhcp = |client| What::Wire(Moment::Dhcp { client, message: 1 });
        let events = [
            event(1_000, What::PowerOn),
            event(3_000, dhcp(DhcpClient::Firmware)),
            event(3_100, dhcp(DhcpClient::Firmware)),
            event(4_000, What::Wire(Moment::Tftp { file: "snponly.efi".into() })),
            event(5_000, dhcp(DhcpClient::Ipxe)),
            event(5_200, http("/boot.ipxe")),
            event(5_500, http("/boot/52-54-00-01-10-01.ipxe")),
            event(6_000, http("/image/1-2-3-4/vmlinuz")),
            event(6_500, http("/image/5-6-7-8/initrd.img")),
            Event { at_ms: 7_000, server: Some("b".into()), what: What::PowerOn },
            event(20_000, What::Reset { guest: true }),
            event(20_100, What::Reset { guest: true }),
            event(21_000, dhcp(DhcpClient::Ipxe)),
            event(30_000, What::Off),
        ];
        // BOOT_EVENT left 4 s after the kernel's start and arrived at 12 s: the kernel started at 8 s.
        let asset = serde_json::json!({ "sessions": [{
            "started_ms": 12_000,
            "timeline": [{"phase": "init", "at_ms": 1_000}, {"phase": "boot_event", "at_ms": 4_000}],
        }]});
        let phases = |phases: &[(&str, u64)]| {
            phases.iter().map(|(phase, at_ms)| Phase { phase: (*phase).into(), at_ms: *at_ms }).collect::<Vec<_>>()
        };
        assert_eq!(
            boots(&events, "a", &asset),
            [
                Boot {
                    by: "power_on",
                    started_ms: 1_000,
                    phases: phases(&[
                        ("firmware", 0),
                        ("firmware_dhcp", 2_000),
                        ("loader", 3_000),
                        ("ipxe", 4_000),
                        ("script", 4_500),
                        ("download", 5_000),
                        ("initrd", 5_500),
                        ("kernel", 7_000),
                        ("init", 8_000),
                        ("boot_event", 11_000),
                    ]),
                },
                Boot {
                    by: "reset",
                    started_ms: 20_000,
                    phases: phases(&[("firmware", 0), ("ipxe", 1_000), ("off", 10_000)])
                },
            ]
        );
    }
}
