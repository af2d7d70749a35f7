//! The ordered stop table: what happens between "end it" and the machine being off. Each step is bounded.

use super::{Ending, consoles::Consoles};
use nix::{
    errno::Errno,
    mount::{MntFlags, umount2},
    sys::{
        reboot::{RebootMode, reboot},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, sync},
};
use std::time::{Duration, Instant};

/// A session that was asked to end says goodbye to Senzu and finishes what it writes.
pub(super) const SESSION_GRACE: Duration = Duration::from_secs(10);

/// Whatever else runs has nothing to say goodbye to.
const OTHERS_GRACE: Duration = Duration::from_secs(1);

/// How often the stop looks whether the others have ended; SIGCHLD is no longer listened to by then.
const REAP_PERIOD: Duration = Duration::from_millis(20);

/// Every process that PID 1 may signal: all but itself.
const EVERYONE: Pid = Pid::from_raw(-1);

/// One step of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// SIGTERM to all, wait, SIGKILL to the rest.
    EndProcesses,
    /// Flush what was written.
    Sync,
    /// Unmount, last mounted first.
    Unmount,
    /// reboot(2).
    Leave,
}

const TABLE: [Step; 4] = [Step::EndProcesses, Step::Sync, Step::Unmount, Step::Leave];

/// File systems that hold nothing, and that the last words before reboot(2) still need.
const KEPT_MOUNTS: [&str; 4] = ["/", "/dev", "/proc", "/sys"];

/// Goes through the table; never returns.
pub(super) fn stop(ending: Ending, consoles: &mut Consoles) -> ! {
    for step in TABLE {
        match step {
            Step::EndProcesses => end_processes(),
            Step::Sync => sync(),
            Step::Unmount => unmount_all(),
            Step::Leave => leave(ending, consoles),
        }
    }
    // Unreachable while the table ends in Leave; PID 1 must not end even then.
    park()
}

fn leave(ending: Ending, consoles: &mut Consoles) {
    let mode = match ending {
        Ending::PowerOff => RebootMode::RB_POWER_OFF,
        Ending::Reboot => RebootMode::RB_AUTOBOOT,
    };
    let Err(errno) = reboot(mode);
    consoles.say(&format!("PIOUS: the kernel refuses to end ({}). Switch the machine off by hand.", errno.desc()));
    park()
}

/// Stays for ever: what PID 1 does when there is nothing left to do.
pub(super) fn park() -> ! {
    loop {
        nix::unistd::pause();
    }
}

fn end_processes() {
    // ESRCH: there is no other process left, which is the usual case.
    if kill(EVERYONE, Signal::SIGTERM) == Err(Errno::ESRCH) {
        return;
    }
    let deadline = Instant::now() + OTHERS_GRACE;
    while !all_ended() {
        if Instant::now() >= deadline {
            let _gone_meanwhile = kill(EVERYONE, Signal::SIGKILL);
            // Killed processes end without further ado; reap what is there, wait for nobody.
            all_ended();
            return;
        }
        std::thread::sleep(REAP_PERIOD);
    }
}

/// Reaps whatever ended; tells whether no child is left.
fn all_ended() -> bool {
    loop {
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return false,
            Ok(_) => {}
            Err(Errno::EINTR) => {}
            Err(_) => return true,
        }
    }
}

fn unmount_all() {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for target in unmount_order(&mounts) {
        if umount2(target, MntFlags::empty()).is_err() {
            // Busy: detach, so that its last user's end unmounts it.
            let _gone_meanwhile = umount2(target, MntFlags::MNT_DETACH);
        }
    }
}

/// The mount points of `/proc/self/mounts` (proc(5): source, target, …), last mounted first, without the kept ones.
fn unmount_order(mounts: &str) -> Vec<&str> {
    let mut targets: Vec<&str> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|target| !KEPT_MOUNTS.contains(target))
        .collect();
    targets.reverse();
    targets
}

#[cfg(test)]
mod tests {
    use super::{Step, TABLE, unmount_order};

    #[test]
    fn nothing_is_unmounted_before_it_is_flushed_and_nobody_writes_while_it_is() {
        assert_eq!(TABLE, [Step::EndProcesses, Step::Sync, Step::Unmount, Step::Leave]);
    }

    #[test]
    fn the_last_mounted_goes_first() {
        let mounts = "rootfs / rootfs rw 0 0\ndevtmpfs /dev devtmpfs rw 0 0\nproc /proc proc rw 0 0\n\
                      sysfs /sys sysfs rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/sda1 /run/disk ext4 rw 0 0\n";
        assert_eq!(unmount_order(mounts), ["/run/disk", "/run"]);
    }
}
