//! The kernel command line: the words that PXE wrote for us. Bytes in, words out; what is not understood is said.

use std::time::Duration;

/// What the kernel command line says to the agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cmdline {
    /// `pious.senzu=URL`, in order of preference.
    pub senzu: Vec<String>,
    /// `pious.now=UNIX_SECONDS`: the time when the boot script was made.
    pub now: Option<Duration>,
    /// `pious.console=vga|serial|both`.
    pub consoles: Consoles,
    /// `pious.name=NAME`: what PXE knows the asset as.
    pub name: Option<String>,
    /// Sentences about what was not understood.
    pub warnings: Vec<String>,
}

/// Where the console is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consoles {
    /// The screen.
    Vga,
    /// The serial line.
    Serial,
    /// Both.
    #[default]
    Both,
}

/// The most warnings: a garbled line must not fill the console.
const MAX_WARNINGS: usize = 8;

/// The most characters of one odd word that a warning cites.
const MAX_CITED_CHARS: usize = 60;

impl Cmdline {
    /// Reads a kernel command line.
    pub fn parse(line: &str) -> Self {
        let mut cmdline = Self::default();
        for word in words(line) {
            // Behind a bare `--` the words are for the program itself.
            if word == "--" {
                break;
            }
            if let Some(word) = word.strip_prefix("pious.") {
                cmdline.take(word);
            }
        }
        cmdline.warnings.truncate(MAX_WARNINGS);
        cmdline
    }

    fn take(&mut self, word: &str) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let cited: String = format!("pious.{word}").chars().take(MAX_CITED_CHARS).collect();
        match (name, value) {
            ("senzu" | "now" | "console" | "name", "") => {
                self.warnings.push(format!("kernel command line: {cited} has no value"));
            }
            ("senzu", url) => self.senzu.push(url.to_owned()),
            ("now", seconds) => match seconds.parse() {
                Ok(seconds) => self.now = Some(Duration::from_secs(seconds)),
                Err(_) => self.warnings.push(format!("kernel command line: {cited} is no Unix time in seconds")),
            },
            ("console", "vga") => self.consoles = Consoles::Vga,
            ("console", "serial") => self.consoles = Consoles::Serial,
            ("console", "both") => self.consoles = Consoles::Both,
            ("console", _) => {
                self.warnings.push(format!("kernel command line: {cited} is none of vga, serial, both"));
            }
            ("name", name) => self.name = Some(name.to_owned()),
            (_, _) => self.warnings.push(format!("kernel command line: {cited} is not known to this agent")),
        }
    }
}

/// Words between white space; a double quote holds white space in, anywhere in a word, and is dropped (as the kernel's
/// own `next_arg` does).
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_word = false;
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                is_word = true;
            }
            c if c.is_ascii_whitespace() && !is_quoted => {
                if is_word {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            c => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_pxe_writes() {
        let line = "console=tty0 console=ttyS0,115200 quiet loglevel=3 consoleblank=0 pious.senzu=https://10.77.0.1:8443 \
                    pious.senzu=https://10.77.0.2:8443 pious.now=1794000000 pious.name=\"r1 u10\"\n";
        let expected = Cmdline {
            senzu: vec!["https://10.77.0.1:8443".into(), "https://10.77.0.2:8443".into()],
            now: Some(Duration::from_secs(1_794_000_000)),
            consoles: Consoles::Both,
            name: Some("r1 u10".into()),
            warnings: vec![],
        };
        assert_eq!(Cmdline::parse(line), expected);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let cmdline =
            Cmdline::parse("pious.sezu=x pious.now=later pious.console=tty pious.senzu pious.console=vga -- pious.x");
        let expected = Cmdline {
            consoles: Consoles::Vga,
            warnings: vec![
                "kernel command line: pious.sezu=x is not known to this agent".into(),
                "kernel command line: pious.now=later is no Unix time in seconds".into(),
                "kernel command line: pious.console=tty is none of vga, serial, both".into(),
                "kernel command line: pious.senzu has no value".into(),
            ],
            ..Cmdline::default()
        };
        assert_eq!(cmdline, expected);
    }

    #[test]
    fn quotes_as_the_kernel_takes_them() {
        assert_eq!(words(r#"a="b c" "d=e f" g"" "open end"#), ["a=b c", "d=e f", "g", "open end"]);
    }

    proptest! {
        #[test]
        fn any_line_is_read(line in ".*") {
            let cmdline = Cmdline::parse(&line);
            prop_assert!(cmdline.warnings.len() <= MAX_WARNINGS);
        }

        #[test]
        fn a_value_survives_quoting(value in "[a-z :/]{1,20}") {
            let cmdline = Cmdline::parse(&format!("x pious.name=\"{value}\" y"));
            prop_assert_eq!(cmdline.name, Some(value));
        }
    }
}
