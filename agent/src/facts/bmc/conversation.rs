//! Asking a BMC one thing after the other, with a bound on each wait and on all of them together.
//!
//! A BMC that hangs must not hold up the facts: once it left a question unanswered, nothing more is asked of it.

use super::{
    command::{Command, Request},
    error::{Completion, IpmiError},
};
use std::time::{Duration, Instant};

/// A way to the BMC that is open: the kernel's, or a recording.
pub trait Ipmi {
    /// Sends a request and waits for its answer: the completion code, then the data.
    ///
    /// # Errors
    /// [`IpmiError::Silent`] and [`IpmiError::Exchange`].
    fn exchange(&mut self, request: &Request) -> Result<Vec<u8>, IpmiError>;
}

/// How often a BMC that says it is busy (C0h) is asked again. Each exchange takes it milliseconds, and its firmware is
/// done by then or hangs.
const TRIES_WHILE_BUSY: usize = 4;

/// A conversation.
pub(super) struct Conversation {
    ipmi: Box<dyn Ipmi>,
    within: Duration,
    until: Instant,
    /// The first question that it did not answer.
    silent: Option<(Command, Duration)>,
}

impl Conversation {
    /// A conversation that takes no longer than `within`, and the last wait beyond it.
    pub(super) fn new(ipmi: Box<dyn Ipmi>, within: Duration) -> Self {
        Self { ipmi, within, until: Instant::now() + within, silent: None }
    }

    /// Asks logical unit 0; answers the data behind the completion code.
    pub(super) fn ask(&mut self, command: Command, data: &[u8]) -> Result<Vec<u8>, IpmiError> {
        self.ask_unit(command, 0, data)
    }

    /// Asks a logical unit.
    pub(super) fn ask_unit(&mut self, command: Command, unit: u8, data: &[u8]) -> Result<Vec<u8>, IpmiError> {
        if let Some((command, within)) = self.silent {
            return Err(IpmiError::Silent { command, within });
        }
        let request = Request { command, unit, data: data.to_vec() };
        let mut tries = 1;
        loop {
            if Instant::now() >= self.until {
                return Err(IpmiError::Slow { command, within: self.within });
            }
            let answer = match self.ipmi.exchange(&request) {
                Ok(answer) => answer,
                Err(error) => {
                    if let IpmiError::Silent { command, within } = error {
                        self.silent = Some((command, within));
                    }
                    return Err(error);
                }
            };
            match answer.split_first() {
                Some((0, data)) => return Ok(data.to_vec()),
                Some((&code, _)) if Completion(code) == Completion::BUSY && tries < TRIES_WHILE_BUSY => tries += 1,
                Some((&code, _)) => return Err(IpmiError::Refused(command, Completion(code))),
                None => return Err(IpmiError::Short { command, got: 0, needed: 1 }),
            }
        }
    }
}

/// The answer's first `N` bytes, which must be there.
pub(super) fn first<const N: usize>(command: Command, answer: &[u8]) -> Result<[u8; N], IpmiError> {
    answer.first_chunk::<N>().copied().ok_or(IpmiError::Short { command, got: answer.len(), needed: N })
}
