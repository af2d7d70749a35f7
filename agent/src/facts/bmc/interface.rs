//! The kernel's system interface to the BMC, `/dev/ipmi0`, through ipmi-rs.

use super::{command::Request, conversation::Ipmi, error::IpmiError};
use ipmi_rs::{
    File,
    connection::{IpmiConnection, LogicalUnit, Message, Request as RawRequest, RequestTargetAddress},
};
use std::{io, time::Duration};

/// Made by ipmi_devintf for the first interface that ipmi_si or ipmi_ssif found.
pub(super) const PATH: &str = "/dev/ipmi0";

/// A BMC answers within milliseconds, one that is busy within a second (IPMI 2.0 §9.12 lets KCS wait for up to 5 s, which
/// no healthy one needs).
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The live interface.
struct Interface(File);

/// Opens the live host's interface.
pub(crate) fn open() -> Result<Box<dyn Ipmi>, IpmiError> {
    match File::new(PATH, ANSWER_WITHIN) {
        Ok(file) => Ok(Box::new(Interface(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(IpmiError::NoInterface(PATH)),
        Err(error) => Err(IpmiError::Open(PATH, error)),
    }
}

impl Ipmi for Interface {
    fn exchange(&mut self, request: &Request) -> Result<Vec<u8>, IpmiError> {
        let (function, number) = request.command.code();
        let message = Message::new_request(function, number, request.data.clone());
        let to = RequestTargetAddress::Bmc(LogicalUnit::from_low_bits(request.unit));
        match self.0.send_recv(&mut RawRequest::new(message, to)) {
            Ok(answer) => Ok([&[answer.cc()], answer.data()].concat()),
            // What ipmi-rs makes of a poll that ended without anything to receive.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(IpmiError::Silent { command: request.command, within: ANSWER_WITHIN })
            }
            Err(error) => Err(IpmiError::Exchange(request.command, error)),
        }
    }
}
