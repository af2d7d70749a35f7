//! The service in a namespace, and a cable out of it.

use super::{namespace::Namespace, senzu::Senzu};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// For anything that should happen within a second or two.
const PATIENCE: Duration = Duration::from_secs(15);

/// The namespaces, and the service that runs in one of them.
pub struct Rack {
    /// Where the service is, with interface `prov`.
    server: Namespace,
    /// Where the clients are, with interface `cli`.
    pub outside: Namespace,
    folder: TempDir,
    service: Child,
    log: Receiver<String>,
}

impl Rack {
    /// A range for each tier.
    pub const SPLIT_TIERS: &str = r#"
[[networks]]
name = "provisioning"
kind = "provisioning"
interface = "prov"
address = "10.77.0.1/24"
unrecognized = { first = "10.77.0.100", last = "10.77.0.199", lease_s = 120 }
recognized = { first = "10.77.0.200", last = "10.77.0.250", lease_s = 43200 }
"#;

    /// One range for both.
    pub const SHARED_RANGE: &str = r#"
[[networks]]
name = "provisioning"
kind = "provisioning"
interface = "prov"
address = "10.77.0.1/24"
unrecognized = { first = "10.77.0.100", last = "10.77.0.199", lease_s = 120 }
recognized = { lease_s = 43200 }
"#;

    /// A second network, behind a relay whose packets arrive on the first one's interface.
    pub const RELAYED: &str = r#"
[[networks]]
name = "provisioning"
kind = "provisioning"
interface = "prov"
address = "10.77.0.1/24"
unrecognized = { first = "10.77.0.100", last = "10.77.0.199", lease_s = 120 }
recognized = { lease_s = 43200 }

[[networks]]
name = "row-9"
kind = "provisioning"
relay = true
subnet = "10.79.0.0/22"
router = "10.79.0.1"
unrecognized = { first = "10.79.1.0", last = "10.79.1.255", lease_s = 300 }
recognized = { first = "10.79.2.0", last = "10.79.2.255", lease_s = 86400 }
"#;

    /// A network of BMCs.
    pub const BMCS: &str = r#"
[[networks]]
name = "bmc"
kind = "bmc"
interface = "prov"
address = "10.77.0.1/24"
unrecognized = { first = "10.77.0.100", last = "10.77.0.199", lease_s = 120 }
recognized = { first = "10.77.0.200", last = "10.77.0.250", lease_s = 43200 }
"#;

    /// Brings it up, and waits until it is ready.
    pub fn up(senzu: &Senzu, networks: &str) -> Self {
        let (server, outside) = (Namespace::new(), Namespace::new());
        server.ip("link set lo up");
        server.ip("link add prov type veth peer name cli");
        server.ip(&format!("link set cli netns {}", outside.path()));
        server.ip("link set prov up");
        server.ip("address add 10.77.0.1/24 dev prov");
        server.ip("address add fd00:77::1/64 dev prov nodad");
        server.ip("route add 10.79.0.0/22 dev prov");
        outside.ip("link set cli up");
        outside.ip("route add 10.77.0.0/24 dev cli");
        senzu.answer_on(server.inside(|| TcpListener::bind("10.77.0.1:8443").unwrap()));

        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("image")).unwrap();
        for file in ["vmlinuz", "initrd.img"] {
            fs::write(folder.path().join("image").join(file), file).unwrap();
        }
        let at = folder.path().display();
        let head = format!(
            "state = \"{at}/state\"\nimage = \"{at}/image\"\nlab = true\nlisten = \"10.77.0.1:8081\"\n\
             url = \"http://10.77.0.1:8081\"\n\
             [senzu]\nurl = \"http://10.77.0.1:8443\"\nagents = [\"http://10.77.0.1:8443\"]\n"
        );
        fs::write(folder.path().join("pxe.toml"), head + networks).unwrap();
        let (service, log) = start(&server, folder.path().join("pxe.toml"));
        let rack = Self { server, outside, folder, service, log };
        rack.wait_for_start();
        rack
    }

    /// Ends the service as its supervisor would, and starts it again on the same state.
    pub fn restart(&mut self) {
        kill(Pid::from_raw(self.service.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert!(self.service.wait().unwrap().success());
        let (service, log) = start(&self.server, self.folder.path().join("pxe.toml"));
        (self.service, self.log) = (service, log);
        self.wait_for_start();
    }

    /// Kills the service; nobody is told.
    pub fn kill_service(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
    }

    /// Kills a process of the service's.
    pub fn kill(&self, pid: i32) {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }

    /// Whether a process ends before patience does. One that nobody waits for is gone, too.
    pub fn wait_until_gone(&self, pid: i32) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match fs::read_to_string(format!("/proc/{pid}/stat")) {
                Ok(stat) if !stat.contains(") Z ") => std::thread::sleep(Duration::from_millis(10)),
                Ok(_) | Err(_) => return true,
            }
        }
        false
    }

    /// dnsmasq's process id.
    pub fn dnsmasq_pid(&self) -> i32 {
        let text = fs::read_to_string(self.folder.path().join("state/dnsmasq.pid")).unwrap();
        text.trim().parse().unwrap()
    }

    /// Until dnsmasq answers, having read its hosts file.
    pub fn wait_for_start(&self) {
        self.wait_for("started, version");
        self.wait_for("dhcp-hosts");
    }

    /// Until dnsmasq has read its hosts file again.
    pub fn wait_for_reload(&self) {
        self.wait_for("dhcp-hosts");
    }

    fn wait_for(&self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).unwrap_or_else(|_| panic!("the log never said {words:?}"));
            if line.contains(words) {
                return;
            }
        }
    }

    /// What HTTP answers.
    pub fn http(&self, path: &str) -> String {
        self.server.inside(|| {
            let mut stream = TcpStream::connect("10.77.0.1:8081").unwrap();
            write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        })
    }

    /// A file by TFTP (RFC 1350), from outside.
    pub fn tftp(&self, file: &str) -> Vec<u8> {
        self.outside.ip("address add 10.77.0.90/24 dev cli");
        self.outside.inside(|| {
            let socket = UdpSocket::bind("10.77.0.90:0").unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            let ask = [b"\0\x01", file.as_bytes(), b"\0octet\0"].concat();
            socket.send_to(&ask, "10.77.0.1:69").unwrap();
            let (mut contents, mut packet) = (Vec::new(), [0; 516]);
            loop {
                let (length, from) = socket.recv_from(&mut packet).unwrap();
                assert_eq!(packet[..2], [0, 3], "DATA");
                socket.send_to(&[0, 4, packet[2], packet[3]], from).unwrap();
                contents.extend_from_slice(&packet[4..length]);
                if length < packet.len() {
                    return contents;
                }
            }
        })
    }
}

impl Drop for Rack {
    fn drop(&mut self) {
        self.service.kill().ok();
        self.service.wait().ok();
    }
}

fn start(server: &Namespace, config: PathBuf) -> (Child, Receiver<String>) {
    let mut service = server.inside(|| {
        Command::new(env!("CARGO_BIN_EXE_pious-pxe"))
            .args(["serve", "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let (sender, log) = channel();
    let stderr = BufReader::new(service.stderr.take().unwrap());
    std::thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            eprintln!("  {line}");
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut ready = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");
    (service, log)
}
