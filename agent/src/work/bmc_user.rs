//! `bmc_user`: the BMC gets the user that Senzu knows the password of, over the machine's own way to it.

use super::worker::Hands;
use crate::{
    driver::chain,
    facts::{Host, bmc},
};
use pious_protocol::message::Report;
use std::sync::Arc;

/// Gives the BMC its user; the final report, or why it failed.
pub(super) async fn put(hands: &mut Hands, host: &Arc<dyn Host + Send + Sync>) -> Result<Report, String> {
    let access = hands.bmc_access().await?;
    let words = format!("telling the BMC of user {}", access.user);
    hands.line.progress(10, words).await.map_err(|halt| halt.to_string())?;
    let host = Arc::clone(host);
    // The kernel's interface waits, so it has a thread of its own.
    let put = move || bmc::put_user(&*host, &access.user, &access.password);
    match tokio::task::spawn_blocking(put).await {
        Ok(Ok(placed)) => Ok(Report::done(placed.to_string())),
        Ok(Err(error)) => Err(chain(&error)),
        Err(died) => Err(format!("the agent's own task died: {died}")),
    }
}
