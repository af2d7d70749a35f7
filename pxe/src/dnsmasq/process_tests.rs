//! The keeper, on shell scripts that stand in for dnsmasq.

use super::*;
use std::fs;

/// A program that runs `body` in a folder of its own; `$0` is its path. A shell can't trap what it was started to ignore, and
/// under nohup that is SIGHUP. Another process makes the file: a program that anybody has open for writing can't be started,
/// and what another test starts meanwhile would for a moment have all that is open here.
fn program(body: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (text, path) = (folder.path().join("text"), folder.path().join("dnsmasq"));
    let shebang = "#!/usr/bin/env -S --default-signal=HUP sh";
    fs::write(&text, format!("{shebang}\ncd {}\n{body}\n", folder.path().display())).unwrap();
    let made = std::process::Command::new("install").args(["-m", "755"]).args([&text, &path]).status().unwrap();
    assert!(made.success());
    (folder, path)
}

async fn until(state: &mut watch::Receiver<State>, what: impl FnMut(&State) -> bool) -> State {
    timeout(Duration::from_secs(10), state.wait_for(what)).await.unwrap().unwrap().clone()
}

const SERVES: &str = "echo dnsmasq: started, version 2.90 >&2\nwhile :; do sleep 0.05; done";

#[tokio::test]
async fn ends_when_it_is_stopped() {
    let (_folder, program) = program(SERVES);
    let dnsmasq = Dnsmasq::start(&program, Path::new("none")).await.unwrap();
    let State::Running { pid } = *dnsmasq.state().borrow() else { panic!("not running") };
    dnsmasq.stop().await;
    assert_eq!(kill(Pid::from_raw(pid), None), Err(nix::errno::Errno::ESRCH));
}

#[tokio::test]
async fn is_started_again_when_it_dies() {
    let (_folder, program) = program(SERVES);
    let dnsmasq = Dnsmasq::start(&program, Path::new("none")).await.unwrap();
    let mut state = dnsmasq.state();
    let State::Running { pid: first } = *state.borrow_and_update() else { panic!("not running") };
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    until(&mut state, |state| matches!(state, State::Down(words) if words.starts_with("was ended by signal 9"))).await;
    let again = until(&mut state, |state| matches!(state, State::Running { .. })).await;
    assert_ne!(again, State::Running { pid: first });
    dnsmasq.stop().await;
}

#[tokio::test]
async fn a_reload_asked_while_it_is_down_comes_when_it_is_up() {
    // Dies at the first start's SIGHUP-less life; the second run notes the signal.
    let (folder, program) = program(&format!("trap 'echo dnsmasq: read again >&2; : > reloaded' HUP\n{SERVES}"));
    let dnsmasq = Dnsmasq::start(&program, Path::new("none")).await.unwrap();
    let mut state = dnsmasq.state();
    let State::Running { pid } = *state.borrow_and_update() else { panic!("not running") };
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    until(&mut state, |state| matches!(state, State::Down(_))).await;
    dnsmasq.reload();
    until(&mut state, |state| matches!(state, State::Running { .. })).await;
    timeout(Duration::from_secs(10), async {
        while !folder.path().join("reloaded").exists() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("SIGHUP after the restart");
    dnsmasq.stop().await;
}

#[tokio::test]
async fn a_line_that_is_no_text_is_a_line() {
    let (_folder, program) = program(&format!("printf 'dnsmasq: \\377\\376\\n' >&2\n{SERVES}"));
    let dnsmasq = Dnsmasq::start(&program, Path::new("none")).await.unwrap();
    assert!(matches!(*dnsmasq.state().borrow(), State::Running { .. }));
    dnsmasq.stop().await;
}

#[tokio::test]
async fn a_first_start_that_fails_is_told_with_its_words() {
    let (_folder, program) = program("echo 'dnsmasq: unknown interface prov' >&2\nexit 2");
    let error = Dnsmasq::start(&program, Path::new("none")).await.err().unwrap();
    assert_eq!(error.to_string(), "dnsmasq ended with 2 at its start; it said: dnsmasq: unknown interface prov");
}

#[tokio::test]
async fn a_missing_program_names_its_package() {
    let error = Dnsmasq::start(Path::new("/nowhere/dnsmasq"), Path::new("none")).await.err().unwrap();
    assert!(error.to_string().contains("dnsmasq-base"), "{error}");
}
