//! A body that is too long to be read as a whole: an artifact, from any byte of it on.

use crate::error::Error;
use futures_core::Stream;
use reqwest::{Response, StatusCode, header::CONTENT_RANGE};
use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::{Instant, Sleep},
};

/// How long a download may stand still. A busy Senzu or a switch that learns a new path takes seconds; who reads on after
/// that asks anew from where it stands.
const IDLE: Duration = Duration::from_secs(15);

type Chunks = Pin<Box<dyn Stream<Item = Result<Vec<u8>, io::Error>> + Send>>;

/// A body on its way. It has no bound in time or length but that it must not stand still: whoever reads knows how long it
/// is to be.
pub struct Download {
    at: String,
    chunks: Chunks,
    chunk: Vec<u8>,
    taken: usize,
    idle: Pin<Box<Sleep>>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Download {
    /// The body of an answer that says yes, if it begins at byte `from`.
    pub(crate) fn of(response: Response, at: String, from: u64) -> Result<Self, Error> {
        let wrong = |words: String| Error::Range { at: at.clone(), from, words };
        match (response.status(), from) {
            (StatusCode::OK, 0) => {}
            (StatusCode::PARTIAL_CONTENT, _) => {
                let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
                let range = range.ok_or_else(|| wrong("it does not say which part it sends".into()))?;
                if begins_at(range) != Some(from) {
                    return Err(wrong(format!("it sends {range:?}")));
                }
            }
            (status, _) => return Err(wrong(format!("it answers {}", status.as_u16()))),
        }
        Ok(Self {
            chunks: Box::pin(Chunked { at: at.clone(), body: Box::pin(response.bytes_stream()) }),
            at,
            chunk: Vec::new(),
            taken: 0,
            idle: Box::pin(tokio::time::sleep(IDLE)),
        })
    }
}

/// The first byte of `bytes 100-199/200` (RFC 9110 §14.4).
fn begins_at(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

/// The body's chunks, whatever type they are of, with errors that say whose body it is.
struct Chunked<S> {
    at: String,
    body: Pin<Box<S>>,
}

impl<S, C> Stream for Chunked<S>
where
    S: Stream<Item = reqwest::Result<C>>,
    C: AsRef<[u8]>,
{
    type Item = Result<Vec<u8>, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chunk = ready!(self.body.as_mut().poll_next(context));
        Poll::Ready(chunk.map(|chunk| match chunk {
            Ok(bytes) => Ok(bytes.as_ref().to_vec()),
            Err(error) => Err(io::Error::other(Error::sending(self.at.clone(), error))),
        }))
    }
}

impl AsyncRead for Download {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let left = self.chunk.get(self.taken..).unwrap_or_default();
            if !left.is_empty() {
                let count = left.len().min(buffer.remaining());
                buffer.put_slice(left.get(..count).unwrap_or_default());
                self.taken += count;
                return Poll::Ready(Ok(()));
            }
            match self.chunks.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(chunk))) => {
                    (self.chunk, self.taken) = (chunk, 0);
                    self.idle.as_mut().reset(Instant::now() + IDLE);
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    ready!(self.idle.as_mut().poll(context));
                    let words = format!("{} sent nothing for {} s", self.at, IDLE.as_secs());
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, words)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::begins_at;

    #[test]
    fn where_a_range_begins() {
        let cases = [
            ("bytes 100-199/200", Some(100)),
            ("bytes 0-0/*", Some(0)),
            ("bytes */200", None),
            ("items 1-2/3", None),
            ("", None),
        ];
        for (range, expected) in cases {
            assert_eq!(begins_at(range), expected, "{range}");
        }
    }
}
