//! DHCP on one NIC: asks until somebody answers, renews, asks anew when the lease is refused or lost. Knows nothing of
//! what a lease is used for.
//!
//! The client is mozim's. Its own retransmission slows down to one question a minute and takes a refusal (DHCPNAK) of a
//! renewal for silence; an engineer at the rack who has just moved a cable has no minute, and an asset that changes its
//! lease tier is refused on its next renewal. So each wait is bounded here, and an unanswered or refused renewal is
//! followed by INIT-REBOOT (RFC 2131 §4.4.2), where mozim does hear a refusal. Before its first question mozim waits for
//! 0 to 200 ms, by luck, so that a rack does not ask in chorus.

use super::lease::Lease;
use mozim::{DhcpError, DhcpV4Client, DhcpV4Config, DhcpV4Lease, DhcpV4State};
use pious_protocol::ids::MacAddress;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long one question waits. Below mozim's own shortest wait (3 s, RFC 2131 §4.1), so that there is one question per
/// wait. The question's number stays the same, so a late answer to the one before still counts.
const ATTEMPT: Duration = Duration::from_millis(2900);

/// The first question is often lost with the link still settling: the second comes soon.
const FIRST_ATTEMPT: Duration = Duration::from_secs(1);

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
            self.tell_asking(Instant::now(), tell);
            match timeout(self.patience(Instant::now()), client.run()).await {
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
                    sleep(self.pause(Instant::now())).await;
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
                match timeout(self.patience(Instant::now()), client.run()).await {
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
    fn tell_asking(&mut self, now: Instant, tell: &mut impl FnMut(News)) {
        if self.held.as_ref().is_some_and(|held| held.expires <= now) {
            self.held = None;
            self.since = now;
            self.attempts = 0;
        }
        if self.held.is_none() {
            let for_s = now.saturating_duration_since(self.since).as_secs();
            tell(News::Asking { for_s, attempts: self.attempts });
        }
    }

    /// A lease's end is not waited past.
    fn patience(&self, now: Instant) -> Duration {
        let left = self.held.as_ref().map(|held| held.expires.saturating_duration_since(now));
        let attempt = if self.held.is_none() && self.attempts == 0 { FIRST_ATTEMPT } else { ATTEMPT };
        left.map_or(attempt, |left| attempt.min(left))
    }

    fn pause(&self, now: Instant) -> Duration {
        match &self.held {
            None if self.attempts < EAGER_ATTEMPTS => Duration::ZERO,
            None => PAUSE,
            Some(_) if self.attempts <= MOST_REQUESTS => Duration::ZERO,
            Some(held) => PAUSE_WITH_LEASE.min(held.expires.saturating_duration_since(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPT, Asking, EAGER_ATTEMPTS, FIRST_ATTEMPT, Held, News, PAUSE};
    use mozim::{DhcpV4Config, DhcpV4Lease};
    use std::time::Duration;
    use tokio::time::Instant;

    fn asking(now: Instant, attempts: u32, lease_left_s: Option<u64>) -> Asking {
        let held =
            lease_left_s.map(|left| Held { lease: DhcpV4Lease::default(), expires: now + Duration::from_secs(left) });
        Asking { config: DhcpV4Config::default(), since: now, attempts, held }
    }

    #[test]
    fn a_minute_of_asking_without_pause_then_patience() {
        let now = Instant::now();
        assert_eq!(asking(now, 0, None).patience(now), FIRST_ATTEMPT);
        assert_eq!(asking(now, 1, None).patience(now), ATTEMPT);
        assert_eq!(asking(now, EAGER_ATTEMPTS - 1, None).pause(now), Duration::ZERO);
        assert_eq!(asking(now, EAGER_ATTEMPTS, None).pause(now), PAUSE);
        assert!(ATTEMPT * EAGER_ATTEMPTS > Duration::from_secs(30), "longer than STP listening and learning");
    }

    #[test]
    fn nothing_waits_past_the_end_of_a_lease() {
        let now = Instant::now();
        let soon = asking(now, 9, Some(1));
        assert_eq!((soon.patience(now), soon.pause(now)), (Duration::from_secs(1), Duration::from_secs(1)));
        let later = asking(now, 9, Some(3600));
        assert_eq!((later.patience(now), later.pause(now)), (ATTEMPT, Duration::from_secs(30)));
    }

    #[test]
    fn asking_is_told_only_without_a_lease() {
        let now = Instant::now();
        let told = |attempts, lease_left_s, after_s| {
            let mut told = Vec::new();
            asking(now, attempts, lease_left_s)
                .tell_asking(now + Duration::from_secs(after_s), &mut |news| told.push(news));
            told
        };
        assert_eq!(told(2, None, 6), [News::Asking { for_s: 6, attempts: 2 }]);
        assert_eq!(told(2, Some(5), 4), []);
        assert_eq!(told(2, Some(5), 5), [News::Asking { for_s: 0, attempts: 0 }], "an expired lease starts anew");
    }
}
