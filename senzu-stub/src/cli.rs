//! The command line.

use crate::{
    api,
    data_dir::DataDir,
    desk::Desk,
    import::Import,
    senzu::Senzu,
    server,
    store::{Database, Location, StoreError, dialect},
    ui,
};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use pious_protocol::ids::UnixMs;
use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use tokio::{net::TcpListener, signal::unix::SignalKind, time::MissedTickBehavior};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Senzu: owns every asset's state, judges what agents see, tells them what to do.
#[derive(Parser)]
#[command(name = "senzu-stub", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make what is missing in the data directory: authority, certificate, signing key, operator's token.
    Init {
        /// The data directory.
        #[arg(long)]
        data: PathBuf,
        /// An address or host name that Senzu is reached by; may repeat.
        #[arg(long)]
        address: Vec<String>,
    },
    /// Take hardware profiles and planned assets from a file: all of it, or nothing.
    Import {
        /// The data directory.
        #[arg(long)]
        data: PathBuf,
        /// A .toml or .json file.
        file: PathBuf,
        #[command(flatten)]
        database: DatabaseOption,
    },
    /// Serve the API and the pages.
    Serve {
        /// The data directory.
        #[arg(long)]
        data: PathBuf,
        #[command(flatten)]
        database: DatabaseOption,
        /// Where to listen; port 0 takes a free one, which the line `ready URL` tells.
        #[arg(long)]
        listen: SocketAddr,
        /// How often agents send facts when nothing changes, in seconds.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
        facts_period_s: u32,
        /// Plain HTTP. For a lab alone: anybody on the wire can then read tokens.
        #[arg(long)]
        plain_http_lab: bool,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// List every asset with where it stands and what is wrong with it.
    Assets {
        #[command(flatten)]
        desk: Desk,
    },
    /// List the newest alerts.
    Alerts {
        #[command(flatten)]
        desk: Desk,
    },
    /// Hold an asset for use: a SPARE one is not powered off.
    Hold {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
        /// For whom.
        #[arg(long)]
        by: String,
    },
    /// Release a held asset.
    Release {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
    },
    /// The beans that an asset goes through: show them, replay its history, clear a loop.
    Dag {
        #[command(subcommand)]
        command: DagCommand,
    },
    /// Write the SQLite database, as it is at one moment, to a new file, while Senzu serves. (PostgreSQL: pg_dump.)
    Backup {
        /// The data directory.
        #[arg(long)]
        data: PathBuf,
        #[command(flatten)]
        database: DatabaseOption,
        /// The new file. To restore, put it in the place of senzu.sqlite while no Senzu serves.
        file: PathBuf,
    },
    /// Hardware profiles: make one from a golden machine, list, show, compare.
    Profile {
        #[command(subcommand)]
        command: ProfileCommand,
    },
}

#[derive(Subcommand)]
enum DagCommand {
    /// Show each bean, how it came out, and where the asset stands.
    Show {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
    },
    /// Re-execute the asset's recorded history on paper; fails where it takes another way.
    Replay {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
    },
    /// Let an asset go on that the loop breaker stopped.
    Clear {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
        /// Who looked at it.
        #[arg(long, env = "USER")]
        by: String,
    },
}

impl DagCommand {
    async fn answer(self) -> anyhow::Result<String> {
        match self {
            Self::Show { desk, asset } => desk.dag(&asset).await,
            Self::Replay { desk, asset } => desk.replay(&asset).await,
            Self::Clear { desk, asset, by } => desk.clear_loop(&asset, &by).await,
        }
    }
}

/// Where Senzu remembers.
#[derive(Args)]
struct DatabaseOption {
    /// A PostgreSQL database, as postgres://USER:PASSWORD@HOST/DATABASE; left out: SQLite's file in the data directory.
    #[arg(long = "database", value_name = "URL", env = "SENZU_DATABASE_URL", hide_env_values = true)]
    url: Option<String>,
}

impl DatabaseOption {
    fn location(&self, dir: &DataDir) -> Result<Location, StoreError> {
        Location::of(self.url.as_deref(), dir.database())
    }
}

#[derive(Subcommand)]
enum ProfileCommand {
    /// Make a profile from a machine that is as it should be; a new version where it says something new.
    FromAsset {
        #[command(flatten)]
        desk: Desk,
        /// The golden machine's id or name.
        asset: String,
        /// What to call it; left out: as the profile that the asset is planned with, or else as its product.
        #[arg(long)]
        name: Option<String>,
    },
    /// List every version of every profile, with the assets that are judged by it.
    List {
        #[command(flatten)]
        desk: Desk,
    },
    /// Show what a profile asks for.
    Show {
        #[command(flatten)]
        desk: Desk,
        /// `name@version`, or `name` for the newest.
        profile: String,
    },
    /// Say how the second profile differs from the first.
    Diff {
        #[command(flatten)]
        desk: Desk,
        /// `name@version`, or `name` for the newest.
        first: String,
        /// As the first.
        second: String,
    },
}

impl ProfileCommand {
    async fn answer(self) -> anyhow::Result<String> {
        match self {
            Self::FromAsset { desk, asset, name } => desk.make_profile(&asset, name.as_deref()).await,
            Self::List { desk } => desk.profiles().await,
            Self::Show { desk, profile } => desk.profile(&profile).await,
            Self::Diff { desk, first, second } => desk.diff_profiles(&first, &second).await,
        }
    }
}

/// How often Senzu looks for what is due (expired instructions, retries) and for imports by another process. Looking
/// costs two indexed reads.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(std::io::stderr(), "senzu-stub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Init { data, address } => init(&DataDir::new(data), &address),
        Command::Openapi => Ok(std::io::stdout().write_all(api::document().as_bytes())?),
        Command::Assets { desk } => say(desk.assets()),
        Command::Alerts { desk } => say(desk.alerts()),
        Command::Hold { desk, asset, by } => say(desk.hold(&asset, Some(&by), true)),
        Command::Release { desk, asset } => say(desk.hold(&asset, None, false)),
        Command::Profile { command } => say(command.answer()),
        Command::Dag { command } => say(command.answer()),
        Command::Backup { data, database, file } => {
            let location = database.location(&DataDir::new(data))?;
            runtime()?.block_on(dialect::backup(&location, &file))?;
            writeln!(std::io::stdout(), "wrote {}; keys and certificates are not in it", file.display())?;
            Ok(())
        }
        Command::Import { data, file, database } => {
            let location = database.location(&DataDir::new(data))?;
            runtime()?.block_on(import(&location, &file))
        }
        Command::Serve { data, database, listen, facts_period_s, plain_http_lab } => {
            let dir = DataDir::new(data);
            let database = database.location(&dir)?;
            let options = ServeOptions { database, listen, facts_period_s, plain_http_lab };
            runtime()?.block_on(serve(&dir, options))
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

fn say(answer: impl Future<Output = anyhow::Result<String>>) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(runtime()?.block_on(answer)?.as_bytes())?)
}

fn init(dir: &DataDir, addresses: &[String]) -> anyhow::Result<()> {
    let made = dir.init(addresses)?;
    let mut out = std::io::stdout();
    match made.as_slice() {
        [] => writeln!(out, "{} is complete", dir.path().display())?,
        made => writeln!(out, "made {} in {}", made.join(", "), dir.path().display())?,
    }
    Ok(())
}

async fn import(database: &Location, file: &std::path::Path) -> anyhow::Result<()> {
    let import = Import::read(file)?;
    let db = Database::open(database).await?;
    let stored = import.store(&db, &file.display().to_string()).await;
    db.close().await;
    let summary = stored.with_context(|| format!("{} changed nothing", file.display()))?;
    writeln!(std::io::stdout(), "imported {} new profiles, {} assets", summary.profiles, summary.assets)?;
    Ok(())
}

struct ServeOptions {
    database: Location,
    listen: SocketAddr,
    facts_period_s: u32,
    plain_http_lab: bool,
}

async fn serve(dir: &DataDir, options: ServeOptions) -> anyhow::Result<()> {
    // A PostgreSQL database is served by as many as like to.
    let _lock = match &options.database {
        Location::File(_) => Some(dir.lock()?),
        Location::Server(_) => None,
    };
    let stopping = CancellationToken::new();
    let senzu = Arc::new(Senzu::start(dir, &options.database, options.facts_period_s, stopping.clone()).await?);
    let (scheme, tls) = match options.plain_http_lab {
        true => ("http", None),
        false => ("https", Some(TlsAcceptor::from(Arc::new(dir.tls()?)))),
    };
    senzu.index_words().await.context("cannot bring what assets are found by up to date")?;
    let first_token = senzu.begin_access(&dir.operator_token()?).await.context("cannot look after the tokens")?;
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr().context("cannot tell where it listens")?;
    stop_on_signal(stopping.clone())?;
    let looking = tokio::spawn(look_about(senzu.clone(), stopping.clone()));
    let sending = tokio::spawn(send_alerts(senzu.clone(), stopping.clone()));
    writeln!(std::io::stdout(), "ready {scheme}://{address}")?;
    if let Some(token) = first_token {
        show_first(&token);
    }
    let cookies = if options.plain_http_lab { ui::Cookies::Plain } else { ui::Cookies::Secure };
    server::serve(listener, tls, api::router(senzu.clone(), cookies), stopping).await;
    looking.await.context("looking about failed")?;
    sending.await.context("sending alerts failed")?;
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
    let mut looked = Looked::default();
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

/// How far this process has looked. No truth: a process that starts looks at all of it.
#[derive(Default)]
struct Looked {
    imports: Option<u64>,
    silence: UnixMs,
}

async fn look_once(senzu: &Senzu, looked: &mut Looked) -> Result<(), crate::store::StoreError> {
    senzu.expire_approvals().await?;
    looked.silence = senzu.watch_fleet(looked.silence).await?;
    senzu.walk_due().await?;
    let now = senzu.imports().await?;
    // The first look is one too: an import may have come while nobody served.
    if looked.imports != Some(now) {
        senzu.reconsider_all().await?;
        looked.imports = Some(now);
    }
    Ok(())
}
