//! Where BMCs fetch images: what they reach Senzu by is not what agents do, and only whoever built their network knows it.

use ipnet::IpNet;
use pious_redfish::Url;
use std::{net::IpAddr, str::FromStr};

/// One network's URL of this Senzu, as `10.78.0.0/24=https://10.78.0.1:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchUrl {
    network: IpNet,
    /// With no slash at its end.
    base: String,
}

const REMEDY: &str = "write NETWORK=URL, as 10.78.0.0/24=https://10.78.0.1:8443";

impl FromStr for FetchUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (network, url) = text.split_once('=').ok_or(REMEDY)?;
        let network: IpNet = network.trim().parse().map_err(|_| format!("{network:?} is no network: {REMEDY}"))?;
        if network.addr() != network.network() {
            return Err(format!("{network} is an address in a network: write {}", network.trunc()));
        }
        let written = url.trim();
        let url = Url::parse(written).map_err(|error| format!("{written:?} is no URL ({error}): {REMEDY}"))?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        match is_http && is_bare && url.password().is_none() {
            true => Ok(Self { network, base: url.as_str().trim_end_matches('/').to_owned() }),
            false => Err(format!("{written:?} is more or less than a server's URL: {REMEDY}")),
        }
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct FetchUrls(Vec<FetchUrl>);

impl FetchUrls {
    pub fn new(urls: &[FetchUrl]) -> Self {
        let mut urls = urls.to_vec();
        // The narrowest network that holds an address comes first.
        urls.sort_by_key(|url| std::cmp::Reverse(url.network.prefix_len()));
        Self(urls)
    }

    /// Where a BMC fetches what has this path; `None`: nobody said how its network reaches us.
    pub fn of(&self, bmc: IpAddr, path: &str) -> Option<String> {
        let bmc = bmc.to_canonical();
        let url = self.0.iter().find(|url| url.network.contains(&bmc))?;
        Some(format!("{}{path}", url.base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_network_counts_and_no_other_does() {
        let urls = [
            "10.0.0.0/8=https://senzu.example",
            "10.78.0.0/24 = http://10.78.0.1:8080/behind/a/proxy/",
            "fd00::/64=https://[fd00::1]:8443",
        ];
        let urls = FetchUrls::new(&urls.map(|text| text.parse().unwrap()));
        let of = |bmc: &str| urls.of(bmc.parse().unwrap(), "/v1/x");
        assert_eq!(of("10.78.0.7").as_deref(), Some("http://10.78.0.1:8080/behind/a/proxy/v1/x"));
        assert_eq!(of("::ffff:10.78.0.7"), of("10.78.0.7"));
        assert_eq!(of("10.79.0.7").as_deref(), Some("https://senzu.example/v1/x"));
        assert_eq!(of("fd00::7").as_deref(), Some("https://[fd00::1]:8443/v1/x"));
        assert_eq!(of("192.0.2.1"), None);
    }

    #[test]
    fn what_is_no_such_url_is_told_with_a_remedy() {
        for (text, begin) in [
            ("https://senzu.example", "write NETWORK=URL"),
            ("10.78.0.1/24=https://senzu.example", "10.78.0.1/24 is an address in a network: write 10.78.0.0/24"),
            ("ten=https://senzu.example", "\"ten\" is no network: write NETWORK=URL"),
            ("10.78.0.0/24=senzu", "\"senzu\" is no URL ("),
            ("10.78.0.0/24=ftp://senzu.example", "\"ftp://senzu.example\" is more or less than a server's URL: "),
            ("10.78.0.0/24=https://a:b@senzu.example", "\"https://a:b@senzu.example\" is more or less"),
            ("10.78.0.0/24=https://senzu.example/?x", "\"https://senzu.example/?x\" is more or less"),
        ] {
            let refused = text.parse::<FetchUrl>().unwrap_err();
            assert!(refused.starts_with(begin), "{text}: {refused}");
        }
    }
}
