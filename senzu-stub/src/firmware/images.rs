//! The images' files: one a digest, in a folder of the data directory. A file that is there is whole, and what it should be:
//! it gets its name when its size, its digest and its signature are proved.

use super::{artifacts::ArtifactError, trust::Signed};
use minisign_verify::StreamVerifier;
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tokio::{fs::File, io::AsyncWriteExt};
use uuid::Uuid;

/// The largest image: of a whole server's bundle, the largest that vendors publish has less than this.
pub const MAX_BYTES: u64 = 2 << 30;

/// Whatever is unfinished and older than this was left by a process that ended.
const UNFINISHED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The folder.
#[derive(Clone, Debug)]
pub struct Images(PathBuf);

/// An image that is being written. Without [`Incoming::finish`], nothing of it stays.
pub struct Incoming<'a> {
    file: File,
    unfinished: Unfinished,
    path: PathBuf,
    signed: &'a Signed,
    verifier: StreamVerifier<'a>,
    hash: Sha256,
    expected: Expected,
    found_bytes: u64,
}

/// What an image should be.
#[derive(Clone, Debug)]
pub struct Expected {
    pub sha256: String,
    pub size_bytes: u64,
}

/// A file that goes when this does.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(%error, path = %path.display(), "cannot remove an unfinished image");
        }
    }
}

fn disk(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArtifactError {
    let path = path.to_owned();
    move |source| ArtifactError::Disk { verb, path, source }
}

impl Images {
    /// Makes the folder, and tidies up in it.
    pub fn open(folder: PathBuf) -> Result<Self, ArtifactError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(disk("make", &folder))?;
        for entry in fs::read_dir(&folder).map_err(disk("read", &folder))? {
            let entry = entry.map_err(disk("read", &folder))?;
            let is_unfinished = entry.file_name().as_encoded_bytes().starts_with(b".");
            let age = entry.metadata().and_then(|file| file.modified()).ok();
            let age = age.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
            // Another Senzu that serves the same folder may be at it.
            if is_unfinished && age > UNFINISHED_FOR {
                fs::remove_file(entry.path()).map_err(disk("remove", &entry.path()))?;
            }
        }
        Ok(Self(folder))
    }

    /// Where an image is. A digest is a name without dots and slashes.
    pub fn path(&self, sha256: &str) -> PathBuf {
        self.0.join(sha256)
    }

    /// Opens an image; its size. `None`: it is not here.
    pub async fn read(&self, sha256: &str) -> Result<Option<(File, u64)>, ArtifactError> {
        let path = self.path(sha256);
        match File::open(&path).await {
            Ok(file) => {
                let size = file.metadata().await.map_err(disk("read", &path))?.len();
                Ok(Some((file, size)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk("read", &path)(error)),
        }
    }

    /// Begins to write an image.
    pub async fn write<'a>(&self, expected: Expected, signed: &'a Signed) -> Result<Incoming<'a>, ArtifactError> {
        let unfinished = self.0.join(format!(".{}.{}", expected.sha256, Uuid::new_v4()));
        let mut options = File::options();
        let file = options.write(true).create_new(true).mode(0o600).open(&unfinished).await;
        Ok(Incoming {
            file: file.map_err(disk("make", &unfinished))?,
            path: self.path(&expected.sha256),
            unfinished: Unfinished(Some(unfinished)),
            signed,
            verifier: signed.verifier()?,
            hash: Sha256::new(),
            expected,
            found_bytes: 0,
        })
    }

    /// Removes an image, if it is there.
    pub async fn remove(&self, sha256: &str) -> Result<(), ArtifactError> {
        let path = self.path(sha256);
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk("remove", &path)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Incoming<'_> {
    /// Takes the next piece. One that is too much is refused at once.
    pub async fn take(&mut self, piece: &[u8]) -> Result<(), ArtifactError> {
        self.found_bytes += piece.len() as u64;
        if self.found_bytes > self.expected.size_bytes {
            return Err(ArtifactError::TooLong { expected: self.expected.size_bytes });
        }
        self.hash.update(piece);
        self.verifier.update(piece);
        self.file.write_all(piece).await.map_err(disk("write", &self.path))
    }

    /// Proves it and gives it its name.
    pub async fn finish(mut self) -> Result<(), ArtifactError> {
        let Expected { sha256, size_bytes } = &self.expected;
        if self.found_bytes != *size_bytes {
            return Err(ArtifactError::OtherSize { expected: *size_bytes, found: self.found_bytes });
        }
        let found: String = self.hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
        if found != *sha256 {
            return Err(ArtifactError::OtherDigest { expected: sha256.clone(), found });
        }
        if self.verifier.finalize().is_err() {
            return Err(ArtifactError::OtherSignature { key: self.signed.key_id().to_owned() });
        }
        self.file.flush().await.map_err(disk("write", &self.path))?;
        self.file.sync_all().await.map_err(disk("write", &self.path))?;
        if let Some(unfinished) = &self.unfinished.0 {
            tokio::fs::rename(unfinished, &self.path).await.map_err(disk("write", &self.path))?;
        }
        self.unfinished.0 = None;
        // The name too survives a power cut.
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let synced = async { File::open(folder).await?.sync_all().await };
        synced.await.map_err(disk("write", folder))
    }
}
