//! A disk's own answers: opened to read, asked by ioctl, and closed again, but for who holds it open. It sends what `command` lists, and knows
//! nothing of what the answers mean.
//!
//! The only unsafe code of the disks: two ioctls whose arguments hold addresses.

use super::{
    command::{NvmeRead, ScsiRead},
    sense::Sense,
};
use nix::{
    errno::Errno,
    fcntl::{OFlag, open},
    sys::stat::Mode,
};
use nvme_cli_sys::{nvme_admin_cmd, nvme_ioctl_admin_cmd};
use std::{
    ffi::c_void,
    io,
    os::fd::{AsRawFd, OwnedFd},
    ptr,
};
use thiserror::Error;

/// A healthy disk answers in milliseconds, one that wakes up within about 10 s; the kernel then still resets it.
const PATIENCE_MS: u32 = 15_000;

/// Sense data's most (SPC-5 §4.4.1).
const SENSE_BYTES: u8 = 252;

/// What a SCSI disk answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScsiAnswer {
    /// Its data, as long as it came.
    pub data: Vec<u8>,
    /// Sense data that came without an error: an ATA command's registers.
    pub sense: Vec<u8>,
}

/// Why a disk did not answer.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// A recorded host holds no answer of this kind.
    #[error("the host is a recording without {device}'s answer to {command}")]
    Recorded {
        /// The disk.
        device: String,
        /// What was asked.
        command: String,
    },
    /// The device file can't be opened.
    #[error("/dev/{device} can't be opened: {}", io::Error::from(*.errno))]
    Open {
        /// The disk.
        device: String,
        /// The kernel's reason.
        errno: Errno,
    },
    /// The kernel did not send the command.
    #[error("the kernel refuses {command} to {device}: {}", io::Error::from(*.errno))]
    Refused {
        /// The disk.
        device: String,
        /// What was asked.
        command: String,
        /// The kernel's reason.
        errno: Errno,
    },
    /// An NVMe controller answered with a status that is no success (NVM Express Base 2.0 §3.3.3.2.1).
    #[error("{device} refuses {command}: NVMe status {status:#06x}")]
    NvmeStatus {
        /// The disk.
        device: String,
        /// What was asked.
        command: String,
        /// Status code type and status code.
        status: i32,
    },
    /// A SCSI disk answered with sense data, or a status alone.
    #[error("{device} refuses {command}: {sense}")]
    Sense {
        /// The disk.
        device: String,
        /// What was asked.
        command: String,
        /// Why.
        sense: Sense,
    },
    /// The command did not reach the disk, or its answer us.
    #[error("{command} to {device} failed on its way: host status {host:#04x}, driver status {driver:#04x}")]
    Lost {
        /// The disk.
        device: String,
        /// What was asked.
        command: String,
        /// The host adapter's word (`DID_…` of <scsi/scsi_status.h>): 1 not connected, 3 timed out.
        host: u16,
        /// The driver's word.
        driver: u16,
    },
}

/// Sends an NVMe admin command to a controller or to the controller of a namespace.
pub(in crate::facts) fn nvme(device: &str, command: NvmeRead) -> Result<Vec<u8>, DeviceError> {
    ask_nvme(&opened(device)?, device, command)
}

/// The same of a disk that is open.
pub(crate) fn ask_nvme(fd: &OwnedFd, device: &str, command: NvmeRead) -> Result<Vec<u8>, DeviceError> {
    let mut answer = vec![0; command.answer_bytes() as usize];
    let mut request = nvme_admin_cmd {
        opcode: command.opcode(),
        nsid: command.namespace(),
        addr: answer.as_mut_ptr().expose_provenance() as u64,
        data_len: command.answer_bytes(),
        cdw10: command.dword_10(),
        timeout_ms: PATIENCE_MS,
        ..nvme_admin_cmd::default()
    };
    // SAFETY: `request` is NVME_IOCTL_ADMIN_CMD's structure and outlives the call; `addr` and `data_len` are those of
    // `answer`, which does too; both commands there are transfer to the host.
    let status = unsafe { nvme_ioctl_admin_cmd(fd.as_raw_fd(), &raw mut request) };
    match status {
        Ok(0) => Ok(answer),
        Ok(status) => Err(DeviceError::NvmeStatus { device: device.to_owned(), command: command.to_string(), status }),
        Err(errno) => Err(DeviceError::Refused { device: device.to_owned(), command: command.to_string(), errno }),
    }
}

/// `struct sg_io_hdr` of <scsi/sg.h>.
#[repr(C)]
struct SgIo {
    interface_id: i32,
    direction: i32,
    command_bytes: u8,
    most_sense_bytes: u8,
    vectors: u16,
    data_bytes: u32,
    data: *mut c_void,
    command: *const u8,
    sense: *mut u8,
    timeout_ms: u32,
    flags: u32,
    pack_id: i32,
    user: *mut c_void,
    status: u8,
    masked_status: u8,
    message_status: u8,
    sense_bytes: u8,
    host_status: u16,
    driver_status: u16,
    residue: i32,
    duration_ms: u32,
    info: u32,
}

/// `S`: version 3 of the interface.
const INTERFACE: i32 = 'S' as i32;
const NO_DATA: i32 = -1;
const FROM_DEVICE: i32 = -3;
/// The driver saw sense data (`DRIVER_SENSE`), which is no fault of its own.
const DRIVER_SENSE: u16 = 0x08;

nix::ioctl_readwrite_bad!(sg_io, 0x2285, SgIo);

/// Sends a SCSI command to a disk; once more where the disk had to tell of a reset first.
pub(in crate::facts) fn scsi(device: &str, command: ScsiRead) -> Result<ScsiAnswer, DeviceError> {
    let fd = opened(device)?;
    match scsi_once(&fd, device, command) {
        Err(DeviceError::Sense { sense, .. }) if sense.is_unit_attention() => scsi_once(&fd, device, command),
        outcome => outcome,
    }
}

fn scsi_once(fd: &OwnedFd, device: &str, command: ScsiRead) -> Result<ScsiAnswer, DeviceError> {
    let block = command.block();
    let mut data = vec![0; usize::from(command.answer_bytes())];
    let mut sense = vec![0; usize::from(SENSE_BYTES)];
    let mut request = SgIo {
        interface_id: INTERFACE,
        direction: if data.is_empty() { NO_DATA } else { FROM_DEVICE },
        // Every block is 10 or 16 bytes long.
        command_bytes: u8::try_from(block.len()).unwrap_or(u8::MAX),
        most_sense_bytes: SENSE_BYTES,
        vectors: 0,
        data_bytes: u32::from(command.answer_bytes()),
        data: data.as_mut_ptr().cast(),
        command: block.as_ptr(),
        sense: sense.as_mut_ptr(),
        timeout_ms: PATIENCE_MS,
        flags: 0,
        pack_id: 0,
        user: ptr::null_mut(),
        status: 0,
        masked_status: 0,
        message_status: 0,
        sense_bytes: 0,
        host_status: 0,
        driver_status: 0,
        residue: 0,
        duration_ms: 0,
        info: 0,
    };
    // SAFETY: `request` is SG_IO's structure and outlives the call; its three addresses are those of `data`, `block` and
    // `sense`, with their lengths, and they do too.
    let outcome = unsafe { sg_io(fd.as_raw_fd(), &raw mut request) };
    if let Err(errno) = outcome {
        return Err(DeviceError::Refused { device: device.to_owned(), command: command.to_string(), errno });
    }
    if request.host_status != 0 || request.driver_status & !DRIVER_SENSE != 0 {
        return Err(DeviceError::Lost {
            device: device.to_owned(),
            command: command.to_string(),
            host: request.host_status,
            driver: request.driver_status,
        });
    }
    sense.truncate(usize::from(request.sense_bytes));
    let residue = usize::try_from(request.residue).unwrap_or_default();
    data.truncate(data.len().saturating_sub(residue));
    answer(device, command, request.status, ScsiAnswer { data, sense })
}

/// What came, or why it is no answer.
fn answer(device: &str, command: ScsiRead, status: u8, answer: ScsiAnswer) -> Result<ScsiAnswer, DeviceError> {
    let sense = Sense::parse(status, &answer.sense);
    if sense.is_good() {
        Ok(answer)
    } else {
        Err(DeviceError::Sense { device: device.to_owned(), command: command.to_string(), sense })
    }
}

/// Opened to read, without waiting for a medium.
pub(crate) fn opened(device: &str) -> Result<OwnedFd, DeviceError> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    open(format!("/dev/{device}").as_str(), flags, Mode::empty())
        .map_err(|errno| DeviceError::Open { device: device.to_owned(), errno })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::disk::command::{AtaRead, LogPage};
    use std::mem::{offset_of, size_of};

    #[test]
    fn the_kernels_structure_has_the_kernels_size() {
        // On 64-bit machines, as pahole prints it of the kernel's own.
        assert_eq!((size_of::<SgIo>(), offset_of!(SgIo, status), offset_of!(SgIo, info)), (88, 64, 80));
    }

    #[test]
    fn a_device_that_is_not_there_is_named() {
        let error = nvme("absent-disk", NvmeRead::SmartLog).expect_err("absent");
        assert_eq!(error.to_string(), "/dev/absent-disk can't be opened: No such file or directory (os error 2)");
    }

    #[test]
    fn a_file_that_is_no_disk_refuses() {
        for error in [
            nvme("null", NvmeRead::SmartLog).expect_err("no disk").to_string(),
            scsi("null", ScsiRead::Ata(AtaRead::SmartStatus)).expect_err("no disk").to_string(),
            scsi("null", ScsiRead::Log(LogPage::Temperature)).expect_err("no disk").to_string(),
        ] {
            let refused = error.starts_with("the kernel refuses ");
            assert!(refused && error.ends_with(" to null: Inappropriate ioctl for device (os error 25)"), "{error}");
        }
    }
}
