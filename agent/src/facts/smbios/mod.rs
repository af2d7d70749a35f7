//! SMBIOS (DMTF DSP0134).
use super::Host;
use pious_protocol::facts::{Observed, Smbios};
pub(super) fn read(_host: &dyn Host) -> Observed<Smbios> {
    Observed::default()
}
