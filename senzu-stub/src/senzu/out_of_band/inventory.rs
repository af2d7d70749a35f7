//! Reads, through a BMC, what a server's components run.

use super::{chain, connect};
use pious_protocol::{instruction::FirmwareInventory, message::Report};
use pious_redfish::{Error, Place};

/// Reads what the components run; a server without one of them has the others still.
pub(super) async fn inventory(place: &Place, read: &FirmwareInventory) -> Result<Report, String> {
    let bmc = match connect(place).await? {
        Ok(bmc) => bmc,
        Err(refused) => return Ok(refused),
    };
    let certificate = bmc.certificate_sha256().map(str::to_owned);
    let (mut firmware, mut gaps, mut away) = (Vec::new(), Vec::new(), None);
    for question in &read.components {
        match bmc.versions(std::slice::from_ref(question)).await {
            Ok(found) => firmware.extend(found),
            // Each further question would be one more login that is refused.
            Err(error @ (Error::Credentials { .. } | Error::Certificate { .. })) => {
                bmc.close().await;
                return Ok(Report::Refused { reason: chain(&error) });
            }
            Err(error) if error.is_away() => {
                away = Some(chain(&error));
                break;
            }
            Err(error) => gaps.push(format!("{} is not known: {}", question.component, chain(&error))),
        }
    }
    // BMCs have few sessions, and keep them for long.
    bmc.close().await;
    if let Some(why) = away {
        return Err(why);
    }
    if firmware.is_empty() {
        return Err(gaps.join("; "));
    }
    let told = firmware.iter().map(|found| format!("{} {} ({})", found.component, found.version, found.source));
    let words = told.chain(gaps).collect::<Vec<_>>().join("; ");
    let host = place.url.host_str().unwrap_or_default();
    Ok(Report::Done {
        evidence: Some(format!("the BMC at {host} says: {words}")),
        firmware,
        bmc_certificate_sha256: certificate,
    })
}
