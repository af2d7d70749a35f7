//! Senzu's client, made for this program and in the machine's words.

use crate::machine::{Call, Failure};
use pious_client::{Agent, Error, Http, Patience, Url, Via};
use pious_protocol::ids::BootId;

/// A client for Senzu at these URLs, believed by these certificates (PEM) alone: the image has no others.
pub fn client(urls: Vec<Url>, ca_pem: &[u8], boot: BootId, patience: Patience) -> Result<Agent, Error> {
    let ca_pem = (!ca_pem.is_empty()).then_some(ca_pem);
    let http = Http::new(ca_pem, patience.connect, concat!("pious-agent/", env!("CARGO_PKG_VERSION")))?;
    Ok(Agent::new(http, urls, boot, patience))
}

impl Call {
    /// The same call, to the client.
    pub fn via(&self) -> Via<'_> {
        Via { senzu: self.senzu, token: &self.token }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Connect { .. } => Self::Connect(error.deepest()),
            Error::Url { .. } | Error::NoUrl | Error::NoSuchUrl(_) | Error::NoCertificate | Error::Client(_) => {
                Self::Connect(error.to_string())
            }
            Error::Timeout { .. } | Error::Stalled { .. } => Self::Timeout,
            Error::Broken { .. } => Self::Garbage(format!("it broke off ({})", error.deepest())),
            Error::Status { code, words, .. } => Self::Status { code: *code, words: words.clone() },
            Error::TooLong { most, .. } => Self::Garbage(format!("longer than {most} bytes")),
            Error::Range { .. } => Self::Garbage(error.to_string()),
            Error::Garbage { source, .. } => Self::Garbage(source.to_string()),
        }
    }
}
