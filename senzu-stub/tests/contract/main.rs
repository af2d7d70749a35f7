//! Senzu's OpenAPI document as the tools of others read it: Schemathesis asks whatever it allows, and a client that
//! openapi-python-client makes of it works.

#[path = "../it/agent.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod agent;
mod client;
#[path = "../it/missing.rs"]
mod missing;
#[path = "../it/postgres.rs"]
#[allow(dead_code, reason = "these tests run on SQLite")]
mod postgres;
mod python;
mod schemathesis;
#[path = "../it/signer.rs"]
mod signer;
#[path = "../it/world.rs"]
#[allow(dead_code, reason = "the other test targets use the rest")]
mod world;
