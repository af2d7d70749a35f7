//! The client in Python that openapi-python-client makes of the document, asked as a script of an operator's would.

use crate::{
    agent::Agent,
    python::{program, run},
    world::World,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[tokio::test]
async fn a_generated_python_client_works() {
    let Some(generator) = program("openapi-python-client") else { return };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python-client");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let mut generate = Command::new(generator);
    generate.current_dir(&folder).args(["generate", "--meta", "none", "--output-path", "senzu", "--path"]);
    let log = folder.join("generate.log");
    run(generate.arg(document), &log);
    // It has no words for text/csv, nor for a refusal that is two things at once; of everything else, for all.
    let complaints = fs::read_to_string(log).unwrap();
    let lacking: Vec<_> = complaints.lines().filter(|line| line.starts_with("Unable to process schema")).collect();
    assert_eq!(lacking, ["Unable to process schema /components/schemas/RefusedPromotion:"], "{complaints}");

    let world = World::new();
    let _spare = Agent::spare(&world).await;
    let mut ask = Command::new(program("python").unwrap());
    ask.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/client.py"));
    ask.env("PYTHONPATH", &folder).env("SENZU_URL", world.url("")).env("SENZU_TOKEN", world.operator_token());
    run(ask.env("SENZU_CA", world.data().join("ca.pem")), &folder.join("client.log"));
    assert_eq!(world.get("/v1/assets/r1-u12").await["tags"], serde_json::json!(["burn-in", "team:storage"]));
}
