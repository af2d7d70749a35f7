//! The chassis's identify LED by a key: lit for a while, and put out by the next press. One LED, however many consoles.
//!
//! It knows no BMC: who makes it says how a LED is lit.

use std::{
    error::Error,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long the LED is lit: the way from the screen to the back of the row, and some looking. One byte tells the BMC
/// (IPMI 2.0 §28.5), so 255 s is the most there is.
const LIT: Duration = Duration::from_secs(240);

/// Lights the LED for so many seconds; 0 puts it out.
type Switch = Box<dyn Fn(u8) -> Result<(), Box<dyn Error>> + Send + Sync>;

/// The LED.
pub struct Identify {
    switch: Switch,
    lit_until: Mutex<Option<Duration>>,
}

impl fmt::Debug for Identify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identify").field("lit_until", &self.lit_until).finish_non_exhaustive()
    }
}

impl Identify {
    /// Of a way to switch it.
    pub fn by(switch: impl Fn(u8) -> Result<(), Box<dyn Error>> + Send + Sync + 'static) -> Self {
        Self { switch: Box::new(switch), lit_until: Mutex::default() }
    }

    /// Takes a press at a moment, and says how it went. May take as long as a BMC does.
    pub(super) fn press(&self, now: Duration) -> String {
        let mut lit_until = self.lit_until.lock().unwrap_or_else(PoisonError::into_inner);
        let is_lit = lit_until.is_some_and(|until| now < until);
        let seconds = if is_lit { 0 } else { u8::try_from(LIT.as_secs()).unwrap_or(u8::MAX) };
        match ((self.switch)(seconds), is_lit) {
            (Ok(()), false) => {
                *lit_until = Some(now + LIT);
                format!("the identify LED is on for {seconds} s; I: off")
            }
            (Ok(()), true) => {
                *lit_until = None;
                "the identify LED is off".into()
            }
            (Err(error), _) => format!("the identify LED can't be switched: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Identify, LIT};
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    #[test]
    fn the_next_press_puts_it_out_unless_it_went_out_by_itself() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let led = Identify::by(move |seconds| {
            heard.lock().unwrap().push(seconds);
            Ok(())
        });
        let said: Vec<_> =
            [Duration::ZERO, LIT - Duration::from_secs(1), LIT, LIT + LIT].map(|at| led.press(at)).into();
        assert_eq!(*told.lock().unwrap(), [240, 0, 240, 240]);
        assert_eq!(said[0], "the identify LED is on for 240 s; I: off");
        assert_eq!(said[1], "the identify LED is off");
    }

    #[test]
    fn a_failure_is_said_and_is_no_light() {
        let led = Identify::by(|seconds| if seconds > 0 { Err("no BMC".into()) } else { Ok(()) });
        assert_eq!(led.press(Duration::ZERO), "the identify LED can't be switched: no BMC");
        assert_eq!(led.press(Duration::ZERO), "the identify LED can't be switched: no BMC", "tried again, not put out");
    }
}
