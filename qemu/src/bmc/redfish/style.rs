//! What differs between vendors' BMCs, and is the same in all of one vendor's: names, ways in, habits. Taken from their
//! published mockups. Pure.

use pious_protocol::firmware::{FirmwareComponent, Transfer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whose BMC it is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// iDRAC.
    Dell,
    /// Supermicro's.
    Supermicro,
    /// iLO.
    Hpe,
    /// OpenBMC.
    Openbmc,
    /// Nobody's; AMI's names, every way in.
    #[default]
    Generic,
}

/// The versions that run, by component.
pub type Versions = BTreeMap<FirmwareComponent, String>;

/// One member of FirmwareInventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its `Id`.
    pub id: String,
    /// Its `Name`.
    pub name: String,
    /// Its `Version`.
    pub version: String,
    /// What it is.
    pub component: FirmwareComponent,
    /// Whether it is what runs; else it is a copy from before, kept beside it.
    pub runs: bool,
}

impl Style {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Dell, Self::Supermicro, Self::Hpe, Self::Openbmc, Self::Generic];

    /// `Vendor` of the service root, and `Manufacturer` of the BMC.
    pub fn vendor(self) -> &'static str {
        match self {
            Self::Dell => "Dell",
            Self::Supermicro => "Supermicro",
            Self::Hpe => "HPE",
            Self::Openbmc => "OpenBMC",
            Self::Generic => "PIOUS",
        }
    }

    /// The ComputerSystem's `Id`.
    pub fn system(self) -> &'static str {
        match self {
            Self::Dell => "System.Embedded.1",
            Self::Supermicro | Self::Hpe => "1",
            Self::Openbmc => "system",
            Self::Generic => "Self",
        }
    }

    /// The Manager's.
    pub fn manager(self) -> &'static str {
        match self {
            Self::Dell => "iDRAC.Embedded.1",
            Self::Supermicro | Self::Hpe => "1",
            Self::Openbmc => "bmc",
            Self::Generic => "Self",
        }
    }

    /// The Chassis's.
    pub fn chassis(self) -> &'static str {
        match self {
            Self::Dell => "System.Embedded.1",
            Self::Supermicro | Self::Hpe => "1",
            Self::Openbmc => "chassis",
            Self::Generic => "Self",
        }
    }

    /// The ways in that it has.
    pub fn transfers(self) -> &'static [Transfer] {
        match self {
            Self::Dell => &[Transfer::MultipartPush, Transfer::SimpleUpdate],
            Self::Supermicro => &[Transfer::MultipartPush],
            Self::Hpe => &[Transfer::HttpPush, Transfer::SimpleUpdate],
            Self::Openbmc => &[Transfer::HttpPush, Transfer::MultipartPush],
            Self::Generic => &[Transfer::MultipartPush, Transfer::HttpPush, Transfer::SimpleUpdate],
        }
    }

    /// `MultipartHttpPushUri`.
    pub fn multipart_uri(self) -> Option<&'static str> {
        self.transfers().contains(&Transfer::MultipartPush).then_some(match self {
            Self::Dell => "/redfish/v1/UpdateService/MultipartUpload",
            Self::Openbmc => "/redfish/v1/UpdateService/update-multipart",
            Self::Supermicro | Self::Hpe | Self::Generic => "/redfish/v1/UpdateService/upload",
        })
    }

    /// `HttpPushUri`.
    pub fn push_uri(self) -> Option<&'static str> {
        self.transfers().contains(&Transfer::HttpPush).then_some(match self {
            Self::Hpe => "/cgi-bin/uploadFile",
            Self::Dell | Self::Supermicro | Self::Openbmc | Self::Generic => "/redfish/v1/UpdateService/update",
        })
    }

    /// Whether it fetches images itself.
    pub fn fetches(self) -> bool {
        self.transfers().contains(&Transfer::SimpleUpdate)
    }

    /// Whether a new firmware of its own makes it restart; else somebody must tell it to.
    pub fn restarts_itself(self) -> bool {
        match self {
            Self::Dell | Self::Supermicro | Self::Hpe | Self::Generic => true,
            Self::Openbmc => false,
        }
    }

    /// Whether it still knows its tasks after a restart.
    pub fn keeps_tasks(self) -> bool {
        match self {
            Self::Dell | Self::Hpe | Self::Generic => true,
            Self::Supermicro | Self::Openbmc => false,
        }
    }

    /// What FirmwareInventory has. `before`: what ran before the last update.
    pub fn inventory(self, versions: &Versions, before: &Versions) -> Vec<Item> {
        use FirmwareComponent::{Bios, Bmc, Nic, Psu};
        let of = |versions: &Versions, component| versions.get(&component).cloned().unwrap_or_default();
        let runs = |id: &str, name: &str, component| Item {
            id: id.replace("{}", &of(versions, component)),
            name: name.to_owned(),
            version: of(versions, component),
            component,
            runs: true,
        };
        let copy = |id: &str, name: &str, component| {
            let version = of(before, component);
            Item { id: id.replace("{}", &version), name: name.to_owned(), version, component, runs: false }
        };
        match self {
            Self::Dell => vec![
                runs("Installed-25227-{}__iDRAC.Embedded.1-1", "Integrated Dell Remote Access Controller", Bmc),
                copy("Previous-25227-{}__iDRAC.Embedded.1-1", "Integrated Dell Remote Access Controller", Bmc),
                runs("Current-159-{}__BIOS.Setup.1-1", "BIOS", Bios),
                runs("Installed-159-{}__BIOS.Setup.1-1", "BIOS", Bios),
                copy("Previous-159-{}__BIOS.Setup.1-1", "BIOS", Bios),
                runs(
                    "Installed-108089-{}__NIC.Integrated.1-1-1",
                    "Broadcom Adv. Dual 25Gb Ethernet - E4:3D:1A:13:27:F0",
                    Nic,
                ),
                runs("Installed-108076-{}__PSU.Slot.1", "Power Supply.Slot.1", Psu),
                runs("Installed-108076-{}__PSU.Slot.2", "Power Supply.Slot.2", Psu),
            ],
            Self::Supermicro => vec![
                runs("BMC", "BMC", Bmc),
                copy("Backup_BMC", "BMC Backup", Bmc),
                runs("BIOS", "BIOS", Bios),
                copy("Backup_BIOS", "BIOS Backup", Bios),
                runs("NIC1", "NIC1 System Slot12 MBF2M516C-CECOT", Nic),
                runs("PowerSupply1", "Power supply 1", Psu),
                runs("PowerSupply2", "Power supply 2", Psu),
            ],
            Self::Hpe => vec![
                runs("1", "iLO 5", Bmc),
                runs("2", "System ROM", Bios),
                runs("6", "Power Supply Firmware", Psu),
                runs("7", "Power Supply Firmware", Psu),
                copy("8", "Redundant System ROM", Bios),
                runs("13", "10/25Gb 2-port SFP28 BCM57414 OCP3 Adapter", Nic),
            ],
            Self::Openbmc => vec![
                runs("BMC_Firmware", "Software Inventory", Bmc),
                runs("DPU_UEFI", "UEFI image", Bios),
                runs("DPU_NIC", "NIC image", Nic),
                runs("powersupply0", "Software Inventory", Psu),
                runs("powersupply1", "Software Inventory", Psu),
            ],
            Self::Generic => vec![
                runs("BMC", "BMC", Bmc),
                runs("BIOS", "BIOS", Bios),
                runs("NIC1", "Network adapter 1", Nic),
                runs("PSU1", "Power supply 1", Psu),
                runs("PSU2", "Power supply 2", Psu),
            ],
        }
    }
}
