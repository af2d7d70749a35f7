//! A room with the agent as its PID 1, seen from outside: its consoles, its processes, its end.

use crate::{console::Console, process::Process};
use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// The program that makes rooms.
const ROOM_MAKER: &str = env!("CARGO_BIN_EXE_pid1-room");

/// How long anything may take that takes milliseconds on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often processes are looked for: the kernel announces them to nobody who does not own them.
const LOOK: Duration = Duration::from_millis(20);

/// Root in the room is nobody out here, and nobody else is anybody in there.
const IDS: &str = "0 65534 1";

/// How a boot ended, as the kernel tells it of a PID namespace (reboot(2), "Behavior inside PID namespaces").
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    PowerOff,
    Restart,
    /// PID 1 ended in a way that is a kernel panic on a machine.
    Panic(String),
}

pub struct Room {
    pub screen: Console,
    pub serial: Console,
    maker: Child,
    /// Closed with the room.
    _maker_input: ChildStdin,
    said: Receiver<String>,
    init: Process,
    root: tempfile::TempDir,
}

impl Room {
    /// Boots the agent.
    pub fn boot() -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "these tests make namespaces: run them as root (scripts/test does it by sudo)"
        );
        let [screen, serial] = ["tty0", "ttyS0"].map(Console::open);
        let root = tempfile::tempdir().expect("a folder for the room");
        let mut maker = Command::new(ROOM_MAKER)
            .arg("make")
            .args([root.path(), &agent(), screen.path(), serial.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the room's maker starts");
        let said = lines(maker.stdout.take().expect("its output"));
        let hear = || said.recv_timeout(PATIENCE).expect("the room's maker says why on standard error");
        assert_eq!(hear(), "unmapped");
        let about = PathBuf::from(format!("/proc/{}", maker.id()));
        for map in ["uid_map", "gid_map"] {
            fs::write(about.join(map), IDS).unwrap_or_else(|error| panic!("{map} of the room: {error}"));
        }
        let mut maker_input = maker.stdin.take().expect("its input");
        maker_input.write_all(b"mapped\n").expect("the room's maker goes on");
        let init = hear().strip_prefix("init ").and_then(|pid| pid.parse().ok()).expect("the pid of PID 1");
        Self { screen, serial, maker, _maker_input: maker_input, said, init: Process(init), root }
    }

    /// PID 1.
    pub fn init(&self) -> Process {
        self.init
    }

    /// The session that lives now, or soon will; never `former`.
    pub fn session(&self, former: Option<Process>) -> Process {
        self.child("a session", |child| child.arguments() == ["/init", "session"] && Some(child) != former)
    }

    /// A child of PID 1's, when there is one such.
    pub fn child(&self, what: &str, is_it: impl Fn(Process) -> bool) -> Process {
        let mut found = None;
        wait_until(
            || {
                found = self.init.children().into_iter().find(|child| is_it(*child));
                found.is_some()
            },
            || {
                let boot = if self.init.is_alive() { "lives" } else { "has ended" };
                format!("PID 1 {boot} and has not {what}; on its console:\n{}", self.serial.text())
            },
        );
        found.expect("found by now")
    }

    /// A process in the room whose parent has ended already; it ends when the input that comes with it is closed.
    pub fn orphan(&self) -> (Process, ChildStdin) {
        let mut maker = Command::new(ROOM_MAKER)
            .args(["orphan", &self.init.0.to_string()])
            .stdin(Stdio::piped())
            .spawn()
            .expect("the room's maker starts");
        let input = maker.stdin.take().expect("its input");
        assert!(maker.wait().expect("the room's maker ends").success());
        let orphan =
            self.child("adopted the orphan", |child| child.arguments().last().is_some_and(|last| last == "linger"));
        (orphan, input)
    }

    /// What a file of the room holds.
    pub fn file(&self, path: &str) -> String {
        let path = format!("/proc/{}/root{path}", self.init.0);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Changes the kernel command line, for whoever reads it from now on.
    pub fn change_cmdline(&self, words: &str) {
        let file = format!("/proc/{}/root/etc/room-cmdline", self.init.0);
        fs::write(&file, format!("{words}\n")).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut maker = Command::new(ROOM_MAKER);
        maker.args(["cmdline", &self.init.0.to_string()]).arg(self.root.path());
        assert!(maker.status().expect("the room's maker starts").success());
    }

    /// What is made within the room's network, and stays there: sockets.
    pub fn in_network<T: Send + 'static>(&self, make: impl FnOnce() -> T + Send + 'static) -> T {
        let network = File::open(format!("/proc/{}/ns/net", self.init.0)).expect("the room's network");
        // A thread of its own goes there, and ends.
        let there = thread::spawn(move || {
            nix::sched::setns(network, nix::sched::CloneFlags::CLONE_NEWNET).expect("enter the room's network");
            make()
        });
        there.join().expect("the thread in the room's network")
    }

    /// Waits for the end of the boot.
    pub fn end(&self, patience: Duration) -> End {
        let words = self.said.recv_timeout(patience).unwrap_or_else(|_| {
            panic!("the boot did not end within {patience:?}; on the console:\n{:?}", self.serial.text())
        });
        match words.as_str() {
            "ended by SIGHUP" => End::Restart,
            "ended by SIGINT" => End::PowerOff,
            _ => End::Panic(words),
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Its death is PID 1's, and PID 1's is everybody's in the room.
        let _ended_already = self.maker.kill();
        let _reaped = self.maker.wait();
    }
}

/// Looks again and again, in bounds.
pub fn wait_until(mut holds: impl FnMut() -> bool, otherwise: impl FnOnce() -> String) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() >= deadline {
            panic!("after {PATIENCE:?}: {}", otherwise());
        }
        thread::sleep(LOOK);
    }
}

fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if said.send(line).is_err() {
                return;
            }
        }
    });
    heard
}

/// The agent: `$PIOUS_AGENT` (scripts/test names the image's own), or the one that was built beside this test.
fn agent() -> PathBuf {
    let beside = Path::new(ROOM_MAKER).with_file_name("pious-agent");
    let agent = env::var_os("PIOUS_AGENT").map_or(beside, PathBuf::from);
    assert!(
        agent.is_file(),
        "no agent at {}: run `cargo build -p pious-agent`, or say where it is by PIOUS_AGENT",
        agent.display()
    );
    agent
}
