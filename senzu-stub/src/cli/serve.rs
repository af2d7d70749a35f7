//! Serving: the listener, and what Senzu does by itself.

use crate::{
    api,
    data_dir::DataDir,
    firmware::FirmwareOptions,
    senzu::{Jump, Senzu, Watch, now},
    server,
    store::{Location, StoreError},
    ui,
};
use anyhow::Context;
use pious_protocol::ids::UnixMs;
use std::{
    io::Write,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, signal::unix::SignalKind, task::JoinSet, time::MissedTickBehavior};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often Senzu looks for what is due (expired instructions, retries) and for imports by another process. Looking
/// costs two indexed reads.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long Senzu waits, when it is told to stop, for images that BMCs are getting: whoever stops it (systemd: 90 s) waits
/// longer. At 1 MB/s the usual image is through by then.
const DRAINS_WITHIN: Duration = Duration::from_secs(60);

/// How to serve.
pub struct ServeOptions {
    pub database: Location,
    pub listen: SocketAddr,
    pub facts_period_s: u32,
    pub plain_http_lab: bool,
    pub firmware: FirmwareOptions,
    pub firmware_per_network: Option<u32>,
    /// Where BMCs speak Redfish.
    pub bmc_port: u16,
}

/// Serves until a signal ends it.
pub async fn serve(dir: &DataDir, options: ServeOptions) -> anyhow::Result<()> {
    // A PostgreSQL database is served by as many as like to.
    let _lock = match &options.database {
        Location::File(_) => Some(dir.lock()?),
        Location::Server(_) => None,
    };
    let stopping = CancellationToken::new();
    let ServeOptions { database, facts_period_s, firmware, bmc_port, .. } = &options;
    let senzu = Senzu::start(dir, database, *facts_period_s, *bmc_port, firmware, stopping.clone()).await?;
    let senzu = Arc::new(senzu);
    let (scheme, tls) = match options.plain_http_lab {
        true => ("http", None),
        false => ("https", Some(TlsAcceptor::from(Arc::new(dir.tls()?)))),
    };
    senzu.bound_firmware(options.firmware_per_network).await.context("cannot say how much a network takes")?;
    senzu.index_words().await.context("cannot bring what assets are found by up to date")?;
    let first_token = senzu.begin_access(&dir.operator_token()?).await.context("cannot look after the tokens")?;
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr().context("cannot tell where it listens")?;
    stop_on_signal(stopping.clone())?;
    let looking = tokio::spawn(look_about(senzu.clone(), stopping.clone()));
    let sending = tokio::spawn(send_alerts(senzu.clone(), stopping.clone()));
    let reaching = tokio::spawn(reach_bmcs(senzu.clone(), stopping.clone()));
    writeln!(std::io::stdout(), "ready {scheme}://{address}")?;
    if let Some(token) = first_token {
        show_first(&token);
    }
    let cookies = if options.plain_http_lab { ui::Cookies::Plain } else { ui::Cookies::Secure };
    server::serve(listener, tls, api::router(senzu.clone(), cookies), stopping).await;
    looking.await.context("looking about failed")?;
    sending.await.context("sending alerts failed")?;
    reaching.await.context("reaching BMCs failed")?;
    senzu.close().await;
    Ok(())
}

/// Shown once, behind the line that programs wait for. Whoever reads no further has the file `operator-token` still.
fn show_first(token: &str) {
    let words =
        "first start: this admin's token is shown once; it ends in a day, or with the first admin's token made by it";
    if writeln!(std::io::stdout(), "{words}: {token}").is_err() {
        tracing::warn!("nobody reads the first start's token: work by the file operator-token");
    }
}

fn stop_on_signal(stopping: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).context("cannot take signals")?;
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt()).context("cannot take signals")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopping.cancel();
    });
    Ok(())
}

/// Walks what is due, and looks anew at every asset when another process imported something.
async fn look_about(senzu: Arc<Senzu>, stopping: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked = Looked::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopping.cancelled() => return,
        }
        if let Err(error) = look_once(&senzu, &mut looked).await {
            tracing::error!("{}", api::chain(&error));
        }
    }
}

/// Empties the outbox of alerts. A loop of its own: a receiver that hangs must not hold up what is due.
async fn send_alerts(senzu: Arc<Senzu>, stopping: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopping.cancelled() => return,
        }
        let sent = tokio::select! {
            sent = senzu.send_due() => sent,
            // What was not answered is tried again: it is claimed for a while alone.
            () = stopping.cancelled() => return,
        };
        if let Err(error) = sent {
            tracing::error!("{}", api::chain(&error));
        }
    }
}

/// Does what is to be done out of band, several at once. When Senzu stops, what can be let go is, and what can't gets a while:
/// an image that a BMC is getting. What is not done even then is found by its lease.
async fn reach_bmcs(senzu: Arc<Senzu>, stopping: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut works = JoinSet::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopping.cancelled() => break,
        }
        while works.try_join_next().is_some() {}
        match senzu.take_out_of_band(works.len()).await {
            Ok(taken) => taken.into_iter().for_each(|issued| {
                works.spawn(senzu.clone().reach(issued));
            }),
            Err(error) => tracing::error!("{}", api::chain(&error)),
        }
    }
    let drained = async { while works.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAINS_WITHIN, drained).await.is_err() {
        tracing::warn!(left = works.len(), "stopping though BMCs are getting images");
    }
}

/// How far this process has looked. No truth: a process that starts looks at all of it.
struct Looked {
    imports: Option<u64>,
    silence: UnixMs,
    /// Since when assets could be heard, by a clock that shows how long that is.
    listening: Instant,
    clock: Watch,
}

impl Looked {
    fn new() -> Self {
        let start = Instant::now();
        Self { imports: None, silence: UnixMs(0), listening: start, clock: Watch::new(now(), start) }
    }
}

async fn look_once(senzu: &Senzu, looked: &mut Looked) -> Result<(), StoreError> {
    let clock = Watch::new(now(), Instant::now());
    match looked.clock.look(&clock) {
        None => looked.clock = clock,
        Some(jump) => {
            match jump {
                Jump::Forward(by) => tracing::warn!("the clock was set forward by {} s", by.as_secs()),
                Jump::Back(by) => senzu.was_set_back(by).await?,
            }
            *looked = Looked::new();
        }
    }
    senzu.expire_approvals().await?;
    // Nobody is missed for not having spoken while nobody listened.
    if looked.listening.elapsed() >= senzu.missed_after() {
        looked.silence = senzu.miss_silent(looked.silence).await?;
    }
    senzu.calm_flapping().await?;
    senzu.advance_campaigns().await?;
    senzu.walk_due().await?;
    let now = senzu.imports().await?;
    // The first look is one too: an import may have come while nobody served.
    if looked.imports != Some(now) {
        senzu.reconsider_all().await?;
        looked.imports = Some(now);
    }
    Ok(())
}
