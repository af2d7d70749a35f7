//! What the terminal shows: steps as they end, and between them what is going on.

use crate::{
    lab::{
        events::{Event, What},
        handle::Watch,
    },
    switch::journal::{DhcpClient, Moment},
};
use std::{
    collections::HashMap,
    io::{IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The terminal.
pub struct Teller {
    born: Instant,
    colours: bool,
    line: Mutex<()>,
}

impl Teller {
    pub fn new() -> Self {
        Self { born: Instant::now(), colours: std::io::stdout().is_terminal(), line: Mutex::new(()) }
    }

    /// Since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.born.elapsed()
    }

    /// A sentence.
    pub fn say(&self, words: &str) {
        self.print(words);
    }

    /// A chapter begins.
    pub fn chapter(&self, words: &str) {
        self.print("");
        self.print(&self.coloured("1", words));
    }

    /// Something is going on.
    pub fn going_on(&self, server: &str, words: &str) {
        self.print(&self.coloured("2", &format!("{:>8.1} s          {server}: {words}", self.elapsed().as_secs_f64())));
    }

    /// A step ended.
    pub fn step(&self, server: &str, words: &str, held: bool) {
        let mark = if held { self.coloured("32", "held  ") } else { self.coloured("31", "FAILED") };
        self.print(&format!("{:>8.1} s  {mark}  {server}: {words}", self.elapsed().as_secs_f64()));
    }

    fn coloured(&self, code: &str, words: &str) -> String {
        if self.colours { format!("\x1b[{code}m{words}\x1b[0m") } else { words.to_owned() }
    }

    fn print(&self, line: &str) {
        let _one_line_at_a_time = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed terminal ends the telling, not the story.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// Shows what the servers do on the wire, each thing once per boot.
pub async fn narrate(teller: Arc<Teller>, mut watch: Watch) {
    let mut told: HashMap<String, Vec<String>> = HashMap::new();
    while let Ok(event) = watch.next().await {
        let (Some(server), Some(words)) = (event.server.clone(), words(&event)) else { continue };
        let told = told.entry(server.clone()).or_default();
        // One restart is several resets; what comes after it is told anew.
        if matches!(event.what, What::PowerOn | What::Reset { .. }) && told.last() != Some(&words) {
            told.clear();
        }
        if !told.contains(&words) {
            teller.going_on(&server, &words);
            told.push(words);
        }
    }
}

fn words(event: &Event) -> Option<String> {
    Some(match &event.what {
        What::PowerOn => "power on".into(),
        What::Reset { guest: true } => "restarts".into(),
        What::Reset { guest: false } => "is reset".into(),
        What::Shutdown { .. } => "powers off".into(),
        What::Off => "is off".into(),
        What::Wire(Moment::Dhcp { client: DhcpClient::Firmware, .. }) => "its firmware asks for an address".into(),
        What::Wire(Moment::Dhcp { client: DhcpClient::Ipxe, .. }) => "iPXE asks for an address".into(),
        What::Wire(Moment::Dhcp { client: DhcpClient::System, .. }) => "PIOUS asks for an address".into(),
        What::Wire(Moment::Tftp { file }) => format!("loads {file} by TFTP"),
        What::Wire(Moment::Http { request }) if request.starts_with("GET /boot/") => "asks pxe what to boot".into(),
        What::Wire(Moment::Http { request }) => {
            // The path's middle is for programs: which edition of the image.
            format!("loads {} by HTTP", request.rsplit('/').next().unwrap_or(request))
        }
        What::Unplugged { .. }
        | What::Plugged { .. }
        | What::LldpdSpeaks { .. }
        | What::ServiceUp { .. }
        | What::ServiceDown { .. } => return None,
    })
}
