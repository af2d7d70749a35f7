//! How much of each management network images may take: all that are sent into one share its bucket.

use super::throttle::Bucket;
use ipnet::IpNet;
use std::{
    net::IpAddr,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What is read and sent at once. Larger pieces save nothing, and a thousand downloads keep a thousand of them.
const MAX_PIECE_BYTES: usize = 64 * 1024;
const MIN_PIECE_BYTES: usize = 1024;
/// A slow network gets smaller pieces, so that many downloads of one all go on.
const PIECES_PER_S: u64 = 32;

/// One network's share, as `10.78.0.0/24=50MiB/s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    network: IpNet,
    bytes_per_s: u64,
}

const UNITS: [(&str, u64); 8] = [
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("b", 1),
    ("", 1),
];

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const REMEDY: &str = "write NETWORK=RATE, as 10.78.0.0/24=50MiB/s";
        let (network, rate) = text.split_once('=').ok_or(REMEDY)?;
        let network: IpNet = network.trim().parse().map_err(|_| format!("{network:?} is no network: {REMEDY}"))?;
        if network.addr() != network.network() {
            return Err(format!("{network} is an address in a network: write {}", network.trunc()));
        }
        let written = rate.trim().to_ascii_lowercase();
        let written = written.strip_suffix("/s").unwrap_or(&written);
        let (number, unit) = written.split_at(written.find(|c: char| !c.is_ascii_digit()).unwrap_or(written.len()));
        let unit = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, bytes)| *bytes);
        let rate_in_bytes = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
        match rate_in_bytes {
            Some(bytes_per_s) if bytes_per_s > 0 => Ok(Self { network, bytes_per_s }),
            Some(_) | None => Err(format!("{:?} is no rate of bytes: {REMEDY}", rate.trim())),
        }
    }
}

/// All shares.
#[derive(Debug, Default)]
pub struct Budgets(Vec<Arc<Budget>>);

/// One network's share, and what is left of it.
#[derive(Debug)]
pub struct Budget {
    share: Share,
    bucket: Mutex<Bucket>,
    begun: Instant,
}

impl Budgets {
    /// Of two shares of one network the smaller counts.
    pub fn new(shares: &[Share]) -> Self {
        let mut shares = shares.to_vec();
        // A network within another has its own share: the narrowest that holds an address comes first.
        shares.sort_by_key(|share| (std::cmp::Reverse(share.network.prefix_len()), share.bytes_per_s));
        let budget = |share: Share| {
            Arc::new(Budget { share, bucket: Mutex::new(Bucket::new(share.bytes_per_s)), begun: Instant::now() })
        };
        Self(shares.into_iter().map(budget).collect())
    }

    /// The share of whoever has this address; `None`: unlimited.
    pub fn of(&self, peer: IpAddr) -> Option<Arc<Budget>> {
        // A socket that takes both kinds shows IPv4 as IPv6.
        let peer = peer.to_canonical();
        self.0.iter().find(|budget| budget.share.network.contains(&peer)).cloned()
    }
}

impl Budget {
    /// Takes bytes; answers how long to wait before they may go out.
    pub fn take(&self, bytes: usize) -> Duration {
        // A bucket is right whatever panicked beside it.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(self.begun.elapsed(), bytes)
    }

    pub fn bytes_per_s(&self) -> u64 {
        self.share.bytes_per_s
    }
}

/// How much is sent at once, at that rate; `None`: as fast as it goes.
pub fn piece_bytes(bytes_per_s: Option<u64>) -> usize {
    let piece = bytes_per_s.map(|rate| usize::try_from(rate / PIECES_PER_S).unwrap_or(MAX_PIECE_BYTES));
    piece.unwrap_or(MAX_PIECE_BYTES).clamp(MIN_PIECE_BYTES, MAX_PIECE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_as_it_is_written() {
        let bytes = |text: &str| text.parse::<Share>().map(|share| share.bytes_per_s);
        assert_eq!(bytes("10.78.0.0/24=50MiB/s"), Ok(50 << 20));
        assert_eq!(bytes("fd00::/64 = 1 GB"), Ok(1_000_000_000));
        assert_eq!(bytes("0.0.0.0/0=7"), Ok(7));
        let remedy = "write NETWORK=RATE, as 10.78.0.0/24=50MiB/s";
        for (text, words) in [
            ("10.78.0.0/24", remedy.to_owned()),
            ("10.78.0.0=1MiB/s", format!("\"10.78.0.0\" is no network: {remedy}")),
            ("10.78.0.1/24=1MiB/s", "10.78.0.1/24 is an address in a network: write 10.78.0.0/24".into()),
            ("10.78.0.0/24=fast", format!("\"fast\" is no rate of bytes: {remedy}")),
            ("10.78.0.0/24=0MiB/s", format!("\"0MiB/s\" is no rate of bytes: {remedy}")),
            ("10.78.0.0/24=-1MiB/s", format!("\"-1MiB/s\" is no rate of bytes: {remedy}")),
            ("10.78.0.0/24=99999999999999999999B", format!("\"99999999999999999999B\" is no rate of bytes: {remedy}")),
        ] {
            assert_eq!(bytes(text), Err(words), "{text}");
        }
    }

    #[test]
    fn the_narrowest_network_counts() {
        let shares =
            ["10.0.0.0/8=9MiB/s", "10.78.0.0/24=1MiB/s", "10.78.0.0/24=2MiB/s"].map(|text| text.parse().unwrap());
        let budgets = Budgets::new(&shares);
        let of = |peer: &str| budgets.of(peer.parse().unwrap()).map(|budget| budget.share.bytes_per_s >> 20);
        assert_eq!(of("10.78.0.7"), Some(1));
        assert_eq!(of("::ffff:10.78.0.7"), Some(1));
        assert_eq!(of("10.79.0.7"), Some(9));
        assert_eq!(of("192.0.2.1"), None);
        assert_eq!(piece_bytes(Some(1 << 20)), (1 << 20) / 32);
    }
}
