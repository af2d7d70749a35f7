//! The command line.

mod serve;

use crate::{
    api,
    data_dir::DataDir,
    desk::{
        self, ApprovalsCommand, Ask, CampaignCommand, DagCommand, Desk, FirmwareCommand, History, Listing,
        OperatorsCommand, OrdersCommand, ProfileCommand, TokensCommand,
    },
    firmware::{FetchUrl, FirmwareOptions, Share},
    import::Import,
    store::{Database, Location, StoreError, dialect},
};
use anyhow::Context;
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use serve::ServeOptions;
use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

const NAME: &str = "senzu-stub";

/// Senzu: owns every asset's state, judges what agents see, tells them what to do.
#[derive(Parser)]
#[command(name = NAME, version)]
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
        /// A folder of firmware recipes (.toml), which take the place of those of the same name: of ours, and of those in the
        /// data directory's folder recipes.
        #[arg(long, value_name = "DIR")]
        recipes: Option<PathBuf>,
        /// How fast firmware images may go into a network, all together; may repeat. Others get them as fast as they can.
        #[arg(long, value_name = "NETWORK=RATE")]
        image_budget: Vec<Share>,
        /// The URL by which BMCs of a network reach this Senzu, to fetch images themselves (SimpleUpdate) while Senzu tells them
        /// to from outside; may repeat. Others are refused such updates.
        #[arg(long, value_name = "NETWORK=URL")]
        artifact_url: Vec<FetchUrl>,
        /// How many assets of one management network get firmware at once, unless a campaign says otherwise; left out:
        /// as was said last to any Senzu on the database, 16 at first.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        firmware_per_network: Option<u32>,
        /// The port at which BMCs speak Redfish. Another than HTTPS's is for a lab.
        #[arg(long, value_name = "PORT", default_value_t = 443)]
        bmc_port: u16,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// List assets with where they stand and what is wrong with them.
    Assets {
        #[command(flatten)]
        desk: Desk,
        #[command(flatten)]
        which: Listing,
    },
    /// Show all of one asset: state, findings, hardware, instructions, history.
    Asset {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
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
    /// Give an asset these tags, and no others.
    Tag {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
        /// 1 to 63 lower-case letters, digits and -_. each; none: it has none.
        tags: Vec<String>,
    },
    /// Ask for SPARE to become BAREMETAL; another operator must approve.
    Promote(Ask),
    /// Ask for an asset to become RETIRED; another operator must approve.
    Retire(Ask),
    /// Ask for every disk of an asset to be erased; another operator must approve.
    Wipe(Ask),
    /// What was asked for: list, approve, deny.
    Approvals {
        #[command(subcommand)]
        command: ApprovalsCommand,
    },
    /// Purchase orders: list, show, import.
    Orders {
        #[command(subcommand)]
        command: OrdersCommand,
    },
    /// Firmware: what assets run and shall run, and the images.
    Firmware {
        #[command(subcommand)]
        command: FirmwareCommand,
    },
    /// List the newest alerts.
    Alerts {
        #[command(flatten)]
        desk: Desk,
        /// open, resolved or all.
        #[arg(long, default_value = "open")]
        show: String,
    },
    /// Resolve an alert: it is not raised about the same thing again.
    Resolve {
        #[command(flatten)]
        desk: Desk,
        /// The alert's id.
        alert: String,
        /// Why.
        #[arg(long)]
        why: String,
    },
    /// The fleet in numbers: states, versions, who is silent, which checks flap.
    Fleet {
        #[command(flatten)]
        desk: Desk,
    },
    /// Who did what, when and why; newest first.
    Audit {
        #[command(flatten)]
        desk: Desk,
        #[command(flatten)]
        which: History,
    },
    /// Operators and their roles.
    Operators {
        #[command(subcommand)]
        command: OperatorsCommand,
    },
    /// Operators' tokens: list, make, end.
    Tokens {
        #[command(subcommand)]
        command: TokensCommand,
    },
    /// Firmware for many assets, in waves: preview, make, approve, start, pause, resume, abort, show, list.
    Campaign {
        #[command(subcommand)]
        command: CampaignCommand,
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
    #[command(alias = "profiles")]
    Profile {
        #[command(subcommand)]
        command: ProfileCommand,
    },
    /// Print completions for a shell.
    Completions {
        /// Which.
        shell: Shell,
    },
    /// Print the manual page, for `man -l -`.
    Man,
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

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match start_log().and_then(|()| run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(std::io::stderr(), "senzu-stub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Logs to standard error what `RUST_LOG` asks for: `warn`, or `info,sqlx=debug`; left out: `info`.
fn start_log() -> anyhow::Result<()> {
    let asked = std::env::var("RUST_LOG").unwrap_or_default();
    let levels = match asked.as_str() {
        "" => Targets::new().with_default(LevelFilter::INFO),
        asked => asked.parse().with_context(|| format!("RUST_LOG is {asked:?}: write warn, or info,sqlx=debug"))?,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(levels).with(lines).init();
    Ok(())
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Init { data, address } => init(&DataDir::new(data), &address),
        Command::Openapi => Ok(std::io::stdout().write_all(api::document().as_bytes())?),
        Command::Assets { desk, which } => say(desk::assets(&desk, which)),
        Command::Asset { desk, asset } => say(desk::asset(&desk, &asset)),
        Command::Hold { desk, asset, by } => say(desk::hold(&desk, &asset, &by)),
        Command::Release { desk, asset } => say(desk::release(&desk, &asset)),
        Command::Tag { desk, asset, tags } => say(desk::tag(&desk, &asset, &tags)),
        Command::Promote(ask) => say(desk::ask(ask, "promote")),
        Command::Retire(ask) => say(desk::ask(ask, "retire")),
        Command::Wipe(ask) => say(desk::ask(ask, "wipe")),
        Command::Approvals { command } => say(command.answer()),
        Command::Orders { command } => say(command.answer()),
        Command::Firmware { command } => say(command.answer()),
        Command::Alerts { desk, show } => say(desk::alerts(&desk, show)),
        Command::Resolve { desk, alert, why } => say(desk::resolve(&desk, &alert, &why)),
        Command::Fleet { desk } => say(desk::fleet(&desk)),
        Command::Audit { desk, which } => say(desk::audit(&desk, which)),
        Command::Operators { command } => say(command.answer()),
        Command::Tokens { command } => say(command.answer()),
        Command::Profile { command } => say(command.answer()),
        Command::Campaign { command } => say(command.answer()),
        Command::Dag { command } => say(command.answer()),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), NAME, &mut std::io::stdout());
            Ok(())
        }
        Command::Man => Ok(man(&mut std::io::stdout())?),
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
        Command::Serve {
            data,
            database,
            listen,
            facts_period_s,
            plain_http_lab,
            recipes,
            image_budget,
            artifact_url,
            firmware_per_network,
            bmc_port,
        } => {
            let dir = DataDir::new(data);
            let database = database.location(&dir)?;
            let firmware = FirmwareOptions { recipes, shares: image_budget, fetch_urls: artifact_url };
            let options = ServeOptions {
                database,
                listen,
                facts_period_s,
                plain_http_lab,
                firmware,
                firmware_per_network,
                bmc_port,
            };
            runtime()?.block_on(serve::serve(&dir, options))
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

/// One page for all: the program's, then each subcommand's.
fn man(out: &mut impl Write) -> std::io::Result<()> {
    let mut program = Cli::command();
    program.build();
    let page = clap_mangen::Man::new(program.clone());
    page.render(out)?;
    commands(&program, &mut Vec::new(), out)
}

fn commands(of: &clap::Command, path: &mut Vec<String>, out: &mut impl Write) -> std::io::Result<()> {
    for command in of.get_subcommands().filter(|command| command.get_name() != "help") {
        path.push(command.get_name().to_owned());
        writeln!(out, ".SH {}", path.join(" ").to_uppercase())?;
        let page = clap_mangen::Man::new(command.clone());
        page.render_description_section(out)?;
        page.render_synopsis_section(out)?;
        page.render_options_section(out)?;
        commands(command, path, out)?;
        path.pop();
    }
    Ok(())
}
