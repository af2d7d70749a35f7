//! A guest in which other programs run beside the agent: the shipped image with a second archive behind it, and questions
//! to it. The tools are those installed on this host, with their libraries; nothing of them is in the image that is
//! shipped.

use crate::run::Run;
use anyhow::{Context, Result, ensure};
use pious_initrd::{
    archive::Archive,
    image::{Effort, compress},
};
use pious_lab::Lab;
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::Path,
    process::Command,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

/// The runner's path in the guest.
pub const INIT: &str = "/beside-agent";

/// What makes the kernel start it.
pub const CMDLINE: &str = "rdinit=/beside-agent";

/// Where it listens.
pub const PORT: u16 = 7000;

/// The tools, by the groups `all` and `peers` of scripts/packages.
const PROGRAMS: [&str; 10] = [
    "/usr/sbin/dmidecode",
    "/usr/sbin/lldpd",
    "/usr/sbin/lldpcli",
    "/usr/bin/ip",
    "/usr/sbin/ethtool",
    "/usr/bin/lspci",
    "/usr/bin/ipmitool",
    "/usr/sbin/nvme",
    "/usr/sbin/smartctl",
    "/usr/bin/lshw",
];

/// What they read.
const DATA: [&str; 1] = ["/usr/share/misc/pci.ids"];

/// What they load as they run, which `ldd` can't tell.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// The user that lldpd becomes.
const PASSWD: &str = "root:x:0:0::/:/\n_lldpd:x:100:100::/run/lldpd:/\n";
const GROUP: &str = "root:x:0:\n_lldpd:x:100:\n";

/// Makes an image of the one in `shipped`: the same bytes, and the tools and their runner behind them.
pub fn image(shipped: &Path, runner: &Path, out: &Path) -> Result<()> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("reading {}", path.display()));
    let mut archive = Archive::default();
    archive.file(INIT.trim_start_matches('/'), 0o755, read(runner)?)?;
    let mut paths: BTreeSet<String> = PROGRAMS.into_iter().chain(DATA).chain([LOADER]).map(str::to_owned).collect();
    for program in PROGRAMS {
        paths.extend(libraries(program)?);
    }
    for path in paths {
        archive.file(path.trim_start_matches('/'), 0o755, read(Path::new(&path))?)?;
    }
    archive.file("etc/passwd", 0o644, PASSWD.into())?;
    archive.file("etc/group", 0o644, GROUP.into())?;
    let mut initrd = read(&shipped.join("initrd.img"))?;
    initrd.extend(compress(&archive.to_bytes(0), Effort::Quick)?);
    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    for (name, bytes) in [("vmlinuz", read(&shipped.join("vmlinuz"))?), ("initrd.img", initrd)] {
        std::fs::write(out.join(name), bytes).with_context(|| format!("writing {name}"))?;
    }
    Ok(())
}

/// The libraries that a program is linked with: `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`.
fn libraries(program: &str) -> Result<Vec<String>> {
    let listed = Command::new("ldd").arg(program).output().context("running ldd")?;
    ensure!(listed.status.success(), "{program} is not installed; scripts/setup peers installs it");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let path = |line: &str| line.split_once("=> ")?.1.split_whitespace().next().map(str::to_owned);
    Ok(text.lines().filter_map(path).filter(|path| path.starts_with('/')).collect())
}

/// Runs commands in the guest at an address, one after another.
pub async fn runs(lab: &Lab, address: IpAddr, commands: &[Vec<String>]) -> Result<Vec<Run>> {
    let socket = lab.forward(SocketAddr::new(address, PORT), None).await?;
    let mut stream = UnixStream::connect(&socket).await.context("connecting to the guest's runner")?;
    stream.write_all((serde_json::to_string(commands)? + "\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    serde_json::from_slice(&answer).context("the runner's answer")
}
