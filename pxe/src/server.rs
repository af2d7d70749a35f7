//! The HTTP routes: what iPXE fetches, and how the service is.
//!
//! | route | answer |
//! | --- | --- |
//! | `GET /boot.ipxe` | the first script, the same for all |
//! | `GET /boot/{mac}.ipxe` | one server's script; the MAC with hyphens or colons |
//! | `GET`, `HEAD /image/vmlinuz`, `/image/initrd.img` | the image's files, as they lie there |
//! | `GET`, `HEAD /image/{edition}/vmlinuz`, `…/initrd.img` | of this edition, as a script names it; else 410 |
//! | `GET /healthz` | [`Health`]; 503 while dnsmasq is down |

use crate::{
    config::{INITRD, KERNEL},
    decide::{Decision, Witness, boot_words, decide, tier_words},
    dnsmasq::process::State as DnsmasqState,
    files,
    script::{Editions, Scripts},
    senzu::chain,
    targets::{Book, Standing},
};
use axum::{
    Extension, Json, Router,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use pious_protocol::ids::MacAddress;
use serde::Serialize;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

/// What the routes answer from.
pub struct Service {
    /// The scripts.
    pub scripts: Scripts,
    /// The image's folder.
    pub image: PathBuf,
    /// What is known of Senzu's targets.
    pub book: watch::Receiver<Book>,
    /// Senzu, for questions.
    pub senzu: pious_client::BootTargets,
    /// What dnsmasq is doing.
    pub dnsmasq: watch::Receiver<DnsmasqState>,
}

/// The body of `/healthz`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// `running`, `starting`, or how dnsmasq died.
    pub dnsmasq: String,
    /// `current`, or why Senzu's targets may be old. Not an illness: that is when servers boot by what was known last.
    pub senzu: String,
    /// How many boot targets are known.
    pub targets: usize,
    /// Their revision.
    pub revision: u64,
}

/// The routes.
pub fn routes(service: Arc<Service>) -> Router {
    Router::new()
        .route("/boot.ipxe", get(first_script))
        .route("/boot/{file}", get(own_script))
        .route("/image/{file}", get(image))
        .route("/image/{edition}/{file}", get(image_of_edition))
        .route("/healthz", get(health))
        .with_state(service)
}

async fn first_script(State(service): State<Arc<Service>>) -> Response {
    script(service.scripts.first())
}

async fn own_script(State(service): State<Arc<Service>>, Path(file): Path<String>) -> Response {
    let mac: MacAddress = match file.strip_suffix(".ipxe").unwrap_or(&file).parse() {
        Ok(mac) => mac,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let decision = service.decide(mac).await;
    tracing::info!(
        %mac,
        name = decision.name.as_deref().unwrap_or("-"),
        boot = boot_words(decision.boot),
        tier = tier_words(decision.tier),
        why = %decision.why,
        "boot"
    );
    script(service.scripts.own(mac, &decision, service.editions().await.as_ref(), unix_s()))
}

impl Service {
    /// While the watched list is current it is the whole truth, at no cost. While it is not, Senzu is asked once, for it
    /// may be back before the watch noticed; after a bounded time what was known last decides.
    async fn decide(&self, mac: MacAddress) -> Decision {
        let known = {
            let book = self.book.borrow();
            let target = book.targets.get(mac);
            match book.standing {
                Standing::Current => return decide(Witness::List(target)),
                Standing::Lost(_) => target.cloned(),
            }
        };
        match self.senzu.one(mac).await {
            Ok(target) => decide(Witness::Asked(&target)),
            Err(error) => {
                tracing::debug!("ask Senzu about {mac}: {}", chain(&error));
                decide(Witness::LastWords(known.as_ref()))
            }
        }
    }
}

type Client = Option<Extension<ConnectInfo<SocketAddr>>>;

async fn image(
    State(service): State<Arc<Service>>,
    Path(file): Path<String>,
    client: Client,
    method: Method,
    headers: HeaderMap,
) -> Response {
    service.image(&file, None, client, &method, &headers).await
}

async fn image_of_edition(
    State(service): State<Arc<Service>>,
    Path((edition, file)): Path<(String, String)>,
    client: Client,
    method: Method,
    headers: HeaderMap,
) -> Response {
    service.image(&file, Some(&edition), client, &method, &headers).await
}

impl Service {
    /// What lies in the image's folder now; nothing, unless it is both files.
    async fn editions(&self) -> Option<Editions> {
        let edition = async |file| {
            let path = self.image.join(file);
            files::edition(&path).await.inspect_err(|error| tracing::error!("look at {}: {error}", path.display())).ok()
        };
        Some(Editions { kernel: edition(KERNEL).await?, initrd: edition(INITRD).await? })
    }

    async fn image(
        &self,
        file: &str,
        edition: Option<&str>,
        client: Client,
        method: &Method,
        headers: &HeaderMap,
    ) -> Response {
        // Nothing else in the folder is for servers that boot.
        match file {
            KERNEL | INITRD => {
                let client = client.map(|Extension(ConnectInfo(client))| client);
                files::serve(&self.image.join(file), edition, client, method, headers).await
            }
            _ => (StatusCode::NOT_FOUND, format!("only {KERNEL} and {INITRD} are served here\n")).into_response(),
        }
    }
}

async fn health(State(service): State<Arc<Service>>) -> Response {
    let (status, dnsmasq) = match &*service.dnsmasq.borrow() {
        DnsmasqState::Running { .. } => (StatusCode::OK, "running".to_owned()),
        DnsmasqState::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting".to_owned()),
        DnsmasqState::Down(words) => (StatusCode::SERVICE_UNAVAILABLE, words.clone()),
    };
    let book = service.book.borrow();
    let senzu = match &book.standing {
        Standing::Current => "current".to_owned(),
        Standing::Lost(words) => words.clone(),
    };
    let health = Health { dnsmasq, senzu, targets: book.targets.len(), revision: book.targets.revision };
    (status, Json(health)).into_response()
}

fn script(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// The clock that `pious.now=` sets a server's by, before it can ask anyone else.
fn unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
