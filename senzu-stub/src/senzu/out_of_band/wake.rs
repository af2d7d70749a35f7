//! Turns a server on that is off, through its BMC, to boot from the network once.

use super::{At, chain, connect};
use pious_protocol::message::Report;
use pious_redfish::{Bmc, BootOnce, Error, HostRestart};
use std::time::{Duration, Instant};

/// Between two looks at a server that is turned on.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// From the BMC's word until it says that the power is on: some sequence their power supplies first.
const ON_WITHIN: Duration = Duration::from_secs(120);

/// Turns it on. That it boots is seen when it says so itself.
pub(super) async fn wake(place: &At) -> Result<Report, String> {
    let bmc = match connect(&place.redfish).await? {
        Ok(bmc) => bmc,
        Err(refused) => return Ok(refused),
    };
    let woken = turn_on(&bmc).await;
    bmc.close().await;
    match woken {
        Ok(words) => Ok(Report::done(words)),
        // It would lock us out.
        Err(NotOn::Bmc(error @ (Error::Credentials { .. } | Error::Certificate { .. }))) => {
            Ok(Report::Refused { reason: chain(&error) })
        }
        Err(NotOn::Bmc(error)) => Err(chain(&error)),
        Err(NotOn::Power(words)) => Err(words),
    }
}

/// Why it is not on.
enum NotOn {
    Bmc(Error),
    /// What its power is instead, in words.
    Power(String),
}

impl From<Error> for NotOn {
    fn from(error: Error) -> Self {
        Self::Bmc(error)
    }
}

async fn turn_on(bmc: &Bmc) -> Result<String, NotOn> {
    match super::power(bmc).await? {
        Some(state) if state == "Off" => {}
        state => {
            let state = state.as_deref().unwrap_or("unknown");
            return Err(NotOn::Power(format!("it has powered off, and its BMC says that its power is {state}")));
        }
    }
    let from = match bmc.boot_once(BootOnce::Pxe).await {
        Ok(()) => "from the network, this once".to_owned(),
        // By its own order it came to PIOUS before.
        Err(error @ (Error::Missing { .. } | Error::NotAllowed { .. } | Error::OverrideNotTaken { .. })) => {
            format!("by its own order of boot devices ({})", chain(&error))
        }
        Err(error) => return Err(error.into()),
    };
    bmc.restart_host(HostRestart::On).await?;
    let since = Instant::now();
    loop {
        let state = super::power(bmc).await?;
        if state.as_deref() == Some("On") {
            return Ok(format!("its BMC says that it is on; it boots {from}"));
        }
        if since.elapsed() >= ON_WITHIN {
            let state = state.as_deref().unwrap_or("unknown");
            let within_s = ON_WITHIN.as_secs();
            return Err(NotOn::Power(format!("its BMC took On, and {within_s} s later its power is {state}")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
