//! SQLite's writer has a thread, and that thread a core.
//!
//! sqlx gives every SQLite connection a thread of its own, and each statement goes there and back. Between two cores either
//! way wakes one that sleeps, which costs several times what the statement does, and a boot is some twenty statements one
//! after the other. So what writes runs on one thread, and that thread and the connection's on one core, where neither
//! interrupts the other.

use nix::{
    errno::Errno,
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};
use std::{io, thread};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// The thread. It ends when this is dropped, and with it what still runs there.
pub struct Writer {
    runtime: Handle,
    _running: oneshot::Sender<()>,
}

impl Writer {
    pub fn start() -> io::Result<Self> {
        // Without what waits for sockets: waking who waits in epoll takes longer than waking a thread.
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel();
        thread::Builder::new().name("writer".into()).spawn(move || {
            // Without, it is but slower.
            if let Err(error) = stay_on_a_core().and_then(|()| be_batch()) {
                tracing::debug!(%error, "the writer has no core of its own");
            }
            // Nothing is sent: the other end is dropped.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self { runtime: handle, _running: running })
    }

    /// Does something there, to its end even if nobody waits for it any more. Threads that it starts stay on the core.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        match self.runtime.spawn(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // It ended before its work: so does whoever waits.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Binds the thread to one of the cores that the process may use; several processes take different ones.
fn stay_on_a_core() -> nix::Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let cores: Vec<usize> = (0..CpuSet::count()).filter(|core| allowed.is_set(*core) == Ok(true)).collect();
    let turn = usize::try_from(Pid::this().as_raw()).unwrap_or_default();
    let Some(core) = cores.get(turn % cores.len().max(1)) else { return Ok(()) };
    let mut one = CpuSet::new();
    one.set(*core)?;
    sched_setaffinity(this, &one)
}

/// Takes the policy in which a thread that is woken waits until the running one stops (sched(7), SCHED_BATCH). Else either
/// thread interrupts the other as soon as it has something for it, and finds it holding the lock of their channel.
fn be_batch() -> nix::Result<()> {
    let parameters = nix::libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads the parameters, which live until it returns, and changes this thread alone.
    Errno::result(unsafe { nix::libc::sched_setscheduler(0, nix::libc::SCHED_BATCH, &parameters) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_writes_runs_on_one_core_and_others_run_where_they_like() {
        let cores = || {
            let set = sched_getaffinity(Pid::from_raw(0)).unwrap();
            (0..CpuSet::count()).filter(|core| set.is_set(*core).unwrap()).count()
        };
        let before = cores();
        let writer = Writer::start().unwrap();
        let of_its_threads = move || thread::spawn(cores).join().unwrap();
        assert_eq!(writer.run(async move { (cores(), of_its_threads()) }).await, (1, 1));
        assert_eq!(cores(), before);
    }
}
