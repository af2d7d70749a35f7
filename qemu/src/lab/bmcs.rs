//! The BMCs of the rack's servers: one `ipmi_sim` (OpenIPMI) for each, which the server's QEMU connects to.

use super::{
    programs,
    servers::places,
    services::{Service, last_lines},
};
use crate::{
    bmc::{self, Files, session},
    rack::{BmcSpec, Rack, ServerSpec},
};
use anyhow::{Context, bail};
use std::path::Path;
use tokio::process::Command;

/// Where the files of a server's BMC are, beneath the run directory.
pub fn files(dir: &Path, server: &str) -> Files {
    Files::at(places(dir, server).files.join("bmc"))
}

/// Starts every BMC of the rack, and waits until each answers as the rack file says. Their servers' directories must be
/// there.
pub async fn start(rack: &Rack, dir: &Path) -> anyhow::Result<Vec<Service>> {
    let mut running = Vec::new();
    for (place, server) in rack.servers.iter().enumerate() {
        if let Some(bmc) = &server.bmc {
            let what = || format!("the BMC of {}", server.name);
            running.push(start_one(server, bmc, bmc::Ports::of(place), dir).await.with_context(what)?);
        }
    }
    Ok(running)
}

async fn start_one(server: &ServerSpec, bmc: &BmcSpec, ports: bmc::Ports, dir: &Path) -> anyhow::Result<Service> {
    let files = files(dir, &server.name);
    let state = files.directory().join("state");
    std::fs::create_dir_all(&state).with_context(|| format!("creating {}", state.display()))?;
    for (path, text) in files.texts(server, bmc, ports) {
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    let log = dir.join("logs").join(format!("bmc-{}.log", server.name));
    let mut command = Command::new(programs::installed("ipmi_sim", "openipmi")?);
    command.arg("-n").arg("-c").arg(files.configuration()).arg("-f").arg(files.commands()).arg("-s").arg(&state);
    let service = Service::start("ipmi_sim", command, &log)?;
    let vlan = bmc.vlan;
    let furnished = tokio::task::spawn_blocking(move || session::furnish(ports, vlan));
    tokio::select! {
        furnished = furnished => furnished?.with_context(|| format!("ipmi_sim, see {}", log.display()))?,
        status = service.end() => bail!("ipmi_sim ended with {status}; its last words, from {}:\n{}", log.display(), last_lines(&log)),
    }
    Ok(service)
}
