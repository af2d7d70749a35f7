//! How much the parsers and messages hold: libFuzzer's executions without a finding. Takes most of an hour, so it is
//! measured only where it is asked for.

use crate::{
    Place,
    report::{Report, Row},
};
use anyhow::Result;
use pious_tests::fuzzing::{Kind, TARGETS, Until};

pub fn measure(place: &Place, report: &mut Report) -> Result<()> {
    let kinds = [
        (Kind::Bytes, "findings in 10 million executions of each parser of bytes"),
        (Kind::Message, "findings in 500,000 executions of each message"),
    ];
    for (kind, figure) in kinds {
        let (mut findings, mut details) = (0, Vec::new());
        for target in TARGETS.iter().filter(|target| target.kind == kind) {
            let run = target.run(&place.target.join("fuzz"), Until::Executions(kind.promised()))?;
            let found = run.finding.map(|log| format!(" FOUND: {}", log.display())).unwrap_or_default();
            findings += u32::from(!found.is_empty());
            details.push(format!("{} {} in {} s{found}", target.name, run.executions, run.took.as_secs()));
        }
        let (measured, unit) = (f64::from(findings), "");
        report.add(Row { figure: figure.into(), measured, unit, budget: Some(0.0), detail: details.join(", ") });
    }
    Ok(())
}
