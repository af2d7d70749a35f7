//! The one loop: waits for events, performs actions.
