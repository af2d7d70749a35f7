//! The first line of the lab's images, which says what each is for: in one piece, and as it comes in.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pious_lab::bmc::image::{Incoming, Label};

fuzz_target!(|image: &[u8]| {
    let mut incoming = Incoming::default();
    image.chunks(7).for_each(|piece| incoming.take(piece));
    let received = incoming.finish();
    assert_eq!(received.label, Label::parse(image));
    assert_eq!(received.bytes, image.len() as u64);
});
