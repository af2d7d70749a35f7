//! The agent as a process that is told to end.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Far less than the ten seconds that PID 1 waits, and enough for a machine that is busy.
const PROMPTLY: Duration = Duration::from_secs(5);

#[test]
fn a_session_that_gets_sigterm_says_so_and_ends_in_order() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("pious-agent"));
    // Port 9 is discard's: nobody listens there.
    command.args(["run", "--senzu", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"]);
    let mut agent = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(agent.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.starts_with("== PIOUS ")), "it runs");
    let told = Instant::now();
    kill(Pid::from_raw(agent.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert!(said.any(|line| line == "  next:    nothing: stopping, as it was told to at this server"), "its last line");
    assert_eq!(agent.wait().unwrap().code(), Some(0));
    assert!(told.elapsed() < PROMPTLY, "after {:?}", told.elapsed());
}
