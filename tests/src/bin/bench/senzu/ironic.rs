//! OpenStack Ironic, the peer: what an agent asks it when it wakes up is the node lookup. One process, SQLite, hardware that
//! is a fake of its own; no authentication and no TLS, which Senzu has.

use super::{
    daemon::{fresh, run},
    hammer::{Rate, hammer},
};
use crate::Place;
use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use pious_lab::fleet::Server;
use serde_json::{Value, json};
use std::{
    fs::File,
    os::unix::process::CommandExt,
    process::{Child, Command},
    time::Duration,
};

/// Which one is compared with: a release of PyPI's.
const RELEASE: &str = "ironic==39.0.0";

/// Nodes that it knows: fewer than Senzu has, since it takes a tenth of a second to make one.
const NODES: u32 = 100;

/// The API's version that has all that is asked here.
const VERSION: (&str, &str) = ("X-OpenStack-Ironic-API-Version", "1.65");

/// It imports for some seconds before it answers.
const STARTS_WITHIN: Duration = Duration::from_secs(90);
const ASK_EVERY: Duration = Duration::from_millis(500);

pub struct Ironic {
    process: Child,
    url: String,
    client: reqwest::Client,
}

impl Drop for Ironic {
    fn drop(&mut self) {
        // With its workers, which would outlive it. It may be gone already.
        if let Ok(group) = i32::try_from(self.process.id()) {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.process.wait();
    }
}

/// Installs it into an environment of its own, unless it is there, and starts it with its nodes.
pub async fn start(place: &Place) -> Result<Ironic> {
    let venv = place.target.join("peers/ironic");
    let program = |name: &str| venv.join("bin").join(name);
    if !program("ironic").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(program("pip")).args(["install", "--quiet", RELEASE]))?;
    }
    let folder = place.work.join("ironic");
    fresh(&folder)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let config = folder.join("ironic.conf");
    let interfaces = [
        "bios=no-bios",
        "boot=fake",
        "console=no-console",
        "deploy=fake",
        "firmware=no-firmware",
        "inspect=no-inspect",
        "management=fake",
        "network=noop",
        "power=fake",
        "raid=no-raid",
        "rescue=no-rescue",
        "storage=noop",
        "vendor=no-vendor",
    ];
    let interfaces: String = interfaces
        .iter()
        .filter_map(|told| told.split_once('='))
        .map(|(of, is)| format!("enabled_{of}_interfaces = {is}\n"))
        .collect();
    let state = folder.display();
    let text = format!(
        "[DEFAULT]\nauth_strategy = noauth\nenabled_hardware_types = fake-hardware\n{interfaces}rpc_transport = none\n\
         host = localhost\nlog_dir = {state}\nstate_path = {state}\n\
         [database]\nconnection = sqlite:///{state}/ironic.sqlite\n\
         [api]\nhost_ip = 127.0.0.1\nport = {port}\napi_workers = 1\nrestrict_lookup = false\n"
    );
    std::fs::write(&config, text)?;
    run(Command::new(program("ironic-dbsync")).arg("--config-file").arg(&config).arg("create_schema"))?;
    let log = File::create(folder.join("output"))?;
    let mut serve = Command::new(program("ironic"));
    serve.arg("--config-file").arg(&config).stdout(log.try_clone()?).stderr(log).process_group(0);
    let process = serve.spawn().context("start ironic")?;
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    let ironic = Ironic { process, url: format!("http://127.0.0.1:{port}"), client };
    ironic.answers().await.with_context(|| format!("ironic does not start: {state}/output"))?;
    for number in 0..NODES {
        ironic.enrol(Server::new(number)).await?;
    }
    Ok(ironic)
}

impl Ironic {
    async fn answers(&self) -> Result<()> {
        let answering = async {
            while self.client.get(&self.url).send().await.is_err() {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        Ok(tokio::time::timeout(STARTS_WITHIN, answering).await?)
    }

    async fn enrol(&self, server: Server) -> Result<()> {
        let node = self.make("nodes", json!({"driver": "fake-hardware", "name": server.name()})).await?;
        self.make("ports", json!({"node_uuid": node["uuid"], "address": server.mac()})).await?;
        Ok(())
    }

    async fn make(&self, what: &str, body: Value) -> Result<Value> {
        let request = self.client.post(format!("{}/v1/{what}", self.url)).header(VERSION.0, VERSION.1).json(&body);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Looks nodes up by their port's address.
    pub async fn lookups(&self, connections: usize, asked_for: Duration) -> Result<Rate> {
        let (client, url) = (self.client.clone(), self.url.clone());
        let rate = hammer(connections, asked_for, move |number| {
            let mac = Server::new(u32::try_from(number).unwrap_or_default() % NODES).mac();
            let request = client.get(format!("{url}/v1/lookup?addresses={mac}")).header(VERSION.0, VERSION.1);
            async move {
                match request.send().await {
                    Ok(answer) => answer.status().is_success() && answer.bytes().await.is_ok(),
                    Err(_) => false,
                }
            }
        })
        .await;
        ensure!(rate.failures * 100 < rate.answers, "{} lookups of {} failed", rate.failures, rate.answers);
        Ok(rate)
    }
}
