//! Where this machine's BMC is found: the ways that the machine itself knows come first, Senzu's record last.
//!
//! What leads to it is read from the facts; the BMC's own interface on the host (SMBIOS type 42) has its address from
//! `network`, and no other interface ever gets that one.

use crate::driver::chain;
use pious_protocol::{
    facts::{Dhcp, Facts, HostInterface, NicRole},
    firmware::BmcAccess,
};
use pious_redfish::{Bmc, Error, Place, Url};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::net::TcpStream;

/// How long a candidate may take to be connected to. It is on this machine or in this room; one that is switched off does
/// not answer at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How long it may then take to open a session: a slow BMC needs several seconds for TLS and as many for its password.
const SESSION_WITHIN: Duration = Duration::from_secs(60);

/// HTTPS.
const PORT: u16 = 443;

/// One way to the BMC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    from: String,
    /// Host or `host:port`.
    address: String,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.address, self.from)
    }
}

/// The ways to the BMC, the best first, and what would have been one.
pub(super) fn candidates(known: &Facts, recorded: Option<&str>) -> (Vec<Candidate>, Vec<String>) {
    let mut ways: Vec<Candidate> = Vec::new();
    let mut gaps = Vec::new();
    let mut take = |from: &str, way: Result<String, String>| match way {
        Ok(address) if ways.iter().any(|known| known.address == address) => {}
        Ok(address) => ways.push(Candidate { from: from.to_owned(), address }),
        Err(why) => gaps.push(format!("{from}: {why}")),
    };
    match known.smbios.value() {
        Err(reason) => take("SMBIOS type 42", Err(reason.to_owned())),
        Ok(smbios) => {
            let is_redfish = |record: &&HostInterface| record.protocols.iter().any(|name| name.contains("Redfish"));
            let mut records = smbios.host_interfaces.iter().filter(is_redfish).peekable();
            if records.peek().is_none() {
                take("SMBIOS type 42", Err("no Redfish host interface".into()));
            }
            records.for_each(|record| take("SMBIOS type 42", by_host_interface(record, known)));
        }
    }
    const LAN: &str = "the BMC's LAN configuration";
    match known.bmc.value().and_then(|bmc| bmc.lan.value()) {
        Err(reason) => take(LAN, Err(reason.to_owned())),
        Ok(lans) => {
            let addresses = lans.iter().filter_map(|lan| lan.address);
            let mut addresses = addresses.filter(|address| !address.is_unspecified()).peekable();
            if addresses.peek().is_none() {
                take(LAN, Err("no address is set".into()));
            }
            addresses.for_each(|address| take(LAN, Ok(host_port(address, PORT))));
        }
    }
    take("Senzu's record", recorded.map(str::to_owned).ok_or_else(|| "no address".into()));
    (ways, gaps)
}

/// By a type 42 record: the service's address, or who gives the host its address on that interface.
fn by_host_interface(record: &HostInterface, known: &Facts) -> Result<String, String> {
    let port = record.service_port.unwrap_or(PORT);
    let doors: Vec<_> = known.nics.iter().filter(|nic| nic.role == NicRole::HostInterface).collect();
    if doors.is_empty() {
        return Err("none of this server's network interfaces is the one that it describes".into());
    }
    match record.service_address {
        Some(IpAddr::V6(v6)) if v6.is_unicast_link_local() => {
            return Err(format!("the service is at {v6}, and IPv6 is not configured here"));
        }
        Some(address) if !address.is_unspecified() => return Ok(host_port(address, port)),
        Some(_) | None => {}
    }
    let server = doors.iter().find_map(|nic| match nic.dhcp {
        Dhcp::Bound { server, .. } => Some(server),
        Dhcp::Idle | Dhcp::Asking { .. } | Dhcp::Unknown => None,
    });
    let named = || record.service_host.clone().map(|host| format!("{host}:{port}"));
    server.map(|server| host_port(server, port)).or_else(named).ok_or_else(|| "it tells no address".into())
}

fn host_port(address: IpAddr, port: u16) -> String {
    SocketAddr::new(address, port).to_string()
}

/// Why there is no BMC to speak to, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// None answers, or none as it should: another try may fare better.
    ForNow(String),
    /// One refuses the user, or is not the one that is known. Somebody must change something first: BMCs lock out users
    /// that try again and again.
    ForGood(String),
}

/// The place of the BMC that lets us in: each candidate is tried once, in order. A BMC that refuses the user ends the
/// search: the next candidate is most likely the same BMC, and BMCs lock users out.
pub(super) async fn find(known: &Facts, access: &BmcAccess) -> Result<(Bmc, Place), Lost> {
    let (ways, mut problems) = candidates(known, access.address.as_deref());
    let mut is_stranger = false;
    for way in ways {
        match connect(&way, access).await {
            Ok(found) => {
                tracing::info!("the BMC is at {way}");
                return Ok(found);
            }
            Err(Refusal::Credentials(why)) => {
                return Err(Lost::ForGood(format!("the BMC at {way} does not let us in: {why}")));
            }
            Err(Refusal::Stranger(why)) => {
                is_stranger = true;
                problems.push(format!("{way}: {why}"));
            }
            Err(Refusal::Other(why)) => problems.push(format!("{way}: {why}")),
        }
    }
    let words = format!("the BMC is not found: {}", problems.join("; "));
    Err(if is_stranger { Lost::ForGood(words) } else { Lost::ForNow(words) })
}

enum Refusal {
    /// It is a BMC, and it does not take the user.
    Credentials(String),
    /// It shows another certificate than it must.
    Stranger(String),
    Other(String),
}

async fn connect(way: &Candidate, access: &BmcAccess) -> Result<(Bmc, Place), Refusal> {
    let other = |why: String| Refusal::Other(why);
    let url = Url::parse(&format!("https://{}/", way.address)).map_err(|error| other(error.to_string()))?;
    let host = url.host_str().ok_or_else(|| other("it names no host".into()))?;
    let to = format!("{host}:{}", url.port_or_known_default().unwrap_or(PORT));
    match tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(&to)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(other(error.to_string())),
        Err(_) => return Err(other(format!("no connection within {} s", CONNECT_WITHIN.as_secs()))),
    }
    let mut place = Place {
        url,
        user: access.user.clone(),
        password: access.password.clone(),
        certificate_sha256: access.certificate_sha256.clone(),
    };
    let bmc = match tokio::time::timeout(SESSION_WITHIN, Bmc::connect(&place)).await {
        Ok(Ok(bmc)) => bmc,
        Ok(Err(error @ Error::Credentials { .. })) => return Err(Refusal::Credentials(chain(&error))),
        Ok(Err(error @ Error::Certificate { .. })) => return Err(Refusal::Stranger(chain(&error))),
        Ok(Err(error)) => return Err(other(chain(&error))),
        Err(_) => return Err(other(format!("no session within {} s", SESSION_WITHIN.as_secs()))),
    };
    // From here on it is this BMC and no other.
    place.certificate_sha256 = bmc.certificate_sha256().map(str::to_owned).or(place.certificate_sha256);
    Ok((bmc, place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::{
        facts::{Bmc as BmcFacts, BmcLan, Nic, Observed, Smbios},
        firmware::Secret,
    };

    fn record() -> HostInterface {
        HostInterface {
            protocols: vec!["Redfish over IP".into()],
            service_address: Some([169, 254, 0, 17].into()),
            service_port: Some(8443),
            ..HostInterface::default()
        }
    }

    fn facts(records: Vec<HostInterface>, nics: Vec<Nic>, lan: Option<[u8; 4]>) -> Facts {
        let lan = BmcLan { channel: 1, address: lan.map(Into::into), ..BmcLan::default() };
        let bmc = BmcFacts { lan: Observed::seen("test", vec![lan]), ..BmcFacts::default() };
        Facts {
            smbios: Observed::seen("test", Smbios { host_interfaces: records, ..Smbios::default() }),
            bmc: Observed::seen("test", bmc),
            nics,
            ..Facts::default()
        }
    }

    fn door(dhcp: Dhcp) -> Nic {
        Nic { name: "usb0".into(), role: NicRole::HostInterface, dhcp, ..Nic::default() }
    }

    fn told(known: &Facts, recorded: Option<&str>) -> (Vec<String>, Vec<String>) {
        let (ways, gaps) = candidates(known, recorded);
        (ways.iter().map(ToString::to_string).collect(), gaps)
    }

    #[test]
    fn the_machines_own_ways_come_first() {
        let known = facts(vec![record()], vec![door(Dhcp::Idle)], Some([10, 78, 0, 21]));
        let ways = ["169.254.0.17:8443 (SMBIOS type 42)", "10.78.0.21:443 (the BMC's LAN configuration)"];
        let recorded = "bmc-r1-u10 (Senzu's record)";
        let expected = ways.into_iter().chain([recorded]).map(str::to_owned).collect();
        assert_eq!(told(&known, Some("bmc-r1-u10")), (expected, vec![]));
        let twice = told(&known, Some("10.78.0.21:443"));
        assert_eq!(twice, (ways.map(str::to_owned).to_vec(), vec![]), "each is tried once");
    }

    #[test]
    fn what_is_no_way_says_why() {
        let known = facts(vec![record()], vec![Nic::default()], None);
        let gaps = [
            "SMBIOS type 42: none of this server's network interfaces is the one that it describes",
            "the BMC's LAN configuration: no address is set",
            "Senzu's record: no address",
        ];
        assert_eq!(told(&known, None), (vec![], gaps.map(str::to_owned).to_vec()));
        let gaps = |known: &Facts| told(known, None).1;
        assert_eq!(gaps(&facts(vec![], vec![], None))[0], "SMBIOS type 42: no Redfish host interface");
        let unread = Facts { smbios: Observed::absent("no table"), ..Facts::default() };
        assert_eq!(gaps(&unread)[0], "SMBIOS type 42: no table");
    }

    #[test]
    fn a_service_without_an_address_is_where_the_interfaces_lease_came_from() {
        let bare = HostInterface { service_address: None, service_port: None, ..record() };
        let bound = Dhcp::Bound {
            address: [169, 254, 1, 2].into(),
            prefix_length: 24,
            server: [169, 254, 1, 1].into(),
            lease_s: 600,
        };
        let ways = |record: HostInterface, dhcp| told(&facts(vec![record], vec![door(dhcp)], None), None).0;
        assert_eq!(ways(bare.clone(), bound), ["169.254.1.1:443 (SMBIOS type 42)"]);
        let named = HostInterface { service_host: Some("bmc.local".into()), ..bare.clone() };
        assert_eq!(ways(named, Dhcp::Idle), ["bmc.local:443 (SMBIOS type 42)"]);
        assert_eq!(ways(bare, Dhcp::Idle), Vec::<String>::new());
    }

    #[tokio::test]
    async fn nobody_there_is_told_for_each() {
        // A port that nobody listens on: it was this test's a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let access = BmcAccess {
            address: Some(free.to_string()),
            user: "pious".into(),
            password: Secret::new("hunter2"),
            certificate_sha256: None,
        };
        let Err(why) = find(&facts(vec![], vec![], None), &access).await else { panic!("there is no BMC") };
        let expected = format!(
            "the BMC is not found: SMBIOS type 42: no Redfish host interface; the BMC's LAN configuration: no address is \
             set; {free} (Senzu's record): Connection refused (os error 111)"
        );
        assert_eq!(why, Lost::ForNow(expected));
    }
}
