//! PIOUS's agent: everything that runs on the server, from `/init` to power-off.
//!
//! The decisions are apart from the doing: [`machine`] decides, [`driver`] does. A laptop can test the whole life of a
//! boot session, and a lab can drive ten thousand of them, without a socket.

pub mod boot;
pub mod capture;
pub mod cmdline;
pub mod console;
pub mod decode;
pub mod driver;
pub mod facts;
pub mod journal;
pub mod machine;
mod modalias;
pub mod network;
mod priority;
pub mod senzu;
pub mod server;
pub mod session;
pub mod trust;
pub mod work;
