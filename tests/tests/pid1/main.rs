//! PID 1 from outside: the agent's own binary boots as `/init` of a PID namespace, its sessions are killed, its signals
//! sent, and what it shows on its consoles and how it ends the boot is what counts.
//!
//! In a PID namespace the kernel tells the parent of PID 1 what became of reboot(2), so power-off and restart are seen,
//! not believed. Needs root, and a kernel that lets root make user namespaces.

mod console;
mod dhcp;
mod network;
mod process;
mod room;
mod senzu;
mod wire;

use nix::sys::signal::Signal;
use room::{End, PATIENCE, Room, wait_until};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The codes by which a session asks PID 1 for an end of the boot (`pious_agent::boot::Ending`).
const POWER_OFF_CODE: u8 = 80;
const REBOOT_CODE: u8 = 81;

/// Delays before the second to fifth session, and the countdown after the fifth death.
const DELAYS_S: [u64; 4] = [1, 2, 4, 8];
const COUNTDOWN_S: u64 = 30;

/// How long a session that was asked to end may take.
const SESSION_GRACE: Duration = Duration::from_secs(10);

const LAST_WORDS: &str = "/run/pious/last-words";

#[test]
fn a_killed_session_is_restarted_and_its_last_words_are_handed_over() {
    let room = Room::boot();
    let first = room.session(None);
    let boot_id = first.environment()["PIOUS_BOOT_ID"].clone();
    assert_eq!(first.environment(), environment(&[("PIOUS_BOOT_ID", &boot_id)]), "nobody has died yet");
    dhcp::serve(room.in_network(dhcp::socket));
    let boot_events = senzu::boot_events(room.in_network(senzu::socket));
    room.change_cmdline(senzu::CMDLINE);

    first.say("thread 'main' panicked at the disco\n\x1b[31min red\n");
    first.signal(Signal::SIGKILL);

    for console in [&room.screen, &room.serial] {
        let seen = console.wait_for(0, "PIOUS: the session was killed by SIGKILL after ", PATIENCE);
        let seen = console.wait_for(seen, " s\r\nIts last words:\r\n", PATIENCE);
        let seen = console.wait_for(seen, "thread 'main' panicked at the disco\r\n [31min red\r\n", PATIENCE);
        console.wait_for(seen, "PIOUS starts the session again in 1 s.\r\n", PATIENCE);
    }
    let second = room.session(Some(first));
    let expected = environment(&[("PIOUS_BOOT_ID", &boot_id), ("PIOUS_LAST_WORDS", LAST_WORDS)]);
    assert_eq!(second.environment(), expected, "the same boot, and somebody has died");
    let kept = room.file(LAST_WORDS);
    assert!(kept.starts_with("PIOUS: the session was killed by SIGKILL after "), "{kept:?}");
    assert!(kept.ends_with("thread 'main' panicked at the disco\n [31min red\n"), "{kept:?}");
    let event = boot_events
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| panic!("no BOOT_EVENT, but on the console:\n{}", room.serial.text()));
    let told = (event["boot_id"].as_str(), event["last_words"].as_str());
    assert_eq!(told, (Some(boot_id.as_str()), Some(kept.as_str())), "what Senzu hears of the second session");
    assert!(!first.is_there(), "the dead session was reaped");
}

#[test]
fn orphans_are_adopted_and_reaped_while_the_session_lives_on() {
    let room = Room::boot();
    let session = room.session(None);
    for round in 1..=3 {
        let (orphan, input) = room.orphan();
        assert!(orphan.is_alive(), "round {round}");
        drop(input);
        wait_until(|| !orphan.is_there(), || "an orphan that ended is a zombie".to_owned());
    }
    assert_eq!(room.session(None), session, "the same session");
}

#[test]
fn an_orphan_that_ends_while_no_session_lives_is_reaped_too() {
    let room = Room::boot();
    let mut session = room.session(None);
    let (orphan, input) = room.orphan();
    // The second death: 2 s without a session, time enough to end in.
    for delay in [1, 2] {
        session.signal(Signal::SIGKILL);
        room.serial.wait_for(0, &format!("starts the session again in {delay} s."), PATIENCE);
        if delay == 1 {
            session = room.session(Some(session));
        }
    }
    drop(input);
    wait_until(|| !orphan.is_there(), || "an orphan that ended is a zombie".to_owned());
}

#[test]
fn after_repeated_deaths_the_error_stays_above_a_countdown_and_the_machine_starts_anew() {
    let room = Room::boot();
    let mut former = None;
    let mut seen = [0, 0];
    for death in 0..=DELAYS_S.len() {
        let session = room.session(former);
        session.say(&format!("these are the words of death {death}\n"));
        session.signal(Signal::SIGKILL);
        former = Some(session);
        for (console, seen) in [&room.screen, &room.serial].into_iter().zip(&mut seen) {
            *seen = console.wait_for(*seen, "PIOUS: the session was killed by SIGKILL", PATIENCE);
            *seen = console.wait_for(*seen, &format!("these are the words of death {death}\r\n"), PATIENCE);
            let then = match DELAYS_S.get(death) {
                Some(delay) => format!("PIOUS starts the session again in {delay} s.\r\n"),
                None => "PIOUS: the session dies again and again. The machine starts anew.\r\n".to_owned(),
            };
            *seen = console.wait_for(*seen, &then, PATIENCE);
        }
    }
    let countdown = Duration::from_secs(COUNTDOWN_S);
    assert_eq!(room.end(countdown + PATIENCE), End::Restart);

    let ticks = (1..=COUNTDOWN_S).rev().map(|left| format!("\r\x1b[KReboot in {left} s (Ctrl-Alt-Del: now)"));
    let expected = ticks.collect::<String>() + "\r\n";
    for (console, seen) in [&room.screen, &room.serial].into_iter().zip(seen) {
        console.wait_for(seen, "Reboot in 1 s (Ctrl-Alt-Del: now)\r\n", PATIENCE);
        // The ticks rewrite their own line and nothing else, so the error above them stays.
        assert_eq!(console.text()[seen..], expected);
    }
}

#[test]
fn ctrl_alt_del_shortens_the_wait_between_two_sessions() {
    let room = Room::boot();
    room.session(None).signal(Signal::SIGKILL);
    room.serial.wait_for(0, "PIOUS starts the session again in 1 s.\r\n", PATIENCE);
    room.init().signal(Signal::SIGINT);
    assert_eq!(room.end(PATIENCE), End::Restart);
}

#[test]
fn a_session_that_asks_for_power_off_or_reboot_gets_it() {
    for (code, end) in [(POWER_OFF_CODE, End::PowerOff), (REBOOT_CODE, End::Restart)] {
        let room = Room::boot();
        let bystander = room.orphan();
        room.session(None).exit(code);
        assert_eq!(room.end(PATIENCE), end, "exit code {code}");
        let shown = room.serial.text();
        assert!(!shown.contains("PIOUS: the session"), "exit code {code} is no death:\n{shown}");
        drop(bystander);
    }
}

#[test]
fn any_other_exit_code_is_a_death() {
    let room = Room::boot();
    let mut former = None;
    for code in [0, 101] {
        let session = room.session(former);
        session.exit(code);
        former = Some(session);
        room.serial.wait_for(0, &format!("PIOUS: the session ended by itself with exit code {code} after "), PATIENCE);
    }
    room.session(former);
}

#[test]
fn signals_to_pid_1_end_the_boot_in_order_or_do_nothing() {
    for signal in [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE, Signal::SIGUSR1, Signal::SIGALRM, Signal::SIGCHLD]
    {
        let room = Room::boot();
        let session = room.session(None);
        room.init().signal(signal);
        // What shows that it lived through the signal is that it still does its duty.
        session.signal(Signal::SIGKILL);
        room.session(Some(session));
    }
    for (signal, end) in
        [(Signal::SIGTERM, End::Restart), (Signal::SIGINT, End::Restart), (Signal::SIGPWR, End::PowerOff)]
    {
        let room = Room::boot();
        assert_eq!(room.session(None).blocked_signals(), "0000000000000000", "a session hears that it shall end");
        let asked = Instant::now();
        room.init().signal(signal);
        assert_eq!(room.end(SESSION_GRACE + PATIENCE), end, "{signal:?}");
        assert!(asked.elapsed() < SESSION_GRACE, "{signal:?}: a session that listens ends before its grace does");
    }
}

#[test]
fn a_session_that_does_not_listen_holds_up_the_end_for_its_grace_only() {
    let room = Room::boot();
    let session = room.session(None);
    session.signal(Signal::SIGSTOP);
    room.init().signal(Signal::SIGPWR);
    assert_eq!(room.end(SESSION_GRACE + PATIENCE), End::PowerOff);
}

#[test]
fn a_session_that_hangs_and_does_not_even_die_holds_up_the_end_no_longer() {
    let room = Room::boot();
    let session = room.session(None);
    session.hang();
    room.init().signal(Signal::SIGPWR);
    wait_until(
        || room.init().is_ending(),
        || format!("PID 1 still waits for a session that hangs; on its console:\n{}", room.serial.text()),
    );
    // The kernel, other than PID 1, waits for everybody in the room.
    session.release();
    assert_eq!(room.end(PATIENCE), End::PowerOff);
}

#[test]
fn the_mount_table_stands_when_the_session_starts() {
    let room = Room::boot();
    room.session(None);
    let mounts = room.file("/proc/1/mounts");
    let mounted: BTreeMap<&str, &str> = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .collect();
    for (target, kind) in
        [("/proc", "proc"), ("/sys", "sysfs"), ("/run", "tmpfs"), ("/tmp", "tmpfs"), ("/dev/pts", "devpts")]
    {
        assert_eq!(mounted.get(target), Some(&kind), "{target} in\n{mounts}");
    }
    // The one thing that a room has not, and that PID 1 goes on without.
    room.serial.wait_for(0, "PIOUS: cannot mount devtmpfs on /dev: ", PATIENCE);
}

/// A session's whole environment: what the kernel gives PID 1, and what PID 1 adds.
fn environment(added: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = [("HOME", "/"), ("TERM", "linux")].iter().chain(added);
    pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
