//! The programs beside the servers: Senzu, pxe, `lldpd`. Each is started with a configuration written here, logged, and
//! waited for until it says that it serves.

use nix::{sys::signal::Signal, unistd::Pid};
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
    process::Command,
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

/// A service that runs, or ran.
pub struct Service {
    name: String,
    id: Option<Pid>,
    log: PathBuf,
    ready: watch::Receiver<bool>,
    /// How it ended, once it has.
    ended: watch::Receiver<Option<String>>,
}

impl Service {
    /// Starts a program; both its outputs go into `log`. It serves when a line of its standard output says `ready`.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self, ServiceError> {
        let program = PathBuf::from(command.as_std().get_program());
        let failed = |source| ServiceError::Start { service: name.to_owned(), program: program.clone(), source };
        let file = File::options().create(true).append(true).open(log).map_err(failed)?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (says_ready, ready) = watch::channel(false);
        let (ends, ended) = watch::channel(None);
        let file = Arc::new(Mutex::new(file));
        if let Some(out) = child.stdout.take() {
            tokio::spawn(copy(out, Arc::clone(&file), Some(says_ready)));
        }
        if let Some(err) = child.stderr.take() {
            tokio::spawn(copy(err, file, None));
        }
        let id = child.id().map(|id| Pid::from_raw(id.cast_signed()));
        tokio::spawn(async move {
            let status = child.wait().await;
            ends.send_replace(Some(status.map_or_else(|error| error.to_string(), |status| status.to_string())));
        });
        Ok(Self { name: name.to_owned(), id, log: log.to_owned(), ready, ended })
    }

    /// Waits until it says that it serves.
    pub async fn ready(&mut self) -> Result<(), ServiceError> {
        let mut ready = self.ready.clone();
        tokio::select! {
            Ok(_) = ready.wait_for(|ready| *ready) => Ok(()),
            status = self.end() => Err(self.has_ended(status)),
            () = tokio::time::sleep(READY_WITHIN) => Err(ServiceError::NotReady {
                service: self.name.clone(),
                log: self.log.clone(),
                last: last_lines(&self.log),
            }),
        }
    }

    /// Runs a program to its end.
    pub async fn run(name: &str, command: Command, log: &Path) -> Result<(), ServiceError> {
        let service = Self::start(name, command, log)?;
        match service.end().await {
            status if status == SUCCESS => Ok(()),
            status => Err(service.has_ended(status)),
        }
    }

    /// Waits until it has ended; answers how. Does not hold on to the service.
    pub fn end(&self) -> impl Future<Output = String> + use<> {
        let mut ended = self.ended.clone();
        async move {
            let status = ended.wait_for(Option::is_some).await;
            status.ok().and_then(|status| status.clone()).unwrap_or_default()
        }
    }

    /// Whether it still runs.
    pub fn runs(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Asks it to end, and waits until it has; answers how.
    pub async fn stop(self) -> String {
        self.signal(Signal::SIGTERM);
        match tokio::time::timeout(STOP_WITHIN, self.end()).await {
            Ok(status) => status,
            Err(_) => {
                self.signal(Signal::SIGKILL);
                format!("{}, as it did not end within {} s", self.end().await, STOP_WITHIN.as_secs())
            }
        }
    }

    fn signal(&self, signal: Signal) {
        // Once it has ended, its id may be somebody else's.
        if let Some(id) = self.id.filter(|_| self.runs()) {
            let _ = nix::sys::signal::kill(id, signal);
        }
    }

    fn has_ended(&self, status: String) -> ServiceError {
        ServiceError::Ended { service: self.name.clone(), status, log: self.log.clone(), last: last_lines(&self.log) }
    }
}

/// How the standard library writes that all went well.
const SUCCESS: &str = "exit status: 0";

/// Copies lines into the log; one that is or begins with `ready` is the sign. A program whose output ends will never say it.
async fn copy(from: impl AsyncRead + Unpin, log: Arc<Mutex<File>>, ready: Option<watch::Sender<bool>>) {
    // Whatever bytes they are made of: a program whose output nobody reads would stand still.
    let mut lines = BufReader::new(from).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        let _ = writeln!(log.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        if let Some(ready) = &ready
            && (line == "ready" || line.starts_with("ready "))
        {
            ready.send_replace(true);
        }
    }
}

/// A log's end, for an error's words.
pub fn last_lines(log: &Path) -> String {
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

    #[tokio::test]
    async fn readiness_is_a_line_and_an_early_end_shows_the_last_words() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let mut service = Service::start("a", shell("printf '\\377\\n'; echo ready; exec sleep 60"), &log).unwrap();
        service.ready().await.unwrap();
        assert!(service.stop().await.contains("signal: 15"));

        let mut service = Service::start("b", shell("echo no luck >&2; exit 3"), &log).unwrap();
        let error = service.ready().await.unwrap_err().to_string();
        assert!(error.starts_with("b ended with exit status: 3"), "{error}");
    }
}
