//! The commands as a user types them: what goes to stdout, what to stderr, and the exit status.

use assert_cmd::Command;
use std::fs;

fn agent(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("pious-agent").expect("built");
    command.args(arguments);
    command
}

fn words(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

#[test]
fn facts_of_this_host_are_one_json_document() {
    let output = agent(&["facts"]).assert().success().get_output().clone();
    let facts: pious_protocol::facts::Facts = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert!(facts.cpu.value().is_ok(), "{:?}", facts.cpu);
    assert_eq!(words(&output.stderr), "");
}

#[test]
fn facts_of_a_folder_that_is_not_there_fail() {
    let output = agent(&["facts", "--root", "/absent"]).assert().code(1).get_output().clone();
    assert_eq!(words(&output.stdout), "");
    let expected = "pious-agent: /absent can't be read: No such file or directory (os error 2)\n";
    assert_eq!(words(&output.stderr), expected);
}

#[test]
fn garbage_is_refused_by_name_and_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("garbage");
    fs::write(&file, "this is neither").expect("written");
    let name = file.to_str().expect("UTF-8");
    let cases = [
        (
            "smbios",
            "is no SMBIOS table that can be decoded: no SMBIOS entry point at the beginning: neither _SM3_ nor _SM_",
        ),
        ("lldp", "is not a whole capture of Ethernet frames: it is neither pcap nor pcapng: it begins with 74686973"),
    ];
    for (what, reason) in cases {
        let output = agent(&["decode", what, name]).assert().code(1).get_output().clone();
        assert_eq!(words(&output.stdout), "", "{what}");
        assert_eq!(words(&output.stderr), format!("pious-agent: {name} {reason}\n"), "{what}");
    }
}
