//! The operator's key for firmware, and signatures made with it: minisign's files, which `minisign -V` reads as well.

use minisign::{KeyPair, PError, SecretKeyBox};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The secret half's file.
pub const SECRET: &str = "firmware.key";

/// The public half's.
pub const PUBLIC: &str = "firmware.pub";

/// Why there is no key or no signature.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A file.
    #[error("{what} {path}")]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Minisign.
    #[error("{what}")]
    Minisign {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: PError,
    },
}

fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::File { what, path, source }
}

fn minisign(what: &'static str) -> impl FnOnce(PError) -> KeyError {
    move |source| KeyError::Minisign { what, source }
}

/// Writes a new key pair into a directory; the secret half has no password, and is nobody else's to read.
pub fn write_pair(directory: &Path) -> Result<(), KeyError> {
    std::fs::create_dir_all(directory).map_err(file("creating", directory))?;
    let pair = KeyPair::generate_unencrypted_keypair().map_err(minisign("making a key"))?;
    let secret = pair.sk.to_box(Some("firmware, secret key")).map_err(minisign("making a key"))?;
    let public = pair.pk.to_box().map_err(minisign("making a key"))?;
    let halves = [(SECRET, secret.into_string(), 0o600), (PUBLIC, public.into_string(), 0o644)];
    for (name, text, mode) in halves {
        let path = directory.join(name);
        // Never over a key that is there: what it signed could be proved no more.
        let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        made.and_then(|mut made| made.write_all(text.as_bytes())).map_err(file("creating", &path))?;
    }
    Ok(())
}

/// Signs a file; answers where the signature is, beside it.
pub fn sign(secret: &Path, signed: &Path) -> Result<PathBuf, KeyError> {
    let text = std::fs::read_to_string(secret).map_err(file("reading", secret))?;
    let key = SecretKeyBox::from_string(&text).and_then(SecretKeyBox::into_unencrypted_secret_key);
    let key = key.map_err(minisign("reading the secret key"))?;
    let data = File::open(signed).map_err(file("reading", signed))?;
    let signature = minisign::sign(None, &key, data, None, None).map_err(minisign("signing"))?;
    let mut path = signed.as_os_str().to_owned();
    path.push(".minisig");
    let path = PathBuf::from(path);
    std::fs::write(&path, signature.into_string()).map_err(file("writing", &path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::{PublicKeyBox, SignatureBox};
    use std::io::Cursor;

    #[test]
    fn what_is_signed_is_proved_by_the_public_half() {
        let directory = tempfile::tempdir().unwrap();
        write_pair(directory.path()).unwrap();
        assert!(write_pair(directory.path()).is_err(), "a key is not overwritten");
        let image = directory.path().join("bios.bin");
        std::fs::write(&image, b"image").unwrap();
        let signature = sign(&directory.path().join(SECRET), &image).unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let public = PublicKeyBox::from_string(&read(&directory.path().join(PUBLIC))).unwrap();
        let public = public.into_public_key().unwrap();
        let signature = SignatureBox::from_string(&read(&signature)).unwrap();
        assert!(signature.is_prehashed());
        let proved = |bytes| minisign::verify(&public, &signature, Cursor::new(bytes), true, false, false);
        assert!(proved(b"image".to_vec()).is_ok());
        assert!(proved(b"other".to_vec()).is_err());
    }
}
