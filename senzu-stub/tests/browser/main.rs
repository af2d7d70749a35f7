//! The pages in a real browser: headless Chromium, with clicks and keys as people make them.

#[path = "../it/agent.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod agent;
mod chromium;
mod firmware;
#[path = "../it/missing.rs"]
mod missing;
mod pictures;
#[path = "../it/postgres.rs"]
#[allow(dead_code, reason = "these tests run on SQLite")]
mod postgres;
#[path = "../it/server.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod server;
#[path = "../it/servers.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod servers;
#[path = "../it/signer.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod signer;
mod story;
#[path = "../it/world.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod world;
