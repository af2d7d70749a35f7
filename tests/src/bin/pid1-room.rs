//! The room that PID 1 is tested in: namespaces and a root of its own, in which a program becomes `/init` with two
//! terminals for consoles. Nothing that happens in it reaches the host: root in there is nobody out here.
//!
//! It is a program because a process with threads, as a test is, can't make such a room. Its stages call each other:
//!
//! | call | does | says on its standard output |
//! | --- | --- | --- |
//! | `make ROOT AGENT SCREEN SERIAL` | makes the room, waits for the end | `unmapped` (then waits for a line: whoever called maps the ids), `init PID`, `ended with N` or `ended by SIGNAL` |
//! | `become` | is PID 1 of the room already: the last mounts, then the agent | |
//! | `cmdline INIT ROOT` | makes the room's `etc/room-cmdline` its kernel command line, for whoever reads it from now on | |
//! | `orphan INIT` | starts a process in the room of INIT that loses its parent | |
//! | `abandon`, `linger` | that parent; that process, which ends when its standard input does | |
//!
//! Must not know: what the agent does.

use anyhow::{Context, anyhow, bail};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
    sys::{prctl::set_pdeathsig, signal::Signal},
    unistd::{Gid, Uid, chdir, chown, chroot, setgroups, setresgid, setresuid},
};
use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

/// This very program.
const OURSELVES: &str = "/proc/self/exe";

/// Who root in the room is outside of it: nobody.
const NOBODY: u32 = 65534;

/// What the kernel calls its consoles in the room.
const CONSOLES: &str = "tty0 ttyS0\n";

/// What the list of consoles is kept in until sysfs is there, and what a new command line is written to.
const CONSOLES_FILE: &str = "etc/room-consoles";
const CMDLINE_FILE: &str = "etc/room-cmdline";

/// What stands for /sys/class/net: one interface, which has a device behind it as hardware has.
const INTERFACES_FOLDER: &str = "etc/room-interfaces";

/// That interface, and where its cable leads: to a network of the test's. (192.0.2.0/24: RFC 5737.)
const NETWORK: [&str; 3] =
    ["link add eth0 type veth peer name elsewhere", "address add 192.0.2.1/24 dev elsewhere", "link set elsewhere up"];

/// What the image's builder would have written. A lab: the tests' Senzu speaks plain HTTP.
const BUILD_JSON: &str = r#"{"version": "test", "source_date_epoch": 0, "lab": true}"#;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", root, agent, screen, serial] => {
            furnish(Path::new(root), agent, screen, serial)?;
            make()
        }
        ["become"] => r#become(),
        ["cmdline", init, root] => {
            enter(init, "mnt", CloneFlags::CLONE_NEWNS)?;
            chdir(Path::new(root)).context("enter the room's root")?;
            bind(CMDLINE_FILE, "proc/cmdline")
        }
        ["orphan", init] => orphan(init),
        ["abandon"] => Command::new(OURSELVES).arg("linger").spawn().map(drop).context("start the orphan"),
        ["linger"] => io::stdin().read_to_end(&mut Vec::new()).map(drop).context("wait for the end of input"),
        _ => bail!("unknown arguments {arguments:?}: this program is called by the tests of PID 1"),
    }
}

/// The root, as far as it can be made outside of the namespaces that are yet to come.
fn furnish(root: &Path, agent: &str, screen: &str, serial: &str) -> anyhow::Result<()> {
    setgroups(&[]).context("leave root's groups")?;
    unshare(CloneFlags::CLONE_NEWNS).context("make a mount namespace (needs root)")?;
    pious_lab::lab::namespace::take_root()?;
    mount(Some("room"), root, Some("tmpfs"), MsFlags::empty(), Some("mode=0755")).context("mount the room's root")?;
    chdir(root).context("enter the room's root")?;
    for folder in ["dev", "dev/pts", "proc", "sys", "run", "tmp", "etc", "etc/pious"] {
        fs::create_dir(folder).with_context(|| format!("make the folder {folder}"))?;
    }
    fs::write("etc/pious/build.json", BUILD_JSON).context("write build.json")?;
    fs::write(CONSOLES_FILE, CONSOLES).context("write the list of consoles")?;
    fs::create_dir_all(format!("{INTERFACES_FOLDER}/eth0/device")).context("make the folder of interfaces")?;
    let devices =
        ["null", "zero", "full", "random", "urandom"].map(|name| (format!("/dev/{name}"), format!("dev/{name}")));
    let terminals = [(screen, "tty0"), (screen, "tty1"), (serial, "ttyS0"), (serial, "console")]
        .map(|(path, name)| (path.to_owned(), format!("dev/{name}")));
    for (source, target) in devices.into_iter().chain(terminals).chain([(agent.to_owned(), "init".to_owned())]) {
        File::create(&target).with_context(|| format!("make {target}"))?;
        bind(&source, &target)?;
    }
    let nobody = (Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY)));
    for folder in [".", "dev", "run", "tmp", "etc", "etc/pious"] {
        chown(folder, nobody.0, nobody.1).with_context(|| format!("give {folder} to the room's root"))?;
    }
    Ok(())
}

/// The namespaces; then PID 1; then its end, which is all there is to say.
fn make() -> anyhow::Result<()> {
    unshare(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC,
    )
    .context("make a user namespace and others in it (this kernel must allow root to)")?;
    say("unmapped")?;
    io::stdin().read_line(&mut String::new()).context("wait for the ids")?;
    be_root_of_the_room()?;
    // Not earlier: becoming somebody else undoes it (PR_SET_PDEATHSIG(2const)).
    set_pdeathsig(Signal::SIGKILL).context("end with the test")?;
    let mut init = Command::new(OURSELVES)
        .arg("become")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("start PID 1 of the room")?;
    say(&format!("init {}", init.id()))?;
    let status = init.wait().context("wait for PID 1 of the room")?;
    say(&ended(status)?)
}

fn r#become() -> anyhow::Result<()> {
    set_pdeathsig(Signal::SIGKILL).context("end with the room")?;
    // A first procfs and sysfs can't be mounted once the host's are out of sight; PID 1 finds both mounted, and goes on.
    for kind in ["proc", "sysfs"] {
        let target = if kind == "sysfs" { "sys" } else { kind };
        mount(Some(kind), target, Some(kind), MsFlags::empty(), None::<&str>)
            .with_context(|| format!("mount {kind} (a container that masks parts of it stands in the way)"))?;
    }
    bind(CONSOLES_FILE, "sys/class/tty/console/active")?;
    bind(INTERFACES_FOLDER, "sys/class/net")?;
    for command in NETWORK {
        let status = Command::new("ip").args(command.split(' ')).status().context("run ip (package iproute2)")?;
        if !status.success() {
            bail!("ip {command}: {status}");
        }
    }
    chroot(".").context("make the room's root the root")?;
    chdir("/").context("enter it")?;
    // What the kernel gives /init: the console, and two variables.
    let console = OpenOptions::new().read(true).write(true).open("/dev/console").context("open /dev/console")?;
    let copy = || console.try_clone().context("copy the console");
    let error = Command::new("/init")
        .env_clear()
        .envs([("HOME", "/"), ("TERM", "linux")])
        .stdin(copy()?)
        .stdout(copy()?)
        .stderr(copy()?)
        .exec();
    Err(error).context("become /init")
}

/// In the room of `init`: a process whose parent ends at once.
fn orphan(init: &str) -> anyhow::Result<()> {
    enter(init, "pid", CloneFlags::CLONE_NEWPID)?;
    be_root_of_the_room()?;
    let parent = Command::new(OURSELVES).arg("abandon").status().context("start the orphan's parent")?;
    if parent.success() { Ok(()) } else { Err(anyhow!("the orphan's parent failed: {parent}")) }
}

/// Enters the room of `init`: as one of its users, and one more of its namespaces.
fn enter(init: &str, kind: &str, flag: CloneFlags) -> anyhow::Result<()> {
    // Opened both before either is entered: inside, the host's files are out of reach.
    let [users, other] = ["user", kind].map(|kind| File::open(format!("/proc/{init}/ns/{kind}")));
    let (users, other) = (users.context("open the room's users")?, other.context("open the room's namespace")?);
    setns(users, CloneFlags::CLONE_NEWUSER).context("enter the room's users")?;
    setns(other, flag).context("enter the room's namespace")
}

fn be_root_of_the_room() -> anyhow::Result<()> {
    let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(group, group, group).context("become the room's root group")?;
    setresuid(user, user, user).context("become the room's root")
}

/// Shows a file or folder at another path too.
fn bind(source: &str, target: &str) -> anyhow::Result<()> {
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .with_context(|| format!("show {source} as {target}"))
}

fn ended(status: ExitStatus) -> anyhow::Result<String> {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ok(format!("ended with {code}")),
        (None, Some(signal)) => Ok(format!("ended by {}", Signal::try_from(signal)?.as_str())),
        (None, None) => Err(anyhow!("PID 1 neither exited nor was killed: {status:?}")),
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).context("tell the test")
}
