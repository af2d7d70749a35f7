//! What Senzu does, without HTTP: each thing that can happen to an asset is a function here, one transaction each.
//!
//! Nothing about assets is kept in memory. What is: who waits for what ([`wakers`]).

mod agents;
mod clock;
mod dag;
mod goals;
mod identify;
mod images;
mod listing;
mod operators;
mod out_of_band;
mod overview;
mod profiles;
mod promotions;
mod reports;
mod views;
mod waiting;
mod wakers;

pub use agents::fresh_token;
pub use clock::{Jump, Watch, now};
pub use dag::{DagView, EdgeView, GraphView, ReplayView, VertexView};
pub use goals::{
    FirmwareView, GoalView, InstalledView, NewCertificate, PlanView, check_wanted, words_of as wanted_words,
};
pub use identify::names;
pub use listing::{AssetFilter, AssetPage, checked_tags};
pub use operators::Order;
pub(crate) use operators::find;
pub use overview::RackView;
pub use profiles::{ProfileMade, ProfileView};
pub use views::{AssetDetail, AssetView, InstructionView, SessionView};

use crate::{
    access::{BmcPasswords, ImageTickets, Role},
    beans,
    chakshu::{self, RowError},
    dag::{Engine, GraphError, engine::Claimed, later},
    data_dir::{DataDir, DataDirError},
    firmware::{ArtifactError, Firmware, FirmwareError, FirmwareOptions},
    store::{
        Conn, Database, Location, StoreError, Tx,
        alerts::{self, AuditEvent},
        assets,
        dialect::notify::{Heard, Notifier},
        findings,
        runs::{self, Claim},
        sessions,
    },
};
use pious_protocol::{
    envelope::SigningKey,
    expectation::Expectation,
    facts::Facts,
    finding::Finding,
    ids::{AssetId, BootId, Generation, InstructionId},
};
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wakers::Wakers;

/// Senzu.
pub struct Senzu {
    pub(crate) db: Database,
    pub(crate) engine: Engine,
    pub(crate) firmware: Firmware,
    key: SigningKey,
    bmc_passwords: BmcPasswords,
    image_tickets: ImageTickets,
    facts_period_s: u32,
    bmc_port: u16,
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
    #[error("cannot look after firmware")]
    Firmware(#[from] FirmwareError),
    #[error("this machine's clock and that of {place} differ by {seconds} s: set both, by NTP")]
    Clocks { place: String, seconds: u64 },
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
    #[error(
        "no Authorization: Bearer with an operator's token: an admin makes one (POST /v1/tokens); the first is in the \
         file operator-token in Senzu's data directory"
    )]
    NotAnOperator,
    #[error("the token {name:?} of {operator} {how}: an admin makes another (POST /v1/tokens)")]
    TokenEnded { name: String, operator: String, how: &'static str },
    #[error("{operator} is {has} here, and this needs {needs}: ask somebody who is, or an admin for another role")]
    RoleTooSmall { operator: String, has: Role, needs: Role },
    #[error("the form is not of this session: load the page again")]
    ForeignForm,
    #[error("no operator {0:?}: PUT /v1/operators/{0} makes one")]
    NoSuchOperator(String),
    #[error("no order {0}: GET /v1/orders lists them with their lines")]
    NoSuchOrder(String),
    #[error("no alert {0}: GET /v1/alerts lists them")]
    NoSuchAlert(Uuid),
    #[error("no webhook {0}: GET /v1/webhooks lists them")]
    NoSuchWebhook(Uuid),
    #[error("no message {0}: GET /v1/dead-letters lists those that were given up")]
    NoSuchMessage(Uuid),
    #[error("{file} {error}; nothing was taken")]
    BadRow { file: String, error: RowError },
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error("no token {0}: GET /v1/tokens lists them")]
    NoSuchToken(Uuid),
    #[error("no request {0}: GET /v1/approvals lists them")]
    NoSuchApproval(Uuid),
    #[error("the ticket in the image's address is none, is another image's, or its instruction has ended")]
    NoTicket,
    #[error("no campaign {0}: GET /v1/campaigns lists them")]
    NoSuchCampaign(Uuid),
    #[error("{asset}: {words}")]
    NotNow { asset: String, words: String },
    #[error("{asset}: {by} asked for {kind} already ({id}): decide that, or wait until it is over")]
    ApprovalOpen { asset: String, kind: &'static str, by: String, id: Uuid },
    #[error("request {id} is {status} already: ask anew")]
    ApprovalDecided { id: Uuid, status: String },
    #[error("{operator} asked for {id}: another operator approves it")]
    OwnRequest { operator: String, id: Uuid },
    #[error("{what} takes two operators: ask for it (POST /v1/approvals, kind {kind}), and let another approve")]
    NeedsApproval { what: String, kind: &'static str },
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
    #[error("instruction {instruction} may not go on: {why}")]
    MayNotGoOn { instruction: InstructionId, why: String },
    #[error("{what} is planned, not ordered: say what the asset shall run (PUT /v1/assets/{{asset}}/firmware)")]
    NeedsGoal { what: String },
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

    /// As it is stored.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl Senzu {
    /// Opens the store and composes the beans.
    pub async fn start(
        dir: &DataDir,
        database: &Location,
        facts_period_s: u32,
        bmc_port: u16,
        firmware: &FirmwareOptions,
        stopping: CancellationToken,
    ) -> Result<Self, StartError> {
        let firmware = Firmware::open(dir, firmware)?;
        let engine = beans::compose(&firmware.recipes)?;
        let db = Database::open(database).await?;
        let (notifier, heard) = db.news();
        let wakers = Arc::new(Wakers::default());
        if let Some(heard) = heard {
            tokio::spawn(wake_for_others(wakers.clone(), heard));
        }
        let senzu = Self {
            db,
            engine,
            firmware,
            key: dir.signing_key()?,
            bmc_passwords: dir.bmc_passwords()?,
            image_tickets: dir.image_tickets()?,
            facts_period_s,
            bmc_port,
            wakers,
            notifier,
            stopping,
        };
        senzu.mind_the_clock().await?;
        Ok(senzu)
    }

    /// Closes the store.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Whether the store answers.
    pub async fn is_well(&self) -> Result<(), StoreError> {
        crate::store::counter(&mut *self.db.look().await?, crate::store::IMPORTS).await.map(|_| ())
    }

    /// How often agents send facts though nothing changes.
    pub(crate) fn facts_period_s(&self) -> u32 {
        self.facts_period_s
    }

    /// Wakes whoever waits for an asset.
    pub(crate) fn wake(&self, asset: AssetId) {
        self.wakers.wake(asset);
    }

    /// Ends a transaction, and wakes whom it concerns.
    pub(crate) async fn commit(&self, tx: Tx, asset: AssetId) -> Result<(), StoreError> {
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
        let expectation = chakshu::expectation(conn, asset).await?;
        let findings = pious_protocol::verify(&expectation, facts);
        if counts {
            let now = now();
            let before = findings::of_asset(conn, asset).await?;
            if findings::replace(conn, asset, &findings).await? {
                crate::alerts::note_verdicts(conn, asset, &before, &findings, now).await?;
            }
            crate::alerts::note_machine(conn, asset, facts).await?;
            if let Some(asset) = assets::by_id(conn, asset).await? {
                chakshu::mind(conn, &asset, now).await?;
            }
        }
        Ok((expectation, findings))
    }

    /// Looks at an asset anew: what is expected changed, or time passed.
    pub(crate) async fn reconsider(&self, asset: AssetId) -> Result<(), StoreError> {
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

/// Writes an audit event, of an asset or of Senzu itself.
pub(crate) async fn audit(
    conn: &mut Conn,
    asset: impl Into<Option<AssetId>>,
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
