//! Whose turn it is where there are fewer processors than threads that want one. The way to Senzu goes first: network
//! drivers, DHCP, the session. It mostly waits for others, so whoever gives way to it is not kept waiting for long.

use nix::libc;

/// A thread's turn; a thread that takes none goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// What the way to Senzu needs at its end: a quarter of the processor beside it.
    Second,
    /// What nobody waits for, a console that is drawn or a disk's driver that loads: what is left.
    Last,
}

impl Turn {
    /// Takes the turn, from now on, for the thread that calls this.
    pub(crate) fn take(self) {
        // sched(7): each step is a quarter more or less of the processor; 19 is the least share there is.
        let nice = match self {
            Self::Second => 5,
            Self::Last => 19,
        };
        // SAFETY: it takes no pointers; on Linux, process 0 is the calling thread (setpriority(2), "C library/kernel
        // differences").
        let _refused_and_no_harm = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
    }
}

#[cfg(test)]
mod tests {
    use super::Turn;

    #[test]
    fn a_turn_is_the_threads_own() {
        let nice = || procfs::process::Process::myself().unwrap().task_main_thread().unwrap().stat().unwrap().nice;
        let before = nice();
        let of_the_thread = std::thread::spawn(|| {
            Turn::Last.take();
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // The nineteenth field, seventeenth behind the name (proc_pid_stat(5)).
            stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(16).map(str::to_owned)
        });
        assert_eq!((of_the_thread.join().unwrap().as_deref(), nice()), (Some("19"), before));
    }
}
