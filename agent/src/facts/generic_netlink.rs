//! Asking a family of generic netlink (ethtool's), live. What is asked and answered are bytes, so that a recording can
//! answer in the kernel's place; what they mean is known to who asks.

use super::host::HostError;
use netlink_bindings::traits::{NetlinkRequest, Protocol};
use netlink_socket2::NetlinkSocket;
use nix::errno::Errno;
use std::io;

/// A question with one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenericRequest {
    /// What is asked for, in words: for the reason of an absent fact.
    pub what: &'static str,
    /// The family's name, e.g. `ethtool`.
    pub family: &'static str,
    /// The message from its generic header on: command, version, two reserved bytes, attributes.
    pub payload: Vec<u8>,
}

impl NetlinkRequest for GenericRequest {
    fn protocol(&self) -> Protocol {
        Protocol::Generic(self.family.as_bytes())
    }

    fn flags(&self) -> u16 {
        0
    }

    fn payload(&self) -> &[u8] {
        &self.payload
    }

    type ReplyType<'answer> = &'answer [u8];

    fn decode_reply(answer: &[u8]) -> &[u8] {
        answer
    }
}

/// Asks the kernel. The answer's payload from its generic header on; empty, where the kernel only acknowledges.
pub(super) fn ask(request: &GenericRequest) -> Result<Vec<u8>, HostError> {
    let failed = |error: io::Error| match error.raw_os_error() {
        Some(code) => HostError::Refused { what: request.what, errno: Errno::from_raw(code) },
        None => HostError::Netlink { request: request.what, why: error.to_string() },
    };
    let mut socket = NetlinkSocket::new();
    let mut answers = socket.request(request).map_err(failed)?;
    let mut first = Vec::new();
    // The acknowledgement comes last, and an error in its place.
    while let Some(answer) = answers.recv() {
        let answer = answer.map_err(|error| failed(error.into()))?;
        if first.is_empty() {
            first = answer.to_vec();
        }
    }
    Ok(first)
}
