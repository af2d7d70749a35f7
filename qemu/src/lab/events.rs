//! What happened in the lab, in order: one list, one file, and whoever waits for the next.

use crate::switch::journal::Moment;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// To which server; `None`: to the lab.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum What {
    /// A server was switched on.
    PowerOn,
    /// A server was reset.
    Reset {
        /// By itself.
        guest: bool,
    },
    /// A server powers off.
    Shutdown {
        /// By itself.
        guest: bool,
    },
    /// A server is off.
    Off,
    /// A server did something on the wire.
    Wire(Moment),
    /// A cable was pulled.
    Unplugged {
        /// The NIC.
        nic: String,
        /// The port it was in.
        port: String,
    },
    /// A cable was plugged.
    Plugged {
        /// The NIC.
        nic: String,
        /// The port it is in.
        port: String,
    },
    /// The first LLDP frame of a port's `lldpd` came.
    LldpdSpeaks {
        /// The port.
        port: String,
    },
    /// A service serves.
    ServiceUp {
        /// Which.
        service: String,
    },
    /// A service ended.
    ServiceDown {
        /// Which.
        service: String,
        /// How.
        status: String,
    },
}

/// The list.
pub struct Events {
    list: Mutex<(Vec<Event>, File)>,
    length: watch::Sender<usize>,
}

impl Events {
    /// An empty list that is written to a file as well, one JSON object per line.
    pub fn create(file: &Path) -> io::Result<Self> {
        Ok(Self { list: Mutex::new((Vec::new(), File::create(file)?)), length: watch::Sender::new(0) })
    }

    /// Something happened now.
    pub fn add(&self, server: Option<&str>, what: What) {
        let event = Event { at_ms: now_ms(), server: server.map(str::to_owned), what };
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(line) = serde_json::to_string(&event) {
            // The list is what counts; the file is for people.
            let _ = writeln!(list.1, "{line}");
        }
        list.0.push(event);
        self.length.send_replace(list.0.len());
    }

    /// The event of that number, awaited if need be.
    pub async fn get(&self, index: usize) -> Event {
        let mut length = self.length.subscribe();
        loop {
            if let Some(event) = self.list.lock().unwrap_or_else(PoisonError::into_inner).0.get(index) {
                return event.clone();
            }
            // The sender lives as long as `self`.
            let _ = length.wait_for(|length| *length > index).await;
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        *self.length.borrow()
    }
}

/// Now, in milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
