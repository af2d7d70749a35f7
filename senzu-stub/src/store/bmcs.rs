//! How assets' BMCs are got at; never a password.

use super::{Columns, Conn, During, StoreError, int};
use pious_protocol::ids::{AssetId, UnixMs};

/// A BMC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bmc {
    /// Counts its passwords.
    pub generation: u32,
    /// The generation that an agent set and proved; 0: none yet.
    pub proved: u32,
    /// SHA-256 of its certificate, hex.
    pub certificate_sha256: Option<String>,
    /// Whether its machine ever told where it is.
    pub has_address: bool,
}

impl Bmc {
    /// Whether the BMC is known to take the password of this generation.
    pub fn is_proved(&self) -> bool {
        self.proved == self.generation
    }

    /// Whether Senzu can get at it while its machine is off; else why not.
    pub fn may_wake(&self) -> Result<(), &'static str> {
        may_wake(self.has_address, self.proved > 0)
    }
}

/// As [`Bmc::may_wake`], of a BMC whose machine ever told where it is, and that an agent ever proved to let us in.
pub fn may_wake(has_address: bool, is_onboarded: bool) -> Result<(), &'static str> {
    match (has_address, is_onboarded) {
        (false, _) => Err("off, and its BMC is not known"),
        (true, false) => Err("off, and its BMC was never onboarded"),
        (true, true) => Ok(()),
    }
}

/// Of an asset whose BMC nobody got at: its first password is still to be set.
const FIRST: Bmc = Bmc { generation: 1, proved: 0, certificate_sha256: None, has_address: false };

pub async fn of(conn: &mut Conn, asset: AssetId) -> Result<Bmc, StoreError> {
    let has_address = address(conn, asset).await?.is_some();
    let query = sqlx::query("SELECT * FROM bmcs WHERE asset_id = $1").bind(asset.to_string());
    let Some(row) = query.fetch_optional(conn).await.during("load a BMC")? else {
        return Ok(Bmc { has_address, ..FIRST });
    };
    let count = |column| row.number(column).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    Ok(Bmc {
        generation: count("generation")?,
        proved: count("proved")?,
        certificate_sha256: row.text_opt("certificate_sha256")?,
        has_address,
    })
}

/// Where it is, as its machine last told.
pub async fn address(conn: &mut Conn, asset: AssetId) -> Result<Option<String>, StoreError> {
    let query = sqlx::query("SELECT bmc_address FROM machines WHERE asset_id = $1").bind(asset.to_string());
    let row = query.fetch_optional(conn).await.during("look where a BMC is")?;
    row.map_or(Ok(None), |row| row.text_opt("bmc_address"))
}

/// An agent set the password of this generation, and proved it.
pub async fn prove(conn: &mut Conn, asset: AssetId, generation: u32, now: UnixMs) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO bmcs (asset_id, generation, proved, proved_ms) VALUES ($1, $2, $2, $3)
         ON CONFLICT (asset_id) DO UPDATE SET proved = excluded.proved, proved_ms = excluded.proved_ms",
    );
    let query = query.bind(asset.to_string()).bind(i64::from(generation)).bind(int(now.0));
    query.execute(conn).await.during("note a BMC's user").map(|_| ())
}

/// The next password: the one before is good until an agent has set this one.
pub async fn renew(conn: &mut Conn, asset: AssetId) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO bmcs (asset_id, generation, proved) VALUES ($1, 1, 0)
         ON CONFLICT (asset_id) DO UPDATE SET generation = bmcs.generation + 1",
    );
    query.bind(asset.to_string()).execute(conn).await.during("renew a BMC's password").map(|_| ())
}

/// The certificate that it showed: the first one stays until somebody forgets it.
pub async fn pin(conn: &mut Conn, asset: AssetId, certificate_sha256: &str) -> Result<(), StoreError> {
    let query =
        sqlx::query("UPDATE bmcs SET certificate_sha256 = $1 WHERE asset_id = $2 AND certificate_sha256 IS NULL");
    let query = query.bind(certificate_sha256).bind(asset.to_string());
    query.execute(conn).await.during("note a BMC's certificate").map(|_| ())
}

/// Takes whatever certificate it shows next: an operator says that its change is right.
pub async fn forget_certificate(conn: &mut Conn, asset: AssetId) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE bmcs SET certificate_sha256 = NULL WHERE asset_id = $1").bind(asset.to_string());
    query.execute(conn).await.during("forget a BMC's certificate").map(|_| ())
}
