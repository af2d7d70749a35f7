//! One file over HTTP: GET and HEAD, one range of bytes (RFC 9110 §14), entity tags (§13), streamed; on request of one
//! edition only.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{
    fs::Metadata,
    io::{self, SeekFrom},
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt, AsyncSeekExt, ReadBuf, Take},
};
use tokio_util::io::ReaderStream;

/// What is read at once: each read is a trip to the blocking pool, and 100 servers at once shall not need much memory.
const CHUNK_BYTES: usize = 256 * 1024;

/// What a `Range` header asks for, of a file of a certain length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Everything: no range, or one that we may ignore (RFC 9110 §14.2): another unit, several ranges, nonsense.
    Whole,
    /// These bytes.
    Part {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Bytes that there are none of.
    Beyond,
}

fn asked(range: Option<&str>, length: u64) -> Asked {
    let Some(spec) = range.and_then(|range| range.trim().strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Asked::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        // More digits than fit are more bytes than there are.
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    match (first, last) {
        ("", suffix) => match number(suffix) {
            None => Asked::Whole,
            Some(0) => Asked::Beyond,
            Some(_) if length == 0 => Asked::Beyond,
            Some(count) => Asked::Part { first: length.saturating_sub(count), last: length - 1 },
        },
        (first, last) => match (number(first), number(last), last.is_empty()) {
            (Some(first), Some(last), _) if first > last => Asked::Whole,
            (Some(first), _, _) if first >= length && (last.is_empty() || number(last).is_some()) => Asked::Beyond,
            (Some(first), Some(last), _) => Asked::Part { first, last: last.min(length - 1) },
            (Some(first), None, true) => Asked::Part { first, last: length - 1 },
            (Some(_), None, false) | (None, _, _) => Asked::Whole,
        },
    }
}

/// Whether a list of entity tags (`If-None-Match`) names this one. Weak comparison, as RFC 9110 §13.1.2 says.
fn names(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A file on its way to a client. What became of it is logged when it ends: a transfer that was cut off is the first
/// thing to know about a server that does not boot.
struct Transfer {
    file: Take<File>,
    path: PathBuf,
    client: Option<SocketAddr>,
    sent_bytes: u64,
    of_bytes: u64,
    started: Instant,
}

impl AsyncRead for Transfer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.file).poll_read(context, buffer))?;
        self.sent_bytes += (buffer.filled().len() - before) as u64;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let Self { sent_bytes, of_bytes, .. } = self;
        let file = self.path.file_name().unwrap_or_default().display();
        let client = self.client.map_or_else(|| "-".to_owned(), |client| client.ip().to_string());
        let ms = self.started.elapsed().as_millis();
        if sent_bytes == of_bytes {
            tracing::info!(%file, client, bytes = sent_bytes, ms, "sent");
        } else {
            tracing::warn!(%file, client, bytes = sent_bytes, of_bytes, ms, "cut off");
        }
    }
}

/// What tells a file from the one that was in its place before, and takes its place later: in a URL as it is, in an
/// entity tag with quotes.
fn edition_of(metadata: &Metadata) -> String {
    format!("{:x}-{:x}-{:x}-{:x}", metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len())
}

/// The edition of a file that lies there now.
pub async fn edition(path: &Path) -> io::Result<String> {
    Ok(edition_of(&tokio::fs::metadata(path).await?))
}

/// Answers with a file, if it is of the edition that is asked for; `client` is for the log.
pub async fn serve(
    path: &Path,
    wanted_edition: Option<&str>,
    client: Option<SocketAddr>,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    let opened = async {
        let file = File::open(path).await?;
        let metadata = file.metadata().await?;
        std::io::Result::Ok((file, metadata))
    };
    let (file, metadata) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!("serve {}: {error}", path.display());
            let words = format!("{} can't be read on the server: {error}\n", path.display());
            return (StatusCode::NOT_FOUND, words).into_response();
        }
    };
    let length = metadata.len();
    let edition = edition_of(&metadata);
    // By what was opened: whatever takes its place in the folder from now on does not change what is sent.
    if wanted_edition.is_some_and(|wanted| wanted != edition) {
        tracing::warn!("{}: another edition was asked for than lies there now", path.display());
        return (StatusCode::GONE, "the image was built anew since; fetch the boot script again\n").into_response();
    }
    let tag = format!("\"{edition}\"");
    if text(headers, header::IF_NONE_MATCH).is_some_and(|list| names(list, &tag)) {
        return with_headers(StatusCode::NOT_MODIFIED, &tag, None, None, Body::empty());
    }
    // A range of another edition would make a file that never was: then the whole of this one (RFC 9110 §13.1.5).
    let same = text(headers, header::IF_RANGE).is_none_or(|condition| condition == tag);
    let range = text(headers, header::RANGE).filter(|_| same && *method == Method::GET);
    let (status, first, count, content_range) = match asked(range, length) {
        Asked::Whole => (StatusCode::OK, 0, length, None),
        Asked::Part { first, last } => {
            (StatusCode::PARTIAL_CONTENT, first, last - first + 1, Some(format!("bytes {first}-{last}/{length}")))
        }
        Asked::Beyond => {
            let range = Some(format!("bytes */{length}"));
            return with_headers(StatusCode::RANGE_NOT_SATISFIABLE, &tag, range, Some(0), Body::empty());
        }
    };
    if *method == Method::HEAD {
        return with_headers(status, &tag, content_range, Some(count), Body::empty());
    }
    match part(file, path, client, first, count).await {
        Ok(body) => with_headers(status, &tag, content_range, Some(count), body),
        Err(error) => {
            tracing::error!("read {} from byte {first}: {error}", path.display());
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn part(
    mut file: File,
    path: &Path,
    client: Option<SocketAddr>,
    first: u64,
    count: u64,
) -> std::io::Result<Body> {
    if first > 0 {
        file.seek(SeekFrom::Start(first)).await?;
    }
    let transfer = Transfer {
        file: file.take(count),
        path: path.to_owned(),
        client,
        sent_bytes: 0,
        of_bytes: count,
        started: Instant::now(),
    };
    Ok(Body::from_stream(ReaderStream::with_capacity(transfer, CHUNK_BYTES)))
}

fn with_headers(status: StatusCode, tag: &str, range: Option<String>, length: Option<u64>, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::ETAG, tag);
    put(header::ACCEPT_RANGES, "bytes");
    put(header::CONTENT_TYPE, "application/octet-stream");
    if let Some(range) = range {
        put(header::CONTENT_RANGE, &range);
    }
    if let Some(length) = length {
        put(header::CONTENT_LENGTH, &length.to_string());
    }
    response
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
