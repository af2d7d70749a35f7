//! The beans that an asset goes through.

use super::{Desk, Said};
use crate::{
    dag::OutcomeKind,
    senzu::{DagView, GraphView, ReplayView},
};
use clap::Subcommand;
use pious_client::{Content, Method};
use serde_json::json;
use std::fmt::Write;

/// The beans that an asset goes through.
#[derive(Subcommand)]
pub enum DagCommand {
    /// Show each bean, how it came out, and where the asset stands.
    Show {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
    },
    /// Re-execute the asset's recorded history on paper; fails where it takes another way.
    Replay {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
    },
    /// Let an asset go on that the loop breaker stopped.
    Clear {
        #[command(flatten)]
        desk: Desk,
        /// Its id or name.
        asset: String,
        /// Who looked at it.
        #[arg(long, env = "USER")]
        by: String,
    },
}

impl DagCommand {
    pub async fn answer(self) -> Said {
        match self {
            Self::Show { desk, asset } => desk.show(desk.ask(&["assets", &asset, "dag"], &[]).await?, dag_words),
            Self::Replay { desk, asset } => replay(&desk, &asset).await,
            Self::Clear { desk, asset, by } => {
                let content = Content::Json(json!({ "by": by }));
                desk.order(Method::POST, &["assets", &asset, "loop", "clear"], content).await?;
                Ok(String::new())
            }
        }
    }
}

async fn replay(desk: &Desk, asset: &str) -> Said {
    let answer = desk.ask(&["assets", asset, "dag", "replay"], &[]).await?;
    if desk.json {
        return Ok(format!("{answer}\n"));
    }
    let ReplayView { runs, differences, .. } = serde_json::from_value(answer)?;
    match differences.as_slice() {
        [] => Ok(format!("{runs} runs, each the same on paper\n")),
        differences => anyhow::bail!("{} of {runs} runs differ:\n{}", differences.len(), differences.join("\n")),
    }
}

fn dag_words(dag: DagView) -> String {
    let mut text = match (&dag.standing.step, &dag.standing.reason) {
        (Some(step), Some(reason)) => format!("{} stands at {step}: {reason}\n", dag.name),
        (Some(step), None) => format!("{} stands at {step}\n", dag.name),
        (None, _) => format!("{} is through\n", dag.name),
    };
    graph_words(&dag.graph, 0, &mut text);
    text
}

fn graph_words(graph: &GraphView, depth: usize, text: &mut String) {
    for vertex in &graph.vertices {
        let mark = if vertex.stands { '>' } else { ' ' };
        let outcome = vertex.outcome.map_or("-", OutcomeKind::words);
        let reason = vertex.reason.as_deref().unwrap_or_default();
        let line = format!("{:indent$}{mark} {:28} {outcome:10} {reason}", "", vertex.name, indent = depth * 2);
        // Writing to a String can't fail.
        let _ = writeln!(text, "{}", line.trim_end());
        if let Some(within) = &vertex.graph {
            graph_words(within, depth + 1, text);
        }
    }
}
