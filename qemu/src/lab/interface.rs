//! The lab's own network interfaces: taps and addresses, by ioctl, because a minimal system has no `ip`.
//!
//! The only unsafe code of the lab: each ioctl hands the kernel one struct that lives on our stack.

use pious_protocol::ids::MacAddress;
use std::{
    ffi::c_ulong,
    fs::{File, OpenOptions},
    io,
    net::{Ipv4Addr, Ipv6Addr},
    os::fd::{AsRawFd, OwnedFd},
    os::unix::fs::OpenOptionsExt,
};
use tokio::io::unix::AsyncFd;

/// Makes a tap in the namespace of the calling thread; it lives as long as the answer does.
pub fn tap(name: &str) -> io::Result<OwnedFd> {
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    let mut request = named(name)?;
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
    call(&file, libc::TUNSETIFF as c_ulong, &mut request)?;
    Ok(file.into())
}

/// A tap to wait for, by the calling runtime.
pub fn pollable(tap: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: AsyncFd owns the descriptor from here on, and nobody closes or changes it meanwhile.
    let tap = unsafe { AsyncFd::register(tap) };
    tap.map_err(io::Error::from)
}

/// Sets whether a tap has carrier, as if its cable were plugged or pulled.
pub fn set_carrier(tap: &AsyncFd<OwnedFd>, on: bool) -> io::Result<()> {
    /// `_IOW('T', 226, int)` of linux/if_tun.h; the libc crate lacks it.
    const TUNSETCARRIER: c_ulong = 0x4004_54e2;
    call(tap, TUNSETCARRIER, &mut libc::c_int::from(on))
}

/// Gives an interface that is down its address.
pub fn set_mac(name: &str, mac: MacAddress) -> io::Result<()> {
    let socket = socket(libc::AF_INET)?;
    let mut request = named(name)?;
    let mut bytes = [0; 14];
    for (to, from) in bytes.iter_mut().zip(mac.0) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_hwaddr = libc::sockaddr { sa_family: libc::ARPHRD_ETHER, sa_data: bytes };
    call(&socket, libc::SIOCSIFHWADDR as c_ulong, &mut request)
}

/// Brings an interface up.
pub fn up(name: &str) -> io::Result<()> {
    let socket = socket(libc::AF_INET)?;
    let mut request = named(name)?;
    call(&socket, libc::SIOCGIFFLAGS as c_ulong, &mut request)?;
    // SAFETY: SIOCGIFFLAGS filled in this member of the union.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | libc::IFF_UP as libc::c_short;
    call(&socket, libc::SIOCSIFFLAGS as c_ulong, &mut request)
}

/// Gives an interface an IPv4 address. A second one needs a label of its own: `prov:1`.
pub fn add_ipv4(label: &str, address: Ipv4Addr, prefix_length: u8) -> io::Result<()> {
    let socket = socket(libc::AF_INET)?;
    let mask = Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(prefix_length)).unwrap_or(0));
    for (number, value) in [(libc::SIOCSIFADDR, address), (libc::SIOCSIFNETMASK, mask)] {
        let mut request = named(label)?;
        request.ifr_ifru.ifru_addr = ipv4_address(value);
        call(&socket, number as c_ulong, &mut request)?;
    }
    Ok(())
}

/// Sends what is for nobody near to a gateway.
pub fn default_route(gateway: Ipv4Addr) -> io::Result<()> {
    let socket = socket(libc::AF_INET)?;
    // SAFETY: all-zero bytes are a valid rtentry: no addresses, no device.
    let mut route: libc::rtentry = unsafe { std::mem::zeroed() };
    route.rt_dst = ipv4_address(Ipv4Addr::UNSPECIFIED);
    route.rt_genmask = ipv4_address(Ipv4Addr::UNSPECIFIED);
    route.rt_gateway = ipv4_address(gateway);
    route.rt_flags = libc::RTF_UP | libc::RTF_GATEWAY;
    call(&socket, libc::SIOCADDRT as c_ulong, &mut route)
}

/// Gives an interface an IPv6 address.
pub fn add_ipv6(name: &str, address: Ipv6Addr, prefix_length: u8) -> io::Result<()> {
    let socket = socket(libc::AF_INET6)?;
    let index = nix::net::if_::if_nametoindex(name).map_err(io::Error::from)?;
    let mut request = libc::in6_ifreq {
        ifr6_addr: libc::in6_addr { s6_addr: address.octets() },
        ifr6_prefixlen: u32::from(prefix_length),
        ifr6_ifindex: index as libc::c_int,
    };
    call(&socket, libc::SIOCSIFADDR as c_ulong, &mut request)
}

fn ipv4_address(address: Ipv4Addr) -> libc::sockaddr {
    let mut bytes = [0; 14];
    // struct sockaddr_in: two bytes of port, then the address.
    for (to, from) in bytes[2..6].iter_mut().zip(address.octets()) {
        *to = from as libc::c_char;
    }
    libc::sockaddr { sa_family: libc::AF_INET as libc::sa_family_t, sa_data: bytes }
}

fn named(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: all-zero bytes are a valid ifreq: an empty name and an empty address.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero: the name's end.
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("interface name {name:?} is too long")));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    Ok(request)
}

fn socket(family: libc::c_int) -> io::Result<File> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    let family = if family == libc::AF_INET6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    Ok(socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?.into())
}

fn call<T>(file: &impl AsRawFd, request: c_ulong, argument: &mut T) -> io::Result<()> {
    // SAFETY: every request used here reads or writes one struct of the type it is called with (netdevice(7), tun.rst),
    // and `argument` is a live, exclusive reference to one.
    let answer = unsafe { libc::ioctl(file.as_raw_fd(), request, std::ptr::from_mut(argument)) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
