//! An asset in a few lines, and its findings: what several pages show.

use super::{mark::Mark, way::BeanLine};
use crate::senzu::AssetView;
use crate::words;
use pious_protocol::{
    finding::{Finding, Verdict},
    ids::UnixMs,
};

/// One asset in a few lines.
pub struct Card {
    pub id: String,
    pub name: String,
    pub state: &'static str,
    pub mark: &'static str,
    pub class: &'static str,
    pub step: Option<String>,
    /// How that bean came out, and the class that colours it; lists do not tell.
    pub outcome: Option<(String, &'static str)>,
    pub reason: String,
    pub held: Option<String>,
    pub serial: Option<String>,
    pub seen: String,
    pub tags: Vec<String>,
    pub region: Option<String>,
    pub rack: Option<String>,
    /// All but passes.
    pub findings: Vec<Line>,
}

/// One finding.
pub struct Line {
    pub class: &'static str,
    pub mark: &'static str,
    pub check: String,
    pub subject: Option<String>,
    pub seen: String,
    pub expected: String,
    pub remedy: String,
}

impl Card {
    pub fn of(asset: &AssetView, now: UnixMs) -> Self {
        let mark = Mark::of_asset(asset.standing.evaluation, &asset.findings);
        let open = asset.findings.iter().filter(|finding| finding.verdict != Verdict::Pass);
        Self {
            id: asset.id.to_string(),
            name: asset.name.clone(),
            state: asset.standing.state.name(),
            mark: mark.of_evaluation(),
            class: mark.class(),
            step: asset.standing.step.clone(),
            outcome: None,
            reason: asset.standing.reason.clone().unwrap_or_default(),
            // Where it stands may be because it is held; then it is said once.
            held: asset.held.as_ref().map(|held| held.by.clone()).filter(|by| {
                let said = format!("held for use by {by}");
                asset.standing.reason.as_ref().is_none_or(|reason| !reason.contains(&said))
            }),
            serial: asset.serial.clone(),
            seen: match asset.last_seen_ms {
                Some(at) => match &asset.ended {
                    Some(how) => format!("{how}, last heard {}", words::ago(at, now)),
                    None => format!("heard {}", words::ago(at, now)),
                },
                None => "never booted".into(),
            },
            tags: asset.tags.clone(),
            region: asset.region.clone(),
            rack: asset.rack.clone(),
            findings: open.map(Line::of).collect(),
        }
    }

    /// The same, which tells how the bean came out that the asset stands at.
    pub fn standing_at(self, bean: Option<&BeanLine>) -> Self {
        Self { outcome: bean.map(|bean| (bean.mark.clone(), bean.class)), ..self }
    }
}

impl Line {
    pub fn of(finding: &Finding) -> Self {
        let mark = Mark::of_verdict(finding.verdict);
        Self {
            class: mark.class(),
            mark: mark.of_finding(),
            check: finding.check.clone(),
            subject: finding.subject.clone(),
            seen: finding.seen.clone(),
            expected: finding.expected.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}
