//! What stands before Senzu and breaks: a TCP front that passes connections on, or does what broken servers do.

use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the front does with connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Passes them on.
    Pass,
    /// Closes them at once.
    Close,
    /// Takes the request and never answers.
    Silence,
    /// Answers these bytes to whatever is asked, and closes.
    Say(&'static str),
}

/// A front.
pub struct Front {
    pub address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Front {
    /// Stands before `behind` (a URL).
    pub async fn of(behind: &str, mode: Mode) -> Self {
        let behind = behind.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, modes) = watch::channel(mode);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, behind.clone(), modes.clone()));
            }
        });
        Self { address, mode: sender }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes what it does; connections of before end.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn serve(mut stream: TcpStream, behind: String, mut modes: watch::Receiver<Mode>) {
    let mode = modes.borrow_and_update().clone();
    let act = async {
        match mode {
            Mode::Close => {}
            Mode::Pass => {
                if let Ok(mut to) = TcpStream::connect(&behind).await {
                    let _ended = copy_bidirectional(&mut stream, &mut to).await;
                }
            }
            Mode::Silence => std::future::pending().await,
            Mode::Say(bytes) => {
                let mut request = [0; 4096];
                let _read = stream.read(&mut request).await;
                let _said = stream.write_all(bytes.as_bytes()).await;
            }
        }
    };
    tokio::select! {
        () = act => {}
        _ = modes.changed() => {}
    }
}
