//! What the PXE service asks: what each server boots.

use crate::{
    error::Error,
    http::{Http, route},
    several::{Several, Turn},
};
use pious_protocol::{
    ids::MacAddress,
    message::{BootTarget, BootTargets as List},
};
use reqwest::Method;
use std::time::Duration;

/// What is allowed on top of Senzu's holding back for an answer to travel.
const GRACE: Duration = Duration::from_secs(10);

/// For the question about one MAC address: a server waits at its boot screen meanwhile.
const ASK_WITHIN: Duration = Duration::from_secs(2);

/// The longest answer: 100 000 servers with five MAC addresses each, 120 bytes apiece.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Senzu, as the PXE service knows it.
#[derive(Clone, Debug)]
pub struct BootTargets {
    http: Http,
    senzu: Several,
}

impl BootTargets {
    /// Asks these.
    pub fn new(http: Http, senzu: Several) -> Self {
        Self { http, senzu }
    }

    /// `GET /v1/boot-targets`: every target, held back for up to `wait_s` seconds while the revision is still `after`.
    /// Another Senzu than was asked last is asked for its whole list, at once.
    pub async fn list(&self, after: u64, wait_s: u64) -> Result<List, Error> {
        self.senzu
            .ask(|Turn { url, is_other }| {
                let (after, wait_s) = if is_other { (0, 0) } else { (after, wait_s) };
                let mut url = route(&url, &["boot-targets"]);
                let (after, wait) = (after.to_string(), wait_s.to_string());
                url.query_pairs_mut().append_pair("after", &after).append_pair("wait_s", &wait);
                let within = Duration::from_secs(wait_s) + GRACE;
                self.http.request(Method::GET, url, within).ask(MAX_ANSWER_BYTES)
            })
            .await
    }

    /// `GET /v1/boot-targets/{mac}`.
    pub async fn one(&self, mac: MacAddress) -> Result<BootTarget, Error> {
        let mac = mac.to_string();
        self.senzu
            .ask(|Turn { url, .. }| {
                let url = route(&url, &["boot-targets", &mac]);
                self.http.request(Method::GET, url, ASK_WITHIN).ask(MAX_ANSWER_BYTES)
            })
            .await
    }
}
