//! What the machine is, read through one small trait: bytes in, typed facts out.
