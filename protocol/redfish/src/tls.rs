//! Believing a BMC: by the one certificate that is known of it.
//!
//! A BMC signs its own certificate, for a name that nobody calls it by; an authority, a name and a date say nothing. What
//! counts is that it is the same one as before, and that the peer holds its key.

use ring::digest;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{self, CryptoProvider, WebPkiSupportedAlgorithms},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::sync::{Arc, Mutex, PoisonError};

/// What is known of a BMC's certificate, which the connections of one client have in common.
#[derive(Debug)]
pub(crate) struct Pin {
    algorithms: WebPkiSupportedAlgorithms,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The one that must be shown.
    expected: Option<String>,
    /// The one that was shown instead.
    other: Option<String>,
}

/// A certificate that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: String,
    pub(crate) shown: String,
}

impl Pin {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The certificate that is believed: the one that was given, or the first one shown.
    pub(crate) fn believed(&self) -> Option<String> {
        self.seen().expected.clone()
    }

    /// Whether another one was shown since this was last asked.
    pub(crate) fn take_mismatch(&self) -> Option<Mismatch> {
        let mut seen = self.seen();
        let shown = seen.other.take()?;
        Some(Mismatch { expected: seen.expected.clone().unwrap_or_default(), shown })
    }
}

/// A TLS that believes by the pin alone.
pub(crate) fn pinned(certificate_sha256: Option<&str>) -> Result<(ClientConfig, Arc<Pin>), TlsError> {
    // An error says that one is installed already, which is this one.
    let _already = crypto::ring::default_provider().install_default();
    let provider: Arc<CryptoProvider> = Arc::new(crypto::ring::default_provider());
    let expected = certificate_sha256.map(str::to_ascii_lowercase);
    let seen = Mutex::new(Seen { expected, other: None });
    let pin = Arc::new(Pin { algorithms: provider.signature_verification_algorithms, seen });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(pin.clone())
        .with_no_client_auth();
    Ok((config, pin))
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let shown = hex(digest::digest(&digest::SHA256, leaf).as_ref());
        let mut seen = self.seen();
        match &seen.expected {
            Some(expected) if *expected != shown => {
                seen.other = Some(shown);
                Err(TlsError::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
            }
            Some(_) => Ok(ServerCertVerified::assertion()),
            None => {
                seen.expected = Some(shown);
                Ok(ServerCertVerified::assertion())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        crypto::verify_tls12_signature(message, leaf, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        crypto::verify_tls13_signature(message, leaf, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
