//! The routes, over loopback, with Senzu near, away, and silent.

use super::*;
use crate::{config, targets::Targets};
use pious_protocol::message::{Boot, BootTarget, BootTargets, LeaseTier};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

const PRODUCTION: &str = "52:54:00:01:10:01";
const SPARE: &str = "52:54:00:01:10:02";
const STRANGER: &str = "52:54:00:01:10:03";

struct Running {
    url: String,
    book: watch::Sender<Book>,
    dnsmasq: watch::Sender<DnsmasqState>,
    folder: tempfile::TempDir,
    http: reqwest::Client,
}

async fn serve(senzu: &str) -> Running {
    let target = |mac: &str, boot, name: &str| BootTarget {
        mac: mac.parse().unwrap(),
        boot,
        tier: LeaseTier::Recognized,
        name: Some(name.into()),
    };
    let list = vec![target(PRODUCTION, Boot::LocalDisk, "r1-u10"), target(SPARE, Boot::Pious, "r1-u11")];
    let targets = Targets::from(BootTargets { revision: 7, targets: list });
    let (book, read) = watch::channel(Book { targets, standing: Standing::Current });
    let (dnsmasq, dnsmasq_read) = watch::channel(DnsmasqState::Running { pid: 1 });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(KERNEL), "kernel").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let senzu =
        config::Senzu { urls: vec![senzu.parse().unwrap()], ca: None, agents: vec!["https://10.77.0.1:8443".into()] };
    let service = Service {
        scripts: Scripts { url: url.clone(), senzu: senzu.agents.clone(), cmdline: String::new() },
        image: folder.path().to_owned(),
        book: read,
        senzu: crate::senzu::client(&senzu).unwrap(),
        dnsmasq: dnsmasq_read,
    };
    tokio::spawn(async move { axum::serve(listener, routes(Arc::new(service))).await.unwrap() });
    let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    Running { url, book, dnsmasq, folder, http }
}

impl Running {
    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The comment in which a script says what it is.
    async fn decision(&self, mac: &str) -> String {
        let (status, text) = self.get(&format!("/boot/{}.ipxe", mac.replace(':', "-"))).await;
        assert_eq!(status, 200);
        text.lines().nth(1).unwrap().trim_start_matches("# ").to_owned()
    }

    fn lose_senzu(&self) {
        self.book.send_modify(|book| book.standing = Standing::Lost("connection refused".into()));
    }
}

#[tokio::test]
async fn a_current_list_is_the_truth_and_nobody_is_asked() {
    // Nothing listens there: a question would be a loss.
    let running = serve("http://127.0.0.1:1").await;
    for (mac, expected) in [
        (PRODUCTION, "52:54:00:01:10:01 (r1-u10): local disk. Senzu says so."),
        (SPARE, "52:54:00:01:10:02 (r1-u11): PIOUS. Senzu says so."),
        (STRANGER, "52:54:00:01:10:03: PIOUS. Senzu does not know this MAC address."),
    ] {
        assert_eq!(running.decision(mac).await, expected);
    }
}

#[tokio::test]
async fn while_senzu_is_away_the_last_words_count() {
    let running = serve("http://127.0.0.1:1").await;
    running.lose_senzu();
    for (mac, expected) in [
        (PRODUCTION, "52:54:00:01:10:01 (r1-u10): local disk. Senzu is unreachable; it said so last."),
        (SPARE, "52:54:00:01:10:02 (r1-u11): PIOUS. Senzu is unreachable; it said so last."),
        (STRANGER, "52:54:00:01:10:03: PIOUS. Senzu is unreachable and never named this MAC address."),
    ] {
        assert_eq!(running.decision(mac).await, expected);
    }
}

#[tokio::test]
async fn a_senzu_that_is_back_before_the_watch_noticed_is_believed() {
    let senzu = MockServer::start().await;
    let target = |boot| json!({"mac": SPARE, "boot": boot, "tier": "recognized", "name": "r1-u11"});
    Mock::given(path(format!("/v1/boot-targets/{SPARE}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(target("local_disk")))
        .mount(&senzu)
        .await;
    let running = serve(&senzu.uri()).await;
    running.lose_senzu();
    assert_eq!(running.decision(SPARE).await, "52:54:00:01:10:02 (r1-u11): local disk. Senzu says so.");
}

#[tokio::test]
async fn a_silent_senzu_costs_two_seconds() {
    let senzu = MockServer::start().await;
    Mock::given(path(format!("/v1/boot-targets/{PRODUCTION}")))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(60)))
        .mount(&senzu)
        .await;
    let running = serve(&senzu.uri()).await;
    running.lose_senzu();
    let asked = Instant::now();
    assert_eq!(
        running.decision(PRODUCTION).await,
        "52:54:00:01:10:01 (r1-u10): local disk. Senzu is unreachable; it said so last."
    );
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn scripts_and_files() {
    let running = serve("http://127.0.0.1:1").await;
    let (status, first) = running.get("/boot.ipxe").await;
    assert_eq!((status, first.lines().next()), (200, Some("#!ipxe")));
    assert_eq!(running.get("/image/vmlinuz").await, (200, "kernel".into()));
    let (_, colons) = running.get(&format!("/boot/{SPARE}")).await;
    assert!(colons.contains("pious.name=r1-u11"), "a MAC address with colons and without .ipxe");

    let nonsense = running.get("/boot/.ipxe").await;
    assert_eq!(nonsense, (400, "\"\" is not a MAC address; write six hex octets, as in 52:54:00:12:34:56\n".into()));
    for path in ["/image/manifest.json", "/image/..%2fpxe.toml", "/image/initrd.img", "/image/1-2-3-4/pxe.toml"] {
        assert_eq!(running.get(path).await.0, 404, "{path}");
    }
}

/// What a script has after `image/` on its lines of this kind.
fn named<'a>(script: &'a str, line: &str) -> &'a str {
    let line = script.lines().find(|one| one.starts_with(line)).unwrap();
    line.split_whitespace().find_map(|word| word.split_once("/image/")).unwrap().1
}

#[tokio::test]
async fn kernel_and_initrd_are_of_one_build_or_not_at_all() {
    let running = serve("http://127.0.0.1:1").await;
    let own = format!("/boot/{SPARE}");
    let (_, early) = running.get(&own).await;
    assert_eq!((named(&early, "kernel"), named(&early, "initrd")), (KERNEL, INITRD), "no initrd lies there yet");

    let build = |words: &str| {
        for file in [KERNEL, INITRD] {
            let path = running.folder.path().join(file);
            std::fs::write(path.with_extension("new"), format!("{words} {file}")).unwrap();
            std::fs::rename(path.with_extension("new"), path).unwrap();
        }
    };
    let fetch = async |script: &str, line: &str| running.get(&format!("/image/{}", named(script, line))).await;
    build("old");
    let (_, before) = running.get(&own).await;
    assert_eq!(fetch(&before, "kernel").await, (200, "old vmlinuz".into()));
    build("new");
    assert_eq!(fetch(&before, "initrd").await.0, 410, "a build came between");
    let (_, after) = running.get(&own).await;
    assert_eq!(fetch(&after, "kernel").await, (200, "new vmlinuz".into()));
    assert_eq!(fetch(&after, "initrd").await, (200, "new initrd.img".into()));
}

#[tokio::test]
async fn many_at_once_each_get_all_of_it() {
    let running = serve("http://127.0.0.1:1").await;
    let initrd: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    std::fs::write(running.folder.path().join(INITRD), &initrd).unwrap();
    let fetch = || {
        let request = running.http.get(format!("{}/image/{INITRD}", running.url)).send();
        async move { request.await.unwrap().bytes().await.unwrap() }
    };
    let fetches: Vec<_> = (0..64).map(|_| tokio::spawn(fetch())).collect();
    for fetched in fetches {
        assert!(fetched.await.unwrap() == initrd);
    }
}

#[tokio::test]
async fn health() {
    let running = serve("http://127.0.0.1:1").await;
    let ask = async |expected: u16| {
        let (status, text) = running.get("/healthz").await;
        assert_eq!(status, expected);
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let well = json!({"dnsmasq": "running", "senzu": "current", "targets": 2, "revision": 7});
    assert_eq!(ask(200).await, well);

    running.lose_senzu();
    let alone = json!({"dnsmasq": "running", "senzu": "connection refused", "targets": 2, "revision": 7});
    assert_eq!(ask(200).await, alone, "that is no illness");

    running.dnsmasq.send_replace(DnsmasqState::Down("ended with 2".into()));
    let ill = json!({"dnsmasq": "ended with 2", "senzu": "connection refused", "targets": 2, "revision": 7});
    assert_eq!(ask(503).await, ill);
}
