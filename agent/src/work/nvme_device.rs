//! The disks whose firmware is written, behind one small trait, so that a recorded host can stand in. Knows how a command
//! is sent; `nvme` knows what it is.
//!
//! Its unsafe code is one ioctl whose argument holds an address.

use super::nvme::{NvmeWrite, Status};
use crate::facts::{DeviceError, Host, LiveHost, NvmeRead, RootHost};
use nix::{
    fcntl::{OFlag, open},
    sys::stat::Mode,
};
use nvme_cli_sys::{nvme_admin_cmd, nvme_ioctl_admin_cmd};
use std::{os::fd::AsRawFd, time::Duration};

/// Disks that can be asked, and given another firmware.
pub trait NvmeDisks: Send + Sync {
    /// What a disk answers; `device` is its name in `/dev`.
    ///
    /// # Errors
    /// [`DeviceError`], when there is no disk to ask or it does not answer.
    fn ask(&self, device: &str, question: NvmeRead) -> Result<Vec<u8>, DeviceError>;

    /// Sends a command that changes the disk's firmware; what its controller answers.
    ///
    /// # Errors
    /// [`DeviceError`], when it did not reach the disk, or no answer came.
    fn write(&self, device: &str, command: &NvmeWrite, within: Duration) -> Result<Status, DeviceError>;
}

impl NvmeDisks for LiveHost {
    fn ask(&self, device: &str, question: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        self.nvme(device, question)
    }

    fn write(&self, device: &str, command: &NvmeWrite, within: Duration) -> Result<Status, DeviceError> {
        // To read, as for every other question: what a command does is no matter of how its disk was opened.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let fd = open(format!("/dev/{device}").as_str(), flags, Mode::empty())
            .map_err(|errno| DeviceError::Open { device: device.to_owned(), errno })?;
        let (cdw10, cdw11) = command.dwords();
        let data = command.data();
        let mut request = nvme_admin_cmd {
            opcode: command.opcode(),
            addr: if data.is_empty() { 0 } else { data.as_ptr().expose_provenance() as u64 },
            // A piece is no longer than FWUG can say: a mebibyte.
            data_len: u32::try_from(data.len()).unwrap_or_default(),
            cdw10,
            cdw11,
            timeout_ms: u32::try_from(within.as_millis()).unwrap_or(u32::MAX),
            ..nvme_admin_cmd::default()
        };
        // SAFETY: `request` is NVME_IOCTL_ADMIN_CMD's structure and outlives the call; `addr` and `data_len` are those of
        // `data`, which does too, or both are 0; both commands of `NvmeWrite` transfer to the controller or not at all, so
        // that nothing is written through `addr`.
        let outcome = unsafe { nvme_ioctl_admin_cmd(fd.as_raw_fd(), &raw mut request) };
        outcome.map(Status::new).map_err(|errno| DeviceError::Refused {
            device: device.to_owned(),
            command: command.to_string(),
            errno,
        })
    }
}

/// A recording answers, and can't be written.
impl NvmeDisks for RootHost {
    fn ask(&self, device: &str, question: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        self.nvme(device, question)
    }

    fn write(&self, device: &str, command: &NvmeWrite, _: Duration) -> Result<Status, DeviceError> {
        Err(DeviceError::Recorded { device: device.to_owned(), command: command.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::nvme::{CommitAction, Slot};

    #[test]
    fn what_is_no_disk_refuses() {
        let commands = [
            NvmeWrite::Piece { offset_dwords: 0, bytes: vec![0; 4096] },
            NvmeWrite::Commit { slot: Slot::new(1).unwrap(), action: CommitAction::AtReset },
        ];
        for command in commands {
            let told = |device| LiveHost.write(device, &command, Duration::from_secs(1)).unwrap_err().to_string();
            let absent = "/dev/absent-disk can't be opened: No such file or directory (os error 2)";
            assert_eq!(told("absent-disk"), absent);
            let refused = format!("the kernel refuses {command} to null: Inappropriate ioctl for device (os error 25)");
            assert_eq!(told("null"), refused);
        }
    }
}
