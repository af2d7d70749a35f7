//! Who the BMC is.

use super::{
    command::Command,
    conversation::{Conversation, first},
    error::IpmiError,
    hex,
};
use ipmi_rs::app::DeviceId;
use pious_protocol::facts::{BmcDevice, Gaps};

pub(super) fn read(bmc: &mut Conversation) -> Result<BmcDevice, IpmiError> {
    let device = decode(&bmc.ask(Command::GetDeviceId, &[])?)?;
    // Optional in the standard; a BMC without one is a BMC still.
    let guid = bmc.ask(Command::GetSystemGuid, &[]).and_then(|answer| first::<16>(Command::GetSystemGuid, &answer));
    let mut gaps = Gaps::default();
    let guid = gaps.keep("system_guid", guid.map_err(|error| error.to_string()));
    Ok(BmcDevice { system_guid: guid.map(|guid| hex(&guid)), gaps, ..device })
}

fn decode(answer: &[u8]) -> Result<BmcDevice, IpmiError> {
    let command = Command::GetDeviceId;
    let [_, _, _, minor, ..] = first::<11>(command, answer)?;
    let id = DeviceId::from_data(answer).ok_or(IpmiError::Short { command, got: answer.len(), needed: 11 })?;
    Ok(BmcDevice {
        device_id: id.device_id,
        revision: id.device_revision,
        // The minor part is BCD, and hexadecimal with makers who count on past 9: as every tool prints it.
        firmware_version: format!("{}.{minor:02x}", id.major_fw_revision),
        auxiliary_firmware: id.aux_revision.map(|bytes| hex(&bytes)),
        ipmi_version: format!("{}.{}", id.major_version, id.minor_version),
        manufacturer_id: id.manufacturer_id,
        product_id: id.product_id,
        is_updating: !id.device_available,
        system_guid: None,
        gaps: Gaps::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example's values are its own; the layout is that of IPMI 2.0 table 20-2.
    const ANSWER: [u8; 15] = [0x20, 0x81, 0x02, 0x10, 0x02, 0xbf, 0xa2, 0x02, 0x00, 0x00, 0x01, 0xde, 0xad, 0xbe, 0xef];

    #[test]
    fn a_device_id_is_told_as_tools_print_it() {
        let expected = BmcDevice {
            device_id: 0x20,
            revision: 1,
            firmware_version: "2.10".into(),
            auxiliary_firmware: Some("deadbeef".into()),
            ipmi_version: "2.0".into(),
            manufacturer_id: 674,
            product_id: 0x100,
            is_updating: false,
            system_guid: None,
            gaps: Gaps::default(),
        };
        assert_eq!(decode(&ANSWER).expect("an answer"), expected);
        let mut updating = ANSWER;
        updating[2] |= 0x80;
        let updating = decode(&updating[..11]).expect("without the auxiliary bytes");
        assert_eq!(updating, BmcDevice { is_updating: true, auxiliary_firmware: None, ..expected });
        let short = decode(&ANSWER[..10]).expect_err("too short").to_string();
        assert_eq!(short, "the BMC's answer to GET DEVICE ID is 10 bytes; at least 11 are needed");
    }

    proptest! {
        #[test]
        fn garbage_does_not_panic(answer: Vec<u8>) {
            let _ = decode(&answer);
        }
    }
}
