//! A capture file, pcap or pcapng, and the LLDP in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_agent::{capture, facts::lldp};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(capture) = capture::read(bytes) {
        for frame in &capture.frames {
            let _ = lldp::decode(frame.bytes);
        }
    }
});
