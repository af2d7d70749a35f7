//! Speaking with a BMC that runs, over LAN: waiting until it answers, and telling it what its files can't.

use super::{Ports, USER};
use ipmi_rs::{
    connection::{Channel, IpmiConnection, LogicalUnit, Message, NetFn, Request, RequestTargetAddress},
    rmcp::Rmcp,
    transport::{LanConfigParameter, SetLanConfigParameters},
};
use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, Instant},
};
use thiserror::Error;

/// It answers within milliseconds of being started, seconds on a busy desk.
const UP_WITHIN: Duration = Duration::from_secs(20);

/// Between two tries: it has no way to say that it listens.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// IPMI 2.0 §22.18: SET SESSION PRIVILEGE LEVEL, to that of an administrator.
const SET_PRIVILEGE: u8 = 0x3b;
const ADMINISTRATOR: u8 = 4;

/// The BMC's LAN channel, and the parameter that is its VLAN: table 23-4.
const LAN_CHANNEL: u8 = 1;
const VLAN: u8 = 20;

/// Why a BMC is not as it is to be.
#[derive(Debug, Error)]
pub enum SessionError {
    /// It does not answer.
    #[error("it did not answer at 127.0.0.1:{port} within {} s: {why}", UP_WITHIN.as_secs())]
    Silent {
        /// Where it was asked.
        port: u16,
        /// What came instead of an answer.
        why: String,
    },
    /// It does not do what it is told.
    #[error("{what}: {why}")]
    Refused {
        /// What it was told.
        what: &'static str,
        /// What it answered.
        why: String,
    },
}

/// Waits until the BMC answers, and gives it its VLAN, which `ipmi_sim` reads from no file.
pub fn furnish(ports: Ports, vlan: Option<u16>) -> Result<(), SessionError> {
    let mut session = log_in(ports.lan)?;
    let Some(vlan) = vlan else { return Ok(()) };
    tell(
        &mut session,
        "raising the session's privilege",
        Message::new_request(NetFn::App, SET_PRIVILEGE, vec![ADMINISTRATOR]),
    )?;
    let channel = Channel::new(LAN_CHANNEL).ok_or_else(|| SessionError::Refused {
        what: "naming its LAN channel",
        why: format!("{LAN_CHANNEL} is none"),
    })?;
    // Bit 15: tagged.
    let vlan = (vlan | 0x8000).to_le_bytes().to_vec();
    let set = SetLanConfigParameters::new(channel, LanConfigParameter::Other(VLAN), vlan);
    tell(&mut session, "setting its VLAN", set.into())
}

/// Whether the BMC at a port lets a user in by a password.
pub fn admits(port: u16, user: &str, password: &str) -> bool {
    let Ok(mut session) = Rmcp::new((Ipv4Addr::LOCALHOST, port), ANSWER_WITHIN) else { return false };
    let admitted = session.activate(true, Some(user), Some(password.as_bytes()));
    if let Err(error) = &admitted {
        tracing::debug!(user, ?error, "not let in");
    }
    admitted.is_ok()
}

fn log_in(port: u16) -> Result<Rmcp, SessionError> {
    let until = Instant::now() + UP_WITHIN;
    loop {
        let why = match try_log_in(port) {
            Ok(session) => return Ok(session),
            Err(why) => why,
        };
        if Instant::now() >= until {
            return Err(SessionError::Silent { port, why });
        }
        thread::sleep(TRY_EVERY);
    }
}

fn try_log_in(port: u16) -> Result<Rmcp, String> {
    let mut session = Rmcp::new((Ipv4Addr::LOCALHOST, port), ANSWER_WITHIN).map_err(|error| error.to_string())?;
    session.activate(true, Some(USER), Some(USER.as_bytes())).map_err(|error| format!("{error:?}"))?;
    Ok(session)
}

fn tell(session: &mut Rmcp, what: &'static str, message: Message) -> Result<(), SessionError> {
    let to = RequestTargetAddress::Bmc(LogicalUnit::Zero);
    let refused = |why| SessionError::Refused { what, why };
    let answer = session.send_recv(&mut Request::new(message, to)).map_err(|error| refused(format!("{error:?}")))?;
    match answer.cc() {
        0 => Ok(()),
        code => Err(refused(format!("completion code {code:02X}h"))),
    }
}
