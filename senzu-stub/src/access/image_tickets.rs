//! Tickets by which an image is fetched for one instruction: whoever fetches may be a BMC, which has no token and sends no
//! header. Made from a key, never stored; each is good for as long as its instruction is open.

use crate::senzu::TokenHash;
use pious_protocol::ids::InstructionId;
use ring::hmac;
use uuid::Uuid;

/// Digits of the instruction's id, and as many of the proof: 128 bits. Some BMCs take no more than 255 characters of an URL.
const PART: usize = 32;

/// What tickets are made with.
pub struct ImageTickets(hmac::Key);

impl ImageTickets {
    /// By a key of Senzu's.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The ticket of an instruction.
    pub fn of(&self, instruction: InstructionId) -> String {
        let tag = hmac::sign(&self.0, format!("image {instruction}").as_bytes());
        let proof = tag.as_ref().iter().take(PART / 2).map(|octet| format!("{octet:02x}"));
        instruction.0.simple().to_string() + &proof.collect::<String>()
    }

    /// The instruction that a ticket is of; `None`: it is none of ours.
    pub fn instruction(&self, ticket: &str) -> Option<InstructionId> {
        let instruction = InstructionId(Uuid::try_parse(ticket.get(..PART)?).ok()?);
        // By their digests: the time that takes tells nothing.
        (TokenHash::of(&self.of(instruction)) == TokenHash::of(ticket)).then_some(instruction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::uuid;

    #[test]
    fn a_ticket_is_of_one_instruction_and_of_one_key() {
        let (ours, others) = (ImageTickets::new(b"a key"), ImageTickets::new(b"x"));
        let one = InstructionId(uuid!("0197b0a0-0000-7000-8000-00000000000a"));
        let ticket = ours.of(one);
        assert_eq!((ticket.len(), ours.instruction(&ticket)), (64, Some(one)));
        assert_eq!(others.instruction(&ticket), None);
        let of_another = ticket.replacen("000a", "000b", 1);
        for wrong in ["", "0197", &of_another, &format!("{ticket}0"), &ticket[..63], &ticket.to_uppercase(), "ä"] {
            assert_eq!(ours.instruction(wrong), None, "{wrong}");
        }
    }
}
