//! The one trait between facts and the machine, so that a recorded host can stand in for the live one.
//!
//! Knows files, directories, links, netlink, and what disks and the BMC answer; knows nothing of what they mean.

use super::{
    bmc::{self, Ipmi, IpmiError},
    disk::{self, DeviceError, NvmeRead, ScsiAnswer, ScsiRead},
    driver_info,
    generic_netlink::{self, GenericRequest},
    kernel, netlink,
};
use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, ResolveFlag, openat2},
    sys::stat::Mode,
};
use pious_protocol::{
    facts::{Link, NicCounters},
    ids::MacAddress,
};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read},
    net::IpAddr,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The biggest file that is a fact: /proc/cpuinfo of a 1024-thread machine is about 1.5 MiB, an SMBIOS table at most a
/// few hundred KiB. What is longer is cut here, and its parser says what it makes of that.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Where facts are read from. Paths are absolute, as on the live host.
pub trait Host {
    /// A file's bytes.
    ///
    /// # Errors
    /// As the file system says.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// As the file system says.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;

    /// What a symbolic link says, unresolved.
    ///
    /// # Errors
    /// As the file system says.
    fn link(&self, path: &str) -> io::Result<PathBuf>;

    /// What the kernel tells of its network interfaces.
    ///
    /// # Errors
    /// [`HostError`], when there is no kernel to ask or it does not answer; sysfs may still tell something.
    fn links(&self) -> Result<Vec<LinkReport>, HostError>;

    /// What a family of generic netlink answers: the payload from its generic header on, or nothing where the kernel
    /// only acknowledges.
    ///
    /// # Errors
    /// [`HostError`], when there is no kernel to ask or it refuses.
    fn generic_netlink(&self, request: &GenericRequest) -> Result<Vec<u8>, HostError>;

    /// What an interface's driver says of itself: `struct ethtool_drvinfo`.
    ///
    /// # Errors
    /// [`HostError`], when there is no kernel to ask or it refuses.
    fn driver_info(&self, interface: &str) -> Result<Vec<u8>, HostError>;

    /// `uname -r`.
    fn kernel_release(&self) -> Option<String>;

    /// The kernel's log, in syslog(2)'s form: `<4>[    2.000000] text`.
    ///
    /// # Errors
    /// As the file system says.
    fn kernel_log(&self) -> io::Result<Vec<u8>>;

    /// What an NVMe disk answers; `device` is its name in `/dev`.
    ///
    /// # Errors
    /// [`DeviceError`], when there is no disk to ask or it does not answer.
    fn nvme(&self, device: &str, command: NvmeRead) -> Result<Vec<u8>, DeviceError>;

    /// What a SCSI disk answers; `device` is its name in `/dev`.
    ///
    /// # Errors
    /// [`DeviceError`], when there is no disk to ask or it does not answer.
    fn scsi(&self, device: &str, command: ScsiRead) -> Result<ScsiAnswer, DeviceError>;

    /// Opens the system interface to the BMC.
    ///
    /// # Errors
    /// [`IpmiError`], when there is none, or it can't be opened.
    fn ipmi(&self) -> Result<Box<dyn Ipmi>, IpmiError>;
}

/// One network interface, as netlink tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkReport {
    /// The kernel's name.
    pub name: String,
    /// The address in use.
    pub mac: Option<MacAddress>,
    /// The address burnt in, where the driver tells it.
    pub permanent_mac: Option<MacAddress>,
    /// Whether the link works.
    pub link: Link,
    /// How often the carrier came or went.
    pub carrier_changes: Option<u64>,
    /// Packets, bytes and errors.
    pub counters: Option<NicCounters>,
    /// The interface's addresses.
    pub addresses: Vec<IpAddr>,
}

/// Why a host's kernel could not be asked.
#[derive(Debug, Error)]
pub enum HostError {
    /// A recorded host has no kernel to ask.
    #[error("the host is a recording in {}: there is no kernel to ask", .0.display())]
    Recorded(PathBuf),
    /// The kernel did not answer.
    #[error("{request} by netlink failed: {why}")]
    Netlink {
        /// What was asked.
        request: &'static str,
        /// What came instead of an answer.
        why: String,
    },
    /// The kernel, or a driver, said no.
    #[error("{what}: {} ({errno:?})", errno.desc())]
    Refused {
        /// What was asked.
        what: &'static str,
        /// What it said.
        errno: Errno,
    },
}

/// The machine we run on.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiveHost;

impl Host for LiveHost {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let file = File::open(path)?;
        if path.starts_with("/sys/") { attribute(file) } else { bounded(file) }
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        names(Path::new(directory))
    }

    fn link(&self, path: &str) -> io::Result<PathBuf> {
        fs::read_link(path)
    }

    fn links(&self) -> Result<Vec<LinkReport>, HostError> {
        netlink::links()
    }

    fn generic_netlink(&self, request: &GenericRequest) -> Result<Vec<u8>, HostError> {
        generic_netlink::ask(request)
    }

    fn driver_info(&self, interface: &str) -> Result<Vec<u8>, HostError> {
        driver_info::ask(interface).map(Vec::from)
    }

    fn kernel_release(&self) -> Option<String> {
        sysinfo::System::kernel_version().ok().or_else(|| kernel::release_in_proc(self))
    }

    fn kernel_log(&self) -> io::Result<Vec<u8>> {
        kernel::log::read_live()
    }

    fn nvme(&self, device: &str, command: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        disk::send_nvme(device, command)
    }

    fn scsi(&self, device: &str, command: ScsiRead) -> Result<ScsiAnswer, DeviceError> {
        disk::send_scsi(device, command)
    }

    fn ipmi(&self) -> Result<Box<dyn Ipmi>, IpmiError> {
        bmc::open()
    }
}

/// A recorded host: a folder that holds what `/sys`, `/proc` and `/lib/modules` held.
///
/// What a disk answered is a file of its command's name in a folder of the disk's name, `dev/sda/ata-identify`, and the
/// sense data that came with it one that ends in `.sense`. The kernel's log is `kernel-log`, as `dmesg --raw` prints it.
///
/// Every path is resolved as if the folder were the root, symbolic links included, so that a recording can never answer
/// with a file of the live host.
#[derive(Clone, Debug)]
pub struct RootHost {
    root: PathBuf,
}

impl RootHost {
    /// A host recorded in `root`.
    ///
    /// # Errors
    /// When `root` is no directory that can be read.
    pub fn new(root: &Path) -> io::Result<Self> {
        fs::read_dir(root)?;
        Ok(Self { root: root.to_owned() })
    }

    fn open(&self, path: &str, flags: OFlag) -> io::Result<OwnedFd> {
        let root = File::open(&self.root)?;
        let how = OpenHow::new()
            .flags(flags | OFlag::O_CLOEXEC)
            .mode(Mode::empty())
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        Ok(openat2(root.as_fd(), path.trim_start_matches('/'), how)?)
    }

    fn answer(&self, device: &str, command: &str) -> Result<Vec<u8>, DeviceError> {
        let recorded = self.read(&format!("/dev/{device}/{command}"));
        recorded.map_err(|_| DeviceError::Recorded { device: device.to_owned(), command: command.to_owned() })
    }
}

impl Host for RootHost {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        // O_NONBLOCK: a FIFO in a recording must not hold us up.
        bounded(File::from(self.open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let opened = self.open(directory, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        names(&PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd())))
    }

    fn link(&self, path: &str) -> io::Result<PathBuf> {
        let opened = self.open(path, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
        Ok(nix::fcntl::readlinkat(opened.as_fd(), "").map(OsString::into)?)
    }

    fn links(&self) -> Result<Vec<LinkReport>, HostError> {
        Err(HostError::Recorded(self.root.clone()))
    }

    fn generic_netlink(&self, _: &GenericRequest) -> Result<Vec<u8>, HostError> {
        Err(HostError::Recorded(self.root.clone()))
    }

    fn driver_info(&self, _: &str) -> Result<Vec<u8>, HostError> {
        Err(HostError::Recorded(self.root.clone()))
    }

    fn kernel_release(&self) -> Option<String> {
        kernel::release_in_proc(self)
    }

    fn kernel_log(&self) -> io::Result<Vec<u8>> {
        self.read("/kernel-log")
    }

    fn nvme(&self, device: &str, command: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        self.answer(device, &command.to_string())
    }

    fn scsi(&self, device: &str, command: ScsiRead) -> Result<ScsiAnswer, DeviceError> {
        let command = command.to_string();
        let data = self.answer(device, &command)?;
        Ok(ScsiAnswer { data, sense: self.answer(device, &format!("{command}.sense")).unwrap_or_default() })
    }

    fn ipmi(&self) -> Result<Box<dyn Ipmi>, IpmiError> {
        Err(IpmiError::Recorded(self.root.clone()))
    }
}

/// The most that one read of sysfs gives: PAGE_SIZE (fs/kernfs/file.c).
const ATTRIBUTE_BYTES: usize = 4096;

/// A file of sysfs: a read that gives less than a page has reached its end. There are hundreds, and each read that only
/// learns of the end is a system call.
fn attribute(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; ATTRIBUTE_BYTES];
    let length = file.read(&mut bytes)?;
    bytes.truncate(length);
    if length == ATTRIBUTE_BYTES {
        bytes.append(&mut bounded(file)?);
    }
    Ok(bytes)
}

fn bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        // sysfs has no name that is not UTF-8.
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_recording_never_answers_with_a_file_of_the_live_host() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
        fs::create_dir_all(root.join("sys/class")).expect("folders");
        fs::write(&outside, "live").expect("a file outside");
        symlink(&outside, root.join("sys/absolute")).expect("a link");
        symlink("../../../outside", root.join("sys/class/climbing")).expect("a link");
        fs::write(root.join("sys/file"), "recorded").expect("a file inside");
        symlink("/sys/file", root.join("sys/inside")).expect("a link");
        let host = RootHost::new(&root).expect("a folder");

        assert!(host.read("/sys/absolute").is_err());
        assert!(host.read("/sys/class/climbing").is_err());
        assert_eq!(host.read("/sys/inside").expect("inside the root"), b"recorded");
        assert_eq!(host.link("/sys/inside").expect("a link"), Path::new("/sys/file"));
        assert_eq!(host.list("/sys").expect("a folder"), ["absolute", "class", "file", "inside"]);
        assert_eq!(host.list("/absent").expect_err("absent").kind(), io::ErrorKind::NotFound);
    }
}
