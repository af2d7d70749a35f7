//! What can be asked of a running lab: one JSON line there, one JSON line back, over a unix socket in its directory.
//! `serial` and `watch` go on as a stream after their answer.

use crate::{
    bmc::redfish,
    rack::{NicRef, PortRef},
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, net::SocketAddr, path::PathBuf};

/// The control socket's name in the run directory.
pub const SOCKET: &str = "control";

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
pub enum Request {
    /// What there is: [`Status`].
    Status,
    /// Switch a server on.
    Boot {
        /// Its name.
        server: String,
    },
    /// Pull a server's power cord.
    PowerOff {
        /// Its name.
        server: String,
    },
    /// Press a server's reset button.
    Reset {
        /// Its name.
        server: String,
    },
    /// Write what a server's VGA screen shows into a PNG file.
    Screenshot {
        /// Its name.
        server: String,
        /// The file; absolute.
        file: PathBuf,
    },
    /// The lines on a server's VGA screen.
    Text {
        /// Its name.
        server: String,
    },
    /// The same, where the screen was when it was asked for last; the guest runs on.
    TextAgain {
        /// Its name.
        server: String,
    },
    /// Pull a NIC's cable out of the switch: the NIC loses its carrier.
    Unplug {
        /// The NIC.
        nic: NicRef,
    },
    /// Plug a NIC's cable into a port: where it was last, unless told otherwise.
    Plug {
        /// The NIC.
        nic: NicRef,
        /// The port.
        #[serde(default)]
        port: Option<PortRef>,
    },
    /// Pull a NIC's cable and plug it into another port; where that can't be, it stays where it is.
    Move {
        /// The NIC.
        nic: NicRef,
        /// The port.
        port: PortRef,
    },
    /// Change how a switch port behaves; what is left out stays.
    Port {
        /// The port.
        port: PortRef,
        /// Shut, or not.
        #[serde(default)]
        down: Option<bool>,
        /// How many of a hundred frames are lost, each way.
        #[serde(default)]
        loss_percent: Option<u8>,
        /// How long each frame takes, each way.
        #[serde(default)]
        delay_ms: Option<u64>,
        /// The VLAN of untagged frames.
        #[serde(default)]
        native: Option<u16>,
    },
    /// Begin a port's capture into a pcap file, or end it.
    Capture {
        /// The port.
        port: PortRef,
        /// The file, absolute; none: stop.
        #[serde(default)]
        file: Option<PathBuf>,
    },
    /// Everything a server's serial port wrote from an offset on, and what it writes from now on; what is sent is typed.
    Serial {
        /// Its name.
        server: String,
        /// The offset in bytes.
        #[serde(default)]
        from: usize,
    },
    /// Every [`super::events::Event`] from a number on, one JSON line each.
    Watch {
        /// The first event's number.
        #[serde(default)]
        from: usize,
    },
    /// A unix socket whose connections come out inside, at an address; answers its path.
    Forward {
        /// Where to.
        to: SocketAddr,
        /// The address they come from: one of the lab's own.
        #[serde(default)]
        from: Option<IpAddr>,
    },
    /// Start or stop a service.
    Service {
        /// Which.
        service: ServiceName,
        /// What.
        action: ServiceAction,
    },
    /// Put something else in Senzu's place, with Senzu's certificate; none: take it away. Senzu must be stopped.
    Fault {
        /// What.
        #[serde(default)]
        fault: Option<super::faults::Fault>,
    },
    /// Have a server's BMC do something wrong; none: nothing any more.
    BmcFault {
        /// The server's name.
        server: String,
        /// What.
        #[serde(default)]
        fault: Option<redfish::Fault>,
        /// Again and again; else once.
        #[serde(default)]
        sticky: bool,
    },
    /// Every [`redfish::Entry`] that a server's BMC noted.
    BmcLog {
        /// The server's name.
        server: String,
    },
    /// Take everything down.
    Down,
}

/// A service of the lab's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ServiceName {
    /// `senzu-stub serve`.
    Senzu,
    /// `pious-pxe serve`, and with it DHCP.
    Pxe,
}

impl ServiceName {
    /// As it is called in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Senzu => "senzu",
            Self::Pxe => "pxe",
        }
    }
}

/// What to do with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ServiceAction {
    /// Start it, and wait until it serves.
    Start,
    /// Stop it, and wait until it is gone.
    Stop,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was done; this is the result.
    Ok(serde_json::Value),
    /// It was not, and this is why.
    Error(String),
}

/// What there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The rack's name.
    pub rack: String,
    /// Senzu's page on the host's loopback.
    pub page: Option<String>,
    /// The services, and whether they run.
    pub services: Vec<ServiceStatus>,
    /// The servers.
    pub servers: Vec<ServerStatus>,
    /// How many events there were.
    pub events: usize,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ServiceStatus {
    pub name: String,
    pub running: bool,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ServerStatus {
    pub name: String,
    pub on: bool,
    pub nics: Vec<NicStatus>,
}

/// One NIC, and the port its cable is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NicStatus {
    pub name: String,
    pub mac: pious_protocol::ids::MacAddress,
    pub port: Option<PortRef>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_as_they_are_written() {
        let cases = [
            (r#"{"op":"status"}"#, Request::Status),
            (
                r#"{"op":"plug","nic":"a.nic1","port":"sw1.Ethernet1/2"}"#,
                Request::Plug { nic: "a.nic1".parse().unwrap(), port: Some("sw1.Ethernet1/2".parse().unwrap()) },
            ),
            (
                r#"{"op":"bmc_fault","server":"a","fault":"unavailable=3","sticky":true}"#,
                Request::BmcFault {
                    server: "a".into(),
                    fault: Some(redfish::Fault::Unavailable { requests: 3 }),
                    sticky: true,
                },
            ),
            (
                r#"{"op":"forward","to":"10.77.0.100:8080","from":"10.77.0.66"}"#,
                Request::Forward { to: "10.77.0.100:8080".parse().unwrap(), from: Some("10.77.0.66".parse().unwrap()) },
            ),
        ];
        for (text, request) in cases {
            assert_eq!(serde_json::from_str::<Request>(text).unwrap(), request);
            assert_eq!(serde_json::from_str::<Request>(&serde_json::to_string(&request).unwrap()).unwrap(), request);
        }
    }
}
