//! The handle of a running lab: what commands, tests and the demo hold. Dropping it takes the lab down.

pub use super::{
    error::LabError,
    operator::{Senzu, agent_address},
    streams::{SerialLines, Watch, console},
};

use super::{
    control::{Answer, Request, SOCKET, ServiceAction, ServiceName, Status},
    error::MAX_SOCKET_PATH_BYTES,
    events::{Event, What},
    faults::Fault,
    inner::{PROVISIONING_ADDRESS, SENZU},
    operator::client,
    options::Options,
    ownership, programs,
};
use crate::{
    bmc::redfish,
    rack::{NicRef, PortRef, Rack},
};
use serde::de::DeserializeOwned;
use std::{
    io::{self, BufRead},
    net::{IpAddr, SocketAddr},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

/// How long a lab may take to end before it is killed: services tidy up for 5 s each.
const DOWN_WITHIN: Duration = Duration::from_secs(20);

/// An agent's own HTTP server.
pub const AGENT_PORT: u16 = 8080;

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
        ownership::create_dir_all(&options.dir)?;
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

    /// What can be typed in another terminal now, by names of this rack.
    pub fn what_next(&self) -> String {
        hints(&self.rack, self.page.as_deref())
    }

    pub(super) async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, LabError> {
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
        self.ask(&Request::Move { nic: nic.clone(), port: port.clone() }).await
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
        self.ask(&Request::Port { port: port.clone(), down, loss_percent, delay_ms, native: None }).await
    }

    /// Sets a switch port's native VLAN, which the port announces from now on.
    pub async fn set_native_vlan(&self, port: &PortRef, vlan: u16) -> Result<(), LabError> {
        let request =
            Request::Port { port: port.clone(), down: None, loss_percent: None, delay_ms: None, native: Some(vlan) };
        self.ask(&request).await
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

    /// Has a server's BMC do something wrong, once or again and again; `None`: nothing any more.
    pub async fn bmc_fault(&self, server: &str, fault: Option<redfish::Fault>, sticky: bool) -> Result<(), LabError> {
        self.ask(&Request::BmcFault { server: server.into(), fault, sticky }).await
    }

    /// What a server's BMC noted so far.
    pub async fn bmc_log(&self, server: &str) -> Result<Vec<redfish::Entry>, LabError> {
        self.ask(&Request::BmcLog { server: server.into() }).await
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

/// What can be typed while a rack is up.
pub fn hints(rack: &Rack, page: Option<&str>) -> String {
    let mut words = String::from(
        "In another terminal:\n  pious-lab status                       what there is, and which port each cable is in\n",
    );
    if let Some(server) = rack.servers.first() {
        let name = &server.name;
        let nic = server.nics.first().map_or("nic1", |nic| &nic.name);
        let lines = [
            (format!("boot {name}"), "switch a server on; off and reset likewise"),
            (format!("console {name}"), "its serial port"),
            (format!("screenshot {name} screen.png"), "its screen"),
            (format!("unplug {name}.{nic}"), "pull its cable; plug and move likewise"),
            ("down".to_owned(), "take everything down"),
        ];
        for (command, meaning) in lines {
            words.push_str(&format!("  pious-lab {command:<28} {meaning}\n"));
        }
        let servers: Vec<&str> = rack.servers.iter().map(|server| server.name.as_str()).collect();
        words.push_str(&format!("Servers: {}.", servers.join(", ")));
    }
    if let Some(page) = page {
        words.push_str(&format!("\nSenzu's page: {page}   (its certificate is the lab's own)"));
    }
    words
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
    let inner = stream.get_ref().peer_cred()?.pid();
    // The inner process holds the other end until it ends, and everything else ends before it is gone.
    stream.read_to_end(&mut Vec::new()).await?;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while inner.is_some_and(|id| Path::new("/proc").join(id.to_string()).exists()) {
        ticks.tick().await;
    }
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
