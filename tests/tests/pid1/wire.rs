//! The room's cable, frame by frame: what the agent sends as it leaves its interface, and what the test sends it.

use crate::room::{PATIENCE, Room, wait_until};
use nix::{
    errno::Errno,
    ifaddrs::getifaddrs,
    sys::{
        socket::{
            AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, sendto, setsockopt,
            socket, sockopt::ReceiveTimeout,
        },
        time::{TimeVal, TimeValLike},
    },
};
use std::os::fd::{AsRawFd, OwnedFd};

/// The agent's end, and the test's.
const ITS_END: &str = "eth0";
const OUR_END: &str = "elsewhere";

pub struct Wire {
    watched: OwnedFd,
    sender: OwnedFd,
    our_end: LinkAddr,
    /// The agent's address.
    pub mac: [u8; 6],
}

impl Wire {
    pub fn of(room: &Room) -> Self {
        room.in_network(|| {
            let (its_end, our_end) = (address(ITS_END), address(OUR_END));
            // Tags are still in the frames there; at the other end the kernel has taken them off.
            let watched = packets(SockProtocol::EthAll);
            bind(watched.as_raw_fd(), &its_end).expect("at the agent's end of the cable");
            let patience = TimeVal::milliseconds(i64::try_from(PATIENCE.as_millis()).expect("seconds"));
            setsockopt(&watched, ReceiveTimeout, &patience).expect("bounded patience");
            let mac = its_end.addr().expect("an Ethernet address");
            Self { watched, sender: packets(SockProtocol::EthIp), our_end, mac }
        })
    }

    pub fn send(&self, frame: &[u8]) {
        sendto(self.sender.as_raw_fd(), frame, &self.our_end, MsgFlags::empty()).expect("the frame leaves");
    }

    /// The next frame that the agent sends and that `is_it`.
    pub fn next(&self, what: &str, mut is_it: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
        let mut frame = vec![0; 2048];
        loop {
            let length = match recv(self.watched.as_raw_fd(), &mut frame, MsgFlags::empty()) {
                Ok(length) => length,
                // Told once: the agent has not brought it up yet.
                Err(Errno::ENETDOWN) => continue,
                Err(errno) => panic!("{what} was not sent within {PATIENCE:?} of the last frame: {errno}"),
            };
            let heard = &frame[..length];
            if heard.get(6..12) == Some(&self.mac) && is_it(heard) {
                return heard.to_vec();
            }
        }
    }
}

fn packets(protocol: SockProtocol) -> OwnedFd {
    socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol).expect("a packet socket")
}

/// The interface's address, as soon as it is there: a room is made piece by piece.
fn address(interface: &str) -> LinkAddr {
    let mut found = None;
    wait_until(
        || {
            let mut all = getifaddrs().expect("the room's interfaces");
            found = all
                .find_map(|one| (one.interface_name == interface).then_some(one.address?.as_link_addr()?.to_owned()));
            found.is_some()
        },
        || format!("{interface} is not in the room"),
    );
    found.expect("found by now")
}
