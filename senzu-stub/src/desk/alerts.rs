//! What a person should know of: alerts, and the fleet in numbers.

use super::{Desk, Said, table::table};
use crate::{
    alerts::{AlertView, FleetView},
    api::AlertList,
    store::word,
    words::time,
};
use pious_client::{Content, Method};
use serde_json::json;

/// Lists the newest alerts: `open`, `resolved` or `all`.
pub async fn alerts(desk: &Desk, show: String) -> Said {
    desk.show(desk.ask(&["alerts"], &[("show", show)]).await?, |list: AlertList| {
        table(["ID", "AT", "ASSET", "KIND", "WHAT", "RESOLVED"], list.alerts.into_iter().map(row))
    })
}

/// Resolves one: it is not raised about the same thing again.
pub async fn resolve(desk: &Desk, id: &str, why: &str) -> Said {
    let answer = desk.order(Method::POST, &["alerts", id, "resolve"], Content::Json(json!({ "why": why }))).await?;
    desk.show(answer, |alert: AlertView| format!("{} of {} is resolved\n", word(&alert.kind), alert.name))
}

fn row(alert: AlertView) -> [String; 6] {
    let AlertView { id, at_ms, name, kind, words, resolved_ms, resolved_by, .. } = alert;
    let resolved = match (resolved_ms, resolved_by) {
        (Some(at), Some(by)) => format!("{} by {by}", time(at)),
        (Some(at), None) => time(at),
        (None, _) => String::new(),
    };
    [id.to_string(), time(at_ms), name, word(&kind), words, resolved]
}

/// The fleet in numbers, and who is silent or flaps.
pub async fn fleet(desk: &Desk) -> Said {
    desk.show(desk.ask(&["fleet"], &[]).await?, |fleet: FleetView| {
        let FleetView { states, evaluations, agent_versions, firmware_versions, silent, flapping } = fleet;
        let counted = |what: &str, name: String, assets: u64| [what.to_owned(), name, assets.to_string()];
        let rows = states.into_iter().map(|count| counted("state", count.name, count.assets));
        let rows = rows.chain(evaluations.into_iter().map(|count| counted("judged", count.name, count.assets)));
        let versions = agent_versions.into_iter().chain(firmware_versions).map(|version| {
            let product = version.product.map(|product| format!("{product} ")).unwrap_or_default();
            counted(&version.component, format!("{product}{}", version.version), version.assets)
        });
        let mut text = table(["WHAT", "WHICH", "ASSETS"], rows.chain(versions));
        for silent in silent {
            text.push_str(&format!("silent since {}: {}\n", time(silent.last_seen_ms), silent.name));
        }
        for flapping in flapping {
            let since = time(flapping.since_ms);
            text.push_str(&format!("flapping since {since}: {}, {}\n", flapping.name, flapping.check));
        }
        text
    })
}
