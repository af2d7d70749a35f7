//! What a BMC answers over Redfish, one document a line: service root, UpdateService, systems, managers, inventory, tasks.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: &[u8]| pious_redfish::fuzz::read(lines));
