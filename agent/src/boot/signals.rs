//! The signals that PID 1 waits for, as a file descriptor among others, so that it wakes on events.

use super::Ending;
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
    },
};
use std::{
    os::{fd::BorrowedFd, unix::process::CommandExt},
    process::Command,
    time::Duration,
};

/// How often PID 1 looks around if the kernel refuses it a signalfd, which it never does.
const WITHOUT_SIGNALS: Duration = Duration::from_millis(250);

/// SIGCHLD: somebody ended. SIGINT: Ctrl-Alt-Del. SIGTERM, SIGPWR: somebody asks PID 1 itself.
const AWAITED: [Signal; 4] = [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM, Signal::SIGPWR];

pub(super) struct Signals {
    fd: Option<SignalFd>,
}

impl Signals {
    /// Blocks the signals and listens to them here instead.
    pub(super) fn listen() -> Self {
        let awaited: SigSet = AWAITED.into_iter().collect();
        if awaited.thread_block().is_err() {
            return Self { fd: None };
        }
        Self { fd: SignalFd::with_flags(&awaited, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).ok() }
    }

    /// Lets a child hear the signals: it inherits what its parent blocks. They are let through in the child alone, because
    /// the kernel drops what PID 1 neither blocks nor has a handler for.
    pub(super) fn let_through(command: &mut Command) {
        let awaited: SigSet = AWAITED.into_iter().collect();
        // SAFETY: between fork and exec it makes one system call, pthread_sigmask(3), on a set that it owns: it neither
        // allocates nor takes a lock.
        unsafe { command.pre_exec(move || Ok(awaited.thread_unblock()?)) };
    }

    /// Waits for a signal, for something to read, or for the patience's end.
    pub(super) fn wait(&self, readable: &[BorrowedFd<'_>], patience: Duration) {
        let mut waited: Vec<PollFd<'_>> = readable.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
        let patience = match &self.fd {
            Some(fd) => {
                waited.push(PollFd::new(std::os::fd::AsFd::as_fd(fd), PollFlags::POLLIN));
                patience
            }
            None => patience.min(WITHOUT_SIGNALS),
        };
        // Rounded up, so that a wait for a deadline never spins through its last millisecond.
        let timeout = PollTimeout::try_from(patience.as_millis().saturating_add(1)).unwrap_or(PollTimeout::MAX);
        // An interrupted wait is a wait that ended.
        let _woken = poll(&mut waited, timeout);
    }

    /// What the signals that came in meanwhile ask of PID 1; the last one counts. SIGCHLD asks for nothing but a look.
    pub(super) fn asked(&self) -> Option<Ending> {
        let mut asked = None;
        while let Some(signal) = self.fd.as_ref().and_then(|fd| fd.read_signal().ok().flatten()) {
            asked = i32::try_from(signal.ssi_signo).ok().and_then(meaning).or(asked);
        }
        asked
    }
}

fn meaning(signal: i32) -> Option<Ending> {
    match Signal::try_from(signal) {
        Ok(Signal::SIGINT | Signal::SIGTERM) => Some(Ending::Reboot),
        Ok(Signal::SIGPWR) => Some(Ending::PowerOff),
        Ok(_) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{AWAITED, Ending, Signals, meaning};
    use std::process::Command;

    #[test]
    fn a_child_is_deaf_to_none_of_the_signals_that_pid_1_waits_for() {
        let _signals = Signals::listen();
        let mut command = Command::new("cat");
        Signals::let_through(&mut command);
        let output = command.arg("/proc/self/status").output().unwrap();
        let status = String::from_utf8(output.stdout).unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).map(str::trim);
        assert_eq!(blocked, Some("0000000000000000"));
    }

    #[test]
    fn what_each_awaited_signal_asks_for() {
        assert_eq!(
            AWAITED.map(|signal| meaning(signal as i32)),
            [None, Some(Ending::Reboot), Some(Ending::Reboot), Some(Ending::PowerOff)]
        );
    }
}
