//! A connection with a session, and what a BMC and its host are told to do.

use crate::discovery;
use crate::error::{Error, list};
use crate::http::{Answer, Auth, Http, link, text};
use crate::place::{BootOnce, HostRestart, Place};
use pious_protocol::firmware::Secret;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};
use std::time::Duration;

/// The one name that is known beforehand (DSP0266 §6.3.2).
const ROOT: &str = "/redfish/v1/";

/// Logins of one connection. Sessions end, by time or with a BMC's restart; a BMC that takes back each one it gives would
/// be asked for ever.
const MAX_LOGINS: u32 = 8;

/// A session is ended in passing; it ends by itself too.
const GOODBYE: Duration = Duration::from_secs(10);

/// How often a boot override is read back, and how long lies between: some BMCs take it after their answer.
const OVERRIDE_LOOKS: u32 = 4;
const BETWEEN_OVERRIDE_LOOKS: Duration = Duration::from_secs(2);

/// A connection with a session.
pub struct Bmc {
    pub(crate) http: Http,
    user: String,
    password: Secret,
    state: Mutex<State>,
    logins: AtomicU32,
    certificate_sha256: std::sync::OnceLock<String>,
}

struct State {
    root: Value,
    auth: Auth,
    /// The session's resource, to be deleted.
    session: Option<String>,
    host: Option<discovery::Host>,
}

impl Bmc {
    /// Reads the service root, and opens a session (DSP0266 §13.3); a BMC without sessions gets the password with each
    /// request. There is one try: BMCs lock users out.
    pub async fn connect(place: &Place) -> Result<Self, Error> {
        let http = Http::new(&place.url, place.certificate_sha256.as_deref())?;
        if let ("http", Some(expected)) = (place.url.scheme(), &place.certificate_sha256) {
            let shown = "none, over plain HTTP".to_owned();
            return Err(Error::Certificate { at: place.url.to_string(), expected: expected.clone(), shown });
        }
        let root = http.request(Method::GET, ROOT, &Auth::Nobody)?.send().await?.good()?.json()?;
        let bmc = Self {
            http,
            user: place.user.clone(),
            password: place.password.clone(),
            state: Mutex::new(State { root, auth: Auth::Nobody, session: None, host: None }),
            logins: AtomicU32::new(0),
            certificate_sha256: std::sync::OnceLock::new(),
        };
        if let Some(shown) = bmc.http.pin().believed() {
            let _first = bmc.certificate_sha256.set(shown);
        }
        bmc.login().await?;
        Ok(bmc)
    }

    /// SHA-256 of the certificate that the BMC showed, lower-case hex; `None` over plain HTTP.
    pub fn certificate_sha256(&self) -> Option<&str> {
        self.certificate_sha256.get().map(String::as_str)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn root(&self) -> Value {
        self.state().root.clone()
    }

    pub(crate) fn remembered_host(&self) -> Option<discovery::Host> {
        self.state().host.clone()
    }

    pub(crate) fn remember_host(&self, host: discovery::Host) {
        self.state().host = Some(host);
    }

    pub(crate) fn auth(&self) -> Auth {
        self.state().auth.clone()
    }

    pub(crate) fn missing(&self, what: impl Into<String>) -> Error {
        Error::Missing { host: self.http.host(), what: what.into() }
    }

    /// A service that the root links to.
    pub(crate) async fn service(&self, name: &str) -> Result<Value, Error> {
        match link(&self.root(), name) {
            Some(at) => self.get(&at).await,
            None => Err(self.missing(match name {
                "Tasks" => "TaskService",
                name => name,
            })),
        }
    }

    /// Whether it answers at all, which the root does without a session. What it was before is forgotten: behind a restart
    /// another firmware may speak, with other links.
    pub(crate) async fn look(&self) -> Result<(), Error> {
        let root = self.http.request(Method::GET, ROOT, &Auth::Nobody)?.send().await?.good()?.json()?;
        let mut state = self.state();
        state.root = root;
        state.host = None;
        Ok(())
    }

    /// Opens a session, in place of the one there was.
    pub(crate) async fn login(&self) -> Result<(), Error> {
        let refused = |at: String, code| Error::Credentials { at, user: self.user.clone(), code };
        if self.logins.fetch_add(1, Ordering::Relaxed) >= MAX_LOGINS {
            return Err(refused(self.http.host(), 401));
        }
        let Some(sessions) = self.sessions().await? else {
            return self.prove_basic().await;
        };
        let body = json!({ "UserName": self.user, "Password": self.password.reveal() });
        let asking = self.http.request(Method::POST, &sessions, &Auth::Nobody)?;
        let answer = asking.with(|request| request.json(&body)).send().await?;
        match answer.status {
            // Sessions that are linked to and not there.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                return self.prove_basic().await;
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(refused(answer.at, answer.status.as_u16())),
            // What some say instead of 401.
            StatusCode::BAD_REQUEST if says_unauthorized(&answer) => return Err(refused(answer.at, 400)),
            _ => {}
        }
        let answer = answer.good()?;
        let Some(token) = answer.header("x-auth-token").map(str::to_owned) else {
            return Err(Error::NoToken { at: answer.at });
        };
        let located = answer.header("location").map(str::to_owned);
        let session = located.or_else(|| answer.json().ok().and_then(|session| text(&session, "@odata.id")));
        let mut state = self.state();
        (state.auth, state.session) = (Auth::Token(token), session);
        Ok(())
    }

    /// The collection of sessions. The root links to it, so that it is found without one (DSP0266 §13.3.4.2).
    async fn sessions(&self) -> Result<Option<String>, Error> {
        let root = self.root();
        if let Some(sessions) = root.get("Links").and_then(|links| link(links, "Sessions")) {
            return Ok(Some(sessions));
        }
        let Some(service) = link(&root, "SessionService") else { return Ok(None) };
        let answer = self.http.request(Method::GET, &service, &Auth::Nobody)?.send().await?;
        match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Ok(None),
            _ => Ok(link(&answer.good()?.json()?, "Sessions")),
        }
    }

    /// Proves by one request that the password is taken.
    async fn prove_basic(&self) -> Result<(), Error> {
        let auth = Auth::Basic { user: self.user.clone(), password: self.password.clone() };
        let Some(proof) = link(&self.root(), "Managers").or_else(|| link(&self.root(), "Systems")) else {
            return Err(self.missing("Managers"));
        };
        let answer = self.http.request(Method::GET, &proof, &auth)?.send().await?;
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(Error::Credentials { at: answer.at, user: self.user.clone(), code: answer.status.as_u16() });
        }
        answer.good()?;
        self.state().auth = auth;
        Ok(())
    }

    /// Asks, and once more where the session has ended meanwhile.
    pub(crate) async fn ask(
        &self,
        method: Method,
        at: &str,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> Result<Answer, Error> {
        let mut is_first = true;
        loop {
            let auth = self.auth();
            let asking = self.http.request(method.clone(), at, &auth)?.with(|request| {
                let request = match body {
                    Some(body) => request.json(body),
                    None => request,
                };
                match etag {
                    Some(etag) => request.header(header::IF_MATCH, etag),
                    None => request,
                }
            });
            let answer = asking.send().await?;
            match (answer.status, auth) {
                (StatusCode::UNAUTHORIZED, Auth::Token(_)) if is_first => {
                    tracing::debug!(at = answer.at, "the BMC has ended the session");
                    is_first = false;
                    self.login().await?;
                }
                (StatusCode::UNAUTHORIZED, _) => {
                    return Err(Error::Credentials { at: answer.at, user: self.user.clone(), code: 401 });
                }
                _ => return answer.good(),
            }
        }
    }

    pub(crate) async fn get(&self, at: &str) -> Result<Value, Error> {
        let answer = self.ask(Method::GET, at, None, None).await?;
        let etag = answer.header("etag").map(str::to_owned);
        let mut document = answer.json()?;
        // Which some say in the header alone, and want to hear again with a change.
        if let (Some(etag), Some(properties)) = (etag, document.as_object_mut()) {
            properties.insert("@odata.etag".into(), etag.into());
        }
        Ok(document)
    }

    /// Changes some of a resource's properties, if it is still the one that was read.
    pub(crate) async fn patch(&self, at: &str, read: &Value, change: &Value) -> Result<(), Error> {
        let etag = text(read, "@odata.etag");
        self.ask(Method::PATCH, at, Some(change), etag.as_deref()).await.map(drop)
    }

    /// Restarts the BMC itself, gracefully where it can. Behind this it is away for minutes.
    pub async fn restart_bmc(&self) -> Result<(), Error> {
        let host = self.host().await?;
        let manager = host.manager.ok_or_else(|| self.missing("Manager"))?;
        let document = self.get(&manager).await?;
        self.reset(&document, "Manager.Reset", &["GracefulRestart", "ForceRestart"]).await
    }

    /// Restarts the host.
    pub async fn restart_host(&self, kind: HostRestart) -> Result<(), Error> {
        let host = self.host().await?;
        let document = self.get(&host.system).await?;
        self.reset(&document, "ComputerSystem.Reset", &[kind.name()]).await
    }

    /// Resets by the first of these kinds that is allowed.
    async fn reset(&self, document: &Value, action: &str, kinds: &[&str]) -> Result<(), Error> {
        let found = document.get("Actions").and_then(|actions| actions.get(format!("#{action}")));
        let Some((found, target)) = found.and_then(|found| Some((found, text(found, "target")?))) else {
            return Err(self.missing(action));
        };
        let allowed = self.allowed(found, "ResetType").await?;
        let wanted = match &allowed {
            None => kinds.first().copied(),
            Some(allowed) => kinds.iter().copied().find(|kind| allowed.iter().any(|allowed| allowed == kind)),
        };
        let Some(kind) = wanted else {
            let (wanted, allowed) = (list(kinds), list(allowed.unwrap_or_default()));
            return Err(Error::NotAllowed { what: action.into(), wanted, allowed });
        };
        match self.ask(Method::POST, &target, Some(&json!({ "ResetType": kind })), None).await {
            // It was told, and has gone before it answered.
            Err(gone @ (Error::Broken { .. } | Error::Timeout { .. })) => {
                tracing::debug!(%gone, action, "no answer to a reset");
                Ok(())
            }
            answer => answer.map(drop),
        }
    }

    /// What an action's parameter may be: said beside the action, or in its ActionInfo (DSP0266 §9.6.2); `None` where the
    /// BMC does not say.
    async fn allowed(&self, action: &Value, parameter: &str) -> Result<Option<Vec<String>>, Error> {
        let strings = |values: &Value| -> Option<Vec<String>> {
            let values = values.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned);
            Some(values.collect()).filter(|values: &Vec<String>| !values.is_empty())
        };
        if let Some(values) = action.get(format!("{parameter}@Redfish.AllowableValues")).and_then(strings) {
            return Ok(Some(values));
        }
        // DSP0266 has the annotation as a plain URI.
        let Some(info) = text(action, "@Redfish.ActionInfo").or_else(|| link(action, "@Redfish.ActionInfo")) else {
            return Ok(None);
        };
        let info = match self.get(&info).await {
            Ok(info) => info,
            Err(error) if error.is_gone() => return Ok(None),
            Err(error) => return Err(error),
        };
        let parameters = info.get("Parameters").and_then(Value::as_array).into_iter().flatten();
        let mut named = parameters.filter(|it| text(it, "Name").as_deref() == Some(parameter));
        Ok(named.find_map(|it| it.get("AllowableValues").and_then(strings)))
    }

    /// What the host boots from next, once; read back, as some BMCs answer yes and forget it.
    pub async fn boot_once(&self, target: BootOnce) -> Result<(), Error> {
        let at = self.host().await?.system;
        let document = self.get(&at).await?;
        let boot = document.get("Boot").ok_or_else(|| self.missing("ComputerSystem.Boot"))?;
        let allowed = boot.get("BootSourceOverrideTarget@Redfish.AllowableValues").and_then(Value::as_array);
        let takes = |allowed: &Vec<Value>| allowed.iter().any(|allowed| allowed == target.name());
        if let Some(allowed) = allowed.filter(|allowed| !takes(allowed)) {
            let allowed = list(allowed.iter().filter_map(Value::as_str));
            return Err(Error::NotAllowed {
                what: "BootSourceOverrideTarget".into(),
                wanted: target.name().into(),
                allowed,
            });
        }
        let change =
            json!({ "Boot": { "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": target.name() } });
        self.patch(&at, &document, &change).await?;
        let mut found = String::new();
        for look in 0..OVERRIDE_LOOKS {
            if look > 0 {
                tokio::time::sleep(BETWEEN_OVERRIDE_LOOKS).await;
            }
            let document = self.get(&at).await?;
            let says =
                |name| document.get("Boot").and_then(|boot| text(boot, name)).unwrap_or_else(|| "nothing".into());
            let (enabled, source) = (says("BootSourceOverrideEnabled"), says("BootSourceOverrideTarget"));
            if enabled == "Once" && source == target.name() {
                return Ok(());
            }
            found = format!("{enabled} {source}");
        }
        Err(Error::OverrideNotTaken { at, wanted: format!("Once {}", target.name()), found })
    }

    /// Ends the session: a BMC has room for a few. What fails here is only logged.
    pub async fn close(self) {
        self.end_session().await;
    }

    pub(crate) async fn end_session(&self) {
        let (auth, session) = {
            let mut state = self.state();
            (std::mem::replace(&mut state.auth, Auth::Nobody), state.session.take())
        };
        let Some(session) = session else { return };
        let ended = match self.http.request(Method::DELETE, &session, &auth) {
            Ok(asking) => asking.with(|request| request.timeout(GOODBYE)).send().await.and_then(Answer::good),
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a session with a BMC is left to its end");
        }
    }
}

/// Whether a refusal is one of the user (Base registry: `Base.*.UnauthorizedLoginAttempt` and its kin).
fn says_unauthorized(answer: &Answer) -> bool {
    let body = String::from_utf8_lossy(&answer.body);
    ["UnauthorizedLoginAttempt", "ResourceAtUriUnauthorized", "NoValidSession"].iter().any(|id| body.contains(id))
}
