//! Every way in which a configuration can be wrong, with the words that say so.

use super::*;

const RACK: &str = include_str!("../../example.toml");

/// The rack's configuration with one text put for another, and what is said of it, causes included.
fn verdict(from: &str, to: &str) -> String {
    assert!(RACK.contains(from), "{from:?} is not in the file");
    match Config::parse(&RACK.replacen(from, to, 1), Path::new("pxe.toml")) {
        Ok(_) => "accepted".into(),
        Err(error) => crate::senzu::chain(&error),
    }
}

#[test]
fn as_it_is() {
    assert_eq!(verdict("provisioning", "provisioning"), "accepted");
}

#[test]
fn ranges() {
    let first = "first = \"10.77.0.100\", last = \"10.77.0.199\"";
    let long = "first = \"10.77.0.200\", last = \"10.77.0.250\"";
    for (case, from, to, expected) in [
        (
            "backwards",
            first,
            "first = \"10.77.0.199\", last = \"10.77.0.100\"",
            "network \"provisioning\": the unrecognized range 10.77.0.199–10.77.0.100 runs backwards; swap first and last",
        ),
        (
            "outside",
            long,
            "first = \"10.77.1.200\", last = \"10.77.1.250\"",
            "network \"provisioning\": 10.77.1.200 of the recognized range is not a host address of 10.77.0.0/24; move the range inside",
        ),
        (
            "up to the broadcast address",
            long,
            "first = \"10.77.0.200\", last = \"10.77.0.255\"",
            "network \"provisioning\": 10.77.0.255 of the recognized range is not a host address of 10.77.0.0/24; move the range inside",
        ),
        (
            "over the server",
            first,
            "first = \"10.77.0.1\", last = \"10.77.0.199\"",
            "network \"provisioning\": the unrecognized range holds 10.77.0.1, the server's own address; move the range beside it",
        ),
        (
            "over the router",
            "ntp = [\"10.77.0.1\"]",
            "router = \"10.77.0.150\"",
            "network \"provisioning\": the unrecognized range holds 10.77.0.150, the router's own address; move the range beside it",
        ),
        (
            "overlapping tiers",
            long,
            "first = \"10.77.0.199\", last = \"10.77.0.250\"",
            "network \"provisioning\": the unrecognized and the recognized range overlap; keep them apart, or leave first and last out of recognized to share one range",
        ),
        (
            "half a range",
            long,
            "first = \"10.77.0.200\"",
            "network \"provisioning\": the recognized range has only one of first and last; give both, or neither to share the unrecognized range",
        ),
        ("the same range written twice", long, first, "accepted"),
        (
            "a short lease",
            "lease_s = 120",
            "lease_s = 119",
            "network \"provisioning\": the unrecognized lease of 119 s is shorter than dnsmasq allows; use at least 120",
        ),
        (
            "tiers the wrong way round",
            "lease_s = 120",
            "lease_s = 43201",
            "network \"provisioning\": unrecognized servers get longer leases (43201 s) than recognized ones (43200 s); swap them",
        ),
    ] {
        assert_eq!(verdict(from, to), expected, "{case}");
    }
}

#[test]
fn networks() {
    let address = "address = \"10.77.0.1/24\"";
    let interface = "interface = \"prov\"";
    for (case, from, to, expected) in [
        (
            "one name twice",
            "name = \"bmc\"",
            "name = \"provisioning\"",
            "two networks are named \"provisioning\"; rename one",
        ),
        (
            "one interface twice",
            "interface = \"bmc\"",
            interface,
            "networks \"provisioning\" and \"bmc\" are both on interface \"prov\"; give each its own interface, or make one a relayed one (relay = true)",
        ),
        (
            "overlapping subnets",
            address,
            "address = \"10.77.0.1/8\"",
            "networks \"provisioning\" (10.0.0.0/8) and \"bmc\" (10.78.0.0/24) overlap; an address may belong to one network only",
        ),
        (
            "a name that is no tag",
            "name = \"provisioning\"",
            "name = \"Rack 1,2\"",
            "network name \"Rack 1,2\" can't be used; use lower-case letters, digits and hyphens",
        ),
        (
            "no way to it",
            interface,
            "",
            "network \"provisioning\" needs either interface = \"…\" with address = \"A.B.C.D/N\", or relay = true with subnet = \"A.B.C.0/N\"; it has neither",
        ),
        (
            "two ways to it",
            interface,
            "interface = \"prov\"\nrelay = true",
            "network \"provisioning\" needs either interface = \"…\" with address = \"A.B.C.D/N\", or relay = true with subnet = \"A.B.C.0/N\"; it has both",
        ),
        (
            "no address",
            address,
            "",
            "network \"provisioning\" needs either interface = \"…\" with address = \"A.B.C.D/N\", or relay = true with subnet = \"A.B.C.0/N\"; it has no address",
        ),
        (
            "the subnet's own address",
            address,
            "address = \"10.77.0.0/24\"",
            "network \"provisioning\" needs either interface = \"…\" with address = \"A.B.C.D/N\", or relay = true with subnet = \"A.B.C.0/N\"; its address is not a host's, but the subnet's own or its broadcast address",
        ),
        (
            "no room",
            address,
            "address = \"10.77.0.1/30\"",
            "network \"provisioning\": a /30 has no room for a server and its clients; the longest prefix is /29",
        ),
        (
            "a router elsewhere",
            "ntp = [\"10.77.0.1\"]",
            "router = \"10.78.0.1\"",
            "network \"provisioning\": router 10.78.0.1 is not in 10.77.0.0/24; correct one of them",
        ),
        (
            "a relay without a router",
            "interface = \"prov\"\naddress = \"10.77.0.1/24\"",
            "relay = true\nsubnet = \"10.77.0.0/24\"",
            "network \"provisioning\" is relayed and has no router, so its clients could not reach this service; set router to the relay's address in that subnet",
        ),
        (
            "an interface with a comma",
            interface,
            "interface = \"a,b\"",
            "\"a,b\" is no interface name: 1 to 15 letters, digits, dots, hyphens or underscores",
        ),
    ] {
        assert_eq!(verdict(from, to), expected, "{case}");
    }
    let none = &RACK[..RACK.find("[[networks]]").unwrap()];
    assert_eq!(
        Config::parse(none, Path::new("pxe.toml")).unwrap_err().to_string(),
        "no network is configured; add a [[networks]] table with name, kind, interface, address and unrecognized"
    );
}

#[test]
fn urls_and_words() {
    let url = "url = \"http://10.77.0.1:8081\"";
    let senzu = "url = \"https://10.77.0.1:8443\"";
    let cmdline = "cmdline = \"pious.console=serial\"";
    for (case, from, to, expected) in [
        (
            "our own by HTTPS",
            url,
            "url = \"https://10.77.0.1:8081\"",
            "url = \"https://10.77.0.1:8081\" can't be used: iPXE as Debian builds it has no HTTPS; write http://ADDRESS:PORT",
        ),
        (
            "our own by name, without name servers",
            url,
            "url = \"http://pxe:8081\"",
            "url = \"http://pxe:8081\" has a host name, but network \"provisioning\" gives its clients no dns; write the IP address, or set dns there",
        ),
        (
            "no URL",
            url,
            "url = \"10.77.0.1\"",
            "url = \"10.77.0.1\" can't be used: it is no URL; write SCHEME://HOST:PORT",
        ),
        (
            "one that iPXE would expand",
            url,
            "url = \"http://${net0/ip}\"",
            "url = \"http://${net0/ip}\" can't be used: only letters, digits and -._~:/[] are allowed in it",
        ),
        (
            "Senzu without TLS",
            senzu,
            "url = \"http://10.77.0.1:8443\"",
            "[senzu] url = \"http://10.77.0.1:8443\" can't be used: Senzu is spoken to over HTTPS; write https://…, or set lab = true in a lab",
        ),
        (
            "Senzu without an authority",
            "ca = \"/etc/pious/ca.pem\"",
            "",
            "[senzu] url is https and ca is missing; set ca to the PEM file of the authority that signed Senzu's certificate",
        ),
        (
            "nobody to ask",
            senzu,
            "url = []",
            "[senzu] url is an empty list, so nobody could be asked what servers boot; list at least one https URL",
        ),
        (
            "nobody to report to",
            "agents = [\"https://10.77.0.1:8443\"]",
            "",
            "[senzu] agents is empty, so the agents would not know whom to report to; list at least one https URL",
        ),
        (
            "Senzu for agents without TLS",
            "agents = [\"https",
            "agents = [\"http",
            "[senzu] agents = \"http://10.77.0.1:8443\" can't be used: Senzu is spoken to over HTTPS; write https://…, or set lab = true in a lab",
        ),
        (
            "a command in the words",
            cmdline,
            "cmdline = \"quiet || shell\"",
            "cmdline = \"quiet || shell\" holds || or &&, where iPXE would end the command; leave it out: iPXE reads the line before the kernel does",
        ),
        (
            "a setting in the words",
            cmdline,
            "cmdline = \"x=${mac}\"",
            "cmdline = \"x=${mac}\" holds ${, which iPXE would expand; leave it out: iPXE reads the line before the kernel does",
        ),
        (
            "a line in the words",
            cmdline,
            "cmdline = \"a\\nshell\"",
            "cmdline = \"a\\nshell\" holds a control character; leave it out: iPXE reads the line before the kernel does",
        ),
    ] {
        assert_eq!(verdict(from, to), expected, "{case}");
    }
}

#[test]
fn plain_http_in_a_lab() {
    let lab = RACK.replace("https://", "http://").replace("ca = \"/etc/pious/ca.pem\"\n", "");
    let config = Config::parse(&format!("lab = true\n{lab}"), Path::new("pxe.toml")).unwrap();
    assert_eq!(config.senzu.agents, ["http://10.77.0.1:8443"]);
    assert_eq!(config.senzu.ca, None);
}

#[test]
fn a_misspelt_key_is_named() {
    let said = verdict("cmdline =", "cmdlin =");
    assert!(said.starts_with("pxe.toml is not a pious-pxe configuration: "), "{said}");
    assert!(said.contains("unknown field `cmdlin`"), "{said}");
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::read(Path::new("/nowhere/pxe.toml")).unwrap_err();
    assert_eq!(error.to_string(), "read the configuration /nowhere/pxe.toml");
}

#[test]
fn files_that_will_be_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut config = Config::parse(RACK, Path::new("pxe.toml")).unwrap();
    config.image = folder.path().to_owned();
    config.loaders = Loaders { bios: path("undionly.kpxe"), uefi: path("snponly.efi") };
    config.senzu.ca = Some(path("ca.pem"));
    let build = "build it with pious-initrd build --out, and point image at that folder";
    let install = "install the Debian package ipxe, or set [loaders]";
    for (what, name, remedy) in [
        ("the kernel", "vmlinuz", build),
        ("the initrd", "initrd.img", build),
        ("the BIOS loader", "undionly.kpxe", install),
        ("the UEFI loader", "snponly.efi", install),
        ("Senzu's CA", "ca.pem", "copy ca.pem from Senzu's data folder, and point [senzu] ca at it"),
    ] {
        let said = config.check_files().unwrap_err().to_string();
        assert_eq!(said, format!("{what} {} can't be read; {remedy}", path(name).display()));
        std::fs::write(path(name), "").unwrap();
    }
    config.check_files().unwrap();
}

#[test]
fn several_senzus() {
    let several = RACK.replace(
        "url = \"https://10.77.0.1:8443\"\nca",
        "url = [\"https://10.77.0.1:8443\", \"https://10.77.0.2:8443\"]\nca",
    );
    let urls = Config::parse(&several, Path::new("pxe.toml")).unwrap().senzu.urls;
    assert_eq!(
        urls.iter().map(|url| url.as_str()).collect::<Vec<_>>(),
        ["https://10.77.0.1:8443/", "https://10.77.0.2:8443/"]
    );
}
