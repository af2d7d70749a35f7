//! The management controller, as its host sees it: IPMI 2.0 over the system interface.

use super::{Gaps, Observed, Sensor};
use crate::ids::MacAddress;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A management controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Bmc {
    /// Who it is.
    pub device: Observed<BmcDevice>,
    /// Its network, by channel.
    pub lan: Observed<Vec<BmcLan>>,
    /// The parts that it has a record of.
    pub frus: Observed<Vec<FieldReplaceableUnit>>,
    /// The system event log.
    pub event_log: Observed<EventLog>,
    /// Its sensors.
    pub sensors: Observed<Vec<Sensor>>,
    /// The chassis.
    pub chassis: Observed<ChassisStatus>,
    /// Power supplies that it has a presence sensor for.
    pub power_supplies: Observed<Vec<BmcPowerSupply>>,
}

/// Who a BMC is: Get Device ID, IPMI 2.0 §20.1, and Get System GUID, §22.14.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct BmcDevice {
    pub device_id: u8,
    pub revision: u8,
    /// Major and minor, as `2.10`.
    pub firmware_version: String,
    /// The four bytes behind it, as hex; what they mean is the maker's.
    pub auxiliary_firmware: Option<String>,
    pub ipmi_version: String,
    /// IANA's private enterprise number.
    pub manufacturer_id: u32,
    pub product_id: u16,
    /// Whether it updates its firmware now, and so tells little.
    pub is_updating: bool,
    /// As hex, in the order of the wire: makers differ in the byte order.
    pub system_guid: Option<String>,
    /// What the BMC does not tell, and why.
    pub gaps: Gaps,
}

/// One LAN channel: Get LAN Configuration Parameters, IPMI 2.0 §23.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct BmcLan {
    pub channel: u8,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub address: Option<IpAddr>,
    /// `static`, `dhcp`, `bios`, `other`, `unspecified`.
    pub address_source: Option<String>,
    pub mac: Option<MacAddress>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub subnet_mask: Option<IpAddr>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub gateway: Option<IpAddr>,
    pub gateway_mac: Option<MacAddress>,
    /// `None` where it is untagged.
    pub vlan: Option<u16>,
    /// What the BMC does not tell, and why.
    pub gaps: Gaps,
}

/// A field replaceable unit: IPMI FRU Information Storage Definition 1.3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct FieldReplaceableUnit {
    /// The FRU device id.
    pub id: u8,
    pub name: Option<String>,
    pub chassis_part_number: Option<String>,
    pub chassis_serial: Option<String>,
    pub board_manufacturer: Option<String>,
    pub board_product: Option<String>,
    pub board_serial: Option<String>,
    pub board_part_number: Option<String>,
    pub product_manufacturer: Option<String>,
    pub product_name: Option<String>,
    pub product_part_number: Option<String>,
    pub product_version: Option<String>,
    pub product_serial: Option<String>,
    pub product_asset_tag: Option<String>,
    /// The areas (`chassis`, `board`, `product`) that are there and can't be read, and why.
    pub gaps: Gaps,
}

/// The system event log: IPMI 2.0 §31.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct EventLog {
    /// How many entries it holds.
    pub entries: u32,
    /// What is left.
    pub free_bytes: Option<u32>,
    /// Whether entries were lost for want of space.
    pub overflowed: bool,
    /// The latest ones, the oldest of them first.
    pub latest: Vec<EventLogEntry>,
}

/// One entry of the event log: IPMI 2.0 §32.1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct EventLogEntry {
    /// Its record id.
    pub id: u16,
    /// When, by the BMC's clock, in seconds since 1970; `None` for one without a time, or from before the clock was set.
    pub at_unix_s: Option<u64>,
    /// What the sensor is, e.g. `Temperature`, `Power Supply`, `Memory`.
    pub sensor: String,
    /// The sensor's number.
    pub sensor_number: u8,
    /// What the sensor is called, e.g. `PS2 Status`, where the BMC has a record of it.
    pub name: Option<String>,
    /// What happened, in words where the standard has them.
    pub event: String,
    /// Whether it says that something began (asserted) or ended.
    pub asserted: bool,
    /// Whether it tells of a failure that needs somebody's hand.
    pub critical: bool,
}

/// The chassis: Get Chassis Status, IPMI 2.0 §28.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct ChassisStatus {
    pub power_on: bool,
    pub power_overload: bool,
    pub power_fault: bool,
    pub power_control_fault: bool,
    /// `always_off`, `previous`, `always_on`, `unknown`.
    pub restore_policy: String,
    pub intrusion: bool,
    pub drive_fault: bool,
    pub cooling_fault: bool,
    /// `off`, `timed_on`, `on`; `None` where it is not told.
    pub identify: Option<String>,
}

/// A power supply, as the BMC's presence sensor sees it: IPMI 2.0 §42.2, sensor type 08h. Where the sensor gives no
/// reading, all is `false`, and the gap `present` says why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
#[allow(missing_docs)]
pub struct BmcPowerSupply {
    /// The sensor's name, e.g. `PS1 Status`.
    pub name: String,
    pub present: bool,
    pub failed: bool,
    pub predictive_failure: bool,
    pub input_lost: bool,
    /// Why nothing is known of it.
    pub gaps: Gaps,
}
