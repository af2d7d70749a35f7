//! Firmware images: what is known of each. The images themselves are files.

use super::{Columns, Conn, During, Row, StoreError, int, word};
use pious_protocol::{firmware::FirmwareComponent, ids::UnixMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much an update matters, by its maker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    Critical,
    #[default]
    Recommended,
    Optional,
}

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Lower-case hex.
    pub sha256: String,
    pub size_bytes: u64,
    pub vendor: String,
    pub model: String,
    pub component: FirmwareComponent,
    pub version: String,
    pub signature: String,
    pub release_note: String,
    pub severity: Urgency,
    pub file_name: String,
    pub added_by: String,
    pub added: UnixMs,
    /// When the image came.
    pub image: Option<UnixMs>,
}

fn read(row: &Row) -> Result<Artifact, StoreError> {
    Ok(Artifact {
        sha256: row.text("sha256")?,
        size_bytes: row.number("size_bytes")?,
        vendor: row.text("vendor")?,
        model: row.text("model")?,
        component: row.word("component")?,
        version: row.text("version")?,
        signature: row.text("signature")?,
        release_note: row.text("release_note")?,
        severity: row.word("severity")?,
        file_name: row.text("file_name")?,
        added_by: row.text("added_by")?,
        added: row.time("added_ms")?,
        image: row.time_opt("image_ms")?,
    })
}

pub async fn insert(conn: &mut Conn, artifact: &Artifact) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO artifacts (sha256, size_bytes, vendor, model, component, version, signature, release_note, severity,
             file_name, added_by, added_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&artifact.sha256)
    .bind(int(artifact.size_bytes))
    .bind(&artifact.vendor)
    .bind(&artifact.model)
    .bind(word(&artifact.component))
    .bind(&artifact.version)
    .bind(&artifact.signature)
    .bind(&artifact.release_note)
    .bind(word(&artifact.severity))
    .bind(&artifact.file_name)
    .bind(&artifact.added_by)
    .bind(int(artifact.added.0));
    query.execute(conn).await.during("store an artifact").map(|_| ())
}

pub async fn one(conn: &mut Conn, sha256: &str) -> Result<Option<Artifact>, StoreError> {
    let query = sqlx::query("SELECT * FROM artifacts WHERE sha256 = $1").bind(sha256);
    query.fetch_optional(conn).await.during("load an artifact")?.as_ref().map(read).transpose()
}

/// Artifacts by digest, behind `after`.
pub async fn page(conn: &mut Conn, after: &str, limit: u32) -> Result<Vec<Artifact>, StoreError> {
    let query = sqlx::query("SELECT * FROM artifacts WHERE sha256 > $1 ORDER BY sha256 LIMIT $2");
    let query = query.bind(after).bind(i64::from(limit));
    query.fetch_all(conn).await.during("list artifacts")?.iter().map(read).collect()
}

/// Every artifact.
pub async fn all(conn: &mut Conn) -> Result<Vec<Artifact>, StoreError> {
    let query = sqlx::query("SELECT * FROM artifacts ORDER BY sha256");
    query.fetch_all(conn).await.during("list artifacts")?.iter().map(read).collect()
}

/// Those of some components.
pub async fn of_components(conn: &mut Conn, components: &[FirmwareComponent]) -> Result<Vec<Artifact>, StoreError> {
    Ok(all(conn).await?.into_iter().filter(|artifact| components.contains(&artifact.component)).collect())
}

/// Says that the image came; whether there is such an artifact.
pub async fn has_image(conn: &mut Conn, sha256: &str, now: UnixMs) -> Result<bool, StoreError> {
    let query = sqlx::query("UPDATE artifacts SET image_ms = $1 WHERE sha256 = $2").bind(int(now.0)).bind(sha256);
    Ok(query.execute(conn).await.during("store that an image came")?.rows_affected() > 0)
}

pub async fn remove(conn: &mut Conn, sha256: &str) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM artifacts WHERE sha256 = $1").bind(sha256);
    query.execute(conn).await.during("remove an artifact").map(|_| ())
}

/// Who still needs an artifact, in words. What else comes to name artifacts must be asked here.
pub async fn named_by(conn: &mut Conn, sha256: &str) -> Result<Option<String>, StoreError> {
    // A digest is in no other text by chance.
    let query = sqlx::query(
        "SELECT instructions.id, assets.name FROM instructions JOIN assets ON assets.id = instructions.asset_id
         WHERE instructions.status IN ('issued', 'accepted') AND instructions.body LIKE $1 ORDER BY instructions.id LIMIT 1",
    );
    let row = query.bind(format!("%{sha256}%")).fetch_optional(conn).await.during("look for who names an artifact")?;
    row.map(|row| Ok(format!("instruction {} of {}", row.text("id")?, row.text("name")?))).transpose()
}
