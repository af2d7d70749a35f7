//! A server's serial port: everything it ever wrote, kept and watched; and its keyboard, while it is on.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixStream, unix::OwnedWriteHalf},
    sync::watch,
};

/// What a server wrote, and where to type.
pub struct Serial {
    text: Mutex<(Vec<u8>, File)>,
    length: watch::Sender<usize>,
    keyboard: tokio::sync::Mutex<Option<OwnedWriteHalf>>,
}

impl Serial {
    /// Nothing written yet.
    pub fn create(log: &Path) -> io::Result<Self> {
        let text = Mutex::new((Vec::new(), File::create(log)?));
        Ok(Self { text, length: watch::Sender::new(0), keyboard: tokio::sync::Mutex::new(None) })
    }

    /// Keeps what a port writes, until its server is off.
    pub async fn follow(&self, port: UnixStream) {
        let (mut read, write) = port.into_split();
        *self.keyboard.lock().await = Some(write);
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = read.read(&mut buffer).await {
            let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
            text.0.extend(&buffer[..count]);
            // The text in memory is what counts; the file is for people.
            let _ = text.1.write_all(&buffer[..count]);
            self.length.send_replace(text.0.len());
        }
        *self.keyboard.lock().await = None;
    }

    /// What was written from `from` on; waits until there is something.
    pub async fn read(&self, from: usize) -> Vec<u8> {
        let mut length = self.length.subscribe();
        loop {
            let text = self.text.lock().unwrap_or_else(PoisonError::into_inner).0.get(from..).map(<[u8]>::to_vec);
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return text;
            }
            let _ = length.wait_for(|length| *length > from).await;
        }
    }

    /// How much was written so far.
    pub fn count(&self) -> usize {
        *self.length.borrow()
    }

    /// Types. Silently in vain while the server is off, as on a real one.
    pub async fn type_in(&self, bytes: &[u8]) {
        if let Some(keyboard) = self.keyboard.lock().await.as_mut() {
            let _ = keyboard.write_all(bytes).await;
        }
    }
}
