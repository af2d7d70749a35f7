//! Keys and drawings on real terminals: the other ends are the tests'.

use super::{full, healthy};
use crate::console::{Identify, Output, View, output};
use nix::{
    poll::{PollFd, PollFlags, poll},
    pty::{OpenptyResult, openpty},
    sys::termios::LocalFlags,
};
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::AsFd,
    sync::Arc,
};

/// A drawing takes a moment; on a machine that does much else, some seconds.
const PATIENCE_MS: u16 = 20_000;

/// A terminal: our end, and theirs.
fn terminal() -> (File, File) {
    let OpenptyResult { master, slave } = openpty(None, None).expect("a pseudoterminal");
    (master.into(), slave.into())
}

fn path_of(terminal: &File) -> std::path::PathBuf {
    nix::unistd::ttyname(terminal).expect("its name")
}

fn no_bmc() -> Arc<Identify> {
    Arc::new(Identify::by(|_| Err("no BMC".into())))
}

/// Reads until some words have come.
fn read_until(end: &mut File, words: &str) -> String {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let mut waited = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        let is_told = poll(&mut waited, PATIENCE_MS).expect("poll") > 0;
        assert!(is_told, "{words:?} does not come: {}", String::from_utf8_lossy(&text));
        let count = end.read(&mut chunk).expect("the terminal is there");
        text.extend_from_slice(&chunk[..count]);
        let said = String::from_utf8_lossy(&text);
        if said.contains(words) {
            return said.into_owned();
        }
    }
}

#[test]
fn a_serial_line_is_told_pages_by_key() {
    let (mut hand, device) = terminal();
    let output = Output::lines(&path_of(&device), no_bmc()).expect("it opens");
    output.show(Arc::new(full()));
    read_until(&mut hand, "next:    ");
    // An echo of our own words is no hand, whatever keys are among them.
    hand.write_all(b"  next:    plug the cable from r1-sw1 port Ethernet5 in\r\n").unwrap();
    output.show(Arc::new(View { next: "be told that the echo was heard".into(), ..full() }));
    let said = read_until(&mut hand, "next:    be told that the echo was heard");
    assert!(!said.contains("-- "), "no page: {said}");
    hand.write_all(b"d").unwrap();
    let said = read_until(&mut hand, "-- end of Disks; S: Summary --");
    assert!(said.contains(" nvme3n1 3.8 TB NVMe SSD NVMe bay 3 KIOXIA"), "{said}");
    hand.write_all(b"i").unwrap();
    read_until(&mut hand, "can't be switched: no BMC");
    hand.write_all(b"s").unwrap();
    read_until(&mut hand, "== PIOUS 0.1.0  r1-u10  NEW ==");
}

#[test]
fn a_screen_takes_keys_until_it_is_quit() {
    let (mut hand, device) = terminal();
    let keys = device.try_clone().expect("the same terminal");
    let shown = std::thread::spawn(move || output::show_until_quit(device, full()));
    read_until(&mut hand, "cabling.link");
    let settings = nix::sys::termios::tcgetattr(&keys).expect("its settings");
    assert!(!settings.local_flags.intersects(LocalFlags::ICANON | LocalFlags::ECHO), "keys come one by one, unseen");
    hand.write_all(b"?").unwrap();
    // The answer covers the keys' row, every cell of which it changes.
    hand.write_all(b"i").unwrap();
    read_until(&mut hand, "recording");
    hand.write_all(b"q").unwrap();
    shown.join().expect("no panic").expect("it ends well");
}

#[test]
fn the_last_view_is_waited_for() {
    let (mut hand, device) = terminal();
    let output = Output::lines(&path_of(&device), no_bmc()).expect("it opens");
    output.show(Arc::new(View { ending: Some("powering off".into()), ..healthy() }));
    output.finish();
    read_until(&mut hand, "next:    nothing");
}
