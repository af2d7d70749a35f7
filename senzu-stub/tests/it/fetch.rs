//! A BMC fetches its image itself: by the URL of its network, and by a ticket.

use crate::scene::Scene;
use tokio::net::{TcpListener, TcpStream};

/// The lab's machines, whose BMCs fetch.
const RECIPE: &str = r#"
name = "PIOUS Lab Server"
order = ["bmc"]

[match]
manufacturer = ["PIOUS"]
model = ["Lab Server"]

[bmc]
version = { from = "inventory", id = "BMC" }
transfer = "simple_update"
activation = "itself"
flash_within_s = 40
bmc_back_within_s = 40
versions = "as_written"
"#;

async fn scene(options: &[&str]) -> (Scene, tempfile::TempDir) {
    let recipes = tempfile::tempdir().unwrap();
    std::fs::write(recipes.path().join("lab.toml"), RECIPE).unwrap();
    let of_recipes = ["--recipes", recipes.path().to_str().unwrap()];
    let all: Vec<&str> = of_recipes.into_iter().chain(options.iter().copied()).collect();
    let scene = Scene::with(true, 0, &all).await;
    (scene, recipes)
}

async fn begins(scene: &Scene) {
    scene.shall_run(&[("bmc", "2.11.0")]).await;
    scene.said(scene.ask("firmware").await).await;
    scene.decides("approve").await;
}

#[tokio::test]
async fn a_bmc_fetches_by_the_url_of_its_network_and_by_a_ticket_that_ends() {
    // Whatever the management network reaches Senzu by: it is not where agents do.
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = format!("https://127.0.0.1:{}", door.local_addr().unwrap().port());
    let (scene, _recipes) = scene(&["--artifact-url", &format!("127.0.0.0/8={there}")]).await;
    let senzu = scene.world.url("").rsplit('/').next().unwrap().to_owned();
    tokio::spawn(async move {
        loop {
            let (mut here, _) = door.accept().await.unwrap();
            let mut there = TcpStream::connect(&senzu).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut here, &mut there).await });
        }
    });
    scene.bmc.state().fetcher = Some(scene.world.client());
    begins(&scene).await;
    assert_eq!(scene.until_goal("done").await, "runs BMC 2.11.0, each read back");
    assert_eq!(scene.bmc.state().images, ["bmc 2.11.0"]);
    let [url] = scene.bmc.state().fetched.clone().try_into().unwrap();
    assert!(url.starts_with(&format!("{there}/v1/artifacts/")) && url.ends_with("/image"), "{url}");
    // The update has ended, and so has its ticket.
    let path = url.strip_prefix(&there).unwrap();
    let again = scene.world.request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(again.status(), reqwest::StatusCode::FORBIDDEN);
    // Nobody who looks at the asset sees it.
    let asset = scene.world.get("/v1/assets/r1-u12").await.to_string();
    assert!(!asset.contains("/for/"), "{asset}");
}

#[tokio::test]
async fn without_a_url_of_its_network_it_is_refused_before_the_bmc_hears_of_it() {
    let (scene, _recipes) = scene(&["--artifact-url", "10.78.0.0/24=https://10.78.0.1"]).await;
    begins(&scene).await;
    let words = scene.until_goal("recovery").await;
    let refused = "the BMC at 127.0.0.1 fetches its image itself (SimpleUpdate), and nobody said by which URL its network \
                   reaches Senzu: senzu-stub serve --artifact-url NETWORK=URL";
    assert!(words.contains(refused), "{words}");
    assert_eq!(scene.bmc.state().fetched, Vec::<String>::new());
}
