//! Hardware profiles: from golden machines, and compared.

use super::{Desk, Said};
use crate::{
    api::ProfileList,
    profile,
    senzu::{ProfileMade, ProfileView},
};
use anyhow::Context;
use clap::Subcommand;
use pious_client::{Content, Method};
use pious_protocol::expectation::HardwareProfile;
use serde_json::json;

/// Hardware profiles.
#[derive(Subcommand)]
pub enum ProfileCommand {
    /// Make a profile from a machine that is as it should be; a new version where it says something new.
    FromAsset {
        #[command(flatten)]
        desk: Desk,
        /// The golden machine's id or name.
        asset: String,
        /// What to call it; left out: as the profile that the asset is planned with, or else as its product.
        #[arg(long)]
        name: Option<String>,
    },
    /// List every version of every profile, with the assets that are judged by it.
    List {
        #[command(flatten)]
        desk: Desk,
    },
    /// Show what a profile asks for.
    Show {
        #[command(flatten)]
        desk: Desk,
        /// `name@version`, or `name` for the newest.
        profile: String,
    },
    /// Say how the second profile differs from the first.
    Diff {
        #[command(flatten)]
        desk: Desk,
        /// `name@version`, or `name` for the newest.
        first: String,
        /// As the first.
        second: String,
    },
}

impl ProfileCommand {
    pub async fn answer(self) -> Said {
        match self {
            Self::FromAsset { desk, asset, name } => {
                let content = Content::Json(json!({ "name": name }));
                desk.show(desk.order(Method::POST, &["assets", &asset, "profile"], content).await?, made_words)
            }
            Self::List { desk } => desk.show(desk.ask(&["profiles"], &[]).await?, list_words),
            Self::Show { desk, profile } => desk.show(desk.ask(&["profiles", &profile], &[]).await?, profile_words),
            Self::Diff { desk, first, second } => diff(&desk, &first, &second).await,
        }
    }
}

async fn diff(desk: &Desk, first: &str, second: &str) -> Said {
    let read = async |name: &str| -> anyhow::Result<HardwareProfile> {
        let answer = desk.ask(&["profiles", name], &[]).await?;
        serde_json::from_value(answer).context("Senzu's answer is not what this build knows")
    };
    let lines = profile::diff(&read(first).await?, &read(second).await?);
    desk.show(json!(lines), |lines: Vec<String>| match lines.as_slice() {
        [] => "no difference\n".into(),
        lines => format!("{}\n", lines.join("\n")),
    })
}

fn made_words(made: ProfileMade) -> String {
    let ProfileMade { profile, is_new, changes, notes } = made;
    let news = if is_new { "is new" } else { "says the same already" };
    let mut text = format!("{}@{} {news}\n", profile.name, profile.version);
    text.extend(changes.into_iter().map(|change| format!("  {change}\n")));
    text.extend(notes.into_iter().map(|note| format!("  note: {note}\n")));
    text
}

fn list_words(list: ProfileList) -> String {
    let edition = |profile: &ProfileView| format!("{}@{}", profile.name, profile.version);
    let width = list.profiles.iter().map(|profile| edition(profile).len()).max().unwrap_or_default();
    let line = |profile: &ProfileView| {
        let assets = if profile.assets.is_empty() { "-".into() } else { profile.assets.join(" ") };
        format!("{:width$}  {assets}\n", edition(profile))
    };
    list.profiles.iter().map(line).collect()
}

fn profile_words(profile: HardwareProfile) -> String {
    let topics = profile::describe(&profile);
    let width = topics.iter().map(|(topic, _)| topic.len()).max().unwrap_or_default();
    topics.iter().map(|(topic, words)| format!("{topic:width$}  {words}\n")).collect()
}
