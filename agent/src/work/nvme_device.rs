//! The disks whose firmware is written, behind small traits, so that a recorded host can stand in. Knows how a command is
//! sent; `nvme` knows what it is.
//!
//! Its unsafe code is one ioctl whose argument holds an address.

use super::nvme::{NvmeWrite, Status};
use crate::facts::{DeviceError, Host, LiveHost, NvmeRead, RootHost, ask_nvme, open_disk};
use nvme_cli_sys::{nvme_admin_cmd, nvme_ioctl_admin_cmd};
use std::{
    os::fd::{AsRawFd, OwnedFd},
    sync::Arc,
    time::Duration,
};

/// Disks that can be asked, and given another firmware.
pub trait NvmeDisks: Send + Sync {
    /// Opens a disk; `device` is its name in `/dev`.
    ///
    /// # Errors
    /// [`DeviceError`], when there is no disk of that name.
    fn open(&self, device: &str) -> Result<Arc<dyn NvmeDisk>, DeviceError>;
}

/// A disk that is open. It stays the one that was opened: its name may come to mean another, when disks go and come back.
pub trait NvmeDisk: Send + Sync {
    /// What it answers.
    ///
    /// # Errors
    /// [`DeviceError`], when it does not answer.
    fn ask(&self, question: NvmeRead) -> Result<Vec<u8>, DeviceError>;

    /// Sends a command that changes its firmware; what its controller answers.
    ///
    /// # Errors
    /// [`DeviceError`], when it did not reach the disk, or no answer came.
    fn write(&self, command: &NvmeWrite, within: Duration) -> Result<Status, DeviceError>;
}

impl NvmeDisks for LiveHost {
    fn open(&self, device: &str) -> Result<Arc<dyn NvmeDisk>, DeviceError> {
        // To read, as for every other question: what a command does is no matter of how its disk was opened.
        Ok(Arc::new(OpenDisk { fd: open_disk(device)?, device: device.to_owned() }))
    }
}

/// A disk of this host.
struct OpenDisk {
    fd: OwnedFd,
    device: String,
}

impl NvmeDisk for OpenDisk {
    fn ask(&self, question: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        ask_nvme(&self.fd, &self.device, question)
    }

    fn write(&self, command: &NvmeWrite, within: Duration) -> Result<Status, DeviceError> {
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
        let outcome = unsafe { nvme_ioctl_admin_cmd(self.fd.as_raw_fd(), &raw mut request) };
        outcome.map(Status::new).map_err(|errno| DeviceError::Refused {
            device: self.device.clone(),
            command: command.to_string(),
            errno,
        })
    }
}

/// A recording answers, and can't be written.
impl NvmeDisks for RootHost {
    fn open(&self, device: &str) -> Result<Arc<dyn NvmeDisk>, DeviceError> {
        Ok(Arc::new(Recorded { host: self.clone(), device: device.to_owned() }))
    }
}

/// A disk of a recorded host.
struct Recorded {
    host: RootHost,
    device: String,
}

impl NvmeDisk for Recorded {
    fn ask(&self, question: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        self.host.nvme(&self.device, question)
    }

    fn write(&self, command: &NvmeWrite, _: Duration) -> Result<Status, DeviceError> {
        Err(DeviceError::Recorded { device: self.device.clone(), command: command.to_string() })
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
            let told = |device| {
                let opened = LiveHost.open(device);
                opened.and_then(|disk| disk.write(&command, Duration::from_secs(1))).unwrap_err().to_string()
            };
            let absent = "/dev/absent-disk can't be opened: No such file or directory (os error 2)";
            assert_eq!(told("absent-disk"), absent);
            let refused = format!("the kernel refuses {command} to null: Inappropriate ioctl for device (os error 25)");
            assert_eq!(told("null"), refused);
        }
    }
}
