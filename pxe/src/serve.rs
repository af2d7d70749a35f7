//! Everything put together: what was known is loaded, HTTP answers, dnsmasq answers, Senzu is watched.

use crate::{
    config::Config,
    dnsmasq::{self, Places, process::Dnsmasq},
    host,
    script::Scripts,
    senzu::{self, News},
    server::{Service, routes},
    targets::{Book, Standing, Targets, replace},
};
use anyhow::{Context, Result};
use std::{
    cell::RefCell,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{Notify, watch},
};

/// Serves until SIGTERM or SIGINT.
///
/// The order matters: what was known is loaded before anyone can ask, and HTTP answers before DHCP sends anyone there.
pub async fn serve(config: Config) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;

    let surroundings = host::surroundings();
    let (names, addresses) = host::interfaces()?;
    host::check(&config, &names, &addresses)?;
    for warning in host::warnings(&config, surroundings, &addresses) {
        tracing::warn!("{warning}");
    }

    let places = Places::new(&config.state);
    let kept = config.state.join("targets.json");
    prepare(&config, &places)?;
    let targets = load(&kept);
    let hosts = dnsmasq::hosts(targets.iter());
    replace(&places.hosts, hosts.as_bytes())?;
    replace(&places.configuration, dnsmasq::configuration(&config, surroundings).as_bytes())?;

    let senzu = senzu::client(&config.senzu)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("listen on {}; is the port free, and the address on an interface?", config.listen))?;
    let dnsmasq = Dnsmasq::start(&config.dnsmasq, &places.configuration).await?;

    let standing = Standing::Lost("not asked yet".into());
    let (book, read) = watch::channel(Book { targets, standing });
    let service = Arc::new(Service {
        scripts: Scripts {
            url: config.url.clone(),
            senzu: config.senzu.agents.clone(),
            cmdline: config.cmdline.clone(),
        },
        image: config.image.clone(),
        book: read,
        senzu: senzu.clone(),
        dnsmasq: dnsmasq.state(),
    });
    let keeper =
        TierKeeper { kept, hosts: places.hosts, written: RefCell::new(hosts), reload: dnsmasq.reloader(), book };
    println!("ready");
    tracing::info!("answering on {} networks; scripts and images on {}", config.networks.len(), config.url);

    let routes = routes(service).into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, routes) => served.context("serve HTTP")?,
        () = senzu::watch(senzu, |news| keeper.heard(news)) => {}
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
    }
    dnsmasq.stop().await;
    Ok(())
}

/// The state folder and the loaders in it. Copies, so that an upgrade of the package does not change a file while it is
/// being sent.
fn prepare(config: &Config, places: &Places) -> Result<()> {
    fs::create_dir_all(&places.tftp).with_context(|| format!("make the folder {}", places.tftp.display()))?;
    let (bios, uefi) = dnsmasq::loader_names(&config.loaders);
    for (from, name) in [(&config.loaders.bios, bios), (&config.loaders.uefi, uefi)] {
        let bytes = fs::read(from).with_context(|| format!("read the loader {}", from.display()))?;
        replace(&places.tftp.join(name), &bytes)?;
    }
    Ok(())
}

/// What was known last. A file that can't be read is worth an alarm, not a standstill: PIOUS harms nothing.
fn load(kept: &Path) -> Targets {
    match Targets::load(kept) {
        Ok(Some(targets)) => {
            tracing::info!("{} boot targets known from the last run (revision {})", targets.len(), targets.revision);
            targets
        }
        Ok(None) => {
            tracing::info!("no boot targets known yet: until Senzu answers, every server boots PIOUS");
            Targets::default()
        }
        Err(error) => {
            let words = senzu::chain(&error);
            tracing::error!("{words}; until Senzu answers, every server boots PIOUS, those in production too");
            Targets::default()
        }
    }
}

/// Keeps disk, DHCP and scripts true to Senzu's list.
struct TierKeeper {
    kept: PathBuf,
    hosts: PathBuf,
    /// What the hosts file holds; a change that could not be written is one still.
    written: RefCell<String>,
    reload: Arc<Notify>,
    book: watch::Sender<Book>,
}

impl TierKeeper {
    fn heard(&self, news: News) {
        match news {
            News::Lost(words) => {
                tracing::warn!("Senzu can't be asked, so servers boot by what it said last: {words}");
                self.book.send_modify(|book| book.standing = Standing::Lost(words));
            }
            News::List(targets) => self.learn(targets),
        }
    }

    fn learn(&self, targets: Targets) {
        let hosts = dnsmasq::hosts(targets.iter());
        let changed = self.book.borrow().targets != targets;
        if changed && let Err(error) = targets.save(&self.kept) {
            tracing::error!("{}; a restart without Senzu would know less", senzu::chain(&error));
        }
        if hosts != *self.written.borrow() {
            match replace(&self.hosts, hosts.as_bytes()) {
                Ok(()) => {
                    self.written.replace(hosts.clone());
                    self.reload.notify_one();
                }
                Err(error) => tracing::error!("{}; lease tiers stay as they were", senzu::chain(&error)),
            }
        }
        tracing::info!(
            "Senzu's boot targets: revision {}, {} MAC addresses, {} recognized",
            targets.revision,
            targets.len(),
            hosts.lines().count()
        );
        self.book.send_replace(Book { targets, standing: Standing::Current });
    }
}
