//! Senzu: every asset's state, a DAG of idempotent beans, the HTTP API of the protocol, and a page that people look at.
//!
//! * `cli`: the command line; `desk`: its operators' part, by HTTP. `data_dir`: keys, certificates and the database's place. `import`: what operators tell.
//! * `firmware`: what machines should run, by which steps they get there, and the images.
//! * `profile`: hardware profiles made from golden machines, and what differs between two.
//! * `senzu`: what Senzu does, one function and one transaction for each thing that can happen.
//! * `access`: who may do what, and what takes two people. `chakshu`: what was ordered. `alerts`: what a person should know of.
//! * `dag` and `beans`: what happens to an asset, and why it stands where it stands.
//! * `campaign`: firmware for many assets, in waves.
//! * `words`: values as people read them.
//! * `store`: what Senzu remembers. `api` and `ui`: how it is reached. `server`: connections, TLS, and their end.

mod access;
mod alerts;
mod api;
mod beans;
mod campaign;
mod chakshu;
mod cli;
mod dag;
mod data_dir;
mod desk;
mod firmware;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod import;
mod profile;
mod senzu;
mod server;
mod store;
mod ui;
mod words;

pub use cli::main;
