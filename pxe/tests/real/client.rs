//! A DHCP client that speaks for any MAC address and any architecture (RFC 2131; options of RFC 2132 and RFC 4578).

use super::{namespace::Namespace, rack::Rack};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, setsockopt, socket,
    sockopt::{BindToDevice, ReuseAddr},
};
use std::{
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(10);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const COOKIE: [u8; 4] = [99, 130, 83, 99];

const DISCOVER: u8 = 1;
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const NAK: u8 = 6;

/// What the firmware says it is (option 93).
#[derive(Clone, Copy, Debug)]
pub enum Arch {
    /// 0
    Bios,
    /// 6
    Uefi32,
    /// 7
    Uefi,
    /// 9
    UefiHttp9,
}

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    kind: u8,
    /// yiaddr.
    pub address: Ipv4Addr,
    /// siaddr.
    pub next_server: Ipv4Addr,
    /// The boot file.
    pub file: String,
    /// Option 51.
    pub lease_s: u32,
    /// Option 3.
    pub router: Option<Ipv4Addr>,
    /// Option 175, sub-option 176 is 1.
    pub no_pxedhcp: bool,
}

/// Clients on the rack's cable.
pub struct Client<'a> {
    outside: &'a Namespace,
}

struct Question<'a> {
    mac: [u8; 6],
    kind: u8,
    /// ciaddr
    own: Option<Ipv4Addr>,
    /// giaddr
    relay: Option<Ipv4Addr>,
    options: &'a [u8],
}

impl<'a> Client<'a> {
    /// On this rack's cable.
    pub fn on(rack: &'a Rack) -> Self {
        Self { outside: &rack.outside }
    }

    /// The offer to a machine that boots.
    pub fn discover(&self, mac: [u8; 6], arch: Option<Arch>, ipxe: bool) -> Reply {
        let mut options = Vec::new();
        if let Some(arch) = arch {
            let number = match arch {
                Arch::Bios => 0,
                Arch::Uefi32 => 6,
                Arch::Uefi => 7,
                Arch::UefiHttp9 => 9,
            };
            options.extend_from_slice(&[93, 2, 0, number]);
            options.extend_from_slice(b"\x3c\x09PXEClient");
        }
        if ipxe {
            options.extend_from_slice(b"\x4d\x04iPXE");
            options.extend_from_slice(&[175, 3, 177, 1, 1]);
        }
        self.ask(&Question { mac, kind: DISCOVER, own: None, relay: None, options: &options })
    }

    /// A lease, by DISCOVER and REQUEST.
    pub fn lease(&self, mac: [u8; 6]) -> Reply {
        self.select(mac, None)
    }

    /// A lease through a relay, which this client is, too.
    pub fn relayed(&self, mac: [u8; 6], relay: Ipv4Addr) -> Reply {
        self.with_address(relay, || self.select(mac, Some(relay)))
    }

    /// A renewal; `None`: the server said no.
    pub fn renew(&self, mac: [u8; 6], address: Ipv4Addr) -> Option<Reply> {
        self.with_address(address, || {
            let reply = self.ask(&Question { mac, kind: REQUEST, own: Some(address), relay: None, options: &[] });
            match reply.kind {
                ACK => Some(reply),
                NAK => None,
                kind => panic!("message type {kind} upon a renewal"),
            }
        })
    }

    /// That an advertised prefix came, and no default route with it.
    pub fn wait_for_prefix_without_route(&self) {
        let deadline = Instant::now() + PATIENCE;
        // The kernel of the namespace solicits by itself when the link comes up.
        while !self.outside.ip("-6 address show dev cli scope global").contains("fd00:77:") {
            assert!(Instant::now() < deadline, "no prefix was advertised");
            std::thread::sleep(Duration::from_millis(50));
        }
        let routes = self.outside.ip("-6 route show default");
        assert_eq!(routes, "", "a default route");
    }

    fn select(&self, mac: [u8; 6], relay: Option<Ipv4Addr>) -> Reply {
        let offer = self.ask(&Question { mac, kind: DISCOVER, own: None, relay, options: &[] });
        let options = [&[50, 4][..], &offer.address.octets(), &[54, 4], &SERVER.octets()].concat();
        let reply = self.ask(&Question { mac, kind: REQUEST, own: None, relay, options: &options });
        assert_eq!(reply.kind, ACK, "{reply:?}");
        reply
    }

    fn with_address<T>(&self, address: Ipv4Addr, work: impl FnOnce() -> T) -> T {
        self.outside.ip(&format!("address add {address}/32 dev cli"));
        let answer = work();
        self.outside.ip(&format!("address del {address}/32 dev cli"));
        answer
    }

    fn ask(&self, question: &Question<'_>) -> Reply {
        let transaction: [u8; 4] = std::array::from_fn(|i| question.mac[i + 2] ^ question.kind);
        let port = if question.relay.is_some() { 67 } else { 68 };
        let to = if question.relay.is_some() { SERVER } else { Ipv4Addr::BROADCAST };
        self.outside.inside(|| {
            let socket = open(port);
            socket.set_broadcast(true).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.send_to(&encode(question, transaction), SocketAddrV4::new(to, 67)).unwrap();
            let mut packet = [0; 1500];
            loop {
                let length = socket.recv(&mut packet).expect("an answer");
                if packet[4..8] == transaction && packet[0] == 2 {
                    return decode(&packet[..length]);
                }
            }
        })
    }
}

/// A socket at a port of the client's interface. The one before it may still be open: in a program that another test
/// has forked and that has not begun yet.
fn open(port: u16) -> UdpSocket {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).unwrap();
    setsockopt(&socket, ReuseAddr, &true).unwrap();
    setsockopt(&socket, BindToDevice, &"cli".into()).unwrap();
    bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port))).unwrap();
    socket.into()
}

fn encode(question: &Question<'_>, transaction: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![1, 1, 6, 0];
    packet.extend_from_slice(&transaction);
    // Broadcast the answer, unless it can come to an address of ours.
    packet.extend_from_slice(&[0, 0, if question.own.is_some() { 0 } else { 0x80 }, 0]);
    packet.extend_from_slice(&question.own.unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
    packet.extend_from_slice(&[0; 8]);
    packet.extend_from_slice(&question.relay.unwrap_or(Ipv4Addr::UNSPECIFIED).octets());
    packet.extend_from_slice(&question.mac);
    packet.extend_from_slice(&[0; 10 + 64 + 128]);
    packet.extend_from_slice(&COOKIE);
    packet.extend_from_slice(&[53, 1, question.kind]);
    // A client identifier that the firmware and the agent would not share.
    packet.extend_from_slice(&[61, 3, 0, question.kind, 7]);
    packet.extend_from_slice(&[55, 5, 1, 3, 51, 66, 67]);
    packet.extend_from_slice(question.options);
    packet.push(255);
    packet
}

fn decode(packet: &[u8]) -> Reply {
    let address = |at: usize| Ipv4Addr::new(packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
    let file: Vec<u8> = packet[108..236].iter().copied().take_while(|b| *b != 0).collect();
    let mut reply = Reply {
        kind: 0,
        address: address(16),
        next_server: address(20),
        file: String::from_utf8(file).unwrap(),
        lease_s: 0,
        router: None,
        no_pxedhcp: false,
    };
    let mut at = 240;
    while packet[at] != 255 {
        if packet[at] == 0 {
            at += 1;
            continue;
        }
        let (option, length) = (packet[at], usize::from(packet[at + 1]));
        let value = &packet[at + 2..at + 2 + length];
        match option {
            53 => reply.kind = value[0],
            51 => reply.lease_s = u32::from_be_bytes(value.try_into().unwrap()),
            3 => reply.router = Some(address(at + 2)),
            175 => reply.no_pxedhcp = value.starts_with(&[176, 1, 1]),
            _ => {}
        }
        at += 2 + length;
    }
    reply
}
