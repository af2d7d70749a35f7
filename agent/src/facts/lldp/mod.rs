//! LLDP, IEEE 802.1AB-2016: frames in, neighbours out.
//!
//! [`decode`] turns one Ethernet frame into what its sender says of itself; [`Table`] keeps what one NIC heard, for as
//! long as it stays true. Both are pure: no socket, no clock. Who listens, and on which NIC, is `network`'s business.

mod decode;
mod packet;
mod table;
mod tlv;

pub use decode::{LldpError, Lldpdu, MandatoryTlv, decode};
pub use table::{Change, Table};
