//! A BMC over HTTPS, as a client sees it.

use super::{
    Entry, Fault, FixedPair, Noted, Service, Style, service::Parts, state::Description, state_tests::description,
};
use crate::bmc::image::make;
use pious_protocol::firmware::{FirmwareComponent, Transfer};
use reqwest::{Client, Method, StatusCode, header::LOCATION};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const MIB: usize = 1024 * 1024;

struct Bmc {
    service: Arc<Service>,
    url: String,
    client: Client,
    token: String,
}

impl Bmc {
    async fn of(style: Style) -> Self {
        let is = Description {
            flash: Duration::from_millis(200),
            restart: Duration::from_millis(300),
            ..description(style)
        };
        let users = Arc::new(FixedPair { user: "admin".into(), password: "secret".into() });
        let service = Service::new(Parts { is, users, host: None, log: None }).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(Arc::clone(&service).serve(listener));
        let mut bmc = Self { service, url, client: client(), token: String::new() };
        bmc.token = bmc.log_in().await;
        bmc
    }

    async fn log_in(&self) -> String {
        let body = json!({ "UserName": "admin", "Password": "secret" });
        let answer = self.client.post(self.at("/redfish/v1/SessionService/Sessions")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert!(answer.headers()[LOCATION].to_str().unwrap().starts_with("/redfish/v1/SessionService/Sessions/"));
        answer.headers()["x-auth-token"].to_str().unwrap().to_owned()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.client.request(method, self.at(path)).header("X-Auth-Token", &self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["odata-version"], "4.0");
        (answer.status(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, value) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    async fn push(&self, image: Vec<u8>, by: Transfer) -> reqwest::Response {
        let service = self.get("/redfish/v1/UpdateService").await;
        let request = match by {
            Transfer::HttpPush => {
                let uri = service["HttpPushUri"].as_str().unwrap();
                self.client.post(self.at(uri)).header("Content-Type", "application/octet-stream").body(image)
            }
            Transfer::MultipartPush => {
                let uri = service["MultipartHttpPushUri"].as_str().unwrap();
                let head = "--b\r\nContent-Disposition: form-data; name=\"UpdateParameters\"\r\n\
                    Content-Type: application/json\r\n\r\n{\"Targets\": []}\r\n--b\r\nContent-Disposition: form-data; \
                    name=\"UpdateFile\"; filename=\"f.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n";
                let body = [head.as_bytes(), &image, b"\r\n--b--\r\n"].concat();
                self.client.post(self.at(uri)).header("Content-Type", "multipart/form-data; boundary=b").body(body)
            }
            Transfer::SimpleUpdate => {
                let target = service["Actions"]["#UpdateService.SimpleUpdate"]["target"].as_str().unwrap();
                let url = format!("http://{}/image", shop(image).await);
                self.client.post(self.at(target)).json(&json!({ "ImageURI": url, "TransferProtocol": "HTTP" }))
            }
            Transfer::Nvme | Transfer::Unknown => unreachable!("no way in"),
        };
        request.header("X-Auth-Token", &self.token).send().await.unwrap()
    }

    async fn finished(&self, accepted: reqwest::Response) -> Value {
        assert_eq!(accepted.status(), StatusCode::ACCEPTED);
        let monitor = accepted.headers()[LOCATION].to_str().unwrap().to_owned();
        let task: Value = serde_json::from_slice(&accepted.bytes().await.unwrap()).unwrap();
        let task = task["@odata.id"].as_str().unwrap().to_owned();
        loop {
            let (status, watched) = self.ask(Method::GET, &monitor, None).await;
            if status != StatusCode::ACCEPTED {
                let task = self.get(&task).await;
                assert_eq!(status == StatusCode::OK, task["TaskState"] == "Completed", "{watched}");
                return task;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn inventory(&self) -> Vec<Value> {
        let collection = self.get("/redfish/v1/UpdateService/FirmwareInventory").await;
        let mut items = Vec::new();
        for member in collection["Members"].as_array().unwrap() {
            items.push(self.get(member["@odata.id"].as_str().unwrap()).await);
        }
        items
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build().unwrap()
}

/// Where a BMC can fetch an image.
async fn shop(image: Vec<u8>) -> std::net::SocketAddr {
    let router = axum::Router::new().fallback(move || async move { image });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn every_style_takes_an_image_by_each_of_its_ways() {
    for style in Style::ALL {
        for (number, by) in style.transfers().iter().enumerate() {
            let bmc = Bmc::of(style).await;
            let version = format!("9.{number}.0");
            let image = make(FirmwareComponent::Nic, "Lab Server", &version, MIB);
            let task = bmc.finished(bmc.push(image, *by).await).await;
            assert_eq!((&task["TaskState"], &task["PercentComplete"]), (&json!("Completed"), &json!(100)), "{task}");
            let items = bmc.inventory().await;
            assert!(items.iter().any(|item| item["Version"] == version), "{style:?} {by:?}: {items:?}");
            let log = bmc.service.log();
            assert!(log.iter().any(|entry| entry.what == Noted::PushBegun { by: *by }), "{log:?}");
            let ended = |entry: &&Entry| matches!(entry.what, Noted::PushEnded { complete: true, bytes, .. } if bytes == MIB as u64);
            assert_eq!(log.iter().filter(ended).count(), 1, "{log:?}");
        }
    }
}

#[tokio::test]
async fn a_bmc_restarts_and_comes_back_with_its_new_version() {
    let bmc = Bmc::of(Style::Generic).await;
    let image = make(FirmwareComponent::Bmc, "Lab Server", "2.20.0", 1000);
    bmc.finished(bmc.push(image, Transfer::MultipartPush).await).await;
    let refused = async {
        while client().get(bmc.at("/redfish/v1")).send().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("it goes away");
    let back = async {
        while client().get(bmc.at("/redfish/v1")).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back).await.expect("it comes back");
    let (status, _) = bmc.ask(Method::GET, "/redfish/v1/Managers/Self", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "sessions are forgotten");
    let bmc = Bmc { token: bmc.log_in().await, ..bmc };
    assert_eq!(bmc.get("/redfish/v1/Managers/Self").await["FirmwareVersion"], "2.20.0");
}

#[tokio::test]
async fn every_resource_is_there_and_knows_itself() {
    for style in Style::ALL {
        let bmc = Bmc::of(style).await;
        let (mut next, mut seen) = (vec!["/redfish/v1".to_owned()], Vec::new());
        while let Some(path) = next.pop() {
            if seen.contains(&path) {
                continue;
            }
            let value = bmc.get(&path).await;
            assert_eq!(value["@odata.id"].as_str().unwrap().trim_end_matches('/'), path);
            assert!(value["@odata.type"].is_string() && value["Name"].is_string(), "{value}");
            seen.push(path);
            links(&value, &mut next);
        }
        assert!(seen.len() > 25, "{seen:?}");
    }
}

fn links(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(path) = object.get("@odata.id").and_then(Value::as_str) {
                found.push(path.trim_end_matches('/').to_owned());
            }
            object.values().for_each(|value| links(value, found));
        }
        Value::Array(array) => array.iter().for_each(|value| links(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn whoever_asks_wrongly_learns_why() {
    let bmc = Bmc::of(Style::Generic).await;
    let system = "/redfish/v1/Systems/Self";
    let reset = "/redfish/v1/Systems/Self/Actions/ComputerSystem.Reset";
    let boot = |target: &str| Some(json!({ "Boot": { "BootSourceOverrideTarget": target } }));
    let cases = [
        (Method::GET, "/redfish/v1/Systems/None", None, 404, "ResourceMissingAtURI"),
        (Method::DELETE, system, None, 405, "OperationNotAllowed"),
        (Method::GET, reset, None, 405, "OperationNotAllowed"),
        (Method::POST, reset, Some(json!({ "ResetType": "Explode" })), 400, "PropertyValueNotInList"),
        (Method::PATCH, system, boot("Floppy"), 400, "PropertyValueNotInList"),
        (Method::PATCH, system, Some(json!({ "Name": "x" })), 400, "PropertyUnknown"),
        (Method::POST, "/redfish/v1/SessionService/Sessions", Some(json!({})), 400, "PropertyMissing"),
        (Method::POST, "/redfish/v1/SessionService/Sessions", None, 400, "MalformedJSON"),
        (Method::POST, "/redfish/v1/UpdateService/upload", None, 415, "GeneralError"),
        (Method::GET, "/redfish/v1/Systems?$expand=*", None, 501, "QueryParameterUnsupported"),
    ];
    for (method, path, body, status, key) in cases {
        let (answered, value) = bmc.ask(method, path, body).await;
        assert_eq!(
            (answered.as_u16(), &value["error"]["code"]),
            (status, &json!(format!("Base.1.18.{key}"))),
            "{path}"
        );
    }
    let stranger = client().get(bmc.at(system)).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert!(stranger.headers().contains_key("www-authenticate"));
    let basic = |password| client().get(bmc.at(system)).basic_auth("admin", Some(password)).send();
    assert_eq!(basic("secret").await.unwrap().status(), StatusCode::OK);
    assert_eq!(basic("wrong").await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_server_is_switched_and_told_where_to_boot_from() {
    let bmc = Bmc::of(Style::Openbmc).await;
    let system = "/redfish/v1/Systems/system";
    assert_eq!(bmc.get(system).await["PowerState"], "Off");
    let boot = json!({ "Boot": { "BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once" } });
    let (status, value) = bmc.ask(Method::PATCH, system, Some(boot)).await;
    assert_eq!((status, &value["Boot"]["BootSourceOverrideTarget"]), (StatusCode::OK, &json!("Pxe")));
    let reset = format!("{system}/Actions/ComputerSystem.Reset");
    let (status, _) = bmc.ask(Method::POST, &reset, Some(json!({ "ResetType": "On" }))).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let value = bmc.get(system).await;
    assert_eq!((&value["PowerState"], &value["Boot"]["BootSourceOverrideEnabled"]), (&json!("On"), &json!("Disabled")));
}

#[tokio::test]
async fn faults_strike_over_http() {
    let bmc = Bmc::of(Style::Generic).await;
    bmc.service.fault(Some(Fault::Unavailable { requests: 1 }), false);
    let statuses =
        [bmc.ask(Method::GET, "/redfish/v1", None).await.0, bmc.ask(Method::GET, "/redfish/v1", None).await.0];
    assert_eq!(statuses, [StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK]);

    bmc.service.fault(Some(Fault::RejectsSignature), false);
    let image = || make(FirmwareComponent::Psu, "Lab Server", "1.4", 20_000);
    let task = bmc.finished(bmc.push(image(), Transfer::SimpleUpdate).await).await;
    assert_eq!(task["Messages"][0]["Message"], "signature verification failed");

    bmc.service.fault(Some(Fault::SlowLink { bytes_per_s: 40_000 }), false);
    let begun = std::time::Instant::now();
    bmc.finished(bmc.push(image(), Transfer::HttpPush).await).await;
    assert!(begun.elapsed() > Duration::from_millis(500), "{:?}", begun.elapsed());

    bmc.service.fault(Some(Fault::RefusesCredentials), false);
    let body = json!({ "UserName": "admin", "Password": "secret" });
    let login = Some(body);
    let (status, _) = bmc.ask(Method::POST, "/redfish/v1/SessionService/Sessions", login).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_fleet_of_them_lives_in_one_process() {
    let mut fleet = Vec::new();
    for _ in 0..100 {
        fleet.push(Bmc::of(Style::Generic).await);
    }
    for bmc in &fleet {
        assert_eq!(bmc.get("/redfish/v1/Systems/Self").await["BiosVersion"], "2.1.0");
        assert_eq!(bmc.service.log().len(), 1, "somebody logged in");
    }
}

#[tokio::test]
async fn what_comes_in_only_in_part_is_noted_and_forgotten() {
    use tokio::io::AsyncWriteExt;
    let bmc = Bmc::of(Style::Generic).await;
    let address = bmc.url.trim_start_matches("https://").to_owned();
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = plain.local_addr().unwrap();
    // A connection that is cut after 100 000 bytes.
    tokio::spawn(async move {
        let (mut here, _) = plain.accept().await.unwrap();
        let mut there = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut from, mut to) = here.split();
        let (mut back, mut forth) = there.split();
        let mut first = tokio::io::AsyncReadExt::take(&mut from, 100_000);
        tokio::select! {
            _ = tokio::io::copy(&mut first, &mut forth) => {}
            _ = tokio::io::copy(&mut back, &mut to) => {}
        }
        let _ = forth.shutdown().await;
    });
    let push = client().post(format!("https://{proxy}/redfish/v1/UpdateService/update"));
    let image = make(FirmwareComponent::Psu, "Lab Server", "1.4", MIB);
    assert!(push.header("X-Auth-Token", &bmc.token).body(image).send().await.is_err());
    let cut = || bmc.service.log().iter().any(|entry| matches!(entry.what, Noted::PushEnded { complete: false, .. }));
    let noted = async {
        while !cut() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noted).await.expect("it is noted");
    assert_eq!(bmc.get("/redfish/v1/TaskService/Tasks").await["Members@odata.count"], 0);
    let image = make(FirmwareComponent::Psu, "Lab Server", "1.4", 1000);
    bmc.finished(bmc.push(image, Transfer::HttpPush).await).await;
}
