//! One QEMU server: its command line, its control channel (QMP), its screen.

pub mod argv;
pub mod qmp;
pub mod running;
pub mod screen;
pub mod smbios;
pub mod vga;
