//! A PostgreSQL of the bench's own: Debian's programs, as durable as it comes; it ends with the bench.

use super::daemon::{fresh, run};
use anyhow::{Context, Result};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        // Nothing is left to tell when it does not end.
        let _ = run(self.as_owner("pg_ctl").arg("--pgdata").arg(data).args(["--mode=immediate", "--wait", "stop"]));
    }
}

pub fn start() -> Result<Postgres> {
    // It runs as a user that may not look into a home.
    let folder = std::env::temp_dir().join(format!("pious-bench-postgres-{}", std::process::id()));
    fresh(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
    run(Command::new("chown").arg("postgres:").arg(&folder))?;
    let postgres = Postgres { programs: programs().context("no PostgreSQL here: run scripts/setup")?, folder };
    let data = postgres.folder.join("data");
    let mut make = postgres.as_owner("initdb");
    run(make.arg("--pgdata").arg(&data).args(["--username=postgres", "--auth=trust", "--locale=C.UTF-8"]))?;
    let options = format!("-k {} -c listen_addresses= -c max_connections=400", postgres.folder.display());
    let mut start = postgres.as_owner("pg_ctl");
    start.arg("--pgdata").arg(&data).arg("--wait").arg("--log").arg(postgres.folder.join("log"));
    start.arg("--options").arg(options).arg("start").stdout(std::process::Stdio::null());
    anyhow::ensure!(start.status()?.success(), "PostgreSQL does not start: {}", postgres.folder.join("log").display());
    Ok(postgres)
}

impl Postgres {
    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.display())
    }

    /// What a question with one number for its answer answers.
    pub fn count(&self, sql: &str) -> Result<usize> {
        let mut ask = self.as_owner("psql");
        ask.args(["--username=postgres", "--tuples-only", "--no-align", "--command", sql, "--host"]).arg(&self.folder);
        let said = run(&mut ask)?;
        said.trim().parse().with_context(|| format!("{sql} answers {said:?}"))
    }

    /// A program of its, as the user that Debian's package makes: PostgreSQL refuses to run as root.
    fn as_owner(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(self.programs.join(program));
        command.current_dir(&self.folder);
        command
    }
}

/// Where Debian keeps the newest one's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let found = versions.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.join("bin/initdb").exists());
    Some(found.max_by_key(|path| version(path))?.join("bin"))
}
