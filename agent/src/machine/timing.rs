//! The machine's times and bounds, each with its reason.

use super::NetworkOwner;
use crate::facts::Part;
use std::time::Duration;

/// The first rest after a failed request; it doubles with each further one. Short: at boot the first failure is most
/// often a switch port that does not forward yet.
pub const FIRST_REST: Duration = Duration::from_millis(500);

/// The longest rest. A server whose Senzu comes back is in its hands half a minute later; ten thousand servers then are
/// some 500 requests a second, which one Senzu can bear.
pub const LONGEST_REST: Duration = Duration::from_secs(30);

/// The longest rest while the machine waits to be powered off, so that several tries fit into [`FAREWELL`].
pub const LONGEST_REST_AT_END: Duration = Duration::from_secs(1);

/// How long the final report of a reboot or a shutdown may take: a Senzu that is away must not keep a server on.
pub const FAREWELL: Duration = Duration::from_secs(10);

/// How long reports that are on their way hold up a session that is told to end. PID 1 gives it 10 s, an ordinary host
/// often less, and a person at the keyboard is waiting.
pub const TERMINATION: Duration = Duration::from_secs(2);

/// How long links that came up a moment ago may take to find their other end before a missing cable is anybody's task:
/// copper negotiates for up to 4 s.
pub const LINKS: Duration = Duration::from_secs(5);

/// How long the drivers of the machine's devices may take to settle before the machine is judged without them: a disk
/// whose driver still loads is no missing disk, and one driver that hangs must not keep a server from being judged.
pub const DEVICES: Duration = Duration::from_secs(10);

/// The least time between two sendings of changed facts: LLDP, links and DHCP of one boot come in bursts.
pub const FACTS_GAP: Duration = Duration::from_secs(1);

/// The least time between two long-polls, for a Senzu that does not hold them.
pub const POLL_GAP: Duration = Duration::from_secs(1);

/// How long Senzu may take for the last permission, before a BMC gets an image: a Senzu that is restarted is back by then, and
/// the image has been proved for nothing rather than be written when nobody thinks of it any more.
pub const PERMISSION: Duration = Duration::from_secs(300);

/// Bounds on the facts period that Senzu asks for: more often than every 5 s is a flood, more seldom than hourly a
/// server nobody knows.
pub const FACTS_PERIOD: std::ops::RangeInclusive<u32> = 5..=3600;

/// How often a part of the facts is read though no event says that it changed, ±20 % by luck; `None`: never, it can't
/// change while the kernel runs.
///
/// What has no event at all is read as often as somebody at the rack would want to see it: a sensor twice a minute, what
/// has to ask a disk or a BMC less often, because both do it beside their work. What has events (devices that come and
/// go) is read seldom, for the events that no kernel sends; an ordinary host's device events are its own, so there it is
/// read each minute.
pub fn poll_period(part: Part, owner: NetworkOwner) -> Option<Duration> {
    const MINUTE: u64 = 60;
    let seconds = match (part, owner) {
        (Part::Firmware | Part::Smbios | Part::Cpu, _) => return None,
        (Part::Sensors, _) => MINUTE / 2,
        (Part::MemoryErrors | Part::BmcHealth | Part::Nics, _) => MINUTE,
        (Part::DiskHealth | Part::Bmc, _) => 5 * MINUTE,
        (Part::Memory | Part::Disks | Part::Pci | Part::Kernel, NetworkOwner::Agent) => 5 * MINUTE,
        (Part::Memory | Part::Disks | Part::Pci | Part::Kernel, NetworkOwner::Host) => MINUTE,
    };
    Some(Duration::from_secs(seconds))
}

/// Instructions looked at per answer; the rest comes again.
pub const INSTRUCTIONS_PER_ANSWER: usize = 16;

/// Instructions that wait here behind one that takes time; further ones wait at Senzu.
pub const WAITING_INSTRUCTIONS: usize = 16;

/// Ended instructions remembered one by one; behind them only the highest sequence is.
pub const REMEMBERED_INSTRUCTIONS: usize = 128;

/// Warnings kept for the console.
pub const WARNINGS: usize = 8;

/// The longest rest before the `failures`-th retry, over `urls` places that are tried in turn: a round of them is
/// one failure. The rest itself is half of that and up to as much again by luck, so that a fleet does not march in step.
pub fn rest(failures: u32, urls: usize, longest: Duration, random: u64) -> Duration {
    let urls = u32::try_from(urls.max(1)).unwrap_or(u32::MAX);
    let full = if failures.is_multiple_of(urls) {
        let doublings = (failures / urls).saturating_sub(1).min(16);
        FIRST_REST.saturating_mul(1 << doublings).min(longest)
    } else {
        // Another place is still to be tried in this round.
        FIRST_REST / 5
    };
    jittered(full, 0.5, 1.0, random)
}

/// `duration` times a factor between `least` and `most`, by luck.
pub fn jittered(duration: Duration, least: f64, most: f64, random: u64) -> Duration {
    let luck = f64::from((random >> 32) as u32) / f64::from(u32::MAX);
    duration.mul_f64(least + (most - least) * luck)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_their_bound() {
        let longest: Vec<_> = (1..=9).map(|n| rest(n, 1, LONGEST_REST, u64::MAX).as_millis()).collect();
        assert_eq!(longest, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
        assert_eq!(rest(u32::MAX, 1, LONGEST_REST, 0), LONGEST_REST / 2);
    }

    #[test]
    fn a_round_over_two_places_is_one_failure() {
        let rests: Vec<_> = (1..=5).map(|n| rest(n, 2, LONGEST_REST, u64::MAX).as_millis()).collect();
        assert_eq!(rests, [100, 500, 100, 1000, 100]);
    }
}
