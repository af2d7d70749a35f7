//! `/init` of the test image: it starts the agent as PID 1, as in the image that is shipped, and a copy of itself beside
//! it, which runs what it is asked to in the same guest. One question a connection: a JSON line in, one out.

use anyhow::{Context, Result};
use pious_tests::{guest, run::Run};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitCode},
    time::Duration,
};

/// How often it looks whether the agent has mounted what programs need; nothing tells.
const LOOK_EVERY: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let ended = if std::process::id() == 1 { become_the_agent() } else { serve() };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("beside-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn become_the_agent() -> Result<()> {
    Command::new(guest::INIT).spawn().with_context(|| format!("starting {}", guest::INIT))?;
    Err(Command::new("/init").exec()).context("starting /init")
}

fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, guest::PORT)).context("listening")?;
    while !Path::new("/sys/class/net").exists() || !Path::new("/proc/self").exists() {
        std::thread::sleep(LOOK_EVERY);
    }
    // Where lldpd shuts its privilege separation in, as its package's unit has it.
    fs::create_dir_all("/run/lldpd").context("making /run/lldpd")?;
    for stream in listener.incoming() {
        if let Err(error) = answer(&stream?) {
            eprintln!("beside-agent: {error:#}");
        }
    }
    Ok(())
}

fn answer(mut stream: &TcpStream) -> Result<()> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).context("reading a question")?;
    let commands: Vec<Vec<String>> = serde_json::from_str(&line).context("understanding a question")?;
    let runs: Vec<Run> = commands.iter().map(|command| Run::of(command)).collect();
    stream.write_all(&serde_json::to_vec(&runs)?).context("answering")
}
