//! PID 1's life: ground, session, the session's deaths, the end.
//!
//! Nothing here may panic, and nothing here may return: the kernel panics when PID 1 ends.

use super::{
    Ending,
    consoles::Consoles,
    last_words::{Death, LastWords, Ring},
    mounts,
    restarts::{Restarts, Verdict},
    session::{End, Session},
    signals::Signals,
    stop,
};
use nix::sys::{reboot as kernel, signal::Signal};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the error stays on the screen before the machine starts anew: enough to read it and to take a photograph.
const COUNTDOWN_S: u64 = 30;

/// After a kernel panic the machine starts anew too, rather than standing for ever (kernel/panic, in seconds).
const KERNEL_PANIC_S: &str = "30";

/// Runs as PID 1: mounts, starts the session, restarts it when it dies, ends the boot when it asks. Never returns.
pub fn pid1() -> ! {
    std::panic::set_hook(Box::new(last_resort));
    let problems = mounts::mount_all();
    let mut consoles = Consoles::open();
    for problem in &problems {
        consoles.say(&format!("PIOUS: {problem}"));
    }
    // Refused only in a container, where the machine is not ours to restart anyway.
    let _refused = std::fs::write("/proc/sys/kernel/panic", KERNEL_PANIC_S);
    let _refused = kernel::set_cad_enabled(false);
    let signals = Signals::listen();
    let ending = supervise(&mut consoles, &signals);
    stop::stop(ending, &mut consoles)
}

/// Runs sessions, one after the other, until the boot is to end.
fn supervise(consoles: &mut Consoles, signals: &Signals) -> Ending {
    let booted = Instant::now();
    let boot_id = new_boot_id();
    let mut restarts = Restarts::default();
    loop {
        let words = match run_session(&boot_id, signals) {
            Ok(ending) => return ending,
            Err(words) => words,
        };
        consoles.take_over();
        consoles.say(&words.shown());
        if let Err(error) = words.keep() {
            consoles.say(&format!("PIOUS: cannot keep its last words for Senzu: {error}"));
        }
        let asked = match restarts.died(booted.elapsed()) {
            Verdict::Restart { after } => {
                consoles.say(&format!("PIOUS starts the session again in {} s.", after.as_secs()));
                wait(signals, after)
            }
            Verdict::GiveUp => {
                consoles.say("PIOUS: the session dies again and again. The machine starts anew.");
                Some(count_down(consoles, signals))
            }
        };
        if let Some(ending) = asked {
            return ending;
        }
    }
}

/// One session, from its start to its end.
fn run_session(boot_id: &str, signals: &Signals) -> Result<Ending, LastWords> {
    let mut session = Session::start(boot_id)
        .map_err(|errno| LastWords::new(Death::NotStarted(errno), Duration::ZERO, &Ring::default()))?;
    let mut asked: Option<(Ending, Instant)> = None;
    loop {
        let left = asked.map(|(_, deadline)| deadline.saturating_duration_since(Instant::now()));
        let look = session.look_after();
        signals.wait(&session.readable(), left.unwrap_or(look).min(look));
        if let Some(ending) = signals.asked() {
            session.signal(Signal::SIGTERM);
            let deadline = asked.map_or_else(|| Instant::now() + stop::SESSION_GRACE, |(_, deadline)| deadline);
            asked = Some((ending, deadline));
        }
        session.listen();
        match (session.reap(), asked) {
            (Some(End::Asked(ending)), None) | (Some(_), Some((ending, _))) => return Ok(ending),
            (Some(End::Died(death)), None) => {
                session.listen();
                return Err(LastWords::new(death, session.lived(), session.ring()));
            }
            (None, Some((ending, deadline))) if Instant::now() >= deadline => {
                // Not waited for: what hangs in a driver does not even die, and must not hold up the end.
                session.signal(Signal::SIGKILL);
                return Ok(ending);
            }
            (None, _) => {}
        }
    }
}

/// Waits, unless somebody asks for an end. Orphans that end meanwhile are reaped with the next session.
fn wait(signals: &Signals, patience: Duration) -> Option<Ending> {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        signals.wait(&[], left);
        let asked = signals.asked();
        if asked.is_some() {
            return asked;
        }
    }
}

/// Ticks below the error until the machine starts anew; Ctrl-Alt-Del shortens it.
fn count_down(consoles: &mut Consoles, signals: &Signals) -> Ending {
    for left in (1..=COUNTDOWN_S).rev() {
        consoles.tick(&format!("Reboot in {left} s (Ctrl-Alt-Del: now)"));
        if let Some(ending) = wait(signals, Duration::from_secs(1)) {
            return ending;
        }
    }
    consoles.say("");
    Ending::Reboot
}

/// The panic hook: should PID 1 panic all the same, it says why, counts down, and restarts the machine itself. Returning
/// from here would be the kernel's panic.
fn last_resort(panic: &std::panic::PanicHookInfo<'_>) {
    let mut consoles = Consoles::open();
    consoles.take_over();
    consoles.say(&format!("PIOUS: PID 1 failed. {panic}"));
    for left in (1..=COUNTDOWN_S).rev() {
        consoles.tick(&format!("Reboot in {left} s"));
        std::thread::sleep(Duration::from_secs(1));
    }
    nix::unistd::sync();
    let _refused = kernel::reboot(kernel::RebootMode::RB_AUTOBOOT);
    stop::park()
}

/// A UUIDv7 (RFC 9562 §5.7) with the kernel's own randomness of this boot. Read from a file rather than asked of the
/// random number generator, which may panic.
fn new_boot_id() -> String {
    let random = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    boot_id(u64::try_from(now.as_millis()).unwrap_or_default(), random.trim()).to_string()
}

/// The random part comes from another UUID's last ten octets; two of its bits are that UUID's variant.
fn boot_id(unix_ms: u64, random: &str) -> uuid::Uuid {
    let source = uuid::Uuid::parse_str(random).unwrap_or_default().into_bytes();
    let mut bits = [0; 10];
    for (bit, byte) in bits.iter_mut().zip(source.iter().rev()) {
        *bit = *byte;
    }
    uuid::Builder::from_unix_timestamp_millis(unix_ms, &bits).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::boot_id;

    #[test]
    fn a_boot_id_is_a_version_7_uuid_with_its_time_and_randomness() {
        let id = boot_id(0x0193_5a2b_c3d4, "0b5d6ce2-84a1-4a39-9f21-0c4c0e3a77b5");
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.to_string(), "01935a2b-c3d4-7577-ba0e-4c0c219f394a");
        assert_eq!(boot_id(0, "no uuid at all").get_version_num(), 7, "never a failure");
    }
}
