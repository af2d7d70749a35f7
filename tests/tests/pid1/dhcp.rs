//! Just enough of a DHCP server (RFC 2131) for one client, who gets one address.

use nix::sys::socket::{setsockopt, sockopt::BindToDevice};
use std::{net::UdpSocket, thread};

/// The test's end of the room's cable, and what the other end is given.
const INTERFACE: &str = "elsewhere";
const SERVER: [u8; 4] = [192, 0, 2, 1];
const CLIENT: [u8; 4] = [192, 0, 2, 2];
const MASK: [u8; 4] = [255, 255, 255, 0];
const LEASE_S: u32 = 3600;

/// Where a message's options begin: after its fixed part and the magic cookie (RFC 2131 §2, §3).
const FIXED_BYTES: usize = 236;
const OPTIONS_AT: usize = FIXED_BYTES + 4;

/// To be made in the room's network.
pub fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("0.0.0.0:67").expect("a DHCP server's socket");
    setsockopt(&socket, BindToDevice, &INTERFACE.into()).expect("at the test's end of the cable");
    socket.set_broadcast(true).expect("that may call all");
    socket
}

/// Answers everybody, for as long as the test runs.
pub fn serve(socket: UdpSocket) {
    thread::spawn(move || {
        let mut message = [0; 1500];
        while let Ok((length, _)) = socket.recv_from(&mut message) {
            if let Some(answer) = answer(&message[..length]) {
                socket.send_to(&answer, "255.255.255.255:68").expect("the answer leaves");
            }
        }
    });
}

fn answer(message: &[u8]) -> Option<Vec<u8>> {
    // DISCOVER → OFFER, REQUEST → ACK (RFC 2132 §9.6).
    let kind = match option(message, 53)? {
        [1] => 2,
        [3] => 5,
        _ => return None,
    };
    // Transaction, flags and hardware address are the client's own; BOOTREPLY, its address and ours are added.
    let mut answer = message.get(..OPTIONS_AT)?.to_vec();
    answer[0] = 2;
    answer[16..20].copy_from_slice(&CLIENT);
    answer[20..24].copy_from_slice(&SERVER);
    answer.extend([53, 1, kind]);
    for (code, value) in [(54, SERVER), (51, LEASE_S.to_be_bytes()), (1, MASK)] {
        answer.extend([code, 4]);
        answer.extend(value);
    }
    answer.push(255);
    Some(answer)
}

/// An option's value (RFC 2132 §2).
fn option(message: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = message.get(OPTIONS_AT..)?;
    loop {
        match rest {
            [0, after @ ..] => rest = after,
            [255, ..] | [] | [_] => return None,
            [code, length, after @ ..] => {
                let (value, after) = after.split_at_checked(usize::from(*length))?;
                if *code == wanted {
                    return Some(value);
                }
                rest = after;
            }
        }
    }
}
