//! A server is asked through its own HTTP server to become BAREMETAL: only by whom Senzu's image allows, only when it is
//! SPARE, only once.

use anyhow::{Context, Result};
use pious_lab::lab::{
    BOOT_WITHIN, Lab, NEXT_WITHIN,
    handle::agent_address,
    inner::{PROVISIONING_ADDRESS, STRANGER_ADDRESS},
};
use pious_tests::bring_up;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

const SERVER: &str = "r1-u11";

async fn asking(lab: &Lab, asset: &Value, from: Ipv4Addr) -> Result<RequestBuilder> {
    let (client, url) = lab.agent_http(agent_address(asset).context("no NIC has a lease")?, IpAddr::V4(from)).await?;
    Ok(client.post(format!("{url}/v1/promotions")))
}

async fn status_and_words(request: RequestBuilder) -> Result<(StatusCode, String)> {
    let answer = request.send().await?;
    Ok((answer.status(), answer.text().await?))
}

#[tokio::test]
async fn a_held_spare_is_promoted_once_and_boots_its_disk() -> Result<()> {
    let held = [("profile = \"lab\"", "profile = \"lab\"\nheld = \"the tests\"")];
    let lab = bring_up("promotion", "one-bios", &held, |_| {}).await?;
    lab.boot(SERVER).await?;
    lab.serial(SERVER).await?.all_passed().await?;
    let senzu = lab.senzu().await?;
    let asset = senzu.in_state(SERVER, "SPARE").await?;
    let body = json!({ "requester": "the tests" });

    let stranger = asking(&lab, &asset, STRANGER_ADDRESS).await?.json(&body);
    assert_eq!(status_and_words(stranger).await?.0, StatusCode::FORBIDDEN);

    let long = json!({ "requester": "x".repeat(1024 * 1024) });
    let too_large = asking(&lab, &asset, PROVISIONING_ADDRESS).await?.json(&long);
    assert_eq!(status_and_words(too_large).await?.0, StatusCode::PAYLOAD_TOO_LARGE);

    let events = lab.status().await?.events;
    let one = asking(&lab, &asset, PROVISIONING_ADDRESS).await?.json(&body);
    let other = asking(&lab, &asset, PROVISIONING_ADDRESS).await?.json(&body);
    let (one, other) = tokio::join!(status_and_words(one), status_and_words(other));
    let mut both = [one?, other?];
    both.sort();
    assert_eq!(both.clone().map(|(status, _)| status), [StatusCode::ACCEPTED, StatusCode::CONFLICT], "{both:?}");

    lab.wait_reset(SERVER, events, NEXT_WITHIN).await?;
    senzu.in_state(SERVER, "BAREMETAL").await?;
    let target = senzu.get("/v1/boot-targets/52:54:00:01:11:01").await?;
    assert_eq!((target["boot"].as_str(), target["tier"].as_str()), (Some("local_disk"), Some("recognized")));
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_spare_is_not_promoted_and_says_why() -> Result<()> {
    let miswired = [("cable = \"r1-sw1.Ethernet1\"", "cable = \"r1-sw1.Ethernet2\", planned = \"r1-sw1.Ethernet1\"")];
    let lab = bring_up("notspare", "one-bios", &miswired, |_| {}).await?;
    lab.boot(SERVER).await?;
    lab.serial(SERVER).await?.contains("FAIL     cabling.port", BOOT_WITHIN).await?;
    let senzu = lab.senzu().await?;
    let leased = |asset: &Value| agent_address(asset).is_some();
    let asset = senzu.asset_when(SERVER, "the address of its agent", leased).await?;

    let request = asking(&lab, &asset, PROVISIONING_ADDRESS).await?.json(&json!({ "requester": "the tests" }));
    let (status, words) = status_and_words(request).await?;
    assert_eq!(status, StatusCode::CONFLICT, "{words}");
    assert!(words.contains("NEW"), "{words}");
    Ok(())
}
