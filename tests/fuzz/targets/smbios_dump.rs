//! An SMBIOS dump, and the same bytes as a table behind an entry point.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::facts::smbios;

fuzz_target!(|bytes: &[u8]| {
    let _ = smbios::decode_dump(bytes);
    // The entry point of 64 bits is 24 bytes long (DSP0134 3.7 §5.2.2); what follows is the table.
    if let Some((entry, table)) = bytes.split_at_checked(24) {
        let _ = smbios::decode_pair(entry, table);
    }
});
