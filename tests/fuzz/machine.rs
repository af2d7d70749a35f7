//! A machine that says anything: its kernel, firmware, disks and BMC answer with the bytes of an input, in the order in
//! which they are asked. What is asked of it is what the agent asks of a real one.

use pious_agent::facts::{
    AtaRead, DeviceError, GenericRequest, Host, HostError, LinkReport, NvmeRead, ScsiAnswer, ScsiRead,
    bmc::{Ipmi, IpmiError, Request},
};
use std::{cell::RefCell, io, path::PathBuf, rc::Rc};

/// What a BMC says to a question when the input is at its end: there is no such record (IPMI 2.0 §5.2). So whoever walks
/// records comes to an end.
const NOT_PRESENT: u8 = 0xcb;

/// Names of directories' entries, for parsers that go by them; any other directory has the entry `0`.
const FOLDERS: &[(&str, &[&str])] = &[
    ("/sys/class/net", &["eth0"]),
    ("/sys/block", &["nvme0n1", "sda"]),
    ("/sys/class/hwmon", &["hwmon0"]),
    ("/sys/class/hwmon/hwmon0", &["temp1_input", "temp1_label", "temp1_max", "temp1_crit", "fan1_input", "in0_input"]),
    ("/sys/bus/pci/devices", &["0000:01:00.0"]),
    ("/sys/bus/pci/slots", &["3"]),
    ("/sys/devices/system/node", &["node0", "node1"]),
    ("/sys/devices/system/memory", &["memory0", "memory1"]),
    ("/sys/devices/system/edac/mc", &["mc0"]),
    ("/sys/devices/system/edac/mc/mc0", &["dimm0", "rank1", "csrow0"]),
    ("/sys/class/ipmi", &["ipmi0"]),
];

/// The machine. It answers until its input is at its end, and then not any more.
#[derive(Clone)]
pub struct Machine(Rc<RefCell<Input>>);

struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    /// The next answer: two bytes say how long it is, and then come its bytes. A length with the top bit set is a refusal.
    fn answer(&mut self) -> Option<Vec<u8>> {
        let rest = self.bytes.get(self.at..)?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = u16::from_le_bytes(*length);
        self.at += size_of::<u16>();
        if length & 0x8000 != 0 {
            return None;
        }
        let answer = rest.get(..usize::from(length)).unwrap_or(rest);
        self.at += answer.len();
        Some(answer.to_vec())
    }
}

impl Machine {
    /// A machine that says this.
    pub fn saying(input: &[u8]) -> Self {
        Self(Rc::new(RefCell::new(Input { bytes: input.to_vec(), at: 0 })))
    }

    fn answer(&self) -> Option<Vec<u8>> {
        self.0.borrow_mut().answer()
    }

    fn file(&self) -> io::Result<Vec<u8>> {
        self.answer().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn kernel(&self) -> Result<Vec<u8>, HostError> {
        self.answer().ok_or(HostError::Netlink { request: "anything", why: "refused".into() })
    }

    fn disk(&self, device: &str, command: &dyn ToString) -> Result<Vec<u8>, DeviceError> {
        let refused = || DeviceError::Recorded { device: device.to_owned(), command: command.to_string() };
        self.answer().ok_or_else(refused)
    }
}

impl Host for Machine {
    fn read(&self, _path: &str) -> io::Result<Vec<u8>> {
        self.file()
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let names = FOLDERS.iter().find(|(folder, _)| *folder == directory).map_or(&["0"][..], |(_, names)| *names);
        Ok(names.iter().map(|&name| name.to_owned()).collect())
    }

    fn link(&self, path: &str) -> io::Result<PathBuf> {
        // Where in the tree of devices a name hangs is the kernel's to say, and it says it well; the rest is anything.
        let name = path.rsplit('/').next().unwrap_or_default();
        Ok(match path.rsplit_once('/').map(|(folder, _)| folder) {
            Some("/sys/block") => format!("../devices/pci0000:00/0000:01:00.0/nvme/nvme0/{name}").into(),
            Some("/sys/bus/pci/devices") => format!("../../../devices/pci0000:00/0000:00:01.0/{name}").into(),
            _ => String::from_utf8_lossy(&self.file()?).into_owned().into(),
        })
    }

    fn links(&self) -> Result<Vec<LinkReport>, HostError> {
        Ok(vec![LinkReport { name: "eth0".into(), ..LinkReport::default() }])
    }

    fn generic_netlink(&self, _request: &GenericRequest) -> Result<Vec<u8>, HostError> {
        self.kernel()
    }

    fn driver_info(&self, _interface: &str) -> Result<Vec<u8>, HostError> {
        self.kernel()
    }

    fn kernel_release(&self) -> Option<String> {
        self.answer().map(|release| String::from_utf8_lossy(&release).into_owned())
    }

    fn kernel_log(&self) -> io::Result<Vec<u8>> {
        self.file()
    }

    fn nvme(&self, device: &str, command: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        self.disk(device, &command)
    }

    fn scsi(&self, device: &str, command: ScsiRead) -> Result<ScsiAnswer, DeviceError> {
        let data = self.disk(device, &command)?;
        let sense = match command {
            ScsiRead::Ata(AtaRead::SmartStatus) => self.disk(device, &command)?,
            ScsiRead::Ata(_) | ScsiRead::Log(_) => Vec::new(),
        };
        Ok(ScsiAnswer { data, sense })
    }

    fn ipmi(&self) -> Result<Box<dyn Ipmi>, IpmiError> {
        Ok(Box::new(self.clone()))
    }
}

impl Ipmi for Machine {
    fn exchange(&mut self, _request: &Request) -> Result<Vec<u8>, IpmiError> {
        Ok(self.answer().unwrap_or_else(|| vec![NOT_PRESENT]))
    }
}
