//! The moments of a boot that can be told from the wire: who asked for an address, who was asked for which file.
//!
//! Pure: a frame in, a [`Moment`] out. Independent of what the firmware, iPXE or dnsmasq write into their logs.

use pious_protocol::ids::MacAddress;
use serde::{Deserialize, Serialize};

const TYPE_IPV4: [u8; 2] = [0x08, 0x00];
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
const PORT_DHCP_SERVER: u16 = 67;
const PORT_TFTP: u16 = 69;
/// RFC 2131 §3: the cookie before the options; §2: how many octets come before it.
const DHCP_COOKIE: [u8; 4] = [99, 130, 83, 99];
const DHCP_COOKIE_AT: usize = 236;
/// A file's name in a request is no longer than this in the lab.
const MAX_NAME_BYTES: usize = 200;

/// Something that a server did on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "moment")]
pub enum Moment {
    /// It asked for an address (DHCPDISCOVER or DHCPREQUEST).
    Dhcp {
        /// Who it says it is.
        client: DhcpClient,
        /// RFC 2132 §9.6: 1 DISCOVER, 3 REQUEST, ….
        message: u8,
    },
    /// It asked for a file by TFTP.
    Tftp {
        /// The file.
        file: String,
    },
    /// It asked for something by HTTP.
    Http {
        /// Method and path.
        request: String,
    },
}

/// Who asks for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DhcpClient {
    /// The firmware's own PXE.
    Firmware,
    /// iPXE.
    Ipxe,
    /// Something else: an operating system.
    System,
}

/// What a frame from a server tells, if anything, and which server sent it.
pub fn moment(frame: &[u8]) -> Option<(MacAddress, Moment)> {
    if frame.get(12..14)? != TYPE_IPV4 {
        return None;
    }
    let source = MacAddress(frame.get(6..12)?.try_into().ok()?);
    let ip = frame.get(14..)?;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let length = usize::from(u16::from_be_bytes(ip.get(2..4)?.try_into().ok()?));
    let payload = ip.get(header..length.min(ip.len()))?;
    let to = u16::from_be_bytes(payload.get(2..4)?.try_into().ok()?);
    let moment = match (*ip.get(9)?, to) {
        (PROTOCOL_UDP, PORT_DHCP_SERVER) => dhcp(payload.get(8..)?)?,
        (PROTOCOL_UDP, PORT_TFTP) => tftp(payload.get(8..)?)?,
        (PROTOCOL_TCP, _) => http(payload.get(usize::from(payload.get(12)? >> 4) * 4..)?)?,
        _ => return None,
    };
    Some((source, moment))
}

fn dhcp(bytes: &[u8]) -> Option<Moment> {
    let mut options = bytes.get(DHCP_COOKIE_AT..)?.strip_prefix(&DHCP_COOKIE)?;
    let (mut message, mut client) = (None, DhcpClient::System);
    while let [code, rest @ ..] = options {
        match code {
            0 => options = rest,
            255 => break,
            _ => {
                let (length, rest) = rest.split_first()?;
                let value = rest.get(..usize::from(*length))?;
                match (code, value) {
                    (53, [kind]) => message = Some(*kind),
                    // iPXE's own options, or its user class.
                    (175, _) | (77, b"iPXE" | b"\x04iPXE") => client = DhcpClient::Ipxe,
                    (60, class) if class.starts_with(b"PXEClient") && client == DhcpClient::System => {
                        client = DhcpClient::Firmware;
                    }
                    _ => {}
                }
                options = rest.get(usize::from(*length)..)?;
            }
        }
    }
    Some(Moment::Dhcp { client, message: message? })
}

/// RFC 1350 §5: a read request's opcode, the name, a zero.
fn tftp(bytes: &[u8]) -> Option<Moment> {
    let name = bytes.strip_prefix(&[0, 1])?.split(|byte| *byte == 0).next()?;
    Some(Moment::Tftp { file: text(name)? })
}

fn http(bytes: &[u8]) -> Option<Moment> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let is_request = [&b"GET "[..], b"HEAD ", b"POST ", b"PUT "].iter().any(|method| line.starts_with(method));
    let request = text(line.strip_suffix(b" HTTP/1.1")?).filter(|_| is_request)?;
    Some(Moment::Http { request })
}

fn text(bytes: &[u8]) -> Option<String> {
    let short = !bytes.is_empty() && bytes.len() <= MAX_NAME_BYTES;
    std::str::from_utf8(bytes).ok().filter(|text| short && !text.contains(char::is_control)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAC: [u8; 6] = [0x52, 0x54, 0, 1, 0x10, 1];

    fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let length = (20 + payload.len() as u16).to_be_bytes();
        let header = [0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        [&[0xff; 6][..], &MAC, &TYPE_IPV4, &header, payload].concat()
    }

    fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
        ipv4(PROTOCOL_UDP, &[&[0, 68], &port.to_be_bytes()[..], &[0, 0, 0, 0], payload].concat())
    }

    fn dhcp_frame(options: &[u8]) -> Vec<u8> {
        udp(67, &[&[0; DHCP_COOKIE_AT][..], &DHCP_COOKIE, options].concat())
    }

    fn tcp(payload: &[u8]) -> Vec<u8> {
        let mut header = [0; 20];
        header[12] = 5 << 4;
        ipv4(PROTOCOL_TCP, &[&header[..], payload].concat())
    }

    #[test]
    fn each_kind_of_moment() {
        let pxe = [&[53, 1, 1, 60, 9][..], b"PXEClient", &[255]].concat();
        let ipxe = [&[60, 9][..], b"PXEClient", &[53, 1, 3, 77, 4], b"iPXE", &[255]].concat();
        let dhcp = |client, message| Some(Moment::Dhcp { client, message });
        let cases = [
            ("the firmware's PXE", dhcp_frame(&pxe), dhcp(DhcpClient::Firmware, 1)),
            ("iPXE by its user class", dhcp_frame(&ipxe), dhcp(DhcpClient::Ipxe, 3)),
            ("iPXE by its own options", dhcp_frame(&[53, 1, 1, 175, 1, 0, 255]), dhcp(DhcpClient::Ipxe, 1)),
            ("an operating system", dhcp_frame(&[0, 53, 1, 1, 255]), dhcp(DhcpClient::System, 1)),
            ("options without a message type", dhcp_frame(&[255]), None),
            ("TFTP", udp(69, b"\0\x01snponly.efi\0octet\0"), Some(Moment::Tftp { file: "snponly.efi".into() })),
            ("TFTP's write", udp(69, b"\0\x02x\0"), None),
            (
                "HTTP",
                tcp(b"GET /image/vmlinuz HTTP/1.1\r\nHost: x\r\n"),
                Some(Moment::Http { request: "GET /image/vmlinuz".into() }),
            ),
            ("TLS", tcp(b"\x16\x03\x01 GET"), None),
            ("an empty acknowledgement", tcp(b""), None),
        ];
        for (case, frame, expected) in cases {
            assert_eq!(moment(&frame), expected.map(|moment| (MacAddress(MAC), moment)), "{case}");
        }
    }

    proptest! {
        #[test]
        fn no_frame_panics(mut frame in prop::collection::vec(any::<u8>(), 0..400), kind in 0u8..3) {
            if frame.len() > 40 {
                frame[12..15].copy_from_slice(&[8, 0, 0x45]);
                frame[23] = [6, 17, 1][usize::from(kind)];
                frame[36..38].copy_from_slice(&[0, 67]);
            }
            let _ = moment(&frame);
        }
    }
}
