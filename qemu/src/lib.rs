//! The rack on a desk: userspace switches, dnsmasq, iPXE, QEMU servers, a real `lldpd`, Senzu and pxe, all inside
//! namespaces of their own.
//!
//! * [`rack`]: the rack file, checked. Pure.
//! * [`switch`]: the Ethernet switches. Pure.
//! * [`bmc`]: what a server's BMC is told to be.
//! * [`machine`]: one QEMU server.
//! * [`lab`]: everything together, and the handle [`Lab`] that tests and the demo drive it by.
//! * [`demo`]: the story that `scripts/demo` tells.

pub mod bmc;
pub mod demo;
pub mod fleet;
pub mod lab;
pub mod machine;
pub mod rack;
pub mod switch;

pub use lab::{Lab, LabError, Options};
