//! An image on its way: read as it comes, never held, proved before the BMC gets any of it and again while it does.

use crate::flash::{Watch, before};
use crate::flash_error::{Begun, FlashError};
use crate::patience::Patience;
use crate::tls::hex;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_core::Stream;
use minisign_verify::{PublicKey, Signature};
use pious_protocol::firmware::{Artifact, FlashPhase};
use ring::digest;
use std::{
    fmt, io,
    pin::Pin,
    str::FromStr,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
};

/// What is read at once, and what waits for the BMC at most three times over.
const CHUNK_BYTES: usize = 64 << 10;

/// How long a source may say nothing before it is opened again.
const STALL: Duration = Duration::from_secs(60);

/// What a source must give to be called on its way again, so that its earlier failures no longer count.
const PROGRESS_BYTES: u64 = 1 << 20;

/// An image that is being opened.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Result<Pin<Box<dyn AsyncRead + Send>>, io::Error>> + Send + 'a>>;

/// Where an image comes from.
pub trait Image: Send + Sync {
    /// Opens it at a byte. It is opened again where a read broke, and once more for the BMC.
    fn open<'a>(&'a self, from: u64) -> Opening<'a>;
}

/// The operator's key: what images are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageKey {
    key: PublicKey,
    id: String,
}

/// A text that is no minisign public key.
#[derive(Debug, thiserror::Error)]
#[error("not a minisign public key (a file of two lines, or the second of them alone)")]
pub struct BadKey(#[source] minisign_verify::Error);

impl FromStr for ImageKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let text = text.trim();
        let line = text.lines().nth(1).unwrap_or(text).trim();
        let key = PublicKey::from_base64(line).map_err(BadKey)?;
        Ok(Self { key, id: id_in(line) })
    }
}

/// As minisign writes it.
impl fmt::Display for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.id)
    }
}

/// The id in a key's base64: eight bytes behind two, little-endian, shown as one number.
fn id_in(line: &str) -> String {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    // Sixteen characters are twelve bytes, of which the id is the third to the tenth.
    let bits = line.bytes().take(16).fold(0_u128, |bits, c| bits << 6 | u128::from(digit(c)));
    let id = (bits >> 16) as u64;
    format!("{:016X}", id.swap_bytes())
}

/// A source that is read from its beginning to its end, whatever breaks in between.
struct Reading<'a> {
    image: &'a dyn Image,
    source: Option<Pin<Box<dyn AsyncRead + Send>>>,
    /// What it broke with behind the last bytes that it gave.
    broken: Option<io::Error>,
    at: u64,
    of: u64,
    backoff: ExponentialBuilder,
    delays: ExponentialBackoff,
    failed_at: u64,
    begun: Begun,
}

impl<'a> Reading<'a> {
    fn new(image: &'a dyn Image, of: u64, patience: &Patience, begun: Begun) -> Self {
        let backoff =
            ExponentialBuilder::default().with_min_delay(patience.again).with_max_times(patience.tries).with_jitter();
        Self { image, source: None, broken: None, at: 0, of, backoff, delays: backoff.build(), failed_at: 0, begun }
    }

    /// The next bytes; none at the end of what was promised.
    async fn next(&mut self) -> Result<Vec<u8>, FlashError> {
        loop {
            let left = self.of - self.at;
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            // One byte more than promised is looked for, and must not be there.
            let read = tokio::time::timeout(STALL, self.read(most.max(1))).await;
            let (at, of, begun) = (self.at, self.of, self.begun);
            let size = |found| FlashError::Size { expected: of, found, begun };
            match read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(Some(_)) if left == 0 => return Err(size(of + 1)),
                Ok(Some(chunk)) => {
                    self.at += chunk.len() as u64;
                    return Ok(chunk);
                }
                Ok(None) if left == 0 => return Ok(Vec::new()),
                // It was opened here and has nothing: it is shorter.
                Ok(None) => return Err(size(at)),
                Err(error) => self.wait(error).await?,
            }
        }
    }

    /// `None`: a source that was opened at this place ended there.
    async fn read(&mut self, most: usize) -> Result<Option<Vec<u8>>, io::Error> {
        let broken = self.broken.take();
        let was_open = self.source.is_some();
        // All is there: it no longer matters how its source ended.
        if self.at == self.of && self.at > 0 && (broken.is_some() || !was_open) {
            return Ok(None);
        }
        if let Some(error) = broken {
            return Err(error);
        }
        let source = match &mut self.source {
            Some(source) => source,
            none => none.insert(self.image.open(self.at).await?),
        };
        let mut chunk = vec![0; most];
        let mut filled = 0;
        while filled < most {
            match source.read(&mut chunk[filled..]).await {
                Ok(0) => break,
                Ok(read) => filled += read,
                // What came before it is good, and comes first.
                Err(error) if filled > 0 => {
                    self.broken = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        chunk.truncate(filled);
        match filled {
            0 if self.at == self.of || !was_open => Ok(None),
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(Some(chunk)),
        }
    }

    async fn wait(&mut self, error: io::Error) -> Result<(), FlashError> {
        self.source = None;
        if self.at >= self.failed_at + PROGRESS_BYTES {
            self.delays = self.backoff.build();
        }
        self.failed_at = self.at;
        let Some(delay) = self.delays.next() else {
            return Err(FlashError::Image { read: self.at, of: self.of, begun: self.begun, source: error });
        };
        tracing::debug!(%error, at = self.at, "the image is opened again");
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

/// Reads the image once through, and proves that it is the one that the operator signed. `watch` hears each tenth of it.
pub(crate) async fn prove(
    image: &dyn Image,
    artifact: &Artifact,
    key: &ImageKey,
    patience: &Patience,
    watch: &mut dyn Watch,
) -> Result<(), FlashError> {
    let unsigned = |source| FlashError::Signature { key: key.to_string(), source };
    let signature = Signature::decode(&artifact.signature).map_err(unsigned)?;
    let mut verifier = key.key.verify_stream(&signature).map_err(unsigned)?;
    if artifact.size_bytes == 0 {
        return Err(FlashError::Size { expected: 0, found: 0, begun: Begun::No });
    }
    let mut hasher = digest::Context::new(&digest::SHA256);
    let mut reading = Reading::new(image, artifact.size_bytes, patience, Begun::No);
    let mut tenths = 0;
    loop {
        let chunk = reading.next().await?;
        if chunk.is_empty() {
            break;
        }
        hasher.update(&chunk);
        verifier.update(&chunk);
        // At most ten: it is not larger than what it is a part of.
        let now = (u128::from(reading.at) * 10 / u128::from(reading.of)) as u8;
        if now > tenths {
            tenths = now;
            before(watch, FlashPhase::Fetching, tenths * 10, "the image".into()).await?;
        }
    }
    must_be(artifact, hasher, Begun::No)?;
    verifier.finalize().map_err(unsigned)
}

/// An image that was proved, for whoever writes it without a BMC.
pub struct Proved<'a> {
    image: &'a dyn Image,
    artifact: &'a Artifact,
}

/// Reads an image once through, and proves that it is the one that the operator signed.
pub async fn proved<'a>(
    image: &'a dyn Image,
    artifact: &'a Artifact,
    key: &ImageKey,
    watch: &mut dyn Watch,
) -> Result<Proved<'a>, FlashError> {
    prove(image, artifact, key, &Patience::default(), watch).await?;
    Ok(Proved { image, artifact })
}

impl<'a> Proved<'a> {
    /// Reads it once more, from its beginning.
    pub fn again(&self) -> Again<'a> {
        let reading = Reading::new(self.image, self.artifact.size_bytes, &Patience::default(), Begun::Maybe);
        Again { reading, artifact: self.artifact, hasher: digest::Context::new(&digest::SHA256) }
    }
}

/// Another reading of a proved image.
pub struct Again<'a> {
    reading: Reading<'a>,
    artifact: &'a Artifact,
    hasher: digest::Context,
}

impl Again<'_> {
    /// The next bytes; none at the end, which comes only where the digest is right: what makes them count waits for it.
    pub async fn next(&mut self) -> Result<Vec<u8>, FlashError> {
        let chunk = self.reading.next().await?;
        match chunk.is_empty() {
            true => must_be(self.artifact, self.hasher.clone(), Begun::Maybe)?,
            false => self.hasher.update(&chunk),
        }
        Ok(chunk)
    }
}

fn must_be(artifact: &Artifact, hasher: digest::Context, begun: Begun) -> Result<(), FlashError> {
    let found = hex(hasher.finish().as_ref());
    match found.eq_ignore_ascii_case(&artifact.sha256) {
        true => Ok(()),
        false => Err(FlashError::Digest { expected: artifact.sha256.clone(), found, begun }),
    }
}

/// A body that is sent as it comes.
pub(crate) struct Chunks(mpsc::Receiver<Result<Vec<u8>, io::Error>>);

impl Stream for Chunks {
    type Item = Result<Vec<u8>, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// The other end of [`Chunks`].
pub(crate) struct Pump {
    to: mpsc::Sender<Result<Vec<u8>, io::Error>>,
}

pub(crate) fn pump() -> (Pump, Chunks) {
    let (to, from) = mpsc::channel(1);
    (Pump { to }, Chunks(from))
}

/// What is written around an image.
#[derive(Default)]
pub(crate) struct Frame {
    pub(crate) before: Vec<u8>,
    pub(crate) behind: Vec<u8>,
}

impl Pump {
    /// Sends the image. It was proved, but this is another reading of it: it is hashed again, and its end is kept back
    /// until the digest is right, so that no BMC ever has the whole of another one. `sent` counts what went of it.
    pub(crate) async fn run(
        self,
        image: &dyn Image,
        artifact: &Artifact,
        frame: Frame,
        patience: &Patience,
        sent: &mut u64,
    ) -> Result<(), FlashError> {
        let mut hasher = digest::Context::new(&digest::SHA256);
        let mut reading = Reading::new(image, artifact.size_bytes, patience, Begun::Maybe);
        let mut held = frame.before;
        let mut is_image = false;
        let proved = loop {
            let chunk = match reading.next().await {
                Ok(chunk) => chunk,
                Err(error) => break Err(error),
            };
            if chunk.is_empty() {
                break must_be(artifact, hasher, Begun::Maybe);
            }
            hasher.update(&chunk);
            let next = std::mem::replace(&mut held, chunk);
            let long = next.len() as u64;
            if !next.is_empty() && self.to.send(Ok(next)).await.is_err() {
                // Nobody wants more: the request has its answer.
                return Ok(());
            }
            if is_image {
                *sent += long;
            }
            is_image = true;
        };
        if let Err(error) = proved {
            // An error breaks the request off: it must not look like an end.
            let _gone = self.to.send(Err(io::ErrorKind::InvalidData.into())).await;
            return Err(error);
        }
        let long = held.len() as u64;
        held.extend_from_slice(&frame.behind);
        if self.to.send(Ok(held)).await.is_ok() {
            *sent += long;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ImageKey;

    #[test]
    fn a_key_is_read_from_its_file_or_its_line_and_shown_by_its_id() {
        let line = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        for text in [line.to_owned(), format!("untrusted comment: minisign public key E7620F1842B4E81F\n{line}\n")] {
            assert_eq!(text.parse::<ImageKey>().unwrap().to_string(), "E7620F1842B4E81F");
        }
        for text in ["", "RWQ", "untrusted comment: x\n"] {
            assert!(text.parse::<ImageKey>().is_err(), "{text:?}");
        }
    }
}
