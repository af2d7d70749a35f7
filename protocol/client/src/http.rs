//! One exchange: a request out, a bounded answer back.

use crate::{
    download::Download,
    error::{Error, MAX_WORDS_CHARS},
};
use pious_protocol::message::Problem;
use reqwest::{Method, RequestBuilder, Response, Url, header::RANGE};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long a connection is kept for another request. A long-poll's is used again at once; the second one, which facts take
/// each minute beside it, must not wait for the next minute at a Senzu that ten thousand agents speak to.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);

/// Idle connections that are kept: one for what is asked, one for the long-poll.
const MAX_IDLE: usize = 2;

/// The longest refusal of a download that is read.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// What a client is made by.
pub type Builder = reqwest::ClientBuilder;

/// What speaks HTTP to Senzu; its clones share their connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

impl Http {
    /// A client that believes Senzu by these certificates (PEM) alone: a public authority has no say here. `None` is for
    /// plain HTTP in a lab. `connect` is for a connection, TLS included; `user_agent` names the program.
    pub fn new(ca_pem: Option<&[u8]>, connect: Duration, user_agent: &str) -> Result<Self, Error> {
        Self::with(|builder| builder.pool_max_idle_per_host(MAX_IDLE), ca_pem, connect, user_agent)
    }

    /// The same, after something else was said of it: a proxy's socket, how many connections are kept.
    pub fn with(
        say: impl FnOnce(Builder) -> Builder,
        ca_pem: Option<&[u8]>,
        connect: Duration,
        user_agent: &str,
    ) -> Result<Self, Error> {
        install_crypto();
        let authorities = match ca_pem {
            None => Vec::new(),
            Some(pem) => match reqwest::Certificate::from_pem_bundle(pem) {
                Ok(authorities) if !authorities.is_empty() => authorities,
                Ok(_) | Err(_) => return Err(Error::NoCertificate),
            },
        };
        let builder = reqwest::Client::builder()
            .tls_certs_only(authorities)
            .connect_timeout(connect)
            .pool_idle_timeout(IDLE_CONNECTION)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(user_agent);
        Ok(Self { client: say(builder).build().map_err(Error::Client)? })
    }

    pub(crate) fn request(&self, method: Method, url: Url, within: Duration) -> Asking {
        let mut at = url.clone();
        at.set_query(None);
        Asking { at: at.into(), request: self.client.request(method, url).timeout(within) }
    }

    /// Begins a download at byte `from`. `within` is for its beginning; the rest has as long as it goes on.
    pub(crate) async fn download(&self, url: Url, from: u64, within: Duration) -> Result<Download, Error> {
        let mut at = url.clone();
        at.set_query(None);
        let at = String::from(at);
        let request = match from {
            0 => self.client.get(url),
            from => self.client.get(url).header(RANGE, format!("bytes={from}-")),
        };
        let response = match tokio::time::timeout(within, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Error::sending(at, error)),
            Err(_) => return Err(Error::Stalled { at, within }),
        };
        let code = response.status().as_u16();
        if !response.status().is_success() {
            let body = tokio::time::timeout(within, body_of(response, &at, MAX_REFUSAL_BYTES)).await;
            // A refusal whose words do not come is still a refusal.
            let body = body.ok().and_then(Result::ok).unwrap_or_default();
            return Err(Error::Status { words: words_of(code, &body), code, at });
        }
        Download::of(response, at, from)
    }
}

/// A request that is being made.
pub(crate) struct Asking {
    at: String,
    request: RequestBuilder,
}

impl Asking {
    pub(crate) fn bearer(self, token: &str) -> Self {
        Self { request: self.request.bearer_auth(token), ..self }
    }

    pub(crate) fn json(self, body: &impl serde::Serialize) -> Self {
        Self { request: self.request.json(body), ..self }
    }

    #[cfg(feature = "operator")]
    pub(crate) fn csv(self, rows: String) -> Self {
        Self { request: self.request.header(reqwest::header::CONTENT_TYPE, "text/csv").body(rows), ..self }
    }

    /// Sends it; answers what came back, whatever its status.
    pub(crate) async fn send(self, most: usize) -> Result<Answer, Error> {
        let Self { at, request } = self;
        match request.send().await {
            Ok(response) => {
                let code = response.status().as_u16();
                Ok(Answer { body: body_of(response, &at, most).await?, code, at })
            }
            Err(error) => Err(Error::sending(at, error)),
        }
    }

    /// Sends it, and reads an answer that says yes.
    pub(crate) async fn ask<T: DeserializeOwned>(self, most: usize) -> Result<T, Error> {
        self.send(most).await?.good()?.read()
    }
}

/// What came back.
pub(crate) struct Answer {
    at: String,
    pub(crate) code: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Itself, if it says yes.
    pub(crate) fn good(self) -> Result<Self, Error> {
        match self.code {
            200..=299 => Ok(self),
            code => Err(Error::Status { words: self.words(), code, at: self.at }),
        }
    }

    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        let Self { at, body, .. } = self;
        serde_json::from_slice(&body).map_err(|source| Error::Garbage { at, source })
    }

    /// What it says is wrong.
    pub(crate) fn words(&self) -> String {
        words_of(self.code, &self.body)
    }
}

/// What a refusal says is wrong: the problem's detail or title (RFC 9457), or the status's own name.
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

async fn body_of(mut response: Response, at: &str, most: usize) -> Result<Vec<u8>, Error> {
    let is_good = response.status().is_success();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= most => body.extend_from_slice(&chunk),
            Ok(Some(_)) if is_good => return Err(Error::TooLong { at: at.to_owned(), most }),
            Err(error) if is_good => return Err(Error::sending(at.to_owned(), error)),
            // A refusal whose words can't be read is still a refusal.
            Ok(Some(_)) | Err(_) | Ok(None) => return Ok(body),
        }
    }
}

/// The URL of a route below one of Senzu's own.
pub(crate) fn route(senzu: &Url, path: &[&str]) -> Url {
    let mut url = senzu.clone();
    // One that has no segments ("mailto:") is refused by `read_url`.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("v1").extend(path);
    }
    url
}

/// Reads a URL of Senzu's: https, or http where plain HTTP is allowed, which is in a lab.
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

#[cfg(test)]
mod tests {
    use super::{read_url, route};

    #[test]
    fn only_https_but_in_a_lab() {
        assert!(read_url("https://senzu.example:8443", false).is_ok());
        assert!(read_url("http://10.77.0.1:8080", true).is_ok());
        for (url, lab) in [("http://10.77.0.1", false), ("ftp://x", true), ("senzu", true), ("https:", true)] {
            assert!(read_url(url, lab).is_err(), "{url} lab {lab}");
        }
    }

    #[test]
    fn a_route_stands_below_senzu_whatever_its_url_ends_in() {
        for (senzu, url) in [
            ("https://senzu:8443", "https://senzu:8443/v1/assets/a%2Fb"),
            ("https://senzu:8443/", "https://senzu:8443/v1/assets/a%2Fb"),
            ("https://edge/senzu", "https://edge/senzu/v1/assets/a%2Fb"),
            ("https://edge/senzu/", "https://edge/senzu/v1/assets/a%2Fb"),
        ] {
            assert_eq!(route(&read_url(senzu, false).unwrap(), &["assets", "a/b"]).as_str(), url, "{senzu}");
        }
    }
}
