//! What a campaign is asked to do, as an operator writes it.

use super::slots::Limits;
use crate::{
    firmware::{Glob, Machine, Wanted},
    senzu::Refusal,
};
use pious_protocol::{ids::UnixMs, message::AssetState};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, de::Error as _};
use utoipa::ToSchema;

/// It stands on a line with others.
const MAX_NAME: usize = 100;
/// Names that a query lists.
const MAX_NAMES: usize = 1000;
const MAX_TAGS: usize = 32;
/// A window for each day of the week, and one to spare.
const MAX_WINDOWS: usize = 8;
/// Nobody writes to more at once; a larger number is a slip.
const MAX_AT_ONCE: u32 = 10_000;
/// A week.
const MAX_SOAK_S: u64 = 604_800;

/// A campaign, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignSpec)]
pub struct Spec {
    /// What people call it.
    pub name: String,
    pub query: Query,
    /// One version of each component.
    pub wanted: Vec<Wanted>,
    #[serde(default)]
    pub caps: Caps,
    #[serde(default)]
    pub waves: Waves,
    /// When assets may be admitted; none: at any time. What was admitted goes on behind a window's end.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// From then on nobody is admitted any more.
    #[serde(default)]
    pub valid_until_ms: Option<UnixMs>,
}

/// Which assets: each filter that is there must fit, and there must be one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CampaignQuery)]
pub struct Query {
    pub state: Option<AssetState>,
    pub region: Option<String>,
    pub rack: Option<String>,
    /// The name of the planned profile, without version; `*` stands for any text.
    pub profile: Option<String>,
    /// As SMBIOS has it; `*` stands for any text.
    pub manufacturer: Option<String>,
    /// As SMBIOS has it; `*` stands for any text.
    pub model: Option<String>,
    /// It has all of these.
    pub tags: Vec<String>,
    /// It is one of these.
    pub names: Vec<String>,
}

/// How many at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CampaignCaps)]
pub struct Caps {
    #[serde(deserialize_with = "object")]
    pub per_network: PerNetwork,
    /// In one rack, whoever asked for them.
    #[schema(minimum = 1, maximum = 10_000)]
    pub per_rack: Option<u32>,
    /// In one region, whoever asked for them.
    #[schema(minimum = 1, maximum = 10_000)]
    pub per_region: Option<u32>,
    /// Of the campaign.
    #[schema(minimum = 1, maximum = 10_000)]
    pub absolute: Option<u32>,
    /// Of the campaign, in percent of its members; one at least.
    #[schema(minimum = 1, maximum = 100)]
    pub percent: Option<u32>,
}

/// From an object alone: serde takes a list for a struct, too, and `[null, null]` for one that may lack all it has.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let fields = serde_json::Map::deserialize(deserializer)?;
    serde_json::from_value(fields.into()).map_err(D::Error::custom)
}

/// How much one management network takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CampaignPerNetwork)]
pub struct PerNetwork {
    /// Assets at once, whoever asked for them; left out: what Senzu serves with (`--firmware-per-network`).
    #[schema(minimum = 1, maximum = 10_000)]
    pub concurrent: Option<u32>,
    /// How fast images go there, all together, by whichever way: of several campaigns that write there, the least counts, and
    /// what `--image-budget` says beside it. Each Senzu on a database counts what it sends itself. Left out: no such limit.
    #[schema(minimum = 1)]
    pub bytes_per_s: Option<u64>,
}

/// Who comes first, and how much more each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = CampaignWaves)]
pub struct Waves {
    /// How many are in the first wave.
    #[schema(minimum = 1, maximum = 10_000)]
    pub canary: u32,
    /// How many times more there are in the next wave.
    #[schema(minimum = 1, maximum = 100)]
    pub growth: u32,
    /// How many there are in a wave at most.
    #[schema(minimum = 1, maximum = 10_000)]
    pub max: Option<u32>,
    /// How long to wait behind a wave's last end, in seconds.
    #[schema(minimum = 0, maximum = 604_800)]
    pub soak_s: u64,
    /// How many assets may go to recovery until the campaign halts: at this many it does. No more than canaries.
    #[schema(minimum = 1, maximum = 10_000)]
    pub halt_after: u32,
    /// Which failures count.
    pub count: Counting,
}

impl Default for Waves {
    /// One, and an hour later two, four, eight …; the first failure halts it.
    fn default() -> Self {
        Self { canary: 1, growth: 2, max: None, soak_s: 3600, halt_after: 1, count: Counting::Overall }
    }
}

/// Which failures count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignCounting)]
pub enum Counting {
    /// Those of the wave that is under way.
    Wave,
    /// All.
    #[default]
    Overall,
}

/// A time of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignWindow)]
pub struct Window {
    /// The days on which it begins, in UTC.
    pub days: Vec<Day>,
    /// `22:00`, in UTC.
    pub from: String,
    /// `04:00`, in UTC: of the next day, where it is not behind `from`.
    pub to: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CampaignDay)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 1440 * MINUTE_MS;
const WEEK_MS: u64 = 7 * DAY_MS;

impl Day {
    /// Days behind the Monday.
    fn number(self) -> u64 {
        match self {
            Self::Mon => 0,
            Self::Tue => 1,
            Self::Wed => 2,
            Self::Thu => 3,
            Self::Fri => 4,
            Self::Sat => 5,
            Self::Sun => 6,
        }
    }
}

/// Milliseconds of a day at `22:00`.
fn time_of_day(text: &str) -> Option<u64> {
    let (hours, minutes) = text.split_once(':')?;
    let is_two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_two_digits(hours) || !is_two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some((hours * 60 + minutes) * MINUTE_MS)
}

impl Window {
    /// Where it is open at a moment, until when; where not, when it opens next.
    fn at(&self, now: UnixMs) -> Result<UnixMs, UnixMs> {
        let (Some(from), Some(to)) = (time_of_day(&self.from), time_of_day(&self.to)) else {
            return Err(UnixMs(u64::MAX));
        };
        let lasts = if to > from { to - from } else { to + DAY_MS - from };
        // 1 January 1970 was a Thursday.
        let in_week = (now.0 + 3 * DAY_MS) % WEEK_MS;
        let mut opens = u64::MAX;
        for day in &self.days {
            let since = (in_week + WEEK_MS - (day.number() * DAY_MS + from) % WEEK_MS) % WEEK_MS;
            if since < lasts {
                return Ok(UnixMs(now.0 + (lasts - since)));
            }
            opens = opens.min(now.0 + WEEK_MS - since);
        }
        Err(UnixMs(opens))
    }
}

/// Whether assets may be admitted at a moment: until when, or when again. Without windows always.
pub fn open_at(windows: &[Window], now: UnixMs) -> Result<UnixMs, UnixMs> {
    if windows.is_empty() {
        return Ok(UnixMs(u64::MAX));
    }
    let (mut until, mut opens) = (None, UnixMs(u64::MAX));
    for window in windows {
        match window.at(now) {
            Ok(end) => until = Some(until.map_or(end, |until: UnixMs| until.max(end))),
            Err(next) => opens = opens.min(next),
        }
    }
    until.ok_or(opens)
}

impl Spec {
    /// Whether it can be carried out at all.
    pub fn check(&self, now: UnixMs) -> Result<(), Refusal> {
        match self.name.trim().chars().count() {
            0 => return Err(Refusal::Empty { field: "name", remedy: "what people call the campaign" }),
            count if count > MAX_NAME => return Err(Refusal::TooMany { what: "name", count, max: MAX_NAME }),
            _ => {}
        }
        crate::senzu::check_wanted(&self.wanted)?;
        self.query.check()?;
        self.caps.check()?;
        self.waves.check()?;
        if self.windows.len() > MAX_WINDOWS {
            return Err(Refusal::TooMany { what: "windows", count: self.windows.len(), max: MAX_WINDOWS });
        }
        self.windows.iter().try_for_each(Window::check)?;
        match self.valid_until_ms {
            Some(until) if until <= now => {
                let value = crate::words::time(until);
                Err(Refusal::OutOfRange { field: "valid_until_ms", value, remedy: "a moment that is still to come" })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What slots are counted by, where the campaign has so many members and Senzu serves with so many in a network.
    pub fn limits(&self, members: u64, per_network: u32) -> Limits {
        let percent = self.caps.percent.map(|percent| {
            let share = members.saturating_mul(u64::from(percent)) / 100;
            u32::try_from(share).unwrap_or(u32::MAX).max(1)
        });
        Limits {
            per_network: self.caps.per_network.concurrent.unwrap_or(per_network),
            per_rack: self.caps.per_rack,
            per_region: self.caps.per_region,
            at_once: [self.caps.absolute, percent].into_iter().flatten().min(),
        }
    }
}

fn in_range(field: &'static str, value: Option<u32>, max: u32, remedy: &'static str) -> Result<(), Refusal> {
    match value {
        Some(value) if !(1..=max).contains(&value) => {
            Err(Refusal::OutOfRange { field, value: value.to_string(), remedy })
        }
        Some(_) | None => Ok(()),
    }
}

impl Query {
    fn check(&self) -> Result<(), Refusal> {
        if *self == Self::default() {
            let remedy = "name at least one: state, region, rack, profile, manufacturer, model, tags or names";
            return Err(Refusal::Empty { field: "query", remedy });
        }
        if self.state == Some(AssetState::Unknown) {
            let remedy = "NEW or SPARE";
            return Err(Refusal::OutOfRange { field: "query.state", value: "no state".into(), remedy });
        }
        for (what, count, max) in
            [("query.names", self.names.len(), MAX_NAMES), ("query.tags", self.tags.len(), MAX_TAGS)]
        {
            if count > max {
                return Err(Refusal::TooMany { what, count, max });
            }
        }
        Ok(())
    }

    /// Whether a profile's name fits.
    pub fn fits_profile(&self, profile: Option<&str>) -> bool {
        is_like(self.profile.as_deref(), profile)
    }

    /// Whether a machine fits.
    pub fn fits_machine(&self, machine: Option<&Machine>) -> bool {
        is_like(self.manufacturer.as_deref(), machine.map(|machine| machine.manufacturer.as_str()))
            && is_like(self.model.as_deref(), machine.map(|machine| machine.model.as_str()))
    }
}

fn is_like(pattern: Option<&str>, text: Option<&str>) -> bool {
    match (pattern, text) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(pattern), Some(text)) => Glob::new(pattern).fits(text),
    }
}

impl Caps {
    fn check(&self) -> Result<(), Refusal> {
        let remedy = "from 1 to 10000; left out: no such limit";
        in_range("caps.per_network.concurrent", self.per_network.concurrent, MAX_AT_ONCE, remedy)?;
        in_range("caps.per_rack", self.per_rack, MAX_AT_ONCE, remedy)?;
        in_range("caps.per_region", self.per_region, MAX_AT_ONCE, remedy)?;
        in_range("caps.absolute", self.absolute, MAX_AT_ONCE, remedy)?;
        in_range("caps.percent", self.percent, 100, "from 1 to 100; left out: no such limit")?;
        match self.per_network.bytes_per_s {
            Some(0) => {
                let (field, value) = ("caps.per_network.bytes_per_s", "0".into());
                Err(Refusal::OutOfRange { field, value, remedy: "a byte at least; left out: what Senzu serves with" })
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Waves {
    fn check(&self) -> Result<(), Refusal> {
        in_range("waves.canary", Some(self.canary), MAX_AT_ONCE, "from 1 to 10000")?;
        in_range("waves.growth", Some(self.growth), 100, "from 1 to 100")?;
        in_range("waves.max", self.max, MAX_AT_ONCE, "from 1 to 10000; left out: a wave may be of any size")?;
        // Else every canary may fail, and the rest follows.
        in_range(
            "waves.halt_after",
            Some(self.halt_after),
            self.canary,
            "from 1 to as many as there are canaries (waves.canary)",
        )?;
        match self.soak_s {
            soak_s if soak_s > MAX_SOAK_S => {
                let value = soak_s.to_string();
                Err(Refusal::OutOfRange { field: "waves.soak_s", value, remedy: "from 0 to 604800, a week" })
            }
            _ => Ok(()),
        }
    }

    /// The wave of each of so many members, in order.
    pub fn of_members(&self, count: usize) -> Vec<u32> {
        let mut waves = Vec::with_capacity(count);
        let (mut wave, mut size) = (1_u32, u64::from(self.canary.max(1)));
        let max = self.max.map_or(u64::MAX, u64::from).max(1);
        while waves.len() < count {
            let left = u64::try_from(count - waves.len()).unwrap_or(u64::MAX);
            for _ in 0..size.min(max).min(left) {
                waves.push(wave);
            }
            wave = wave.saturating_add(1);
            size = size.saturating_mul(u64::from(self.growth.max(1)));
        }
        waves
    }
}

impl Window {
    fn check(&self) -> Result<(), Refusal> {
        if self.days.is_empty() {
            return Err(Refusal::Empty { field: "windows.days", remedy: "mon, tue, wed, thu, fri, sat, sun" });
        }
        for (field, text) in [("windows.from", &self.from), ("windows.to", &self.to)] {
            if time_of_day(text).is_none() {
                let value = format!("{text:?}");
                return Err(Refusal::OutOfRange { field, value, remedy: "hours and minutes in UTC, as 22:00" });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
