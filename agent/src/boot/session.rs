//! The session as a process: how PID 1 starts it, hears it, and learns that it ended.

use super::{
    BOOT_ID_VARIABLE, Ending, LAST_WORDS_VARIABLE,
    last_words::{Death, LAST_WORDS_PATH, Ring},
    signals::Signals,
};
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::{
        signal::{Signal, killpg},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// This very binary, whatever it is called.
const OURSELVES: &str = "/proc/self/exe";

/// One read of a session's output.
const CHUNK_BYTES: usize = 1024;

/// Reads of one look, so that a session that writes without end does not keep PID 1 from its other duties.
const MOST_CHUNKS: usize = 64;

/// How often PID 1 looks whether the session has ended though the kernel tells of nothing: an end so rare that a machine
/// may stand for this long after it, and a look so dear (a file of `/proc`) that an idle server must not pay it each second.
const LOOK: Duration = Duration::from_secs(5);

/// How long the threads of a process that ends may take to end with it, before one of them is said to hang.
const LAST_THREAD: Duration = Duration::from_millis(500);

pub(super) struct Session {
    pid: Pid,
    /// Since when its first thread is seen to have ended while others have not.
    half_dead_since: Option<Instant>,
    started: Instant,
    outputs: Vec<File>,
    ring: Ring,
    kernel_log: Option<File>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It asked for the end of the boot.
    Asked(Ending),
    /// It died.
    Died(Death),
}

impl Session {
    /// Starts `/init session`.
    pub(super) fn start(boot_id: &str) -> Result<Self, Errno> {
        let mut command = Command::new(OURSELVES);
        command.arg0("/init").arg("session").env(BOOT_ID_VARIABLE, boot_id);
        if std::path::Path::new(LAST_WORDS_PATH).exists() {
            command.env(LAST_WORDS_VARIABLE, LAST_WORDS_PATH);
        }
        // A process group of its own: what it starts ends with it.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Signals::let_through(&mut command);
        let mut child =
            command.spawn().map_err(|error| error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))?;
        let outputs = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
        Ok(Self {
            pid: Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()),
            half_dead_since: None,
            started: Instant::now(),
            outputs: outputs.into_iter().flatten().filter_map(not_blocking).collect(),
            ring: Ring::default(),
            // Shown on the consoles only where the kernel's log level asks for it.
            kernel_log: OpenOptions::new().write(true).open("/dev/kmsg").ok(),
        })
    }

    /// What to wait for.
    pub(super) fn readable(&self) -> Vec<BorrowedFd<'_>> {
        self.outputs.iter().map(AsFd::as_fd).collect()
    }

    /// Hears what was said since the last look.
    pub(super) fn listen(&mut self) {
        let Self { outputs, ring, kernel_log, .. } = self;
        outputs.retain_mut(|output| hear(output, ring, kernel_log.as_mut()));
    }

    /// Asks the session to end, or makes it.
    pub(super) fn signal(&self, signal: Signal) {
        // ESRCH: it ended meanwhile, and the next reaping tells.
        let _gone_meanwhile = killpg(self.pid, signal);
    }

    /// The end of a session that has ended but for a thread that hangs in a driver. The kernel tells of no such end, by
    /// no signal, wait or poll, until that thread has ended too, which may be never.
    fn half_dead(&mut self) -> Option<End> {
        let stat = std::fs::read(format!("/proc/{}/stat", self.pid)).ok()?;
        let end = End::of(status_of_the_dead(self.pid, &String::from_utf8_lossy(&stat))?)?;
        let since = *self.half_dead_since.get_or_insert_with(Instant::now);
        (since.elapsed() >= LAST_THREAD).then_some(end)
    }

    /// How soon [`Self::reap`] is to look again though the kernel tells of nothing.
    pub(super) fn look_after(&self) -> Duration {
        if self.half_dead_since.is_some() { LAST_THREAD } else { LOOK }
    }

    pub(super) fn lived(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Reaps whoever ended, adopted orphans among them; tells whether the session is one of them, or has all but ended.
    pub(super) fn reap(&mut self) -> Option<End> {
        let mut end = None;
        loop {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(status) if status.pid() == Some(self.pid) => end = End::of(status).or(end),
                Ok(WaitStatus::StillAlive) => return end.or_else(|| self.half_dead()),
                Ok(_) | Err(Errno::EINTR) => {}
                // ECHILD: nobody is left, so the session is not either, however that came about.
                Err(_) => return end.or(Some(End::Died(Death::NotStarted(Errno::ECHILD)))),
            }
        }
    }
}

impl End {
    /// The end that a status tells; `None` where it tells of none.
    fn of(status: WaitStatus) -> Option<Self> {
        match status {
            WaitStatus::Exited(_, code) => {
                Some(Ending::from_exit_code(code).map_or(Self::Died(Death::Code(code)), Self::Asked))
            }
            WaitStatus::Signaled(_, signal, _) => Some(Self::Died(Death::Signal(signal))),
            _ => None,
        }
    }
}

/// The wait(2) status of a process whose first thread has ended, by its `/proc/PID/stat` (proc_pid_stat(5)): the third
/// field is the state, the last the status. The second, a name in brackets, may hold anything.
fn status_of_the_dead(pid: Pid, stat: &str) -> Option<WaitStatus> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X");
    let status = fields.next_back()?.parse().ok()?;
    if is_dead { WaitStatus::from_raw(pid, status).ok() } else { None }
}

fn not_blocking(output: OwnedFd) -> Option<File> {
    let flags = OFlag::from_bits_truncate(fcntl(&output, FcntlArg::F_GETFL).ok()?);
    fcntl(&output, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).ok()?;
    Some(File::from(output))
}

/// Hears what an output has to say; tells whether it may say more.
fn hear(output: &mut File, ring: &mut Ring, mut kernel_log: Option<&mut File>) -> bool {
    let mut chunk = [0; CHUNK_BYTES];
    for _ in 0..MOST_CHUNKS {
        match output.read(&mut chunk) {
            Ok(0) => return false,
            Ok(count) => {
                let said = chunk.get(..count).unwrap_or_default();
                ring.hear(said);
                if let Some(log) = kernel_log.as_mut() {
                    copy_to_kernel_log(said, log);
                }
            }
            Err(error) => {
                return matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted);
            }
        }
    }
    true
}

fn copy_to_kernel_log(said: &[u8], log: &mut File) {
    for line in said.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        // <6>: informational. The kernel takes one record per write.
        let record = [b"<6>pious: ".as_slice(), line].concat();
        let _dropped_where_the_kernel_limits_the_rate = log.write(&record);
    }
}

#[cfg(test)]
mod tests {
    use super::{Death, End, Ending, status_of_the_dead};
    use nix::{sys::signal::Signal, unistd::Pid};
    use std::process::Command;

    /// What `/proc` tells of a shell's end, seen while nobody has waited for it.
    fn end_seen(script: &str) -> End {
        let mut child = Command::new("sh").args(["-c", script]).spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        let end = loop {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            match status_of_the_dead(pid, &stat) {
                Some(status) => break End::of(status).unwrap(),
                None => std::thread::yield_now(),
            }
        };
        child.wait().unwrap();
        end
    }

    #[test]
    fn an_end_is_seen_before_the_kernel_tells_of_it() {
        assert_eq!(end_seen("exit 80"), End::Asked(Ending::PowerOff));
        assert_eq!(end_seen("exit 81"), End::Asked(Ending::Reboot));
        assert_eq!(end_seen("exit 101"), End::Died(Death::Code(101)));
        assert_eq!(end_seen("kill -KILL $$"), End::Died(Death::Signal(Signal::SIGKILL)));
    }

    #[test]
    fn a_name_is_no_state() {
        let pid = Pid::from_raw(7);
        assert_eq!(status_of_the_dead(pid, "7 (a) Z 1) S 1 7 7 0 0"), None, "it lives");
        assert_eq!(status_of_the_dead(pid, "7 (a) S 1) Z"), None, "nothing behind the state");
        assert_eq!(status_of_the_dead(pid, ""), None);
    }
}
