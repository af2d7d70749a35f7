//! What the real test stands on: namespaces and the service in them, DHCP clients, and a Senzu that says what it is told.

pub mod client;
pub mod namespace;
pub mod rack;
pub mod senzu;
