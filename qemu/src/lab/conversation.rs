//! One connection to the control socket: requests and answers, until it ends or becomes a stream.

use super::{
    control::{Answer, Request},
    inner::Inner,
};
use serde_json::{Value, json};
use std::{io, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

/// The longest request; a path of 4 KiB fits.
const MAX_REQUEST_BYTES: u64 = 16 * 1024;

/// Talks to whoever connects.
pub(super) async fn serve(inner: Arc<Inner>, control: UnixListener) {
    while let Ok((stream, _)) = control.accept().await {
        tokio::spawn(converse(Arc::clone(&inner), stream));
    }
}

/// One connection: requests and answers, until it ends or becomes a stream.
async fn converse(inner: Arc<Inner>, stream: UnixStream) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    loop {
        let mut line = String::new();
        if (&mut read).take(MAX_REQUEST_BYTES).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let request = match serde_json::from_str::<Request>(&line) {
            Ok(request) => request,
            Err(error) => {
                answer(&mut write, &Answer::Error(format!("not a request: {error}"))).await?;
                continue;
            }
        };
        match request {
            Request::Serial { server, from } => match inner.servers.serial(&server) {
                Err(error) => answer(&mut write, &Answer::Error(chain(&error))).await?,
                Ok(serial) => {
                    answer(&mut write, &Answer::Ok(json!({ "written": serial.count() }))).await?;
                    let mut from = from;
                    let mut typed = [0; 256];
                    loop {
                        tokio::select! {
                            text = serial.read(from) => {
                                from += text.len();
                                write.write_all(&text).await?;
                            }
                            count = read.read(&mut typed) => match count? {
                                0 => return Ok(()),
                                count => serial.type_in(&typed[..count]).await,
                            },
                        }
                    }
                }
            },
            Request::Watch { from } => {
                answer(&mut write, &Answer::Ok(Value::Null)).await?;
                for index in from.. {
                    let event = inner.events.get(index).await;
                    write.write_all((serde_json::to_string(&event)? + "\n").as_bytes()).await?;
                }
            }
            request => {
                let result = inner.perform(request).await;
                let reply = result.map_or_else(|error| Answer::Error(chain(&error)), Answer::Ok);
                answer(&mut write, &reply).await?;
            }
        }
    }
}

async fn answer(write: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> io::Result<()> {
    write.write_all((serde_json::to_string(answer)? + "\n").as_bytes()).await
}

/// An error and its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
