//! What goes on and on: a server's serial port, line by line; the lab's events, one by one.

use super::{BOOT_WITHIN, control::Request, error::LabError, events::Event, handle::open};
use std::{
    io::{self, Write},
    path::Path,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

/// A server's serial port, line by line.
pub struct SerialLines {
    pub(super) server: String,
    pub(super) stream: BufReader<UnixStream>,
    pub(super) seen: Vec<String>,
}

impl SerialLines {
    /// The next line, without its end and without terminal escapes.
    pub async fn next(&mut self) -> Result<String, LabError> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(LabError::Answer(format!("{}'s serial port ended", self.server)));
        }
        let line = plain(&String::from_utf8_lossy(&line));
        self.seen.push(line.clone());
        Ok(line)
    }

    /// Waits for a line that `wanted` likes.
    pub async fn until(
        &mut self,
        what: &str,
        within: Duration,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> Result<String, LabError> {
        let found = tokio::time::timeout(within, async {
            loop {
                let line = self.next().await?;
                if wanted(&line) {
                    return Ok::<_, LabError>(line);
                }
            }
        });
        match found.await {
            Ok(line) => line,
            Err(_) => {
                let last = self.seen.iter().rev().filter(|line| !line.trim().is_empty()).take(12);
                let last: Vec<&str> = last.map(String::as_str).collect();
                let context = format!("; {}'s serial port last wrote:\n{}", self.server, reversed(&last).join("\n"));
                Err(LabError::Timeout { what: what.into(), within, context })
            }
        }
    }

    /// Waits for a line that contains a text.
    pub async fn contains(&mut self, text: &str, within: Duration) -> Result<String, LabError> {
        self.until(&format!("a line with {text:?} on {}'s serial port", self.server), within, |line| {
            line.contains(text)
        })
        .await
    }

    /// Waits for a console that shows checks, none of them failed or unknown; answers its tally.
    pub async fn all_passed(&mut self) -> Result<String, LabError> {
        let passed = |line: &str| {
            line.contains("  checks ") && line.contains("0 failed, 0 unknown") && !line.contains(" 0 passed")
        };
        self.until("a console without failed or unknown checks", BOOT_WITHIN, passed).await
    }

    /// Waits for a line that `wanted` likes, unless one came already.
    pub async fn ever(
        &mut self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String, LabError> {
        match self.seen.iter().find(|line| wanted(line)) {
            Some(line) => Ok(line.clone()),
            None => self.until(what, within, wanted).await,
        }
    }

    /// Types.
    pub async fn type_in(&mut self, text: &str) -> Result<(), LabError> {
        Ok(self.stream.get_mut().write_all(text.as_bytes()).await?)
    }

    /// Every line so far.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }
}

fn reversed<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    lines.iter().rev().copied().collect()
}

/// Text without terminal escapes (ECMA-48 §5.4: ESC [ … letter) and carriage returns.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' if characters.peek() == Some(&'[') => {
                characters.next();
                for inside in characters.by_ref() {
                    if ('@'..='~').contains(&inside) {
                        break;
                    }
                }
            }
            '\x1b' | '\r' | '\n' | '\0' => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The lab's events as they come.
pub struct Watch {
    pub(super) stream: BufReader<UnixStream>,
}

impl Watch {
    /// The next one.
    pub async fn next(&mut self) -> Result<Event, LabError> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        serde_json::from_str(&line).map_err(|error| LabError::Answer(format!("{error}: {line}")))
    }

    /// Waits for one that `wanted` likes.
    pub async fn until(
        &mut self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&Event) -> bool,
    ) -> Result<Event, LabError> {
        let found = tokio::time::timeout(within, async {
            loop {
                let event = self.next().await?;
                if wanted(&event) {
                    return Ok::<_, LabError>(event);
                }
            }
        });
        found.await.map_err(|_| LabError::Timeout { what: what.into(), within, context: String::new() })?
    }
}

/// Copies a server's serial port to and from a terminal, until either ends.
pub async fn console(dir: &Path, server: &str) -> Result<(), LabError> {
    let (mut stream, _) = open(dir, &Request::Serial { server: server.into(), from: 0 }).await?;
    let (sender, mut typed) = tokio::sync::mpsc::unbounded_channel();
    // A thread of its own: a read of a terminal can't be waited for otherwise. The process ends with the console.
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(count @ 1..) = io::Read::read(&mut io::stdin(), &mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let (mut written, mut output) = ([0; 4096], io::stdout());
    loop {
        tokio::select! {
            count = stream.read(&mut written) => match count? {
                0 => return Ok(()),
                count => {
                    output.write_all(&written[..count])?;
                    output.flush()?;
                }
            },
            Some(keys) = typed.recv() => stream.get_mut().write_all(&keys).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn escapes_and_carriage_returns_are_no_text() {
        assert_eq!(plain("\x1b[2J\x1b[01;01HSeaBIOS\x1b[0m (version 1)\r\n"), "SeaBIOS (version 1)");
    }
}
