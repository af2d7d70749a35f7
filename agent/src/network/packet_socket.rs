//! One AF_PACKET socket on one NIC that hears LLDP and the tags of 802.1Q frames, and sends our own LLDP: packet(7).
//!
//! The only unsafe code of the network's room: socket options and control messages that nix does not know.

use super::filter::{self, Instruction};
use nix::libc;
use std::{
    io,
    mem::{MaybeUninit, size_of},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};
use tokio::io::{Interest, unix::AsyncFd};

/// Longer than any LLDP frame that a switch sends; the rest of a longer one is cut and then malformed.
const FRAME_BYTES: usize = 2048;

/// The nearest bridge group address (IEEE 802.1AB-2016 §7.1): never forwarded by a switch.
pub(super) const NEAREST_BRIDGE: [u8; 6] = [0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e];

/// How much of the wire to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// LLDP only: the group address is added to the NIC's filter.
    Lldp,
    /// Everything, so that VLAN tags that the NIC would drop are noticed. On machines that are ours.
    Everything,
}

/// A frame, or its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) frame: Vec<u8>,
    /// The VLAN tag that the kernel or the NIC took off.
    pub(super) stripped_vlan: Option<u16>,
}

pub(super) struct PacketSocket {
    fd: AsyncFd<OwnedFd>,
}

/// A socket that is being prepared.
struct Unbound {
    fd: OwnedFd,
}

/// Lets the runtime wait for a descriptor that does not block.
pub(super) fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd is open, stays open while it lives, and is one and the same descriptor all its life.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

impl PacketSocket {
    /// Needs CAP_NET_RAW and a runtime.
    pub(super) fn open(interface: u32, hearing: Hearing) -> io::Result<Self> {
        Ok(Self { fd: watched(Unbound::open(interface, hearing)?.fd)? })
    }

    /// The next frame. Nothing is lost where this is dropped.
    pub(super) async fn receive(&self) -> io::Result<Heard> {
        self.fd.async_io(Interest::READABLE, receive).await
    }

    /// Sends a frame. The socket first reports that the interface was down when it was opened; that is asked away.
    pub(super) fn send(&self, frame: &[u8]) -> io::Result<()> {
        match self.send_once(frame) {
            Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => self.send_once(frame),
            outcome => outcome,
        }
    }

    fn send_once(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: the pointer and the length are those of `frame`.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Unbound {
    fn open(interface: u32, hearing: Hearing) -> io::Result<Self> {
        // Protocol 0 hears nothing: nothing slips in before the filter stands.
        // SAFETY: socket(2) takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened and nobody else owns it.
        let socket = Self { fd: unsafe { OwnedFd::from_raw_fd(fd) } };
        socket.attach(filter::PROGRAM)?;
        socket.set_option(libc::SOL_PACKET, libc::PACKET_AUXDATA, &1i32)?;
        socket.bind(interface)?;
        socket.join(interface, hearing)?;
        Ok(socket)
    }

    fn attach(&self, program: &[Instruction]) -> io::Result<()> {
        let mut code: Vec<libc::sock_filter> = program
            .iter()
            .map(|step| libc::sock_filter { code: step.code, jt: step.if_true, jf: step.if_false, k: step.k })
            .collect();
        let program = libc::sock_fprog {
            len: u16::try_from(code.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
            filter: code.as_mut_ptr(),
        };
        // `code` lives until the kernel has copied the program.
        self.set_option(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
    }

    fn bind(&self, interface: u32) -> io::Result<()> {
        // SAFETY: sockaddr_ll is a C struct of integers; all zeros is a value of it.
        let mut address: libc::sockaddr_ll = unsafe { MaybeUninit::zeroed().assume_init() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = i32::try_from(interface).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: the pointer and the length are those of `address`, which outlives the call.
        let outcome = unsafe {
            libc::bind(
                self.fd.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn join(&self, interface: u32, hearing: Hearing) -> io::Result<()> {
        let mut address = [0; 8];
        for (octet, group) in address.iter_mut().zip(NEAREST_BRIDGE) {
            *octet = group;
        }
        let group = libc::packet_mreq {
            mr_ifindex: i32::try_from(interface).map_err(|_| io::ErrorKind::InvalidInput)?,
            mr_type: libc::PACKET_MR_MULTICAST as u16,
            mr_alen: NEAREST_BRIDGE.len() as u16,
            mr_address: address,
        };
        self.set_option(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &group)?;
        match hearing {
            Hearing::Lldp => Ok(()),
            Hearing::Everything => {
                let all = libc::packet_mreq { mr_type: libc::PACKET_MR_PROMISC as u16, mr_alen: 0, ..group };
                self.set_option(libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &all)
            }
        }
    }

    fn set_option<T>(&self, level: i32, name: i32, value: &T) -> io::Result<()> {
        // SAFETY: the pointer and the length are those of `value`, which outlives the call; the callers pass the type
        // that packet(7) and socket(7) name for the option.
        let outcome = unsafe {
            libc::setsockopt(
                self.fd.as_raw_fd(),
                level,
                name,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// The next frame; `WouldBlock` where there is none.
fn receive(fd: &OwnedFd) -> io::Result<Heard> {
    let mut frame = vec![0u8; FRAME_BYTES];
    // Room for one control message, aligned as one has to be.
    let mut control = [0u64; 16];
    let mut part = libc::iovec { iov_base: frame.as_mut_ptr().cast(), iov_len: frame.len() };
    // SAFETY: msghdr is a C struct of integers and pointers; all zeros is a value of it.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    // SAFETY: every pointer in `message` is to a local that outlives the call, with its length.
    let count = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, 0) };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    frame.truncate(count);
    Ok(Heard { frame, stripped_vlan: stripped_vlan(&message) })
}

/// The VLAN id in a received message's auxiliary data (PACKET_AUXDATA, packet(7)).
fn stripped_vlan(message: &libc::msghdr) -> Option<u16> {
    // SAFETY: `message` was filled in by recvmsg, its control buffer is still alive (the caller holds it), and the
    // CMSG macros stay within msg_controllen, which the kernel set to what it wrote.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let ours = (*header).cmsg_level == libc::SOL_PACKET && (*header).cmsg_type == libc::PACKET_AUXDATA;
            let length = libc::CMSG_LEN(size_of::<libc::tpacket_auxdata>() as u32) as usize;
            if ours && (*header).cmsg_len >= length {
                let data: libc::tpacket_auxdata =
                    libc::CMSG_DATA(header).cast::<libc::tpacket_auxdata>().read_unaligned();
                return (data.tp_status & libc::TP_STATUS_VLAN_VALID != 0)
                    .then_some(data.tp_vlan_tci & filter::VLAN_ID_MASK);
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
        None
    }
}
