//! A server's BMC, as the rack file describes it.

use super::{RackError, RedfishSpec};
use pious_protocol::ids::MacAddress;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{fmt, net::Ipv4Addr, str::FromStr};

/// A BMC that the server's operating system can ask (IPMI).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BmcSpec {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its MAC; Senzu is told of it too.
    pub mac: MacAddress,
    /// Its network's mask.
    #[serde(default = "class_c")]
    pub mask: Ipv4Addr,
    /// Its gateway.
    #[serde(default)]
    pub gateway: Option<Ipv4Addr>,
    /// The VLAN that it tags its frames with; none: untagged.
    #[serde(default)]
    pub vlan: Option<u16>,
    /// Whether it has its address from DHCP.
    #[serde(default)]
    pub dhcp: bool,
    /// Its firmware.
    pub firmware: FirmwareVersion,
    /// The serial in the record of the board that it is on (FRU 0).
    #[serde(default)]
    pub fru_serial: Option<String>,
    /// What it measures.
    #[serde(default)]
    pub sensors: Vec<SensorSpec>,
    /// Power supplies that it has a presence sensor for.
    #[serde(default)]
    pub power_supplies: Vec<PowerSupplySpec>,
    /// Its Redfish service, if it has one.
    #[serde(default)]
    pub redfish: Option<RedfishSpec>,
}

fn class_c() -> Ipv4Addr {
    Ipv4Addr::new(255, 255, 255, 0)
}

/// A BMC's firmware, `major.minor`, as GET DEVICE ID tells it: IPMI 2.0 §20.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirmwareVersion {
    /// Up to 127.
    pub major: u8,
    /// Up to 99.
    pub minor: u8,
}

impl FromStr for FirmwareVersion {
    type Err = RackError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version = text.split_once('.').and_then(|(major, minor)| {
            // Two digits: 2.1 would be told as 2.01.
            let minor = minor.parse().ok().filter(|_| minor.len() == 2)?;
            Some(Self { major: major.parse().ok().filter(|major| *major < 0x80)?, minor })
        });
        version.ok_or_else(|| RackError::BadFirmwareVersion(text.to_owned()))
    }
}

impl fmt::Display for FirmwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.major, self.minor)
    }
}

impl<'de> Deserialize<'de> for FirmwareVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// One sensor of a BMC.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorSpec {
    /// What it is called, e.g. `Inlet Temp`.
    pub name: String,
    /// What it measures.
    pub kind: Measure,
    /// What it reads, in thousandths of the unit.
    pub milli: u32,
    /// Above this it is critical.
    #[serde(default)]
    pub critical_high_milli: Option<u32>,
    /// Below this it is critical.
    #[serde(default)]
    pub critical_low_milli: Option<u32>,
}

/// What a BMC's sensor measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Degrees Celsius.
    Temperature,
    /// Volts.
    Voltage,
    /// Revolutions per minute.
    Fan,
    /// Watts.
    Power,
}

impl Measure {
    /// How many thousandths one step of the sensor's byte is.
    pub fn step_milli(self) -> u32 {
        match self {
            Self::Temperature => 1_000,
            Self::Voltage => 100,
            Self::Fan => 100_000,
            Self::Power => 10_000,
        }
    }

    /// The sensor's byte for so many thousandths; `None` for what it can't read exactly.
    pub fn byte(self, milli: u32) -> Option<u8> {
        let step = self.step_milli();
        u8::try_from(milli / step).ok().filter(|_| milli.is_multiple_of(step))
    }
}

/// One power supply of a BMC's server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerSupplySpec {
    /// What its sensor is called, e.g. `PS1 Status`.
    pub name: String,
    /// How it is.
    #[serde(default)]
    pub state: PowerSupplyState,
}

/// How a power supply is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PowerSupplyState {
    /// In its place, and well.
    #[default]
    Present,
    /// Not in its place.
    Absent,
    /// In its place, and broken.
    Failed,
    /// In its place, and nobody plugged its cord.
    NoInput,
    /// Its sensor gives no reading.
    Unknown,
}
