//! A Senzu that only listens: it hands over each BOOT_EVENT and has no answer to it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

/// What the agent is told when it asks: to come again.
const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// The words by which an agent finds it. (The test's end of the room's cable.)
pub const CMDLINE: &str = "pious.senzu=http://192.0.2.1:8000";

/// To be made in the room's network.
pub fn socket() -> TcpListener {
    TcpListener::bind("192.0.2.1:8000").expect("Senzu's socket")
}

/// The BOOT_EVENTs that come in.
pub fn boot_events(listener: TcpListener) -> Receiver<serde_json::Value> {
    let (heard, events) = mpsc::channel();
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            // Whoever hangs up, or says nothing that can be read, comes again.
            let _next_one = hear(&connection, &heard);
        }
    });
    events
}

fn hear(connection: &TcpStream, heard: &Sender<serde_json::Value>) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection);
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        lines.read_line(&mut header)?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body)?;
    let mut connection = connection;
    connection.write_all(ANSWER)?;
    if first.starts_with("POST /v1/boot-events ") {
        let _nobody_listens_any_more = heard.send(serde_json::from_slice(&body)?);
    }
    Ok(())
}
