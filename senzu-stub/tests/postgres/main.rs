//! The same tests as `it`, on a real PostgreSQL, and what only that can do.

#[path = "../it/access.rs"]
mod access;
#[path = "../it/agent.rs"]
mod agent;
#[path = "../it/alerts.rs"]
mod alerts;
#[path = "../it/approvals.rs"]
mod approvals;
#[path = "../it/artifacts.rs"]
mod artifacts;
#[path = "../it/audit.rs"]
mod audit;
#[path = "../it/campaigns.rs"]
mod campaigns;
#[path = "../it/clock.rs"]
mod clock;
#[path = "../it/dag.rs"]
mod dag;
#[path = "../it/data_dir.rs"]
mod data_dir;
#[path = "../it/desk.rs"]
mod desk;
#[path = "../it/drain.rs"]
mod drain;
#[path = "../it/fetch.rs"]
mod fetch;
#[path = "../it/firmware.rs"]
mod firmware;
#[path = "../it/fleet.rs"]
mod fleet;
#[path = "../it/images.rs"]
mod images;
#[path = "../it/instructions.rs"]
mod instructions;
#[path = "../it/listing.rs"]
mod listing;
#[path = "../it/missing.rs"]
mod missing;
#[path = "../it/orders.rs"]
mod orders;
#[path = "../it/out_of_band.rs"]
mod out_of_band;
#[path = "../it/pages.rs"]
mod pages;
#[path = "../it/postgres.rs"]
mod postgres;
#[path = "../it/profiles.rs"]
mod profiles;
#[path = "../it/promotions.rs"]
mod promotions;
#[path = "../it/redfish.rs"]
mod redfish;
#[path = "../it/refusals.rs"]
mod refusals;
mod replicas;
#[path = "../it/restart.rs"]
mod restart;
#[path = "../it/scene.rs"]
mod scene;
#[path = "../it/server.rs"]
mod server;
#[path = "../it/servers.rs"]
mod servers;
#[path = "../it/signer.rs"]
mod signer;
#[path = "../it/slots.rs"]
mod slots;
#[path = "../it/story.rs"]
mod story;
#[path = "../it/targets.rs"]
mod targets;
#[path = "../it/wake.rs"]
mod wake;
#[path = "../it/webhooks.rs"]
mod webhooks;
#[path = "../it/world.rs"]
mod world;
