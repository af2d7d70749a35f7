//! A Senzu of the bench's own: optimised, with its data in the bench's folder; it is killed when it is dropped.

use super::{
    hammer::{Rate, hammer},
    postgres::Postgres,
};
use crate::Place;
use anyhow::{Context, Result, ensure};
use pious_client::{Http, Operator, Several, Url, read_url};
use pious_lab::fleet::{self, Fleet};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How often it is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);

pub struct Senzu {
    process: Child,
    program: PathBuf,
    data: PathBuf,
    database: Option<Arc<Postgres>>,
    servers: u32,
    pub url: Url,
}

impl Drop for Senzu {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Senzu {
    /// One on SQLite that a fleet of so many is planned with.
    pub async fn start(place: &Place, name: &str, servers: u32, held: bool) -> Result<Self> {
        Self::planned(place, name, servers, held, None)
    }

    /// One on PostgreSQL, whose fleet powers off once it is SPARE.
    pub async fn start_on(place: &Place, name: &str, servers: u32, database: &Arc<Postgres>) -> Result<Self> {
        Self::planned(place, name, servers, false, Some(database.clone()))
    }

    fn planned(place: &Place, name: &str, servers: u32, held: bool, database: Option<Arc<Postgres>>) -> Result<Self> {
        let folder = place.work.join(format!("senzu-{name}"));
        fresh(&folder)?;
        let (program, data) = (place.tools.join("senzu-stub"), folder.join("data"));
        run(Command::new(&program).args(["init", "--address", "127.0.0.1", "--data"]).arg(&data))?;
        let plan = folder.join("plan.json");
        std::fs::write(&plan, fleet::plan(servers, held).to_string())?;
        let mut import = Command::new(&program);
        import.arg("import").arg("--data").arg(&data).arg(&plan);
        run(told(&mut import, database.as_deref()))?;
        Self::serve(program, data, servers, database)
    }

    /// Another that serves the same database.
    pub async fn replica(&self, name: &str) -> Result<Self> {
        let data = self.data.with_file_name(name);
        run(Command::new("cp").arg("-a").arg(&self.data).arg(&data))?;
        Self::serve(self.program.clone(), data, self.servers, self.database.clone())
    }

    fn serve(program: PathBuf, data: PathBuf, servers: u32, database: Option<Arc<Postgres>>) -> Result<Self> {
        let log = std::fs::File::create(data.with_extension("log")).context("make its log")?;
        let mut serve = Command::new(&program);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        told(&mut serve, database.as_deref()).env("RUST_LOG", "warn").stdout(Stdio::piped()).stderr(log);
        let mut process = serve.spawn().with_context(|| format!("start {}", program.display()))?;
        let mut lines = BufReader::new(process.stdout.take().context("its output")?).lines();
        let ready = lines.find_map(|line| line.ok()?.strip_prefix("ready ").map(str::to_owned));
        let url = ready.with_context(|| format!("Senzu does not start: {}", data.with_extension("log").display()))?;
        // Nobody reads on; it must not stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { process, program, data, database, servers, url: read_url(&url, false)? })
    }

    fn read(&self, file: &str) -> Result<Vec<u8>> {
        let path = self.data.join(file);
        std::fs::read(&path).with_context(|| format!("read {}", path.display()))
    }

    pub fn http(&self) -> Result<Http> {
        let many = |builder: pious_client::Builder| builder.pool_max_idle_per_host(usize::MAX);
        Ok(Http::with(many, Some(&self.read("ca.pem")?), CONNECT_WITHIN, "bench")?)
    }

    fn operator(&self) -> Result<Operator> {
        let token = String::from_utf8(self.read("operator-token")?)?.trim().to_owned();
        Ok(Operator::new(self.http()?, Several::new(vec![self.url.clone()])?, token))
    }

    /// Its fleet, that asks at these URLs.
    pub fn fleet(&self, senzu: Vec<Url>) -> Fleet {
        Fleet {
            servers: self.servers,
            senzu,
            ca: Some(self.data.join("ca.pem")),
            keys: self.data.join("instruction-keys.json"),
            at_once: usize::MAX >> 4,
            within: Duration::from_secs(600),
            stay: Duration::from_secs(20),
            firmware: None,
        }
    }

    /// Its most memory so far.
    pub fn peak_rss_bytes(&self) -> Result<u64> {
        self.memory("VmHWM")
    }

    /// Its most memory in the time to come.
    pub async fn most_rss_bytes(&self, during: Duration) -> Result<u64> {
        let end = tokio::time::Instant::now() + during;
        let mut most = 0;
        while tokio::time::Instant::now() < end {
            most = most.max(self.memory("VmRSS")?);
            tokio::time::sleep(ASK_EVERY).await;
        }
        Ok(most)
    }

    fn memory(&self, line: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let value = status.lines().find_map(|status| status.strip_prefix(line)?.strip_prefix(':'));
        let kib = value.and_then(|value| value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
        Ok(kib.with_context(|| format!("no {line}"))? * 1024)
    }

    /// The first page that people list assets by, and one in the middle; one connection.
    pub async fn pages(&self, asked_for: Duration) -> Result<Rate> {
        let ca = reqwest::Certificate::from_pem(&self.read("ca.pem")?)?;
        let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build()?;
        let middle = fleet::Server::new(self.servers / 2).name();
        let urls = [format!("{}assets", self.url), format!("{}assets?after={middle}", self.url)];
        let page = client.get(&urls[1]).send().await?.error_for_status()?.text().await?;
        ensure!(page.contains("<article"), "the page in the middle lists nothing");
        let rate = hammer(1, asked_for, move |number| {
            let request = client.get(&urls[number as usize % 2]);
            async move {
                match request.send().await {
                    Ok(answer) => answer.status().is_success() && answer.bytes().await.is_ok(),
                    Err(_) => false,
                }
            }
        })
        .await;
        ensure!(rate.failures == 0, "{} pages of {} failed", rate.failures, rate.answers);
        Ok(rate)
    }

    /// Waits until so many assets are SPARE.
    pub async fn when_spare(&self, wanted: usize) -> Result<()> {
        let operator = self.operator()?;
        loop {
            let fleet: Value = operator.get(&["fleet"], &[]).await?;
            let states = fleet["states"].as_array().cloned().unwrap_or_default();
            let spare = states.iter().find(|count| count["name"] == "SPARE");
            if spare.and_then(|count| count["assets"].as_u64()).unwrap_or_default() as usize >= wanted {
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Boots that Senzu acknowledged and does not know any more: of each asset, those of its sessions that are missing.
    pub async fn sessions_lost(&self, told: &fleet::Report) -> Result<usize> {
        let database = self.database.as_ref().context("it is on no PostgreSQL")?;
        let known = database.count("SELECT count(*) FROM sessions")?;
        Ok(told.boots.saturating_sub(known))
    }
}

fn told<'a>(command: &'a mut Command, database: Option<&Postgres>) -> &'a mut Command {
    match database {
        Some(database) => command.env("SENZU_DATABASE_URL", database.url()),
        None => command.env_remove("SENZU_DATABASE_URL"),
    }
}

/// Runs a program to its end, which must be a good one.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {command:?}"))?;
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {}\n{said}{complained}", output.status);
    Ok(said.into_owned())
}

/// A folder that is ours alone.
pub fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))
}
