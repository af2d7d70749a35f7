//! Firmware images on their way: cut, resumed, in parts, within a budget.

use crate::{
    artifacts::{bring, files, image, import},
    signer::{Signer, sha256},
    world::{World, problem},
};
use reqwest::Method;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

#[tokio::test]
async fn an_upload_that_is_cut_leaves_nothing() {
    let mut world = World::empty();
    world.serve_with(&["--plain-http-lab"]);
    let signer = Signer::trusted_by(&world);
    let image = image(400_000);
    world.post("/v1/artifacts", signer.ask(&image)).await;
    let name = sha256(&image);
    let mut half = TcpStream::connect(world.url("").replace("http://", "")).unwrap();
    let head = format!(
        "PUT /v1/artifacts/{name}/image HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/octet-stream\r\ncontent-length: 400000\r\n\r\n",
        world.operator_token()
    );
    half.write_all(head.as_bytes()).unwrap();
    half.write_all(&image[..200_000]).unwrap();
    let waits = Instant::now();
    while files(&world).is_empty() {
        assert!(waits.elapsed() < Duration::from_secs(10), "nothing is written");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(files(&world)[0].starts_with('.'));
    drop(half);
    while !files(&world).is_empty() {
        assert!(waits.elapsed() < Duration::from_secs(20), "{:?} stays", files(&world));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(bring(&world, &name, image).await.status(), 204);
}

#[tokio::test]
async fn parts_of_an_image() {
    let world = World::new();
    let signer = Signer::trusted_by(&world);
    let image = image(300_000);
    let name = import(&world, &signer, &image).await;
    let path = format!("/v1/artifacts/{name}/image");
    let tag = format!("\"{name}\"");
    let ask = |fields: &[(&'static str, &str)]| {
        let request = fields
            .iter()
            .fold(world.request(Method::GET, &path), |request, (name, value)| request.header(*name, *value));
        async move { request.send().await.unwrap() }
    };
    // Nobody needs a token.
    let whole = ask(&[]).await;
    assert_eq!(whole.status(), 200);
    for (field, value) in [
        ("etag", tag.as_str()),
        ("accept-ranges", "bytes"),
        ("content-length", "300000"),
        ("content-type", "application/octet-stream"),
    ] {
        assert_eq!(whole.headers()[field], value, "{field}");
    }
    assert_eq!(whole.bytes().await.unwrap(), image);
    let head = world.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"], &head.headers()["etag"]),
        (200, &"300000".parse().unwrap(), &tag.parse().unwrap())
    );
    assert_eq!(head.bytes().await.unwrap().len(), 0);

    for (range, part) in [
        ("bytes=0-99", 0..100),
        ("bytes=65530-131080", 65_530..131_081),
        ("bytes=299999-", 299_999..300_000),
        ("bytes=-1000", 299_000..300_000),
        ("bytes=100000-9999999", 100_000..300_000),
    ] {
        let answer = ask(&[("range", range)]).await;
        assert_eq!(answer.status(), 206, "{range}");
        let words = format!("bytes {}-{}/300000", part.start, part.end - 1);
        assert_eq!(answer.headers()["content-range"], words, "{range}");
        assert_eq!(answer.headers()["content-length"], part.len().to_string(), "{range}");
        assert_eq!(answer.bytes().await.unwrap(), image[part], "{range}");
    }
    let beyond = ask(&[("range", "bytes=300000-")]).await;
    assert_eq!(
        (beyond.status().as_u16(), &beyond.headers()["content-range"]),
        (416, &"bytes */300000".parse().unwrap())
    );
    assert_eq!(problem(beyond).await["detail"], "the image has 300000 bytes, and none from there on");
    assert_eq!(ask(&[("range", "bytes=0-1,5-6")]).await.bytes().await.unwrap(), image);
    // Whoever has a part of another image gets all of this.
    assert_eq!(ask(&[("range", "bytes=5-"), ("if-range", "\"other\"")]).await.status(), 200);
    assert_eq!(ask(&[("range", "bytes=5-"), ("if-range", &tag)]).await.status(), 206);
    for (name, status) in [("../senzu.sqlite", 404), ("..%2Fsenzu.sqlite", 422), (&"0".repeat(64), 404)] {
        let answer = world.request(Method::GET, &format!("/v1/artifacts/{name}/image")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
    }
}

/// Begins a download, reads so much of it, and goes away; answers what came.
fn cut(world: &World, name: &str, much: usize) -> Vec<u8> {
    let mut stream = BufReader::new(TcpStream::connect(world.url("").replace("http://", "")).unwrap());
    stream
        .get_ref()
        .write_all(format!("GET /v1/artifacts/{name}/image HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
        .unwrap();
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0);
    }
    let mut came = vec![0; much];
    stream.read_exact(&mut came).unwrap();
    came
}

#[tokio::test]
async fn a_download_that_was_cut_goes_on_where_it_was() {
    let mut world = World::empty();
    world.serve_with(&["--plain-http-lab"]);
    let signer = Signer::trusted_by(&world);
    let image = image(2_000_000);
    let name = import(&world, &signer, &image).await;
    let mut came = cut(&world, &name, 700_001);
    let path = format!("/v1/artifacts/{name}/image");
    let rest =
        world.request(Method::GET, &path).header("range", "bytes=700001-").header("if-range", format!("\"{name}\""));
    came.extend(rest.send().await.unwrap().bytes().await.unwrap());
    assert_eq!(sha256(&came), name);
}

#[tokio::test]
async fn images_into_one_network_share_its_budget() {
    let mut world = World::empty();
    world.serve_with(&["--image-budget", "127.0.0.0/8=1MB/s", "--image-budget", "10.0.0.0/8=1B/s"]);
    let signer = Signer::trusted_by(&world);
    let image = image(500_000);
    let name = import(&world, &signer, &image).await;
    let begun = Instant::now();
    let downloads = (0..4).map(|_| {
        let request = world.request(Method::GET, &format!("/v1/artifacts/{name}/image"));
        tokio::spawn(async move { (request.send().await.unwrap().bytes().await.unwrap().len(), begun.elapsed()) })
    });
    let downloads: Vec<_> = downloads.collect();
    let mut ends = Vec::new();
    for download in downloads {
        let (length, at) = download.await.unwrap();
        assert_eq!(length, 500_000);
        ends.push(at);
    }
    ends.sort();
    // Two seconds' worth, less what a rest has saved up; side by side, so that all end at the end.
    assert!(ends[3] >= Duration::from_millis(1_850), "{ends:?}");
    assert!(ends[0] >= Duration::from_millis(1_300), "{ends:?}");
    // Whoever asks what there is takes nothing of it.
    let begun = Instant::now();
    for _ in 0..20 {
        world.request(Method::HEAD, &format!("/v1/artifacts/{name}/image")).send().await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn who_uploads_a_lot_in_vain_is_told_why() {
    let mut world = World::empty();
    world.serve_with(&["--plain-http-lab"]);
    let nobody = "0".repeat(64);
    // One that listens while it speaks.
    let refused = bring(&world, &nobody, vec![0; 64 << 20]).await;
    assert_eq!(refused.status(), 404);
    // And one that speaks to the end first.
    let mut stream = BufReader::new(TcpStream::connect(world.url("").replace("http://", "")).unwrap());
    let length = 64 << 20;
    let head = format!(
        "PUT /v1/artifacts/{nobody}/image HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.get_ref().write_all(head.as_bytes()).unwrap();
    stream.get_ref().write_all(&vec![0; length]).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert_eq!(line, "HTTP/1.1 401 Unauthorized\r\n");
}
