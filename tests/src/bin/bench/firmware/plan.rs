//! Who would be in a campaign, and the way of each to its versions: a hundred thousand against a thousand.

use crate::{
    Place,
    report::{Report, Row, median},
};
use anyhow::{Result, ensure};
use pious_lab::{bmc::image::Label, fleet::bmc::MODEL};
use pious_protocol::firmware::FirmwareComponent;
use pious_tests::senzu::Process;
use serde_json::json;
use std::time::{Duration, Instant};

const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
const TIMES: usize = 3;
const WANTED: &str = "2.11.0";

pub async fn measure(place: &Place, report: &mut Report) -> Result<()> {
    let (few, many) = (preview(place, FEW).await?, preview(place, MANY).await?);
    let (few, many) = (few.as_secs_f64(), many.as_secs_f64());
    report.add(Row {
        figure: "a campaign's preview, prechecks and plans: 100,000 assets against a hundred times 1,000".into(),
        measured: many / (few * f64::from(MANY / FEW)),
        unit: "×",
        budget: Some(1.3),
        detail: format!("{many:.2} s against {:.1} ms; none of them has told its facts yet", few * 1e3),
    });
    Ok(())
}

async fn preview(place: &Place, servers: u32) -> Result<Duration> {
    let (program, data, signer) = super::prepare(place, "plan", servers, 60)?;
    let process = Process::serve(&program, &data, &[])?;
    let operator = process.operator()?;
    signer.bring(&operator, &Label::new(FirmwareComponent::Bmc, MODEL, WANTED), 1024).await?;
    let spec = json!({
        "name": "the bench's", "query": {"region": "fleet"}, "wanted": [{"component": "bmc", "version": WANTED}],
    });
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let preview = operator.post("/v1/campaigns/preview", &spec).await?;
        times.push(begun.elapsed());
        let count = |name: &str| preview[name].as_u64().unwrap_or_default();
        ensure!(count("qualify") + count("others") == u64::from(servers), "it is about others: {}", count("qualify"));
    }
    Ok(median(times))
}
