//! The boot session as a pure state machine: `step(state, event, now) -> actions`.
