//! The PXE service: what a server that boots over the network meets before PIOUS runs.
//!
//! dnsmasq does DHCP and TFTP, because it is what the field trusts; this crate writes its configuration, keeps it
//! running, keeps the lease tiers true, and serves the iPXE scripts, the kernel and the initrd over HTTP. What a server
//! boots is Senzu's to say; [`decide`] is what happens when Senzu can't be asked.
//!
//! * [`config`]: the TOML file, checked hard before anything starts; [`network`]: one network of it.
//! * [`decide`]: boot target → PIOUS or local disk, and the lease tier. Pure.
//! * [`script`]: iPXE text. Pure.
//! * [`dnsmasq`]: its configuration text (pure) and its process.
//! * [`targets`]: Senzu's boot targets, kept on disk; [`senzu`]: the client that watches them.
//! * [`files`]: kernel and initrd over HTTP; [`server`]: the routes.
//! * [`host`]: what must be true of this machine's interfaces; [`serve`]: everything put together.
//!
//! It knows `pious-protocol` and nothing else of this workspace.

pub mod config;
pub mod decide;
pub mod dnsmasq;
pub mod files;
pub mod host;
pub mod network;
pub mod script;
pub mod senzu;
pub mod serve;
pub mod server;
pub mod targets;
