//! A BMC that answers before it has the image: it hangs up while the image is on its way, which breaks the writing, and
//! what it said counts.

#[allow(dead_code, unused_imports, reason = "the other test target uses the rest")]
mod scripted;

use pious_protocol::firmware::Transfer;
use pious_redfish::flash_patiently;
use scripted::{Place, Push, Tls, Trial};
use std::time::Duration;

/// More than sockets hold between two programs.
const LONG: usize = 7 << 20;

/// Whether the break or the answer comes to light first is chance: each try is another one.
const EARLY: usize = 24;

async fn is_heard(transfer: Transfer, tls: Option<Tls>) {
    let Trial { script, mut order, image, mut told, mut patience } = Trial::of(LONG).script(|script| {
        script.push = [const { Push::NotReadyAtOnce }; EARLY].into();
    });
    order.recipe.transfer = transfer;
    patience.tries = EARLY + 1;
    patience.longest_retry_after = Duration::from_millis(1);
    let place = Place::with(script, tls);
    flash_patiently(&place.at(), &order, &image, &mut told, &patience).await.unwrap();
    let seen = place.seen();
    let uploads =
        seen.requests.iter().filter(|request| ["/u/multipart", "/u/push"].iter().any(|at| request.ends_with(at)));
    assert_eq!((uploads.count(), seen.pushes.len()), (EARLY + 1, 1));
    let waited = told.phases.iter().filter(|(.., words)| words == "not yet: Service Unavailable");
    assert_eq!(waited.count(), EARLY);
}

#[tokio::test]
async fn by_multipart() {
    is_heard(Transfer::MultipartPush, None).await;
}

#[tokio::test]
async fn by_push() {
    is_heard(Transfer::HttpPush, None).await;
}

#[tokio::test]
async fn by_multipart_over_tls() {
    is_heard(Transfer::MultipartPush, Some(Tls::new())).await;
}

#[tokio::test]
async fn by_push_over_tls() {
    is_heard(Transfer::HttpPush, Some(Tls::new())).await;
}
