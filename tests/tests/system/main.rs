//! The whole system: real firmware, iPXE, dnsmasq, kernel, lldpd, Senzu, and our agent as PID 1, in QEMU.
//!
//! Needs root (namespaces), `target/image` and `target/trust`: `scripts/test` makes them first.

mod bmc;
mod boot;
mod cabling;
mod faults;
mod firmware;
mod instructions;
mod leases;
mod left_behind;
mod miscabled;
mod promotion;
