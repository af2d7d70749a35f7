//! The programs beside the servers: Senzu, pxe, `lldpd`. Each is started with a configuration written here, logged, and
//! waited for until it says that it serves.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
};

/// A service that is not up by then hangs: migrations and dnsmasq's start take under a second.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long a service may tidy up before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How many of a log's last lines an error repeats.
const LAST_LINES: usize = 6;

/// Why a service does not serve.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// It can't be started.
    #[error("starting {service} ({program})")]
    Start {
        /// Its name.
        service: String,
        /// Its program.
        program: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It ended.
    #[error("{service} ended with {status}; its last words, from {log}:\n{last}")]
    Ended {
        /// Its name.
        service: String,
        /// How.
        status: String,
        /// Where it logs.
        log: PathBuf,
        /// The log's end.
        last: String,
    },
    /// It never said that it serves.
    #[error("{service} did not serve within {} s; its last words, from {log}:\n{last}", READY_WITHIN.as_secs())]
    NotReady {
        /// Its name.
        service: String,
        /// Where it logs.
        log: PathBuf,
        /// The log's end.
        last: String,
    },
    /// A file for it.
    #[error("{service}: writing {path}")]
    Configuration {
        /// Its name.
        service: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// A service that runs.
pub struct Service {
    name: String,
    child: Child,
    log: PathBuf,
    ready: watch::Receiver<bool>,
}

impl Service {
    /// Starts a program; both its outputs go into `log`. It serves when a line of its standard output says `ready`.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self, ServiceError> {
        let failed = |source| ServiceError::Start { service: name.to_owned(), program: command_path(&command), source };
        let file = File::options().create(true).append(true).open(log).map_err(failed)?;
        let failed = |program: PathBuf| move |source| ServiceError::Start { service: name.to_owned(), program, source };
        let program = command_path(&command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed(program))?;
        let (says_ready, ready) = watch::channel(false);
        let file = Arc::new(Mutex::new(file));
        if let Some(out) = child.stdout.take() {
            tokio::spawn(copy(out, Arc::clone(&file), Some(says_ready)));
        }
        if let Some(err) = child.stderr.take() {
            tokio::spawn(copy(err, file, None));
        }
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), ready })
    }

    /// Waits until it says that it serves.
    pub async fn ready(&mut self) -> Result<(), ServiceError> {
        tokio::select! {
            Ok(_) = self.ready.wait_for(|ready| *ready) => Ok(()),
            status = self.child.wait() => Err(ServiceError::Ended {
                service: self.name.clone(),
                status: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
                log: self.log.clone(),
                last: last_lines(&self.log),
            }),
            () = tokio::time::sleep(READY_WITHIN) => Err(ServiceError::NotReady {
                service: self.name.clone(),
                log: self.log.clone(),
                last: last_lines(&self.log),
            }),
        }
    }

    /// Runs a program to its end.
    pub async fn run(name: &str, command: Command, log: &Path) -> Result<(), ServiceError> {
        let mut service = Self::start(name, command, log)?;
        match service.child.wait().await {
            Ok(status) if status.success() => Ok(()),
            status => Err(ServiceError::Ended {
                service: name.to_owned(),
                status: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
                log: log.to_owned(),
                last: last_lines(log),
            }),
        }
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(mut self) -> String {
        if let Some(id) = self.child.id() {
            let id = nix::unistd::Pid::from_raw(id.cast_signed());
            let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        }
        match tokio::time::timeout(STOP_WITHIN, self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                let _ = self.child.kill().await;
                format!("killed, as it did not end within {} s", STOP_WITHIN.as_secs())
            }
        }
    }
}

fn command_path(command: &Command) -> PathBuf {
    command.as_std().get_program().into()
}

/// Copies lines into the log; one that is or begins with `ready` is the sign. A program whose output ends will never say it.
async fn copy(from: impl AsyncRead + Unpin, log: Arc<Mutex<File>>, ready: Option<watch::Sender<bool>>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = writeln!(log.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        if let Some(ready) = &ready
            && (line == "ready" || line.starts_with("ready "))
        {
            ready.send_replace(true);
        }
    }
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

/// pxe's configuration.
pub struct PxeFile<'a> {
    /// Its state directory.
    pub state: &'a Path,
    /// The image's directory.
    pub image: &'a Path,
    /// Senzu's CA.
    pub ca: &'a Path,
    /// Words for the kernel.
    pub cmdline: &'a str,
}

impl PxeFile<'_> {
    /// The file's text. JSON's strings are TOML's basic strings.
    pub fn text(&self) -> String {
        let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
        let (state, image, ca) = (quoted(self.state), quoted(self.image), quoted(self.ca));
        let cmdline = serde_json::Value::from(self.cmdline).to_string();
        format!(
            r#"state = {state}
image = {image}
listen = "10.77.0.1:8081"
url = "http://10.77.0.1:8081"
cmdline = {cmdline}

[senzu]
url = "https://10.77.0.1:8443"
ca = {ca}
agents = ["https://10.77.0.1:8443"]

[[networks]]
name = "provisioning"
kind = "provisioning"
interface = "prov"
address = "10.77.0.1/24"
unrecognized = {{ first = "10.77.0.100", last = "10.77.0.149", lease_s = 120 }}
recognized = {{ first = "10.77.0.150", last = "10.77.0.199", lease_s = 43200 }}

[[networks]]
name = "bmc"
kind = "bmc"
interface = "bmc"
address = "10.78.0.1/24"
unrecognized = {{ first = "10.78.0.100", last = "10.78.0.149", lease_s = 120 }}
recognized = {{ first = "10.78.0.150", last = "10.78.0.199", lease_s = 43200 }}
"#
        )
    }
}

/// One `lldpd`'s configuration: it speaks for one switch, on the taps of the ports it has.
pub fn lldpd_configuration(
    switch: &crate::rack::SwitchSpec,
    taps: &[(String, &crate::rack::PortSpec)],
    interval: Duration,
) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', ""));
    let mut lines = vec![
        format!("configure system hostname {}", quoted(&switch.name)),
        format!("configure system description {}", quoted(switch.description.as_deref().unwrap_or("PIOUS lab switch"))),
        format!("configure lldp tx-interval {}", interval.as_secs()),
    ];
    if let Some(address) = switch.management {
        lines.push(format!("configure system ip management pattern {address}"));
    }
    for (tap, port) in taps {
        lines.push(format!("configure ports {tap} lldp portidsubtype local {}", quoted(&port.name)));
        let description = port.description.as_deref().unwrap_or(&port.name);
        lines.push(format!("configure ports {tap} lldp portdescription {}", quoted(description)));
        // The host has no VLAN devices to tell it from: IEEE 802.1's Port VLAN ID (subtype 1) and VLAN Name (3) by hand.
        if let Some(native) = port.native {
            lines.push(custom_tlv(tap, 1, &native.to_be_bytes()));
        }
        for vlan in port.native.iter().chain(&port.tagged) {
            let name =
                if *vlan == crate::rack::PROVISIONING_VLAN { "provisioning".into() } else { format!("vlan{vlan}") };
            lines.push(custom_tlv(tap, 3, &[&vlan.to_be_bytes()[..], &[name.len() as u8], name.as_bytes()].concat()));
        }
    }
    lines.join("\n") + "\n"
}

fn custom_tlv(tap: &str, subtype: u8, value: &[u8]) -> String {
    let octets: Vec<String> = value.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("configure ports {tap} lldp custom-tlv add oui 00,80,c2 subtype {subtype} oui-info {}", octets.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pxes_file_is_toml_whatever_the_paths() {
        let path = Path::new("/a \"b\"/c");
        let text = PxeFile { state: path, image: path, ca: path, cmdline: "pious.console=serial" }.text();
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["state"].as_str(), Some("/a \"b\"/c"));
        assert_eq!(table["networks"][1]["recognized"]["lease_s"].as_integer(), Some(43200));
    }

    #[test]
    fn lldpd_is_told_what_the_rack_says() {
        let switch: crate::rack::SwitchSpec = toml::from_str(
            "name = 'r1-sw1'\nchassis = '52:54:00:5e:00:01'\nports = [{name='Ethernet1', native=10, lldp='lldpd'}]",
        )
        .unwrap();
        assert_eq!(
            lldpd_configuration(&switch, &[("lldp0".into(), &switch.ports[0])], Duration::from_secs(3)),
            "configure system hostname \"r1-sw1\"\n\
             configure system description \"PIOUS lab switch\"\n\
             configure lldp tx-interval 3\n\
             configure ports lldp0 lldp portidsubtype local \"Ethernet1\"\n\
             configure ports lldp0 lldp portdescription \"Ethernet1\"\n\
             configure ports lldp0 lldp custom-tlv add oui 00,80,c2 subtype 1 oui-info 00,0a\n\
             configure ports lldp0 lldp custom-tlv add oui 00,80,c2 subtype 3 oui-info \
             00,0a,0c,70,72,6f,76,69,73,69,6f,6e,69,6e,67\n"
        );
    }

    #[tokio::test]
    async fn readiness_is_a_line_and_an_early_end_shows_the_last_words() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let mut service = Service::start("a", shell("echo starting; echo ready; exec sleep 60"), &log).unwrap();
        service.ready().await.unwrap();
        assert!(service.stop().await.contains("signal: 15"));

        let mut service = Service::start("b", shell("echo no luck >&2; exit 3"), &log).unwrap();
        let error = service.ready().await.unwrap_err().to_string();
        assert!(error.starts_with("b ended with exit status: 3"), "{error}");
    }
}
