//! How much a vendor may be asked: one row a vendor, replaced by version.

use relay_store::PaceRow;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::values::{Reading, integer, json};

/// Replaces a row that has the version `expected`; 0 makes it.
pub(crate) async fn put(
    conn: &mut SqliteConnection,
    vendor: &str,
    expected: u64,
    body: &Value,
) -> Result<(), Failure> {
    let body = json(body)?;
    let expected = integer(expected)?;
    let done = if expected == 0 {
        sqlx::query!(
            "INSERT INTO pace (vendor, version, body) VALUES (?1, 1, ?2)
             ON CONFLICT (vendor) DO NOTHING",
            vendor,
            body
        )
        .execute(conn)
        .await?
    } else {
        sqlx::query!(
            "UPDATE pace SET version = version + 1, body = ?3 WHERE vendor = ?1 AND version = ?2",
            vendor,
            expected,
            body
        )
        .execute(conn)
        .await?
    };
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(conflict("pace version").into())
    }
}

/// One row.
pub(crate) async fn get(
    conn: &mut SqliteConnection,
    vendor: &str,
) -> Result<Option<PaceRow>, Failure> {
    let row = sqlx::query!("SELECT version, body FROM pace WHERE vendor = ?1", vendor)
        .fetch_optional(conn)
        .await?;
    let Some(found) = row else {
        return Ok(None);
    };
    Ok(Some(read(vendor.to_owned(), found.version, &found.body)?))
}

/// Every row, by vendor.
pub(crate) async fn list(conn: &mut SqliteConnection) -> Result<Vec<PaceRow>, Failure> {
    let rows = sqlx::query!("SELECT vendor, version, body FROM pace ORDER BY vendor")
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|found| read(found.vendor, found.version, &found.body))
        .collect()
}

fn read(vendor: String, version: i64, body: &str) -> Result<PaceRow, Failure> {
    let row = Reading::new("pace", &vendor);
    let (version, body) = (row.number("version", version)?, row.json("body", body)?);
    Ok(PaceRow {
        vendor,
        version,
        body,
    })
}
