//! Receivers of alerts, and the messages that none of them took.

use crate::{
    access::Caller,
    senzu::{Refusal, Senzu, audit, fresh_token, now},
    store::{
        During, new_id,
        webhooks::{self, Webhook},
    },
};
use pious_protocol::ids::UnixMs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Each alert is written once for each of them.
const MAX_WEBHOOKS: usize = 32;
const MAX_NAME: usize = 63;
const MAX_URL: usize = 2000;

/// A receiver that an admin wants.
pub struct WebhookAsk {
    pub name: String,
    pub url: String,
    /// The authority in PEM that an `https://` receiver is believed by; `None`: those of the system.
    pub ca: Option<String>,
}

/// A receiver, this one time with its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookMade {
    pub id: Uuid,
    /// The key of the signature of each message; shown once.
    pub secret: String,
}

/// A receiver without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    pub id: Uuid,
    pub name: String,
    pub url: String,
    pub made_by: String,
    pub made_ms: UnixMs,
}

/// A message that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    pub id: Uuid,
    /// The receiver's id.
    pub webhook: Uuid,
    /// As it was sent.
    #[schema(value_type = Object)]
    pub body: serde_json::Value,
    pub attempts: u32,
    pub made_ms: UnixMs,
    pub ended_ms: Option<UnixMs>,
    pub last_error: Option<String>,
}

impl Senzu {
    /// Adds a receiver of alerts. The secret is in the answer and shown nowhere else.
    pub async fn make_webhook(&self, by: &Caller, ask: WebhookAsk) -> Result<WebhookMade, Refusal> {
        check(&ask)?;
        let made = WebhookMade { id: new_id(), secret: fresh_token() };
        let mut tx = self.db.write().await?;
        match webhooks::all(&mut tx).await?.len() {
            count if count >= MAX_WEBHOOKS => {
                return Err(Refusal::TooMany { what: "webhooks", count: count + 1, max: MAX_WEBHOOKS });
            }
            _ => {}
        }
        // Many receivers' URLs are secrets; whoever may look at the audit log may not send to them.
        let host = reqwest::Url::parse(&ask.url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let what = format!("made the webhook {:?} to {} ({})", ask.name, host.unwrap_or_default(), made.id);
        let webhook = Webhook {
            id: made.id,
            name: ask.name,
            url: ask.url,
            secret: made.secret.clone(),
            ca: ask.ca,
            made_by: by.operator.clone(),
            made: now(),
            ended: None,
        };
        webhooks::insert(&mut tx, &webhook).await?;
        audit(&mut tx, None, &by.operator, what, "asked by an admin").await?;
        tx.commit().await.during("commit a webhook")?;
        Ok(made)
    }

    /// Every receiver, oldest first.
    pub async fn webhooks(&self) -> Result<Vec<WebhookView>, Refusal> {
        let view = |webhook: Webhook| WebhookView {
            id: webhook.id,
            name: webhook.name,
            url: webhook.url,
            made_by: webhook.made_by,
            made_ms: webhook.made,
        };
        Ok(webhooks::all(&mut *self.db.read().await?).await?.into_iter().map(view).collect())
    }

    /// Removes a receiver, with what is on its way to it.
    pub async fn end_webhook(&self, by: &Caller, id: Uuid) -> Result<(), Refusal> {
        let mut tx = self.db.write().await?;
        let webhook = webhooks::by_id(&mut tx, id).await?.ok_or(Refusal::NoSuchWebhook(id))?;
        if webhook.ended.is_none() {
            webhooks::end(&mut tx, id, now()).await?;
            let what = format!("removed the webhook {:?} ({id})", webhook.name);
            audit(&mut tx, None, &by.operator, what, "asked by an admin").await?;
        }
        Ok(tx.commit().await.during("commit a webhook's end")?)
    }

    /// Messages that were given up, newest first.
    pub async fn dead_letters(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<DeadLetter>, Refusal> {
        let dead = webhooks::dead(&mut *self.db.read().await?, after, limit).await?;
        let view = |message: webhooks::Message| DeadLetter {
            id: message.id,
            webhook: message.webhook,
            body: serde_json::from_str(&message.body).unwrap_or_default(),
            attempts: message.attempts,
            made_ms: message.made,
            ended_ms: message.ended,
            last_error: message.last_error,
        };
        Ok(dead.into_iter().map(view).collect())
    }

    /// Tries a message again that was given up.
    pub async fn retry_dead_letter(&self, by: &Caller, id: Uuid) -> Result<(), Refusal> {
        let mut tx = self.db.write().await?;
        if webhooks::message(&mut tx, id).await?.is_none() {
            return Err(Refusal::NoSuchMessage(id));
        }
        webhooks::revive(&mut tx, id, now()).await?;
        audit(&mut tx, None, &by.operator, format!("sends the dead letter {id} again"), "asked by an admin").await?;
        tx.commit().await.during("commit a dead letter's return")?;
        Ok(())
    }
}

fn check(ask: &WebhookAsk) -> Result<(), Refusal> {
    let refuse = |field, value: &str, remedy| Err(Refusal::OutOfRange { field, value: format!("{value:?}"), remedy });
    if ask.name.trim().is_empty() || ask.name.len() > MAX_NAME {
        return refuse("name", &ask.name, "1 to 63 letters");
    }
    let is_url = reqwest::Url::parse(&ask.url)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && ask.url.len() <= MAX_URL);
    if !is_url {
        return refuse("url", &ask.url, "an http:// or https:// URL");
    }
    match &ask.ca {
        Some(ca)
            if reqwest::Certificate::from_pem_bundle(ca.as_bytes())
                .map_or(true, |certificates| certificates.is_empty()) =>
        {
            refuse("ca", "what was sent", "certificates in PEM")
        }
        Some(_) | None => Ok(()),
    }
}
