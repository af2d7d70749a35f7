//! The pages in a real browser: headless Chromium, with clicks and keys as people make them.

#[path = "../it/agent.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod agent;
mod chromium;
#[path = "../it/missing.rs"]
mod missing;
mod pictures;
#[path = "../it/postgres.rs"]
#[allow(dead_code, reason = "these tests run on SQLite")]
mod postgres;
mod story;
#[path = "../it/world.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod world;
