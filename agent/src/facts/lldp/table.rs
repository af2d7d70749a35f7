//! What one NIC heard, for as long as it stays true: IEEE 802.1AB-2016 §9.2.7.
//!
//! Pure: time is an argument, any monotonic clock's reading. One frame is not the truth, so the table keeps each
//! neighbour (by chassis and port) until its TTL runs out or it says goodbye with a TTL of 0, and says why there is
//! none when there is none.

use super::{LldpError, Lldpdu};
use pious_protocol::{
    facts::{LldpId, Neighbour, Neighbours, Vlan},
    ids::MacAddress,
};
use std::{collections::BTreeMap, time::Duration};

/// A port has one neighbour, or a few behind a dumb switch. More is a flood, and a flood must not eat the memory of a
/// 256 MiB machine: the standard's "too many neighbours" (§9.2.7.7.5).
const MAX_NEIGHBOURS: usize = 16;

/// How a silence is told: coarse, so that facts change a few times and not every second. The standard's transmission
/// interval is 30 s (§9.2.5.7), so a silence of two is worth a sentence.
const SILENCE_STEPS_S: [u64; 8] = [0, 30, 60, 120, 300, 600, 1800, 3600];

/// What a frame changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A neighbour that was not there.
    Appeared,
    /// A known neighbour told something new of itself.
    Altered {
        /// What it told before.
        before: Box<Neighbour>,
    },
    /// A known neighbour said the same again.
    Refreshed,
    /// A known neighbour said goodbye.
    Left(Box<Neighbour>),
    /// Nothing: a goodbye of a stranger, or a stranger too many.
    Ignored,
}

impl Change {
    /// Whether the facts are other than before.
    pub fn is_news(&self) -> bool {
        match self {
            Self::Appeared | Self::Altered { .. } | Self::Left(_) => true,
            Self::Refreshed | Self::Ignored => false,
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    neighbour: Neighbour,
    heard_at: Duration,
}

impl Entry {
    fn expires_at(&self) -> Duration {
        self.heard_at + Duration::from_secs(self.neighbour.ttl_s.into())
    }
}

/// Whether anybody could be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ear {
    /// Nobody listens: the link is down.
    Deaf,
    /// Listening since then.
    Open { since: Duration },
}

/// The neighbours of one NIC.
#[derive(Clone, Debug)]
pub struct Table {
    entries: BTreeMap<(LldpId, LldpId), Entry>,
    ear: Ear,
    /// When the last believable frame came, since the link came up.
    heard_at: Option<Duration>,
    /// How many frames were refused since the link came up, and why the last.
    refused: Option<(u64, LldpError)>,
    /// The NIC of this server whose LLDP came in here last, since the link came up.
    echo: Option<MacAddress>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// A NIC without carrier: [`Table::link_up`] opens its ear.
    pub fn new() -> Self {
        Self { entries: BTreeMap::new(), ear: Ear::Deaf, heard_at: None, refused: None, echo: None }
    }

    /// The link has carrier: listening begins. Nothing changes if it had begun.
    pub fn link_up(&mut self, now: Duration) {
        match self.ear {
            Ear::Deaf => self.ear = Ear::Open { since: now },
            Ear::Open { .. } => {}
        }
    }

    /// The link lost carrier: whoever was there may not be there when it returns (a moved cable), so all are forgotten.
    /// Answers whether there were any.
    pub fn link_down(&mut self) -> bool {
        let had = !self.entries.is_empty();
        *self = Self::new();
        had
    }

    /// A frame came. A frame heard proves a link, whatever was said of it.
    pub fn heard(&mut self, lldpdu: Lldpdu, now: Duration) -> Change {
        self.link_up(now);
        self.heard_at = Some(now);
        let neighbour = lldpdu.neighbour;
        let key = (neighbour.chassis_id.clone(), neighbour.port_id.clone());
        if neighbour.ttl_s == 0 {
            return self.entries.remove(&key).map_or(Change::Ignored, |gone| Change::Left(Box::new(gone.neighbour)));
        }
        if self.entries.len() >= MAX_NEIGHBOURS && !self.entries.contains_key(&key) {
            return Change::Ignored;
        }
        match self.entries.insert(key, Entry { neighbour: neighbour.clone(), heard_at: now }) {
            None => Change::Appeared,
            Some(old) if old.neighbour == neighbour => Change::Refreshed,
            Some(old) => Change::Altered { before: Box::new(old.neighbour) },
        }
    }

    /// A frame came from a NIC of this same server: its firmware's agent, or a cable from one port to the other. It is no
    /// neighbour, least of all a switch; it is named when nothing better was heard.
    pub fn echoed(&mut self, nic: MacAddress, now: Duration) {
        self.link_up(now);
        self.echo = Some(nic);
    }

    /// A frame came that is no LLDPDU to believe: it is counted, and named when nothing better was heard.
    pub fn refused(&mut self, error: LldpError, now: Duration) {
        self.link_up(now);
        let before = self.refused.take().map_or(0, |(count, _)| count);
        self.refused = Some((before.saturating_add(1), error));
    }

    /// Forgets those whose TTL has run out, and answers who they were.
    pub fn expire(&mut self, now: Duration) -> Vec<Neighbour> {
        let (gone, kept) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|(_, entry): &(_, Entry)| entry.expires_at() <= now);
        self.entries = kept;
        let gone: BTreeMap<_, _> = gone;
        gone.into_values().map(|entry| entry.neighbour).collect()
    }

    /// When the next TTL runs out.
    pub fn next_expiry(&self) -> Option<Duration> {
        self.entries.values().map(Entry::expires_at).min()
    }

    /// When what [`Table::neighbours`] tells will next change by the clock alone: a TTL runs out, or a silence grows to
    /// its next step.
    pub fn next_change(&self, now: Duration) -> Option<Duration> {
        self.next_expiry().or_else(|| {
            let since = self.silent_since()?;
            let silence = now.saturating_sub(since);
            SILENCE_STEPS_S
                .iter()
                .map(|&s| Duration::from_secs(s))
                .find(|&step| step > silence)
                .map(|step| since + step)
        })
    }

    /// The neighbours, by chassis and port; or why there is none.
    pub fn neighbours(&self, now: Duration) -> Neighbours {
        match self.silent_reason(now) {
            Some(reason) => Neighbours::Silent { reason },
            None => Neighbours::Heard(self.entries.values().map(|entry| entry.neighbour.clone()).collect()),
        }
    }

    /// What the neighbour heard last announces of VLANs; the fields that LLDP can't tell stay default.
    pub fn announced_vlans(&self) -> Vlan {
        let latest = self.entries.values().max_by_key(|entry| entry.heard_at);
        latest.map_or_else(Vlan::default, |entry| Vlan {
            announced_native: entry.neighbour.native_vlan,
            announced: entry.neighbour.vlans.clone(),
            ..Vlan::default()
        })
    }

    /// Why nobody is heard; `None` while somebody is.
    pub fn silent_reason(&self, now: Duration) -> Option<String> {
        if !self.entries.is_empty() {
            return None;
        }
        let Some(since) = self.silent_since() else { return Some("no carrier".into()) };
        let silence_s = now.saturating_sub(since).as_secs();
        let step_s = SILENCE_STEPS_S.iter().copied().rfind(|&step| step <= silence_s).unwrap_or_default();
        let span = match step_s {
            0 => return Some(self.with_others("listening; no LLDP frame yet (a switch sends one every 30 s)".into())),
            s if s % 60 == 0 && s > 60 => format!("{} min", s / 60),
            s => format!("{s} s"),
        };
        Some(self.with_others(match self.heard_at {
            None => {
                format!("no LLDP frame for {span}: is LLDP on at the switch port, does the NIC's firmware keep it?")
            }
            Some(_) => format!("the neighbour fell silent; no LLDP frame for {span}"),
        }))
    }

    fn with_others(&self, mut reason: String) -> String {
        if let Some(nic) = self.echo {
            let own = "of this server: by its firmware, or does the cable lead back here?";
            reason = format!("{reason}; what was heard is {nic} {own}");
        }
        match &self.refused {
            None => reason,
            Some((1, error)) => format!("{reason}; a frame was refused: {error}"),
            Some((_, error)) => format!("{reason}; frames were refused, the last because {error}"),
        }
    }

    fn silent_since(&self) -> Option<Duration> {
        match self.ear {
            Ear::Deaf => None,
            Ear::Open { since } => Some(self.heard_at.unwrap_or(since)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn neighbour(port: &str, ttl_s: u16) -> Neighbour {
        Neighbour {
            chassis_id: LldpId { subtype: "mac_address".into(), value: "02:00:00:00:00:01".into() },
            port_id: LldpId { subtype: "interface_name".into(), value: port.into() },
            ttl_s,
            ..Neighbour::default()
        }
    }

    fn frame(neighbour: &Neighbour) -> Lldpdu {
        Lldpdu { source: MacAddress([2; 6]), tags: vec![], neighbour: neighbour.clone(), problems: vec![] }
    }

    #[test]
    fn a_neighbour_lives_as_long_as_its_ttl_after_its_last_frame() {
        let (mut table, swp1) = (Table::new(), neighbour("swp1", 120));
        assert_eq!(table.heard(frame(&swp1), s(10)), Change::Appeared);
        assert_eq!(table.heard(frame(&swp1), s(40)), Change::Refreshed);
        assert_eq!(table.next_expiry(), Some(s(160)));
        assert_eq!(table.expire(s(159)), vec![]);
        assert_eq!(table.neighbours(s(159)), Neighbours::Heard(vec![swp1.clone()]));
        assert_eq!(table.expire(s(160)), vec![swp1]);
        assert_eq!(table.next_expiry(), None);
    }

    #[test]
    fn several_neighbours_on_one_port_are_kept_apart() {
        let (mut table, one, two) = (Table::new(), neighbour("swp1", 120), neighbour("swp2", 60));
        assert_eq!(table.heard(frame(&two), s(0)), Change::Appeared);
        assert_eq!(table.heard(frame(&one), s(0)), Change::Appeared);
        assert_eq!(table.neighbours(s(1)), Neighbours::Heard(vec![one.clone(), two.clone()]));
        assert_eq!(table.expire(s(60)), vec![two]);
        assert_eq!(table.neighbours(s(60)), Neighbours::Heard(vec![one]));
    }

    #[test]
    fn ttl_zero_says_goodbye() {
        let (mut table, swp1) = (Table::new(), neighbour("swp1", 120));
        assert_eq!(table.heard(frame(&neighbour("swp1", 0)), s(0)), Change::Ignored);
        table.heard(frame(&swp1), s(1));
        assert_eq!(table.heard(frame(&neighbour("swp1", 0)), s(2)), Change::Left(Box::new(swp1)));
        assert_eq!(table.neighbours(s(2)).heard(), []);
    }

    #[test]
    fn a_neighbour_that_tells_something_new_is_news() {
        let (mut table, before) = (Table::new(), neighbour("swp1", 120));
        let after = Neighbour { native_vlan: Some(20), ..before.clone() };
        table.heard(frame(&before), s(0));
        let change = table.heard(frame(&after), s(1));
        assert_eq!(change, Change::Altered { before: Box::new(before) });
        assert!(change.is_news());
        assert_eq!(table.announced_vlans(), Vlan { announced_native: Some(20), ..Vlan::default() });
    }

    #[test]
    fn a_lost_link_forgets_and_says_no_carrier() {
        let mut table = Table::new();
        assert_eq!(table.silent_reason(s(0)).as_deref(), Some("no carrier"));
        table.heard(frame(&neighbour("swp1", 120)), s(1));
        assert!(table.link_down());
        assert!(!table.link_down());
        assert_eq!(table.neighbours(s(2)), Neighbours::Silent { reason: "no carrier".into() });
    }

    #[test]
    fn a_silence_is_told_in_steps() {
        let mut table = Table::new();
        table.link_up(s(100));
        let listening = "listening; no LLDP frame yet (a switch sends one every 30 s)";
        assert_eq!(table.silent_reason(s(129)).as_deref(), Some(listening));
        assert_eq!(table.next_change(s(129)), Some(s(130)));
        assert!(table.silent_reason(s(130)).is_some_and(|r| r.starts_with("no LLDP frame for 30 s")));
        assert_eq!(table.silent_reason(s(130)), table.silent_reason(s(159)));
        assert!(table.silent_reason(s(400)).is_some_and(|r| r.starts_with("no LLDP frame for 5 min")));
        assert_eq!(table.next_change(s(100 + 3600)), None);
    }

    #[test]
    fn a_neighbour_that_fell_silent_and_frames_refused_are_named() {
        let mut table = Table::new();
        table.heard(frame(&neighbour("swp1", 20)), s(0));
        table.expire(s(60));
        let reason = "the neighbour fell silent; no LLDP frame for 60 s";
        assert_eq!(table.silent_reason(s(60)).as_deref(), Some(reason));
        table.refused(LldpError::ShortFrame { bytes: 3 }, s(61));
        let refused = format!("{reason}; a frame was refused: the frame is 3 bytes, too short for an Ethernet header");
        assert_eq!(table.silent_reason(s(61)), Some(refused));
    }

    #[test]
    fn a_nic_of_our_own_is_no_neighbour_and_is_named() {
        let own = MacAddress([0x50, 0x6b, 0x4b, 0, 0, 1]);
        let mut table = Table::new();
        table.echoed(own, s(0));
        let listening = "listening; no LLDP frame yet (a switch sends one every 30 s)";
        let reason = format!(
            "{listening}; what was heard is {own} of this server: by its firmware, or does the cable lead back here?"
        );
        assert_eq!(table.neighbours(s(1)), Neighbours::Silent { reason });
        // A silence of the switch goes on beside it.
        assert!(table.silent_reason(s(60)).is_some_and(|reason| reason.starts_with("no LLDP frame for 60 s")));
        let swp1 = neighbour("swp1", 120);
        table.heard(frame(&swp1), s(61));
        assert_eq!(table.neighbours(s(61)), Neighbours::Heard(vec![swp1]));
        table.link_down();
        table.link_up(s(62));
        assert_eq!(table.silent_reason(s(62)).as_deref(), Some(listening));
    }

    #[test]
    fn a_neighbour_whose_ttl_is_shorter_than_before_leaves_sooner() {
        let mut table = Table::new();
        table.heard(frame(&neighbour("swp1", 120)), s(0));
        let change = table.heard(frame(&neighbour("swp1", 10)), s(1));
        assert_eq!(change, Change::Altered { before: Box::new(neighbour("swp1", 120)) });
        assert_eq!(table.next_expiry(), Some(s(11)));
        assert_eq!(table.expire(s(11)), [neighbour("swp1", 10)]);
    }

    #[test]
    fn a_goodbye_of_one_leaves_the_others_and_one_that_returns_is_new() {
        let (mut table, one, two) = (Table::new(), neighbour("swp1", 120), neighbour("swp2", 120));
        table.heard(frame(&one), s(0));
        table.heard(frame(&two), s(0));
        assert_eq!(table.heard(frame(&neighbour("swp1", 0)), s(1)), Change::Left(Box::new(one.clone())));
        assert_eq!(table.neighbours(s(1)), Neighbours::Heard(vec![two]));
        assert_eq!(table.heard(frame(&one), s(2)), Change::Appeared);
    }

    #[test]
    fn a_flood_of_strangers_does_not_grow_the_table() {
        let mut table = Table::new();
        for port in 0..100 {
            table.heard(frame(&neighbour(&format!("p{port}"), 120)), s(0));
        }
        assert_eq!(table.neighbours(s(0)).heard().len(), MAX_NEIGHBOURS);
        assert_eq!(table.heard(frame(&neighbour("p0", 120)), s(1)), Change::Refreshed);
    }
}
