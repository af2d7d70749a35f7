//! What the agent costs: the memory and the processor time of its session, and of PID 1 where that is ours too.

use nix::time::{ClockId, clock_gettime};
use procfs::process::Process;

/// The agent as processes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Processes {
    /// Since the kernel started.
    pub uptime_s: u64,
    /// The one that answers.
    pub session: Cost,
    /// PID 1, if it is of the same program.
    pub init: Option<Cost>,
}

/// One process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub rss_bytes: u64,
    pub peak_rss_bytes: u64,
    /// In user and kernel mode since it started.
    pub cpu_ms: u64,
}

impl Processes {
    pub fn now() -> Self {
        let uptime = clock_gettime(ClockId::CLOCK_BOOTTIME).ok().and_then(|time| u64::try_from(time.tv_sec()).ok());
        let session = Process::myself().ok();
        let program = session.as_ref().and_then(|session| session.exe().ok());
        let is_ours = |init: &Process| program.is_some() && init.exe().ok() == program;
        Self {
            uptime_s: uptime.unwrap_or_default(),
            session: session.as_ref().map(Cost::of).unwrap_or_default(),
            init: Process::new(1).ok().filter(is_ours).as_ref().map(Cost::of),
        }
    }
}

impl Cost {
    fn of(process: &Process) -> Self {
        // VmRSS and VmHWM, in kB.
        let status = process.status().ok();
        let bytes = |kib: Option<u64>| kib.unwrap_or_default() * 1024;
        let ticks = process.stat().map(|stat| stat.utime + stat.stime).unwrap_or_default();
        Self {
            rss_bytes: bytes(status.as_ref().and_then(|status| status.vmrss)),
            peak_rss_bytes: bytes(status.as_ref().and_then(|status| status.vmhwm)),
            cpu_ms: (ticks * 1000).checked_div(procfs::ticks_per_second()).unwrap_or_default(),
        }
    }
}
