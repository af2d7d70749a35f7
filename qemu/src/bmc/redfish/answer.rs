//! Answers, with the headers that belong to what they say: DSP0266 §"Response headers". Pure.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What changes with the value.
pub(super) fn etag(value: &Value) -> String {
    let digest = Sha256::digest(value.to_string());
    format!("\"{}\"", crate::bmc::image::hex(&digest[..8]))
}

/// A JSON body with its headers.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    let mut answer = Response::new(Body::from(value.to_string()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status.is_success()
        && let Ok(tag) = HeaderValue::from_str(&etag(value))
    {
        headers.insert(header::ETAG, tag);
    }
    if let Some(schema) = value["@odata.type"].as_str().and_then(|kind| kind.trim_start_matches('#').split('.').next())
    {
        let described = format!("<http://redfish.dmtf.org/schemas/v1/{schema}.json>; rel=describedby");
        if let Ok(link) = HeaderValue::from_str(&described) {
            headers.insert(header::LINK, link);
        }
    }
    answer
}

/// It was done, and there is nothing to say of it.
pub(super) fn empty() -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}
