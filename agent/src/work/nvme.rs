//! A new firmware for an NVMe controller, pure: the two commands that write it, and what a controller answers to them and
//! says of its slots. Bytes in, commands out; who sends them is `nvme_device`'s business.
//!
//! Source: NVM Express Base 2.0 (all fields little-endian). Neither command was tried on hardware: QEMU's controller has
//! none of them.

use std::{fmt, num::NonZeroU8};

/// What FWUG counts in, and what every controller takes: MDTS is at least two pages, and no page is smaller.
const UNIT_BYTES: u32 = 4096;

/// The longest image that Firmware Image Download can address: its offset counts dwords in 32 bits.
pub(super) const MOST_IMAGE_BYTES: u64 = 4 << 32;

/// Dwords are what both of its numbers count.
pub(super) const DWORD_BYTES: u32 = 4;

/// What Identify Controller says that matters here (§5.17.2.1, figure 275).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Controller {
    /// SN.
    pub serial: String,
    /// MN.
    pub model: String,
    /// FR: the firmware that runs.
    pub revision: String,
    /// OACS bit 2: whether it has the two commands at all.
    pub takes_firmware: bool,
    /// FRMW bits 3:1.
    slots: u8,
    /// FRMW bit 0: slot 1 is read-only.
    first_is_fixed: bool,
    /// FRMW bit 4.
    pub activates_without_reset: bool,
    /// FWUG, in bytes; `None`: it is not told, or there is none.
    granularity_bytes: Option<u32>,
    /// MDTS, in bytes of the smallest page that there can be; `None`: no limit.
    most_bytes: Option<u32>,
}

impl Controller {
    /// `None` where the structure is cut short.
    pub fn parse(page: &[u8]) -> Option<Self> {
        let text = |from: usize, to: usize| page.get(from..to).map(trimmed);
        let byte = |at: usize| page.get(at).copied();
        let firmware = byte(260)?;
        Some(Self {
            serial: text(4, 24)?,
            model: text(24, 64)?,
            revision: text(64, 72)?,
            takes_firmware: byte(256)? & (1 << 2) != 0,
            slots: (firmware >> 1) & 0b111,
            first_is_fixed: firmware & 1 != 0,
            activates_without_reset: firmware & (1 << 4) != 0,
            granularity_bytes: match byte(319)? {
                0 | 0xff => None,
                units => Some(u32::from(units) * UNIT_BYTES),
            },
            most_bytes: match u32::from(byte(77)?) {
                0 => None,
                power => UNIT_BYTES.checked_shl(power).filter(|bytes| bytes >> power == UNIT_BYTES),
            },
        })
    }

    /// How long each piece of an image is, but for the last.
    pub fn piece_bytes(&self) -> u32 {
        let granularity = self.granularity_bytes.unwrap_or(UNIT_BYTES);
        granularity.min(self.most_bytes.unwrap_or(granularity))
    }

    /// The slot that an image goes to: not the one that runs, so that what is in it is left to go back to, and an empty
    /// one before others. `None` where nothing can be written.
    pub fn slot_for_image(&self, slots: &Slots) -> Option<Slot> {
        let writable = (1..=self.slots).filter(|number| *number > 1 || !self.first_is_fixed);
        let cost = |number: &u8| (*number == slots.active, slots.revision(*number).is_some());
        writable.min_by_key(cost).and_then(Slot::new)
    }
}

fn trimmed(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}

/// A firmware slot: one to seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(NonZeroU8);

impl Slot {
    const MOST: u8 = 7;

    /// `None` where there can be no such slot.
    pub fn new(number: u8) -> Option<Self> {
        NonZeroU8::new(number).filter(|number| number.get() <= Self::MOST).map(Self)
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0.get()
    }
}

/// Get Log Page, Firmware Slot Information (§5.16.1.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    /// AFI bits 2:0: the slot that runs.
    active: u8,
    /// AFI bits 6:4: the one that runs after the next reset; `None`: not told.
    pub next: Option<Slot>,
    revisions: [String; Slot::MOST as usize],
}

impl Slots {
    /// `None` where the page is cut short.
    pub fn parse(page: &[u8]) -> Option<Self> {
        let afi = *page.first()?;
        let revisions = page.get(8..64)?;
        let mut each = revisions.chunks_exact(8).map(trimmed);
        Some(Self {
            active: afi & 0b111,
            next: Slot::new((afi >> 4) & 0b111),
            revisions: std::array::from_fn(|_| each.next().unwrap_or_default()),
        })
    }

    /// What is in a slot.
    pub fn revision(&self, number: u8) -> Option<&str> {
        let revision = self.revisions.get(usize::from(number).checked_sub(1)?)?;
        (!revision.is_empty()).then_some(revision.as_str())
    }
}

/// What Firmware Commit does with what was downloaded (§5.12). Of its actions only those that write it and
/// make it run: no other can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitAction {
    /// It runs from the next Controller Level Reset on.
    AtReset = 0b001,
    /// It runs at once.
    AtOnce = 0b011,
}

/// The commands that change a disk's firmware. Facts never send one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NvmeWrite {
    /// Firmware Image Download (§5.13).
    Piece {
        /// Where it belongs, in dwords.
        offset_dwords: u32,
        /// Whole dwords, at least one.
        bytes: Vec<u8>,
    },
    /// Firmware Commit.
    Commit {
        /// Where it goes.
        slot: Slot,
        /// What makes it run.
        action: CommitAction,
    },
}

impl NvmeWrite {
    /// Admin opcode (§5, figure 138).
    pub fn opcode(&self) -> u8 {
        match self {
            Self::Commit { .. } => 0x10,
            Self::Piece { .. } => 0x11,
        }
    }

    /// Command dwords 10 and 11: the number of dwords, less one, and their offset; or the slot below the
    /// action, with the bit of boot partitions clear.
    pub fn dwords(&self) -> (u32, u32) {
        match self {
            Self::Piece { offset_dwords, bytes } => {
                let dwords = u32::try_from(bytes.len()).unwrap_or(u32::MAX) / DWORD_BYTES;
                (dwords.saturating_sub(1), *offset_dwords)
            }
            Self::Commit { slot, action } => (u32::from(slot.number()) | ((*action as u32) << 3), 0),
        }
    }

    /// What goes to the controller beside the command.
    pub fn data(&self) -> &[u8] {
        match self {
            Self::Piece { bytes, .. } => bytes,
            Self::Commit { .. } => &[],
        }
    }
}

impl fmt::Display for NvmeWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Piece { .. } => "nvme-firmware-image-download",
            Self::Commit { .. } => "nvme-firmware-commit",
        })
    }
}

/// A completion's status (§3.3.3.2.1): its type and code, as the kernel gives them, without the bits about trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(u16);

impl Status {
    /// Done.
    pub const GOOD: Self = Self(0);

    /// As an ioctl answers it.
    pub fn new(answered: i32) -> Self {
        const TYPE_AND_CODE: i32 = 0x7ff;
        // No error of the kernel comes this way: those are negative.
        Self(u16::try_from(answered & TYPE_AND_CODE).unwrap_or(u16::MAX))
    }

    /// Whether a piece was taken.
    pub(super) fn taken(self) -> Result<(), Self> {
        if self == Self::GOOD { Ok(()) } else { Err(self) }
    }

    /// What a commit came to (§5.12). Three of its statuses are no failure: it is written, and waits for a reset.
    pub(super) fn committed(self) -> Result<Option<Reset>, Self> {
        match self.0 {
            0 => Ok(None),
            0x10b => Ok(Some(Reset::Conventional)),
            0x110 => Ok(Some(Reset::Subsystem)),
            0x111 => Ok(Some(Reset::Controller)),
            _ => Err(self),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 {
            0x002 => "a field of the command is not what it takes",
            0x106 => "the slot is not there or read-only",
            0x107 => "the image is not one of its own",
            0x112 => "running it at once takes longer than a controller may be away; it needs a reset",
            0x113 => "it is not allowed to run this image",
            0x114 => "the pieces of the image overlap",
            _ => "no success",
        };
        write!(f, "NVMe status {:#06x}: {words}", self.0)
    }
}

/// What a committed image waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reset {
    /// Of PCI Express: a restart of the server is one.
    Conventional,
    /// Of the whole NVM subsystem: a restart need not be one, a power cycle is.
    Subsystem,
    /// Of the controller: any of them.
    Controller,
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conventional => "a restart of the server",
            Self::Subsystem => "a reset of the NVM subsystem, which a power cycle is and a restart may not be",
            Self::Controller => "a reset of its controller",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Zeros, with these bytes at these offsets.
    fn page(length: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut page = vec![0; length];
        for (offset, bytes) in parts {
            page[*offset..*offset + bytes.len()].copy_from_slice(bytes);
        }
        page
    }

    fn controller(mdts: u8, frmw: u8, fwug: u8) -> Controller {
        let model: &[u8] = b"KXG60ZNV1T02 TOSHIBA                    ";
        let parts: [(usize, &[u8]); 7] = [
            (4, b"99UA3C1XFF2Q        "),
            (24, model),
            (64, b"AGGA4104"),
            (77, &[mdts]),
            (256, &[0b0101]),
            (260, &[frmw]),
            (319, &[fwug]),
        ];
        Controller::parse(&page(4096, &parts)).unwrap()
    }

    fn slots(afi: u8, revisions: [&[u8; 8]; 3]) -> Slots {
        let [one, two, three] = revisions;
        Slots::parse(&page(512, &[(0, &[afi]), (8, one), (16, two), (24, three)])).unwrap()
    }

    const NOTHING: &[u8; 8] = &[0; 8];

    #[test]
    fn a_controller_says_what_it_takes() {
        let expected = Controller {
            serial: "99UA3C1XFF2Q".into(),
            model: "KXG60ZNV1T02 TOSHIBA".into(),
            revision: "AGGA4104".into(),
            takes_firmware: true,
            slots: 3,
            first_is_fixed: false,
            activates_without_reset: true,
            granularity_bytes: Some(8192),
            most_bytes: Some(128 << 10),
        };
        assert_eq!(controller(5, 0b1_0110, 2), expected);
    }

    #[test]
    fn a_piece_is_as_long_as_the_granularity_and_no_longer_than_a_transfer() {
        for (case, mdts, fwug, expected) in [
            ("nothing is told", 0, 0, 4096),
            ("nothing is asked for", 5, 0xff, 4096),
            ("a granularity", 0, 4, 16 << 10),
            ("within a transfer", 3, 8, 32 << 10),
            ("beyond a transfer, which can't be", 1, 254, 8192),
            ("a transfer beyond all memory", 0xff, 4, 16 << 10),
            ("and one right below it", 20, 1, 4096),
        ] {
            assert_eq!(controller(mdts, 0b10, fwug).piece_bytes(), expected, "{case}");
        }
    }

    #[test]
    fn an_image_leaves_the_running_slot_alone_where_it_can() {
        let (old, new) = (b"AGGA4103", b"AGGA4104");
        for (case, frmw, slots, expected) in [
            ("the only one", 0b0010, slots(1, [new, NOTHING, NOTHING]), Some(1)),
            ("the only one, read-only", 0b0011, slots(1, [new, NOTHING, NOTHING]), None),
            ("none at all", 0, slots(0, [NOTHING; 3]), None),
            ("an empty one", 0b0110, slots(1, [new, old, NOTHING]), Some(3)),
            ("the other one", 0b0100, slots(2, [old, new, NOTHING]), Some(1)),
            ("the other one is read-only", 0b0101, slots(2, [old, new, NOTHING]), Some(2)),
        ] {
            assert_eq!(controller(0, frmw, 0).slot_for_image(&slots).map(Slot::number), expected, "{case}");
        }
    }

    #[test]
    fn slots_say_what_is_in_them_and_what_comes_next() {
        let slots = slots(0b0011_0001, [b"AGGA4103", NOTHING, b"AGGA41  "]);
        assert_eq!(slots.next.map(Slot::number), Some(3));
        let told = [0, 1, 2, 3, 7, 8].map(|number| slots.revision(number));
        assert_eq!(told, [None, Some("AGGA4103"), None, Some("AGGA41"), None, None]);
    }

    #[test]
    fn the_commands_are_written_out() {
        let slot = Slot::new(2).unwrap();
        let piece = NvmeWrite::Piece { offset_dwords: 1024, bytes: vec![7; 4096] };
        for (command, expected) in [
            (piece, ("nvme-firmware-image-download", 0x11, (1023, 1024), 4096)),
            (
                NvmeWrite::Piece { offset_dwords: 0, bytes: vec![7; 4] },
                ("nvme-firmware-image-download", 0x11, (0, 0), 4),
            ),
            (NvmeWrite::Commit { slot, action: CommitAction::AtReset }, ("nvme-firmware-commit", 0x10, (0x0a, 0), 0)),
            (NvmeWrite::Commit { slot, action: CommitAction::AtOnce }, ("nvme-firmware-commit", 0x10, (0x1a, 0), 0)),
        ] {
            let told = (command.to_string(), command.opcode(), command.dwords(), command.data().len());
            let (name, opcode, dwords, bytes) = expected;
            assert_eq!(told, (name.to_owned(), opcode, dwords, bytes));
        }
        assert_eq!([0, 1, 7, 8].map(|number| Slot::new(number).is_some()), [false, true, true, false]);
    }

    #[test]
    fn three_statuses_of_a_commit_are_no_failure() {
        for (answered, expected) in [
            (0, Ok(None)),
            (0x10b, Ok(Some(Reset::Conventional))),
            (0x110, Ok(Some(Reset::Subsystem))),
            (0x111, Ok(Some(Reset::Controller))),
            // "Do not retry", and that there is more in the error log.
            (0x6111, Ok(Some(Reset::Controller))),
            (0x4107, Err("NVMe status 0x0107: the image is not one of its own")),
            (
                0x112,
                Err(
                    "NVMe status 0x0112: running it at once takes longer than a controller may be away; it needs a reset",
                ),
            ),
            (0x00b, Err("NVMe status 0x000b: no success")),
        ] {
            let told = Status::new(answered).committed().map_err(|status| status.to_string());
            assert_eq!(told, expected.map_err(str::to_owned), "{answered:#x}");
        }
        assert_eq!(Status::new(0x4000).taken(), Ok(()));
        assert!(Status::new(0x111).taken().is_err(), "of a piece it is one");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert_eq!(Controller::parse(&bytes).is_some(), bytes.len() >= 320);
            prop_assert_eq!(Slots::parse(&bytes).is_some(), bytes.len() >= 64);
            if let (Some(controller), Some(slots)) = (Controller::parse(&bytes), Slots::parse(&bytes)) {
                let piece = controller.piece_bytes();
                prop_assert!(piece >= UNIT_BYTES && piece % DWORD_BYTES == 0);
                let slot = controller.slot_for_image(&slots);
                prop_assert!(slot.is_none_or(|slot| slot.number() <= controller.slots));
            }
        }
    }
}
