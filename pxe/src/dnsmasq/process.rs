//! dnsmasq's process: started, watched, restarted with a growing pause when it dies, told to read its hosts file again,
//! and ended with us, even when we are killed.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    collections::VecDeque,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Split},
    process::{Child, ChildStderr, Command},
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The first start: it binds sockets and reads two files.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// From SIGTERM to SIGKILL.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// The first pause before a restart, and the longest. Clients retry DHCP for about a minute.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_LONGEST: Duration = Duration::from_secs(10);

/// After a run of this length the pause starts anew.
const GOOD_RUN: Duration = Duration::from_secs(60);

/// Last lines that are kept for the error of a death.
const LAST_LINES: usize = 5;

/// What dnsmasq says when it answers; the signal handlers are installed by then.
const STARTED: &str = "started, version";

/// What can be wrong with dnsmasq.
#[derive(Debug, Error)]
pub enum DnsmasqError {
    /// It is not there.
    #[error("start {program}: install the Debian package dnsmasq-base, or set dnsmasq in the configuration")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended at once.
    #[error("dnsmasq {how} at its start; it said: {words}")]
    Died {
        /// Its exit.
        how: String,
        /// Its last lines.
        words: String,
    },
    /// It says nothing.
    #[error("dnsmasq did not start within {} s", START_TIMEOUT.as_secs())]
    Silent,
}

/// What dnsmasq is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Started, and not yet answering.
    Starting,
    /// Answering.
    Running {
        /// Its process.
        pid: i32,
    },
    /// It died and will be started again; how it died.
    Down(String),
}

/// dnsmasq, kept running.
pub struct Dnsmasq {
    state: watch::Receiver<State>,
    reload: Arc<Notify>,
    stop: CancellationToken,
    keeper: JoinHandle<()>,
}

impl Dnsmasq {
    /// Starts dnsmasq and waits until it answers. Must be called on the thread that lives as long as the process: the
    /// death signal is that thread's.
    pub async fn start(program: &Path, configuration: &Path) -> Result<Self, DnsmasqError> {
        let command = Arguments { program: program.to_owned(), configuration: configuration.to_owned() };
        let first = command.spawn()?;
        let (sender, mut state) = watch::channel(State::Starting);
        let reload = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let keeper = Keeper { command, state: sender, reload: reload.clone(), stop: stop.clone() };
        let keeper = tokio::spawn(keeper.keep(first));
        let settled = state.wait_for(|state| *state != State::Starting);
        let failure = match timeout(START_TIMEOUT, settled).await {
            Ok(Ok(state)) => match &*state {
                State::Running { .. } | State::Starting => None,
                State::Down(words) => Some(died(words)),
            },
            Ok(Err(_)) => Some(DnsmasqError::Silent),
            Err(_) => Some(DnsmasqError::Silent),
        };
        let dnsmasq = Self { state, reload, stop, keeper };
        match failure {
            None => Ok(dnsmasq),
            Some(error) => {
                dnsmasq.stop().await;
                Err(error)
            }
        }
    }

    /// Has it read its hosts file again; later, if it is not up now.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// Has others ask for a reload.
    pub fn reloader(&self) -> Arc<Notify> {
        self.reload.clone()
    }

    /// What it is doing.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Ends it.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.keeper.await {
            tracing::error!("dnsmasq's keeper: {error}");
        }
    }
}

fn died(words: &str) -> DnsmasqError {
    let (how, words) = words.split_once(": ").unwrap_or((words, "nothing"));
    DnsmasqError::Died { how: how.to_owned(), words: words.to_owned() }
}

struct Arguments {
    program: PathBuf,
    configuration: PathBuf,
}

impl Arguments {
    fn spawn(&self) -> Result<Child, DnsmasqError> {
        let parent = Pid::this();
        let mut command = Command::new(&self.program);
        command
            .arg("--keep-in-foreground")
            .arg({
                let mut argument = std::ffi::OsString::from("--conf-file=");
                argument.push(&self.configuration);
                argument
            })
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // SAFETY: between fork and exec only prctl(2) and getppid(2) are called, which are async-signal-safe; nothing
        // is allocated.
        unsafe {
            command.pre_exec(move || {
                nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
                // Died between fork and prctl: the signal would never come.
                if Pid::parent() == parent { Ok(()) } else { Err(nix::errno::Errno::ESRCH.into()) }
            });
        }
        command.spawn().map_err(|source| DnsmasqError::Spawn { program: self.program.clone(), source })
    }
}

struct Keeper {
    command: Arguments,
    state: watch::Sender<State>,
    reload: Arc<Notify>,
    stop: CancellationToken,
}

enum End {
    Stopped,
    Died(String),
}

impl Keeper {
    async fn keep(self, first: Child) {
        let mut pause = PAUSE_FIRST;
        let mut child = Some(first);
        loop {
            let started = Instant::now();
            let spawned = child.take().map_or_else(|| self.command.spawn(), Ok);
            let end = match spawned {
                Ok(child) => self.run(child).await,
                Err(error) => End::Died(format!("can't be started: {error}")),
            };
            match end {
                End::Stopped => return,
                End::Died(words) => {
                    if started.elapsed() > GOOD_RUN {
                        pause = PAUSE_FIRST;
                    }
                    tracing::error!("dnsmasq {words}; starting it again in {} ms", pause.as_millis());
                    self.state.send_replace(State::Down(words));
                }
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
            pause = (pause * 2).min(PAUSE_LONGEST);
            self.state.send_replace(State::Starting);
        }
    }

    async fn run(&self, mut child: Child) -> End {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        let mut last = VecDeque::new();
        let Some(stderr) = child.stderr.take() else {
            return End::Died("has no stderr".into());
        };
        let mut lines = BufReader::new(stderr).split(b'\n');
        let mut running = false;
        loop {
            tokio::select! {
                line = next(&mut lines) => match line {
                    Some(line) => {
                        running |= self.heard(&line, pid);
                        if last.len() == LAST_LINES {
                            last.pop_front();
                        }
                        last.push_back(line);
                    }
                    None => return died_words(child.wait().await, &last),
                },
                // Before it installed its handlers, SIGHUP would end it.
                () = self.reload.notified(), if running => {
                    if let Err(error) = kill(Pid::from_raw(pid), Signal::SIGHUP) {
                        tracing::warn!("ask dnsmasq to read its hosts file again: {error}");
                    }
                }
                () = self.stop.cancelled() => {
                    end(&mut child, pid).await;
                    return End::Stopped;
                }
            }
        }
    }

    /// Passes a line on; answers whether it says that dnsmasq is up.
    fn heard(&self, line: &str, pid: i32) -> bool {
        tracing::info!(target: "dnsmasq", "{line}");
        let started = line.contains(STARTED);
        if started {
            self.state.send_replace(State::Running { pid });
        }
        started
    }
}

/// The next line, whatever bytes it is made of: dnsmasq quotes names that its clients chose.
async fn next(lines: &mut Split<BufReader<ChildStderr>>) -> Option<String> {
    let line = lines.next_segment().await.unwrap_or_else(|error| {
        tracing::warn!("read dnsmasq's log: {error}");
        None
    });
    line.map(|line| String::from_utf8_lossy(&line).into_owned())
}

fn died_words(status: std::io::Result<ExitStatus>, last: &VecDeque<String>) -> End {
    let how = match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended".into(),
        },
        Err(error) => format!("can't be waited for ({error})"),
    };
    let words: Vec<&str> = last.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    End::Died(if words.is_empty() { how } else { format!("{how}: {}", words.join(" / ")) })
}

async fn end(child: &mut Child, pid: i32) {
    if pid > 0 {
        kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
    }
    if timeout(STOP_TIMEOUT, child.wait()).await.is_err() {
        tracing::warn!("dnsmasq ignores SIGTERM; killing it");
        child.kill().await.ok();
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
