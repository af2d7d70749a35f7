//! Images on their way into a BMC: pushed in one piece, in parts, or fetched by it. None is ever held as a whole.

use super::{
    answer::json,
    message::Problem,
    request,
    resources::{self, monitor_uri},
    service::Service,
    update::Wishes,
};
use crate::bmc::image::{Incoming, Received};
use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use http_body::Body as _;
use pious_protocol::firmware::Transfer;
use std::{pin::Pin, sync::Arc, time::Duration};

/// `UpdateParameters` is a few names.
const MAX_PARAMETERS_BYTES: usize = 64 * 1024;

/// How long a server may let the BMC wait for more of an image.
const MORE_WITHIN: Duration = Duration::from_secs(30);

/// An image that comes in. Whoever drops it has not handed all of it over.
struct Push {
    service: Arc<Service>,
    incoming: Option<Incoming>,
    bytes_per_s: Option<u64>,
}

impl Push {
    fn begin(service: &Arc<Service>, by: Transfer) -> Result<Self, Problem> {
        let bytes_per_s = service.act(|bmc, now| bmc.push_begins(now, by)).map_err(|_| Problem::InUse)?;
        Ok(Self::of(service, bytes_per_s))
    }

    fn of(service: &Arc<Service>, bytes_per_s: Option<u64>) -> Self {
        Self { service: Arc::clone(service), incoming: Some(Incoming::default()), bytes_per_s }
    }

    async fn take(&mut self, bytes: &[u8]) {
        if let Some(incoming) = &mut self.incoming {
            incoming.take(bytes);
        }
        if let Some(bytes_per_s) = self.bytes_per_s {
            tokio::time::sleep(Duration::from_secs_f64(bytes.len() as f64 / bytes_per_s as f64)).await;
        }
    }

    fn end(mut self) -> Received {
        let received = self.incoming.take().unwrap_or_default().finish();
        let (bytes, sha256) = (received.bytes, received.sha256.clone());
        self.service.act(|bmc, now| bmc.push_ends(now, bytes, sha256, true));
        received
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        if let Some(incoming) = self.incoming.take() {
            let part = incoming.finish();
            self.service.act(|bmc, now| bmc.push_ends(now, part.bytes, part.sha256, false));
        }
    }
}

/// `HttpPushUri`: the body is the image.
pub(super) async fn http_push(service: &Arc<Service>, body: Body) -> Result<Response, Problem> {
    let mut push = Push::begin(service, Transfer::HttpPush)?;
    let mut body = body;
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Problem::MediaType)?;
        if let Some(bytes) = frame.data_ref() {
            push.take(bytes).await;
        }
    }
    let received = push.end();
    let task = service.act(|bmc, now| bmc.write(now, received, &Wishes::default()));
    Ok(accepted(service, task))
}

/// `MultipartHttpPushUri`: DSP0266 §"Multipart HTTP push updates".
pub(super) async fn multipart_push(service: &Arc<Service>, request: Request) -> Result<Response, Problem> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| Problem::MediaType)?;
    let (mut wishes, mut received) = (None, None);
    while let Some(mut part) = parts.next_field().await.map_err(|_| Problem::MediaType)? {
        match part.name() {
            Some("UpdateParameters") => {
                let mut text = Vec::new();
                while let Some(bytes) = part.chunk().await.map_err(|_| Problem::MediaType)? {
                    text.extend_from_slice(&bytes);
                    if text.len() > MAX_PARAMETERS_BYTES {
                        return Err(Problem::MalformedJson);
                    }
                }
                wishes = Some(request::wishes(&request::object(&text)?)?);
            }
            Some("UpdateFile") => {
                let mut push = Push::begin(service, Transfer::MultipartPush)?;
                while let Some(bytes) = part.chunk().await.map_err(|_| Problem::MediaType)? {
                    push.take(&bytes).await;
                }
                received = Some(push.end());
            }
            // DSP0266 lets vendors add parts of their own.
            Some(_) | None => {}
        }
    }
    let wishes = wishes.ok_or(Problem::PropertyMissing("UpdateParameters"))?;
    let received = received.ok_or(Problem::PropertyMissing("UpdateFile"))?;
    let task = service.act(|bmc, now| bmc.write(now, received, &wishes));
    Ok(accepted(service, task))
}

/// `UpdateService.SimpleUpdate`.
pub(super) fn simple_update(service: &Arc<Service>, body: &[u8]) -> Result<Response, Problem> {
    let (url, wishes) = request::simple_update(body)?;
    let (task, bytes_per_s) = service.act(|bmc, now| bmc.fetch_begins(now)).map_err(|_| Problem::InUse)?;
    let mut push = Push::of(service, bytes_per_s);
    let fetching = Arc::clone(service);
    tokio::spawn(async move {
        let image = match fetch(&url, &mut push).await {
            Ok(()) => Ok(push.end()),
            Err(error) => {
                drop(push);
                Err(causes(&error))
            }
        };
        fetching.act(|bmc, now| bmc.fetched(now, task, image, &wishes));
    });
    Ok(accepted(service, task))
}

/// BMCs seldom know whom to trust, and most trust everybody.
async fn fetch(url: &str, push: &mut Push) -> Result<(), reqwest::Error> {
    // Somebody may have installed one already: the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .read_timeout(MORE_WITHIN)
        .build()?;
    let mut answer = client.get(url).send().await?.error_for_status()?;
    while let Some(bytes) = answer.chunk().await? {
        push.take(&bytes).await;
    }
    Ok(())
}

/// DSP0266 §"Asynchronous operations": 202, where the task is watched, and the task.
fn accepted(service: &Service, number: u32) -> Response {
    let task = service.act(|bmc, _| bmc.tasks.iter().find(|task| task.number == number).map(resources::task));
    let mut answer = json(StatusCode::ACCEPTED, &task.unwrap_or_default());
    if let Ok(monitor) = HeaderValue::from_str(&monitor_uri(number)) {
        answer.headers_mut().insert(header::LOCATION, monitor);
    }
    answer
}

/// An error and its causes, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
