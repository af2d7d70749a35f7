//! A Senzu of the test's own, and clients to it.

use crate::postgres;
use pious_protocol::{
    envelope::KeySet,
    expectation::{CablingPlan, Expectation, HardwareProfile, MemoryProfile, PlannedLink},
    ids::MacAddress,
};
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode, tls::Version};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_senzu-stub");

/// A planned asset, one that is held, and the profile of both.
pub const IMPORT: &str = r#"
[[profiles]]
name = "demo"
version = 1
[profiles.memory]
dimms = 1

[[assets]]
name = "r1-u10"
serial = "PIOUS-R1-U10"
profile = "demo"
bmc_mac = "52:54:00:ff:10:01"
[[assets.links]]
nic = "52:54:00:01:10:01"
switch = "r1-sw1"
port = "Ethernet1"
native_vlan = 10

[[assets]]
name = "r1-u12"
serial = "PIOUS-R1-U12"
profile = "demo@1"
held = "operations"
[[assets.links]]
nic = "52:54:00:01:12:01"
switch = "r1-sw1"
port = "Ethernet2"
native_vlan = 10
"#;

/// What [`IMPORT`] expects of an asset.
pub fn expectation(nic: &str, port: &str) -> Expectation {
    Expectation {
        profile: Some(HardwareProfile {
            name: "demo".into(),
            version: 1,
            memory: Some(MemoryProfile { dimms: Some(1), ..MemoryProfile::default() }),
            ..HardwareProfile::default()
        }),
        cabling: Some(CablingPlan {
            links: vec![PlannedLink {
                nic: nic.parse().unwrap(),
                label: None,
                switch: "r1-sw1".into(),
                port: port.into(),
                native_vlan: Some(10),
                tagged_vlans: Vec::new(),
                min_speed_mbps: None,
                group: None,
            }],
        }),
        management: None,
    }
}

/// Options of a Senzu whose agents report every two seconds.
pub const HASTE: [&str; 2] = ["--facts-period-s", "2"];

/// A data directory, and at most one Senzu that serves it.
pub struct World {
    dir: Arc<TempDir>,
    /// `None`: SQLite's file in the data directory.
    database: Option<String>,
    served: Option<Served>,
}

struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.dir.path().join("log")).unwrap_or_default());
        }
    }
}

impl World {
    /// With [`IMPORT`], served.
    pub fn new() -> Self {
        let mut world = Self::empty();
        world.import(IMPORT);
        world.serve();
        world
    }

    /// With [`IMPORT`]; agents report every two seconds, and are missed after five.
    pub fn of_haste() -> Self {
        let mut world = Self::empty();
        world.import(IMPORT);
        world.serve_with(&HASTE);
        world
    }

    /// Initialized, with nothing in it, not served.
    pub fn empty() -> Self {
        // A second test that installs the same provider finds it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = Self { dir: Arc::new(tempfile::tempdir().unwrap()), database: postgres::database(), served: None };
        let made = world.run(&["init", "--address", "127.0.0.1"]);
        assert!(made.status.success(), "{made:?}");
        world
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Runs a subcommand on the data directory.
    pub fn run(&self, words: &[&str]) -> std::process::Output {
        let (command, rest) = words.split_first().unwrap();
        self.command().arg(command).arg("--data").arg(self.data()).args(rest).output().unwrap()
    }

    /// The program, told which database.
    pub fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.env_remove("SENZU_DATABASE_URL").envs(self.database.iter().map(|url| ("SENZU_DATABASE_URL", url)));
        command
    }

    pub fn import(&self, text: &str) {
        let imported = self.try_import("import.toml", text);
        assert!(imported.status.success(), "{imported:?}");
    }

    pub fn try_import(&self, name: &str, text: &str) -> std::process::Output {
        let file = self.dir.path().join(name);
        fs::write(&file, text).unwrap();
        self.run(&["import", file.to_str().unwrap()])
    }

    pub fn serve(&mut self) {
        self.serve_with(&[]);
    }

    pub fn serve_with(&mut self, options: &[&str]) {
        self.serve_as(self.command(), options);
    }

    /// Another Senzu on the same database, with the same keys.
    #[allow(dead_code, reason = "SQLite has one Senzu")]
    pub fn replica(&self) -> Self {
        let mut replica = Self { dir: self.dir.clone(), database: self.database.clone(), served: None };
        replica.serve();
        replica
    }

    /// What Senzu wrote to its log.
    #[allow(dead_code, reason = "only SQLite's own tests read it")]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// As a command that is, or becomes, the program.
    pub fn serve_as(&mut self, mut command: Command, options: &[&str]) {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(self.data())
            .args(options)
            .stdout(Stdio::piped())
            .stderr(fs::File::options().create(true).append(true).open(self.dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.strip_prefix("ready ").unwrap_or_else(|| panic!("not ready: {line:?}")).trim().to_owned();
        self.served = Some(Served { child, stdout, url });
    }

    /// The next line that the serving Senzu prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.served.as_mut().unwrap().stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// The power cut.
    pub fn kill(&mut self) {
        let mut served = self.served.take().unwrap();
        served.child.kill().unwrap();
        served.child.wait().unwrap();
    }

    /// SIGTERM; how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        self.is_told_to_stop();
        self.ends()
    }

    /// SIGTERM; it may take a while to end.
    pub fn is_told_to_stop(&self) {
        let pid = self.served.as_ref().unwrap().child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end; how it ended.
    pub fn ends(&mut self) -> ExitStatus {
        self.served.take().unwrap().child.wait().unwrap()
    }

    /// SIGTERM; what it printed since the last line that was read.
    pub fn terminate_reading(&mut self) -> String {
        let served = self.served.as_mut().unwrap();
        let pid = served.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut rest = String::new();
        served.stdout.read_to_string(&mut rest).unwrap();
        self.served = None;
        rest
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.served.as_ref().unwrap().url)
    }

    /// A client that trusts this world's authority alone.
    pub fn client(&self) -> Client {
        let ca = Certificate::from_pem(&fs::read(self.data().join("ca.pem")).unwrap()).unwrap();
        Client::builder().tls_certs_only([ca]).tls_version_min(Version::TLS_1_2).no_proxy().build().unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client().request(method, self.url(path))
    }

    pub fn operator_token(&self) -> String {
        fs::read_to_string(self.data().join("operator-token")).unwrap().trim().to_owned()
    }

    /// As an operator; the answer must be a success.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.request(Method::GET, path).bearer_auth(self.operator_token()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    /// As an operator.
    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.request(Method::POST, path).bearer_auth(self.operator_token()).json(&body).send().await.unwrap()
    }

    /// A token of an operator of that role and name.
    pub async fn token_of(&self, operator: &str, role: &str) -> String {
        let admin = |method, path: &str| self.request(method, path).bearer_auth(self.operator_token());
        let path = format!("/v1/operators/{operator}");
        let made = admin(Method::PUT, &path).json(&json!({"role": role})).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::NO_CONTENT);
        let ask = json!({"operator": operator, "name": "a test", "role": role, "expires_in_s": 3600});
        let made = admin(Method::POST, "/v1/tokens").json(&ask).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::OK, "{:?}", made.text().await);
        made.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
    }

    /// A request by a token.
    pub async fn ask(&self, token: &str, method: Method, path: &str, body: Value) -> Response {
        let request = self.request(method, path).bearer_auth(token);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap()
    }

    /// `[state, evaluation, step]` of an asset.
    pub async fn standing(&self, asset: &str) -> Value {
        let standing = &self.get(&format!("/v1/assets/{asset}")).await["standing"];
        json!([standing["state"], standing["evaluation"], standing["step"]])
    }

    pub async fn alert_kinds(&self) -> Vec<String> {
        let alerts = self.get("/v1/alerts").await;
        alerts["alerts"].as_array().unwrap().iter().map(|a| a["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Changes a row behind Senzu's back: makes time pass.
    pub async fn change(&self, sql: &str) {
        use sqlx::Connection;
        sqlx::any::install_default_drivers();
        let file = || format!("sqlite://{}", self.data().join("senzu.sqlite").display());
        let url = self.database.clone().unwrap_or_else(file);
        let mut database = sqlx::AnyConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
    }

    /// The public half of what instructions are signed with.
    pub fn keys(&self) -> KeySet {
        serde_json::from_slice(&fs::read(self.data().join("instruction-keys.json")).unwrap()).unwrap()
    }
}

/// A problem document, whole.
pub async fn problem(answer: Response) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], status, "{body}");
    body
}

pub fn mac(text: &str) -> MacAddress {
    text.parse().unwrap()
}

/// A file's permission bits.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
