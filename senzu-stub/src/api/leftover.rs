//! What nobody read of a request's body, because it was refused before, or is too large.
//!
//! HTTP/1.1 has no other way to end a request than to read it, or to close the connection (RFC 9112 §9.3). A client that still
//! writes when the connection closes never sees the answer; one that has it asks the next thing on a connection that is gone.

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// How much is read on.
const MAX_BYTES: usize = 8 << 20;
/// For how long.
const WITHIN: Duration = Duration::from_secs(5);
/// For how long an image is read on behind its answer: who reads that while it writes stops at once, who does not has sent the
/// largest in this time at the speed of a management network.
const IMAGE_WITHIN: Duration = Duration::from_secs(60);

/// Answers when the body is read to its end, or has taken too long or too much to be read on. (Boxed by kind: long-polls have
/// no body, and keep no room for one.)
pub fn read_on(request: Request, next: Next) -> Pin<Box<dyn Future<Output = Response> + Send>> {
    // A client that waits to be told to send its body (RFC 9110 §10.1.1) need not send what is refused.
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return Box::pin(next.run(request));
    }
    Box::pin(async move {
        let (parts, body) = request.into_parts();
        let body = Lent(Arc::new(Mutex::new(body)));
        let is_image = parts.uri.path().starts_with("/v1/artifacts/");
        let answer = next.run(Request::from_parts(parts, Body::new(body.clone()))).await;
        if is_image {
            // Too long to be waited for: the answer goes out while the rest comes in.
            let most = usize::try_from(crate::firmware::MAX_BYTES).unwrap_or(usize::MAX);
            tokio::spawn(tokio::time::timeout(IMAGE_WITHIN, drain(body, most)));
            return answer;
        }
        // Whether it ended or took too long: the answer goes out now.
        let _ = tokio::time::timeout(WITHIN, drain(body, MAX_BYTES)).await;
        answer
    })
}

async fn drain(mut body: Lent, most: usize) {
    let mut left = most;
    while let Some(Ok(frame)) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(less) => left = less,
            None => return,
        }
    }
}

/// A body that comes back from whoever reads it.
#[derive(Clone)]
struct Lent(Arc<Mutex<Body>>);

impl Lent {
    fn lock(&self) -> MutexGuard<'_, Body> {
        // One reads at a time, and what a panic left of a body is as good as the rest.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}
