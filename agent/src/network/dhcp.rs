//! DHCP on one NIC: asks until somebody answers, renews, asks anew when the lease is refused or lost. Knows nothing of
//! what a lease is used for.
//!
//! The client is mozim's. Its own retransmission slows down to one question a minute and takes a refusal (DHCPNAK) of a
//! renewal for silence; an engineer at the rack who has just moved a cable has no minute, and an asset that changes its
//! lease tier is refused on its next renewal. So each wait is bounded here, and an unanswered or refused renewal is
//! followed by INIT-REBOOT (RFC 2131 §4.4.2), where mozim does hear a refusal.

use super::lease::Lease;
use mozim::{DhcpError, DhcpV4Client, DhcpV4Config, DhcpV4Lease, DhcpV4State};
use pious_protocol::ids::MacAddress;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long one question waits. Below mozim's own shortest wait (3 s, RFC 2131 §4.1), so that there is one question per
/// wait; above what a server takes that probes the address first. The question's number stays the same, so an answer to
/// the one before still counts.
const ATTEMPT: Duration = Duration::from_millis(2900);

/// A switch port in STP listening and learning swallows questions for 30 s, LACP fallback for longer: a minute of
/// asking without pause, and patience afterwards.
const EAGER_ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_secs(7);

/// While the old lease still holds, nobody is in a hurry.
const PAUSE_WITH_LEASE: Duration = Duration::from_secs(30);

/// Unanswered requests before the question is put more generally: renewal → INIT-REBOOT → DISCOVER.
const MOST_REQUESTS: u32 = 2;

/// After an error of the socket, e.g. an interface that is just going down.
const AFTER_ERROR: Duration = Duration::from_secs(3);

/// The NIC to ask on.
#[derive(Clone, Debug)]
pub(super) struct Nic {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) mac: MacAddress,
}

/// What came of it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// No lease is held.
    Asking { for_s: u64, attempts: u32 },
    /// A lease, new or renewed.
    Bound(Box<Lease>),
}

/// A lease and its end.
struct Held {
    lease: DhcpV4Lease,
    expires: Instant,
}

impl Held {
    fn from_now(lease: DhcpV4Lease) -> Self {
        let length = Duration::from_secs(lease.lease_time_sec.into());
        Self { expires: Instant::now() + length, lease }
    }
}

/// Runs until dropped.
pub(super) async fn run(nic: Nic, mut tell: impl FnMut(News)) {
    let mut config = DhcpV4Config::new(&nic.name);
    config.set_iface_index(nic.index);
    if let Err(error) = config.set_iface_mac_raw(&nic.mac.0) {
        tracing::warn!("no DHCP on {}: {error}", nic.name);
        return;
    }
    // As iPXE and the firmware identify themselves, so that one server is one client.
    config.use_mac_as_client_id();
    let mut asking = Asking { config, since: Instant::now(), attempts: 0, held: None };
    loop {
        let Err(error) = asking.live(&mut tell).await;
        tracing::warn!("DHCP on {}: {error}", nic.name);
        sleep(AFTER_ERROR).await;
    }
}

struct Asking {
    config: DhcpV4Config,
    since: Instant,
    /// Unanswered questions since there was a lease.
    attempts: u32,
    held: Option<Held>,
}

impl Asking {
    async fn live(&mut self, tell: &mut impl FnMut(News)) -> Result<std::convert::Infallible, DhcpError> {
        loop {
            let lease = self.held.as_ref().map(|held| held.lease.clone());
            let mut client = DhcpV4Client::init(self.config.clone(), lease).await?;
            self.ask(&mut client, tell).await?;
            self.renew(&mut client, tell).await?;
        }
    }

    /// Asks until a lease is held, verified or new.
    async fn ask(&mut self, client: &mut DhcpV4Client, tell: &mut impl FnMut(News)) -> Result<(), DhcpError> {
        // A request names an address (INIT-REBOOT, or an offer's); a DISCOVER does not.
        let mut is_request = self.held.is_some();
        let mut requests = 0;
        loop {
            self.tell_asking(tell);
            match timeout(self.patience(), client.run()).await {
                Ok(Ok(DhcpV4State::Done(lease))) => {
                    self.bound(*lease, tell);
                    return Ok(());
                }
                Ok(Ok(state)) => {
                    is_request = state == DhcpV4State::Selecting;
                    requests = 0;
                }
                Ok(Err(error)) => return Err(error),
                Err(_unanswered) => {
                    self.attempts = self.attempts.saturating_add(1);
                    requests += 1;
                    if is_request && requests >= MOST_REQUESTS {
                        client.clean_up();
                        is_request = false;
                    }
                    sleep(self.pause()).await;
                }
            }
        }
    }

    /// Keeps the lease for as long as the server answers.
    async fn renew(&mut self, client: &mut DhcpV4Client, tell: &mut impl FnMut(News)) -> Result<(), DhcpError> {
        loop {
            // Waits for T1.
            client.run().await?;
            let mut requests = 0;
            loop {
                match timeout(self.patience(), client.run()).await {
                    Ok(Ok(DhcpV4State::Done(lease))) => {
                        self.bound(*lease, tell);
                        break;
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Err(error),
                    Err(_unanswered) => requests += 1,
                }
                if requests >= MOST_REQUESTS {
                    return Ok(());
                }
            }
        }
    }

    fn bound(&mut self, lease: DhcpV4Lease, tell: &mut impl FnMut(News)) {
        tell(News::Bound(Box::new(Lease::from(&lease))));
        self.attempts = 0;
        self.held = Some(Held::from_now(lease));
    }

    /// Says so where no lease is held, or none any more.
    fn tell_asking(&mut self, tell: &mut impl FnMut(News)) {
        if self.held.as_ref().is_some_and(|held| held.expires <= Instant::now()) {
            self.held = None;
            self.since = Instant::now();
            self.attempts = 0;
        }
        if self.held.is_none() {
            tell(News::Asking { for_s: self.since.elapsed().as_secs(), attempts: self.attempts });
        }
    }

    /// A lease's end is not waited past.
    fn patience(&self) -> Duration {
        let left = self.held.as_ref().map(|held| held.expires.saturating_duration_since(Instant::now()));
        left.map_or(ATTEMPT, |left| ATTEMPT.min(left))
    }

    fn pause(&self) -> Duration {
        match &self.held {
            None if self.attempts < EAGER_ATTEMPTS => Duration::ZERO,
            None => PAUSE,
            Some(_) if self.attempts <= MOST_REQUESTS => Duration::ZERO,
            Some(held) => PAUSE_WITH_LEASE.min(held.expires.saturating_duration_since(Instant::now())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPT, Asking, EAGER_ATTEMPTS, Held, News, PAUSE};
    use mozim::{DhcpV4Config, DhcpV4Lease};
    use std::time::Duration;
    use tokio::time::Instant;

    fn asking(attempts: u32, lease_left_s: Option<u64>) -> Asking {
        let held = lease_left_s
            .map(|left| Held { lease: DhcpV4Lease::default(), expires: Instant::now() + Duration::from_secs(left) });
        Asking { config: DhcpV4Config::default(), since: Instant::now(), attempts, held }
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_of_asking_without_pause_then_patience() {
        assert_eq!(asking(EAGER_ATTEMPTS - 1, None).pause(), Duration::ZERO);
        assert_eq!(asking(EAGER_ATTEMPTS, None).pause(), PAUSE);
        assert!(ATTEMPT * EAGER_ATTEMPTS > Duration::from_secs(30), "longer than STP listening and learning");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_waits_past_the_end_of_a_lease() {
        let soon = asking(9, Some(1));
        assert_eq!((soon.patience(), soon.pause()), (Duration::from_secs(1), Duration::from_secs(1)));
        let later = asking(9, Some(3600));
        assert_eq!((later.patience(), later.pause()), (ATTEMPT, Duration::from_secs(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn asking_is_told_only_without_a_lease() {
        let told = |mut asking: Asking| {
            let mut told = Vec::new();
            asking.tell_asking(&mut |news| told.push(news));
            told
        };
        assert_eq!(told(asking(2, None)), [News::Asking { for_s: 0, attempts: 2 }]);
        assert_eq!(told(asking(2, Some(5))), []);
        assert_eq!(told(asking(2, Some(0))), [News::Asking { for_s: 0, attempts: 0 }], "an expired lease starts anew");
    }
}
