//! Hardware profiles: made from a golden machine, described in words, and compared in words. Pure.

mod golden;
mod words;

pub use golden::{Golden, from_facts};
pub use words::{describe, diff};

#[cfg(test)]
mod tests;
