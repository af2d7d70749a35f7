//! The lab's namespaces: network, processes, mounts. Made by the outer process, furnished by the inner one.

use super::{inner, interface};
use anyhow::{Context, bail};
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, setns, unshare},
    sys::{prctl, signal::Signal},
    unistd::{chdir, pivot_root},
};
use std::{
    fs::File,
    net::TcpListener,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    path::Path,
    process::{Command, ExitCode},
};

/// Where the page is on the host's loopback, if nobody has the port; else wherever there is room.
const PAGE_PORT: u16 = 8443;

/// The inner process finds the host's listener here.
const LISTENER_VARIABLE: &str = "PIOUS_LAB_LISTENER";

/// `net.unix.max_dgram_qlen`: how many frames a guest's socket holds. The kernel's 10 would lose most of a burst.
const SOCKET_QUEUE: &str = "2048";

/// The outer process: makes the namespaces, starts the inner process in them, and waits for it.
pub fn outer(arguments: &[String], page: bool) -> anyhow::Result<ExitCode> {
    if !nix::unistd::geteuid().is_root() {
        bail!("the lab makes namespaces, taps and raw sockets, for which it must be root: use sudo");
    }
    // Made before the network namespace is left, a socket stays behind in the host's: that is how people see the page.
    let listener = match page {
        true => Some(
            TcpListener::bind(("127.0.0.1", PAGE_PORT))
                .or_else(|_| TcpListener::bind(("127.0.0.1", 0)))
                .context("listening on the host's loopback")?,
        ),
        false => None,
    };
    // Asked before the mounts are left: seen from the new ones in a chroot, the file that runs has a path outside of it.
    let mut inner = Command::new(std::env::current_exe()?);
    inner.arg("inner").args(arguments);
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS)
        .context("making namespaces (in a container this takes CAP_SYS_ADMIN)")?;
    if let Some(listener) = &listener {
        nix::fcntl::fcntl(listener, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()))?;
        inner.env(LISTENER_VARIABLE, listener.as_raw_fd().to_string());
    }
    let status = inner.spawn().context("starting the inner process")?.wait()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The inner process: PID 1 of its namespaces.
pub fn inner(options: super::Options, rack_file: &Path, detached: bool) -> anyhow::Result<()> {
    // This thread's parent is the outer process's only thread: when that dies, so do we, and with PID 1 everybody.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    furnish().context("furnishing the lab's namespaces")?;
    let listener = std::env::var(LISTENER_VARIABLE).ok().and_then(|fd| fd.parse().ok()).map(|fd| {
        // SAFETY: the outer process left this descriptor open for us, and nobody else here knows of it.
        let listener = TcpListener::from(unsafe { OwnedFd::from_raw_fd(fd) });
        // What is started later must not hold the port open.
        let _ = nix::fcntl::fcntl(&listener, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC));
        listener
    });
    tokio::runtime::Runtime::new()?.block_on(inner::run(options, rack_file, listener, detached))
}

fn furnish() -> anyhow::Result<()> {
    let none: Option<&str> = None;
    take_root()?;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).context("mounting /proc")?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755")).context("mounting /run")?;
    std::fs::write("/proc/sys/net/unix/max_dgram_qlen", SOCKET_QUEUE).context("setting net.unix.max_dgram_qlen")?;
    // Nobody else is there to have our addresses; without the check they work at once.
    for scope in ["default", "all"] {
        let _ = std::fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/accept_dad"), "0");
    }
    interface::up("lo").context("bringing lo up")
}

/// Makes our root the root of the mount namespace that we are in, which is new, and keeps its mounts from the host. In a
/// chroot it is not: nothing could be said of its mounts as a whole, and the kernel makes no user namespace for whoever
/// is in one (user_namespaces(7)). For a process with one thread.
pub fn take_root() -> anyhow::Result<()> {
    let none: Option<&str> = None;
    let own_root = File::open("/").context("opening the root")?;
    // Entering a mount namespace makes its root ours (setns(2)), also that of the one that we are in.
    let namespace = File::open("/proc/self/ns/mnt").context("opening the mount namespace")?;
    setns(namespace, CloneFlags::CLONE_NEWNS).context("entering the mount namespace")?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).context("making mounts private")?;
    let path = std::fs::read_link(format!("/proc/self/fd/{}", own_root.as_raw_fd())).context("finding the chroot")?;
    if path != Path::new("/") {
        mount(Some(&path), &path, none, MsFlags::MS_BIND | MsFlags::MS_REC, none).context("mounting the chroot")?;
        chdir(&path).context("entering the chroot")?;
        pivot_root(".", ".").context("making the chroot the namespace's root")?;
        umount2(".", MntFlags::MNT_DETACH).context("letting go of the old root")?;
        chdir("/").context("standing in the root")?;
    }
    Ok(())
}

/// Gives `prov` and `bmc` their addresses; their taps must be there.
pub fn addresses() -> anyhow::Result<()> {
    use inner::{BMC_ADDRESS, PROVISIONING_ADDRESS, PROVISIONING_IPV6, STRANGER_ADDRESS};
    interface::add_ipv4("prov", PROVISIONING_ADDRESS, 24).context("giving prov its address")?;
    interface::add_ipv4("prov:1", STRANGER_ADDRESS, 24).context("giving prov its second address")?;
    interface::add_ipv4("bmc", BMC_ADDRESS, 24).context("giving bmc its address")?;
    if let Err(error) = interface::add_ipv6("prov", PROVISIONING_IPV6, 64) {
        // A kernel without IPv6: PXE waits longer for a router, and works.
        tracing::warn!(%error, "no IPv6 on prov");
    }
    Ok(())
}
