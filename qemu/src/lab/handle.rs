//! The handle of a running lab: what commands, tests and the demo hold. Dropping it takes the lab down.

use super::{
    control::{Answer, Request, SOCKET, ServiceAction, ServiceName, Status},
    events::{Event, What},
    faults::Fault,
    inner::{PROVISIONING_ADDRESS, SENZU},
    options::Options,
    programs::{self, ProgramError},
};
use crate::rack::{NicRef, PortRef, Rack, RackError};
use serde::de::DeserializeOwned;
use std::{
    io::{self, BufRead, Write},
    net::{IpAddr, SocketAddr},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

/// The last byte of a unix socket's path is at 107 (unix(7)).
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// How long a lab may take to end before it is killed: services tidy up for 5 s each.
const DOWN_WITHIN: Duration = Duration::from_secs(20);

/// An agent's own HTTP server.
pub const AGENT_PORT: u16 = 8080;

/// Why something was not done.
#[derive(Debug, Error)]
pub enum LabError {
    /// The rack file can't be read.
    #[error("reading the rack file {path}")]
    RackFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The rack file is wrong.
    #[error("{path}")]
    Rack {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<RackError>,
    },
    /// A program is missing.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A lab runs already in that directory.
    #[error("a lab runs already in {0}; take it down first: pious-lab down")]
    Running(PathBuf),
    /// No lab runs in that directory.
    #[error("no lab runs in {dir}; bring one up first: pious-lab up RACK")]
    NotRunning {
        /// The directory.
        dir: PathBuf,
        /// What connecting said.
        #[source]
        source: io::Error,
    },
    /// The directory's path leaves no room for a socket's name.
    #[error("{0} is too long for a unix socket's path ({MAX_SOCKET_PATH_BYTES} bytes); use a shorter --dir")]
    LongPath(PathBuf),
    /// The lab did not come up.
    #[error("the lab did not come up: {why}\n(see {log})")]
    Start {
        /// Why not.
        why: String,
        /// Where the rest is.
        log: PathBuf,
    },
    /// Talking to the lab.
    #[error("talking to the lab")]
    Io(#[from] io::Error),
    /// The lab said something else than expected.
    #[error("the lab's answer is not understood: {0}")]
    Answer(String),
    /// The lab said no.
    #[error("{0}")]
    Refused(String),
    /// It did not happen in time.
    #[error("{what} did not happen within {} s{context}", within.as_secs())]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
        /// What was seen instead.
        context: String,
    },
    /// An HTTP client can't be made.
    #[error("making an HTTP client")]
    Http(#[from] reqwest::Error),
    /// Senzu's operator token or CA.
    #[error("reading {path}")]
    Trust {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// A running lab.
pub struct Lab {
    /// Its rack.
    pub rack: Rack,
    /// Its options.
    pub options: Options,
    /// Senzu's page on the host's loopback.
    pub page: Option<String>,
    outer: Option<Child>,
}

impl Lab {
    /// Brings a rack up.
    pub async fn up(rack_file: &Path, options: Options) -> Result<Self, LabError> {
        let rack_file = std::path::absolute(rack_file)?;
        tokio::task::spawn_blocking(move || Self::start(&rack_file, options, false)).await.map_err(io::Error::other)?
    }

    /// Brings a rack up that outlives this process.
    pub fn up_detached(rack_file: &Path, options: Options) -> Result<Option<String>, LabError> {
        let mut lab = Self::start(&std::path::absolute(rack_file)?, options, true)?;
        lab.outer = None;
        Ok(lab.page.take())
    }

    fn start(rack_file: &Path, mut options: Options, detached: bool) -> Result<Self, LabError> {
        let rack = read_rack(rack_file)?;
        for path in [&mut options.dir, &mut options.image, &mut options.trust, &mut options.programs] {
            *path = std::path::absolute(&*path)?;
        }
        let control = options.dir.join(SOCKET);
        if options.dir.join("forward/1000").as_os_str().len() > MAX_SOCKET_PATH_BYTES {
            return Err(LabError::LongPath(control));
        }
        if std::os::unix::net::UnixStream::connect(&control).is_ok() {
            return Err(LabError::Running(options.dir));
        }
        std::fs::create_dir_all(&options.dir)?;
        match std::fs::remove_file(&control) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        let log = options.dir.join("lab.log");
        let mut outer = Command::new(programs::own(&options.programs, "pious-lab")?);
        outer.arg("outer").arg(rack_file).arg(serde_json::to_string(&options).map_err(io::Error::other)?);
        if detached {
            outer.arg("--detached").stdin(Stdio::null());
        } else {
            outer.stdin(Stdio::piped());
        }
        // In a process group of its own: the terminal's Ctrl-C is ours to answer.
        let mut outer = outer.stdout(Stdio::piped()).stderr(std::fs::File::create(&log)?).process_group(0).spawn()?;
        let mut lab = Self { rack, options, page: None, outer: None };
        let mut first = String::new();
        if let Some(output) = outer.stdout.take() {
            io::BufReader::new(output).read_line(&mut first)?;
        }
        match first.strip_prefix("ready ").map(serde_json::from_str::<serde_json::Value>) {
            Some(Ok(ready)) => {
                lab.page = ready["page"].as_str().map(str::to_owned);
                lab.outer = Some(outer);
                Ok(lab)
            }
            Some(Err(_)) | None => {
                drop(outer.stdin.take());
                let _ = outer.wait();
                let words = std::fs::read_to_string(&log).unwrap_or_default();
                Err(LabError::Start { why: words.trim().to_owned(), log })
            }
        }
    }

    /// Everything beneath the run directory.
    pub fn dir(&self) -> &Path {
        &self.options.dir
    }

    async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, LabError> {
        ask(&self.options.dir, request).await
    }

    /// What there is.
    pub async fn status(&self) -> Result<Status, LabError> {
        self.ask(&Request::Status).await
    }

    /// Switches a server on.
    pub async fn boot(&self, server: &str) -> Result<(), LabError> {
        self.ask(&Request::Boot { server: server.into() }).await
    }

    /// Pulls a server's power cord.
    pub async fn power_off(&self, server: &str) -> Result<(), LabError> {
        self.ask(&Request::PowerOff { server: server.into() }).await
    }

    /// Presses a server's reset button.
    pub async fn reset(&self, server: &str) -> Result<(), LabError> {
        self.ask(&Request::Reset { server: server.into() }).await
    }

    /// Writes what a server's VGA screen shows into a PNG file.
    pub async fn screenshot(&self, server: &str, file: &Path) -> Result<(), LabError> {
        let file = std::path::absolute(file)?;
        self.ask(&Request::Screenshot { server: server.into(), file }).await
    }

    /// Pulls a NIC's cable; answers the port it was in.
    pub async fn unplug(&self, nic: &NicRef) -> Result<PortRef, LabError> {
        self.ask(&Request::Unplug { nic: nic.clone() }).await
    }

    /// Plugs a NIC's cable into a port: where it was last, unless told otherwise.
    pub async fn plug(&self, nic: &NicRef, port: Option<PortRef>) -> Result<PortRef, LabError> {
        self.ask(&Request::Plug { nic: nic.clone(), port }).await
    }

    /// Moves a NIC's cable into another port; answers the port it was in.
    pub async fn move_cable(&self, nic: &NicRef, port: &PortRef) -> Result<PortRef, LabError> {
        let was_in = self.unplug(nic).await?;
        self.plug(nic, Some(port.clone())).await?;
        Ok(was_in)
    }

    /// Changes how a switch port behaves; what is `None` stays.
    pub async fn port(
        &self,
        port: &PortRef,
        down: Option<bool>,
        loss_percent: Option<u8>,
        delay: Option<Duration>,
    ) -> Result<(), LabError> {
        let delay_ms = delay.map(|delay| delay.as_millis() as u64);
        self.ask(&Request::Port { port: port.clone(), down, loss_percent, delay_ms }).await
    }

    /// Begins a port's capture into a pcap file, or ends it.
    pub async fn capture(&self, port: &PortRef, file: Option<&Path>) -> Result<(), LabError> {
        let file = file.map(std::path::absolute).transpose()?;
        self.ask(&Request::Capture { port: port.clone(), file }).await
    }

    /// Starts a service, and waits until it serves.
    pub async fn start_service(&self, service: ServiceName) -> Result<(), LabError> {
        self.ask(&Request::Service { service, action: ServiceAction::Start }).await
    }

    /// Stops a service, and waits until it is gone.
    pub async fn stop_service(&self, service: ServiceName) -> Result<(), LabError> {
        self.ask(&Request::Service { service, action: ServiceAction::Stop }).await
    }

    /// Puts something else in the place of a stopped Senzu; `None` takes it away.
    pub async fn fault(&self, fault: Option<Fault>) -> Result<(), LabError> {
        self.ask(&Request::Fault { fault }).await
    }

    /// A server's serial port from its first byte on.
    pub async fn serial(&self, server: &str) -> Result<SerialLines, LabError> {
        self.serial_from(server, 0).await
    }

    /// A server's serial port from an offset on.
    pub async fn serial_from(&self, server: &str, from: usize) -> Result<SerialLines, LabError> {
        let (stream, _) = open(&self.options.dir, &Request::Serial { server: server.into(), from }).await?;
        Ok(SerialLines { server: server.into(), stream, seen: Vec::new() })
    }

    /// Every event from a number on.
    pub async fn watch(&self, from: usize) -> Result<Watch, LabError> {
        let (stream, _) = open(&self.options.dir, &Request::Watch { from }).await?;
        Ok(Watch { stream })
    }

    /// Every event so far.
    pub async fn events(&self) -> Result<Vec<Event>, LabError> {
        let count = self.status().await?.events;
        let mut watch = self.watch(0).await?;
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            events.push(watch.next().await?);
        }
        Ok(events)
    }

    /// Waits until a server is off (it may be already).
    pub async fn wait_off(&self, server: &str, within: Duration) -> Result<(), LabError> {
        let status = self.status().await?;
        if status.servers.iter().any(|known| known.name == server && !known.on) {
            return Ok(());
        }
        // Whatever happened between the two is in the list.
        let what = format!("{server}'s power-off");
        let mut watch = self.watch(status.events).await?;
        watch.until(&what, within, |event| event.server.as_deref() == Some(server) && event.what == What::Off).await?;
        Ok(())
    }

    /// Waits until a server resets, from the event of number `from` on (`status().events` before what causes it).
    pub async fn wait_reset(&self, server: &str, from: usize, within: Duration) -> Result<(), LabError> {
        let what = format!("{server}'s reset");
        let is_reset = |event: &Event| match event.what {
            What::Reset { .. } => event.server.as_deref() == Some(server),
            _ => false,
        };
        self.watch(from).await?.until(&what, within, is_reset).await?;
        Ok(())
    }

    /// A unix socket that leads to an address inside, from one of the lab's own addresses.
    pub async fn forward(&self, to: SocketAddr, from: Option<IpAddr>) -> Result<PathBuf, LabError> {
        self.ask(&Request::Forward { to, from }).await
    }

    /// Senzu, as its operator.
    pub async fn senzu(&self) -> Result<Senzu, LabError> {
        let read = |name: &str| {
            let path = self.options.trust.join(name);
            std::fs::read(&path).map_err(|source| LabError::Trust { path, source })
        };
        let token = String::from_utf8_lossy(&read("operator-token")?).trim().to_owned();
        let ca = reqwest::Certificate::from_pem(&read("ca.pem")?)?;
        let client = client(&self.forward(SENZU, None).await?)?.tls_certs_only([ca]).build()?;
        Ok(Senzu { client, url: format!("https://{SENZU}"), token })
    }

    /// An agent's own HTTP server, asked from an address of the lab's: base URL and client.
    pub async fn agent_http(&self, address: IpAddr, from: IpAddr) -> Result<(reqwest::Client, String), LabError> {
        let to = SocketAddr::new(address, AGENT_PORT);
        let client = client(&self.forward(to, Some(from)).await?)?.tls_certs_only([]).build()?;
        Ok((client, format!("http://{to}")))
    }

    /// pxe's HTTP server: base URL and client.
    pub async fn pxe_http(&self) -> Result<(reqwest::Client, String), LabError> {
        let to = SocketAddr::new(IpAddr::V4(PROVISIONING_ADDRESS), 8081);
        let client = client(&self.forward(to, None).await?)?.tls_certs_only([]).build()?;
        Ok((client, format!("http://{to}")))
    }

    /// Takes everything down, and waits until it is.
    pub async fn down(mut self) -> Result<(), LabError> {
        let outer = self.outer.take();
        tokio::task::spawn_blocking(move || outer.map(end)).await.map_err(io::Error::other)?;
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(outer) = self.outer.take() {
            end(outer);
        }
    }
}

/// Lets go of a lab: its standard input ends, and it tidies up; else it is killed, and everything in it with it.
fn end(mut outer: Child) {
    drop(outer.stdin.take());
    let (done, waited) = std::sync::mpsc::channel::<()>();
    let id = nix::unistd::Pid::from_raw(outer.id().cast_signed());
    let killer = std::thread::spawn(move || {
        if waited.recv_timeout(DOWN_WITHIN) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGKILL);
        }
    });
    let _ = outer.wait();
    drop(done);
    let _ = killer.join();
}

fn client(socket: &Path) -> Result<reqwest::ClientBuilder, LabError> {
    // Somebody may have installed one already: the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().unix_socket(socket).timeout(Duration::from_secs(60)))
}

/// Reads and checks a rack file.
pub fn read_rack(path: &Path) -> Result<Rack, LabError> {
    let text = std::fs::read_to_string(path).map_err(|source| LabError::RackFile { path: path.to_owned(), source })?;
    Rack::parse(&text).map_err(|source| LabError::Rack { path: path.to_owned(), source: Box::new(source) })
}

/// Asks the lab that runs in a directory.
pub async fn ask<T: DeserializeOwned>(dir: &Path, request: &Request) -> Result<T, LabError> {
    let (_, value) = open(dir, request).await?;
    serde_json::from_value(value).map_err(|error| LabError::Answer(error.to_string()))
}

/// Takes the lab down that runs in a directory, and waits until it is.
pub async fn down(dir: &Path) -> Result<(), LabError> {
    let (mut stream, _) = open(dir, &Request::Down).await?;
    // The inner process holds the other end until it is gone, and everything else with it.
    stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// Asks the lab that runs in a directory; the connection goes on as a stream.
pub async fn open(dir: &Path, request: &Request) -> Result<(BufReader<UnixStream>, serde_json::Value), LabError> {
    let connected = UnixStream::connect(dir.join(SOCKET)).await;
    let mut stream = BufReader::new(connected.map_err(|source| LabError::NotRunning { dir: dir.to_owned(), source })?);
    let line = serde_json::to_string(request).map_err(io::Error::other)? + "\n";
    stream.write_all(line.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_line(&mut answer).await?;
    match serde_json::from_str(&answer) {
        Ok(Answer::Ok(value)) => Ok((stream, value)),
        Ok(Answer::Error(why)) => Err(LabError::Refused(why)),
        Err(_) => Err(LabError::Answer(answer)),
    }
}

/// Senzu, as its operator.
#[derive(Clone)]
pub struct Senzu {
    /// A client that reaches it.
    pub client: reqwest::Client,
    /// Its URL.
    pub url: String,
    /// The operator's token.
    pub token: String,
}

impl Senzu {
    /// Asks an operator's question.
    pub async fn get(&self, path: &str) -> Result<serde_json::Value, reqwest::Error> {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        request.send().await?.error_for_status()?.json().await
    }

    /// Gives an operator's order; the answer's body, or nothing where it has none.
    pub async fn post(&self, path: &str, body: &serde_json::Value) -> Result<serde_json::Value, reqwest::Error> {
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body);
        let bytes = request.send().await?.error_for_status()?.bytes().await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// A page, as people see it.
    pub async fn page(&self, path: &str) -> Result<String, reqwest::Error> {
        self.client.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.text().await
    }
}

/// A server's serial port, line by line.
pub struct SerialLines {
    server: String,
    stream: BufReader<UnixStream>,
    seen: Vec<String>,
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
    stream: BufReader<UnixStream>,
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
