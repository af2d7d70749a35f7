//! What agents say first and most often: BOOT_EVENT and facts.

use super::{Refusal, Senzu, TokenHash, audit, generation, identify, now};
use crate::campaign::admission;
use crate::chakshu;
use crate::dag::{Situation, later};
use crate::store::{
    Conn, StoreError, Tx,
    alerts::{self, AlertKind},
    assets::{self, Asset, MacKind},
    dialect::lock_asset,
    findings, instructions, json,
    sessions::{self, Session, StoredFacts},
};
use pious_protocol::{
    expectation::Expectation,
    facts::FirmwareMode,
    identity::{Sameness, compare},
    ids::{AssetId, BootId, UnixMs},
    message::{BootEvent, FactsAnswer, FactsReport, TimelineEntry, Whoami},
};
use ring::rand::{SecureRandom, SystemRandom};
use std::{sync::Arc, time::Duration};

/// A large server has 16 NICs and 48 DIMMs; ten times that is no server.
const MAX_MACS: usize = 160;
const MAX_DIMMS: usize = 512;
/// A boot has about ten phases; an agent that restarts again and again adds some.
const MAX_TIMELINE: usize = 256;
/// An agent's last word is the final report; the stop table and a slow firmware's power-off take seconds.
const GONE_AFTER: Duration = Duration::from_secs(60);
/// A session that is heard more often than this is noted once in this time: each note is a write to the disk.
const NOTE_EVERY: Duration = Duration::from_secs(10);

impl Senzu {
    /// Does something that writes where the store does it fastest, and to its end even if the asker is gone.
    pub async fn writing<T, F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.db.writing(work(self.clone())).await
    }

    /// BOOT_EVENT: which asset is it, and what is expected of it? Idempotent by boot id; each answer has a fresh token,
    /// and the session's three before it stay good.
    pub async fn boot_event(&self, event: &BootEvent) -> Result<Whoami, Refusal> {
        check_sizes(event)?;
        let now = now();
        let mut tx = self.db.write_machine(machine(event)).await?;
        let situation = match sessions::by_boot(&mut tx, event.boot_id).await? {
            Some(session) => self.boot_again(&mut tx, &session, event, now).await?,
            None => self.boot_first(&mut tx, event, now).await?,
        };
        if let Some(words) = &event.last_words {
            let object = format!("{} {}", event.boot_id, TokenHash::of(words).0);
            let words = format!("an agent process of boot {} died: {words}", event.boot_id.short());
            alerts::raise(&mut tx, situation.asset.id, AlertKind::AgentDied, &object, &words, now).await?;
        }
        let asset = self.engine.walk_in(&mut tx, situation).await?;
        let token = fresh_token();
        sessions::add_token(&mut tx, event.boot_id, &TokenHash::of(&token).0).await?;
        let expectation = chakshu::expectation(&mut tx, asset.id).await?;
        sessions::set_told(&mut tx, event.boot_id, asset.standing_revision, &digest(&expectation)).await?;
        self.commit(tx, asset.id).await?;
        Ok(Whoami {
            asset: asset.id,
            name: asset.name,
            standing: asset.standing,
            expectation,
            session_token: token,
            senzu_time_ms: now,
            facts_period_s: self.facts_period_s,
        })
    }

    async fn boot_first(&self, tx: &mut Tx, event: &BootEvent, now: UnixMs) -> Result<Situation, Refusal> {
        let identify::Identified { asset: id, doubt } = identify::identify(tx, &event.fingerprint, now).await?;
        lock_asset(tx, id).await?;
        let (mut asset, beside) = there(assets::with_beside(tx, id).await?, id)?;
        if let Some(doubt) = doubt {
            alerts::raise(tx, id, AlertKind::AmbiguousFingerprint, &doubt, &doubt, now).await?;
        }
        let merged = identify::merge(&asset.fingerprint, &event.fingerprint);
        // Dozens of rows, which most boots change nothing of.
        let is_news = merged != asset.fingerprint;
        if (is_news || asset.last_seen.is_none()) && !event.fingerprint.macs.is_empty() {
            assets::set_macs(tx, id, MacKind::Seen, &event.fingerprint.macs).await?;
        }
        if is_news {
            assets::set_fingerprint(tx, id, &merged).await?;
            (asset.serial, asset.fingerprint) = (merged.system_serial.clone(), merged);
        }
        sessions::insert(tx, event, id, now).await?;
        if beside.alerts {
            alerts::clear(tx, id, AlertKind::Silent, now).await?;
        }
        let asset = assets::begin_session(tx, asset, event.boot_id, now).await?;
        // What was found at an earlier boot says nothing of this one.
        if beside.findings {
            findings::replace(tx, id, &[]).await?;
        }
        let by = match event.firmware_mode {
            FirmwareMode::Bios => "legacy BIOS",
            FirmwareMode::Uefi => "UEFI",
            FirmwareMode::Unknown => "firmware that did not tell its kind",
        };
        let why = format!("PIOUS {} by {by}", event.agent_version);
        audit(tx, id, "agent", format!("booted: boot {}", event.boot_id.short()), why).await?;
        let goal = beside.goal || (beside.campaign && admission::at_boot(tx, &asset, now).await?);
        let beside = assets::Beside { goal, ..beside };
        Ok(Situation { begins: true, ..Situation::of(tx, asset, beside, now).await? })
    }

    async fn boot_again(
        &self,
        tx: &mut Tx,
        session: &Session,
        event: &BootEvent,
        now: UnixMs,
    ) -> Result<Situation, Refusal> {
        match compare(&session.fingerprint, &event.fingerprint).sameness {
            Sameness::Same => {}
            // A machine that shows nothing usable is not even like itself.
            Sameness::Ambiguous if session.fingerprint == event.fingerprint => {}
            Sameness::Ambiguous | Sameness::Different => return Err(Refusal::OtherMachine(event.boot_id)),
        }
        lock_asset(tx, session.asset).await?;
        sessions::repeat(tx, event, now).await?;
        self.heard(tx, session, now).await?;
        there(Situation::load(tx, session.asset, now).await?, session.asset)
    }

    /// Whose token this is, if it may speak on the routes of `route`.
    pub async fn session(&self, token: Option<&str>, route: BootId) -> Result<Session, Refusal> {
        let token = token.ok_or(Refusal::UnknownToken)?;
        let session = sessions::by_token(&mut *self.db.look().await?, &TokenHash::of(token).0).await?;
        match session {
            None => Err(Refusal::UnknownToken),
            Some(session) if session.boot_id != route => Err(Refusal::OtherSession { token: session.boot_id, route }),
            Some(session) => Ok(session),
        }
    }

    /// Notes that a session spoke. One that speaks though a newer one of the same asset began raises an alert: two
    /// machines say that they are one asset. (One that is silent was reset, and that is nobody's concern.) Says whether the
    /// session is the one that counts.
    pub(super) async fn heard(&self, conn: &mut Conn, session: &Session, now: UnixMs) -> Result<bool, StoreError> {
        sessions::set_last_seen(conn, session.boot_id, now).await?;
        assets::set_last_seen(conn, session.asset, now).await?;
        let Some(asset) = assets::by_id(conn, session.asset).await? else { return Ok(false) };
        alerts::clear(conn, asset.id, AlertKind::Silent, now).await?;
        match asset.current_boot {
            Some(current) if current == session.boot_id => {
                if session.ended.is_some_and(|ended| now >= later(ended, GONE_AFTER)) {
                    still_there(conn, session, now).await?;
                }
                Ok(true)
            }
            Some(current) if session.ended.is_none() => {
                let object = format!("{} {current}", session.boot_id);
                let (one, other) = (session.boot_id.short(), current.short());
                let words = format!("boot {one} and boot {other} both speak as this asset");
                if alerts::raise(conn, asset.id, AlertKind::TwoSessions, &object, &words, now).await? {
                    tracing::warn!(asset = %asset.name, "{words}");
                }
                Ok(false)
            }
            Some(_) | None => Ok(false),
        }
    }

    /// Ends the alerts whose cause is over once the newest boot tells its facts: an agent that died in an earlier boot, a
    /// doubt that a plan cleared, a rival that was switched off.
    async fn clear_past(&self, conn: &mut Conn, session: &Session, now: UnixMs) -> Result<(), StoreError> {
        if !alerts::any_open(conn, session.asset).await? {
            return Ok(());
        }
        let boot = session.boot_id.to_string();
        let of_earlier = |object: &str| !object.starts_with(&boot);
        alerts::clear_where(conn, session.asset, AlertKind::AgentDied, of_earlier, now).await?;
        let Some(situation) = Situation::load(conn, session.asset, now).await? else { return Ok(()) };
        if situation.rivals.is_empty() {
            alerts::clear(conn, session.asset, AlertKind::TwoSessions, now).await?;
        }
        if situation.asset.doubt.is_none() {
            alerts::clear(conn, session.asset, AlertKind::AmbiguousFingerprint, now).await?;
        }
        Ok(())
    }

    /// As [`Senzu::heard`], in a transaction of its own, and only where there is something to note.
    pub(super) async fn note(&self, session: Session) -> Result<(), StoreError> {
        let now = now();
        let asset = assets::by_id(&mut *self.db.look().await?, session.asset).await?;
        let counts = asset.is_some_and(|asset| asset.current_boot == Some(session.boot_id));
        let age_ms = now.0.saturating_sub(session.last_seen.0);
        if counts && u128::from(age_ms) < NOTE_EVERY.as_millis() {
            return Ok(());
        }
        let mut tx = self.db.write_asset(session.asset).await?;
        self.heard(&mut tx, &session, now).await?;
        if !counts {
            self.engine.walk(&mut tx, session.asset, now).await?;
        }
        self.commit(tx, session.asset).await
    }

    /// Facts: judged and stored. A report whose generation is older than the stored one's is refused; one of the same
    /// generation is taken, because it is sent periodically though nothing changed.
    pub async fn facts(&self, session: &Session, report: &FactsReport) -> Result<FactsAnswer, Refusal> {
        check_timeline(&report.timeline)?;
        let now = now();
        let boot = session.boot_id;
        let mut tx = self.db.write_asset(session.asset).await?;
        let stored = sessions::generation(&mut tx, boot).await?;
        if report.generation < stored {
            let (stored, sent) = (generation(stored), generation(report.generation));
            return Err(Refusal::StaleGeneration { boot, stored, sent });
        }
        let facts = StoredFacts { generation: report.generation, received: now, facts: report.facts.clone() };
        sessions::set_facts(&mut tx, boot, &facts).await?;
        if !report.timeline.is_empty() {
            sessions::set_timeline(&mut tx, boot, &report.timeline).await?;
        }
        let counts = self.heard(&mut tx, session, now).await?;
        let (expectation, findings) = self.judge(&mut tx, session.asset, &report.facts, counts).await?;
        if counts {
            self.clear_past(&mut tx, session, now).await?;
        }
        let asset = there(self.engine.walk(&mut tx, session.asset, now).await?, session.asset)?;
        let digest = digest(&expectation);
        sessions::set_told(&mut tx, boot, asset.standing_revision, &digest).await?;
        self.commit(tx, asset.id).await?;
        Ok(FactsAnswer {
            generation: report.generation,
            findings,
            standing: asset.standing,
            expectation: (digest != session.told_expectation).then_some(expectation),
            senzu_time_ms: Some(now),
        })
    }
}

/// A machine that said it was powering off and still speaks: done was not done. The bean may try again.
async fn still_there(conn: &mut Conn, session: &Session, now: UnixMs) -> Result<(), StoreError> {
    sessions::reopen(conn, session.boot_id).await?;
    instructions::doubt_last_power(conn, session.asset, session.boot_id, now).await?;
    let what = format!("still speaks though it {}", session.ended_why.as_deref().unwrap_or("ended"));
    tracing::warn!(boot = %session.boot_id, "{what}");
    audit(conn, session.asset, "agent", what, format!("boot {}", session.boot_id.short())).await
}

/// The values by which a machine is found, and the boot's name.
fn machine(event: &BootEvent) -> impl Iterator<Item = String> {
    let values = assets::values(&event.fingerprint).into_iter().map(|(kind, value)| format!("{kind} {value}"));
    values.chain([format!("boot {}", event.boot_id)])
}

/// An asset that is there, because a row that is there names it.
pub(super) async fn reload(conn: &mut Conn, id: AssetId) -> Result<Asset, Refusal> {
    there(assets::by_id(conn, id).await?, id)
}

/// As [`reload`], of what was found of such an asset.
pub(super) fn there<T>(found: Option<T>, id: AssetId) -> Result<T, Refusal> {
    found.ok_or_else(|| Refusal::NoSuchAsset(id.to_string()))
}

fn check_sizes(event: &BootEvent) -> Result<(), Refusal> {
    let limits = [
        ("fingerprint.macs", event.fingerprint.macs.len(), MAX_MACS),
        ("fingerprint.dimm_serials", event.fingerprint.dimm_serials.len(), MAX_DIMMS),
    ];
    for (what, count, max) in limits {
        if count > max {
            return Err(Refusal::TooMany { what, count, max });
        }
    }
    check_timeline(&event.timeline)
}

fn check_timeline(timeline: &[TimelineEntry]) -> Result<(), Refusal> {
    match timeline.len() {
        count if count > MAX_TIMELINE => Err(Refusal::TooMany { what: "timeline", count, max: MAX_TIMELINE }),
        _ => Ok(()),
    }
}

/// What tells one expectation from another.
fn digest(expectation: &Expectation) -> String {
    TokenHash::of(&json(expectation)).0
}

/// 256 random bits, hex.
pub fn fresh_token() -> String {
    let mut octets = [0; 32];
    // ring: the kernel's generator; it fails only where there is none, and then nothing here may go on.
    SystemRandom::new().fill(&mut octets).unwrap_or_else(|_| std::process::abort());
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

impl Senzu {
    /// The session as it is now.
    pub(super) async fn session_now(&self, conn: &mut Conn, boot: BootId) -> Result<Session, Refusal> {
        sessions::by_boot(conn, boot).await?.ok_or(Refusal::UnknownToken)
    }
}
