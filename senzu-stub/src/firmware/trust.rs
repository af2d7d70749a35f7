//! Whose signatures count: the operator's key, minisign's public one, in the data directory. Senzu has no private half.

use super::artifacts::ArtifactError;
use base64::{Engine, engine::general_purpose::STANDARD};
use minisign_verify::{PublicKey, Signature};
use std::{fs, io, path::Path};

/// The key.
pub struct Trust {
    key: PublicKey,
    id: String,
}

/// A signature by that key.
pub struct Signed {
    trust: Trust,
    signature: Signature,
}

impl Trust {
    /// Reads the key. It is read anew each time: whoever puts it there need not restart Senzu.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let text = fs::read_to_string(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ArtifactError::NoKey { path: path.to_owned() },
            _ => ArtifactError::Disk { verb: "read", path: path.to_owned(), source },
        })?;
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let key = PublicKey::from_base64(line).ok().zip(key_id(line));
        let (key, id) = key.ok_or_else(|| ArtifactError::BadKey { path: path.to_owned() })?;
        Ok(Self { key, id })
    }

    /// Takes a signature, unless it is one that no image can be proved by.
    pub fn take(self, text: &str) -> Result<Signed, ArtifactError> {
        let signature = Signature::decode(text).map_err(|_| ArtifactError::NoSignature)?;
        let by = text.lines().nth(1).and_then(key_id).unwrap_or_default();
        if by != self.id {
            return Err(ArtifactError::Stranger { by, trusted: self.id });
        }
        // A signature of the whole image, not of its hash: whoever checks it needs all of it in memory.
        self.key.verify_stream(&signature).map_err(|_| ArtifactError::NotPrehashed)?;
        Ok(Signed { trust: self, signature })
    }
}

impl Signed {
    /// What an image is shown to, piece by piece.
    pub fn verifier(&self) -> Result<minisign_verify::StreamVerifier<'_>, ArtifactError> {
        self.trust.key.verify_stream(&self.signature).map_err(|_| ArtifactError::NotPrehashed)
    }

    /// Whose it is.
    pub fn key_id(&self) -> &str {
        &self.trust.id
    }
}

/// The key's name in a line of base64, as minisign writes it: two octets say the algorithm, eight follow, the last first.
fn key_id(line: &str) -> Option<String> {
    let bytes = STANDARD.decode(line.trim()).ok()?;
    Some(bytes.get(2..10)?.iter().rev().map(|octet| format!("{octet:02X}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    #[test]
    fn a_key_is_named_as_minisign_names_it() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let public = pair.pk.to_box().unwrap().to_string();
        let name = public.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("firmware.pub");
        for text in [public.clone(), format!("{}\r\n\n", public.lines().nth(1).unwrap())] {
            fs::write(&file, text).unwrap();
            assert_eq!(Trust::read(&file).unwrap().id, name);
        }
        fs::write(&file, "nonsense").unwrap();
        assert!(matches!(Trust::read(&file), Err(ArtifactError::BadKey { .. })));
    }
}
