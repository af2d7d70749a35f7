//! A PostgreSQL of the test process's own: Debian's programs, a directory in /tmp, a Unix socket. It ends with the process.

use crate::missing;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Whether these tests run on PostgreSQL: the test target says it.
const IS_WANTED: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"postgres");

/// The server of this process.
struct Server {
    directory: PathBuf,
    /// The server's keeper: when its standard input ends, with this process, it stops the server and tidies up.
    _keeper: Child,
}

static SERVER: OnceLock<Server> = OnceLock::new();

/// The URL of a fresh database, or `None` where the tests run on SQLite.
pub fn database() -> Option<String> {
    IS_WANTED.then(|| {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let server = SERVER.get_or_init(start);
        let name = format!("senzu{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let made = Command::new(programs().unwrap().join("createdb"))
            .args(["--username=postgres", "--host"])
            .arg(&server.directory)
            .arg(&name)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        format!("postgres://postgres@localhost/{name}?host={}", server.directory.display())
    })
}

/// Where Debian keeps the newest PostgreSQL's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let found = versions.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.join("bin/initdb").exists());
    Some(found.max_by_key(|path| version(path))?.join("bin"))
}

/// What keeps the server: started with its directory, its programs' folder and a prefix that drops root's rights. fsync is
/// off: here it is Senzu that is killed, not the machine.
const KEEPER: &str = r#"
    trap '' INT
    directory=$1 programs=$2; shift 2
    cd "$directory"
    "$@" "$programs/initdb" --pgdata=data --username=postgres --auth=trust --no-sync --locale=C.UTF-8 >log 2>&1 &&
    "$@" "$programs/pg_ctl" --pgdata=data --wait --log=server.log \
        --options="-k $directory -c listen_addresses= -c fsync=off -c max_connections=400" start >>log 2>&1 &&
    echo ready || cat log server.log
    read -r nothing
    "$@" "$programs/pg_ctl" --pgdata=data --mode=immediate --wait stop >>log 2>&1
    rm -rf "$directory"
"#;

fn start() -> Server {
    let Some(programs) = programs() else {
        missing::skip("postgres", "every test on PostgreSQL");
        std::process::exit(0)
    };
    let directory = tempfile::Builder::new().prefix("senzu-postgres-").tempdir().unwrap().keep();
    let is_root = fs::metadata("/proc/self").map(|me| std::os::unix::fs::MetadataExt::uid(&me)).unwrap() == 0;
    let prefix: &[&str] = match is_root {
        // PostgreSQL refuses to run as root; Debian's package makes this user.
        true => &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"],
        false => &[],
    };
    if is_root {
        let owned = Command::new("chown").arg("postgres:").arg(&directory).status().unwrap();
        assert!(owned.success(), "chown: {owned}");
    }
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "keeper"]).arg(&directory).arg(programs).args(prefix);
    let mut keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "ready\n", "PostgreSQL does not start");
    Server { directory, _keeper: keeper }
}
