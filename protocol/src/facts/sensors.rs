//! Sensors: hwmon's and the BMC's.

use serde::{Deserialize, Serialize};

/// One sensor and what it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Sensor {
    /// Whose it is: the hwmon chip (`coretemp`; `nvme nvme1` where several have the name), or `bmc`.
    pub chip: String,
    /// What it is called, e.g. `Package id 0`, `Inlet Temp`.
    pub name: String,
    /// What it measures.
    pub kind: SensorKind,
    /// In thousandths of its kind's unit; `None` for one that gives no reading now.
    pub value_milli: Option<i64>,
    /// The limits that it knows, in thousandths of the unit: above or below them is critical.
    pub critical_high_milli: Option<i64>,
    /// As above.
    pub critical_low_milli: Option<i64>,
    /// What the sensor's owner says of the reading: `ok`, `non_critical`, `critical`, `non_recoverable`, `no_reading`, or
    /// a discrete sensor's own words.
    pub state: Option<String>,
}

/// What a sensor measures, and its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SensorKind {
    /// Degrees Celsius.
    Temperature,
    /// Volts.
    Voltage,
    /// Amperes.
    Current,
    /// Watts.
    Power,
    /// Revolutions per minute.
    Fan,
    /// Per cent.
    Percentage,
    /// States, no measure.
    Discrete,
    /// Something else.
    #[default]
    #[serde(other)]
    Other,
}
