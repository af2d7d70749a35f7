//! All that beans may look at: one asset at one moment.

use super::firmware::Firmware;
use crate::campaign::leases;
use crate::chakshu::{self, Purchase};
use crate::store::{
    Conn, StoreError,
    approvals::{self, Approval, ApprovalStatus},
    assets,
    assets::{Asset, Beside},
    findings, goals,
    instructions::{self, Issued, Status},
    promotions::{self, Promotion},
    sessions::{self, Brief},
};
use pious_protocol::{
    finding::Finding,
    ids::{AssetId, BootId, UnixMs},
};
use std::time::Duration;

/// One asset at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Situation {
    pub now: UnixMs,
    pub asset: Asset,
    /// The boot session that counts; `None` until the asset first boots.
    pub session: Option<Brief>,
    /// Whether that session begins in this very transaction: no bean has come out in it yet.
    pub begins: bool,
    /// When its newest sessions began, the newest first.
    pub boots: Vec<UnixMs>,
    /// Other sessions of the asset that still speak.
    pub rivals: Vec<Rival>,
    /// The newest judgement.
    pub findings: Vec<Finding>,
    /// The promotion that is under way.
    pub promotion: Option<Promotion>,
    /// Where it stands with what was ordered.
    pub purchase: Purchase,
    /// What two operators agreed on, and what is not over.
    pub approval: Option<Approval>,
    /// Which firmware it shall have, where it shall have any, and has.
    pub firmware: Option<Firmware>,
    /// What beans told this boot session, newest first.
    pub instructions: Vec<Issued>,
    /// Whether any that it was told has not ended, whoever told it.
    pub has_open_instructions: bool,
}

/// A session that speaks though a newer one began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    pub boot: BootId,
    /// Until when it counts as speaking.
    pub until: UnixMs,
}

/// How long a session that was heard counts as speaking: two and a half of the usual reporting periods (60 s), so that
/// one lost report does not end it.
const SPEAKING: Duration = Duration::from_secs(150);
/// Instructions and sessions that beans look back on.
const LOOK_BACK: u32 = 32;

impl Situation {
    /// Loads the situation of an asset; `None` where there is no such asset.
    pub async fn load(conn: &mut Conn, asset: AssetId, now: UnixMs) -> Result<Option<Self>, StoreError> {
        match assets::with_beside(conn, asset).await? {
            Some((asset, beside)) => Self::of(conn, asset, beside, now).await.map(Some),
            None => Ok(None),
        }
    }

    /// The situation of an asset that was loaded, with what there is beside it.
    pub async fn of(conn: &mut Conn, asset: Asset, beside: Beside, now: UnixMs) -> Result<Self, StoreError> {
        let sessions = sessions::briefs(conn, asset.id, asset.current_boot, LOOK_BACK).await?;
        let session = sessions.iter().find(|session| Some(session.boot_id) == asset.current_boot).cloned();
        let instructions = match &session {
            Some(session) if beside.told => instructions::of_beans(conn, asset.id, session.boot_id, LOOK_BACK).await?,
            Some(_) | None => Vec::new(),
        };
        let findings = match beside.findings {
            true => findings::of_asset(conn, asset.id).await?,
            false => Vec::new(),
        };
        let purchase = match beside.orders {
            true => chakshu::look(conn, &asset).await?,
            false => Purchase::NoOrders,
        };
        let promotion = match beside.promotion {
            true => promotions::pending(conn, asset.id).await?,
            false => None,
        };
        let approval = match beside.approval {
            true => approvals::open_of(conn, asset.id).await?,
            false => None,
        };
        let firmware = match beside.goal {
            true => goals::open_of(conn, asset.id).await?,
            false => None,
        };
        let firmware = match firmware {
            Some(goal) => {
                let firmware = Firmware::load(conn, goal, asset.current_boot).await?;
                let slot = leases::look(conn, &asset, &firmware, now).await?;
                Some(Firmware { slot, ..firmware })
            }
            None => None,
        };
        Ok(Self {
            now,
            firmware,
            boots: sessions.iter().map(|session| session.started).collect(),
            rivals: rivals(&sessions, session.as_ref(), now),
            session,
            begins: false,
            findings,
            purchase,
            promotion,
            approval: approval.filter(|open| open.status == ApprovalStatus::Approved),
            instructions,
            has_open_instructions: beside.instructions,
            asset,
        })
    }

    /// Whether this session's facts came.
    pub fn has_facts(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.has_facts)
    }

    /// A bean's newest instruction to this boot session.
    pub fn newest_of(&self, bean: &str) -> Option<&Issued> {
        self.instructions.iter().find(|issued| issued.issuer == bean)
    }

    /// How many of a bean's instructions to this boot session came to nothing.
    pub fn attempts(&self, bean: &str) -> u32 {
        let vain = self.instructions.iter().filter(|issued| {
            issued.issuer == bean && matches!(issued.status, Status::Failed | Status::Refused | Status::Expired)
        });
        u32::try_from(vain.count()).unwrap_or(u32::MAX)
    }
}

fn rivals(sessions: &[Brief], current: Option<&Brief>, now: UnixMs) -> Vec<Rival> {
    let Some(current) = current else { return Vec::new() };
    sessions
        .iter()
        .filter(|other| other.boot_id != current.boot_id && other.ended.is_none())
        .filter(|other| other.last_seen > current.started)
        .map(|other| Rival { boot: other.boot_id, until: super::later(other.last_seen, SPEAKING) })
        .filter(|rival| rival.until > now)
        .collect()
}
