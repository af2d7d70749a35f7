//! What requests bring, with bounds: bodies, path parts, queries, tokens.

use super::{Failure, Shared};
use crate::{
    access::{Caller, Role},
    chakshu::Format,
    store::sessions::Session,
};
use axum::{
    body::{BodyDataStream, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use futures_core::Stream;
use pious_protocol::ids::BootId;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::{net::SocketAddr, pin::Pin, time::Duration};

/// The largest body anywhere: facts of a server with 16 NICs and 60 disks have 100 KiB.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// How long a body may take: a megabyte in this time is 30 KiB/s, slower than any management network.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// A JSON body of at most `MAX` bytes.
pub struct Body<T, const MAX: usize>(pub T);

impl<T: DeserializeOwned, S: Sync, const MAX: usize> FromRequest<S> for Body<T, MAX> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        if kind(request.headers()) != "application/json" {
            return Err(other_kind(request.headers(), "application/json"));
        }
        let bytes = whole(request, MAX).await?;
        let what = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        if let Some(problem) = unkept(&bytes) {
            return Err(Failure::Body { what, problem: problem.into() });
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Failure::Body { what, problem: error.to_string() })
    }
}

/// PostgreSQL keeps no such text, and nobody means it: SMBIOS and LLDP end their texts with it.
const NUL: &str = "a text holds U+0000: leave it out";

/// Nor larger numbers than its BIGINT and SQLite's INTEGER take.
pub const MAX_NUMBER: u64 = i64::MAX as u64;
const TOO_LARGE: &str = "a number is larger than 9223372036854775807";

/// What no database keeps of a JSON text that else is fine, in words. U+0000 is there as an escape alone (RFC 8259 §7).
fn unkept(json: &[u8]) -> Option<&'static str> {
    let mut rest = json;
    let mut is_text = false;
    while let Some((first, behind)) = rest.split_first() {
        let mut taken = 1;
        match first {
            b'"' => is_text = !is_text,
            b'\\' if is_text && behind.starts_with(b"u0000") => return Some(NUL),
            b'\\' if is_text => taken = 2,
            b'0'..=b'9' if !is_text => {
                let number = rest.split(|byte| !matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')).next();
                let number = number.unwrap_or_default();
                if is_too_large(number) {
                    return Some(TOO_LARGE);
                }
                taken = number.len();
            }
            _ => {}
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    None
}

/// Whether a number is an integer (written without zeros before it) behind the largest.
fn is_too_large(number: &[u8]) -> bool {
    const MAX: &[u8] = b"9223372036854775807";
    number.iter().all(u8::is_ascii_digit) && (number.len(), number) > (MAX.len(), MAX)
}

/// A number of a query that the database may keep.
pub fn count<'de, D: Deserializer<'de>, T: From<u64>>(deserializer: D) -> Result<T, D::Error> {
    let number = u64::deserialize(deserializer)?;
    match number <= MAX_NUMBER {
        true => Ok(number.into()),
        false => Err(serde::de::Error::custom(TOO_LARGE)),
    }
}

/// A file of rows in CSV or JSON, of at most `MAX` bytes, as text: its reader tells where it is wrong.
pub struct Text<const MAX: usize>(pub Format, pub String);

impl<S: Sync, const MAX: usize> FromRequest<S> for Text<MAX> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let format = match kind(request.headers()).as_str() {
            "application/json" => Format::Json,
            "text/csv" => Format::Csv,
            _ => return Err(other_kind(request.headers(), "text/csv or application/json")),
        };
        let bytes = whole(request, MAX).await?;
        String::from_utf8(bytes).map(|text| Self(format, text)).map_err(|_| Failure::NotText)
    }
}

/// Reads a body within its bounds.
async fn whole(request: Request, max_bytes: usize) -> Result<Vec<u8>, Failure> {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > max_bytes as u64) {
        return Err(Failure::TooLarge { max_bytes });
    }
    let mut stream = request.into_body().into_data_stream();
    match tokio::time::timeout(BODY_WITHIN, collect(&mut stream, max_bytes)).await {
        Err(_) => Err(Failure::TooSlow { within_s: BODY_WITHIN.as_secs() }),
        Ok(Collected::Broken) => Err(Failure::Broken),
        Ok(Collected::TooLarge) => Err(Failure::TooLarge { max_bytes }),
        Ok(Collected::Whole(bytes)) => Ok(bytes),
    }
}

/// The body's media type, without its parameters.
fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn other_kind(headers: &HeaderMap, wanted: &'static str) -> Failure {
    let got = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    Failure::MediaType { got: got.to_owned(), wanted }
}

/// How reading a body ended.
enum Collected {
    Whole(Vec<u8>),
    TooLarge,
    Broken,
}

async fn collect(stream: &mut BodyDataStream, max_bytes: usize) -> Collected {
    let mut whole = Vec::new();
    while let Some(piece) = next(stream).await {
        match piece {
            Err(_) => return Collected::Broken,
            Ok(piece) if whole.len() + piece.len() > max_bytes => return Collected::TooLarge,
            Ok(piece) => whole.extend_from_slice(&piece),
        }
    }
    Collected::Whole(whole)
}

async fn next(stream: &mut BodyDataStream) -> Option<Result<Bytes, axum::Error>> {
    std::future::poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

/// A body of bytes that is taken as it comes: its taker says how much is too much. It may take as long as it likes, as long
/// as something comes.
pub struct Bytestream(BodyDataStream);

impl<S: Sync> FromRequest<S> for Bytestream {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        match kind(request.headers()) == "application/octet-stream" {
            true => Ok(Self(request.into_body().into_data_stream())),
            false => Err(other_kind(request.headers(), "application/octet-stream")),
        }
    }
}

impl Bytestream {
    /// The next piece; `None`: that was all.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match tokio::time::timeout(BODY_WITHIN, next(&mut self.0)).await {
            Err(_) => Err(Failure::Stalled { within_s: BODY_WITHIN.as_secs() }),
            Ok(Some(Err(_))) => Err(Failure::Broken),
            Ok(Some(Ok(piece))) => Ok(Some(piece)),
            Ok(None) => Ok(None),
        }
    }
}

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The path's parts.
pub struct Named<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        if parts.uri.path().contains("%00") {
            return Err(Failure::Path(format!("{}: {NUL}", parts.uri.path())));
        }
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(named)) => Ok(Self(named)),
            Err(error) => Err(Failure::Path(format!("{}: {}", parts.uri.path(), error.body_text()))),
        }
    }
}

/// The query.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Failure::Query(format!("{}: {NUL}", parts.uri)));
        }
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Failure::Query(format!("{}: {}", parts.uri, error.body_text()))),
        }
    }
}

/// The session that speaks on a session route. Asked before the body is read, so that nobody's megabyte is kept who has no
/// token.
pub struct Speaker(pub Session);

/// The part of a session route that says whose it is.
#[derive(Deserialize)]
struct SessionRoute {
    boot_id: BootId,
}

impl FromRequestParts<Shared> for Speaker {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, senzu: &Shared) -> Result<Self, Failure> {
        let Named(SessionRoute { boot_id }) = Named::from_request_parts(parts, senzu).await?;
        // Boxed: a long-poll's future would keep the room for it as long as it waits.
        Ok(Self(Box::pin(senzu.session(token(parts), boot_id)).await?))
    }
}

/// Proof that somebody asks who may look. As [`Speaker`], before the body is read.
pub struct Viewer;

impl FromRequestParts<Shared> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, senzu: &Shared) -> Result<Self, Failure> {
        senzu.caller(token(parts), Role::Viewer).await?;
        Ok(Self)
    }
}

/// A caller of at least one role, named in the handler's arguments. As [`Speaker`], before the body is read. What the
/// document says of a route's role is compared with this by a test.
macro_rules! role {
    ($(#[$words:meta])* $name:ident) => {
        $(#[$words])*
        pub struct $name(pub Caller);

        impl FromRequestParts<Shared> for $name {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, senzu: &Shared) -> Result<Self, Failure> {
                Ok(Self(senzu.caller(token(parts), Role::$name).await?))
            }
        }
    };
}
role!(
    /// Whoever may act on assets.
    Operator
);
role!(
    /// Whoever may approve.
    Approver
);
role!(
    /// Whoever may say who may do what.
    Admin
);

/// The token of `Authorization: Bearer` (RFC 6750 §2.1), if there is one.
fn token(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_database_keeps_is_found_where_it_counts() {
        let found = |json: &str| unkept(json.as_bytes());
        assert_eq!(found(r#"{"a": "b\u0000c"}"#), Some(NUL));
        assert_eq!(found(r#"{"a": "b\\\u0000c"}"#), Some(NUL));
        assert_eq!(found(r#"{"a": "a backslash, then \\u0000"}"#), None);
        assert_eq!(found(r#"{"\u0000": 1}"#), Some(NUL));
        assert_eq!(found(r#"{"a": [9223372036854775807, -9223372036854775807]}"#), None);
        assert_eq!(found(r#"{"a": [1, 9223372036854775808]}"#), Some(TOO_LARGE));
        assert_eq!(found(r#"{"a": 10000000000000000000}"#), Some(TOO_LARGE));
        assert_eq!(found(r#"{"serial \" 1": "98765432109876543210", "b": 0.98765432109876543210}"#), None);
        assert_eq!(found(""), None);
    }
}
