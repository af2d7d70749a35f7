//! What an NVMe controller says of itself and of its health. Bytes in; NVM Express Base 2.0 (all fields little-endian).

use super::bytes::{u16_le, u32_le, u128_le};
use pious_protocol::facts::{DiskHealth, NvmeController};

/// SMART's temperature is in kelvins, with 0 for "not told" (§5.16.1.3, figure 207).
const ZERO_CELSIUS_KELVIN: i32 = 273;

/// One data unit of SMART: a thousand blocks of 512 bytes.
const DATA_UNIT_BYTES: u64 = 512_000;

/// The critical warning's bits, in order (figure 207, byte 0).
const WARNINGS: [&str; 6] = [
    "available spare below threshold",
    "temperature over or under threshold",
    "reliability degraded by media or internal errors",
    "media in read-only mode",
    "volatile memory backup failed",
    "persistent memory region read-only or unreliable",
];

/// Identify Controller (§5.17.2.1, figure 275); `None` where the structure is cut short.
pub(super) fn identify(bytes: &[u8]) -> Option<NvmeController> {
    let version = u32_le(bytes, 80)?;
    let firmware = *bytes.get(260)?;
    let capacity = u128_le(bytes, 280)?;
    Some(NvmeController {
        pci_vendor_id: u16_le(bytes, 0)?,
        pci_subsystem_vendor_id: u16_le(bytes, 2)?,
        controller_id: u16_le(bytes, 78)?,
        version: format!("{}.{}.{}", version >> 16, (version >> 8) & 0xff, version & 0xff),
        // 0 where namespaces can't be managed.
        total_capacity_bytes: u64::try_from(capacity).ok().filter(|bytes| *bytes != 0),
        namespaces: u32_le(bytes, 516)?,
        firmware_slots: (firmware >> 1) & 0b111,
        activates_without_reset: firmware & (1 << 4) != 0,
    })
}

/// SMART / Health Information (§5.16.1.3, figure 207); `None` where the page is cut short.
pub(super) fn smart(bytes: &[u8]) -> Option<DiskHealth> {
    let warning = *bytes.first()?;
    let kelvin = i32::from(u16_le(bytes, 1)?);
    let count = |offset| u128_le(bytes, offset).map(|count| u64::try_from(count).unwrap_or(u64::MAX));
    let units = |offset| count(offset).map(|units| units.saturating_mul(DATA_UNIT_BYTES));
    let bits = (0..u8::BITS).filter(|bit| warning & (1 << bit) != 0);
    let words = |bit: u32| match WARNINGS.get(bit as usize) {
        Some(words) => (*words).to_owned(),
        None => format!("critical warning bit {bit}"),
    };
    Some(DiskHealth {
        passed: Some(warning == 0),
        warnings: bits.map(words).collect(),
        temperature_celsius: (kelvin != 0).then_some(kelvin - ZERO_CELSIUS_KELVIN),
        spare_percent: Some(u32::from(*bytes.get(3)?)),
        spare_threshold_percent: Some(u32::from(*bytes.get(4)?)),
        wear_percent: Some(u32::from(*bytes.get(5)?)),
        read_bytes: Some(units(32)?),
        written_bytes: Some(units(48)?),
        power_cycles: Some(count(112)?),
        power_on_hours: Some(count(128)?),
        unsafe_shutdowns: Some(count(144)?),
        media_errors: Some(count(160)?),
        ..DiskHealth::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A structure of zeros, with these bytes at these offsets.
    fn page(length: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut page = vec![0; length];
        for (offset, bytes) in parts {
            page[*offset..*offset + bytes.len()].copy_from_slice(bytes);
        }
        page
    }

    #[test]
    fn a_controller_of_two_namespaces() {
        let identify_page = page(
            4096,
            &[
                (0, &[0x4d, 0x14, 0x28, 0x10]),
                (78, &[5, 0]),
                (80, &[0, 4, 1, 0]),
                (260, &[0b1_0110]),
                (280, &[0, 0, 0, 0, 0xfc, 3]),
                (516, &[2, 0, 0, 0]),
            ],
        );
        let expected = NvmeController {
            pci_vendor_id: 0x144d,
            pci_subsystem_vendor_id: 0x1028,
            controller_id: 5,
            version: "1.4.0".into(),
            total_capacity_bytes: Some(0x03fc_0000_0000),
            namespaces: 2,
            firmware_slots: 3,
            activates_without_reset: true,
        };
        assert_eq!(identify(&identify_page), Some(expected));
        assert_eq!(identify(&identify_page[..519]), None);
    }

    #[test]
    fn a_worn_disk_warns_by_the_standards_words() {
        let smart_page = page(
            512,
            &[
                (0, &[0b1000_1001]),
                (1, &[0x3a, 0x01]),
                (3, &[9, 10, 103]),
                (32, &[2]),
                (48, &[0, 1]),
                (112, &[17]),
                (128, &[0x10, 0x27]),
                (144, &[3]),
                (160, &[0xff; 16]),
            ],
        );
        let expected = DiskHealth {
            passed: Some(false),
            warnings: ["available spare below threshold", "media in read-only mode", "critical warning bit 7"]
                .map(str::to_owned)
                .into(),
            temperature_celsius: Some(41),
            power_on_hours: Some(10_000),
            power_cycles: Some(17),
            unsafe_shutdowns: Some(3),
            wear_percent: Some(103),
            spare_percent: Some(9),
            spare_threshold_percent: Some(10),
            media_errors: Some(u64::MAX),
            read_bytes: Some(1_024_000),
            written_bytes: Some(131_072_000),
            ..DiskHealth::default()
        };
        assert_eq!(smart(&smart_page), Some(expected));
    }

    #[test]
    fn no_temperature_is_not_273_degrees_of_frost() {
        let health = smart(&[0; 512]).expect("a page");
        assert_eq!((health.temperature_celsius, health.passed), (None, Some(true)));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            prop_assert_eq!(identify(&bytes).is_some(), bytes.len() >= 520);
            prop_assert_eq!(smart(&bytes).is_some(), bytes.len() >= 176);
        }
    }
}
