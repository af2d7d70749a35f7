//! The operators' commands, as a shell shows them.

use crate::{
    agent::Agent,
    world::{PROGRAM, World},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// An operator's shell.
struct Shell {
    url: String,
    ca: PathBuf,
    token: PathBuf,
}

impl Shell {
    /// The first operator's.
    fn of(world: &World) -> Self {
        Self { url: world.url(""), ca: world.data().join("ca.pem"), token: world.data().join("operator-token") }
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(words).args(["--url", &self.url]).arg("--token-file").arg(&self.token).arg("--ca").arg(&self.ca);
        command.output().unwrap()
    }

    #[track_caller]
    fn says(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        let text = self.says(&[words, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// What is said of what does not go.
    #[track_caller]
    fn fails(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn a_promotion_takes_two_shells() {
    let world = World::new();
    Agent::spare(&world).await;
    let admin = Shell::of(&world);
    admin.says(&["operators", "set", "mira", "--role", "approver"]);
    let operators = admin.says(&["operators", "list"]);
    assert!(operators.lines().any(|line| line.starts_with("mira ") && line.contains("approver")), "{operators}");
    let secret = admin.says(&["tokens", "make", "mira", "--name", "her shell", "--role", "approver", "--days", "1"]);
    let token = PathBuf::from(write(&world.data(), "mira-token", &secret));
    let mira = Shell { token, ..Shell::of(&world) };

    let asked = admin.says(&["promote", "r1-u12", "--why", "rack 1 goes live"]);
    let id = asked.split([' ', ',']).find(|word| word.len() == 36).unwrap_or_else(|| panic!("no id in {asked}"));
    let refused = admin.fails(&["approvals", "approve", id]);
    assert!(refused.contains("403"), "{refused}");
    let listed = mira.says(&["approvals", "list", "--asset", "r1-u12"]);
    assert!(listed.contains(id) && listed.contains("rack 1 goes live"), "{listed}");
    assert_eq!(mira.says(&["approvals", "approve", id]), "promote r1-u12: approved\n");
    assert_eq!(mira.json(&["approvals", "list"])["approvals"][0]["decided_by"], "mira");

    let tokens = admin.json(&["tokens", "list"]);
    let of_mira = tokens["tokens"].as_array().unwrap().iter().find(|token| token["operator"] == "mira").unwrap();
    admin.says(&["tokens", "end", of_mira["id"].as_str().unwrap()]);
    assert!(mira.fails(&["assets"]).contains("401"));
    assert!(admin.says(&["tokens", "list"]).contains("ended"));
    admin.says(&["operators", "end", "mira"]);
    assert!(admin.says(&["operators", "list"]).contains("shut out"));
    let history = admin.says(&["audit", "--asset", "r1-u12", "--limit", "3"]);
    assert_eq!(history.lines().count(), 4, "a head and three: {history}");
    assert!(history.contains("rack 1 goes live"), "{history}");
}

#[tokio::test]
async fn what_there_is_of_assets_orders_alerts_and_the_fleet() {
    let world = World::new();
    let shell = Shell::of(&world);
    let head = "vendor,order,line,profile,count,serials,delivery,due";
    let orders =
        write(&world.data(), "orders.csv", &format!("{head}\nAcme,PO-1,1,demo,1,pious-r1-u10,first,2026-12-01\n"));
    assert_eq!(shell.says(&["orders", "import", &orders]), "new: 1 vendors, 1 orders, 1 lines, 1 deliveries\n");
    let bad = write(&world.data(), "bad.csv", &format!("{head}\nAcme,PO-2,one,demo,2,,first,2026-12-01\n"));
    let refused = shell.fails(&["orders", "import", &bad]);
    assert!(refused.contains("bad.csv") && refused.contains("line 2"), "{refused}");
    let listed = shell.says(&["orders", "list", "--open"]);
    assert!(listed.contains("PO-1") && listed.contains("0 of 1") && listed.contains("due 2026-12-01"), "{listed}");
    assert!(!listed.contains("PO-2"), "{listed}");

    let mut agent = Agent::u10(&world);
    agent.boots().await;
    agent.tells_facts(1).await;
    shell.says(&["tag", "r1-u10", "web", "batch-7"]);
    assert_eq!(shell.says(&["assets", "--tag", "web"]).lines().count(), 2);
    assert_eq!(shell.says(&["assets", "--tag", "nobody"]), "");
    assert_eq!(shell.json(&["assets", "u10"])["assets"][0]["name"], "r1-u10");
    let all = shell.says(&["asset", "r1-u10"]);
    for words in ["state      SPARE, passed", "tags       batch-7 web", "stands at  POWER_OFF_SPARE", "NEW → SPARE"] {
        assert!(all.contains(words), "{words:?} of {all}");
    }
    assert!(shell.says(&["orders", "show", "PO-1"]).contains("1 of 1"));
    let fleet = shell.says(&["fleet"]);
    assert!(fleet.lines().any(|line| line.starts_with("state") && line.contains("SPARE")), "{fleet}");

    let mut unordered = Agent::u12(&world);
    unordered.boots().await;
    unordered.tells_facts(1).await;
    let alert = shell.json(&["alerts"])["alerts"][0].clone();
    let resolved = shell.says(&["resolve", alert["id"].as_str().unwrap(), "--why", "a loan"]);
    assert!(resolved.ends_with("is resolved\n"), "{resolved}");
    assert!(shell.says(&["alerts", "--show", "resolved"]).contains("r1-u12"));
}

#[tokio::test]
async fn several_addresses_and_what_is_wrong_with_them() {
    let world = World::new();
    let shell = |url: String| Shell { url, ..Shell::of(&world) };
    // The first is nobody's: the second answers.
    assert!(shell(format!("https://127.0.0.1:1,{}", world.url(""))).says(&["assets"]).contains("r1-u10"));
    let nobody = shell("https://127.0.0.1:1".into()).fails(&["assets"]);
    assert!(nobody.starts_with("senzu-stub: no connection to https://127.0.0.1:1/v1/assets: "), "{nobody}");
    let wrong = shell("senzu.example".into()).fails(&["assets"]);
    assert!(wrong.contains("\"senzu.example\" can't be Senzu's URL"), "{wrong}");
    let output = Command::new(PROGRAM)
        .args(["assets", "--url", &world.url(""), "--token-file"])
        .arg(world.data().join("operator-token"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--ca is missing"), "{said}");
    let stranger = Shell { ca: world.data().join("operator-token"), ..Shell::of(&world) };
    assert!(stranger.fails(&["assets"]).contains("the authority holds no certificate"));
}

#[test]
fn a_shell_that_completes_and_a_page_of_the_manual() {
    let says = |words: &[&str]| {
        let output = Command::new(PROGRAM).args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        let script = says(&["completions", shell]);
        assert!(script.contains("promote") && script.contains("token-file"), "{shell}: {script}");
    }
    let manual = says(&["man"]);
    assert!(
        manual.contains(".TH senzu") && manual.contains("APPROVALS APPROVE") && manual.contains("token"),
        "{manual}"
    );
}
