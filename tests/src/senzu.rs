//! A Senzu of a test's or a measurement's own: the program, killed and started again at the same address.

use anyhow::{Context, Result, ensure};
use pious_lab::lab::handle;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// One that serves; dropped, it is killed.
pub struct Process {
    child: Child,
    program: PathBuf,
    data: PathBuf,
    options: Vec<String>,
    url: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the data directory of one that answers on the loopback.
pub fn init(program: &Path, data: &Path) -> Result<()> {
    run(Command::new(program).args(["init", "--address", "127.0.0.1", "--data"]).arg(data)).map(drop)
}

/// Tells it of assets.
pub fn import(program: &Path, data: &Path, plan: &serde_json::Value) -> Result<()> {
    let file = data.with_extension("plan.json");
    fs::write(&file, plan.to_string()).with_context(|| format!("write {}", file.display()))?;
    run(Command::new(program).env_remove("SENZU_DATABASE_URL").arg("import").arg("--data").arg(data).arg(&file))
        .map(drop)
}

/// Runs a program to its end, which must be a good one.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {command:?}"))?;
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?}: {}\n{said}{complained}", output.status);
    Ok(said.into_owned())
}

impl Process {
    /// Serves a data directory, on SQLite, at a free port.
    pub fn serve(program: &Path, data: &Path, options: &[&str]) -> Result<Self> {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let (child, url) = start(program, data, "127.0.0.1:0", &options)?;
        Ok(Self { child, program: program.to_owned(), data: data.to_owned(), options, url })
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, and another at the same address.
    pub fn kill_and_start_again(&mut self) -> Result<()> {
        self.child.kill().context("kill Senzu")?;
        self.child.wait().context("wait for Senzu's end")?;
        let listen = self.url.trim_start_matches("https://").to_owned();
        let (child, _) = start(&self.program, &self.data, &listen, &self.options)?;
        self.child = child;
        Ok(())
    }

    /// Its operator.
    pub fn operator(&self) -> Result<handle::Senzu> {
        let read = |name: &str| fs::read(self.data.join(name)).with_context(|| format!("read Senzu's {name}"));
        let ca = reqwest::Certificate::from_pem(&read("ca.pem")?)?;
        let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build()?;
        let token = String::from_utf8(read("operator-token")?)?.trim().to_owned();
        Ok(handle::Senzu { client, url: self.url.clone(), token })
    }
}

fn start(program: &Path, data: &Path, listen: &str, options: &[String]) -> Result<(Child, String)> {
    let log = data.with_extension("log");
    let errors = File::options().create(true).append(true).open(&log).context("make Senzu's log")?;
    let mut serve = Command::new(program);
    serve.args(["serve", "--listen", listen, "--data"]).arg(data).args(options);
    serve.env_remove("SENZU_DATABASE_URL").stdout(Stdio::piped()).stderr(errors);
    let mut child = serve.spawn().with_context(|| format!("start {}", program.display()))?;
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    let ready = lines.find_map(|line| line.ok()?.strip_prefix("ready ").map(str::to_owned));
    // Nobody reads on; it must not stop at a full pipe.
    std::thread::spawn(move || lines.for_each(drop));
    match ready {
        Some(url) => Ok((child, url.trim().trim_end_matches('/').to_owned())),
        None => {
            let _ = child.kill();
            let _ = child.wait();
            anyhow::bail!("Senzu does not start: {}", log.display())
        }
    }
}
