//! Firmware for many assets: from a file, in waves.

use super::{Desk, Said, table::table};
use crate::{
    campaign::{CampaignDetail, CampaignPage, CampaignView, Counts, MemberView, Preview, PreviewMember},
    senzu::{PlanView, wanted_words},
    store::word,
    words::time,
};
use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use pious_client::{Content, Method};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is done about a campaign that there is.
#[derive(Args)]
pub struct Change {
    #[command(flatten)]
    desk: Desk,
    /// The campaign's id.
    campaign: String,
    /// Why: it stands in the audit.
    #[arg(long)]
    why: String,
}

/// As [`Change`], where nobody has to say why.
#[derive(Args)]
pub struct Step {
    #[command(flatten)]
    desk: Desk,
    /// The campaign's id.
    campaign: String,
    /// Why: it stands in the audit.
    #[arg(long, default_value = "")]
    why: String,
}

/// Campaigns.
#[derive(Subcommand)]
pub enum CampaignCommand {
    /// Show who would be a member, who would not, and why. Nothing is stored.
    Preview {
        #[command(flatten)]
        desk: Desk,
        /// A .toml file: name, query, wanted, caps, waves, windows, `valid_until`.
        file: PathBuf,
    },
    /// Make a campaign of those who qualify now; another operator approves it.
    Make {
        #[command(flatten)]
        desk: Desk,
        /// A .toml file, as for preview.
        file: PathBuf,
        /// Why: whoever approves reads it.
        #[arg(long)]
        why: String,
    },
    /// Approve what another operator made.
    Approve(Step),
    /// Start what was approved.
    Start(Step),
    /// Hold it: nobody is admitted, and nobody begins.
    Pause(Change),
    /// Go on behind a pause or a halt.
    Resume(Change),
    /// End it for good; what a BMC writes goes on to its end.
    Abort(Change),
    /// Show a campaign: its waves, and its members with why.
    Show {
        #[command(flatten)]
        desk: Desk,
        /// The campaign's id.
        campaign: String,
        /// How many members at most.
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Members behind this name.
        #[arg(long)]
        after: Option<String>,
    },
    /// List campaigns, newest first.
    List {
        #[command(flatten)]
        desk: Desk,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

impl CampaignCommand {
    pub async fn answer(self) -> Said {
        match self {
            Self::Preview { desk, file } => {
                let answer = desk.order(Method::POST, &["campaigns", "preview"], Content::Json(spec(&file)?)).await?;
                desk.show(answer, |preview: Preview| preview_words(&preview))
            }
            Self::Make { desk, file, why } => {
                let content = Content::Json(json!({"spec": spec(&file)?, "why": why}));
                desk.show(desk.order(Method::POST, &["campaigns"], content).await?, |campaign: CampaignView| {
                    let CampaignView { id, members, .. } = campaign;
                    format!("made for {members} assets: another operator approves {id}\n")
                })
            }
            Self::Approve(step) => act(&step.desk, &step.campaign, "approve", &step.why).await,
            Self::Start(step) => act(&step.desk, &step.campaign, "start", &step.why).await,
            Self::Pause(change) => act(&change.desk, &change.campaign, "pause", &change.why).await,
            Self::Resume(change) => act(&change.desk, &change.campaign, "resume", &change.why).await,
            Self::Abort(change) => act(&change.desk, &change.campaign, "abort", &change.why).await,
            Self::Show { desk, campaign, limit, after } => {
                let mut query = vec![("limit", limit.to_string())];
                query.extend(after.map(|after| ("after", after)));
                let answer = desk.ask(&["campaigns", &campaign], &query).await?;
                desk.show(answer, |detail: CampaignDetail| detail_words(&detail))
            }
            Self::List { desk, limit } => {
                let mut list = desk.pages(&["campaigns"], &[], "campaigns", limit).await?;
                list["next"] = Value::Null;
                desk.show(list, |page: CampaignPage| list_words(&page.campaigns))
            }
        }
    }
}

/// A campaign's file as Senzu takes it; what is in it is Senzu's to judge.
fn spec(file: &Path) -> anyhow::Result<Value> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    read(&text).with_context(|| format!("{} is no campaign", file.display()))
}

fn read(text: &str) -> anyhow::Result<Value> {
    let mut table: toml::Table = toml::from_str(text)?;
    // People write a date.
    if let Some(until) = table.remove("valid_until") {
        let until = until.as_datetime().and_then(|until| until.to_string().parse::<Timestamp>().ok());
        let until = until.context("valid_until is no moment: write it as 2026-12-24T06:00:00Z, without quotes")?;
        table.insert("valid_until_ms".into(), until.as_millisecond().into());
    }
    Ok(serde_json::to_value(table)?)
}

async fn act(desk: &Desk, campaign: &str, how: &str, why: &str) -> Said {
    let content = Content::Json(json!({ "why": why }));
    let answer = desk.order(Method::POST, &["campaigns", campaign, how], content).await?;
    desk.show(answer, |campaign: CampaignView| format!("{}: {}\n", campaign.spec.name, word(&campaign.status)))
}

fn preview_words(preview: &Preview) -> String {
    let row = |member: &PreviewMember| {
        let way = |plan: &PlanView| match plan {
            PlanView::NotDone { component, way } => Some(format!("{component} {}", way.join(" → "))),
            PlanView::Done { .. } | PlanView::Impossible { .. } => None,
        };
        let plan: Vec<_> = member.plan.iter().filter_map(way).collect();
        let status = if member.wave.is_some() { "qualifies".into() } else { word(&member.status) };
        let wave = member.wave.map(|wave| wave.to_string()).unwrap_or_default();
        [member.name.clone(), wave, status, plan.join(", "), member.why.clone().unwrap_or_default()]
    };
    let waves: Vec<_> = preview.waves.iter().map(u64::to_string).collect();
    let waves = if waves.is_empty() { String::new() } else { format!(", in waves of {}", waves.join(", ")) };
    let Preview { qualify, others, members, .. } = preview;
    let table = table(["ASSET", "WAVE", "IS", "PLAN", "WHY"], members.iter().map(row));
    format!("{qualify} qualify{waves}; {others} do not\n{table}")
}

fn list_words(campaigns: &[CampaignView]) -> String {
    let row = |campaign: &CampaignView| {
        let Counts { waiting, admitted, done, recovery, .. } = campaign.counts;
        [
            campaign.id.to_string(),
            campaign.spec.name.clone(),
            word(&campaign.status),
            waiting.to_string(),
            admitted.to_string(),
            done.to_string(),
            recovery.to_string(),
            campaign.words.clone().unwrap_or_default(),
        ]
    };
    table(["ID", "NAME", "STATUS", "WAIT", "GO ON", "DONE", "RECOVERY", "WHY"], campaigns.iter().map(row))
}

fn detail_words(detail: &CampaignDetail) -> String {
    let CampaignView { spec, status, words, asked_by, asked_ms, approved_by, why, .. } = &detail.campaign;
    let words = words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
    let approved = approved_by.as_ref().map(|by| format!(", approved by {by}")).unwrap_or_default();
    let wave = |wave: &crate::campaign::WaveView| {
        let Counts { waiting, admitted, done, recovery, impossible, skipped } = wave.counts;
        let counts = [waiting, admitted, done, recovery, impossible, skipped].map(|count| count.to_string());
        let [waiting, admitted, done, recovery, impossible, skipped] = counts;
        [wave.wave.to_string(), waiting, admitted, done, recovery, impossible, skipped]
    };
    let member = |member: &MemberView| {
        let wave = member.wave.map(|wave| wave.to_string()).unwrap_or_default();
        let since = time(member.changed_ms);
        [member.name.clone(), wave, word(&member.status), since, member.why.clone().unwrap_or_default()]
    };
    let head = ["WAVE", "WAIT", "GO ON", "DONE", "RECOVERY", "IMPOSSIBLE", "SKIPPED"];
    let more = detail.next.as_ref().map(|next| format!("\nmore: --after {next}\n")).unwrap_or_default();
    format!(
        "{}: {}{words}\n{}\nasked by {asked_by} {}{approved}: {why}\n\n{}\n{}{more}",
        spec.name,
        word(status),
        wanted_words(&spec.wanted),
        time(*asked_ms),
        table(head, detail.waves.iter().map(wave)),
        table(["ASSET", "WAVE", "STATUS", "SINCE", "WHY"], detail.members.iter().map(member)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_its_date_is_one() {
        let file = "name = \"bmc\"\nvalid_until = 2026-12-24T06:00:00Z\n[query]\nrack = \"r1\"\n[[wanted]]\ncomponent = \"bmc\"\nversion = \"2.0\"\n";
        let read_so = read(file).unwrap();
        assert_eq!(
            read_so,
            json!({
                "name": "bmc", "valid_until_ms": 1_798_092_000_000_u64, "query": {"rack": "r1"},
                "wanted": [{"component": "bmc", "version": "2.0"}],
            })
        );
        assert!(serde_json::from_value::<crate::campaign::Spec>(read_so).is_ok());
        assert!(read("valid_until = \"tomorrow\"").is_err());
    }
}
