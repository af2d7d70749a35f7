//! The least that an `/init` can do: say when it was reached, and power off. `scripts/bench` compares the agent with it.

use nix::{
    sys::reboot::{RebootMode, reboot},
    time::{ClockId, clock_gettime},
};

fn main() {
    match clock_gettime(ClockId::CLOCK_BOOTTIME) {
        Ok(since) => {
            println!("floor: {} ms since the kernel started", since.tv_sec() * 1000 + since.tv_nsec() / 1_000_000)
        }
        Err(error) => println!("floor: no clock: {error}"),
    }
    // Only returns when it fails; then PID 1 ends and the kernel panics, which the bench sees as no power-off.
    let error = reboot(RebootMode::RB_POWER_OFF);
    println!("floor: {error:?}");
}
