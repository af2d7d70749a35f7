//! HTTP clients whose connections come out inside the lab: Senzu's operator, and whoever asks anybody else.

use super::error::LabError;
use std::{path::Path, time::Duration};

/// The longest answer is a long poll's: 30 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A client whose connections go through a unix socket.
pub(super) fn client(socket: &Path) -> Result<reqwest::ClientBuilder, LabError> {
    // Somebody may have installed one already: the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().unix_socket(socket).timeout(ANSWER_WITHIN))
}

/// Senzu, as its operator.
#[derive(Clone)]
pub struct Senzu {
    /// A client that reaches it.
    pub client: reqwest::Client,
    /// Its URL.
    pub url: String,
    /// The operator's token.
    pub token: String,
}

impl Senzu {
    /// Asks an operator's question.
    pub async fn get(&self, path: &str) -> Result<serde_json::Value, reqwest::Error> {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await?.error_for_status()?.json().await
    }

    /// Gives an operator's order; the answer's body, or nothing where it has none.
    pub async fn post(&self, path: &str, body: &serde_json::Value) -> Result<serde_json::Value, reqwest::Error> {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        let bytes = request.send().await?.error_for_status()?.bytes().await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// A page, as people see it.
    pub async fn page(&self, path: &str) -> Result<String, reqwest::Error> {
        self.client.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.text().await
    }
}
