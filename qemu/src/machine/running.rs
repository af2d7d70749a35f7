//! A server that is switched on: the QEMU process, its monitor, its serial port.

use super::{
    argv::{self, Accelerator, Places, Start},
    qmp::{MachineEvent, Qmp, QmpError},
    screen::{ScreenError, png_of_ppm},
    smbios,
    vga::{self, Register, VgaError},
};
use crate::rack::{Firmware, ServerSpec};
use serde_json::json;
use std::{
    io,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
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
    /// The text on its screen.
    #[error("server {server}: text of the screen")]
    Text {
        /// The server.
        server: String,
        /// Why.
        #[source]
        source: VgaError,
    },
    /// A register of its VGA adapter.
    #[error("server {server}: QEMU answers {command:?} with {answer:?}")]
    Port {
        /// The server.
        server: String,
        /// What QEMU's human monitor was told.
        command: String,
        /// What it said.
        answer: String,
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
    /// Where its screen's cells were when they were last looked for; 0: not yet.
    screen_at: AtomicUsize,
    /// Whether its power cord was pulled.
    is_unplugged: AtomicBool,
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
    pub async fn start(
        server: &ServerSpec,
        places: Places,
        accelerator: Accelerator,
        start: &Start,
    ) -> Result<Started, MachineError> {
        prepare(server, &places)?;
        let name = &server.name;
        let at = |what, path: PathBuf| move |source| MachineError::File { server: name.clone(), what, path, source };
        let listen = |path: PathBuf| {
            let _ = std::fs::remove_file(&path);
            UnixListener::bind(&path).map_err(at("listening at", path))
        };
        let (qmp, serial) = (listen(places.qmp())?, listen(places.serial())?);
        for nic in server.nics.iter().chain(&server.bmc.as_ref().and_then(|bmc| bmc.host_nic())) {
            let _ = std::fs::remove_file(places.nic(nic));
        }
        let log = places.files.join("qemu.log");
        let output = std::fs::File::create(&log).map_err(at("creating", log.clone()))?;
        let mut process = Command::new(PROGRAM)
            .args(argv::argv(server, &places, accelerator, start))
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
        Ok(Started {
            machine: Arc::new(Self {
                server: name.clone(),
                places,
                qmp,
                screen_at: AtomicUsize::new(0),
                is_unplugged: AtomicBool::new(false),
            }),
            process,
            events,
            serial,
        })
    }

    /// Lets the guest run.
    pub async fn run(&self) -> Result<(), MachineError> {
        self.execute("cont", json!({})).await
    }

    /// Pulls the power cord.
    pub async fn power_off(&self) -> Result<(), MachineError> {
        self.is_unplugged.store(true, Ordering::SeqCst);
        self.end().await
    }

    /// Whether the power cord was pulled, also if it ended by itself.
    pub fn is_unplugged(&self) -> bool {
        self.is_unplugged.load(Ordering::SeqCst)
    }

    /// Ends QEMU.
    pub async fn end(&self) -> Result<(), MachineError> {
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

    /// Presses the power button: the guest may power itself off.
    pub async fn press_power_button(&self) -> Result<(), MachineError> {
        self.execute("system_powerdown", json!({})).await
    }

    /// Sets a NIC's carrier, by the NIC's place among the server's.
    pub async fn set_carrier(&self, nic: usize, up: bool) -> Result<(), MachineError> {
        self.execute("set_link", json!({ "name": format!("nic{nic}"), "up": up })).await
    }

    /// What the VGA screen shows, as PNG.
    pub async fn screenshot(&self) -> Result<Vec<u8>, MachineError> {
        let file = self.places.sockets.join("screen.ppm");
        self.execute("screendump", json!({ "filename": file.to_string_lossy() })).await?;
        let ppm = self.read(file).await?;
        png_of_ppm(&ppm).map_err(|source| MachineError::Screen { server: self.server.clone(), source })
    }

    /// The lines on the VGA screen, which must be in text mode. The guest stands still meanwhile, a few milliseconds: the
    /// adapter's registers are read through their index, which is the guest's.
    pub async fn text(&self) -> Result<Vec<String>, MachineError> {
        let status = self.ask("query-status", json!({})).await?;
        let runs = status["running"].as_bool().unwrap_or(false);
        if runs {
            self.execute("stop", json!({})).await?;
        }
        let screen = match self.visible_at().await {
            Ok(at) => self.cells(at).await,
            Err(error) => Err(error),
        };
        if runs {
            self.execute("cont", json!({})).await?;
        }
        Ok(vga::lines(&screen?))
    }

    /// The same of a screen that neither scrolls nor changes its mode since [`Machine::text`] was asked last: the guest
    /// runs on, and may be looked at as often as anybody likes.
    pub async fn text_again(&self) -> Result<Vec<String>, MachineError> {
        match self.screen_at.load(Ordering::Relaxed) {
            0 => self.text().await,
            at => Ok(vga::lines(&self.cells(at).await?)),
        }
    }

    /// Where in the machine's memory the cells are that are on the screen.
    async fn visible_at(&self) -> Result<usize, MachineError> {
        let miscellaneous = self.register(vga::MISCELLANEOUS).await?;
        let start = (self.register(vga::START_HIGH).await?, self.register(vga::START_LOW).await?);
        let at = vga::screen_address(miscellaneous, start.0, start.1)
            .map_err(|source| MachineError::Text { server: self.server.clone(), source })?;
        self.screen_at.store(at, Ordering::Relaxed);
        Ok(at)
    }

    async fn cells(&self, at: usize) -> Result<Vec<u8>, MachineError> {
        let file = self.places.sockets.join("screen.text");
        let what = json!({ "val": at, "size": vga::SCREEN_BYTES, "filename": file.to_string_lossy() });
        self.execute("pmemsave", what).await?;
        self.read(file).await
    }

    /// An indexed register of the VGA adapter; the index is left as it was.
    async fn register(&self, register: Register) -> Result<u8, MachineError> {
        let Register { port, index } = register;
        let before = self.input(port).await?;
        self.human(&format!("o /b {port:#x} {index:#x}")).await?;
        let value = self.input(port + 1).await;
        self.human(&format!("o /b {port:#x} {before:#x}")).await?;
        value
    }

    /// What an I/O port reads: `portb[0x03d4] = 0xc`.
    async fn input(&self, port: u16) -> Result<u8, MachineError> {
        let command = format!("i /b {port:#x}");
        let answer = self.human(&command).await?;
        let value = answer.rsplit_once("= 0x").and_then(|(_, digits)| u8::from_str_radix(digits.trim(), 16).ok());
        value.ok_or_else(|| MachineError::Port { server: self.server.clone(), command, answer })
    }

    /// QEMU's human monitor, for what QMP has no command for.
    async fn human(&self, command: &str) -> Result<String, MachineError> {
        let answer = self.ask("human-monitor-command", json!({ "command-line": command })).await?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
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
        self.end().await?;
        kept
    }

    async fn execute(&self, command: &str, arguments: serde_json::Value) -> Result<(), MachineError> {
        self.ask(command, arguments).await.map(|_| ())
    }

    async fn ask(&self, command: &str, arguments: serde_json::Value) -> Result<serde_json::Value, MachineError> {
        self.qmp.execute(command, arguments).await.map_err(|source| self.monitor(source))
    }

    async fn read(&self, path: PathBuf) -> Result<Vec<u8>, MachineError> {
        let read = tokio::fs::read(&path).await;
        read.map_err(|source| MachineError::File { server: self.server.clone(), what: "reading", path, source })
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
    if let Some(structure) = smbios::host_interface(server) {
        let path = places.host_interface();
        std::fs::write(&path, structure).map_err(at("writing", path))?;
    }
    if server.chainload {
        let path = places.chainload_script();
        std::fs::write(&path, argv::CHAINLOAD_SCRIPT).map_err(at("writing", path))?;
    }
    Ok(())
}
