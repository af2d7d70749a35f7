//! Senzu's data directory: its authority, its certificate, its signing key, its operator's token, its database.
//!
//! `init` makes what is missing and keeps what is there, so that it may run before every start.

use crate::access::{BmcPasswords, ImageTickets};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use pious_protocol::envelope::{SealError, SigningKey};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;

/// Certificates are good from here on: an agent whose clock is wrong stands at the time of its image's build, which may
/// be long before `init` ran. (Nothing of PIOUS is older.)
const NOT_BEFORE: (i32, u8, u8) = (2020, 1, 1);
const CA_YEARS: i64 = 10;
const SERVER_YEARS: i64 = 2;
/// A server certificate with less than this left is made anew by `init`.
const RENEW_DAYS: i64 = 90;

/// A date as rcgen takes it: its type's crate is not ours to name.
macro_rules! end_of_validity {
    ($date:expr) => {{
        let date: Date = $date;
        rcgen::date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    }};
}

/// Why the data directory is not as it should be.
#[derive(Debug, Error)]
pub enum DataDirError {
    #[error("cannot {verb} {path}")]
    File {
        verb: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is missing: run `senzu-stub init --data {dir} --address ADDRESS` first")]
    NotInitialized { path: PathBuf, dir: PathBuf },
    #[error("--address is missing: name each address or host name that agents reach Senzu by")]
    NoAddress,
    #[error("cannot make a certificate for {addresses}")]
    Certificate {
        addresses: String,
        #[source]
        source: rcgen::Error,
    },
    #[error("{path} is no {what}")]
    Unreadable { path: PathBuf, what: &'static str },
    #[error("cannot read the signing key {path}")]
    SigningKey {
        path: PathBuf,
        #[source]
        source: SealError,
    },
    #[error("certificate and key in {path} do not fit")]
    Tls {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("another Senzu serves {path} already")]
    Locked { path: PathBuf },
}

/// The directory.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

/// Who may read a file.
#[derive(Clone, Copy)]
enum Readers {
    Everybody,
    Us,
}

/// What the server certificate was made for: kept beside it, so that `init` knows without reading certificates.
#[derive(Debug, Serialize, Deserialize)]
struct ServerRecord {
    addresses: Vec<String>,
    not_after: Date,
}

impl DataDir {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.file("senzu.sqlite")
    }

    /// The firmware images' folder.
    pub fn artifacts(&self) -> PathBuf {
        self.file("artifacts")
    }

    /// The folder of the operator's own recipes, which need not be there.
    pub fn recipes(&self) -> PathBuf {
        self.file("recipes")
    }

    /// The public key that firmware is signed with. The operator puts it there: the private half is not Senzu's to make.
    pub fn firmware_key(&self) -> PathBuf {
        self.file("firmware.pub")
    }

    /// Makes what is missing. The server certificate is made anew if its addresses are not `addresses`, or if it is
    /// about to end. Says what it made.
    pub fn init(&self, addresses: &[String]) -> Result<Vec<&'static str>, DataDirError> {
        fs::create_dir_all(&self.0).map_err(|source| file_error("make", &self.0, source))?;
        let mut made = Vec::new();
        self.init_authority(&mut made)?;
        self.init_server(addresses, &mut made)?;
        self.init_signing(&mut made)?;
        if !self.file("bmc.key").exists() {
            self.write("bmc.key", format!("{}\n", crate::senzu::fresh_token()).as_bytes(), Readers::Us)?;
            made.push("bmc.key");
        }
        if !self.file("operator-token").exists() {
            let token = crate::senzu::fresh_token();
            self.write("operator-token", format!("{token}\n").as_bytes(), Readers::Us)?;
            made.push("operator-token");
        }
        Ok(made)
    }

    fn init_authority(&self, made: &mut Vec<&'static str>) -> Result<(), DataDirError> {
        if !self.file("ca.key").exists() {
            let key = KeyPair::generate().map_err(|source| certificate_error(&[], source))?;
            self.write("ca.key", key.serialize_pem().as_bytes(), Readers::Us)?;
            made.push("ca.key");
        } else if self.file("ca.pem").exists() {
            return Ok(());
        }
        let key = self.authority_key()?;
        let ca = authority().self_signed(&key).map_err(|source| certificate_error(&[], source))?;
        self.write("ca.pem", ca.pem().as_bytes(), Readers::Everybody)?;
        made.push("ca.pem");
        // A certificate of the authority before is worth nothing now.
        match fs::remove_file(self.file("server.json")) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(file_error("remove", &self.file("server.json"), source)),
        }
    }

    fn authority_key(&self) -> Result<KeyPair, DataDirError> {
        let path = self.file("ca.key");
        KeyPair::from_pem(&self.read_text("ca.key")?)
            .map_err(|_| DataDirError::Unreadable { path, what: "private key in PEM" })
    }

    fn init_server(&self, addresses: &[String], made: &mut Vec<&'static str>) -> Result<(), DataDirError> {
        let mut addresses = addresses.to_vec();
        addresses.sort_unstable();
        addresses.dedup();
        let record: Option<ServerRecord> =
            fs::read(self.file("server.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_whole = self.file("server.pem").exists() && self.file("server.key").exists();
        if let Some(record) = record.filter(|_| is_whole) {
            let lasts = record.not_after > in_days(RENEW_DAYS);
            if lasts && (addresses.is_empty() || record.addresses == addresses) {
                return Ok(());
            }
            if addresses.is_empty() {
                addresses = record.addresses;
            }
        }
        if addresses.is_empty() {
            return Err(DataDirError::NoAddress);
        }
        let fail = |source| certificate_error(&addresses, source);
        let key = KeyPair::generate().map_err(fail)?;
        let not_after = in_years(SERVER_YEARS);
        let issuer = Issuer::new(authority(), self.authority_key()?);
        let certificate =
            server_params(&addresses, not_after).and_then(|params| params.signed_by(&key, &issuer)).map_err(fail)?;
        self.write("server.key", key.serialize_pem().as_bytes(), Readers::Us)?;
        self.write("server.pem", certificate.pem().as_bytes(), Readers::Everybody)?;
        let record = crate::store::json(&ServerRecord { addresses, not_after });
        self.write("server.json", record.as_bytes(), Readers::Everybody)?;
        made.extend(["server.key", "server.pem"]);
        Ok(())
    }

    fn init_signing(&self, made: &mut Vec<&'static str>) -> Result<(), DataDirError> {
        let path = self.file("instruction.pk8");
        if !path.exists() {
            let key =
                SigningKey::generate().map_err(|source| DataDirError::SigningKey { path: path.clone(), source })?;
            self.write("instruction.pk8", &key, Readers::Us)?;
            made.push("instruction.pk8");
        } else if self.file("instruction-keys.json").exists() {
            return Ok(());
        }
        let keys = crate::store::json(&self.signing_key()?.public());
        self.write("instruction-keys.json", format!("{keys}\n").as_bytes(), Readers::Everybody)?;
        made.push("instruction-keys.json");
        Ok(())
    }

    /// The key that signs instructions.
    pub fn signing_key(&self) -> Result<SigningKey, DataDirError> {
        let path = self.file("instruction.pk8");
        SigningKey::from_pkcs8(&self.read("instruction.pk8")?)
            .map_err(|source| DataDirError::SigningKey { path, source })
    }

    /// What the passwords of BMCs are derived from. It must never be lost: they would be, too.
    pub fn bmc_passwords(&self) -> Result<BmcPasswords, DataDirError> {
        Ok(BmcPasswords::new(self.bmc_key()?.as_bytes()))
    }

    fn bmc_key(&self) -> Result<String, DataDirError> {
        let key = self.read_text("bmc.key")?;
        match key.trim() {
            "" => Err(DataDirError::Unreadable { path: self.file("bmc.key"), what: "key" }),
            key => Ok(key.to_owned()),
        }
    }

    /// What the tickets of images are made with.
    pub fn image_tickets(&self) -> Result<ImageTickets, DataDirError> {
        Ok(ImageTickets::new(self.bmc_key()?.as_bytes()))
    }

    /// The operator's token.
    pub fn operator_token(&self) -> Result<String, DataDirError> {
        let token = self.read_text("operator-token")?.trim().to_owned();
        match token.is_empty() {
            true => Err(DataDirError::Unreadable { path: self.file("operator-token"), what: "token" }),
            false => Ok(token),
        }
    }

    /// What Senzu shows when it is called by TLS.
    pub fn tls(&self) -> Result<rustls::ServerConfig, DataDirError> {
        let path = self.file("server.pem");
        let unreadable = |name: &str, what| DataDirError::Unreadable { path: self.file(name), what };
        let chain = CertificateDer::pem_slice_iter(&self.read("server.pem")?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| unreadable("server.pem", "certificate in PEM"))?;
        let key = PrivateKeyDer::from_pem_slice(&self.read("server.key")?)
            .map_err(|_| unreadable("server.key", "private key in PEM"))?;
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map(|builder| builder.with_no_client_auth())
            .and_then(|builder| builder.with_single_cert(chain, key))
            .map_err(|source| DataDirError::Tls { path, source })
    }

    /// Takes the directory for one serving process, for as long as the answer lives.
    pub fn lock(&self) -> Result<File, DataDirError> {
        let path = self.file("lock");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(|source| file_error("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(DataDirError::Locked { path: self.0.clone() }),
            Err(fs::TryLockError::Error(source)) => Err(file_error("lock", &path, source)),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, DataDirError> {
        let path = self.file(name);
        fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => DataDirError::NotInitialized { path, dir: self.0.clone() },
            _ => file_error("read", &path, source),
        })
    }

    fn read_text(&self, name: &str) -> Result<String, DataDirError> {
        let path = self.file(name);
        String::from_utf8(self.read(name)?).map_err(|_| DataDirError::Unreadable { path, what: "text" })
    }

    /// Writes a whole file or none: a crash leaves no half a key behind.
    fn write(&self, name: &str, bytes: &[u8], readers: Readers) -> Result<(), DataDirError> {
        let path = self.file(name);
        let mode = match readers {
            Readers::Everybody => 0o644,
            Readers::Us => 0o600,
        };
        let unfinished = self.file(&format!(".{name}.new"));
        let write = || {
            // One that a crash left behind may have another mode.
            if let Err(error) = fs::remove_file(&unfinished)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        };
        write().map_err(|source| file_error("write", &path, source))
    }
}

fn file_error(verb: &'static str, path: &Path, source: io::Error) -> DataDirError {
    DataDirError::File { verb, path: path.to_owned(), source }
}

fn certificate_error(addresses: &[String], source: rcgen::Error) -> DataDirError {
    DataDirError::Certificate { addresses: addresses.join(", "), source }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "PIOUS Senzu CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let (year, month, day) = NOT_BEFORE;
    params.not_before = rcgen::date_time_ymd(year, month, day);
    params.not_after = end_of_validity!(in_years(CA_YEARS));
    params
}

fn server_params(addresses: &[String], not_after: Date) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(addresses)?;
    params.distinguished_name.push(DnType::CommonName, "PIOUS Senzu");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let (year, month, day) = NOT_BEFORE;
    params.not_before = rcgen::date_time_ymd(year, month, day);
    params.not_after = end_of_validity!(not_after);
    Ok(params)
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

fn in_days(days: i64) -> Date {
    today().saturating_add(days.days())
}

fn in_years(years: i64) -> Date {
    today().saturating_add(years.years())
}
