//! What an operator does from a shell: the same HTTP calls that anybody may make.

use crate::{
    api::{AlertList, AssetList, ProfileList},
    profile,
    senzu::{DagView, GraphView, ProfileMade, ProfileView, ReplayView},
};
use anyhow::{Context, bail};
use clap::Args;
use pious_protocol::{
    expectation::HardwareProfile,
    finding::Verdict,
    message::{Evaluation, Problem},
};
use reqwest::{Certificate, Client, Method, Response};
use serde::de::DeserializeOwned;
use std::{fmt::Write, fs, path::PathBuf, time::Duration};

/// An operator's question is a few reads.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Which Senzu, and who asks.
#[derive(Args)]
pub struct Desk {
    /// Senzu's URL.
    #[arg(long, env = "SENZU_URL")]
    url: String,
    /// The file with the operator's token.
    #[arg(long, env = "SENZU_TOKEN_FILE")]
    token_file: PathBuf,
    /// Senzu's authority, `ca.pem`.
    #[arg(long, env = "SENZU_CA")]
    ca: PathBuf,
    /// JSON as Senzu answers it.
    #[arg(long)]
    json: bool,
}

impl Desk {
    async fn call(&self, method: Method, path: &str, body: Option<serde_json::Value>) -> anyhow::Result<Response> {
        let token = fs::read_to_string(&self.token_file)
            .with_context(|| format!("cannot read the token file {}", self.token_file.display()))?;
        let ca = fs::read(&self.ca).with_context(|| format!("cannot read the authority {}", self.ca.display()))?;
        let ca = Certificate::from_pem_bundle(&ca).context("the authority is no certificate in PEM")?;
        // Another caller of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().tls_certs_only(ca).timeout(ANSWER_WITHIN).no_proxy().build()?;
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut request = client.request(method, &url).bearer_auth(token.trim());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.with_context(|| format!("no answer from {url}"))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        match answer.json::<Problem>().await {
            Ok(problem) => bail!("{url}: {status}: {}", problem.detail.unwrap_or(problem.title)),
            Err(_) => bail!("{url}: {status}"),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, words: fn(T) -> String) -> anyhow::Result<String> {
        self.show(self.call(Method::GET, path, None).await?, words).await
    }

    /// An answer as it is shown.
    async fn show<T: DeserializeOwned>(&self, answer: Response, words: fn(T) -> String) -> anyhow::Result<String> {
        let text = answer.text().await?;
        match self.json {
            true => Ok(format!("{text}\n")),
            false => {
                let known = serde_json::from_str(&text).context("Senzu's answer is not what this build knows")?;
                Ok(printable(&words(known)))
            }
        }
    }

    /// Every asset, one line each, and a line for each finding that is no pass.
    pub async fn assets(&self) -> anyhow::Result<String> {
        self.get("/v1/assets", asset_lines).await
    }

    /// The newest alerts.
    pub async fn alerts(&self) -> anyhow::Result<String> {
        self.get("/v1/alerts", alert_lines).await
    }

    /// Makes a profile from a golden machine.
    pub async fn make_profile(&self, asset: &str, name: Option<&str>) -> anyhow::Result<String> {
        let body = serde_json::json!({"name": name});
        self.show(self.call(Method::POST, &format!("/v1/assets/{asset}/profile"), Some(body)).await?, made_lines).await
    }

    /// Every profile, one line for each version.
    pub async fn profiles(&self) -> anyhow::Result<String> {
        self.get("/v1/profiles", profile_list_lines).await
    }

    /// What one profile asks for.
    pub async fn profile(&self, name: &str) -> anyhow::Result<String> {
        self.get(&format!("/v1/profiles/{name}"), profile_lines).await
    }

    async fn read_profile(&self, name: &str) -> anyhow::Result<HardwareProfile> {
        let answer = self.call(Method::GET, &format!("/v1/profiles/{name}"), None).await?;
        answer.json().await.context("Senzu's answer is not what this build knows")
    }

    /// How the second profile differs from the first.
    pub async fn diff_profiles(&self, first: &str, second: &str) -> anyhow::Result<String> {
        let lines = profile::diff(&self.read_profile(first).await?, &self.read_profile(second).await?);
        match (self.json, lines.as_slice()) {
            (true, lines) => Ok(format!("{}\n", serde_json::json!(lines))),
            (false, []) => Ok("no difference\n".into()),
            (false, lines) => Ok(printable(&format!("{}\n", lines.join("\n")))),
        }
    }

    /// An asset's DAG: a line for each vertex.
    pub async fn dag(&self, asset: &str) -> anyhow::Result<String> {
        self.get(&format!("/v1/assets/{asset}/dag"), dag_lines).await
    }

    /// An asset's history, re-executed on paper; an error where it takes another way.
    pub async fn replay(&self, asset: &str) -> anyhow::Result<String> {
        let answer = self.call(Method::GET, &format!("/v1/assets/{asset}/dag/replay"), None).await?;
        let view: ReplayView = answer.json().await.context("Senzu's answer is not what this build knows")?;
        match (self.json, view.differences.as_slice()) {
            (true, _) => Ok(format!("{}\n", serde_json::json!(view))),
            (false, []) => Ok(format!("{} runs, each the same on paper\n", view.runs)),
            (false, differences) => {
                bail!("{} of {} runs differ:\n{}", differences.len(), view.runs, differences.join("\n"))
            }
        }
    }

    /// Lets an asset go on that the loop breaker stopped.
    pub async fn clear_loop(&self, asset: &str, by: &str) -> anyhow::Result<String> {
        let body = serde_json::json!({"by": by});
        self.call(Method::POST, &format!("/v1/assets/{asset}/loop/clear"), Some(body)).await?;
        Ok(String::new())
    }

    /// Holds an asset for use, or releases it.
    pub async fn hold(&self, asset: &str, by: Option<&str>, held: bool) -> anyhow::Result<String> {
        let body = serde_json::json!({"held": held, "by": by});
        self.call(Method::POST, &format!("/v1/assets/{asset}/hold"), Some(body)).await?;
        Ok(String::new())
    }
}

/// Names come from switches and firmware: what would steer a terminal, or turn the direction of writing, is shown instead.
fn printable(text: &str) -> String {
    let is_steering = |c: char| {
        c != '\n' && c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_steering(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

fn asset_lines(list: AssetList) -> String {
    let width = list.assets.iter().map(|asset| asset.name.len()).max().unwrap_or_default();
    let mut lines = String::new();
    for asset in list.assets {
        let standing = &asset.standing;
        let evaluation = match standing.evaluation {
            Evaluation::Pending => "pending",
            Evaluation::Failing => "failing",
            Evaluation::Passed => "passed",
            Evaluation::Unknown => "unknown",
        };
        let step = standing.step.as_deref().unwrap_or("-");
        let reason = standing.reason.as_deref().unwrap_or_default();
        let line = format!("{:width$}  {:9}  {evaluation:7}  {step}: {reason}", asset.name, standing.state);
        // Writing to a String can't fail.
        let _ = writeln!(lines, "{}", line.trim_end_matches([':', ' ']));
        for finding in asset.findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
            let subject = finding.subject.as_deref().map(|subject| format!(" {subject}")).unwrap_or_default();
            let how = match finding.verdict {
                Verdict::Pass | Verdict::Fail => "seen",
                Verdict::Unknown => "unknown:",
            };
            let _ = writeln!(
                lines,
                "{:width$}    {}{subject}: {how} {}; expected {}; {}",
                "", finding.check, finding.seen, finding.expected, finding.remedy
            );
        }
    }
    lines
}

fn dag_lines(dag: DagView) -> String {
    let mut lines = match (&dag.standing.step, &dag.standing.reason) {
        (Some(step), Some(reason)) => format!("{} stands at {step}: {reason}\n", dag.name),
        (Some(step), None) => format!("{} stands at {step}\n", dag.name),
        (None, _) => format!("{} is through\n", dag.name),
    };
    graph_lines(&dag.graph, 0, &mut lines);
    lines
}

fn graph_lines(graph: &GraphView, depth: usize, lines: &mut String) {
    for vertex in &graph.vertices {
        let mark = if vertex.stands { '>' } else { ' ' };
        let outcome = vertex.outcome.map_or("-", crate::dag::OutcomeKind::words);
        let reason = vertex.reason.as_deref().unwrap_or_default();
        let line = format!("{:indent$}{mark} {:28} {outcome:10} {reason}", "", vertex.name, indent = depth * 2);
        // Writing to a String can't fail.
        let _ = writeln!(lines, "{}", line.trim_end());
        if let Some(within) = &vertex.graph {
            graph_lines(within, depth + 1, lines);
        }
    }
}

fn alert_lines(list: AlertList) -> String {
    let line = |alert: crate::alerts::AlertView| {
        format!("{}  {}  {}\n", alert.name, crate::store::word(&alert.kind), alert.words)
    };
    list.alerts.into_iter().map(line).collect()
}

fn made_lines(made: ProfileMade) -> String {
    let ProfileMade { profile, is_new, changes, notes } = made;
    let news = if is_new { "is new" } else { "says the same already" };
    let mut lines = format!("{}@{} {news}\n", profile.name, profile.version);
    lines.extend(changes.into_iter().map(|change| format!("  {change}\n")));
    lines.extend(notes.into_iter().map(|note| format!("  note: {note}\n")));
    lines
}

fn profile_list_lines(list: ProfileList) -> String {
    let edition = |profile: &ProfileView| format!("{}@{}", profile.name, profile.version);
    let width = list.profiles.iter().map(|profile| edition(profile).len()).max().unwrap_or_default();
    let line = |profile: &ProfileView| {
        let assets = if profile.assets.is_empty() { "-".into() } else { profile.assets.join(" ") };
        format!("{:width$}  {assets}\n", edition(profile))
    };
    list.profiles.iter().map(line).collect()
}

fn profile_lines(profile: HardwareProfile) -> String {
    let topics = profile::describe(&profile);
    let width = topics.iter().map(|(topic, _)| topic.len()).max().unwrap_or_default();
    topics.iter().map(|(topic, words)| format!("{topic:width$}  {words}\n")).collect()
}
