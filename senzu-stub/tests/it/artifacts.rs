//! Firmware images: announced, brought, given out.

use crate::{
    server::Server,
    signer::{Signer, sha256},
    world::{World, mode, problem},
};
use pious_protocol::{instruction::Action, message::Report};
use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Bytes that repeat nowhere near a piece's length.
pub fn image(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap()
    };
    (0..length).map(|_| next()).collect()
}

pub async fn bring(world: &World, sha256: &str, image: impl Into<reqwest::Body>) -> Response {
    let path = format!("/v1/artifacts/{sha256}/image");
    let request = world.request(Method::PUT, &path).bearer_auth(world.operator_token());
    request.header(header::CONTENT_TYPE, "application/octet-stream").body(image).send().await.unwrap()
}

/// Announces an image and brings it.
pub async fn import(world: &World, signer: &Signer, image: &[u8]) -> String {
    let announced = world.post("/v1/artifacts", signer.ask(image)).await;
    assert_eq!(announced.status(), 200, "{:?}", announced.text().await);
    let sha256 = sha256(image);
    let brought = bring(world, &sha256, image.to_vec()).await;
    assert_eq!(brought.status(), 204, "{:?}", brought.text().await);
    sha256
}

pub fn files(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.data().join("artifacts")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_image_is_announced_brought_listed_and_removed() {
    let mut world = World::new();
    let signer = Signer::trusted_by(&world);
    let image = image(300_000);
    let announced: Value = world.post("/v1/artifacts", signer.ask(&image)).await.json().await.unwrap();
    let name = sha256(&image);
    assert_eq!((&announced["sha256"], &announced["image_ms"]), (&json!(name), &Value::Null));
    assert_eq!((&announced["severity"], &announced["added_by"]), (&json!("recommended"), &json!("operator")));
    let path = format!("/v1/artifacts/{name}");
    // Nothing to give yet.
    let early = world.request(Method::GET, &format!("{path}/image")).send().await.unwrap();
    assert_eq!(early.status(), 404);
    let words = format!("the image of artifact {name} is not here: PUT /v1/artifacts/{name}/image brings it");
    assert_eq!(problem(early).await["detail"], words);

    assert_eq!(bring(&world, &name.to_uppercase(), image.clone()).await.status(), 204);
    assert_eq!(files(&world), std::slice::from_ref(&name));
    assert_eq!(mode(&world.data().join("artifacts").join(&name)), 0o600);
    // The same again is nothing new, and no harm.
    let again: Value = world.post("/v1/artifacts", signer.ask(&image)).await.json().await.unwrap();
    assert!(again["image_ms"].is_u64());
    assert_eq!(bring(&world, &name, image.clone()).await.status(), 204);
    let mut other = signer.ask(&image);
    other["version"] = json!("2.3.0");
    let refused = world.post("/v1/artifacts", other).await;
    assert_eq!(refused.status(), 409);
    assert_eq!(
        problem(refused).await["detail"],
        format!(
            "artifact {name} is BIOS 2.2.0 for \"PIOUS\" \"Lab Server\" with 300000 bytes already, and here it is BIOS \
             2.3.0 for \"PIOUS\" \"Lab Server\" with 300000 bytes: DELETE it first, or say the same"
        )
    );

    // Another one, and a list by pages; it is all there after a restart.
    let second = import(&world, &signer, b"another").await;
    world.terminate();
    world.serve();
    let mut names = [name.clone(), second.clone()];
    names.sort();
    let page = world.get("/v1/artifacts?limit=1").await;
    assert_eq!((&page["artifacts"][0]["sha256"], &page["next"]), (&json!(names[0]), &json!(names[0])));
    let page = world.get(&format!("/v1/artifacts?after={}", names[0])).await;
    assert_eq!((&page["artifacts"][0]["sha256"], &page["next"]), (&json!(names[1]), &Value::Null));
    assert_eq!(world.get(&path).await["size_bytes"], 300_000);

    // An instruction that has not ended names it.
    signer.imports(&world, "bmc", "2.11.0").await;
    let mut server = Server::spare(&world).await;
    let goal = json!({"wanted": [{"component": "bmc", "version": "2.11.0"}], "why": "a test"});
    let asked = world.request(Method::PUT, "/v1/assets/r1-u12/firmware").bearer_auth(world.operator_token());
    assert_eq!(asked.json(&goal).send().await.unwrap().status(), 200);
    let update = server.next_update(&world).await;
    let delete = |path: String| {
        let request = world.request(Method::DELETE, &path).bearer_auth(world.operator_token());
        async move { request.send().await.unwrap() }
    };
    let Action::FirmwareUpdate(told) = &update.action else { panic!("{update:?}") };
    let needed = &told.artifact.sha256;
    let needed_path = format!("/v1/artifacts/{needed}");
    let refused = delete(needed_path.clone()).await;
    assert_eq!(refused.status(), 409);
    let words = problem(refused).await["detail"].as_str().unwrap().to_owned();
    assert!(
        words.starts_with("instruction ") && words.ends_with(&format!("names artifact {needed}: let that end first")),
        "{words}"
    );
    server.agent.reports(&update, Report::Refused { reason: "a test".into() }).await;
    assert_eq!(delete(needed_path).await.status(), 204);
    assert_eq!(delete(path.clone()).await.status(), 204);
    assert_eq!(delete(path.clone()).await.status(), 404);
    assert_eq!(files(&world), [second]);
    let events = world.get("/v1/audit").await["events"].to_string();
    for words in ["announced BIOS 2.2.0", "brought the image of artifact", "removed BIOS 2.2.0"] {
        assert!(events.contains(words), "{words} in {events}");
    }
}

#[tokio::test]
async fn what_can_not_be_an_image_is_refused_when_it_is_announced() {
    let world = World::new();
    let image = image(1000);
    let signer = Signer::new();
    let refused = world.post("/v1/artifacts", signer.ask(&image)).await;
    assert_eq!(refused.status(), 409);
    let key = world.data().join("firmware.pub");
    assert_eq!(
        problem(refused).await["detail"],
        format!(
            "{} is missing: put the public key there that firmware is signed with (minisign -G makes a pair; the public \
             half is minisign.pub)",
            key.display()
        )
    );
    fs::write(&key, "nonsense\n").unwrap();
    let refused = world.post("/v1/artifacts", signer.ask(&image)).await;
    assert_eq!(refused.status(), 409);
    let words = format!("{} is no public key of minisign's: put the text of minisign.pub there", key.display());
    assert_eq!(problem(refused).await["detail"], words);

    let signer = Signer::trusted_by(&world);
    let stranger = Signer::new();
    let legacy = signer.sign(&image);
    let mut lines: Vec<_> = legacy.lines().map(str::to_owned).collect();
    // "ED" says prehashed, "Ed" does not: RUQ… against RWQ….
    lines[1].replace_range(1..2, "W");
    let legacy = lines.join("\n");
    let stranger_words = format!(
        "signature is by key {}, and key {} is trusted (firmware.pub in the data directory): sign by that",
        stranger.name(),
        signer.name()
    );
    let cases = [
        ("component", json!("toaster"), "component is \"toaster\": write bmc, bios, nic, psu or drive".to_owned()),
        ("sha256", json!("abc"), "sha256 is \"abc\": write 64 hexadecimal digits".into()),
        ("sha256", json!("g".repeat(64)), format!("sha256 is \"{}\": write 64 hexadecimal digits", "g".repeat(64))),
        ("size_bytes", json!(0), "size_bytes is 0: from 1 to 2147483648, which is 2 GiB".into()),
        (
            "size_bytes",
            json!((2_u64 << 30) + 1),
            "size_bytes is 2147483649: from 1 to 2147483648, which is 2 GiB".into(),
        ),
        ("vendor", json!(" "), "vendor is empty: say it as the machines do".into()),
        ("model", json!("m".repeat(201)), "model holds 201, more than 200".into()),
        (
            "signature",
            json!("nonsense"),
            "signature is no signature of minisign's: send the whole text of the file that minisign -S wrote (.minisig)".into(),
        ),
        ("signature", json!(stranger.sign(&image)), stranger_words),
        (
            "signature",
            json!(legacy),
            "signature is of the old kind, of the image and not of its hash: sign anew (minisign -S -H)".into(),
        ),
    ];
    for (field, value, words) in cases {
        let mut ask = signer.ask(&image);
        ask[field] = value;
        let refused = world.post("/v1/artifacts", ask).await;
        assert_eq!(refused.status(), 422, "{field}");
        assert_eq!(problem(refused).await["detail"], words, "{field}");
    }
    for (field, value) in [("severity", json!("urgent")), ("colour", json!("red"))] {
        let mut ask = signer.ask(&image);
        ask[field] = value;
        assert_eq!(world.post("/v1/artifacts", ask).await.status(), 400, "{field}");
    }
    assert_eq!(world.get("/v1/artifacts").await, json!({"artifacts": [], "next": null}));
}

#[tokio::test]
async fn an_image_that_is_another_is_not_kept() {
    let world = World::new();
    let signer = Signer::trusted_by(&world);
    let right = image(200_000);
    let name = sha256(&right);
    let refused = bring(&world, &name, right.clone()).await;
    assert_eq!(refused.status(), 404);
    assert_eq!(problem(refused).await["detail"], format!("no artifact {name}: GET /v1/artifacts lists them"));
    world.post("/v1/artifacts", signer.ask(&right)).await;

    let mut wrong = right.clone();
    wrong[100_000] ^= 1;
    // In pieces, so that nobody announces the length.
    let pieces = |bytes: &[u8]| reqwest::Body::wrap_stream(Pieces(bytes.to_vec()));
    let (longer, shorter) = ([&right[..], b"x"].concat(), &right[..right.len() - 1]);
    let size = "the image has 199999 bytes, and 200000 were announced; nothing was kept".to_owned();
    let cases = [
        (
            reqwest::Body::from(wrong.clone()),
            format!("the image's SHA-256 is {}, and {name} was announced; nothing was kept", sha256(&wrong)),
        ),
        (shorter.to_vec().into(), size.clone()),
        (pieces(shorter), size),
        (pieces(&longer), "the image has more than the 200000 bytes that were announced; nothing was kept".into()),
        (longer.clone().into(), "the image has 200001 bytes, and 200000 were announced; nothing was kept".into()),
    ];
    for (body, words) in cases {
        let refused = bring(&world, &name, body).await;
        assert_eq!(refused.status(), 422, "{words}");
        assert_eq!(problem(refused).await["detail"], words);
        assert_eq!(files(&world), Vec::<String>::new(), "{words}");
    }

    // The announced digest is of the image that comes, but the signature is another image's.
    let mut ask = signer.ask(&wrong);
    ask["signature"] = json!(signer.sign(&right));
    assert_eq!(world.post("/v1/artifacts", ask).await.status(), 200);
    let refused = bring(&world, &sha256(&wrong), wrong.clone()).await;
    assert_eq!(refused.status(), 422);
    let words = format!("the image is not what key {} signed; nothing was kept", signer.name());
    assert_eq!(problem(refused).await["detail"], words);

    let path = format!("/v1/artifacts/{name}/image");
    let other =
        world.request(Method::PUT, &path).bearer_auth(world.operator_token()).json(&json!({})).send().await.unwrap();
    assert_eq!(other.status(), 415);
    let nobody = world.request(Method::PUT, &path).body(right.clone()).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    // Whom Senzu trusted when it was announced counts no more.
    let _another = Signer::trusted_by(&world);
    assert_eq!(bring(&world, &name, right.clone()).await.status(), 422);
    assert_eq!(files(&world), Vec::<String>::new());
}

/// A stream of small pieces.
struct Pieces(Vec<u8>);

impl futures_core::Stream for Pieces {
    type Item = Result<Vec<u8>, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let rest = self.0.len().min(10_000);
        let piece: Vec<u8> = self.0.drain(..rest).collect();
        std::task::Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }
}

#[tokio::test]
async fn a_recipe_that_is_wrong_is_told_before_anything_is_served() {
    let world = World::empty();
    let recipes = world.data().join("recipes");
    fs::create_dir(&recipes).unwrap();
    fs::write(recipes.join("mine.toml"), "name = \"mine\"\n").unwrap();
    let refused = world.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    let words = format!("{}: match is missing: say which machines it is for", recipes.join("mine.toml").display());
    assert!(said.contains(&words), "{said}");
    let refused = world.run(&["serve", "--listen", "127.0.0.1:0", "--image-budget", "10.0.0.0/8"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("write NETWORK=RATE, as 10.78.0.0/24=50MiB/s"), "{said}");
}

#[tokio::test]
async fn the_desks_import() {
    use crate::world::PROGRAM;
    let world = World::new();
    let signer = Signer::trusted_by(&world);
    let image = image(1_500_000);
    let file: PathBuf = world.data().join("bios-2.2.0.bin");
    let signature = world.data().join("bios-2.2.0.bin.minisig");
    fs::write(&file, &image).unwrap();
    fs::write(&signature, signer.sign(&image)).unwrap();
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(PROGRAM);
        command.arg("firmware").args(words).args(["--url", &world.url("")]);
        command
            .arg("--token-file")
            .arg(world.data().join("operator-token"))
            .arg("--ca")
            .arg(world.data().join("ca.pem"));
        command.output().unwrap()
    };
    let import = |signature: &std::path::Path, component: &str| {
        let (file, signature) = (file.to_str().unwrap(), signature.to_str().unwrap());
        let what = ["import", "--file", file, "--signature", signature, "--vendor", "PIOUS", "--model", "Lab *"];
        run(&[
            &what[..],
            &["--component", component, "--version", "2.2.0", "--note", "mends it", "--severity", "critical"],
        ]
        .concat())
    };
    for _ in 0..2 {
        let output = import(&signature, "bios");
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, format!("BIOS 2.2.0 for PIOUS Lab * is there as {}\n", sha256(&image)));
    }
    let listed = String::from_utf8(run(&["list"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    for words in ["PIOUS", "Lab *", "BIOS", "2.2.0", "critical", "1500000", "came ", &sha256(&image)] {
        assert!(listed.contains(words), "{words} in {listed}");
    }
    let known = world.get(&format!("/v1/artifacts/{}", sha256(&image))).await;
    assert_eq!((&known["file_name"], &known["release_note"]), (&json!("bios-2.2.0.bin"), &json!("mends it")));
    let refused = import(&file, "bios");
    assert!(!refused.status.success());
    let refused = import(&signature, "toaster");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("422 component is \"toaster\": write bmc, bios, nic, psu or drive"), "{said}");
}
