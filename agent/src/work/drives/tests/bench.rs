//! Disks made up by the standard, which take commands and note them.

use crate::{
    facts::{DeviceError, NvmeRead},
    work::{
        nvme::{CommitAction, NvmeWrite, Status},
        nvme_device::{NvmeDisk, NvmeDisks},
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

const MODEL: &str = "KXG60ZNV1T02";

/// A controller, as it is and as it answers.
#[derive(Clone)]
pub struct Bench {
    pub model: &'static str,
    pub serial: &'static str,
    pub slots: Vec<Option<&'static str>>,
    pub active: usize,
    pub next: usize,
    pub frmw_activates: bool,
    pub first_is_fixed: bool,
    pub takes_firmware: bool,
    pub mdts: u8,
    pub fwug: u8,
    /// What a commit is answered with.
    pub commits: i32,
    /// Which piece is refused.
    pub refuses_piece: Option<usize>,
    /// The version in the image that it is given.
    pub gets: &'static str,
    /// What it was sent: the length of each piece at its offset, and commits.
    pub sent: Vec<String>,
    pub image: Vec<u8>,
}

impl Bench {
    pub fn new(version: &'static str) -> Self {
        Self {
            model: MODEL,
            serial: "S1",
            slots: vec![Some(version), None],
            active: 1,
            next: 0,
            frmw_activates: true,
            first_is_fixed: false,
            takes_firmware: true,
            mdts: 5,
            fwug: 2,
            commits: 0,
            refuses_piece: None,
            gets: "AGGA4104",
            sent: vec![],
            image: vec![],
        }
    }

    pub fn with(self, change: impl FnOnce(&mut Self)) -> Self {
        let mut bench = self;
        change(&mut bench);
        bench
    }

    pub fn identify(&self) -> Vec<u8> {
        let mut page = vec![0; 4096];
        page[4..24].copy_from_slice(format!("{:20}", self.serial).as_bytes());
        page[24..64].copy_from_slice(format!("{:40}", self.model).as_bytes());
        page[64..72].copy_from_slice(format!("{:8}", self.slots[self.active - 1].unwrap()).as_bytes());
        page[77] = self.mdts;
        page[256] = u8::from(self.takes_firmware) << 2;
        let slots = u8::try_from(self.slots.len()).unwrap();
        page[260] = u8::from(self.first_is_fixed) | (slots << 1) | (u8::from(self.frmw_activates) << 4);
        page[319] = self.fwug;
        page
    }

    pub fn log(&self) -> Vec<u8> {
        let mut page = vec![0; 512];
        page[0] = u8::try_from(self.active | (self.next << 4)).unwrap();
        for (index, revision) in self.slots.iter().enumerate() {
            let revision = revision.map_or_else(|| vec![0; 8], |revision| format!("{revision:8}").into_bytes());
            page[8 + 8 * index..16 + 8 * index].copy_from_slice(&revision);
        }
        page
    }

    fn take(&mut self, command: &NvmeWrite) -> i32 {
        match command {
            NvmeWrite::Piece { offset_dwords, bytes } => {
                let at = *offset_dwords as usize * 4;
                self.sent.push(format!("{} at {at}", bytes.len()));
                if self.refuses_piece == Some(self.sent.len()) {
                    return 0x4002;
                }
                assert_eq!(at, self.image.len(), "no gap and no overlap");
                self.image.extend_from_slice(bytes);
                0
            }
            NvmeWrite::Commit { slot, action } => {
                self.sent.push(format!("commit {} {action:?}", slot.number()));
                if matches!(self.commits, 0 | 0x10b | 0x110 | 0x111) {
                    let number = usize::from(slot.number());
                    self.slots[number - 1] = Some(self.gets);
                    let runs = *action == CommitAction::AtOnce && self.commits == 0;
                    (self.active, self.next) = if runs { (number, 0) } else { (self.active, number) };
                }
                self.commits
            }
        }
    }
}

/// Disks by the names that they have now.
#[derive(Clone, Default)]
pub struct Benches(pub Arc<Mutex<BTreeMap<String, Arc<Mutex<Bench>>>>>);

impl Benches {
    pub fn named(&self, device: &str) -> Option<Arc<Mutex<Bench>>> {
        self.0.lock().unwrap().get(device).cloned()
    }

    /// Another disk has that name from now on; the one before is answered.
    pub fn swap(&self, device: &str, bench: Bench) -> Arc<Mutex<Bench>> {
        self.0.lock().unwrap().insert(device.into(), Arc::new(Mutex::new(bench))).unwrap()
    }
}

/// One that is open.
struct Opened {
    bench: Arc<Mutex<Bench>>,
    device: String,
}

impl NvmeDisks for Benches {
    fn open(&self, device: &str) -> Result<Arc<dyn NvmeDisk>, DeviceError> {
        let command = "open".into();
        let bench = self.named(device).ok_or_else(|| DeviceError::Recorded { device: device.to_owned(), command })?;
        Ok(Arc::new(Opened { bench, device: device.to_owned() }))
    }
}

impl NvmeDisk for Opened {
    fn ask(&self, question: NvmeRead) -> Result<Vec<u8>, DeviceError> {
        let bench = self.bench.lock().unwrap();
        match question {
            NvmeRead::IdentifyController => Ok(bench.identify()),
            NvmeRead::FirmwareSlots => Ok(bench.log()),
            NvmeRead::SmartLog => {
                Err(DeviceError::Recorded { device: self.device.clone(), command: question.to_string() })
            }
        }
    }

    fn write(&self, command: &NvmeWrite, _: Duration) -> Result<Status, DeviceError> {
        Ok(Status::new(self.bench.lock().unwrap().take(command)))
    }
}
