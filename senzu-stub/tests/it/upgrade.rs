//! A database that an older Senzu wrote.

use crate::{agent::Agent, world::World};
use serde_json::json;
use sqlx::{ConnectOptions, migrate::Migrator, sqlite::SqliteConnectOptions};
use std::{fs, path::Path};

/// The tables as they were before operators had names.
const BEFORE: [&str; 3] = ["0001_first.sql", "0002_severity.sql", "0003_management.sql"];

#[tokio::test]
async fn what_an_older_senzu_stored_is_there_found_and_on_record() {
    let mut world = World::empty();
    let old = tempfile::tempdir().unwrap();
    for name in BEFORE {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(name);
        fs::copy(from, old.path().join(name)).unwrap();
    }
    let file = world.data().join("senzu.sqlite");
    let mut database = SqliteConnectOptions::new().filename(&file).create_if_missing(true).connect().await.unwrap();
    Migrator::new(old.path()).await.unwrap().run(&mut database).await.unwrap();
    let rows = r#"
        INSERT INTO assets (id, name, state, evaluation, standing_revision, fingerprint, serial, next_sequence, created_ms)
            VALUES ('0197b0a0-0000-7000-8000-000000000001', 'r1-u10', 'SPARE', 'passed', 1,
                '{"system_serial": "PIOUS-R1-U10"}', 'PIOUS-R1-U10', 1, 1);
        INSERT INTO asset_keys VALUES ('0197b0a0-0000-7000-8000-000000000001', 'serial', 'PIOUS-R1-U10');
        INSERT INTO profiles VALUES ('demo', 1, '{"name": "demo", "version": 1}');
        INSERT INTO plans (asset_id, serial, macs, profile)
            VALUES ('0197b0a0-0000-7000-8000-000000000001', 'PIOUS-R1-U10', '[]', 'demo');
        INSERT INTO audit VALUES ('0197b0a0-0000-7000-8000-000000000002', '0197b0a0-0000-7000-8000-000000000001', 7,
            'GRADUATE', 'NEW → SPARE', 'every check passed');
        INSERT INTO alerts VALUES ('0197b0a0-0000-7000-8000-000000000003', '0197b0a0-0000-7000-8000-000000000001',
            'agent_died', 'x', 'an agent process died', 7);
    "#;
    sqlx::raw_sql(rows).execute(&mut database).await.unwrap();
    sqlx::Connection::close(database).await.unwrap();

    world.serve();
    let audit = world.get("/v1/audit?asset=r1-u10").await;
    assert_eq!(
        audit["events"],
        json!([{
            "id": "0197b0a0-0000-7000-8000-000000000002", "asset": "0197b0a0-0000-7000-8000-000000000001",
            "name": "r1-u10", "at_ms": 7, "who": "GRADUATE", "what": "NEW → SPARE", "why": "every check passed",
        }])
    );
    for query in ["search=pious", "profile=demo", "state=SPARE"] {
        assert_eq!(world.get(&format!("/v1/assets?{query}")).await["assets"][0]["name"], "r1-u10", "{query}");
    }
    assert_eq!(world.alert_kinds().await, ["agent_died"]);
    // It is the same asset, and its next boot forgives the agent that died before.
    let mut agent = Agent::u10(&world);
    assert_eq!(agent.boots().await.name, "r1-u10");
    agent.tells_facts(1).await;
    assert_eq!(world.alert_kinds().await, Vec::<String>::new());
}
