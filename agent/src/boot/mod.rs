//! PID 1: mount table, reaping, supervision, the stop table, kernel modules, the clock.
