//! Names for things, as text.

use pious_protocol::ids::{AssetId, BootId, Generation, MacAddress, MacAddressError};
use proptest::prelude::*;

#[test]
fn a_mac_address_is_written_in_one_way_and_read_in_several() {
    let mac = MacAddress([0x52, 0x54, 0x00, 0xab, 0xcd, 0xef]);
    assert_eq!(mac.to_string(), "52:54:00:ab:cd:ef");
    for text in ["52:54:00:ab:cd:ef", "52-54-00-AB-CD-EF", "52:54:00:AB:cd:EF"] {
        assert_eq!(text.parse(), Ok(mac), "{text}");
    }
}

#[test]
fn text_that_is_no_mac_address_is_named_in_the_error() {
    for text in [
        "",
        "52",
        "52:54:00:ab:cd",
        "52:54:00:ab:cd:ef:00",
        "52:54:00:ab:cd:eg",
        "52:54:0:ab:cd:ef",
        "+1:54:00:ab:cd:ef",
        "525400abcdef",
        "52:54:00:ab:cd:ef ",
    ] {
        assert_eq!(text.parse::<MacAddress>(), Err(MacAddressError(text.into())));
    }
    assert_eq!(
        MacAddressError("x".into()).to_string(),
        "\"x\" is not a MAC address; write six hex octets, as in 52:54:00:12:34:56"
    );
}

#[test]
fn only_global_unicast_addresses_name_one_interface_of_the_world() {
    for (text, global) in [
        ("b0:7b:25:00:00:01", true),
        ("52:54:00:00:00:01", false),
        ("01:80:c2:00:00:0e", false),
        ("00:00:00:00:00:00", false),
        ("ff:ff:ff:ff:ff:ff", false),
    ] {
        assert_eq!(text.parse::<MacAddress>().unwrap().is_global_unicast(), global, "{text}");
    }
}

#[test]
fn ids_travel_as_bare_values() {
    let text = "0197b0a0-0000-7000-8000-00000000000a";
    assert_eq!(serde_json::to_string(&text.parse::<AssetId>().unwrap()).unwrap(), format!("\"{text}\""));
    assert!("nonsense".parse::<BootId>().is_err());
    assert_eq!(serde_json::to_string(&Generation(1).next()).unwrap(), "2");
}

proptest! {
    #[test]
    fn a_mac_address_reads_back(octets in any::<[u8; 6]>()) {
        let mac = MacAddress(octets);
        prop_assert_eq!(mac.to_string().parse(), Ok(mac));
        prop_assert_eq!(mac.to_string().to_uppercase().replace(':', "-").parse(), Ok(mac));
        let json = serde_json::to_string(&mac).unwrap();
        prop_assert_eq!(serde_json::from_str::<MacAddress>(&json).unwrap(), mac);
    }

    #[test]
    fn arbitrary_text_never_panics_and_what_is_read_is_what_it_says(text in "\\PC{0,24}|[0-9a-fA-F:-]{15,19}") {
        if let Ok(mac) = text.parse::<MacAddress>() {
            prop_assert_eq!(mac.to_string(), text.to_lowercase().replace('-', ":"));
        }
    }
}

#[test]
fn a_short_boot_id_tells_its_time_and_nothing_that_is_hard_to_guess() {
    let boot: BootId = "01a20787-d393-7017-8015-de9a3f134619".parse().unwrap();
    assert_eq!(boot.short(), "01a20787-d393");
}
