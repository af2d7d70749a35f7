//! Packet captures: pcap (either byte order, µs or ns) and pcapng, told by their magic. Bytes in, Ethernet frames out.
//!
//! The formats are pcap-parser's to know. This is the walk over a whole file: it numbers the frames as Wireshark does
//! and says where a file breaks off.

use pcap_parser::{
    Block, Linktype, parse_block_be, parse_block_le, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header, traits::PcapNGPacketBlock,
};
use thiserror::Error;

/// The block type that begins a pcapng file, the same in either byte order.
const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// The byte-order magic of a little-endian section, 8 bytes in.
const LITTLE_ENDIAN_SECTION: [u8; 4] = [0x4d, 0x3c, 0x2b, 0x1a];

/// The first bytes of pcap files: µs, ns, and one patched libpcap's.
const PCAP_MAGICS: [[u8; 4]; 5] = [
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x34, 0xcd, 0xb2, 0xa1],
];

/// The low half of pcap's link type; the high half may tell the FCS's length (draft-ietf-opsawg-pcap §4).
const LINKTYPE_MASK: i32 = 0xffff;

/// One frame of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number in the capture, the first being 1; packets of other links are numbered too.
    pub number: u64,
    /// The captured bytes, from the Ethernet header on.
    pub bytes: &'a [u8],
}

/// Why bytes are no capture, or how a capture breaks off.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CaptureError {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// Neither magic.
    #[error("it is neither pcap nor pcapng: it begins with {}", hex(.0))]
    UnknownMagic(Vec<u8>),
    /// Cut.
    #[error("it is cut at byte {bytes}, in the middle of {part} that begins at byte {at}")]
    Cut {
        /// The file's length.
        bytes: usize,
        /// Where the unfinished part begins.
        at: usize,
        /// What was cut.
        part: &'static str,
    },
    /// A part contradicts itself.
    #[error("{part} at byte {at} contradicts itself")]
    Broken {
        /// Where it begins.
        at: usize,
        /// What it is.
        part: &'static str,
    },
    /// Packets of other links only.
    #[error("its packets are of link type {0}, not Ethernet (1)")]
    NotEthernet(i32),
}

/// What a capture holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture<'a> {
    /// The Ethernet frames, in order.
    pub frames: Vec<Frame<'a>>,
    /// How the file breaks off, if it does; the frames before that stand.
    pub broken: Option<CaptureError>,
}

/// Reads a whole capture.
///
/// # Errors
/// [`CaptureError`], when there is not even a header, or nothing in it is Ethernet.
pub fn read(bytes: &[u8]) -> Result<Capture<'_>, CaptureError> {
    let magic = bytes.get(..4).unwrap_or(bytes);
    if bytes.is_empty() {
        Err(CaptureError::Empty)
    } else if magic == SECTION_HEADER {
        pcapng(bytes)
    } else if PCAP_MAGICS.iter().any(|known| known == magic) {
        pcap(bytes)
    } else {
        Err(CaptureError::UnknownMagic(magic.to_vec()))
    }
}

fn pcap(bytes: &[u8]) -> Result<Capture<'_>, CaptureError> {
    let (mut rest, header) =
        parse_pcap_header(bytes).map_err(|e| explain(e.is_incomplete(), bytes, 0, "the pcap header"))?;
    let linktype = header.network.0 & LINKTYPE_MASK;
    if Linktype(linktype) != Linktype::ETHERNET {
        return Err(CaptureError::NotEthernet(linktype));
    }
    let parse = if header.is_bigendian() {
        parse_pcap_frame_be
    } else if header.is_modified_format() {
        parse_pcap_frame_modified
    } else {
        parse_pcap_frame
    };
    let mut frames = Vec::new();
    let mut broken = None;
    for number in 1.. {
        if rest.is_empty() {
            break;
        }
        match parse(rest) {
            Ok((after, packet)) => {
                frames.push(Frame { number, bytes: packet.data });
                rest = after;
            }
            Err(error) => {
                broken = Some(explain(error.is_incomplete(), bytes, bytes.len() - rest.len(), "a packet"));
                break;
            }
        }
    }
    Ok(Capture { frames, broken })
}

/// The walk over a pcapng file: its sections may differ in byte order, its interfaces in link type.
struct Section<'a> {
    little_endian: bool,
    links: Vec<Linktype>,
    packets: u64,
    frames: Vec<Frame<'a>>,
    other_link: Option<Linktype>,
}

fn pcapng(bytes: &[u8]) -> Result<Capture<'_>, CaptureError> {
    let mut section = Section { little_endian: true, links: vec![], packets: 0, frames: vec![], other_link: None };
    let mut broken = None;
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = bytes.len() - rest.len();
        if rest.starts_with(&SECTION_HEADER) {
            section.little_endian = rest.get(8..12) == Some(&LITTLE_ENDIAN_SECTION);
        }
        let parse = if section.little_endian { parse_block_le } else { parse_block_be };
        match parse(rest) {
            Ok((after, block)) => {
                section.add(&block);
                rest = after;
            }
            Err(error) => {
                broken = Some(explain(error.is_incomplete(), bytes, at, "a pcapng block"));
                break;
            }
        }
    }
    match (broken, section.other_link) {
        // Not even the section header could be read.
        (Some(error), _) if rest.len() == bytes.len() => Err(error),
        (None, Some(link)) if section.frames.is_empty() => Err(CaptureError::NotEthernet(link.0)),
        (broken, _) => Ok(Capture { frames: section.frames, broken }),
    }
}

impl<'a> Section<'a> {
    fn add(&mut self, block: &Block<'a>) {
        match block {
            Block::SectionHeader(_) => self.links.clear(),
            Block::InterfaceDescription(interface) => self.links.push(interface.linktype),
            Block::EnhancedPacket(packet) => {
                self.add_packet(packet.if_id, packet.data.get(..packet.packet_data().len()).unwrap_or(packet.data));
            }
            // Always of the section's first interface.
            Block::SimplePacket(packet) => {
                self.add_packet(0, packet.data.get(..packet.packet_data().len()).unwrap_or(packet.data));
            }
            Block::NameResolution(_)
            | Block::InterfaceStatistics(_)
            | Block::SystemdJournalExport(_)
            | Block::DecryptionSecrets(_)
            | Block::ProcessInformation(_)
            | Block::Custom(_)
            | Block::Unknown(_) => {}
        }
    }

    fn add_packet(&mut self, interface: u32, bytes: &'a [u8]) {
        self.packets += 1;
        let link = usize::try_from(interface).ok().and_then(|index| self.links.get(index)).copied();
        match link {
            Some(Linktype::ETHERNET) => self.frames.push(Frame { number: self.packets, bytes }),
            Some(other) => self.other_link = Some(other),
            // A packet of an interface that was never described: nobody knows what it is.
            None => {}
        }
    }
}

fn explain(is_cut: bool, bytes: &[u8], at: usize, part: &'static str) -> CaptureError {
    if is_cut { CaptureError::Cut { bytes: bytes.len(), at, part } } else { CaptureError::Broken { at, part } }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME: &[u8] = &[1, 2, 3, 4, 5, 6, 7];

    /// A field in the byte order asked for.
    fn put<const N: usize>(file: &mut Vec<u8>, big: bool, mut little: [u8; N]) {
        if big {
            little.reverse();
        }
        file.extend(little);
    }

    fn pcap_file(big: bool, magic: u32, network: u32, frames: &[&[u8]]) -> Vec<u8> {
        let mut file = Vec::new();
        put(&mut file, big, magic.to_le_bytes());
        put(&mut file, big, 2u16.to_le_bytes());
        put(&mut file, big, 4u16.to_le_bytes());
        for field in [0, 0, 262_144, network] {
            put(&mut file, big, u32::to_le_bytes(field));
        }
        for frame in frames {
            for field in [0, 0, frame.len() as u32, 1500] {
                put(&mut file, big, u32::to_le_bytes(field));
            }
            file.extend(*frame);
        }
        file
    }

    fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let length = (12 + body.len().next_multiple_of(4)) as u32;
        put(&mut file, big, kind.to_le_bytes());
        put(&mut file, big, length.to_le_bytes());
        file.extend(body);
        file.resize(file.len().next_multiple_of(4), 0);
        put(&mut file, big, length.to_le_bytes());
        file
    }

    fn fields(big: bool, fields: &[u32]) -> Vec<u8> {
        let mut body = Vec::new();
        fields.iter().for_each(|field| put(&mut body, big, field.to_le_bytes()));
        body
    }

    fn section(big: bool) -> Vec<u8> {
        let mut body = fields(big, &[0x1a2b_3c4d]);
        put(&mut body, big, 1u16.to_le_bytes());
        put(&mut body, big, 0u16.to_le_bytes());
        body.extend([0xff; 8]);
        block(big, 0x0a0d_0d0a, &body)
    }

    fn interface(big: bool, link: u16) -> Vec<u8> {
        let mut body = Vec::new();
        put(&mut body, big, link.to_le_bytes());
        body.extend([0, 0]);
        body.extend(fields(big, &[0]));
        block(big, 1, &body)
    }

    fn enhanced(big: bool, interface: u32, frame: &[u8]) -> Vec<u8> {
        let header = fields(big, &[interface, 0, 0, frame.len() as u32, 1500]);
        block(big, 6, &[&header, frame].concat())
    }

    fn simple(big: bool, frame: &[u8]) -> Vec<u8> {
        block(big, 3, &[&fields(big, &[frame.len() as u32]), frame].concat())
    }

    fn whole(frames: &[(u64, &'static [u8])]) -> Result<Capture<'static>, CaptureError> {
        let frames = frames.iter().map(|&(number, bytes)| Frame { number, bytes }).collect();
        Ok(Capture { frames, broken: None })
    }

    #[test]
    fn pcap_in_either_order_and_resolution() {
        for (name, big, magic) in [
            ("little µs", false, 0xa1b2_c3d4),
            ("big µs", true, 0xa1b2_c3d4),
            ("little ns", false, 0xa1b2_3c4d),
            ("big ns", true, 0xa1b2_3c4d),
        ] {
            let file = pcap_file(big, magic, 1, &[FRAME, &[], FRAME]);
            assert_eq!(read(&file), whole(&[(1, FRAME), (2, &[]), (3, FRAME)]), "{name}");
            let with_fcs_length = pcap_file(big, magic, 0x4400_0001, &[FRAME]);
            assert_eq!(read(&with_fcs_length), whole(&[(1, FRAME)]), "{name}");
        }
    }

    #[test]
    fn pcapng_in_either_order_with_several_sections_and_links() {
        for big in [false, true] {
            let file = [
                section(big),
                interface(big, 1),
                interface(big, 113),
                enhanced(big, 0, FRAME),
                enhanced(big, 1, FRAME),
                block(big, 5, &[0; 12]),
                simple(big, FRAME),
                enhanced(big, 7, FRAME),
                section(!big),
                interface(!big, 1),
                enhanced(!big, 0, FRAME),
            ];
            assert_eq!(read(&file.concat()), whole(&[(1, FRAME), (3, FRAME), (5, FRAME)]), "big endian: {big}");
        }
    }

    #[test]
    fn what_is_no_capture_of_ethernet_is_refused_with_its_reason() {
        let cases: [(&str, Vec<u8>, CaptureError); 6] = [
            ("empty", vec![], CaptureError::Empty),
            ("text", b"hello".to_vec(), CaptureError::UnknownMagic(b"hell".to_vec())),
            ("one byte", vec![0xd4], CaptureError::UnknownMagic(vec![0xd4])),
            ("Linux cooked", pcap_file(false, 0xa1b2_c3d4, 113, &[FRAME]), CaptureError::NotEthernet(113)),
            (
                "cooked pcapng",
                [section(false), interface(false, 113), enhanced(false, 0, FRAME)].concat(),
                CaptureError::NotEthernet(113),
            ),
            (
                "header cut",
                pcap_file(false, 0xa1b2_c3d4, 1, &[])[..10].to_vec(),
                CaptureError::Cut { bytes: 10, at: 0, part: "the pcap header" },
            ),
        ];
        for (name, file, error) in cases {
            assert_eq!(read(&file), Err(error), "{name}");
        }
    }

    #[test]
    fn a_capture_that_breaks_off_keeps_what_came_before() {
        let mut file = pcap_file(false, 0xa1b2_c3d4, 1, &[FRAME, FRAME]);
        file.pop();
        let broken = CaptureError::Cut { bytes: 69, at: 47, part: "a packet" };
        let frames = vec![Frame { number: 1, bytes: FRAME }];
        assert_eq!(read(&file), Ok(Capture { frames: frames.clone(), broken: Some(broken) }));

        let mut lying = enhanced(false, 0, FRAME);
        lying[4] = 8;
        let file = [section(false), interface(false, 1), enhanced(false, 0, FRAME), lying].concat();
        let broken = CaptureError::Broken { at: 88, part: "a pcapng block" };
        assert_eq!(read(&file), Ok(Capture { frames, broken: Some(broken) }));
    }

    #[test]
    fn cut_at_every_byte_never_panics() {
        for big in [false, true] {
            let ng = [section(big), interface(big, 1), enhanced(big, 0, FRAME), simple(big, FRAME)].concat();
            for file in [pcap_file(big, 0xa1b2_c3d4, 1, &[FRAME, FRAME]), ng] {
                for cut in 0..file.len() {
                    let _ = read(&file[..cut]);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn random_bytes_behind_every_magic_never_panic(bytes: Vec<u8>, at in 0usize..200, value: u8) {
            for start in PCAP_MAGICS.iter().map(|magic| magic.to_vec()).chain([section(false), section(true)]) {
                let _ = read(&[start, bytes.clone()].concat());
            }
            for big in [false, true] {
                let mut ng = [section(big), interface(big, 1), enhanced(big, 0, FRAME), simple(big, FRAME)].concat();
                if let Some(byte) = ng.get_mut(at) {
                    *byte = value;
                }
                let _ = read(&ng);
            }
        }
    }
}
