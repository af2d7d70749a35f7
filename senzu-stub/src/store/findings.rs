//! The findings of each asset: the newest judgement, in its order.

use super::{Columns, Conn, During, Row, StoreError, word};
use pious_protocol::{finding::Finding, ids::AssetId};

fn read(row: &Row) -> Result<Finding, StoreError> {
    Ok(Finding {
        check: row.text("check_name")?,
        subject: row.text_opt("subject")?,
        verdict: row.word("verdict")?,
        severity: row.word("severity")?,
        seen: row.text("seen")?,
        expected: row.text("expected")?,
        remedy: row.text("remedy")?,
    })
}

pub async fn of_asset(conn: &mut Conn, asset: AssetId) -> Result<Vec<Finding>, StoreError> {
    let query = sqlx::query("SELECT * FROM findings WHERE asset_id = $1 ORDER BY position").bind(asset.to_string());
    query.fetch_all(conn).await.during("load findings")?.iter().map(read).collect()
}

/// Replaces an asset's findings; says whether they changed.
pub async fn replace(conn: &mut Conn, asset: AssetId, findings: &[Finding]) -> Result<bool, StoreError> {
    if of_asset(conn, asset).await? == findings {
        return Ok(false);
    }
    let clear = sqlx::query("DELETE FROM findings WHERE asset_id = $1").bind(asset.to_string());
    clear.execute(&mut *conn).await.during("replace findings")?;
    for (position, finding) in (0i64..).zip(findings) {
        let query = sqlx::query(
            "INSERT INTO findings (asset_id, position, check_name, subject, verdict, severity, seen, expected, remedy)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(asset.to_string())
        .bind(position)
        .bind(&finding.check)
        .bind(&finding.subject)
        .bind(word(&finding.verdict))
        .bind(word(&finding.severity))
        .bind(&finding.seen)
        .bind(&finding.expected)
        .bind(&finding.remedy);
        query.execute(&mut *conn).await.during("store a finding")?;
    }
    Ok(true)
}
