//! The kernel's device events: NETLINK_KOBJECT_UEVENT datagrams (lib/kobject_uevent.c), `add@PATH` and then
//! `KEY=value` fields, each ended by a NUL.

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, setsockopt, socket, sockopt,
    },
};
use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::Duration,
};

/// The multicast group of the kernel's own events (udev speaks on group 2).
const KERNEL_GROUP: u32 = 1;

/// The kernel's own bound on one event (UEVENT_BUFFER_SIZE) with room for the header.
const EVENT_BYTES: usize = 8 * 1024;

/// A coldplug of a big machine makes thousands of events while modules load.
const RECEIVE_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// What a device event says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Uevent {
    /// A device came; its modalias, if it asks for a driver.
    Added { modalias: Option<String>, subsystem: String },
    /// A device went, changed, or a driver took or left it.
    Changed { subsystem: String },
    /// Anything else that devices do: move, go on- and offline.
    Other,
}

impl Uevent {
    /// Reads one datagram; `None` for what is not the kernel's.
    fn parse(datagram: &[u8]) -> Option<Self> {
        let mut fields = datagram.split(|byte| *byte == 0);
        let (action, _) = std::str::from_utf8(fields.next()?).ok()?.split_once('@')?;
        let (mut modalias, mut subsystem) = (None, String::new());
        for field in fields.filter_map(|field| std::str::from_utf8(field).ok()) {
            match field.split_once('=') {
                Some(("MODALIAS", value)) => modalias = Some(value.to_owned()),
                Some(("SUBSYSTEM", value)) => value.clone_into(&mut subsystem),
                Some(_) | None => {}
            }
        }
        Some(match action {
            "add" => Self::Added { modalias, subsystem },
            "remove" | "change" | "bind" | "unbind" => Self::Changed { subsystem },
            _ => Self::Other,
        })
    }
}

/// What came of waiting for an event.
#[derive(Debug)]
pub(super) enum Wait {
    Event(Uevent),
    /// Nothing within the patience.
    Quiet,
    /// More events than the buffer holds: some are lost, look at all devices again.
    Lost,
}

pub(super) struct Uevents {
    socket: OwnedFd,
}

impl Uevents {
    pub(super) fn listen() -> Result<Self, Errno> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkKObjectUEvent,
        )?;
        // Without CAP_NET_ADMIN the buffer stays small, and a loss is noticed.
        let _small_buffer = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER_BYTES);
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, KERNEL_GROUP))?;
        Ok(Self { socket })
    }

    /// The next event; `None` as patience waits for ever.
    pub(super) fn wait(&self, patience: Option<Duration>) -> Result<Wait, Errno> {
        let mut buffer = [0; EVENT_BYTES];
        loop {
            match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Ok(count) => {
                    if let Some(event) = buffer.get(..count).and_then(Uevent::parse) {
                        return Ok(Wait::Event(event));
                    }
                }
                Err(Errno::ENOBUFS) => return Ok(Wait::Lost),
                Err(Errno::EAGAIN) => {
                    let timeout = patience.map_or(PollTimeout::NONE, |patience| {
                        PollTimeout::try_from(patience.as_millis()).unwrap_or(PollTimeout::MAX)
                    });
                    match poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], timeout) {
                        Ok(0) => return Ok(Wait::Quiet),
                        Ok(_) | Err(Errno::EINTR) => {}
                        Err(errno) => return Err(errno),
                    }
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Uevent;
    use proptest::prelude::*;

    #[test]
    fn a_device_that_asks_for_a_driver() {
        let datagram = b"add@/devices/pci0000:00/0000:00:03.0/virtio0\0ACTION=add\0SUBSYSTEM=virtio\0\
                         MODALIAS=virtio:d00000001v00001AF4\0SEQNUM=1234\0";
        let modalias = Some("virtio:d00000001v00001AF4".to_owned());
        assert_eq!(Uevent::parse(datagram), Some(Uevent::Added { modalias, subsystem: "virtio".into() }));
    }

    #[test]
    fn other_events() {
        let subsystem = |name: &str| name.to_owned();
        let cases: [(&[u8], Uevent); 4] = [
            (
                b"add@/module/ext4\0ACTION=add\0SUBSYSTEM=module\0",
                Uevent::Added { modalias: None, subsystem: subsystem("module") },
            ),
            (b"remove@/devices/x\0ACTION=remove\0SUBSYSTEM=block\0", Uevent::Changed { subsystem: subsystem("block") }),
            (b"bind@/devices/x\0SUBSYSTEM=pci\0", Uevent::Changed { subsystem: subsystem("pci") }),
            (b"move@/devices/x\0SUBSYSTEM=net\0", Uevent::Other),
        ];
        for (datagram, expected) in cases {
            assert_eq!(Uevent::parse(datagram), Some(expected));
        }
        assert_eq!(Uevent::parse(b"libudev\0\xfe\xed\xca\xfe"), None, "udev's own format");
        assert_eq!(Uevent::parse(b""), None);
    }

    proptest! {
        #[test]
        fn no_datagram_panics(datagram in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Uevent::parse(&datagram);
        }
    }
}
