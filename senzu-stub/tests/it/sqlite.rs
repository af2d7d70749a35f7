//! What is SQLite's own: the file, who may have it, and what happens when it can't be used.

use crate::{
    agent::Agent,
    world::{World, mode, problem},
};
use pious_protocol::message::BootEvent;
use reqwest::Method;
use serde_json::json;
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};
use std::process::Command;

/// What `serve` says when it refuses to start.
fn refusal(world: &World) -> String {
    let refused = world.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!refused.status.success(), "{refused:?}");
    let words = String::from_utf8(refused.stderr).unwrap();
    words.trim().replace(world.data().to_str().unwrap(), "DATA")
}

#[test]
fn one_senzu_serves_a_directory() {
    let mut world = World::empty();
    world.serve();
    let second = world.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!second.status.success());
    let words = String::from_utf8(second.stderr).unwrap();
    assert_eq!(words.trim(), format!("senzu-stub: another Senzu serves {} already", world.data().display()));
}

#[tokio::test]
async fn the_database_is_private() {
    let world = World::new();
    for name in ["senzu.sqlite", "senzu.sqlite-wal", "lock"] {
        assert_eq!(mode(&world.data().join(name)), 0o600, "{name}");
    }
    assert_eq!(Agent::u10(&world).boots().await.name, "r1-u10");
}

#[tokio::test]
async fn a_database_of_a_newer_senzu_is_not_touched() {
    let mut world = World::new();
    world.kill();
    world
        .change(
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
             VALUES (9999, 'from the future', CURRENT_TIMESTAMP, TRUE, x'00', 0)",
        )
        .await;
    assert_eq!(
        refusal(&world),
        "senzu-stub: cannot open the store: DATA/senzu.sqlite was written by a newer Senzu (its tables have version \
         9999): run that one"
    );
}

#[test]
fn what_is_no_database_is_named() {
    let world = World::empty();
    std::fs::write(world.data().join("senzu.sqlite"), "minutes of the last meeting".repeat(100)).unwrap();
    let words = refusal(&world);
    let expected = "senzu-stub: cannot open the store: cannot open DATA/senzu.sqlite: it is damaged, or no SQLite \
                    database: put a backup (senzu-stub backup) in its place: ";
    assert!(words.starts_with(expected), "{words}");
}

#[tokio::test]
async fn a_locked_database_is_said_and_is_used_again_once_it_is_free() {
    let world = World::new();
    let options = SqliteConnectOptions::new().filename(world.data().join("senzu.sqlite"));
    let mut other = options.connect().await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let held = world.post("/v1/assets/r1-u10/hold", json!({"held": true, "by": "me"})).await;
    assert_eq!(held.status(), 503);
    assert_eq!(problem(held).await["detail"], "Senzu's store failed; its log says how. Try again");
    let log = world.log();
    let expected = "senzu.sqlite: another process holds it locked: end that one, and try again: ";
    assert!(log.contains(expected), "{log}");
    // Reading goes on.
    assert_eq!(world.get("/v1/assets/r1-u10").await["held"], json!(null));
    other.close().await.unwrap();
    assert_eq!(world.post("/v1/assets/r1-u10/hold", json!({"held": true, "by": "me"})).await.status(), 204);
}

/// Runs a shell's words in a mount namespace of their own, where this user may mount.
fn apart(words: &str, world: &World) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-ec", words, "sh"]).arg(world.data());
    command
}

#[tokio::test]
async fn a_full_disk_is_said_and_what_was_acknowledged_stays() {
    let mut world = World::new();
    world.kill();
    let disk = r#"
        cp -a "$1" "$1.copy"; mount -t tmpfs -o size=2m tmpfs "$1"; cp -a "$1.copy/." "$1"
        shift; exec "$@"
    "#;
    let mut command = apart(disk, &world);
    command.arg(crate::world::PROGRAM);
    world.serve_as(command, &[]);
    let mut taken = 0;
    let refused = loop {
        let event = BootEvent { last_words: Some("x".repeat(4000)), ..Agent::u10(&world).boot_event() };
        let answer = world.request(Method::POST, "/v1/boot-events").json(&event).send().await.unwrap();
        match answer.status().as_u16() {
            200 => taken += 1,
            _ => break answer,
        }
        assert!(taken < 1000, "a disk of 2 MiB that is never full");
    };
    assert_eq!(refused.status(), 503);
    let log = world.log();
    assert!(log.contains("senzu.sqlite: its disk is full: make room, and try again: "), "{log}");
    let kept = world.get("/v1/assets/r1-u10").await["sessions"].as_array().unwrap().len();
    assert_eq!(kept, taken.min(50));
}

#[test]
fn a_read_only_disk_is_said() {
    let mut world = World::new();
    world.kill();
    let disk = r#"
        mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"
        exec "$2" serve --data "$1" --listen 127.0.0.1:0
    "#;
    let refused = apart(disk, &world).arg(crate::world::PROGRAM).output().unwrap();
    assert!(!refused.status.success());
    let words = String::from_utf8(refused.stderr).unwrap().replace(world.data().to_str().unwrap(), "DATA");
    assert_eq!(words.trim(), "senzu-stub: cannot open DATA/lock: Read-only file system (os error 30)");
}

#[tokio::test]
async fn a_backup_is_made_while_senzu_serves_and_can_be_restored() {
    let mut world = World::new();
    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    let before = world.get("/v1/assets/r1-u10").await;
    let backup = world.data().with_file_name("backup.sqlite");
    let written = world.run(&["backup", backup.to_str().unwrap()]);
    assert!(written.status.success(), "{written:?}");
    assert_eq!(mode(&backup), 0o600);
    // What is there is not written over.
    let again = world.run(&["backup", backup.to_str().unwrap()]);
    let words = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && words.contains("backup.sqlite: File exists"), "{words}");

    world.post("/v1/assets/r1-u10/hold", json!({"held": true, "by": "after the backup"})).await;
    world.terminate();
    std::fs::copy(&backup, world.data().join("senzu.sqlite")).unwrap();
    world.serve();
    assert_eq!(world.get("/v1/assets/r1-u10").await, before);
}

#[tokio::test]
async fn nothing_of_a_token_is_stored_but_its_hash() {
    let mut world = World::new();
    let secrets = [world.operator_token(), world.token_of("alice", "operator").await];
    assert!(world.terminate().success());
    let stored = std::fs::read(world.data().join("senzu.sqlite")).unwrap();
    let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("operator-token"), "the rows are in the file");
    for secret in secrets {
        assert!(!holds(&secret));
    }
}
