//! An Ethernet frame that may be LLDP, decoded and kept.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::facts::lldp::{self, Table};
use std::time::Duration;

fuzz_target!(|bytes: &[u8]| {
    let mut table = Table::new();
    let now = Duration::from_secs(1);
    match lldp::decode(bytes) {
        Ok(lldpdu) => {
            let lasts = lldpdu.neighbour.ttl_s > 0;
            table.heard(lldpdu, now);
            assert_eq!(!table.neighbours(now).heard().is_empty(), lasts);
        }
        Err(error) => table.refused(error, now),
    }
    table.announced_vlans();
    table.silent_reason(now);
});
