//! The protocol from outside: what implementers of either end rely on. One binary, because linking is what costs.

mod cases;
mod envelope;
mod forward;
mod golden;
mod identity;
mod ids;
mod sample;
mod verify_cables;
mod verify_cabling;
mod verify_hardware;
mod verify_health;
mod verify_parts;
mod verify_unknown;
