//! Emptying the outbox: each message is sent until its receiver takes it with a 2xx, with longer and longer waits between,
//! and is given up behind the last one.
//!
//! A receiver may get a message twice (it took it and its answer was lost): its id is the same. It tells ours from others'
//! by the header `X-Senzu-Signature: t=MS,v1=HEX`, HMAC-SHA256 by its secret over `MS.BODY`.

use crate::{
    dag::later,
    senzu::{Senzu, now},
    store::{
        During, StoreError,
        webhooks::{self, Message, Webhook},
    },
};
use pious_protocol::ids::UnixMs;
use ring::hmac;
use std::time::Duration;

/// A receiver stores a message; it does not act on it meanwhile.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longer than sending takes: behind it, whoever took the message is gone.
const CLAIMED_FOR: Duration = Duration::from_secs(30);
/// The first wait; it doubles up to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(3600);
/// With these waits, a receiver that is down for half a day misses nothing: 12 doublings are 68 minutes, and an hour each
/// from then on.
const MAX_ATTEMPTS: u32 = 24;
/// How many are sent at once, so that one slow receiver does not hold up all others for long.
const AT_ONCE: u32 = 16;
/// Delivered messages are kept for a week, for whoever asks what was sent.
const KEPT_FOR: Duration = Duration::from_secs(7 * 86_400);
const MAX_ERROR: usize = 500;

impl Senzu {
    /// Sends what is due, once. Answers how many were tried.
    pub async fn send_due(&self) -> Result<usize, StoreError> {
        let now = now();
        let due = webhooks::due(&mut *self.db.read().await?, now, AT_ONCE).await?;
        let mut sending = tokio::task::JoinSet::new();
        let mut count = 0;
        for message in due {
            let mut tx = self.db.write().await?;
            let webhook = webhooks::by_id(&mut tx, message.webhook).await?;
            let is_ours = webhooks::claim(&mut tx, &message, later(now, CLAIMED_FOR)).await?;
            tx.commit().await.during("commit a message's claim")?;
            if let Some(webhook) = webhook.filter(|_| is_ours) {
                count += 1;
                sending.spawn(async move {
                    let sent = send(&webhook, &message).await;
                    (message, sent)
                });
            }
        }
        while let Some(ended) = sending.join_next().await {
            let Ok((message, sent)) = ended else { continue };
            self.note_sent(&message, sent).await?;
        }
        Ok(count)
    }

    async fn note_sent(&self, message: &Message, sent: Result<(), String>) -> Result<(), StoreError> {
        let now = now();
        let mut tx = self.db.write().await?;
        match sent {
            Ok(()) => webhooks::delivered(&mut tx, message.id, now).await?,
            Err(mut error) => {
                if let Some((cut, _)) = error.char_indices().nth(MAX_ERROR) {
                    error.truncate(cut);
                }
                let next = wait(message.attempts + 1).map(|wait| later(now, wait));
                let given_up = if next.is_none() { ", given up" } else { "" };
                tracing::warn!(message = %message.id, "not delivered{given_up}: {error}");
                webhooks::failed(&mut tx, message.id, &error, next, now).await?;
            }
        }
        webhooks::forget(&mut tx, UnixMs(now.0.saturating_sub(KEPT_FOR.as_secs() * 1000))).await?;
        tx.commit().await.during("commit a message's fate")
    }
}

/// How long to wait behind so many attempts; `None`: for ever.
fn wait(attempts: u32) -> Option<Duration> {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    (attempts < MAX_ATTEMPTS).then(|| doubled.min(LAST_WAIT))
}

async fn send(webhook: &Webhook, message: &Message) -> Result<(), String> {
    // Another caller of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder =
        reqwest::Client::builder().timeout(ANSWER_WITHIN).no_proxy().redirect(reqwest::redirect::Policy::none());
    let builder = match &webhook.ca {
        Some(ca) => builder
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(ca.as_bytes()).map_err(|error| error.to_string())?),
        // A machine without any would refuse to make a client at all, for plain HTTP too.
        None if webhook.url.starts_with("http:") => builder.tls_certs_only([]),
        None => builder,
    };
    let client = builder.build().map_err(|error| crate::api::chain(&error))?;
    let request = client
        .post(&webhook.url)
        .header("content-type", "application/json")
        .header("x-senzu-signature", signature(&webhook.secret, now(), &message.body))
        .body(message.body.clone());
    // Its URL may be a secret, and this is logged.
    let answer = request.send().await.map_err(|error| crate::api::chain(&error.without_url()))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("it answered {status}")),
    }
}

fn signature(secret: &str, at: UnixMs, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{}.{body}", at.0).as_bytes());
    let hex: String = tag.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    format!("t={},v1={hex}", at.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_hmac_sha256_over_time_and_body() {
        // `printf 1700000000000.{} | openssl dgst -sha256 -hmac key`
        let hex = "36a72f4525d3323bd0f238fe82098164fb77b1e42288ff8e07b074c686178ad3";
        assert_eq!(signature("key", UnixMs(1_700_000_000_000), "{}"), format!("t=1700000000000,v1={hex}"));
    }

    #[test]
    fn waits_double_to_an_hour_and_end() {
        let waits: Vec<Option<u64>> = [1, 2, 3, 12, 13, 23, 24].map(|n| wait(n).map(|wait| wait.as_secs())).to_vec();
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(2048), Some(3600), Some(3600), None]);
    }
}
