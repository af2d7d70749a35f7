//! HTTP to a BMC: who may ask (DSP0266 §"Security details"), what is asked, and the headers of what is answered.

use super::{
    answer::{empty, etag, json},
    message::Problem,
    odata, request,
    resources::{self, ROOT, SESSIONS, SIMPLE_UPDATE, bmc_reset_uri, host_reset_uri},
    service::Service,
    state::LoginError,
    style::Style,
    update::TaskState,
    upload,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::sync::Arc;
use uuid::Uuid;

/// Everything but an image.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// `Members` of the collection of sessions.
const SESSIONS_MEMBERS: &str = "/redfish/v1/SessionService/Sessions/Members";

const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");

pub(super) fn router(service: Arc<Service>) -> Router {
    let answer = move |request: Request| {
        let service = Arc::clone(&service);
        async move { answer(&service, request).await }
    };
    // An image is longer than axum's bound, and never held.
    Router::new().fallback(answer).layer(DefaultBodyLimit::disable())
}

/// What there is at a path, as far as it decides which methods are allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Version,
    Metadata,
    Sessions,
    Members,
    Session,
    System,
    Monitor,
    Task,
    HostReset,
    BmcReset,
    SimpleUpdate,
    MultipartPush,
    HttpPush,
    Other,
}

impl Place {
    fn of(style: Style, path: &str) -> Self {
        let system = format!("{ROOT}/Systems/{}", style.system());
        match path {
            "/redfish" => Self::Version,
            "/redfish/v1/$metadata" => Self::Metadata,
            SESSIONS => Self::Sessions,
            // DSP0266 §"POST (create)": the same as the collection.
            SESSIONS_MEMBERS => Self::Members,
            SIMPLE_UPDATE if style.fetches() => Self::SimpleUpdate,
            path if style.multipart_uri() == Some(path) => Self::MultipartPush,
            path if style.push_uri() == Some(path) => Self::HttpPush,
            path if path == system => Self::System,
            path if path == host_reset_uri(style) => Self::HostReset,
            path if path == bmc_reset_uri(style) => Self::BmcReset,
            path if below(path, SESSIONS).is_some() => Self::Session,
            path if below(path, "/redfish/v1/TaskService/TaskMonitors").is_some() => Self::Monitor,
            path if below(path, "/redfish/v1/TaskService/Tasks").is_some() => Self::Task,
            _ => Self::Other,
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Version | Self::Metadata | Self::Monitor | Self::Task | Self::Other => "GET, HEAD",
            Self::Sessions => "GET, HEAD, POST",
            Self::Session => "GET, HEAD, DELETE",
            Self::System => "GET, HEAD, PATCH",
            Self::Members
            | Self::HostReset
            | Self::BmcReset
            | Self::SimpleUpdate
            | Self::MultipartPush
            | Self::HttpPush => "POST",
        }
    }
}

fn below<'a>(path: &'a str, collection: &str) -> Option<&'a str> {
    path.strip_prefix(collection)?.strip_prefix('/').filter(|id| !id.is_empty() && !id.contains('/'))
}

async fn answer(service: &Arc<Service>, request: Request) -> Response {
    let style = service.act(|bmc, _| bmc.is.style);
    let path = request.uri().path();
    let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path.to_owned() };
    let place = Place::of(style, &path);
    let was_get = request.method() == Method::GET || request.method() == Method::HEAD;
    let mut answer = match answer_at(service, request, &path, place).await {
        Ok(answer) => answer,
        Err(problem) => {
            let mut answer = json(problem.status(), &problem.body());
            if problem.status() == StatusCode::UNAUTHORIZED {
                let basic = HeaderValue::from_static("Basic realm=\"Redfish\"");
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
            }
            if problem == Problem::Unavailable {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            answer
        }
    };
    let status = answer.status();
    let headers = answer.headers_mut();
    headers.insert(ODATA_VERSION, HeaderValue::from_static("4.0"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if status == StatusCode::METHOD_NOT_ALLOWED || (was_get && status.is_success()) {
        headers.insert(header::ALLOW, HeaderValue::from_static(place.allowed()));
    }
    answer
}

async fn answer_at(service: &Arc<Service>, request: Request, path: &str, place: Place) -> Result<Response, Problem> {
    // Read in any case, since a body that is left over would end the connection; but for an image, which may end it.
    let request = match place {
        Place::MultipartPush | Place::HttpPush => request,
        Place::Version
        | Place::Metadata
        | Place::Sessions
        | Place::Members
        | Place::Session
        | Place::System
        | Place::Monitor
        | Place::Task
        | Place::HostReset
        | Place::BmcReset
        | Place::SimpleUpdate
        | Place::Other => with_body_read(request).await?,
    };
    if service.act(|bmc, _| bmc.is_unavailable()) {
        return Err(Problem::Unavailable);
    }
    if request.headers().get(ODATA_VERSION).is_some_and(|version| version != "4.0") {
        return Err(Problem::Precondition);
    }
    let unknown = request.uri().query().and_then(|query| query.split('&').find(|one| one.starts_with('$')));
    if let Some(query) = unknown {
        return Err(Problem::Query(query.to_owned()));
    }
    let method = request.method().clone();
    if !is_public(path, place, &method) {
        admit(service, request.headers()).await?;
    }
    // What is not there has neither methods nor types.
    let is_there = place != Place::Other || service.act(|bmc, now| resources::resource(bmc, path, now).is_some());
    if !is_there {
        return Err(Problem::Missing(path.to_owned()));
    }
    if !acceptable(request.headers(), place) {
        return Err(Problem::NotAcceptable);
    }
    if method == Method::GET || method == Method::HEAD {
        return get(service, path, place, request.headers());
    }
    if !place.allowed().split(", ").any(|allowed| allowed == method.as_str()) {
        return Err(Problem::Method);
    }
    match place {
        Place::MultipartPush => upload::multipart_push(service, request).await,
        Place::HttpPush => upload::http_push(service, request.into_body()).await,
        Place::Session => delete_session(service, path),
        Place::Sessions
        | Place::Members
        | Place::System
        | Place::HostReset
        | Place::BmcReset
        | Place::SimpleUpdate
        | Place::Version
        | Place::Metadata
        | Place::Monitor
        | Place::Task
        | Place::Other => change(service, request, path, place).await,
    }
}

async fn with_body_read(request: Request) -> Result<Request, Problem> {
    let (head, body) = request.into_parts();
    Ok(Request::from_parts(head, Body::from(read(body).await?)))
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| Problem::MalformedJson)
}

/// What comes with a small JSON body.
async fn change(service: &Arc<Service>, request: Request, path: &str, place: Place) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    match place {
        Place::Sessions | Place::Members => log_in(service, &body).await,
        Place::SimpleUpdate => upload::simple_update(service, &body),
        Place::HostReset => {
            let reset = request::host_reset(&body)?;
            service.act(|bmc, now| bmc.reset_host(now, reset));
            Ok(empty())
        }
        Place::BmcReset => {
            request::bmc_reset(&body)?;
            service.act(|bmc, now| bmc.reset_bmc(now));
            Ok(empty())
        }
        Place::System => {
            let changed = service.act(|bmc, now| {
                let there = resources::resource(bmc, path, now).unwrap_or_default();
                if let Some(wanted) = head.headers.get(header::IF_MATCH)
                    && wanted != "*"
                    && wanted.as_bytes() != etag(&there).as_bytes()
                {
                    return Err(Problem::Precondition);
                }
                let boot = request::boot(&body, bmc.boot)?;
                bmc.set_boot(now, boot);
                Ok(resources::resource(bmc, path, now).unwrap_or_default())
            });
            Ok(json(StatusCode::OK, &changed?))
        }
        Place::Version
        | Place::Metadata
        | Place::Session
        | Place::Monitor
        | Place::Task
        | Place::MultipartPush
        | Place::HttpPush
        | Place::Other => Err(Problem::Method),
    }
}

/// DSP0266 §"Authentication": what anybody may ask.
fn is_public(path: &str, place: Place, method: &Method) -> bool {
    let reads = method == Method::GET || method == Method::HEAD;
    match place {
        Place::Version | Place::Metadata => reads,
        Place::Sessions | Place::Members => method == Method::POST,
        Place::Other => reads && [ROOT, "/redfish/v1/odata"].contains(&path),
        Place::Session
        | Place::System
        | Place::Monitor
        | Place::Task
        | Place::HostReset
        | Place::BmcReset
        | Place::SimpleUpdate
        | Place::MultipartPush
        | Place::HttpPush => false,
    }
}

fn acceptable(headers: &HeaderMap, place: Place) -> bool {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else { return true };
    let ours = if place == Place::Metadata { "application/xml" } else { "application/json" };
    accept
        .split(',')
        .map(|one| one.split(';').next().unwrap_or_default().trim())
        .any(|one| ["*/*", "application/*", ours].contains(&one) || (place == Place::Metadata && one == "text/xml"))
}

async fn admit(service: &Arc<Service>, headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(token) = headers.get(TOKEN).and_then(|value| value.to_str().ok()) {
        let admitted = service.act(|bmc, now| bmc.admit(now, token));
        return if admitted { Ok(()) } else { Err(Problem::NoValidSession) };
    }
    let (user, password) = headers.get(header::AUTHORIZATION).and_then(basic).ok_or(Problem::NoValidSession)?;
    if is_somebody(service, &user, &password).await { Ok(()) } else { Err(Problem::Unauthorized) }
}

/// RFC 7617.
fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(value.to_str().ok()?.strip_prefix("Basic ")?).ok()?).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

async fn is_somebody(service: &Arc<Service>, user: &str, password: &str) -> bool {
    if service.act(|bmc, _| bmc.refuses_credentials()) {
        return false;
    }
    service.users.authenticate(user, password).await
}

async fn log_in(service: &Arc<Service>, body: &[u8]) -> Result<Response, Problem> {
    let (user, password) = request::login(body)?;
    let admitted = is_somebody(service, &user, &password).await;
    let token = Uuid::new_v4().simple().to_string();
    let session = service.act(|bmc, now| bmc.log_in(now, &user, admitted, token)).map_err(|error| match error {
        LoginError::Refused => Problem::Unauthorized,
        LoginError::Full => Problem::SessionLimit,
    })?;
    let at = format!("{SESSIONS}/{}", session.id);
    let body = service.act(|bmc, now| resources::resource(bmc, &at, now)).unwrap_or_default();
    let mut answer = json(StatusCode::CREATED, &body);
    for (name, value) in [(header::LOCATION, &at), (TOKEN, &session.token)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    }
    Ok(answer)
}

fn delete_session(service: &Arc<Service>, path: &str) -> Result<Response, Problem> {
    let id = below(path, SESSIONS).unwrap_or_default();
    if service.act(|bmc, _| bmc.log_out(id)) { Ok(empty()) } else { Err(Problem::Missing(path.to_owned())) }
}

fn get(service: &Arc<Service>, path: &str, place: Place, headers: &HeaderMap) -> Result<Response, Problem> {
    let missing = || Problem::Missing(path.to_owned());
    match place {
        Place::Version => return Ok(json(StatusCode::OK, &serde_json::json!({ "v1": "/redfish/v1/" }))),
        Place::Metadata => {
            let mut answer = Response::new(Body::from(odata::metadata()));
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            return Ok(answer);
        }
        Place::Monitor => {
            let answer = service.act(|bmc, _| {
                bmc.task_polled();
                let number = below(path, "/redfish/v1/TaskService/TaskMonitors").unwrap_or_default();
                let task = bmc.tasks.iter().find(|task| task.number.to_string() == number).ok_or_else(missing)?;
                match task.state {
                    TaskState::Running => Ok(json(StatusCode::ACCEPTED, &resources::task(task))),
                    TaskState::Completed => Ok(json(StatusCode::OK, &resources::task(task))),
                    TaskState::Exception => {
                        let why = task.messages.last().map(|message| message.text.clone());
                        Err(Problem::TaskFailed(why.unwrap_or_default()))
                    }
                }
            });
            return with_location(answer?, path);
        }
        Place::Members
        | Place::HostReset
        | Place::BmcReset
        | Place::SimpleUpdate
        | Place::MultipartPush
        | Place::HttpPush => {
            return Err(Problem::Method);
        }
        Place::Task => service.act(|bmc, _| bmc.task_polled()),
        Place::Sessions | Place::Session | Place::System | Place::Other => {}
    }
    let value = service.act(|bmc, now| resources::resource(bmc, path, now)).ok_or_else(missing)?;
    let unchanged = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag(&value).as_bytes());
    if unchanged {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(answer);
    }
    Ok(json(StatusCode::OK, &value))
}

/// A task that runs on is watched where it was.
fn with_location(mut answer: Response, path: &str) -> Result<Response, Problem> {
    if answer.status() == StatusCode::ACCEPTED
        && let Ok(path) = HeaderValue::from_str(path)
    {
        answer.headers_mut().insert(header::LOCATION, path);
    }
    Ok(answer)
}
