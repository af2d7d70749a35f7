//! QMP, QEMU's monitor: one JSON object per line. Commands are answered by id; events arrive in between.

use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use thiserror::Error;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixStream, unix::OwnedWriteHalf},
    sync::{mpsc, oneshot},
};

/// A monitor answers at once; a screen of pixels takes longest. Beyond this, QEMU hangs.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Something that happened to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineEvent {
    /// It was reset; by the guest itself, or from outside.
    Reset {
        /// Whether the guest asked.
        guest: bool,
    },
    /// It was reset and stands still: its QEMU ends with each reset, to be started anew.
    Restart {
        /// Whether the guest asked.
        guest: bool,
    },
    /// It powers off; by the guest itself, or from outside.
    Shutdown {
        /// Whether the guest asked.
        guest: bool,
    },
    /// Anything else, by QEMU's name for it.
    Other(String),
}

/// Why a monitor command did not work.
#[derive(Debug, Error)]
pub enum QmpError {
    /// The socket broke.
    #[error("talking to QEMU's monitor")]
    Io(#[from] std::io::Error),
    /// QEMU is gone.
    #[error("QEMU's monitor hung up")]
    Closed,
    /// QEMU did not answer.
    #[error("QEMU did not answer {command:?} within {} s", ANSWER_WITHIN.as_secs())]
    Silent {
        /// The command.
        command: String,
    },
    /// QEMU said no.
    #[error("QEMU refused {command:?}: {answer}")]
    Refused {
        /// The command.
        command: String,
        /// What it said.
        answer: String,
    },
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A machine's monitor.
pub struct Qmp {
    write: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Waiting,
    next: AtomicU64,
}

impl Qmp {
    /// Greets a monitor that has just connected.
    pub async fn greet(stream: UnixStream) -> Result<(Self, mpsc::UnboundedReceiver<MachineEvent>), QmpError> {
        let (read, write) = stream.into_split();
        let waiting = Waiting::default();
        let (events, receiver) = mpsc::unbounded_channel();
        tokio::spawn(listen(BufReader::new(read), Arc::clone(&waiting), events));
        let qmp = Self { write: tokio::sync::Mutex::new(write), waiting, next: AtomicU64::new(1) };
        qmp.execute("qmp_capabilities", json!({})).await?;
        Ok((qmp, receiver))
    }

    /// Runs a command.
    pub async fn execute(&self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.waiting).insert(id, answer);
        let line = json!({ "execute": command, "arguments": arguments, "id": id }).to_string() + "\n";
        self.write.lock().await.write_all(line.as_bytes()).await?;
        let silent = || QmpError::Silent { command: command.to_owned() };
        let answer = tokio::time::timeout(ANSWER_WITHIN, answered).await.map_err(|_| silent())?;
        let mut answer = answer.map_err(|_| QmpError::Closed)?;
        match answer.get("error") {
            Some(error) => Err(QmpError::Refused { command: command.to_owned(), answer: error["desc"].to_string() }),
            None => Ok(answer["return"].take()),
        }
    }
}

async fn listen(
    mut lines: BufReader<tokio::net::unix::OwnedReadHalf>,
    waiting: Waiting,
    events: mpsc::UnboundedSender<MachineEvent>,
) {
    let mut line = String::new();
    while let Ok(1..) = lines.read_line(&mut line).await {
        if let Ok(message) = serde_json::from_str::<Value>(&line) {
            if let Some(answer) = message["id"].as_u64().and_then(|id| lock(&waiting).remove(&id)) {
                let _ = answer.send(message);
            } else if let Some(event) = event(&message) {
                let _ = events.send(event);
            }
        }
        line.clear();
    }
    // Whoever still waits learns that QEMU is gone.
    lock(&waiting).clear();
}

fn event(message: &Value) -> Option<MachineEvent> {
    let guest = message["data"]["guest"].as_bool().unwrap_or(false);
    Some(match message["event"].as_str()? {
        "RESET" => MachineEvent::Reset { guest },
        // With `-action reboot=shutdown`.
        "SHUTDOWN" if is_reset(message) => MachineEvent::Restart { guest },
        "SHUTDOWN" => MachineEvent::Shutdown { guest },
        other => MachineEvent::Other(other.to_owned()),
    })
}

/// ShutdownCause, of QEMU's qapi/run-state.json.
fn is_reset(message: &Value) -> bool {
    matches!(message["data"]["reason"].as_str(), Some("guest-reset" | "host-qmp-system-reset"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A monitor that answers out of order, with events in between.
    #[tokio::test]
    async fn answers_find_their_commands_and_events_arrive() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let monitor = tokio::spawn(async move {
            let (read, mut write) = theirs.into_split();
            let mut lines = BufReader::new(read).lines();
            write.write_all(b"{\"QMP\": {\"version\": {}}}\r\n").await.unwrap();
            let greeting = lines.next_line().await.unwrap().unwrap();
            write.write_all(b"{\"return\": {}, \"id\": 1}\r\n").await.unwrap();
            let (first, second) = (lines.next_line().await.unwrap(), lines.next_line().await.unwrap());
            write
                .write_all(
                    b"{\"event\": \"RESET\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}\r\n\
                      {\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": 3}\r\n\
                      {\"return\": {\"status\": \"running\"}, \"id\": 2}\r\n\
                      {\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}\r\n\
                      {\"event\": \"SHUTDOWN\", \"data\": {\"guest\": false}}\r\n",
                )
                .await
                .unwrap();
            (greeting, first, second)
        });
        let (qmp, mut events) = Qmp::greet(ours).await.unwrap();
        let (status, refused) = tokio::join!(qmp.execute("query-status", json!({})), qmp.execute("x", json!({"a": 1})));
        assert_eq!(status.unwrap(), json!({"status": "running"}));
        assert_eq!(refused.unwrap_err().to_string(), r#"QEMU refused "x": "no""#);
        assert_eq!(events.recv().await, Some(MachineEvent::Reset { guest: true }));
        assert_eq!(events.recv().await, Some(MachineEvent::Restart { guest: true }));
        assert_eq!(events.recv().await, Some(MachineEvent::Shutdown { guest: false }));
        let (greeting, _, second) = monitor.await.unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&greeting).unwrap(),
            json!({"execute": "qmp_capabilities", "arguments": {}, "id": 1})
        );
        assert_eq!(
            serde_json::from_str::<Value>(&second.unwrap()).unwrap(),
            json!({"execute": "x", "arguments": {"a": 1}, "id": 3})
        );
        assert_eq!(events.recv().await, None, "the monitor hung up");
        assert!(matches!(qmp.execute("cont", json!({})).await, Err(QmpError::Io(_) | QmpError::Closed)));
    }
}
