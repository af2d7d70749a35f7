//! A server that is switched on: the QEMU process, its monitor, its serial port.

use super::{
    argv::{self, Accelerator, Places},
    qmp::{MachineEvent, Qmp, QmpError},
    screen::{ScreenError, png_of_ppm},
};
use crate::rack::{Firmware, ServerSpec};
use serde_json::json;
use std::{io, path::PathBuf, process::Stdio, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{
    net::{UnixListener, UnixStream, unix::OwnedWriteHalf},
    process::{Child, Command},
    sync::mpsc,
};

/// QEMU opens its sockets within milliseconds of starting, seconds on a busy desk.
const CONNECTED_WITHIN: Duration = Duration::from_secs(30);

/// Why a server can't be switched on.
#[derive(Debug, Error)]
pub enum MachineError {
    /// A file of the server's.
    #[error("server {server}: {what} {path}")]
    File {
        /// The server.
        server: String,
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// QEMU could not be started.
    #[error("server {server}: starting {program} (package qemu-system-x86)")]
    Start {
        /// The server.
        server: String,
        /// The program.
        program: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// QEMU ended before it opened its sockets.
    #[error("server {server}: QEMU ended at once; its last words, from {log}:\n{last}")]
    Died {
        /// The server.
        server: String,
        /// Where it said why.
        log: PathBuf,
        /// What it said.
        last: String,
    },
    /// QEMU did not open its sockets.
    #[error("server {server}: QEMU did not connect within {} s", CONNECTED_WITHIN.as_secs())]
    Silent {
        /// The server.
        server: String,
    },
    /// Its monitor.
    #[error("server {server}: monitor")]
    Qmp {
        /// The server.
        server: String,
        /// Why.
        #[source]
        source: QmpError,
    },
    /// Its screen.
    #[error("server {server}: screenshot")]
    Screen {
        /// The server.
        server: String,
        /// Why.
        #[source]
        source: ScreenError,
    },
}

/// A server that is switched on.
pub struct Machine {
    server: String,
    places: Places,
    qmp: Qmp,
}

/// What a server that was just switched on brings along.
pub struct Started {
    /// Its controls.
    pub machine: Arc<Machine>,
    /// The process; it ends when the server is off.
    pub process: Child,
    /// What happens to it.
    pub events: mpsc::UnboundedReceiver<MachineEvent>,
    /// Its serial port.
    pub serial: UnixStream,
}

const PROGRAM: &str = "qemu-system-x86_64";

impl Machine {
    /// Starts QEMU; the guest stands still until [`Machine::run`].
    pub async fn start(server: &ServerSpec, places: Places, accelerator: Accelerator) -> Result<Started, MachineError> {
        prepare(server, &places)?;
        let name = &server.name;
        let at = |what, path: PathBuf| move |source| MachineError::File { server: name.clone(), what, path, source };
        let listen = |path: PathBuf| {
            let _ = std::fs::remove_file(&path);
            UnixListener::bind(&path).map_err(at("listening at", path))
        };
        let (qmp, serial) = (listen(places.qmp())?, listen(places.serial())?);
        for nic in &server.nics {
            let _ = std::fs::remove_file(places.nic(nic));
        }
        let log = places.files.join("qemu.log");
        let output = std::fs::File::create(&log).map_err(at("creating", log.clone()))?;
        let mut process = Command::new(PROGRAM)
            .args(argv::argv(server, &places, accelerator))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| MachineError::Start { server: name.clone(), program: PROGRAM, source })?;

        let connected = async { tokio::try_join!(qmp.accept(), serial.accept()) };
        let (qmp, serial) = tokio::select! {
            connected = connected => {
                let ((qmp, _), (serial, _)) = connected.map_err(at("accepting at", places.sockets.clone()))?;
                (qmp, serial)
            }
            _ = process.wait() => {
                let last = std::fs::read_to_string(&log).unwrap_or_default().trim().to_owned();
                return Err(MachineError::Died { server: name.clone(), log, last });
            }
            () = tokio::time::sleep(CONNECTED_WITHIN) => return Err(MachineError::Silent { server: name.clone() }),
        };
        let (qmp, events) =
            Qmp::greet(qmp).await.map_err(|source| MachineError::Qmp { server: name.clone(), source })?;
        Ok(Started { machine: Arc::new(Self { server: name.clone(), places, qmp }), process, events, serial })
    }

    /// Lets the guest run.
    pub async fn run(&self) -> Result<(), MachineError> {
        self.execute("cont", json!({})).await
    }

    /// Pulls the power cord.
    pub async fn power_off(&self) -> Result<(), MachineError> {
        match self.qmp.execute("quit", json!({})).await {
            // It may be gone before it answers.
            Ok(_) | Err(QmpError::Closed | QmpError::Io(_)) => Ok(()),
            Err(source) => Err(self.monitor(source)),
        }
    }

    /// Presses the reset button.
    pub async fn reset(&self) -> Result<(), MachineError> {
        self.execute("system_reset", json!({})).await
    }

    /// Sets a NIC's carrier, by the NIC's place among the server's.
    pub async fn set_carrier(&self, nic: usize, up: bool) -> Result<(), MachineError> {
        self.execute("set_link", json!({ "name": format!("nic{nic}"), "up": up })).await
    }

    /// What the VGA screen shows, as PNG.
    pub async fn screenshot(&self) -> Result<Vec<u8>, MachineError> {
        let file = self.places.sockets.join("screen.ppm");
        self.execute("screendump", json!({ "filename": file.to_string_lossy() })).await?;
        let ppm = tokio::fs::read(&file).await.map_err(|source| MachineError::File {
            server: self.server.clone(),
            what: "reading",
            path: file,
            source,
        })?;
        png_of_ppm(&ppm).map_err(|source| MachineError::Screen { server: self.server.clone(), source })
    }

    /// Keeps the screen of a guest that has powered itself off, and lets it be off.
    pub async fn finish(&self) -> Result<(), MachineError> {
        let file = self.places.last_screen();
        let kept = match self.screenshot().await {
            Ok(png) => tokio::fs::write(&file, png).await.map_err(|source| MachineError::File {
                server: self.server.clone(),
                what: "writing",
                path: file,
                source,
            }),
            Err(error) => Err(error),
        };
        self.power_off().await?;
        kept
    }

    async fn execute(&self, command: &str, arguments: serde_json::Value) -> Result<(), MachineError> {
        self.qmp.execute(command, arguments).await.map(|_| ()).map_err(|source| self.monitor(source))
    }

    fn monitor(&self, source: QmpError) -> MachineError {
        MachineError::Qmp { server: self.server.clone(), source }
    }
}

/// The write half of a serial port, kept so that a console can type.
pub type Keyboard = Arc<tokio::sync::Mutex<OwnedWriteHalf>>;

/// Makes the files that QEMU opens: empty disks, own firmware variables. What exists stays: a disk outlives a boot.
fn prepare(server: &ServerSpec, places: &Places) -> Result<(), MachineError> {
    let at = |what, path: PathBuf| move |source| MachineError::File { server: server.name.clone(), what, path, source };
    for directory in [&places.files, &places.sockets] {
        std::fs::create_dir_all(directory).map_err(at("creating", directory.clone()))?;
    }
    for (index, disk) in server.disks.iter().enumerate() {
        let path = places.disk(index);
        if !path.exists() {
            // Sparse: an empty disk takes no room.
            let file = std::fs::File::create(&path).map_err(at("creating", path.clone()))?;
            file.set_len(disk.gb * 1_000_000_000).map_err(at("enlarging", path))?;
        }
    }
    match server.firmware {
        Firmware::Bios => {}
        Firmware::Uefi => {
            let path = places.variables();
            if !path.exists() {
                std::fs::copy(argv::OVMF_VARS, &path)
                    .map_err(at("copying /usr/share/OVMF/OVMF_VARS_4M.fd (package ovmf) to", path))?;
            }
        }
    }
    if server.chainload {
        let path = places.chainload_script();
        std::fs::write(&path, argv::CHAINLOAD_SCRIPT).map_err(at("writing", path))?;
    }
    Ok(())
}
