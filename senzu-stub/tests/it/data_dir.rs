//! `init`, `import`, and who may serve.

use crate::{
    agent::Agent,
    world::{IMPORT, PROGRAM, World, mode},
};
use std::{collections::BTreeMap, fs, process::Command};

fn contents(world: &World) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

#[test]
fn init_makes_what_is_missing_and_keeps_what_is_there() {
    let world = World::empty();
    let modes: BTreeMap<String, u32> =
        contents(&world).into_keys().map(|name| (name.clone(), mode(&world.data().join(name)))).collect();
    let expected = [
        ("bmc.key", 0o600),
        ("ca.key", 0o600),
        ("ca.pem", 0o644),
        ("instruction-keys.json", 0o644),
        ("instruction.pk8", 0o600),
        ("operator-token", 0o600),
        ("server.json", 0o644),
        ("server.key", 0o600),
        ("server.pem", 0o644),
    ];
    assert_eq!(modes, expected.map(|(name, mode)| (name.to_owned(), mode)).into());

    let before = contents(&world);
    assert!(world.run(&["init", "--address", "127.0.0.1"]).status.success());
    assert!(world.run(&["init"]).status.success());
    assert_eq!(contents(&world), before);

    fs::remove_file(world.data().join("operator-token")).unwrap();
    assert!(world.run(&["init"]).status.success());
    let after = contents(&world);
    let changed: Vec<&String> = after.keys().filter(|name| after[*name] != before[*name]).collect();
    assert_eq!(changed, ["operator-token"]);
}

#[test]
fn another_address_makes_another_certificate_of_the_same_authority() {
    let world = World::empty();
    let before = contents(&world);
    assert!(world.run(&["init", "--address", "127.0.0.1", "--address", "senzu.example"]).status.success());
    let after = contents(&world);
    let changed: Vec<&String> = after.keys().filter(|name| after[*name] != before[*name]).collect();
    assert_eq!(changed, ["server.json", "server.key", "server.pem"]);
}

#[test]
fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let run = |words: &[&str]| {
        let output = Command::new(PROGRAM).args(words).arg("--data").arg(&data).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap().trim().replace(data.to_str().unwrap(), "DATA")
    };
    assert_eq!(
        run(&["init"]),
        "senzu-stub: --address is missing: name each address or host name that agents reach Senzu by"
    );
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    assert_eq!(
        run(&["serve", "--listen", "127.0.0.1:0"]),
        "senzu-stub: DATA/instruction.pk8 is missing: run `senzu-stub init --data DATA --address ADDRESS` first"
    );
}

#[tokio::test]
async fn a_refused_import_names_the_entry_and_changes_nothing() {
    let mut world = World::empty();
    world.import(IMPORT);
    let good = "[[assets]]\nname = \"good\"\nserial = \"GOOD-9\"\n";
    for (case, text, words) in [
        ("syntax", "[[assets]\n", "is no import in TOML"),
        ("unknown field", "[[assets]]\nname = \"a\"\nserail = \"x\"\n", "unknown field `serail`"),
        (
            "unknown field of a profile",
            "[[profiles]]\nname = \"p\"\nversion = 1\n[profiles.memory]\ndims = 1\n",
            "unknown field `dims`",
        ),
        (
            "unknown field of a link",
            "[[assets]]\nname = \"a\"\nserial = \"A-7\"\n[[assets.links]]\nnic = \"52:54:00:00:00:01\"\nswitch = \"s\"\nport = \"p\"\nvlan = 1\n",
            "unknown field `vlan`",
        ),
        (
            "nothing to recognize it by",
            "[[assets]]\nname = \"a\"\n",
            "assets[1] \"a\": it has neither serial nor uuid nor macs",
        ),
        (
            "placeholder",
            "[[assets]]\nname = \"a\"\nserial = \"To Be Filled By O.E.M.\"\n",
            "assets[1] \"a\": the serial",
        ),
        (
            "no such profile",
            "[[assets]]\nname = \"a\"\nserial = \"A-7\"\nprofile = \"x\"\n",
            "asset \"a\": no profile \"x\"",
        ),
        (
            "no such version",
            "[[assets]]\nname = \"a\"\nserial = \"A-7\"\nprofile = \"demo@2\"\n",
            "asset \"a\": no profile \"demo@2\"",
        ),
        (
            "no version",
            "[[assets]]\nname = \"a\"\nserial = \"A-7\"\nprofile = \"demo@x\"\n",
            "asset \"a\": \"demo@x\" names no profile",
        ),
        (
            "twice",
            "[[assets]]\nname = \"good\"\nserial = \"A-7\"\n",
            "assets[1] \"good\": the name stands twice in the file",
        ),
        ("no name", "[[assets]]\nname = \"a b\"\nserial = \"A-7\"\n", "assets[1] \"a b\": a name has 1 to 63 letters"),
        (
            "changed profile",
            "[[profiles]]\nname = \"demo\"\nversion = 1\nproduct = \"x\"\n",
            "profile demo@1: it is stored already",
        ),
        (
            "a serial twice, in another case",
            "[[assets]]\nname = \"a\"\nserial = \"good-9\"\n",
            "asset \"a\": the serial \"good-9\" is good's already: correct one of the two",
        ),
        (
            "a serial of an earlier import",
            "[[assets]]\nname = \"a\"\nserial = \"PIOUS-R1-U10\"\n",
            "asset \"a\": the serial \"PIOUS-R1-U10\" is r1-u10's already",
        ),
        (
            "a UUID twice, in the other byte order",
            "[[assets]]\nname = \"a\"\nuuid = \"0193a000-0102-7304-8000-000000000001\"\n\
             [[assets]]\nname = \"b\"\nuuid = \"00a09301-0201-0473-8000-000000000001\"\n",
            "asset \"b\": the UUID 00a09301-0201-0473-8000-000000000001 is a's already",
        ),
        (
            "an address twice",
            "[[assets]]\nname = \"a\"\nmacs = [\"52:54:00:01:10:01\"]\n",
            "asset \"a\": the address 52:54:00:01:10:01 is that of r1-u10 already",
        ),
        (
            "a BMC's address twice",
            "[[assets]]\nname = \"a\"\nserial = \"A-7\"\nbmc_mac = \"52:54:00:ff:10:01\"\n",
            "asset \"a\": the address 52:54:00:ff:10:01 is that of the BMC of r1-u10 already",
        ),
        (
            "its own BMC's address",
            "[[assets]]\nname = \"a\"\nmacs = [\"52:54:00:00:00:07\"]\nbmc_mac = \"52:54:00:00:00:07\"\n",
            "asset \"a\": the address 52:54:00:00:00:07 is that of a already",
        ),
        (
            "two cables in one port",
            "[[assets]]\nname = \"a\"\nserial = \"A-7\"\n[[assets.links]]\nnic = \"52:54:00:00:00:07\"\nswitch = \"R1-SW1\"\nport = \"ethernet1\"\n",
            "asset \"a\": R1-SW1 port ethernet1 is planned for a cable of r1-u10 already: one port takes one cable",
        ),
        (
            "no VLAN",
            "[[assets]]\nname = \"a\"\nserial = \"A-7\"\n[[assets.links]]\nnic = \"52:54:00:00:00:07\"\nswitch = \"s\"\nport = \"p\"\ntagged_vlans = [4095]\n",
            "assets[1] \"a\": 4095 is no VLAN",
        ),
        (
            "a group's address",
            "[[assets]]\nname = \"a\"\nmacs = [\"ff:ff:ff:ff:ff:ff\"]\n",
            "assets[1] \"a\": ff:ff:ff:ff:ff:ff is no interface's address",
        ),
        (
            "a placeholder for a UUID",
            "[[assets]]\nname = \"a\"\nuuid = \"03000200-0400-0500-0006-000700080009\"\n",
            "assets[1] \"a\": the uuid 03000200-0400-0500-0006-000700080009 is a placeholder",
        ),
        (
            "held by nobody",
            "[[assets]]\nname = \"a\"\nserial = \"A-7\"\nheld = \" \"\n",
            "assets[1] \"a\": held is empty",
        ),
        ("no MAC", "[[assets]]\nname = \"a\"\nmacs = [\"zz\"]\n", "is not a MAC address"),
    ] {
        let refused = world.try_import("bad.toml", &format!("{good}{text}"));
        assert!(!refused.status.success(), "{case}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(words), "{case}: {said}");
    }
    let refused = world.try_import("import.yaml", "");
    assert!(String::from_utf8(refused.stderr).unwrap().contains("ends neither in .toml nor in .json"));
    world.serve();
    let names = world.get("/v1/assets").await;
    let names: Vec<&str> = names["assets"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["r1-u10", "r1-u12"]);
}

#[tokio::test]
async fn an_import_may_be_json_and_may_come_again() {
    let mut world = World::empty();
    let json = r#"{"profiles": [{"name": "demo", "version": 1}],
                   "assets": [{"name": "a", "uuid": "0193a000-0000-7000-8000-000000000001", "profile": "demo", "links": []}]}"#;
    for summary in ["imported 1 new profiles, 1 assets", "imported 0 new profiles, 1 assets"] {
        let imported = world.try_import("import.json", json);
        assert_eq!(String::from_utf8(imported.stdout).unwrap().trim(), summary, "{:?}", imported.stderr);
    }
    world.serve();
    assert_eq!(world.get("/v1/assets").await["assets"].as_array().unwrap().len(), 1);
    // Planned, with nothing that could be judged: that is a pass, because somebody said so.
    let mut agent = Agent::new(&world, "A-7", "52:54:00:01:30:01", "Ethernet1");
    let mut event = agent.boot_event();
    event.fingerprint.system_uuid = Some("0193a000-0000-7000-8000-000000000001".parse().unwrap());
    let whoami: pious_protocol::message::Whoami = agent.send_boot_event(&event).await.json().await.unwrap();
    agent.token = whoami.session_token;
    agent.tells_facts(1).await;
    assert_eq!(world.standing("a").await, serde_json::json!(["SPARE", "passed", "POWER_OFF_SPARE"]));
}

#[tokio::test]
async fn a_plan_names_a_machine_in_either_case_and_byte_order() {
    let world = World::new();
    world.import(
        "[[assets]]\nname = \"by-serial\"\nserial = \"abc-9x\"\n\
         [[assets]]\nname = \"by-uuid\"\nuuid = \"0193a000-0102-7304-8000-000000000001\"\n",
    );
    let agent = Agent::new(&world, "ABC-9X", "52:54:00:01:40:01", "Ethernet1");
    assert_eq!(agent.clone().boots().await.name, "by-serial");
    let other = Agent::new(&world, "DEF-9X", "52:54:00:01:41:01", "Ethernet1");
    let mut event = other.boot_event();
    event.fingerprint.system_uuid = Some("00a09301-0201-0473-8000-000000000001".parse().unwrap());
    let whoami: pious_protocol::message::Whoami = other.send_boot_event(&event).await.json().await.unwrap();
    assert_eq!(whoami.name, "by-uuid");
}

#[tokio::test]
async fn a_stranger_named_like_a_plan_does_not_get_it() {
    let world = World::new();
    Agent::new(&world, "r9-u1", "52:54:00:01:50:01", "Ethernet1").boots().await;
    let refused = world.try_import("import.toml", "[[assets]]\nname = \"r9-u1\"\nserial = \"PIOUS-R9-U1\"\n");
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains(
            "asset \"r9-u1\": a machine that booted unplanned goes by this name, and is not the one planned (its serial: r9-u1)"
        ),
        "{said}"
    );
}

#[tokio::test]
async fn operators_may_work_from_a_shell() {
    let world = World::new();
    let mut agent = Agent { port: "Ethernet7".into(), ..Agent::u10(&world) };
    agent.boots().await;
    agent.tells_facts(1).await;
    let run = |words: &[&str]| {
        let data = world.data();
        let output = Command::new(PROGRAM)
            .args(words)
            .args(["--url", &world.url("")])
            .arg("--token-file")
            .arg(data.join("operator-token"))
            .arg("--ca")
            .arg(data.join("ca.pem"))
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (ok, listed, _) = run(&["assets"]);
    assert!(ok);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines[1].starts_with("r1-u10  NEW    failing  VERIFY_NETWORK: cabling.port of eth0"), "{listed}");
    assert!(lines[2].ends_with("move the cable from r1-sw1 port Ethernet7 to r1-sw1 port Ethernet1"), "{listed}");
    assert_eq!(lines[4], "r1-u12  NEW    pending  WHOAMI: waits for its first boot");

    // What comes from a switch does not steer the operator's terminal.
    agent.port = "\u{1b}[2J\u{202e}".into();
    agent.tells_facts(2).await;
    let (_, listed, _) = run(&["assets"]);
    assert!(listed.contains("r1-sw1 port \\u{1b}[2J\\u{202e}") && !listed.contains('\u{1b}'), "{listed:?}");

    assert_eq!(run(&["hold", "r1-u10", "--by", "alice"]), (true, String::new(), String::new()));
    assert_eq!(world.get("/v1/assets/r1-u10").await["held"]["by"], "alice");
    assert!(run(&["release", "r1-u10"]).0);
    assert!(world.get("/v1/assets/r1-u10").await["held"].is_null());
    let (ok, _, said) = run(&["release", "r9-u99"]);
    assert!(!ok);
    assert!(said.ends_with("answered 404 no asset \"r9-u99\": GET /v1/assets lists them by id and name\n"), "{said}");
    assert!(run(&["alerts", "--json"]).1.contains("alerts"));
}
