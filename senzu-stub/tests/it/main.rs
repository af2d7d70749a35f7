//! Senzu as its users see it: the program, a data directory, real TLS; on SQLite.

mod access;
mod agent;
mod alerts;
mod approvals;
mod audit;
mod clock;
mod dag;
mod data_dir;
mod desk;
mod fleet;
mod instructions;
mod listing;
mod missing;
mod orders;
mod pages;
mod postgres;
mod profiles;
mod promotions;
mod refusals;
mod restart;
mod sqlite;
mod story;
mod targets;
mod upgrade;
mod webhooks;
mod world;
