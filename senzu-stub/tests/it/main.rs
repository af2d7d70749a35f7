//! Senzu as its users see it: the program, a data directory, real TLS; on SQLite.

mod agent;
mod alerts;
mod dag;
mod data_dir;
mod instructions;
mod pages;
mod postgres;
mod profiles;
mod promotions;
mod refusals;
mod restart;
mod sqlite;
mod story;
mod targets;
mod world;
