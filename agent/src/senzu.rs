//! Senzu, over HTTP.
