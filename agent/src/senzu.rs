//! Senzu, over HTTP: one function per route, every wait and every body bounded.
//!
//! Retries, fail-over and what an answer means are the machine's; here is one try.

use crate::machine::{Call, Failure};
use pious_protocol::{
    ids::{BootId, InstructionId, Sequence},
    message::{
        BootEvent, FactsAnswer, FactsReport, InstructionsAnswer, Problem, PromotionAnswer, PromotionAsk, Report, Whoami,
    },
};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use std::time::Duration;
use thiserror::Error;

/// The longest answer that is read. An expectation of a large server is some ten KiB; a whole MiB is an attack or a
/// mistake.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// How much of a problem's words are kept: they are shown on one or two lines.
const MAX_WORDS_CHARS: usize = 300;

/// Idle connections are closed before the usual 60 s after which middleboxes forget them.
const IDLE_CONNECTION: Duration = Duration::from_secs(50);

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For a whole answer that Senzu does not hold back.
    pub answer: Duration,
    /// How long Senzu may hold back a long-poll, in seconds.
    pub hold_s: u32,
}

impl Default for Patience {
    /// 4 s spans two lost SYNs (1 s and 2 s more). An answer is a database write away; 5 s also leaves a final report two tries
    /// in [`crate::machine::timing::FAREWELL`]. 30 s of holding is the protocol's figure.
    fn default() -> Self {
        Self { connect: Duration::from_secs(4), answer: Duration::from_secs(5), hold_s: 30 }
    }
}

/// Why one try gave no answer.
#[derive(Debug, Error)]
pub enum Error {
    /// A URL that can't be Senzu's.
    #[error("{url:?} can't be Senzu's URL: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The client could not be made.
    #[error("the HTTP client can't be made")]
    Client(#[source] reqwest::Error),
    /// No connection.
    #[error("no connection to Senzu")]
    Connect(#[source] reqwest::Error),
    /// No answer in time.
    #[error("no answer from Senzu in time")]
    Timeout(#[source] reqwest::Error),
    /// The answer ended midway, or was no HTTP.
    #[error("Senzu's answer broke off")]
    Broken(#[source] reqwest::Error),
    /// An answer that says no.
    #[error("Senzu answered {code} {words}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// The problem, in words.
        words: String,
    },
    /// More than an answer may be.
    #[error("Senzu's answer is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    /// Not the JSON that the protocol says.
    #[error("Senzu's answer is not in the protocol")]
    Garbage(#[source] serde_json::Error),
    /// The machine spoke of a URL that is not there.
    #[error("Senzu has no URL number {0}")]
    NoSuchUrl(usize),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Connect(cause) => Self::Connect(deepest(cause)),
            Error::Url { .. } | Error::Client(_) | Error::NoSuchUrl(_) => Self::Connect(error.to_string()),
            Error::Timeout(_) => Self::Timeout,
            Error::Broken(cause) => Self::Garbage(format!("it broke off ({})", deepest(cause))),
            Error::Status { code, words } => Self::Status { code: *code, words: words.clone() },
            Error::TooLarge => Self::Garbage(format!("longer than {MAX_ANSWER_BYTES} bytes")),
            Error::Garbage(cause) => Self::Garbage(cause.to_string()),
        }
    }
}

/// The cause at the bottom of an error: the one that an engineer can act on ("connection refused").
fn deepest(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string().chars().take(MAX_WORDS_CHARS).collect()
}

/// Senzu.
#[derive(Debug)]
pub struct Senzu {
    client: reqwest::Client,
    urls: Vec<Url>,
    boot: BootId,
    patience: Patience,
}

impl Senzu {
    /// Senzu at these URLs, believed by these certificates (PEM) alone: the image has no others, and a public CA has no
    /// say here.
    pub fn new(urls: Vec<Url>, ca_pem: &[u8], boot: BootId, patience: Patience) -> Result<Self, Error> {
        install_crypto();
        let authorities = reqwest::Certificate::from_pem_bundle(ca_pem).map_err(Error::Client)?;
        let client = reqwest::Client::builder()
            .tls_certs_only(authorities)
            .connect_timeout(patience.connect)
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(2)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("pious-agent/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::Client)?;
        Ok(Self { client, urls, boot, patience })
    }

    /// `POST /v1/boot-events`.
    pub async fn boot_event(&self, senzu: usize, event: &BootEvent) -> Result<Whoami, Error> {
        self.ask(self.client.post(self.url(senzu, &["boot-events"])?).json(event)).await
    }

    /// `PUT /v1/sessions/{boot_id}/facts`.
    pub async fn facts(&self, call: &Call, report: &FactsReport) -> Result<FactsAnswer, Error> {
        self.ask(self.session_request(Method::PUT, call, &["facts"])?.json(report)).await
    }

    /// `GET /v1/sessions/{boot_id}/instructions`, held back while there is nothing.
    pub async fn poll(&self, call: &Call, after: Sequence) -> Result<InstructionsAnswer, Error> {
        let hold = Duration::from_secs(self.patience.hold_s.into());
        let mut url = self.session_url(call, &["instructions"])?;
        let (after, hold_s) = (after.0.to_string(), self.patience.hold_s.to_string());
        url.query_pairs_mut().append_pair("after", &after).append_pair("wait_s", &hold_s);
        let request = self.client.get(url).bearer_auth(&call.token);
        self.ask_within(request, hold + self.patience.connect + self.patience.answer).await
    }

    /// `POST /v1/sessions/{boot_id}/instructions/{id}/reports`.
    pub async fn report(&self, call: &Call, id: InstructionId, report: &Report) -> Result<(), Error> {
        let id = id.to_string();
        let request = self.session_request(Method::POST, call, &["instructions", &id, "reports"])?.json(report);
        let response = request.timeout(self.patience.answer).send().await.map_err(sending)?;
        match response.status().is_success() {
            true => Ok(()),
            false => Err(refusal(response).await),
        }
    }

    /// `POST /v1/sessions/{boot_id}/promotions`. A refusal travels as 409, and is an answer too.
    pub async fn promotion(&self, call: &Call, ask: &PromotionAsk) -> Result<PromotionAnswer, Error> {
        let request = self.session_request(Method::POST, call, &["promotions"])?.json(ask);
        let response = request.timeout(self.patience.answer).send().await.map_err(sending)?;
        let code = response.status().as_u16();
        let body = match (response.status().is_success(), code) {
            (true, _) | (false, 409) => body_of(response).await?,
            (false, _) => return Err(refusal(response).await),
        };
        match serde_json::from_slice::<PromotionAnswer>(&body) {
            Ok(answer) => Ok(answer),
            Err(_) if code == 409 => Ok(PromotionAnswer::Refused { reason: words_of(code, &body) }),
            Err(error) => Err(Error::Garbage(error)),
        }
    }

    fn session_request(&self, method: Method, call: &Call, path: &[&str]) -> Result<RequestBuilder, Error> {
        Ok(self.client.request(method, self.session_url(call, path)?).bearer_auth(&call.token))
    }

    fn session_url(&self, call: &Call, path: &[&str]) -> Result<Url, Error> {
        let boot = self.boot.to_string();
        let path: Vec<&str> = ["sessions", &boot].into_iter().chain(path.iter().copied()).collect();
        self.url(call.senzu, &path)
    }

    fn url(&self, senzu: usize, path: &[&str]) -> Result<Url, Error> {
        let mut url = self.urls.get(senzu).ok_or(Error::NoSuchUrl(senzu))?.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        Ok(url)
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        self.ask_within(request, self.patience.answer).await
    }

    async fn ask_within<T: DeserializeOwned>(&self, request: RequestBuilder, time: Duration) -> Result<T, Error> {
        let response = request.timeout(time).send().await.map_err(sending)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        serde_json::from_slice(&body_of(response).await?).map_err(Error::Garbage)
    }
}

/// Reads a URL of Senzu's: https, or http where the image was built for a lab.
pub fn read_url(text: &str, lab: bool) -> Result<Url, Error> {
    let error = |reason: String| Error::Url { url: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|problem| error(problem.to_string()))?;
    match (url.scheme(), lab) {
        _ if url.host_str().is_none() => Err(error("it names no host".into())),
        ("https", _) | ("http", true) => Ok(url),
        ("http", false) => Err(error("it is not https, and this image is not built for a lab".into())),
        (scheme, _) => Err(error(format!("{scheme} is not https"))),
    }
}

/// One cryptography provider for the whole program, chosen here.
pub fn install_crypto() {
    // An error says that one is installed already, which is this one.
    let _already = rustls::crypto::ring::default_provider().install_default();
}

fn sending(error: reqwest::Error) -> Error {
    match () {
        () if error.is_timeout() => Error::Timeout(error),
        () if error.is_connect() => Error::Connect(error),
        () => Error::Broken(error),
    }
}

async fn body_of(mut response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(sending)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn refusal(response: Response) -> Error {
    let code = response.status().as_u16();
    // A refusal whose words can't be read is still a refusal.
    let body = body_of(response).await.unwrap_or_default();
    Error::Status { code, words: words_of(code, &body) }
}

fn words_of(code: u16, body: &[u8]) -> String {
    let words = match serde_json::from_slice::<Problem>(body) {
        Ok(Problem { detail: Some(detail), .. }) => detail,
        Ok(Problem { title, .. }) => title,
        Err(_) => {
            let name = reqwest::StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
            name.unwrap_or("without words").to_owned()
        }
    };
    words.chars().take(MAX_WORDS_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::read_url;

    #[test]
    fn only_https_but_in_a_lab() {
        assert!(read_url("https://senzu.example:8443", false).is_ok());
        assert!(read_url("http://10.77.0.1:8080", true).is_ok());
        for (url, lab) in [("http://10.77.0.1", false), ("ftp://x", true), ("senzu", true), ("https:", true)] {
            assert!(read_url(url, lab).is_err(), "{url} lab {lab}");
        }
    }
}
