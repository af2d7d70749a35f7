//! Learns when links change. The kernel's messages only say that they do: what they say beside is thrown away.

use super::{packet_socket, rtnl};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recv},
};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};
use tokio::io::{Interest, unix::AsyncFd};

/// Changes from now on are told.
pub(super) fn listen() -> io::Result<AsyncFd<OwnedFd>> {
    rtnl::link_changes().and_then(packet_socket::watched)
}

/// Waits until links changed, and swallows what the kernel said of it.
pub(super) async fn next(socket: &AsyncFd<OwnedFd>) -> io::Result<()> {
    socket
        .async_io(Interest::READABLE, |socket| {
            let mut buffer = [0; 8192];
            let mut heard = false;
            loop {
                match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                    Ok(_) => heard = true,
                    // Lost messages are changes too.
                    Err(Errno::ENOBUFS) => heard = true,
                    Err(Errno::EAGAIN) if heard => return Ok(()),
                    Err(errno) => return Err(errno.into()),
                }
            }
        })
        .await
}
