//! Network namespaces that live as long as a file is open.

use nix::sched::{CloneFlags, setns, unshare};
use std::{fs::File, os::fd::AsRawFd, process::Command};

/// A network namespace; gone when dropped, with everything in it.
pub struct Namespace(File);

impl Namespace {
    /// A new, empty one.
    pub fn new() -> Self {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET).expect("unshare the network: is this root?");
            File::open("/proc/thread-self/ns/net").expect("open the namespace")
        };
        Self(std::thread::spawn(make).join().expect("make a namespace"))
    }

    /// Does something inside: sockets that it opens and programs that it starts belong there.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                setns(&self.0, CloneFlags::CLONE_NEWNET).expect("enter the namespace");
                work()
            });
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// `ip` with these words, inside.
    pub fn ip(&self, words: &str) -> String {
        self.inside(|| {
            let output = Command::new("ip").args(words.split(' ')).output().expect("run ip");
            assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        })
    }

    /// A path by which `ip` finds it.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}
