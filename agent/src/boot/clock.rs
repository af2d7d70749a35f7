//! The clock, before the first TLS handshake: a floor from the build, then the time that the boot script was written at,
//! then NTP where DHCP names a server. The clock is never set below the floor.

use nix::{
    sys::time::TimeSpec,
    time::{ClockId, clock_gettime, clock_settime},
};
use serde::Deserialize;
use std::{fs, net::Ipv4Addr, time::Duration};

/// What the image builder wrote about itself.
const BUILD_PATH: &str = "/etc/pious/build.json";

/// The word of the kernel's command line that holds the time at which pxe wrote the boot script.
const NOW_WORD: &str = "pious.now=";

/// The boot script is older than the clock by what firmware and download took. A clock within this of it is believed:
/// certificates are not that precise.
const TOLERANCE: Duration = Duration::from_secs(120);

/// How long an NTP server may take: nothing waits longer for a better clock than for a wrong one.
pub const NTP_PATIENCE: Duration = Duration::from_secs(2);

/// An offset below this is not worth a step.
const WORTH_A_STEP_S: f64 = 0.5;

/// The clock was set: from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockSet {
    /// `the image's build`, `the boot script`, `NTP server 192.0.2.1`.
    pub source: String,
}

/// Why NTP did not set the clock.
#[derive(Debug, thiserror::Error)]
pub enum NtpError {
    /// The server did not answer, or not as it should.
    #[error("NTP server {server} did not tell the time")]
    Asked {
        /// The server.
        server: Ipv4Addr,
        /// Why.
        #[source]
        source: rsntp::SynchronizationError,
    },
    /// The server lives before the image was built.
    #[error("NTP server {server} tells a time before this image was built")]
    BelowFloor {
        /// The server.
        server: Ipv4Addr,
    },
    /// The kernel refuses.
    #[error("cannot set the clock ({})", .0.desc())]
    Refused(nix::errno::Errno),
}

#[derive(Deserialize)]
struct Build {
    source_date_epoch: u64,
}

/// Sets the clock from what the image and the command line say. To be called before anything is asked over TLS.
/// Answers `None` where the clock was right enough.
pub fn set_from_boot() -> Option<ClockSet> {
    let cmdline = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let now = read(ClockId::CLOCK_REALTIME);
    let (time, source) = correction(now, floor(), boot_time(&cmdline), read(ClockId::CLOCK_BOOTTIME))?;
    match set(time) {
        Ok(()) => Some(ClockSet { source: source.to_owned() }),
        Err(errno) => {
            tracing::warn!("cannot set the clock from {source} ({})", errno.desc());
            None
        }
    }
}

/// Whether the boot script told the time: then nobody has to wait for NTP.
pub fn is_told_by_boot() -> bool {
    boot_time(&fs::read_to_string("/proc/cmdline").unwrap_or_default()).is_some()
}

/// Asks an NTP server (RFC 4330), at most [`NTP_PATIENCE`] long, and sets the clock where it is off.
pub async fn set_from_ntp(server: Ipv4Addr) -> Result<Option<ClockSet>, NtpError> {
    let client = rsntp::AsyncSntpClient::with_config(rsntp::Config::default().timeout(NTP_PATIENCE));
    let answer = client.synchronize(server.to_string()).await.map_err(|source| NtpError::Asked { server, source })?;
    let offset_s = answer.clock_offset().as_secs_f64();
    if !offset_s.is_finite() || offset_s.abs() < WORTH_A_STEP_S {
        return Ok(None);
    }
    let now_s = read(ClockId::CLOCK_REALTIME).as_secs_f64() + offset_s;
    let below_floor = || NtpError::BelowFloor { server };
    let time = Duration::try_from_secs_f64(now_s).map_err(|_| below_floor())?;
    if time < floor() {
        return Err(below_floor());
    }
    set(time).map_err(NtpError::Refused)?;
    Ok(Some(ClockSet { source: format!("NTP server {server}") }))
}

/// The time to set, and where it is from. All times are since the epoch but `up`, the time since the kernel started:
/// by it a session that starts late in a boot still knows how old the boot script is.
fn correction(
    now: Duration,
    floor: Duration,
    script: Option<Duration>,
    up: Duration,
) -> Option<(Duration, &'static str)> {
    let told = script.map(|script| script.saturating_add(up)).filter(|told| *told >= floor);
    match told {
        Some(told) if told.abs_diff(now) > TOLERANCE => Some((told, "the boot script")),
        _ if now < floor => Some((floor, "the image's build")),
        _ => None,
    }
}

fn floor() -> Duration {
    fs::read(BUILD_PATH).map_or(Duration::ZERO, |json| floor_of(&json))
}

fn floor_of(build_json: &[u8]) -> Duration {
    serde_json::from_slice::<Build>(build_json)
        .map_or(Duration::ZERO, |build| Duration::from_secs(build.source_date_epoch))
}

fn boot_time(cmdline: &str) -> Option<Duration> {
    let word = cmdline.split_ascii_whitespace().find_map(|word| word.strip_prefix(NOW_WORD))?;
    word.parse().ok().map(Duration::from_secs)
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock).unwrap_or(TimeSpec::new(0, 0));
    // Before 1970, as a dead battery may have it, counts as 1970.
    if time.tv_sec() < 0 { Duration::ZERO } else { Duration::from(time) }
}

fn set(time: Duration) -> Result<(), nix::errno::Errno> {
    clock_settime(ClockId::CLOCK_REALTIME, TimeSpec::from_duration(time))
}

#[cfg(test)]
mod tests {
    use super::{boot_time, correction, floor_of};
    use std::time::Duration;

    const FLOOR: Duration = Duration::from_secs(1_790_000_000);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn which_clock_is_believed() {
        let later = FLOOR + s(86_400);
        let up = s(10);
        for (case, now, script, expected) in [
            ("dead battery, no script", s(0), None, Some((FLOOR, "the image's build"))),
            ("dead battery, script", s(0), Some(later), Some((later + up, "the boot script"))),
            ("good clock, no script", later, None, None),
            ("good clock, script a minute old", later + s(70), Some(later), None),
            ("clock a year ahead", later + s(31_536_000), Some(later), Some((later + up, "the boot script"))),
            ("clock a day behind", FLOOR, Some(later), Some((later + up, "the boot script"))),
            ("script from before the build", later, Some(s(1_000_000)), None),
            ("nothing is good", s(5), Some(s(1_000_000)), Some((FLOOR, "the image's build"))),
        ] {
            assert_eq!(correction(now, FLOOR, script, up), expected, "{case}");
        }
    }

    #[test]
    fn a_session_that_starts_an_hour_into_the_boot_does_not_turn_the_clock_back() {
        assert_eq!(correction(FLOOR + s(3600), FLOOR, Some(FLOOR), s(3590)), None);
    }

    #[test]
    fn what_the_image_and_the_command_line_say() {
        assert_eq!(floor_of(br#"{"version": "0.1.0", "source_date_epoch": 1790000000, "lab": true}"#), FLOOR);
        assert_eq!(floor_of(b"garbage"), Duration::ZERO);
        assert_eq!(boot_time("quiet pious.now=1790000000 console=tty0"), Some(FLOOR));
        assert_eq!(boot_time("quiet pious.now=soon"), None);
        assert_eq!(boot_time("quiet"), None);
    }
}
