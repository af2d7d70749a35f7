//! News for other replicas: PostgreSQL's NOTIFY, from whoever changed an asset to whoever holds a long-poll about it.
//!
//! It carries no truth: whoever hears of news reads the store. So it goes out after the commit, many assets at a time
//! (NOTIFY in a transaction makes all commits wait for each other), and what is lost with a replica that dies in between
//! is found by the next poll.

use super::super::new_id;
use pious_protocol::ids::AssetId;
use sqlx::{AnyPool, postgres::PgListener};
use std::{collections::BTreeSet, time::Duration};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// The channel's name in the database.
const CHANNEL: &str = "senzu";
/// A payload holds 8,000 bytes: so many ids of 37, and who says it.
const MAX_ASSETS: usize = 200;
/// When the listener's connection fails.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Something that another replica said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There is news of one asset.
    Asset(AssetId),
    /// The connection was lost for a while: there may be news of any.
    Anything,
}

/// Tells the other replicas.
pub struct Notifier(Option<UnboundedSender<AssetId>>);

impl Notifier {
    /// There are no others.
    pub fn silent() -> Self {
        Self(None)
    }

    /// There is news of an asset.
    pub fn tell(&self, asset: AssetId) {
        if let Some(outbox) = &self.0 {
            // Its reader ends with the process.
            let _ = outbox.send(asset);
        }
    }
}

/// Starts telling and listening.
pub(super) fn start(pool: AnyPool, url: String) -> (Notifier, Option<UnboundedReceiver<Heard>>) {
    let us = new_id().to_string();
    let (outbox, to_tell) = mpsc::unbounded_channel();
    let (heard, news) = mpsc::unbounded_channel();
    tokio::spawn(tell(pool, us.clone(), to_tell));
    tokio::spawn(listen(url, us, heard));
    (Notifier(Some(outbox)), Some(news))
}

async fn tell(pool: AnyPool, us: String, mut to_tell: UnboundedReceiver<AssetId>) {
    let mut assets = Vec::new();
    while to_tell.recv_many(&mut assets, MAX_ASSETS).await > 0 {
        let distinct: BTreeSet<AssetId> = assets.drain(..).collect();
        let payload = distinct.iter().fold(us.clone(), |payload, asset| format!("{payload} {asset}"));
        let query = sqlx::query("SELECT pg_notify($1, $2)::text").bind(CHANNEL).bind(payload);
        match query.execute(&pool).await {
            Ok(_) => {}
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) => tracing::warn!(%error, "can't tell other replicas of {} assets", distinct.len()),
        }
    }
}

async fn listen(url: String, us: String, heard: UnboundedSender<Heard>) {
    loop {
        if let Err(error) = listen_until_lost(&url, &us, &heard).await {
            tracing::warn!(%error, "can't listen to other replicas; trying again");
        }
        if heard.is_closed() {
            return;
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn listen_until_lost(url: &str, us: &str, heard: &UnboundedSender<Heard>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect(url).await?;
    listener.listen(CHANNEL).await?;
    // Whatever was said before we listened.
    let send = |news| heard.send(news).map_err(|_| sqlx::Error::PoolClosed);
    send(Heard::Anything)?;
    loop {
        match listener.try_recv().await? {
            // The connection was lost, and is there again.
            None => send(Heard::Anything)?,
            Some(said) => match said.payload().split_once(' ') {
                Some((who, _)) if who == us => {}
                Some((_, assets)) => {
                    for asset in assets.split(' ').filter_map(|asset| asset.parse().ok()) {
                        send(Heard::Asset(asset))?;
                    }
                }
                None => {}
            },
        }
    }
}
