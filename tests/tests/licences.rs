//! What we ship may only stand on licences that let anybody use it, and on crates from the registry. Works offline: it
//! reads what cargo knows of the locked dependencies. (Advisories need the internet; the weekly workflow asks for them.)

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Licences that ask for nothing but their notice.
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences that ask besides for the source of their own files. Tests may use them: what only tests use is not passed on.
const ALLOWED_IN_TESTS: [&str; 1] = ["MPL-2.0"];

/// Whether one of the alternatives of an SPDX expression is allowed throughout. `/` is cargo's old spelling of `OR`.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    // Every part of an AND needs an allowed alternative. That also refuses some unbracketed "A OR B AND C" that SPDX would
    // allow by A alone: then a person reads it.
    expression.split(" AND ").all(|part| part.split(" OR ").any(|licence| ALLOWED.contains(&licence.trim())))
}

/// The ids of the packages that ours reach by something else than dev-dependencies.
fn passed_on(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> =
        each(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = each(&metadata["workspace_members"]).map(text).collect();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            let shipped = |dependency: &&Value| each(&dependency["dep_kinds"]).any(|kind| kind["kind"] != "dev");
            open.extend(each(&nodes[id]["deps"]).filter(shipped).map(|dependency| text(&dependency["pkg"])));
        }
    }
    reached
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().expect("cargo metadata's list").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("cargo metadata's text")
}

#[test]
fn every_dependency_may_be_used_by_anybody() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");

    let passed_on = passed_on(&metadata);
    let mut refused = BTreeMap::new();
    for package in each(&metadata["packages"]) {
        let name = format!("{} {}", package["name"], package["version"]);
        match package["license"].as_str() {
            Some(licence) if allowed(licence) => {}
            Some(licence) if ALLOWED_IN_TESTS.contains(&licence) && !passed_on.contains(text(&package["id"])) => {}
            licence => drop(refused.insert(name.clone(), format!("licence {licence:?}"))),
        }
        let source = package["source"].as_str();
        if source.is_some_and(|source| !source.starts_with("registry+")) {
            refused.insert(name, format!("source {source:?}"));
        }
    }
    assert_eq!(refused, BTreeMap::new(), "dependencies that may not be used");
}

#[test]
fn expressions_are_read_as_they_are_meant() {
    assert!(allowed("MIT OR Apache-2.0"));
    assert!(allowed("MIT/Apache-2.0"));
    assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(allowed("GPL-3.0-only OR MIT"));
    assert!(!allowed("GPL-3.0-only"));
    assert!(!allowed("MIT AND GPL-3.0-only"));
    assert!(!allowed(""));
}
