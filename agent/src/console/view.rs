//! The view model: what there is to show, and nothing about how.
//!
//! It is what `/v1/status` answers, and what `pious-agent console --demo` reads: a member that a recording lacks has its
//! default, one that is newer than this build is left out.

mod hardware;
mod of_state;

pub use hardware::Hardware;
pub use of_state::Surroundings;

use crate::{facts::Part, journal::Entries};
use pious_protocol::{
    facts::{Dhcp, Link},
    finding::Finding,
    message::{AssetState, Evaluation, TimelineEntry},
};
use serde::{Deserialize, Serialize};

/// Everything that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// The agent's version.
    pub version: String,
    /// The boot session.
    pub boot_id: String,
    /// The asset's name by Senzu's word; before that, what PXE called it.
    pub asset: Option<String>,
    /// Whether Senzu said who this is in this boot.
    pub is_confirmed: bool,
    /// The asset's state.
    pub state: Option<AssetState>,
    /// How its evaluation stands.
    pub evaluation: Option<Evaluation>,
    /// The bean it is at.
    pub step: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The machine in one line: manufacturer, product, serial, firmware mode.
    pub machine: String,
    /// Senzu.
    pub senzu: SenzuReach,
    /// Where Senzu is looked for.
    pub senzu_url: String,
    /// Every physical NIC.
    pub nics: Vec<NicView>,
    /// Whether links are only just coming up, so that one without its other end is not yet one without a cable.
    pub links_settle: bool,
    /// Everything that is not a pass, worst first.
    pub findings: Vec<Finding>,
    /// How many checks passed.
    pub passed: usize,
    /// Whether there is a judgement at all.
    pub judged: Judged,
    /// Where the agent's own server answers.
    pub agent_urls: Vec<String>,
    /// What people must know besides.
    pub warnings: Vec<String>,
    /// Firmware files that drivers may ask for and that the image lacks.
    pub missing_firmware: Vec<String>,
    /// Work that must not be disturbed.
    pub busy: Option<Busy>,
    /// Work that changes nothing yet, or nothing that a power-off could break.
    pub work: Option<Busy>,
    /// The machine is going down.
    pub ending: Option<String>,
    /// The one next action.
    pub next: String,
    /// The moments of this boot.
    pub timeline: Vec<TimelineEntry>,
    /// This server's page in Senzu, once Senzu has said who this is.
    pub senzu_page: Option<String>,
    /// How long ago that was read which tells of no change by itself.
    pub ages: Vec<Age>,
    /// What the pages show of the hardware.
    pub facts: Hardware,
    /// The end of the agent's log, the oldest first.
    pub log: Entries,
}

/// Whether there is a judgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// There is.
    Yes,
    /// Not yet: drivers load.
    #[default]
    DriversLoad,
    /// Not yet: Senzu has not said what is expected.
    NothingExpected,
}

/// Whether Senzu answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reach")]
pub enum SenzuReach {
    /// Not asked yet, and why.
    Untried {
        /// Why.
        why: String,
    },
    /// It answers.
    Answers,
    /// It does not.
    Fails {
        /// How.
        why: String,
        /// For how long.
        for_s: u64,
        /// When it is tried again.
        retry_in_s: u64,
    },
}

impl Default for SenzuReach {
    fn default() -> Self {
        Self::Untried { why: String::new() }
    }
}

/// When a part of the facts was last read, of those that tell of no change by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    /// The part.
    pub part: Part,
    /// How long ago, in seconds; rounded down to whole minutes.
    pub age_s: u64,
}

/// One NIC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NicView {
    /// The kernel's name.
    pub name: String,
    /// Its lasting address.
    pub mac: Option<String>,
    /// Where people find it: the slot, or the onboard port.
    pub location: Option<String>,
    /// Whether the link works.
    pub link: Link,
    /// Negotiated speed.
    pub speed_mbps: Option<u32>,
    /// The native VLAN that the neighbour announces.
    pub native_vlan: Option<u16>,
    /// Other VLANs: announced by name, or seen as tags.
    pub other_vlans: Vec<u16>,
    /// The neighbours heard.
    pub neighbours: Vec<Neighbour>,
    /// Why none was heard.
    pub silence: Option<String>,
    /// Addresses.
    pub addresses: Vec<String>,
    /// DHCP's progress.
    pub dhcp: Dhcp,
}

/// The other end of a cable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Neighbour {
    /// The switch's name.
    pub switch: String,
    /// Its port.
    pub port: String,
}

/// Work under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Busy {
    /// What is going on.
    pub words: String,
    /// How far.
    pub percent: Option<u8>,
}
