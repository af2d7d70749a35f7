//! The TOML file: its shape, and everything that can be wrong with it, said before anything starts.

mod error;

pub use error::ConfigError;

use crate::network::{Network, NetworkSection};
use serde::Deserialize;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// dnsmasq takes shorter leases for this long (`dhcp-range` in dnsmasq(8)).
pub const SHORTEST_LEASE_S: u32 = 120;

/// The file's image of the kernel.
pub const KERNEL: &str = "vmlinuz";
/// The file's image of the initrd. Also the name by which the kernel asks UEFI for it.
pub const INITRD: &str = "initrd.img";

/// The configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Ours to write: dnsmasq's configuration, leases, hosts file, TFTP root, and the last known boot targets.
    pub state: PathBuf,
    /// Holds [`KERNEL`] and [`INITRD`].
    pub image: PathBuf,
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// How clients reach it; no slash at the end.
    pub url: String,
    /// Kernel command line words to add.
    pub cmdline: String,
    /// Senzu.
    pub senzu: Senzu,
    /// The network loaders that TFTP serves.
    pub loaders: Loaders,
    /// The program; `dnsmasq` is searched for.
    pub dnsmasq: PathBuf,
    /// Interfaces to answer on besides those of the networks: where a relay's packets arrive.
    pub extra_interfaces: Vec<String>,
    /// The networks.
    pub networks: Vec<Network>,
}

/// How Senzu is reached.
#[derive(Clone, Debug)]
pub struct Senzu {
    /// By this service, the preferred one first.
    pub urls: Vec<pious_client::Url>,
    /// The PEM file of the authority that signed Senzu's certificate; `None` with plain HTTP in a lab.
    pub ca: Option<PathBuf>,
    /// By the agents: the `pious.senzu=` words, the preferred one first.
    pub agents: Vec<String>,
}

/// The network loaders.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Loaders {
    /// For BIOS.
    pub bios: PathBuf,
    /// For UEFI on x86-64.
    pub uefi: PathBuf,
}

impl Default for Loaders {
    fn default() -> Self {
        Self { bios: "/usr/lib/ipxe/undionly.kpxe".into(), uefi: "/usr/lib/ipxe/snponly.efi".into() }
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    state: PathBuf,
    image: PathBuf,
    listen: SocketAddr,
    url: String,
    #[serde(default)]
    cmdline: String,
    /// Allows Senzu without TLS.
    #[serde(default)]
    lab: bool,
    #[serde(default = "dnsmasq_in_path")]
    dnsmasq: PathBuf,
    #[serde(default)]
    extra_interfaces: Vec<String>,
    senzu: SenzuSection,
    #[serde(default)]
    loaders: Loaders,
    #[serde(default)]
    networks: Vec<NetworkSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SenzuSection {
    url: OneOrMore,
    #[serde(default)]
    ca: Option<PathBuf>,
    #[serde(default)]
    agents: Vec<String>,
}

/// Most have one Senzu; several replicas are a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

fn dnsmasq_in_path() -> PathBuf {
    "dnsmasq".into()
}

impl Config {
    /// Reads and checks the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Checks the text of a file; `path` is for the errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let networks = file.networks.into_iter().map(Network::check).collect::<Result<Vec<_>, _>>()?;
        check_together(&networks)?;
        for interface in &file.extra_interfaces {
            check_interface_name(interface)?;
        }
        check_cmdline(&file.cmdline)?;
        Ok(Self {
            state: file.state,
            image: file.image,
            listen: file.listen,
            url: check_own_url(&file.url, &networks)?,
            cmdline: file.cmdline.trim().to_owned(),
            senzu: check_senzu(file.senzu, file.lab)?,
            loaders: file.loaders,
            dnsmasq: file.dnsmasq,
            extra_interfaces: file.extra_interfaces,
            networks,
        })
    }

    /// Checks that the files that will be served are there. Apart from [`Config::parse`], which reads nothing.
    pub fn check_files(&self) -> Result<(), ConfigError> {
        let readable = |what, path: PathBuf, remedy| match std::fs::File::open(&path) {
            Ok(_) => Ok(()),
            Err(source) => Err(ConfigError::Missing { what, path, remedy, source }),
        };
        let build = "build it with pious-initrd build --out, and point image at that folder";
        let install = "install the Debian package ipxe, or set [loaders]";
        readable("the kernel", self.image.join(KERNEL), build)?;
        readable("the initrd", self.image.join(INITRD), build)?;
        readable("the BIOS loader", self.loaders.bios.clone(), install)?;
        readable("the UEFI loader", self.loaders.uefi.clone(), install)?;
        if let Some(ca) = &self.senzu.ca {
            readable("Senzu's CA", ca.clone(), "copy ca.pem from Senzu's data folder, and point [senzu] ca at it")?;
        }
        Ok(())
    }
}

/// What no network can know of itself.
fn check_together(networks: &[Network]) -> Result<(), ConfigError> {
    if networks.is_empty() {
        return Err(ConfigError::NoNetworks);
    }
    for (index, a) in networks.iter().enumerate() {
        for b in networks.iter().skip(index + 1) {
            if a.name == b.name {
                return Err(ConfigError::DuplicateName(a.name.clone()));
            }
            if let (Some(one), Some(other)) = (a.interface(), b.interface())
                && one == other
            {
                return Err(ConfigError::DuplicateInterface(a.name.clone(), b.name.clone(), one.to_owned()));
            }
            if a.subnet.contains(&b.subnet) || b.subnet.contains(&a.subnet) {
                return Err(ConfigError::SubnetsOverlap(a.name.clone(), a.subnet, b.name.clone(), b.subnet));
            }
        }
    }
    Ok(())
}

/// The kernel's own rule is `dev_valid_name`; this is what of it dnsmasq's comma-separated file can carry.
pub(crate) fn check_interface_name(name: &str) -> Result<(), ConfigError> {
    let fits = (1..=15).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if fits { Ok(()) } else { Err(ConfigError::Interface(name.to_owned())) }
}

fn check_own_url(url: &str, networks: &[Network]) -> Result<String, ConfigError> {
    let wrong = |why| ConfigError::Url { key: "url", value: url.to_owned(), why };
    let parsed = parse_url(url).map_err(wrong)?;
    if parsed.scheme() != "http" {
        return Err(wrong("iPXE as Debian builds it has no HTTPS; write http://ADDRESS:PORT"));
    }
    let is_name = parsed.host_str().is_some_and(|host| host.parse::<Ipv4Addr>().is_err());
    if is_name && let Some(network) = networks.iter().find(|n| n.boots() && n.dns.is_empty()) {
        return Err(ConfigError::UrlNeedsDns(url.to_owned(), network.name.clone()));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn check_senzu(section: SenzuSection, lab: bool) -> Result<Senzu, ConfigError> {
    let check = |key, url: &str| {
        let wrong = |why| ConfigError::Url { key, value: url.to_owned(), why };
        let read = parse_url(url).map_err(wrong)?;
        match read.scheme() {
            "https" => Ok(read),
            "http" if lab => Ok(read),
            _ => Err(wrong("Senzu is spoken to over HTTPS; write https://…, or set lab = true in a lab")),
        }
    };
    let urls = match section.url {
        OneOrMore::One(url) => vec![url],
        OneOrMore::More(urls) => urls,
    };
    let urls = urls.iter().map(|url| check("[senzu] url", url)).collect::<Result<Vec<_>, _>>()?;
    if urls.is_empty() {
        return Err(ConfigError::NoSenzu);
    }
    for agent in &section.agents {
        check("[senzu] agents", agent)?;
    }
    if section.agents.is_empty() {
        return Err(ConfigError::NoAgents);
    }
    if urls.iter().any(|url| url.scheme() == "https") && section.ca.is_none() {
        return Err(ConfigError::NoCa);
    }
    Ok(Senzu { urls, ca: section.ca, agents: section.agents })
}

/// A URL that survives iPXE's and the kernel's reading of a line, and dnsmasq's of a comma-separated one.
fn parse_url(text: &str) -> Result<reqwest::Url, &'static str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b);
    if !text.bytes().all(plain) {
        return Err("only letters, digits and -._~:/[] are allowed in it");
    }
    let url = reqwest::Url::parse(text).map_err(|_| "it is no URL; write SCHEME://HOST:PORT")?;
    if url.host_str().is_none() { Err("it has no host; write SCHEME://HOST:PORT") } else { Ok(url) }
}

fn check_cmdline(cmdline: &str) -> Result<(), ConfigError> {
    let bad = |what| Err(ConfigError::Cmdline(cmdline.to_owned(), what));
    if cmdline.chars().any(char::is_control) {
        return bad("a control character");
    }
    if cmdline.contains("${") {
        return bad("${, which iPXE would expand");
    }
    if cmdline.split_whitespace().any(|word| word == "||" || word == "&&") {
        return bad("|| or &&, where iPXE would end the command");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
