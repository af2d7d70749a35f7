//! The agent's own HTTP server: `/v1/status`, `/metrics`, `POST /v1/promotions`.
//!
//! Plain HTTP on the provisioning network, so it tells nothing secret and decides nothing itself: who may ask is told
//! by address, what is asked is Senzu's to decide. Every connection has a bound on its time, every body one on its
//! size, and strangers share a few connections of their own, so that none of them can keep out those who are allowed.

mod connections;
mod metrics;
mod process;
mod promotions;

use crate::{console::View, driver::Ask, trust::AllowList};
use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use connections::{Connections, Peer};
use pious_protocol::message::Problem;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

/// The port on each server.
pub const PORT: u16 = 8080;

/// Between two tries to listen: a port that is taken comes free within a minute (TIME_WAIT), or never.
const BIND_REST: Duration = Duration::from_secs(2);

/// What the server knows.
#[derive(Clone, Debug)]
pub struct Face {
    /// Who may ask.
    pub allow: Arc<AllowList>,
    /// What the console shows.
    pub view: watch::Receiver<Arc<View>>,
    /// Where promotions go.
    pub asks: mpsc::Sender<Ask>,
}

/// Listens and serves, for as long as the agent runs; tries again where it can't.
pub async fn serve(face: Face, address: SocketAddr) {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => serve_on(face.clone(), listener).await,
            Err(error) => tracing::warn!("cannot listen on {address} ({error}); trying again"),
        }
        tokio::time::sleep(BIND_REST).await;
    }
}

/// Serves on a listener.
pub async fn serve_on(face: Face, listener: TcpListener) {
    let connections = Connections::new(listener, Arc::clone(&face.allow));
    let app = router(face).into_make_service_with_connect_info::<Peer>();
    if let Err(error) = axum::serve(connections, app).await {
        tracing::warn!("the agent's server stopped ({error}); starting again");
    }
}

fn router(face: Face) -> Router {
    let looking = Router::new()
        .route("/v1/status", get(status))
        .route("/metrics", get(metrics_text))
        .route_layer(middleware::from_fn_with_state(face.clone(), only_lookers));
    let promoting = Router::new()
        .route("/v1/promotions", post(promotions::ask))
        .route_layer(middleware::from_fn_with_state(face.clone(), only_promoters));
    looking.merge(promoting).fallback(nothing_here).with_state(face)
}

async fn status(State(face): State<Face>) -> Response {
    let view = Arc::clone(&face.view.borrow());
    Json(&*view).into_response()
}

async fn metrics_text(State(face): State<Face>) -> Response {
    let view = Arc::clone(&face.view.borrow());
    let text = metrics::text(&view, process::Processes::now());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn nothing_here() -> Response {
    problem(StatusCode::NOT_FOUND, "no such route", "there are /v1/status, /metrics and POST /v1/promotions")
}

async fn only_lookers(
    State(face): State<Face>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match face.allow.may_look(peer.0.ip()) {
        true => next.run(request).await,
        false => forbidden(peer),
    }
}

async fn only_promoters(
    State(face): State<Face>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    match face.allow.may_promote(peer.0.ip()) {
        true => next.run(request).await,
        false => forbidden(peer),
    }
}

fn forbidden(peer: Peer) -> Response {
    let address = peer.0.ip().to_canonical();
    tracing::warn!("{address} asked and is not on the list");
    problem(StatusCode::FORBIDDEN, "not on the list", &format!("{address} is not on this server's list"))
}

fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let body = Problem { status: status.as_u16(), title: title.to_owned(), detail: Some(detail.to_owned()) };
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}
