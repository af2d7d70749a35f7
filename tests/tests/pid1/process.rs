//! One process of the room, as the host sees it.

use nix::{
    errno::Errno,
    libc,
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use std::{collections::BTreeMap, fs, io::Write, os::unix::fs::FileTypeExt};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(pub i32);

impl Process {
    pub fn arguments(self) -> Vec<String> {
        self.strings("cmdline")
    }

    pub fn environment(self) -> BTreeMap<String, String> {
        let pair = |line: String| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.strings("environ").into_iter().filter_map(pair).collect()
    }

    pub fn children(self) -> Vec<Self> {
        let pids = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.0)).unwrap_or_default();
        pids.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Self).collect()
    }

    /// Whether it is still in the process table, be it as a zombie.
    pub fn is_there(self) -> bool {
        kill(self.pid(), None) != Err(Errno::ESRCH)
    }

    /// Alive: neither gone nor a zombie (proc_pid_stat(5): the state follows the name in brackets).
    pub fn is_alive(self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
    }

    /// The mask of signals that it does not hear now (proc_pid_status(5)).
    pub fn blocked_signals(self) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        mask.map(|mask| mask.trim().to_owned()).unwrap_or_default()
    }

    pub fn signal(self, signal: Signal) {
        kill(self.pid(), signal).unwrap_or_else(|errno| panic!("{} to {self:?}: {errno}", signal.as_str()));
    }

    /// Puts words into its mouth: they come out of its standard error.
    pub fn say(self, words: &str) {
        let path = format!("/proc/{}/fd/2", self.0);
        let mut output = fs::OpenOptions::new().write(true).open(&path).expect("its standard error");
        assert!(output.metadata().expect("what it is").file_type().is_fifo(), "PID 1 hears a session by a pipe");
        output.write_all(words.as_bytes()).expect("it is heard");
    }

    /// Makes it exit with this code, as if it had said so itself: its next system call becomes exit_group(2).
    pub fn exit(self, code: u8) {
        trace(libc::PTRACE_SEIZE, self.0, 0);
        trace(libc::PTRACE_INTERRUPT, self.0, 0);
        self.wait_for_stop();
        let mut registers = loop {
            // With no signal to deliver: on to the next entry into, or exit from, a system call.
            trace(libc::PTRACE_SYSCALL, self.0, 0);
            self.wait_for_stop();
            let registers = self.registers();
            // At the entry the kernel has the answer "no such call" ready (arch/x86/entry); at the exit it has the call's own.
            if registers.rax == (-i64::from(libc::ENOSYS)).cast_unsigned() {
                break registers;
            }
        };
        registers.orig_rax = libc::SYS_exit_group.cast_unsigned();
        registers.rdi = u64::from(code);
        trace(libc::PTRACE_SETREGS, self.0, (&raw mut registers).addr());
        trace(libc::PTRACE_DETACH, self.0, 0);
    }

    /// Makes it hang: it hears no signal, and when it is killed nobody learns of it, until it is released. (A traced process
    /// waits for its tracer at each signal, and as a zombie too.)
    pub fn hang(self) {
        trace(libc::PTRACE_SEIZE, self.0, 0);
    }

    /// Ends what [`Process::hang`] began, for one that was killed meanwhile.
    pub fn release(self) {
        loop {
            let status = waitpid(self.pid(), Some(WaitPidFlag::__WALL)).expect("a traced process tells");
            if matches!(status, WaitStatus::Signaled(..)) {
                return;
            }
        }
    }

    /// Whether it is ending: PF_EXITING among its flags (proc_pid_stat(5), the ninth field, seventh after the name).
    pub fn is_ending(self) -> bool {
        const PF_EXITING: u32 = 4;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        let flags = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(6)?.parse::<u32>().ok());
        flags.is_some_and(|flags| flags & PF_EXITING != 0)
    }

    fn registers(self) -> libc::user_regs_struct {
        // SAFETY: a structure of integers, for which zeroes are values.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        trace(libc::PTRACE_GETREGS, self.0, (&raw mut registers).addr());
        registers
    }

    fn wait_for_stop(self) {
        // __WALL: also where it is not our child.
        let status = waitpid(self.pid(), Some(WaitPidFlag::__WALL)).expect("a traced process tells");
        assert!(
            !matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..)),
            "{self:?} ended while it was made to: {status:?}"
        );
    }

    fn strings(self, file: &str) -> Vec<String> {
        let bytes = fs::read(format!("/proc/{}/{file}", self.0)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    fn pid(self) -> Pid {
        Pid::from_raw(self.0)
    }
}

/// ptrace(2). `data` is an address for those requests that say so, which then is that of a `user_regs_struct`.
fn trace(request: libc::c_uint, pid: i32, data: usize) {
    // SAFETY: of the requests made here only GETREGS and SETREGS use `data` as an address, and their callers give that of
    // a live `user_regs_struct`.
    let answer = unsafe { libc::ptrace(request, pid, 0usize, data) };
    assert_eq!(answer, 0, "ptrace request {request:#x} on {pid}: {}", std::io::Error::last_os_error());
}
