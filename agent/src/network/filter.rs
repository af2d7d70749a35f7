//! What a listening socket lets through, as a classic BPF program (Documentation/networking/filter.rst): whole LLDP
//! frames, tagged or not, and the heads of other tagged frames. Nothing that we send ourselves.

/// One instruction: struct sock_filter of linux/filter.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) code: u16,
    pub(super) if_true: u8,
    pub(super) if_false: u8,
    pub(super) k: u32,
}

/// The VLAN id's bits in a tag (IEEE 802.1Q-2018 §9.6).
pub(super) const VLAN_ID_MASK: u16 = 0x0fff;

/// IEEE 802.1AB-2016 §7.3.
pub(super) const LLDP_ETHERTYPE: u16 = 0x88cc;
/// IEEE 802.1Q-2018 §9.5: C-TAG and S-TAG.
const TAG_ETHERTYPES: [u16; 2] = [0x8100, 0x88a8];

/// Where an Ethernet frame has its type, and where a tagged one has its second.
const ETHERTYPE_AT: u32 = 12;
const INNER_ETHERTYPE_AT: u32 = 16;

/// Ancillary loads (SKF_AD_OFF is -0x1000): the packet's direction, and whether a tag was taken off.
const PACKET_TYPE_AT: u32 = 0xffff_f000 + 4;
const VLAN_PRESENT_AT: u32 = 0xffff_f000 + 48;
/// PACKET_OUTGOING, linux/if_packet.h.
const OUTGOING: u32 = 4;

const WHOLE_FRAME: u32 = 0xffff;
/// Addresses, two tags, type; an IPv4 header with options (60), UDP's (8), and BOOTP's up to the client's address (34):
/// enough to tell whose answer of DHCP it is.
const HEAD: u32 = 22 + 60 + 8 + 34;

const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

const fn load(code: u16, at: u32) -> Instruction {
    Instruction { code, if_true: 0, if_false: 0, k: at }
}

const fn if_equal(k: u32, if_true: u8, if_false: u8) -> Instruction {
    Instruction { code: JUMP_IF_EQUAL, if_true, if_false, k }
}

const fn pass(bytes: u32) -> Instruction {
    Instruction { code: RETURN, if_true: 0, if_false: 0, k: bytes }
}

/// The program. Jumps count instructions from the next one.
pub(super) const PROGRAM: &[Instruction] = &[
    load(LOAD_BYTE, PACKET_TYPE_AT),          //  0
    if_equal(OUTGOING, 10, 0),                //  1 → drop
    load(LOAD_HALF, ETHERTYPE_AT),            //  2
    if_equal(LLDP_ETHERTYPE as u32, 6, 0),    //  3 → whole
    if_equal(TAG_ETHERTYPES[0] as u32, 3, 0), //  4 → inner type
    if_equal(TAG_ETHERTYPES[1] as u32, 2, 0), //  5 → inner type
    load(LOAD_BYTE, VLAN_PRESENT_AT),         //  6
    if_equal(0, 4, 3),                        //  7 → drop, or head
    load(LOAD_HALF, INNER_ETHERTYPE_AT),      //  8
    if_equal(LLDP_ETHERTYPE as u32, 0, 1),    //  9 → whole, or head
    pass(WHOLE_FRAME),                        // 10
    pass(HEAD),                               // 11
    pass(0),                                  // 12
];

/// The VLAN ids that a frame's own tags name, outermost first.
pub(super) fn tags(frame: &[u8]) -> impl Iterator<Item = u16> + '_ {
    frame.get(ETHERTYPE_AT as usize..).unwrap_or_default().chunks_exact(4).map_while(|tag| match tag {
        [a, b, c, d] if TAG_ETHERTYPES.contains(&u16::from_be_bytes([*a, *b])) => {
            Some(u16::from_be_bytes([*c, *d]) & VLAN_ID_MASK)
        }
        _ => None,
    })
}

/// Whether a frame is LLDP, below whatever tags it has.
pub(super) fn is_lldp(frame: &[u8]) -> bool {
    let at = ETHERTYPE_AT as usize + 4 * tags(frame).count();
    frame.get(at..).is_some_and(|rest| rest.starts_with(&LLDP_ETHERTYPE.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel's machine does with the program's few instructions.
    fn run(frame: &[u8], outgoing: bool, tag_taken_off: bool) -> u32 {
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let step = PROGRAM[at];
            at += 1;
            match step.code {
                LOAD_BYTE if step.k == PACKET_TYPE_AT => accumulator = if outgoing { OUTGOING } else { 0 },
                LOAD_BYTE if step.k == VLAN_PRESENT_AT => accumulator = u32::from(tag_taken_off),
                LOAD_HALF => match frame.get(step.k as usize..step.k as usize + 2) {
                    Some(half) => accumulator = u32::from(u16::from_be_bytes([half[0], half[1]])),
                    None => return 0,
                },
                JUMP_IF_EQUAL => at += usize::from(if accumulator == step.k { step.if_true } else { step.if_false }),
                RETURN => return step.k,
                code => panic!("unknown instruction {code:#x}"),
            }
        }
    }

    fn frame(types: &[u16]) -> Vec<u8> {
        let mut frame = vec![0; 12];
        for (place, ethertype) in types.iter().enumerate() {
            if place > 0 {
                frame.extend([0x20, 0x0a]);
            }
            frame.extend(ethertype.to_be_bytes());
        }
        frame.extend([0; 46]);
        frame
    }

    #[test]
    fn what_gets_through() {
        let (lldp, ip) = (LLDP_ETHERTYPE, 0x0800);
        for (case, frame, outgoing, taken_off, expected) in [
            ("LLDP", frame(&[lldp]), false, false, WHOLE_FRAME),
            ("LLDP of ours", frame(&[lldp]), true, false, 0),
            ("LLDP, tag taken off", frame(&[lldp]), false, true, WHOLE_FRAME),
            ("LLDP, tagged", frame(&[0x8100, lldp]), false, false, WHOLE_FRAME),
            ("LLDP, service-tagged", frame(&[0x88a8, lldp]), false, false, WHOLE_FRAME),
            ("IP", frame(&[ip]), false, false, 0),
            ("IP, tag taken off", frame(&[ip]), false, true, HEAD),
            ("IP, tagged", frame(&[0x8100, ip]), false, false, HEAD),
            ("IP, service-tagged", frame(&[0x88a8, ip]), false, false, HEAD),
            ("runt", vec![0; 13], false, false, 0),
        ] {
            assert_eq!(run(&frame, outgoing, taken_off), expected, "{case}");
        }
    }

    #[test]
    fn tags_of_a_frame() {
        let found = |types: &[u16]| tags(&frame(types)).collect::<Vec<_>>();
        assert_eq!(found(&[0x0800]), Vec::<u16>::new());
        assert_eq!(found(&[0x8100, 0x0800]), [10]);
        assert_eq!(found(&[0x88a8, 0x8100, 0x0800]), [10, 10]);
        assert_eq!(tags(&[0; 13]).count(), 0);
        assert!(is_lldp(&frame(&[LLDP_ETHERTYPE])) && is_lldp(&frame(&[0x8100, LLDP_ETHERTYPE])));
        assert!(!is_lldp(&frame(&[0x8100, 0x0800])) && !is_lldp(&[]));
    }
}
