//! The lab's BMC against DMTF's own validators, in every vendor's style: `redfish-protocol-validator` asks it whatever
//! DSP0266 speaks of, `redfish-service-validator` holds each of its resources against the schemas.
//!
//! What they find, and what they can't test, is listed in `known.toml` with its reason. What is not listed fails the test,
//! and so does what is listed and not found any more. Needs root (namespaces), and no image.

mod findings;

use crate::python;
use anyhow::{Context, Result, bail, ensure};
use findings::{Report, protocol, service};
use nix::sched::{CloneFlags, unshare};
use pious_lab::bmc::{
    image::make,
    redfish::{Description, FixedPair, Service, Style, Versions, service::Parts, state::Sensor},
};
use pious_protocol::firmware::FirmwareComponent::{Bios, Bmc, Nic, Psu};
use reqwest::{StatusCode, header::CONTENT_TYPE};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::process::Command;

const USER: &str = "lab";
const PASSWORD: &str = "a-lab-password";
const MODEL: &str = "Lab Server";

/// The crate that carries DMTF's schemas; DMTF's own site is not asked.
const SCHEMAS: &str = "nv-redfish-schema";

/// Of other platforms' packages cargo has fetched none.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// What each validator tries at the least: one that cannot log in finds nothing.
const LEAST_PASSED: usize = 200;

#[test]
fn dmtfs_protocol_validator_finds_what_is_known() -> Result<()> {
    let Some(program) = python::program("rf_protocol_validator") else { return Ok(()) };
    in_every_style(|style| {
        let program = program.clone();
        async move {
            let (url, folder) = furnished("protocol", style)?;
            let mut command = Command::new(program);
            command.args(["--no-cert-check", "--avoid-http-redirect", "--report-type", "tsv"]);
            let said = run(command.arg("--report-dir").arg(&folder), &url, &folder).await?;
            compare("protocol", style, &protocol(&folder).context(said)?)
        }
    })
}

#[test]
fn dmtfs_service_validator_finds_what_is_known() -> Result<()> {
    let Some(program) = python::program("rf_service_validator") else { return Ok(()) };
    let schemas = schemas()?;
    in_every_style(|style| {
        let (program, schemas) = (program.clone(), schemas.clone());
        async move {
            let (url, folder) = furnished("service", style)?;
            make_tasks(&url, style).await?;
            let mut command = Command::new(program);
            command.arg("--skipschema").arg("--schema_directory").arg(schemas).arg("--logdir").arg(&folder);
            let said = run(&mut command, &url, &folder).await?;
            compare("service", style, &service(&folder).context(said)?)
        }
    })
}

/// Does it with each style at once, each in a network of its own with nothing but a loopback: a validator calls out to
/// every Redfish service that there is (SSDP).
fn in_every_style<Done>(act: impl Fn(Style) -> Done + Sync) -> Result<()>
where
    Done: Future<Output = Result<()>>,
{
    let alone = |style| {
        unshare(CloneFlags::CLONE_NEWNET).context("make a network namespace, for which one must be root")?;
        for words in ["link set lo up", "route add 239.255.255.250 dev lo"] {
            let status = std::process::Command::new("ip").args(words.split(' ')).status().context("run ip")?;
            ensure!(status.success(), "ip {words}: {status}");
        }
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(act(style))
    };
    thread::scope(|scope| {
        let threads = Style::ALL.map(|style| scope.spawn(move || alone(style)));
        let ended = threads.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        let failures: Vec<_> = ended.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
        ensure!(failures.is_empty(), "{}", failures.join("\n"));
        Ok(())
    })
}

/// A BMC that is on, and an empty folder for what is found.
fn furnished(validator: &str, style: Style) -> Result<(String, PathBuf)> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("validators").join(format!("{validator}-{style:?}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("clear {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let users = Arc::new(FixedPair { user: USER.into(), password: PASSWORD.into() });
    let service = Service::new(Parts { is: description(style), users, host: None, log: None })?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("https://{}", listener.local_addr()?);
    tokio::spawn(service.serve(listener));
    Ok((url, folder))
}

/// Leaves a task that failed and one that runs, which no rack at rest has.
async fn make_tasks(url: &str, style: Style) -> Result<()> {
    pious_client::install_crypto();
    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build()?;
    for image in [b"no image".to_vec(), make(Bios, MODEL, "2.2.0", 4096)] {
        let (at, kind, body) = match (style.multipart_uri(), style.push_uri()) {
            (Some(at), _) => {
                let part = "--b\r\nContent-Disposition: form-data; name=";
                let before = format!("{part}\"UpdateParameters\"\r\n\r\n{{}}\r\n{part}\"UpdateFile\"\r\n\r\n");
                (at, "multipart/form-data; boundary=b", [before.as_bytes(), &image, b"\r\n--b--\r\n"].concat())
            }
            (None, Some(at)) => (at, "application/octet-stream", image),
            (None, None) => bail!("{style:?} has no way in"),
        };
        let request = client.post(format!("{url}{at}")).basic_auth(USER, Some(PASSWORD)).header(CONTENT_TYPE, kind);
        let status = request.body(body).send().await?.status();
        ensure!(status == StatusCode::ACCEPTED, "{style:?}: an image was answered {status}");
    }
    Ok(())
}

fn description(style: Style) -> Description {
    let versions = [(Bmc, "2.10.0"), (Bios, "2.1.0"), (Nic, "22.31.6"), (Psu, "1.3")];
    let sensor = |name: &str, reading_type, units, reading| Sensor { name: name.into(), reading_type, units, reading };
    Description {
        style,
        name: "r1-u14".into(),
        manufacturer: "PIOUS".into(),
        model: MODEL.into(),
        serial: "PIOUS-R1-U14".into(),
        uuid: uuid::Uuid::from_u128(1),
        versions: versions
            .map(|(component, version)| (component, version.to_owned()))
            .into_iter()
            .collect::<Versions>(),
        // Longer than any test.
        flash: Duration::from_secs(3600),
        restart: Duration::from_secs(1),
        sensors: vec![
            sensor("Inlet Temp", "Temperature", "Cel", 24.0),
            sensor("12V", "Voltage", "V", 12.1),
            sensor("Fan 1", "Rotational", "{rev}/min", 7500.0),
            sensor("PSU Power", "Power", "W", 180.0),
        ],
    }
}

/// Runs a validator to its end, whichever; what it said is kept in the folder, and its end is answered.
async fn run(command: &mut Command, url: &str, folder: &Path) -> Result<String> {
    command.args(["--rhost", url, "--user", USER, "--password", PASSWORD]).current_dir(folder);
    // Of these, requests would think more than of its arguments.
    command.env_remove("REQUESTS_CA_BUNDLE").env_remove("CURL_CA_BUNDLE").env("NO_PROXY", "127.0.0.1");
    let output = command.output().await.with_context(|| format!("run {command:?}"))?;
    let said = [output.stdout, output.stderr].concat();
    fs::write(folder.join("said"), &said)?;
    Ok(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&said)))
}

/// DMTF's schemas, as cargo unpacked them.
fn schemas() -> Result<PathBuf> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", PLATFORM])
        .current_dir(pious_tests::repository())
        .output()
        .context("run cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata's JSON")?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let package = packages.find(|package| package["name"] == SCHEMAS);
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let manifest = manifest.with_context(|| format!("no package of ours depends on {SCHEMAS} any more"))?;
    let folder = Path::new(manifest).with_file_name("redfish-csdl").join("csdl");
    ensure!(folder.is_dir(), "{SCHEMAS} has no folder {} any more", folder.display());
    Ok(folder)
}

/// What a validator finds, or can't test, and that stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    validator: String,
    /// In which styles; none: in all.
    #[serde(default)]
    styles: Vec<Style>,
    /// Why that is so.
    why: String,
    /// As [`findings`] reads them from the report.
    findings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    known: Vec<Known>,
}

fn compare(validator: &str, style: Style, report: &Report) -> Result<()> {
    ensure!(report.passed >= LEAST_PASSED, "{validator}, {style:?}: only {} checks passed", report.passed);
    let List { known } = toml::from_str(include_str!("known.toml")).context("read known.toml")?;
    if let Some(one) = known.iter().find(|one| one.why.trim().is_empty()) {
        bail!("known.toml gives no reason for {:?}", one.findings);
    }
    let of_style = known.iter().filter(|one| one.styles.is_empty() || one.styles.contains(&style));
    let of_validator = of_style.filter(|one| one.validator == validator);
    let known: BTreeSet<&str> = of_validator.flat_map(|one| &one.findings).map(String::as_str).collect();
    let found: BTreeSet<&str> = report.findings.iter().map(String::as_str).collect();
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    println!("{validator}, {style:?}: {} checks passed, {} findings", report.passed, found.len());
    ensure!(new.is_empty(), "{validator}, {style:?}: finds what known.toml does not list: {new:#?}");
    ensure!(gone.is_empty(), "{validator}, {style:?}: does not find any more what known.toml lists: {gone:#?}");
    Ok(())
}
