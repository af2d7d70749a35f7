//! Senzu: owns every asset's state.

use std::process::ExitCode;

fn main() -> ExitCode {
    senzu_stub::main()
}
