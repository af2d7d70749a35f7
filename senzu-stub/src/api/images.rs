//! Firmware images themselves: in by pieces, out by pieces, never whole in memory.
//!
//! They come out to anybody: a BMC that fetches one has no token, an image is no secret, and its signature protects it.

use super::{
    Failure, Shared,
    extract::{Bytestream, Named, Operator, Peer},
};
use crate::{
    firmware::{Pace, Paced, Part, Sha256Hex, part},
    senzu::Refusal,
};
use axum::{
    Extension,
    body::{Body, Bytes, HttpBody},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body::{Frame, SizeHint};
use pious_protocol::message::Problem;
use std::{
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};
use utoipa::ToSchema;

/// The bytes of an image, as the document calls them.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the document's view of what is never whole in memory")]
pub struct Image(Vec<u8>);

/// Brings a firmware image that was announced.
///
/// Its size, its SHA-256 and its signature are proved before it is kept; nothing is kept of one that is anything else. It may
/// take as long as it needs, as long as something comes every half minute. The same again is no harm.
#[utoipa::path(
    put, path = "/v1/artifacts/{sha256}/image", tag = "firmware",
    request_body(content = Image, content_type = "application/octet-stream", description = "The image"),
    params(("sha256" = String, Path, description = "Its SHA-256, 64 hexadecimal digits")),
    security(("operator" = ["operator"])),
    responses(
        (status = 204, description = "It is kept"),
        (status = 404, description = "It was not announced", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Senzu has no key to prove it by", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "The body is not application/octet-stream", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is not what was announced", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Senzu's disk does not take it", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn bring_image(
    State(senzu): State<Shared>,
    Operator(caller): Operator,
    Named(sha256): Named<String>,
    headers: HeaderMap,
    mut body: Bytestream,
) -> Result<StatusCode, Failure> {
    let sha256: Sha256Hex = sha256.parse()?;
    let awaited = senzu.await_image(&sha256).await?;
    if let Some(announced) = field(&headers, header::CONTENT_LENGTH).and_then(|length| length.parse().ok()) {
        awaited.allow(announced).map_err(Refusal::from)?;
    }
    let mut incoming = senzu.firmware.begin(&awaited).await.map_err(Refusal::from)?;
    while let Some(piece) = body.next().await? {
        incoming.take(&piece).await.map_err(Refusal::from)?;
    }
    incoming.finish().await.map_err(Refusal::from)?;
    senzu.image_came(&caller, &awaited).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A firmware image, or a part of it.
///
/// One range of bytes (RFC 9110 §14) may be asked for, so that whoever was cut off goes on where that was; of several ranges
/// none is taken, and the whole is sent. Nobody needs a token: the image's signature protects it.
#[utoipa::path(
    get, path = "/v1/artifacts/{sha256}/image", tag = "firmware",
    params(
        ("sha256" = String, Path, description = "Its SHA-256, 64 hexadecimal digits"),
        ("range" = Option<String>, Header, description = "As `bytes=1000-`"),
        ("if-range" = Option<String>, Header, description = "The ETag of the part that is there: if it is another's, the whole is sent"),
    ),
    responses(
        (status = 200, description = "All of it", body = Image, content_type = "application/octet-stream"),
        (status = 206, description = "The part that was asked for", body = Image, content_type = "application/octet-stream"),
        (status = 404, description = "No such image, or it has not come", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "It ends before that part", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Senzu's disk does not give it", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn image(
    State(senzu): State<Shared>,
    Extension(Peer(peer)): Extension<Peer>,
    Named(sha256): Named<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    send(&senzu, &sha256.parse()?, &headers, senzu.firmware.pace(peer.ip(), None)).await
}

/// A firmware image, or a part of it, for one instruction.
///
/// As without a ticket, and as fast as the campaign of the asset that it is for lets images go into its management network
/// (`caps.per_network.bytes_per_s`). Instructions name images so, to agents and to BMCs that fetch them. A ticket is good for
/// its instruction alone, and until that has ended.
#[utoipa::path(
    get, path = "/v1/artifacts/{sha256}/for/{ticket}/image", tag = "firmware",
    params(
        ("sha256" = String, Path, description = "Its SHA-256, 64 hexadecimal digits"),
        ("ticket" = String, Path, description = "As the instruction has it"),
        ("range" = Option<String>, Header, description = "As `bytes=1000-`"),
        ("if-range" = Option<String>, Header, description = "The ETag of the part that is there: if it is another's, the whole is sent"),
    ),
    responses(
        (status = 200, description = "All of it", body = Image, content_type = "application/octet-stream"),
        (status = 206, description = "The part that was asked for", body = Image, content_type = "application/octet-stream"),
        (status = 403, description = "The ticket is none, another image's, or its instruction has ended", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such image, or it has not come", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "It ends before that part", body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Senzu's disk does not give it", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn ticketed_image(
    State(senzu): State<Shared>,
    Extension(Peer(peer)): Extension<Peer>,
    Named((sha256, ticket)): Named<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let sha256: Sha256Hex = sha256.parse()?;
    let lane = senzu.lane_of(&ticket, &sha256).await?;
    send(&senzu, &sha256, &headers, senzu.firmware.pace(peer.ip(), Some(lane))).await
}

async fn send(senzu: &Shared, sha256: &Sha256Hex, headers: &HeaderMap, pace: Pace) -> Result<Response, Failure> {
    let (mut file, size) = senzu.firmware.image(sha256).await.map_err(Refusal::from)?;
    let tag = format!("\"{}\"", sha256.as_str());
    // A part of another image must not be put behind one of this.
    let is_same = field(headers, header::IF_RANGE).is_none_or(|known| known == tag);
    let asked = field(headers, header::RANGE).filter(|_| is_same);
    let (status, range) = match part(asked, size) {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
        Part::Beyond => {
            let mut refused = Failure::BeyondImage { size }.into_response();
            if let Ok(value) = format!("bytes */{size}").parse() {
                refused.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            return Ok(refused);
        }
    };
    let length = range.end - range.start;
    let sought = file.seek(SeekFrom::Start(range.start)).await;
    sought.map_err(|source| Refusal::from(senzu.firmware.unreadable(sha256, source)))?;
    let fields = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, tag),
    ];
    let body = Body::new(Outgoing::new(Paced::new(file, pace), length));
    let mut answer = (status, fields, body).into_response();
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = format!("bytes {}-{}/{size}", range.start, range.end - 1).parse()
    {
        answer.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    Ok(answer)
}

fn field(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// An image on its way out: the next piece is read when the connection has room for it, and waits for its turn.
struct Outgoing {
    left: u64,
    progress: Progress,
}

type Piece = Pin<Box<dyn Future<Output = io::Result<(Paced<File>, Bytes)>> + Send>>;

enum Progress {
    /// Nothing is asked for.
    Idle(Paced<File>),
    /// The next piece.
    Reading(Piece),
    /// All is sent, or the rest can't be read.
    Over,
}

impl Outgoing {
    fn new(file: Paced<File>, length: u64) -> Self {
        Self { left: length, progress: Progress::Idle(file) }
    }
}

/// Reads the next piece, once it may go out.
async fn next_piece(mut file: Paced<File>, left: u64) -> io::Result<(Paced<File>, Bytes)> {
    let mut piece = vec![0; file.piece_bytes().min(usize::try_from(left).unwrap_or(usize::MAX))];
    let read = file.read(&mut piece).await?;
    if read == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the image is shorter than it was"));
    }
    piece.truncate(read);
    Ok((file, piece.into()))
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut reading = match std::mem::replace(&mut self.progress, Progress::Over) {
            Progress::Over => return Poll::Ready(None),
            Progress::Reading(reading) => reading,
            Progress::Idle(file) => Box::pin(next_piece(file, self.left)),
        };
        let read = match reading.as_mut().poll(context) {
            Poll::Pending => {
                self.progress = Progress::Reading(reading);
                return Poll::Pending;
            }
            Poll::Ready(read) => read,
        };
        match read {
            Ok((file, piece)) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                self.progress = Progress::Idle(file);
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Err(error) => {
                tracing::error!(%error, "cannot read an image on");
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
