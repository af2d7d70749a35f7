//! One exchange with a BMC: a request out, a bounded answer back, nothing to anybody but the BMC.

use crate::error::{Error, clip};
use crate::exchange::exchange;
use crate::tls::{self, Pin};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, HeaderMap, HeaderValue, LOCATION, USER_AGENT},
};
use rustls::ClientConfig;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// A BMC has one slow core, and a TLS handshake takes it seconds.
pub(crate) const CONNECT: Duration = Duration::from_secs(20);

/// The slowest answers that were seen of real BMCs took 23 s.
const ANSWER: Duration = Duration::from_secs(60);

/// A document; the largest that is read here, of a system with all its links, has some 50 KiB.
const MAX_BODY_BYTES: usize = 2 << 20;

/// What a `Retry-After` counts as that is a date.
const BY_A_DATE: Duration = Duration::from_secs(10);

/// Who we are.
const NAME: &str = "pious";

/// Idle connections are dropped soon: a BMC has room for few, and forgets them when it restarts.
const IDLE_CONNECTION: Duration = Duration::from_secs(10);

/// What speaks HTTP to one BMC.
#[derive(Debug)]
pub(crate) struct Http {
    /// For questions, which can be asked twice.
    client: Client,
    /// For orders: each has a connection of its own. One that was kept may be one that the BMC has just dropped, and then
    /// nobody knows whether the order was heard.
    orders: Client,
    base: Url,
    tls: Arc<ClientConfig>,
    pin: Arc<Pin>,
}

/// How a request proves whom it is of.
#[derive(Clone)]
pub(crate) enum Auth {
    Nobody,
    Token(String),
    Basic { user: String, password: pious_protocol::firmware::Secret },
}

impl Http {
    pub(crate) fn new(base: &Url, certificate_sha256: Option<&str>) -> Result<Self, Error> {
        let (tls, pin) = tls::pinned(certificate_sha256).map_err(Error::Tls)?;
        let client = |tls: ClientConfig, most_idle| {
            let builder = Client::builder()
                .tls_backend_preconfigured(tls)
                .http1_only()
                .connect_timeout(CONNECT)
                .pool_idle_timeout(IDLE_CONNECTION)
                .pool_max_idle_per_host(most_idle)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .user_agent(NAME);
            builder.build().map_err(Error::Client)
        };
        let (questions, orders) = (client(tls.clone(), 1)?, client(tls.clone(), 0)?);
        Ok(Self { client: questions, orders, base: base.clone(), tls: Arc::new(tls), pin })
    }

    pub(crate) fn pin(&self) -> &Pin {
        &self.pin
    }

    /// What an exchange failed with: it may be that another certificate was shown.
    fn told(&self, at: String, error: Error) -> Error {
        match self.pin.take_mismatch() {
            Some(mismatch) => (at, mismatch).into(),
            None => error,
        }
    }

    /// Whom it speaks to.
    pub(crate) fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The URL of a link of the BMC's. Whatever host the link names, the BMC is meant: it may know itself by another name
    /// than the one it is reached by, and nobody else is to get our session.
    pub(crate) fn url(&self, link: &str) -> Result<Url, Error> {
        let named = self.base.join(link).map_err(|_| Error::Link { link: clip(link), host: self.host() })?;
        let mut url = self.base.clone();
        url.set_path(named.path());
        url.set_query(named.query());
        Ok(url)
    }

    /// A request for a link of the BMC's.
    pub(crate) fn request(&self, method: Method, link: &str, auth: &Auth) -> Result<Asking<'_>, Error> {
        let url = self.url(link)?;
        let mut at = url.clone();
        at.set_query(None);
        let client = if method == Method::GET { &self.client } else { &self.orders };
        let request = client.request(method, url).timeout(ANSWER).header("OData-Version", "4.0");
        let request = request.header(ACCEPT, "application/json");
        let request = match auth {
            Auth::Nobody => request,
            Auth::Token(token) => request.header("X-Auth-Token", token),
            Auth::Basic { user, password } => request.basic_auth(user, Some(password.reveal())),
        };
        Ok(Asking { at: at.into(), request, http: self })
    }
}

/// A request that is being made.
pub(crate) struct Asking<'a> {
    at: String,
    request: RequestBuilder,
    http: &'a Http,
}

impl Asking<'_> {
    pub(crate) fn with(self, say: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self { request: say(self.request), ..self }
    }

    /// Sends it; answers what came back, whatever its status.
    pub(crate) async fn send(self) -> Result<Answer, Error> {
        let Self { at, request, http } = self;
        match request.send().await {
            Ok(response) => Answer::read(response, at).await,
            Err(error) => Err(http.told(at.clone(), Error::sending(at, error))),
        }
    }

    /// The same with a body that is long: the BMC may answer before it has all of it.
    pub(crate) async fn send_long(self, within: Duration) -> Result<Answer, Error> {
        let Self { at, request, http } = self;
        let request = request.header(USER_AGENT, NAME).build().map_err(Error::Client)?;
        let exchanged = tokio::time::timeout(within, exchange(&at, request, &http.tls)).await;
        match exchanged {
            Ok(answered) => answered.map_err(|error| http.told(at, error)),
            Err(late) => Err(Error::Timeout { at, source: Box::new(late) }),
        }
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) at: String,
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(mut response: Response, at: String) -> Result<Self, Error> {
        let (url, status) = (response.url().clone(), response.status());
        let mut headers = std::mem::take(response.headers_mut());
        make_local(&mut headers);
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY_BYTES => body.extend_from_slice(&chunk),
                Ok(Some(_)) if status.is_success() => return Err(Error::TooLong { at, most: MAX_BODY_BYTES }),
                Err(error) if status.is_success() => return Err(Error::sending(at, error)),
                // A refusal whose words can't be read is still a refusal.
                Ok(Some(_)) | Err(_) | Ok(None) => break,
            }
        }
        Ok(Self { at, url, status, headers, body })
    }

    /// Itself, if it says yes.
    pub(crate) fn good(self) -> Result<Self, Error> {
        match self.status.is_success() {
            true => Ok(self),
            false => Err(self.refusal()),
        }
    }

    pub(crate) fn refusal(self) -> Error {
        let (words, retry_after) = (self.words(), self.retry_after());
        Error::Status { code: self.status.as_u16(), words, retry_after, at: self.at }
    }

    pub(crate) fn json(self) -> Result<Value, Error> {
        let Self { at, body, .. } = self;
        serde_json::from_slice(&body).map_err(|source| Error::Garbage { at, source })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The seconds of `Retry-After`. A date there counts as a few: it goes by the BMC's clock.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let asked = self.header("retry-after")?.trim().parse();
        Some(asked.map_or(BY_A_DATE, Duration::from_secs))
    }

    /// What it says, in words: the messages of a Redfish answer, or the status's own name.
    pub(crate) fn words(&self) -> String {
        let document = serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        match messages(&document) {
            words if !words.is_empty() => words,
            _ => self.status.canonical_reason().unwrap_or("without words").to_owned(),
        }
    }
}

/// Takes the host out of a `Location`, as [`Http::url`] does with any link.
fn make_local(headers: &mut HeaderMap) {
    let located = headers.get(LOCATION).and_then(|location| Url::parse(location.to_str().ok()?).ok());
    let Some(url) = located else { return };
    let local = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    if let Ok(local) = HeaderValue::from_str(&local) {
        headers.insert(LOCATION, local);
    }
}

/// How many messages of a document are shown.
const MAX_MESSAGES: usize = 8;

/// The messages of a document (DSP0266 §8.6): `error`, `@Message.ExtendedInfo`, a task's `Messages`.
pub(crate) fn messages(document: &Value) -> String {
    let error = document.get("error");
    let of = |holder: Option<&Value>, name: &str| holder.and_then(|it| it.get(name)).and_then(Value::as_array).cloned();
    let told = [
        of(error, "@Message.ExtendedInfo"),
        of(Some(document), "@Message.ExtendedInfo"),
        of(Some(document), "Messages"),
    ];
    let mut words: Vec<String> = Vec::new();
    for message in told.into_iter().flatten().flatten() {
        let said = ["Message", "MessageId"].into_iter().find_map(|name| text(&message, name));
        if let Some(said) = said.filter(|said| !words.contains(said)) {
            words.push(said);
        }
    }
    if words.is_empty() {
        words.extend(error.and_then(|error| text(error, "message").or_else(|| text(error, "code"))));
    }
    words.truncate(MAX_MESSAGES);
    clip(&words.join(" "))
}

/// A property that says something.
pub(crate) fn text(document: &Value, name: &str) -> Option<String> {
    let text = document.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Where a property of a document links to.
pub(crate) fn link(document: &Value, name: &str) -> Option<String> {
    text(document.get(name)?, "@odata.id")
}

/// Where each of a property's references leads.
pub(crate) fn links(document: &Value, name: &str) -> Vec<String> {
    let references = document.get(name).and_then(Value::as_array);
    references.into_iter().flatten().filter_map(|reference| text(reference, "@odata.id")).collect()
}
