//! HTTP clients whose connections come out inside the lab: Senzu's operator, with what an operator waits for, and whoever
//! asks anybody else.

use super::{NEXT_WITHIN, error::LabError};
use serde_json::Value;
use std::{net::IpAddr, path::Path, time::Duration};

/// The longest answer is a long poll's: 30 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// How often Senzu is asked whether it has written down what a console said already.
const ASK_EVERY: Duration = Duration::from_millis(200);

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
    pub async fn get(&self, path: &str) -> Result<Value, reqwest::Error> {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await?.error_for_status()?.json().await
    }

    /// Gives an operator's order; the answer's body, or nothing where it has none.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        let bytes = request.send().await?.error_for_status()?.bytes().await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Gives an operator's order that says what shall be.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, reqwest::Error> {
        let request = self.client.put(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        request.send().await?.error_for_status()?.json().await
    }

    /// Brings a file.
    pub async fn put_bytes(&self, path: &str, bytes: Vec<u8>) -> Result<(), reqwest::Error> {
        let request = self.client.put(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/octet-stream").body(bytes);
        request.send().await?.error_for_status().map(|_| ())
    }

    /// All that it knows of an asset, by name or id.
    pub async fn asset(&self, asset: &str) -> Result<Value, reqwest::Error> {
        self.get(&format!("/v1/assets/{asset}")).await
    }

    /// Waits until it knows something of an asset; answers all that it knows of it.
    pub async fn asset_when(&self, asset: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value, LabError> {
        self.when(&format!("/v1/assets/{asset}"), what, NEXT_WITHIN, is_so).await
    }

    /// Waits until an answer says something; answers it.
    pub async fn when(
        &self,
        path: &str,
        what: &str,
        within: Duration,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Value, LabError> {
        let mut known = Value::Null;
        let mut ticks = tokio::time::interval(ASK_EVERY);
        let becoming = async {
            loop {
                ticks.tick().await;
                known = self.get(path).await?;
                if is_so(&known) {
                    return Ok(());
                }
            }
        };
        match tokio::time::timeout(within, becoming).await {
            Ok(asked) => asked.map(|()| known),
            Err(_) => {
                let (what, context) = (format!("{what} in Senzu"), format!("; Senzu has {known:#}"));
                Err(LabError::Timeout { what, within, context })
            }
        }
    }

    /// Waits until it has an asset in a state; answers all that it knows of it.
    pub async fn in_state(&self, asset: &str, state: &str) -> Result<Value, LabError> {
        self.asset_when(asset, &format!("{asset} as {state}"), |known| known["standing"]["state"] == state).await
    }

    /// A page, as people see it.
    pub async fn page(&self, path: &str) -> Result<String, reqwest::Error> {
        self.client.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.text().await
    }
}

/// The address that an asset's agent answers on, out of what Senzu knows of the asset: that of its first NIC with a
/// lease.
pub fn agent_address(asset: &Value) -> Option<IpAddr> {
    asset["facts"]["nics"].as_array()?.iter().find_map(|nic| nic["dhcp"]["address"].as_str())?.parse().ok()
}
