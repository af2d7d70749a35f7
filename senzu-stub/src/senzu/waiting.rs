//! The long-polls: what is answered at once if there is something, and held back for a while if there is not.

use super::{Refusal, Senzu, agents::reload, now};
use crate::store::{self, assets, instructions, sessions, sessions::Session};
use pious_protocol::{
    ids::{AssetId, BootId, MacAddress, Sequence},
    message::{Boot, BootTarget, BootTargets, InstructionsAnswer, LeaseTier, SealedInstruction},
};
use std::time::Duration;
use tokio::{sync::watch, time::Instant};

/// The longest that an answer is held back; more is taken as this. Middleboxes forget a silent connection sooner than
/// one would think, and 60 s is what most of them last.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

/// Until when to hold an answer back.
fn deadline(wait_s: u64) -> Instant {
    Instant::now() + Duration::from_secs(wait_s).min(MAX_WAIT)
}

impl Senzu {
    /// What a session is to do. Held back while there is nothing and the standing is the one that it was told.
    ///
    /// Thousands wait here at once: nothing is kept meanwhile that is not needed behind it, neither what else is known of
    /// the session nor the room that walking and looking take.
    pub async fn instructions(
        &self,
        session: Session,
        after: Sequence,
        wait_s: u64,
    ) -> Result<InstructionsAnswer, Refusal> {
        let deadline = deadline(wait_s);
        let (asset, boot) = (session.asset, session.boot_id);
        let mut news = self.wakers.wait_for(asset);
        Box::pin(self.note(session)).await?;
        loop {
            let (answer, told, revision) = Box::pin(self.look_for_instructions(asset, boot, after)).await?;
            let is_news = !answer.instructions.is_empty() || told != revision;
            if is_news || !self.sleep(&mut news, deadline).await {
                if told != revision {
                    Box::pin(self.told(asset, boot, revision)).await?;
                }
                return Ok(answer);
            }
        }
    }

    async fn look_for_instructions(
        &self,
        asset: AssetId,
        boot: BootId,
        after: Sequence,
    ) -> Result<(InstructionsAnswer, u64, u64), Refusal> {
        let mut tx = self.db.read().await?;
        let told = self.session_now(&mut tx, boot).await?.told_revision;
        let asset = reload(&mut tx, asset).await?;
        let mut sealed = Vec::new();
        // Of two sessions that speak as one asset, at most one is told to do something.
        if asset.current_boot == Some(boot) {
            for instruction in instructions::to_hand_out(&mut tx, asset.id, boot, after, now()).await? {
                let (id, sequence) = (instruction.id, instruction.sequence);
                match self.key.seal(&self.with_ticket(instruction)) {
                    Ok(jws) => sealed.push(SealedInstruction { sequence, jws }),
                    Err(error) => tracing::error!(instruction = %id, %error, "can't sign"),
                }
            }
        }
        let answer = InstructionsAnswer { instructions: sealed, standing: asset.standing };
        Ok((answer, told, asset.standing_revision))
    }

    async fn told(&self, asset: AssetId, boot: BootId, revision: u64) -> Result<(), Refusal> {
        let mut tx = self.db.write_asset(asset).await?;
        let expectation = self.session_now(&mut tx, boot).await?.told_expectation;
        sessions::set_told(&mut tx, boot, revision, &expectation).await?;
        Ok(tx.commit().await?)
    }

    /// What one MAC address should boot.
    pub async fn boot_target(&self, mac: MacAddress) -> Result<BootTarget, Refusal> {
        let known = assets::boot_target(&mut *self.db.look().await?, mac).await?;
        Ok(known.unwrap_or(BootTarget { mac, boot: Boot::Pious, tier: LeaseTier::Unrecognized, name: None }))
    }

    /// What every known MAC address should boot. Held back while the revision is still `after`.
    pub async fn boot_targets(&self, after: Option<u64>, wait_s: u64) -> Result<BootTargets, Refusal> {
        let deadline = deadline(wait_s);
        let mut news = self.wakers.wait_for_anything();
        loop {
            let mut tx = self.db.read().await?;
            let revision = store::counter(&mut tx, store::BOOT_TARGETS).await?;
            if Some(revision) != after {
                return Ok(BootTargets { revision, targets: assets::boot_targets(&mut tx).await? });
            }
            drop(tx);
            if !self.sleep(&mut news, deadline).await {
                let mut tx = self.db.read().await?;
                let revision = store::counter(&mut tx, store::BOOT_TARGETS).await?;
                return Ok(BootTargets { revision, targets: assets::boot_targets(&mut tx).await? });
            }
        }
    }

    /// Sleeps until there may be something; `false` when it is time to answer anyway.
    async fn sleep(&self, news: &mut watch::Receiver<()>, deadline: Instant) -> bool {
        tokio::select! {
            changed = news.changed() => changed.is_ok(),
            () = tokio::time::sleep_until(deadline) => false,
            () = self.stopping.cancelled() => false,
        }
    }
}
