//! A flash that is set up to work, to be made worse.

use super::{Place, Script, Seen, Step};
use pious_protocol::firmware::{
    Activation, Artifact, FirmwareComponent, FlashPhase, FlashRecipe, Transfer, VersionSource,
};
use pious_redfish::{
    FlashError, FlashOrder, Flashed, Image, ImageKey, Opening, Patience, Stopped, Watch, flash_patiently,
};
use ring::digest;
use std::{
    io::{self, Cursor},
    pin::Pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, ReadBuf};

pub const SIZE: usize = 300_001;

/// Not a second longer than a test needs.
fn impatience() -> Patience {
    Patience {
        poll: Duration::from_millis(15),
        longest_retry_after: Duration::from_millis(30),
        again: Duration::from_millis(1),
        tries: 3,
        gone_within: Duration::from_millis(400),
        settles_within: Duration::from_millis(100),
    }
}

/// Bytes, and how reading them goes.
#[derive(Default)]
pub struct Bytes {
    pub bytes: Vec<u8>,
    /// From the second opening at the start on.
    pub later: Option<Vec<u8>>,
    /// Each opening breaks behind so many.
    pub breaks_behind: Option<usize>,
    opened: AtomicUsize,
    /// Where it was opened.
    pub at: Mutex<Vec<u64>>,
}

struct Breaking(Cursor<Vec<u8>>, Option<usize>);

impl AsyncRead for Breaking {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let most = self.1.unwrap_or(usize::MAX).min(buffer.remaining());
        if most == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let mut some = vec![0; most];
        let read = io::Read::read(&mut self.0, &mut some)?;
        buffer.put_slice(&some[..read]);
        self.1 = self.1.map(|left| left - read);
        Poll::Ready(Ok(()))
    }
}

impl Image for Bytes {
    fn open<'a>(&'a self, from: u64) -> Opening<'a> {
        self.at.lock().unwrap().push(from);
        let starts = self.opened.fetch_add(usize::from(from == 0), Ordering::Relaxed) + usize::from(from == 0);
        let bytes = if starts > 1 { self.later.as_ref().unwrap_or(&self.bytes) } else { &self.bytes };
        let rest = bytes.get(from as usize..).unwrap_or_default().to_vec();
        let source: Pin<Box<dyn AsyncRead + Send>> = Box::pin(Breaking(Cursor::new(rest), self.breaks_behind));
        Box::pin(async { Ok(source) })
    }
}

#[derive(Default)]
pub struct Told {
    pub phases: Vec<(FlashPhase, u8, String)>,
    pub stops_at: Option<FlashPhase>,
}

impl Watch for Told {
    fn phase<'a>(
        &'a mut self,
        phase: FlashPhase,
        percent: u8,
        words: String,
    ) -> Pin<Box<dyn Future<Output = Result<(), Stopped>> + Send + 'a>> {
        self.phases.push((phase, percent, words));
        let stops = self.stops_at == Some(phase);
        Box::pin(async move { if stops { Err(Stopped("Senzu took it back".into())) } else { Ok(()) } })
    }
}

impl Told {
    /// The phases, each once.
    pub fn order(&self) -> Vec<FlashPhase> {
        let mut order: Vec<_> = self.phases.iter().map(|(phase, ..)| *phase).collect();
        order.dedup();
        order
    }
}

/// A flash that is set up, to be made worse.
pub struct Trial {
    pub script: Script,
    pub order: FlashOrder,
    pub image: Bytes,
    pub told: Told,
    pub patience: Patience,
}

impl Trial {
    pub fn new() -> Self {
        Self::of(SIZE)
    }

    /// With an image of so many bytes.
    pub fn of(size: usize) -> Self {
        let bytes: Vec<u8> = (0..size as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let keys = minisign::KeyPair::generate_unencrypted_keypair().expect("keys");
        let signature = minisign::sign(Some(&keys.pk), &keys.sk, bytes.as_slice(), None, None).expect("a signature");
        let key: ImageKey = keys.pk.to_box().expect("a key").to_string().parse().expect("a key");
        let order = FlashOrder {
            component: FirmwareComponent::Bios,
            expected: "2.10".into(),
            version: "2.11".into(),
            artifact: Artifact {
                url: "https://senzu/v1/artifacts/bios-2.11.bin?x".into(),
                size_bytes: size as u64,
                sha256: sha256(&bytes),
                signature: signature.to_string(),
            },
            recipe: FlashRecipe {
                name: "scripted".into(),
                version: VersionSource::Inventory { id: None, name: Some("The *".into()) },
                transfer: Transfer::MultipartPush,
                names_targets: true,
                apply_time: Some("Immediate".into()),
                resets_bmc_before: false,
                activation: Activation::Itself,
                flash_within_s: 5,
                bmc_back_within_s: 3,
            },
            key,
        };
        let image = Bytes { bytes, ..Bytes::default() };
        Self { script: Script::default(), order, image, told: Told::default(), patience: impatience() }
    }

    pub fn by(transfer: Transfer) -> Self {
        let mut trial = Self::new();
        trial.order.recipe.transfer = transfer;
        trial
    }

    pub fn script(mut self, change: impl FnOnce(&mut Script)) -> Self {
        change(&mut self.script);
        self
    }

    pub fn task(self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.script(|script| script.task = steps.into_iter().collect())
    }

    pub async fn run(mut self) -> (Result<Flashed, FlashError>, Seen, Told) {
        let place = Place::new(self.script);
        let result = flash_patiently(&place.at(), &self.order, &self.image, &mut self.told, &self.patience).await;
        (result, place.seen(), self.told)
    }

    /// It fails so; the BMC got nothing.
    pub async fn fails_before(self, words: &str) -> Seen {
        let (result, seen, _) = self.run().await;
        let error = result.expect_err(words);
        assert_eq!(error.to_string(), words);
        assert!(!error.may_have_begun(), "{error}");
        assert!(seen.pushes.is_empty() && seen.simple_updates.is_empty(), "{words}");
        seen
    }

    /// It fails so; the BMC may have the image.
    pub async fn fails_behind(self, words: &str) -> Seen {
        let (result, seen, _) = self.run().await;
        let error = result.expect_err(words);
        assert_eq!(error.to_string(), words);
        assert!(error.may_have_begun(), "{error}");
        seen
    }

    pub async fn works(self) -> (Flashed, Seen, Told) {
        let (result, seen, told) = self.run().await;
        let flashed = result.unwrap_or_else(|error| panic!("{error}: {:?} {:?}", seen.requests, told.phases));
        assert_eq!(flashed.firmware[0].version, "2.11", "{flashed:?}");
        (flashed, seen, told)
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
