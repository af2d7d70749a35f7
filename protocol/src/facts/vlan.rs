//! VLANs on one link: the native one, the tagged ones, and which of them lead to a DHCP server. Where untagged DHCP was
//! answered the provisioning VLAN works; where it was in vain and a tagged VLAN answered, the port is wired for that one.

use super::VlanName;
use serde::{Deserialize, Serialize};

/// What was learnt of VLANs on one link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Vlan {
    /// The native VLAN that the neighbour announces (IEEE 802.1Q Annex D.2.1, Port VLAN ID).
    pub announced_native: Option<u16>,
    /// The VLANs that the neighbour announces by name (Annex D.2.3), sorted.
    pub announced: Vec<VlanName>,
    /// 802.1Q tags seen on the wire, sorted.
    pub tags_seen: Vec<u16>,
    /// Whether a DHCP server answered untagged.
    pub dhcp_answers_untagged: bool,
    /// The tagged VLANs on which a DHCP server answered, sorted. They are asked only while untagged DHCP is in vain, and
    /// a few of them only: what is lacking here was not answered, or not asked.
    pub dhcp_answers_tagged: Vec<u16>,
}
