//! The mount table, as data: what is mounted, in which order, and what must be there for it to make sense.
//!
//! Mounting never fails the boot: what could not be mounted is a sentence for the console.

use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
};
use std::{fs, path::Path};

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) source: &'static str,
    pub(super) target: &'static str,
    pub(super) kind: &'static str,
    flags: MsFlags,
    options: Option<&'static str>,
    /// Mounted only where this path exists.
    needs: Option<&'static str>,
}

const QUIET: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC).union(MsFlags::MS_NODEV);

/// devtmpfs comes first: the standard library and the random number generator both look for device nodes.
pub(super) const TABLE: [Mount; 7] = [
    Mount {
        source: "devtmpfs",
        target: "/dev",
        kind: "devtmpfs",
        flags: MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC),
        options: Some("mode=0755"),
        needs: None,
    },
    Mount { source: "proc", target: "/proc", kind: "proc", flags: QUIET, options: None, needs: None },
    Mount { source: "sysfs", target: "/sys", kind: "sysfs", flags: QUIET, options: None, needs: None },
    Mount { source: "tmpfs", target: "/run", kind: "tmpfs", flags: QUIET, options: Some("mode=0755"), needs: None },
    Mount { source: "tmpfs", target: "/tmp", kind: "tmpfs", flags: QUIET, options: Some("mode=1777"), needs: None },
    Mount {
        source: "devpts",
        target: "/dev/pts",
        kind: "devpts",
        flags: MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC),
        options: Some("mode=0620,ptmxmode=0666"),
        needs: None,
    },
    Mount {
        source: "efivarfs",
        target: "/sys/firmware/efi/efivars",
        kind: "efivarfs",
        flags: QUIET,
        options: None,
        needs: Some("/sys/firmware/efi/efivars"),
    },
];

/// Mounts the whole table; answers with a sentence for each line that failed.
pub(super) fn mount_all() -> Vec<String> {
    TABLE.iter().filter_map(|line| mount_line(line).err()).collect()
}

/// Mounts the lines whose file system is a module (efivarfs), once modules can be loaded.
pub(super) fn mount_late() {
    for line in TABLE.iter().filter(|line| line.needs.is_some()) {
        if let Err(words) = mount_line(line) {
            tracing::debug!("{words}");
        }
    }
}

fn mount_line(line: &Mount) -> Result<(), String> {
    if line.needs.is_some_and(|path| !Path::new(path).exists()) {
        return Ok(());
    }
    if line.needs.is_none()
        && let Err(error) = fs::create_dir_all(line.target)
    {
        return Err(format!("cannot make the directory {}: {error}", line.target));
    }
    match mount(Some(line.source), line.target, Some(line.kind), line.flags, line.options) {
        // EBUSY: mounted already, by the kernel or by an earlier life.
        Ok(()) | Err(Errno::EBUSY) => Ok(()),
        // ENODEV: the file system is a module that is not loaded yet; mount_late comes back to it.
        Err(Errno::ENODEV) if line.needs.is_some() => Ok(()),
        Err(errno) => Err(format!("cannot mount {} on {}: {}", line.kind, line.target, errno.desc())),
    }
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn devices_come_first_and_parents_before_children() {
        assert_eq!(
            TABLE.each_ref().map(|line| line.target),
            ["/dev", "/proc", "/sys", "/run", "/tmp", "/dev/pts", "/sys/firmware/efi/efivars"]
        );
    }
}
