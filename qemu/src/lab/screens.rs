//! What servers show: pictures of their screens, and the text on them.

use super::{Lab, LabError, control::Request};
use std::{path::Path, time::Duration};

/// How often a screen is looked at while something is waited for on it: nothing tells when it is painted, and painting
/// takes tenths of a second under emulation.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Lab {
    /// Writes what a server's VGA screen shows into a PNG file.
    pub async fn screenshot(&self, server: &str, file: &Path) -> Result<(), LabError> {
        let file = std::path::absolute(file)?;
        self.ask(&Request::Screenshot { server: server.into(), file }).await
    }

    /// The lines on a server's screen, which must be in text mode.
    pub async fn screen(&self, server: &str) -> Result<Vec<String>, LabError> {
        self.ask(&Request::Text { server: server.into() }).await
    }

    /// The same of a screen that neither scrolls nor changes its mode since [`Lab::screen`]: the guest runs on meanwhile.
    pub async fn screen_again(&self, server: &str) -> Result<Vec<String>, LabError> {
        self.ask(&Request::TextAgain { server: server.into() }).await
    }

    /// Waits for a screen that `wanted` likes; answers its lines. A screen that has no text yet (before the firmware has
    /// set its mode) is waited for.
    pub async fn screen_when(
        &self,
        server: &str,
        what: &str,
        within: Duration,
        wanted: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>, LabError> {
        let mut lines = Vec::new();
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        let appearing = async {
            loop {
                ticks.tick().await;
                match self.screen(server).await {
                    Ok(shown) => lines = shown,
                    Err(LabError::Refused(why)) => {
                        lines = vec![why];
                        continue;
                    }
                    Err(error) => return Err(error),
                }
                if wanted(&lines) {
                    return Ok(());
                }
            }
        };
        match tokio::time::timeout(within, appearing).await {
            Ok(looked) => looked.map(|()| lines),
            Err(_) => {
                let context = format!("; {server}'s screen shows:\n{}", lines.join("\n"));
                Err(LabError::Timeout { what: format!("{what} on {server}'s screen"), within, context })
            }
        }
    }
}
