//! The commands that facts ever send a disk: the two lists here, and no other. Each only reads; what is not listed can't be
//! said, and so no fault elsewhere makes a command that writes, formats or tests.
//!
//! Sources: NVM Express Base 2.0; ATA Command Set 4 (ACS-4); SCSI / ATA Translation 4 (SAT-4); SCSI Primary Commands 5
//! (SPC-5).

use std::fmt;

/// An NVMe admin command that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NvmeRead {
    /// Identify, the controller's data structure (§5.17.2.1).
    IdentifyController,
    /// Get Log Page, SMART / Health Information (§5.16.1.3), of the controller as a whole.
    SmartLog,
    /// Get Log Page, Firmware Slot Information (§5.16.1.4), of the controller.
    FirmwareSlots,
}

impl NvmeRead {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::IdentifyController, Self::SmartLog, Self::FirmwareSlots];

    /// Admin opcode (§5, figure 138).
    pub(super) fn opcode(self) -> u8 {
        match self {
            Self::SmartLog | Self::FirmwareSlots => 0x02,
            Self::IdentifyController => 0x06,
        }
    }

    /// Which namespace: none, or all of them.
    pub(super) fn namespace(self) -> u32 {
        match self {
            Self::IdentifyController => 0,
            Self::SmartLog | Self::FirmwareSlots => u32::MAX,
        }
    }

    /// What the answer's length is by the standard.
    pub(super) fn answer_bytes(self) -> u32 {
        match self {
            Self::IdentifyController => 4096,
            Self::SmartLog | Self::FirmwareSlots => 512,
        }
    }

    /// Command dword 10: what is to be identified (CNS 01h), or the log's id (02h, 03h) with the number of dwords, less one,
    /// above it (§5.16, figure 197).
    pub(super) fn dword_10(self) -> u32 {
        match self {
            Self::IdentifyController => 0x01,
            Self::SmartLog => ((self.answer_bytes() / 4 - 1) << 16) | 0x02,
            Self::FirmwareSlots => ((self.answer_bytes() / 4 - 1) << 16) | 0x03,
        }
    }
}

impl fmt::Display for NvmeRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdentifyController => "nvme-identify-controller",
            Self::SmartLog => "nvme-smart-log",
            Self::FirmwareSlots => "nvme-firmware-slots",
        })
    }
}

/// A SCSI command that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScsiRead {
    /// An ATA command, passed through (SAT-4 §12.2.2.3).
    Ata(AtaRead),
    /// LOG SENSE (SPC-5 §6.10), the cumulative values of a page.
    Log(LogPage),
}

/// An ATA command that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtaRead {
    /// IDENTIFY DEVICE (ACS-4 §7.13).
    Identify,
    /// SMART READ DATA (ATA8-ACS §7.53.6).
    SmartData,
    /// SMART READ ATTRIBUTE THRESHOLDS (ATA-3 §7.28.6; obsolete, and answered by all).
    SmartThresholds,
    /// SMART RETURN STATUS (ACS-4 §7.46.10): no data, the answer is in the registers.
    SmartStatus,
    /// READ LOG EXT (ACS-4 §7.24), a page of the Device Statistics log.
    Statistics(StatisticsPage),
}

/// A page of ATA's Device Statistics log (ACS-4 §9.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatisticsPage {
    /// §9.5.4: hours, power cycles, sectors written and read.
    General = 0x01,
    /// §9.5.6: temperature.
    Temperature = 0x05,
    /// §9.5.8: how much of an SSD's life is used.
    SolidState = 0x07,
}

/// A log page of a SCSI device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPage {
    /// Write error counters (SPC-5 §7.3.22).
    WriteErrors = 0x02,
    /// Read error counters (SPC-5 §7.3.15).
    ReadErrors = 0x03,
    /// Verify error counters (SPC-5 §7.3.21).
    VerifyErrors = 0x05,
    /// Temperature (SPC-5 §7.3.20).
    Temperature = 0x0d,
    /// Solid state media (SBC-4 §6.5.9).
    SolidState = 0x11,
    /// Background scan results, whose first parameter counts the minutes it was powered (SBC-4 §6.5.2).
    BackgroundScan = 0x15,
    /// Informational exceptions (SPC-5 §7.3.9): its own verdict.
    InformationalExceptions = 0x2f,
}

/// ATA PASS-THROUGH (16).
const ATA_PASS_THROUGH: u8 = 0x85;
/// LOG SENSE.
const LOG_SENSE: u8 = 0x4d;
/// A log page that is longer is cut: the parameters that are read come first.
const LOG_BYTES: u16 = 4096;
/// What an ATA command that answers with data answers with here: one block.
const ATA_BLOCK_BYTES: u16 = 512;
/// The Device Statistics log's address (ACS-4 §9.1).
const DEVICE_STATISTICS: u8 = 0x04;
/// What SMART commands carry in LBA(15:8) and LBA(23:16) (ACS-4 §7.46.1).
pub(super) const SMART_SIGNATURE: (u8, u8) = (0x4f, 0xc2);

/// An ATA command's registers, the low byte of each: no command of the list needs a high one.
#[derive(Clone, Copy, Debug, Default)]
struct Registers {
    features: u8,
    lba_low: u8,
    lba_mid: u8,
    lba_high: u8,
    command: u8,
    /// Whether it is one of 48-bit commands.
    is_extended: bool,
}

impl AtaRead {
    fn registers(self) -> Registers {
        let (lba_mid, lba_high) = SMART_SIGNATURE;
        let smart = |features| Registers { features, lba_mid, lba_high, command: 0xb0, ..Registers::default() };
        match self {
            Self::Identify => Registers { command: 0xec, ..Registers::default() },
            Self::SmartData => smart(0xd0),
            Self::SmartThresholds => smart(0xd1),
            Self::SmartStatus => smart(0xda),
            Self::Statistics(page) => Registers {
                lba_low: DEVICE_STATISTICS,
                lba_mid: page as u8,
                command: 0x2f,
                is_extended: true,
                ..Registers::default()
            },
        }
    }

    fn has_data(self) -> bool {
        match self {
            Self::SmartStatus => false,
            Self::Identify | Self::SmartData | Self::SmartThresholds | Self::Statistics(_) => true,
        }
    }

    /// The command descriptor block (SAT-4 §12.2.2.3, table 171).
    fn block(self) -> Vec<u8> {
        const NO_DATA: u8 = 3;
        const PIO_DATA_IN: u8 = 4;
        // CK_COND: the registers come back as sense data.
        const WANT_REGISTERS: u8 = 1 << 5;
        // T_DIR from the device, BYT_BLOK in blocks, T_LENGTH in the count.
        const READ_COUNTED_BLOCKS: u8 = (1 << 3) | (1 << 2) | 2;

        let registers = self.registers();
        let (protocol, transfer, count) =
            if self.has_data() { (PIO_DATA_IN, READ_COUNTED_BLOCKS, 1) } else { (NO_DATA, WANT_REGISTERS, 0) };
        let first = (protocol << 1) | u8::from(registers.is_extended);
        let (low, mid, high) = (registers.lba_low, registers.lba_mid, registers.lba_high);
        let features = registers.features;
        vec![ATA_PASS_THROUGH, first, transfer, 0, features, 0, count, 0, low, 0, mid, 0, high, 0, registers.command, 0]
    }
}

impl ScsiRead {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::Ata(AtaRead::Identify),
        Self::Ata(AtaRead::SmartData),
        Self::Ata(AtaRead::SmartThresholds),
        Self::Ata(AtaRead::SmartStatus),
        Self::Ata(AtaRead::Statistics(StatisticsPage::General)),
        Self::Ata(AtaRead::Statistics(StatisticsPage::Temperature)),
        Self::Ata(AtaRead::Statistics(StatisticsPage::SolidState)),
        Self::Log(LogPage::WriteErrors),
        Self::Log(LogPage::ReadErrors),
        Self::Log(LogPage::VerifyErrors),
        Self::Log(LogPage::Temperature),
        Self::Log(LogPage::SolidState),
        Self::Log(LogPage::BackgroundScan),
        Self::Log(LogPage::InformationalExceptions),
    ];

    /// The command descriptor block.
    pub(super) fn block(self) -> Vec<u8> {
        // PC, page control: cumulative values.
        const CUMULATIVE: u8 = 0b01 << 6;
        match self {
            Self::Ata(command) => command.block(),
            Self::Log(page) => {
                let [high, low] = LOG_BYTES.to_be_bytes();
                vec![LOG_SENSE, 0, CUMULATIVE | page as u8, 0, 0, 0, 0, high, low, 0]
            }
        }
    }

    /// The most that it answers with.
    pub(super) fn answer_bytes(self) -> u16 {
        match self {
            Self::Ata(command) if command.has_data() => ATA_BLOCK_BYTES,
            Self::Ata(_) => 0,
            Self::Log(_) => LOG_BYTES,
        }
    }
}

impl fmt::Display for ScsiRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ata(AtaRead::Identify) => f.write_str("ata-identify"),
            Self::Ata(AtaRead::SmartData) => f.write_str("ata-smart-data"),
            Self::Ata(AtaRead::SmartThresholds) => f.write_str("ata-smart-thresholds"),
            Self::Ata(AtaRead::SmartStatus) => f.write_str("ata-smart-status"),
            Self::Ata(AtaRead::Statistics(page)) => write!(f, "ata-statistics-{:02x}", *page as u8),
            Self::Log(page) => write!(f, "scsi-log-{:02x}", *page as u8),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nvme_command_is_written_out() {
        let told = NvmeRead::ALL.map(|c| (c.to_string(), c.opcode(), c.namespace(), c.dword_10(), c.answer_bytes()));
        let expected = [
            ("nvme-identify-controller".to_owned(), 0x06, 0, 0x0000_0001, 4096),
            ("nvme-smart-log".to_owned(), 0x02, 0xffff_ffff, 0x007f_0002, 512),
            ("nvme-firmware-slots".to_owned(), 0x02, 0xffff_ffff, 0x007f_0003, 512),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn every_scsi_command_is_written_out() {
        let told: Vec<_> = ScsiRead::ALL.map(|c| (c.to_string(), c.block(), c.answer_bytes())).into();
        let ata = |name: &str, block: [u8; 16], bytes| (name.to_owned(), block.to_vec(), bytes);
        let log = |page: u8| (format!("scsi-log-{page:02x}"), vec![0x4d, 0, 0x40 | page, 0, 0, 0, 0, 0x10, 0, 0], 4096);
        let expected = vec![
            ata("ata-identify", [0x85, 0x08, 0x0e, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xec, 0], 512),
            ata("ata-smart-data", [0x85, 0x08, 0x0e, 0, 0xd0, 0, 1, 0, 0, 0, 0x4f, 0, 0xc2, 0, 0xb0, 0], 512),
            ata("ata-smart-thresholds", [0x85, 0x08, 0x0e, 0, 0xd1, 0, 1, 0, 0, 0, 0x4f, 0, 0xc2, 0, 0xb0, 0], 512),
            ata("ata-smart-status", [0x85, 0x06, 0x20, 0, 0xda, 0, 0, 0, 0, 0, 0x4f, 0, 0xc2, 0, 0xb0, 0], 0),
            ata("ata-statistics-01", [0x85, 0x09, 0x0e, 0, 0, 0, 1, 0, 4, 0, 1, 0, 0, 0, 0x2f, 0], 512),
            ata("ata-statistics-05", [0x85, 0x09, 0x0e, 0, 0, 0, 1, 0, 4, 0, 5, 0, 0, 0, 0x2f, 0], 512),
            ata("ata-statistics-07", [0x85, 0x09, 0x0e, 0, 0, 0, 1, 0, 4, 0, 7, 0, 0, 0, 0x2f, 0], 512),
            log(0x02),
            log(0x03),
            log(0x05),
            log(0x0d),
            log(0x11),
            log(0x15),
            log(0x2f),
        ];
        assert_eq!(told, expected);
    }
}
