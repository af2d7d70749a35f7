//! What an operator asks and orders.

use crate::{
    error::Error,
    http::{Http, route},
    several::{Several, Turn},
};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// An operator's question is a few reads.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The longest answer: an export of all that a large fleet has.
const MAX_ANSWER_BYTES: usize = 256 * 1024 * 1024;

/// What an order says besides its path.
#[derive(Clone, Debug)]
pub enum Content {
    /// The path says it all.
    Nothing,
    /// JSON.
    Json(Value),
    /// Rows of comma-separated values (RFC 4180).
    Csv(String),
}

/// Senzu, as an operator knows it.
#[derive(Clone, Debug)]
pub struct Operator {
    http: Http,
    senzu: Several,
    token: String,
}

impl Operator {
    /// Asks these, by this token.
    pub fn new(http: Http, senzu: Several, token: String) -> Self {
        Self { http, senzu, token }
    }

    /// Asks: `GET /v1/…`. The parts of the path need no escaping.
    pub async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<T, Error> {
        let ask = |Turn { url, .. }| {
            let request = self.http.request(Method::GET, url_of(&url, path, query), ANSWER_WITHIN);
            request.bearer(&self.token).ask(MAX_ANSWER_BYTES)
        };
        self.senzu.ask(ask).await
    }

    /// Orders: `POST`, `PUT` or `DELETE /v1/…`, at one Senzu only unless it can't have heard. `None` where the answer has
    /// no body.
    pub async fn order<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        content: &Content,
    ) -> Result<Option<T>, Error> {
        let order = |Turn { url, .. }| {
            let request = self.http.request(method.clone(), url_of(&url, path, query), ANSWER_WITHIN);
            let request = request.bearer(&self.token);
            let request = match content {
                Content::Nothing => request,
                Content::Json(value) => request.json(value),
                Content::Csv(text) => request.csv(text.clone()),
            };
            async { request.send(MAX_ANSWER_BYTES).await?.good() }
        };
        let answer = self.senzu.order(order).await?;
        match answer.body.is_empty() {
            true => Ok(None),
            false => answer.read().map(Some),
        }
    }
}

fn url_of(senzu: &Url, path: &[&str], query: &[(&str, String)]) -> Url {
    let mut url = route(senzu, path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}
