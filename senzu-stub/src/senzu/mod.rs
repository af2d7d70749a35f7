//! What Senzu does, without HTTP: each thing that can happen to an asset is a function here, one transaction each.
//!
//! Nothing about assets is kept in memory. What is: who waits for what ([`wakers`]).

mod agents;
mod dag;
mod identify;
mod operators;
mod profiles;
mod promotions;
mod reports;
mod views;
mod waiting;
mod wakers;

pub use agents::fresh_token;
pub use dag::{DagView, GraphView, ReplayView};
pub use identify::names;
pub use operators::Order;
pub use profiles::{ProfileMade, ProfileView};
pub use views::{AlertView, AssetDetail, AssetView, BeanView, InstructionView, SessionView};

use crate::{
    beans,
    dag::{Engine, GraphError, engine::Claimed, later},
    data_dir::{DataDir, DataDirError},
    store::{
        Conn, Database, Location, StoreError, Tx,
        alerts::{self, AuditEvent},
        assets,
        dialect::notify::{Heard, Notifier},
        findings, plans,
        runs::{self, Claim},
        sessions,
    },
};
use pious_protocol::{
    envelope::SigningKey,
    expectation::Expectation,
    facts::Facts,
    finding::Finding,
    ids::{AssetId, BootId, Generation, InstructionId, UnixMs},
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use thiserror::Error;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use wakers::Wakers;

/// Senzu.
pub struct Senzu {
    db: Database,
    engine: Engine,
    key: SigningKey,
    operator_token: TokenHash,
    facts_period_s: u32,
    wakers: Arc<Wakers>,
    notifier: Notifier,
    stopping: CancellationToken,
}

/// For how long a claimed run is its replica's. A walk takes milliseconds; a replica that has not done one within this is
/// dead, or as good as that.
const LEASE: Duration = Duration::from_secs(30);
/// How many runs are claimed at once: few enough to be done well within the lease, many enough that claiming costs nothing.
const CLAIMS: u32 = 32;

/// Why Senzu can't start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("cannot open the store")]
    Store(#[from] StoreError),
    #[error("the beans make no graph")]
    Graph(#[from] GraphError),
}

/// Why Senzu does not do what it is asked.
#[derive(Debug, Error)]
pub enum Refusal {
    #[error("the store failed")]
    Store(#[from] StoreError),
    #[error("no asset {0:?}: GET /v1/assets lists them by id and name")]
    NoSuchAsset(String),
    #[error("no profile {0:?}: GET /v1/profiles lists them")]
    NoSuchProfile(String),
    #[error("{0} has no facts of its newest boot: boot it, and ask again")]
    NoFacts(String),
    #[error("no Authorization: Bearer, or not a token of Senzu's: send BOOT_EVENT again for a fresh session token")]
    UnknownToken,
    #[error("no Authorization: Bearer with the operator token (the file operator-token in Senzu's data directory)")]
    NotAnOperator,
    #[error("the token is of boot {token}, not of boot {route}: a session speaks for itself only")]
    OtherSession { token: BootId, route: BootId },
    #[error("boot {0} was begun by a machine with another fingerprint: a boot id names one boot of one machine")]
    OtherMachine(BootId),
    #[error(
        "facts of boot {boot} are at generation {stored} already, {sent} is older: send the newest facts with a higher generation"
    )]
    StaleGeneration { boot: BootId, stored: u64, sent: u64 },
    #[error("no instruction {instruction} for boot {boot}")]
    NoSuchInstruction { boot: BootId, instruction: InstructionId },
    #[error("instruction {0} has another final report already, and the first one counts")]
    FinalReportStands(InstructionId),
    #[error("{what} holds {count}, more than {max}")]
    TooMany { what: &'static str, count: usize, max: usize },
    #[error("{asset} has {max} instructions that have not ended: let some end, or expire")]
    QueueFull { asset: String, max: u64 },
    #[error("{field} is empty: {remedy}")]
    Empty { field: &'static str, remedy: &'static str },
    #[error("{field} is {value}: {remedy}")]
    OutOfRange { field: &'static str, value: String, remedy: &'static str },
}

/// A token as it is stored and compared: by its SHA-256, so that neither the time that takes nor a stolen database
/// tells anything of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHash(String);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        use sha2::{Digest, Sha256};
        Self(Sha256::digest(token.as_bytes()).iter().map(|octet| format!("{octet:02x}")).collect())
    }
}

/// Milliseconds since the epoch, now. The one place that asks the clock.
pub fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Senzu {
    /// Opens the store and composes the beans.
    pub async fn start(
        dir: &DataDir,
        database: &Location,
        facts_period_s: u32,
        stopping: CancellationToken,
    ) -> Result<Self, StartError> {
        let engine = beans::compose()?;
        let db = Database::open(database).await?;
        let (notifier, heard) = db.news();
        let wakers = Arc::new(Wakers::default());
        if let Some(heard) = heard {
            tokio::spawn(wake_for_others(wakers.clone(), heard));
        }
        Ok(Self {
            db,
            engine,
            key: dir.signing_key()?,
            operator_token: TokenHash::of(&dir.operator_token()?),
            facts_period_s,
            wakers,
            notifier,
            stopping,
        })
    }

    /// Closes the store.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Whether the store answers.
    pub async fn is_well(&self) -> Result<(), StoreError> {
        crate::store::counter(&mut *self.db.look().await?, crate::store::IMPORTS).await.map(|_| ())
    }

    /// Whether a token is the operator's.
    pub fn check_operator(&self, token: Option<&str>) -> Result<(), Refusal> {
        match token {
            Some(token) if TokenHash::of(token) == self.operator_token => Ok(()),
            Some(_) | None => Err(Refusal::NotAnOperator),
        }
    }

    /// Ends a transaction, and wakes whom it concerns.
    async fn commit(&self, tx: Tx, asset: AssetId) -> Result<(), StoreError> {
        tx.commit().await?;
        self.wakers.wake(asset);
        self.notifier.tell(asset);
        Ok(())
    }

    /// Judges a session's facts by what is expected now; the record is the asset's if the session is the one that counts.
    async fn judge(
        &self,
        conn: &mut Conn,
        asset: AssetId,
        facts: &Facts,
        counts: bool,
    ) -> Result<(Expectation, Vec<Finding>), StoreError> {
        let expectation = plans::expectation(conn, asset).await?;
        let findings = pious_protocol::verify(&expectation, facts);
        if counts {
            findings::replace(conn, asset, &findings).await?;
        }
        Ok((expectation, findings))
    }

    /// Looks at an asset anew: what is expected changed, or time passed.
    async fn reconsider(&self, asset: AssetId) -> Result<(), StoreError> {
        let now = now();
        let mut tx = self.db.write_asset(asset).await?;
        let boot = assets::by_id(&mut tx, asset).await?.and_then(|asset| asset.current_boot);
        if let Some(boot) = boot
            && let Some(stored) = sessions::facts(&mut tx, boot).await?
        {
            self.judge(&mut tx, asset, &stored.facts, true).await?;
        }
        self.engine.walk(&mut tx, asset, now).await?;
        self.commit(tx, asset).await
    }

    /// Walks every asset whose time has come.
    pub async fn walk_due(&self) -> Result<(), StoreError> {
        let mut first = Ok(());
        loop {
            if !assets::is_any_due(&mut *self.db.look().await?, now()).await? {
                return first;
            }
            let mut tx = self.db.write_claims().await?;
            let (at, until) = (now(), later(now(), LEASE));
            let claims = runs::claim(&mut tx, &self.engine.holder, at, until, CLAIMS).await?;
            tx.commit().await?;
            let was_all = claims.len() < CLAIMS as usize;
            for claim in claims {
                // One asset that can't be walked must not stop all others.
                let walked = self.walk_claimed(claim).await;
                first = first.and(walked);
            }
            if was_all {
                return first;
            }
        }
    }

    async fn walk_claimed(&self, claim: Claim) -> Result<(), StoreError> {
        let mut tx = self.db.write_asset(claim.asset).await?;
        match self.engine.walk_claimed(&mut tx, claim, now()).await? {
            Claimed::Walked => self.commit(tx, claim.asset).await,
            Claimed::Lost => Ok(()),
        }
    }

    /// What the store counts as imports, to notice one made by another process.
    pub async fn imports(&self) -> Result<u64, StoreError> {
        crate::store::counter(&mut *self.db.look().await?, crate::store::IMPORTS).await
    }

    /// Looks at every asset anew.
    pub async fn reconsider_all(&self) -> Result<(), StoreError> {
        let all = assets::all(&mut *self.db.read().await?).await?;
        let mut first = Ok(());
        for asset in all {
            let reconsidered = self.reconsider(asset.id).await;
            first = first.and(reconsidered);
        }
        first
    }
}

/// Wakes whoever waits here for what happened at another replica.
async fn wake_for_others(wakers: Arc<Wakers>, mut heard: UnboundedReceiver<Heard>) {
    while let Some(news) = heard.recv().await {
        match news {
            Heard::Asset(asset) => wakers.wake(asset),
            Heard::Anything => wakers.wake_all(),
        }
    }
}

/// Writes an audit event.
async fn audit(
    conn: &mut Conn,
    asset: AssetId,
    who: impl Into<String>,
    what: impl Into<String>,
    why: impl Into<String>,
) -> Result<(), StoreError> {
    let event = AuditEvent { at: now(), who: who.into(), what: what.into(), why: why.into() };
    alerts::record(conn, asset, &event).await
}

/// A generation as the store counts it.
fn generation(generation: Generation) -> u64 {
    generation.0
}
