//! What Senzu expects of an asset: a hardware profile (from the purchase order), a cabling plan, and the network that its
//! BMC belongs in.

mod cabling;
mod profile;
mod words;

pub use cabling::{CablingPlan, ManagementNetwork, PlannedLink};
pub use profile::{
    BmcProfile, CpuProfile, DimmProfile, DiskProfile, FirmwareProfile, HardwareProfile, HealthProfile, MemoryProfile,
    NicKindProfile, NicProfile, PciProfile, PowerProfile, TpmProfile,
};

use serde::{Deserialize, Serialize};

/// All that is expected of one asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Expectation {
    /// The hardware; `None`: nobody said, so hardware is judged unknown.
    pub profile: Option<HardwareProfile>,
    /// The cables; `None`: nobody said, so cabling is judged unknown.
    pub cabling: Option<CablingPlan>,
    /// Where its BMC is reached; `None`: nobody said, so its address is not judged.
    pub management: Option<ManagementNetwork>,
}
