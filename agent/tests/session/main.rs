//! Boot sessions over real sockets: against a Senzu that is scripted, broken, slow or away, and with people asking the
//! agent's own server.

mod agent;
mod asked;
mod bmc;
mod faults;
mod front;
mod senzu;
mod tls;
mod work;
