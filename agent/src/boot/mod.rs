//! PID 1 and nothing else, with the ground that the rest stands on.
//!
//! [`pid1`] mounts, reaps, and runs the rest of the agent as a child of the same binary, because a panic in PID 1 is a
//! kernel panic in front of a stranger. [`modules`] makes the machine's devices usable and [`clock`] makes its time
//! believable; both run in the child, before the session needs them.
//!
//! Must not know: Senzu, facts, what a session does. A session tells PID 1 one thing only, by its exit code: [`Ending`].

pub mod clock;
mod consoles;
mod dependencies;
mod last_words;
mod loader;
pub mod modules;
mod mounts;
mod restarts;
mod session;
mod signals;
mod stop;
mod supervisor;
mod uevent;

pub use supervisor::pid1;

/// Environment variable that names the boot: one UUIDv7 per boot, the same for each child that PID 1 starts.
pub const BOOT_ID_VARIABLE: &str = "PIOUS_BOOT_ID";

/// Environment variable that holds the path of the dead child's last words; unset where no child has died.
pub const LAST_WORDS_VARIABLE: &str = "PIOUS_LAST_WORDS";

/// How a session asks PID 1 to end the boot. Any other way for a session to end is a death, and is answered by a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Stop everything and switch the machine off.
    PowerOff,
    /// Stop everything and start the machine anew.
    Reboot,
}

/// Far from what a shell, a panic (101) or a signal (128 + n) makes, so that an ending is never an accident.
const POWER_OFF_CODE: u8 = 80;
const REBOOT_CODE: u8 = 81;

impl Ending {
    /// The exit code that a session says it with.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::PowerOff => POWER_OFF_CODE,
            Self::Reboot => REBOOT_CODE,
        }
    }

    /// The ending that an exit code says, if it says one.
    pub fn from_exit_code(code: i32) -> Option<Self> {
        [Self::PowerOff, Self::Reboot].into_iter().find(|ending| i32::from(ending.exit_code()) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::Ending;

    #[test]
    fn an_ending_survives_its_exit_code_and_no_usual_exit_code_is_one() {
        for ending in [Ending::PowerOff, Ending::Reboot] {
            assert_eq!(Ending::from_exit_code(i32::from(ending.exit_code())), Some(ending));
        }
        for usual in [0, 1, 2, 101, 126, 127, 134, 137, 139] {
            assert_eq!(Ending::from_exit_code(usual), None, "exit code {usual}");
        }
    }
}
