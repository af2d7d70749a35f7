//! Firmware: what a server has of it, how a new one gets there, and what is known of that on the way.
//!
//! What differs between vendors is data here ([`FlashRecipe`]); it comes from Senzu with each instruction, so that an
//! agent knows no vendor.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of a server that has firmware of its own. Several parts of one kind (two NICs of one model) have one version
/// together: the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FirmwareComponent {
    /// The management controller.
    Bmc,
    /// The host's firmware: BIOS or UEFI.
    Bios,
    /// Network cards.
    Nic,
    /// Power supplies.
    Psu,
    /// Disks.
    Drive,
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

impl FirmwareComponent {
    /// Those that this build knows, in the order in which they are updated: a BMC writes what comes behind it.
    pub const ORDER: [Self; 5] = [Self::Bmc, Self::Bios, Self::Nic, Self::Psu, Self::Drive];

    /// As the wire writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bmc => "bmc",
            Self::Bios => "bios",
            Self::Nic => "nic",
            Self::Psu => "psu",
            Self::Drive => "drive",
            Self::Unknown => "unknown",
        }
    }

    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Bmc => "BMC",
            Self::Bios => "BIOS",
            Self::Nic => "NIC",
            Self::Psu => "PSU",
            Self::Drive => "drive",
            Self::Unknown => "unknown component",
        }
    }
}

impl fmt::Display for FirmwareComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

impl std::str::FromStr for FirmwareComponent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ORDER.into_iter().find(|component| component.name().eq_ignore_ascii_case(text));
        known.ok_or_else(|| {
            let names = Self::ORDER.map(Self::name).join(", ");
            format!("there is no firmware component {text:?}; known are {names}")
        })
    }
}

/// What a component runs now, as it was read from the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstalledFirmware {
    /// The component.
    pub component: FirmwareComponent,
    /// The version; of several parts, the oldest.
    pub version: String,
    /// Where it was read, for people: `FirmwareInventory/BMC`, `SMBIOS type 0`.
    pub source: String,
}

/// Where a component's version is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum VersionSource {
    /// The members of the BMC's FirmwareInventory (DSP2046, SoftwareInventory) whose id and name match. `*` stands for any
    /// text; what is not given matches anything.
    Inventory {
        /// Of `Id`.
        #[serde(default)]
        id: Option<String>,
        /// Of `Name`.
        #[serde(default)]
        name: Option<String>,
    },
    /// `FirmwareVersion` of the Manager that manages the system.
    Manager,
    /// `BiosVersion` of the ComputerSystem.
    System,
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

/// How one component of one vendor's machines gets its firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlashRecipe {
    /// Its name, for people.
    pub name: String,
    /// Where the version is read, before and after.
    pub version: VersionSource,
    /// How the BMC gets the image.
    pub transfer: Transfer,
    /// Whether the BMC is told which of its inventory's members the image is for (`Targets`).
    #[serde(default)]
    pub names_targets: bool,
    /// When the BMC shall apply it (`@Redfish.OperationApplyTime`), in Redfish's own words; `None`: the BMC decides.
    #[serde(default)]
    pub apply_time: Option<String>,
    /// Whether the BMC is restarted before it gets the image: some have no room for it otherwise.
    #[serde(default)]
    pub resets_bmc_before: bool,
    /// What makes the new version run.
    pub activation: Activation,
    /// How long the BMC's task may take.
    pub flash_within_s: u32,
    /// How long the BMC may be away when it restarts.
    #[serde(default = "bmc_back_within_s")]
    pub bmc_back_within_s: u32,
}

/// How long a BMC may be away where a recipe says nothing: from its reset to its first answer most take between one minute
/// and two.
pub const BMC_BACK_WITHIN_S: u32 = 120;

const fn bmc_back_within_s() -> u32 {
    BMC_BACK_WITHIN_S
}

/// How an image gets to what writes it: a BMC, but for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// `MultipartHttpPushUri`: DSP0266 §"Software update".
    MultipartPush,
    /// `HttpPushUri`, which DMTF has deprecated and the field has not.
    HttpPush,
    /// `UpdateService.SimpleUpdate`: the BMC fetches it itself.
    SimpleUpdate,
    /// The agent writes it itself, to NVMe disks: Firmware Image Download and Firmware Commit (NVM Express Base 2.0 §5.13,
    /// §5.12).
    Nvme,
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

/// What makes a version that was written run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nothing: the component (a BMC: by restarting itself) sees to it.
    Itself,
    /// The BMC must be told to restart.
    BmcReset,
    /// The server must be restarted; the version is read after that, by another boot session.
    HostReset,
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

/// An image, and what proves that it is the one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Artifact {
    /// Where it is: a URL, or a path on whichever Senzu the agent speaks to. A BMC that fetches it itself needs a URL.
    pub url: String,
    /// How long it is.
    pub size_bytes: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
    /// The operator's signature: the whole text of a minisign signature file, prehashed.
    pub signature: String,
}

/// How far a component's update is. The order is the one they come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FlashPhase {
    /// Whether it may begin at all: nothing has changed.
    Checking,
    /// The image is fetched and proved: nothing has changed.
    Fetching,
    /// The BMC gets the image. An agent goes on to it only once Senzu has taken its report of this phase: Senzu's 204 is
    /// the last permission, its 409 takes it back.
    HandingOver,
    /// The BMC writes it.
    Flashing,
    /// The BMC restarts.
    Restarting,
    /// The version is read.
    ReadingBack,
    /// Something newer than this build.
    #[serde(other)]
    Unknown,
}

/// How a BMC is got at, for one instruction. Senzu stores no password, and an agent forgets it with the instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BmcAccess {
    /// Host or `host:port`, by Senzu's record; the agent asks its own machine first.
    #[serde(default)]
    pub address: Option<String>,
    /// The user.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// SHA-256 of the certificate that the BMC must show (the whole DER), lower-case hex; `None`: none was seen yet, and
    /// the one that is shown is reported.
    #[serde(default)]
    pub certificate_sha256: Option<String>,
}

/// Something that is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For the one who must know it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bmc_may_be_away_for_two_minutes_where_a_recipe_says_nothing() {
        let recipe = r#"{"name": "Acme", "version": {"from": "manager"}, "transfer": "http_push", "activation": "itself",
            "flash_within_s": 60}"#;
        let silent: FlashRecipe = serde_json::from_str(recipe).unwrap();
        assert_eq!(silent.bmc_back_within_s, 120);
        let said = recipe.replace("60}", "60, \"bmc_back_within_s\": 40}");
        assert_eq!(serde_json::from_str::<FlashRecipe>(&said).unwrap().bmc_back_within_s, 40);
    }

    #[test]
    fn a_component_is_found_by_its_name_or_the_names_are_said() {
        assert_eq!("BMC".parse(), Ok(FirmwareComponent::Bmc));
        let refused = "toaster".parse::<FirmwareComponent>();
        assert_eq!(
            refused,
            Err("there is no firmware component \"toaster\"; known are bmc, bios, nic, psu, drive".into())
        );
    }

    #[test]
    fn a_secret_is_not_shown() {
        let access = BmcAccess {
            address: None,
            user: "pious".into(),
            password: Secret::new("hunter2"),
            certificate_sha256: None,
        };
        assert!(!format!("{access:?}").contains("hunter2"));
    }
}
