//! Who waits for what. The only thing kept in memory, and no truth: whoever is woken reads the store.

use pious_protocol::ids::AssetId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

#[derive(Default)]
pub struct Wakers {
    assets: Mutex<HashMap<AssetId, watch::Sender<()>>>,
    anything: watch::Sender<()>,
}

impl Wakers {
    /// Wakes all that wait for this asset, and all that wait for anything.
    pub fn wake(&self, asset: AssetId) {
        let mut assets = self.lock();
        if let Some(sender) = assets.get(&asset)
            && sender.send(()).is_err()
        {
            // Nobody waits any more.
            assets.remove(&asset);
        }
        drop(assets);
        self.anything.send_replace(());
    }

    /// Wakes everybody.
    pub fn wake_all(&self) {
        self.lock().retain(|_, sender| sender.send(()).is_ok());
        self.anything.send_replace(());
    }

    /// To be called before looking at the store, so that nothing is missed in between.
    pub fn wait_for(&self, asset: AssetId) -> watch::Receiver<()> {
        self.lock().entry(asset).or_default().subscribe()
    }

    pub fn wait_for_anything(&self) -> watch::Receiver<()> {
        self.anything.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AssetId, watch::Sender<()>>> {
        // No code panics while it holds the lock; and a map of senders is whole at any time.
        self.assets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
