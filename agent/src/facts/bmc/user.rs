//! A user of the BMC: IPMI 2.0 §22.26 to §22.30. What is written is read back, and the password is tried.

use super::{
    command::Command,
    conversation::{Conversation, first},
    error::{Completion, IpmiError},
    lan,
};
use pious_protocol::firmware::Secret;
use std::fmt;
use thiserror::Error;

/// A name, and a password of IPMI 1.5, which every BMC takes: §22.28, §22.30.
const BYTES: usize = 16;

/// The privilege "administrator": §6.8.
const ADMINISTRATOR: u8 = 4;

/// Why a user is not there.
#[derive(Debug, Error)]
pub enum UserError {
    /// A name or password that a BMC can't have.
    #[error("the user's {what} can't be told to the BMC: {why}")]
    Unfit {
        /// `name` or `password`.
        what: &'static str,
        /// Why.
        why: &'static str,
    },
    /// The BMC did not do or say something.
    #[error(transparent)]
    Ipmi(#[from] IpmiError),
    /// The BMC has no network that a user could come by.
    #[error("the BMC has no LAN channel")]
    NoLan,
    /// Every slot has a name.
    #[error("the BMC has no free slot: {0}, and each has a name")]
    Full(u8),
    /// It said yes, and it is not so.
    #[error("the BMC took it, and slot {slot} reads back {found}")]
    NotTaken {
        /// Where the user should be.
        slot: u8,
        /// What is there.
        found: String,
    },
    /// It said yes, and does not let the user in.
    #[error("the BMC took the password of slot {slot}, and does not accept it: {why}")]
    NotAccepted {
        /// Where the user is.
        slot: u8,
        /// The BMC's words.
        why: Completion,
    },
}

/// A user that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    user: String,
    slot: u8,
    channels: Vec<u8>,
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = self.channels.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        let Self { user, slot, .. } = self;
        write!(f, "user {user} is in slot {slot}, administrator on LAN channel {channels}; its password is accepted")
    }
}

/// What slot 1 says of all: Get User Access, §22.27.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slots {
    count: u8,
    /// The first of them have names that can't be changed.
    fixed: u8,
}

/// Gives the BMC a user: in the slot that has its name, else in the first that has none.
pub(super) fn put(bmc: &mut Conversation, name: &str, password: &Secret) -> Result<Placed, UserError> {
    let padded_name = padded("name", name)?;
    let padded_password = padded("password", password.reveal())?;
    let channels = lan::channels(bmc)?;
    let first_channel = *channels.first().ok_or(UserError::NoLan)?;
    let slots = slots(bmc, first_channel)?;
    let (slot, is_named) = find(bmc, slots, &padded_name)?;
    if !is_named {
        bmc.ask(Command::SetUserName, &with(&[slot], &padded_name))?;
    }
    bmc.ask(Command::SetUserPassword, &with(&[slot, password::SET], &padded_password))?;
    for &channel in &channels {
        bmc.ask(Command::SetUserAccess, &access(channel, slot))?;
    }
    bmc.ask(Command::SetUserPassword, &with(&[slot, password::ENABLE], &[0; BYTES]))?;
    prove(bmc, slot, &channels, &padded_name, &padded_password)?;
    Ok(Placed { user: name.to_owned(), slot, channels })
}

/// Operations of Set User Password; the byte before says whose, and by its highest bit that the password has 20 bytes.
mod password {
    pub const ENABLE: u8 = 1;
    pub const SET: u8 = 2;
    pub const TEST: u8 = 3;
}

/// Filled up with zeroes, as both travel.
fn padded(what: &'static str, text: &str) -> Result<[u8; BYTES], UserError> {
    let unfit = |why| UserError::Unfit { what, why };
    match text.len() {
        0 => return Err(unfit("it is empty")),
        1..=BYTES => {}
        _ => return Err(unfit("it is longer than 16 bytes")),
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unfit("it has other characters than visible ASCII"));
    }
    let mut bytes = [0; BYTES];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    Ok(bytes)
}

fn with(head: &[u8], tail: &[u8; BYTES]) -> Vec<u8> {
    [head, tail].concat()
}

/// Set User Access: bit 7 says that the others count; callback only (6) is off, link authentication (5) is off, and
/// messages by IPMI (4) are on.
fn access(channel: u8, slot: u8) -> [u8; 3] {
    [0x90 | (channel & 0x0f), slot, ADMINISTRATOR]
}

fn slots(bmc: &mut Conversation, channel: u8) -> Result<Slots, UserError> {
    let [count, _, fixed, _] = first::<4>(Command::GetUserAccess, &bmc.ask(Command::GetUserAccess, &[channel, 1])?)?;
    Ok(Slots { count: count & 0x3f, fixed: fixed & 0x3f })
}

/// The slot to use, and whether it has the name already. Slot 1 is the one without a name (§6.9).
fn find(bmc: &mut Conversation, slots: Slots, wanted: &[u8; BYTES]) -> Result<(u8, bool), UserError> {
    let mut free = None;
    for slot in 2..=slots.count {
        match name(bmc, slot)? {
            Some(name) if name == *wanted => return Ok((slot, true)),
            None if slot > slots.fixed => free = free.or(Some(slot)),
            Some(_) | None => {}
        }
    }
    free.map(|slot| (slot, false)).ok_or(UserError::Full(slots.count))
}

/// A slot's name. Some BMCs refuse to tell that of one that never had any (CBh, CCh).
fn name(bmc: &mut Conversation, slot: u8) -> Result<Option<[u8; BYTES]>, UserError> {
    let answer = match bmc.ask(Command::GetUserName, &[slot]) {
        Ok(answer) => answer,
        Err(IpmiError::Refused(_, Completion(0xcb | 0xcc))) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut name = first::<BYTES>(Command::GetUserName, &answer)?;
    // What stands behind the end is left from an earlier name.
    if let Some(end) = name.iter().position(|&byte| byte == 0) {
        name.iter_mut().skip(end).for_each(|byte| *byte = 0);
    }
    // Some BMCs fill empty slots with FFh.
    let is_none = name == [0; BYTES] || name == [0xff; BYTES];
    Ok((!is_none).then_some(name))
}

/// Reads back what was written, and tries the password.
fn prove(
    bmc: &mut Conversation,
    slot: u8,
    channels: &[u8],
    wanted: &[u8; BYTES],
    password: &[u8; BYTES],
) -> Result<(), UserError> {
    let not_taken = |found: String| UserError::NotTaken { slot, found };
    match name(bmc, slot)? {
        Some(name) if name == *wanted => {}
        Some(name) => return Err(not_taken(format!("the name {:?}", String::from_utf8_lossy(&name)))),
        None => return Err(not_taken("no name".into())),
    }
    for &channel in channels {
        let answer = bmc.ask(Command::GetUserAccess, &[channel, slot])?;
        let [_, _, _, access] = first::<4>(Command::GetUserAccess, &answer)?;
        let (privilege, has_messages) = (access & 0x0f, access & 0x10 != 0);
        if privilege != ADMINISTRATOR || !has_messages {
            return Err(not_taken(format!("privilege {privilege} on LAN channel {channel}, access {access:02X}h")));
        }
    }
    match bmc.ask(Command::SetUserPassword, &with(&[slot, password::TEST], password)) {
        Ok(_) => Ok(()),
        Err(IpmiError::Refused(_, why)) => Err(UserError::NotAccepted { slot, why }),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::script::Script, *};
    use std::time::Duration;

    const PASSWORD: &str = "hunter2-hunter2!";

    fn named(name: &str) -> [u8; BYTES] {
        padded("name", name).unwrap()
    }

    /// A BMC of four slots on LAN channel 1: nobody, ADMIN, and what `third` and `fourth` answer to who they are.
    fn bmc(third: &[u8], fourth: &[u8]) -> Script {
        let mut bmc = Script::default();
        bmc.answer(Command::GetChannelInfo, &[1], &[1, 4, 1, 0x80, 0xf2, 0x1b, 0, 0, 0]);
        bmc.answer(Command::GetUserAccess, &[1, 1], &[0x04, 0x41, 0x02, 0x00]);
        bmc.answer(Command::GetUserName, &[2], &named("ADMIN"));
        bmc.answer(Command::GetUserName, &[3], third);
        bmc.answer(Command::GetUserName, &[4], fourth);
        bmc
    }

    /// That it takes the user in a slot.
    fn takes(bmc: &mut Script, slot: u8) {
        bmc.answer(Command::SetUserName, &with(&[slot], &named("pious")), &[]);
        bmc.answer(Command::SetUserPassword, &with(&[slot, 2], &named(PASSWORD)), &[]);
        bmc.answer(Command::SetUserAccess, &[0x91, slot, 4], &[]);
        bmc.answer(Command::SetUserPassword, &with(&[slot, 1], &[0; BYTES]), &[]);
        bmc.answer(Command::GetUserAccess, &[1, slot], &[0x04, 0x42, 0x02, 0x14]);
        bmc.answer(Command::SetUserPassword, &with(&[slot, 3], &named(PASSWORD)), &[]);
    }

    fn put(bmc: &Script, password: &str) -> Result<Placed, UserError> {
        let mut conversation = Conversation::new(bmc.open().unwrap(), Duration::from_secs(5));
        super::put(&mut conversation, "pious", &Secret::new(password))
    }

    fn writes(bmc: &Script) -> Vec<Command> {
        let asked = bmc.asked.borrow();
        let is_write = |command: &&Command| {
            matches!(command, Command::SetUserName | Command::SetUserPassword | Command::SetUserAccess)
        };
        asked.iter().filter(is_write).copied().collect()
    }

    #[test]
    fn a_user_that_is_there_gets_its_password_and_access_anew() {
        let mut leftover = named("pious");
        leftover[7] = b'x';
        let mut bmc = bmc(&[0; BYTES], &leftover);
        takes(&mut bmc, 4);
        let placed = put(&bmc, PASSWORD).unwrap();
        assert_eq!(
            placed.to_string(),
            "user pious is in slot 4, administrator on LAN channel 1; its password is accepted"
        );
        use Command::{SetUserAccess, SetUserPassword};
        assert_eq!(writes(&bmc), [SetUserPassword, SetUserAccess, SetUserPassword, SetUserPassword]);
    }

    #[test]
    fn a_new_user_gets_the_first_free_slot_and_what_is_not_taken_is_said() {
        // The slot's name is scripted, so it reads back as it was: a BMC that says yes and does nothing.
        let mut bmc = bmc(&[0; BYTES], &[0; BYTES]);
        takes(&mut bmc, 3);
        let error = put(&bmc, PASSWORD).unwrap_err();
        assert_eq!(error.to_string(), "the BMC took it, and slot 3 reads back no name");
        assert_eq!(writes(&bmc).first(), Some(&Command::SetUserName));
    }

    #[test]
    fn slots_whose_name_is_fixed_refused_or_all_ones() {
        let find = |bmc: &Script, fixed| {
            let mut conversation = Conversation::new(bmc.open().unwrap(), Duration::from_secs(5));
            super::find(&mut conversation, Slots { count: 4, fixed }, &named("pious"))
        };
        let ones = bmc(&[0xff; BYTES], &[0; BYTES]);
        assert_eq!(find(&ones, 2).unwrap(), (3, false));
        assert_eq!(find(&ones, 3).unwrap(), (4, false), "the third's can't be changed");
        let mut refusing = bmc(&[], &[0; BYTES]);
        refusing.refuse(Command::GetUserName, &[3], 0xcc);
        assert_eq!(find(&refusing, 2).unwrap(), (3, false));
        let full = bmc(&named("root"), &named("admin"));
        assert_eq!(find(&full, 2).unwrap_err().to_string(), "the BMC has no free slot: 4, and each has a name");
    }

    #[test]
    fn a_password_that_is_not_accepted_is_said_and_never_shown() {
        let mut bmc = bmc(&named("pious"), &[0; BYTES]);
        takes(&mut bmc, 3);
        bmc.refuse(Command::SetUserPassword, &with(&[3, 3], &named(PASSWORD)), 0x80);
        let error = put(&bmc, PASSWORD).unwrap_err();
        let expected = "the BMC took the password of slot 3, and does not accept it: not for these parameters (80h)";
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("hunter2"));
        bmc.answer(Command::GetUserAccess, &[1, 3], &[0x04, 0x42, 0x02, 0x12]);
        let error = put(&bmc, PASSWORD).unwrap_err();
        let expected = "the BMC took it, and slot 3 reads back privilege 2 on LAN channel 1, access 12h";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_a_bmc_can_not_have_is_not_sent() {
        let bmc = bmc(&[0; BYTES], &[0; BYTES]);
        for (password, why) in [
            ("", "it is empty"),
            ("seventeen-bytes!!", "it is longer than 16 bytes"),
            ("pass\0word", "it has other characters than visible ASCII"),
        ] {
            let error = put(&bmc, password).unwrap_err();
            assert_eq!(error.to_string(), format!("the user's password can't be told to the BMC: {why}"));
        }
        assert!(bmc.asked.borrow().is_empty());
        assert!(matches!(put(&Script::default(), PASSWORD), Err(UserError::NoLan)));
    }

    #[test]
    fn a_request_with_a_password_does_not_show_it() {
        let data = with(&[3, 2], &named(PASSWORD));
        let request = super::super::Request { command: Command::SetUserPassword, unit: 0, data };
        let shown = format!("{request:?}");
        assert!(!shown.contains("104") && shown.contains("SetUserPassword"), "{shown}");
    }
}
