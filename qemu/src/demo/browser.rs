//! Pictures of Senzu's page as people see it, by Chromium where there is one. It runs beside the story, for one picture.

use anyhow::{Context, ensure};
use std::{io, path::Path, process::Stdio, time::Duration};
use tokio::{process::Command, time::timeout};

/// Chromium starts within seconds; beside guests that are emulated it takes a multiple of its time.
const WITHIN: Duration = Duration::from_secs(60);
/// The page's width on a desk, and the height of its beans, their reasons and its firmware.
const WINDOW: &str = "--window-size=1280,2400";

/// Takes a picture; `false`: there is no Chromium here.
pub async fn picture(url: &str, into: &Path) -> anyhow::Result<bool> {
    let profile = tempfile::tempdir().context("making a browser's profile")?;
    let child = Command::new("chromium")
        // The lab's own certificate, and root in a container.
        .args(["--headless=new", "--ignore-certificate-errors", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"])
        .arg(WINDOW)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--screenshot={}", into.display()))
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    match timeout(WITHIN, child).await {
        Err(_) => anyhow::bail!("Chromium took longer than {} s", WITHIN.as_secs()),
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Ok(status) => {
            let status = status.context("running Chromium")?;
            ensure!(status.success() && into.exists(), "Chromium ended with {status}");
            Ok(true)
        }
    }
}
