//! How much a vendor may be asked: one row a vendor, replaced by version.

use relay_store::{LimiterRow, Precondition, StoreError};
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::rows::{ListedRows, Stored, rows};
use crate::values::{RowName, integer, json};

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
        Err(conflict(Precondition::LimiterVersion).into())
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct LimiterColumns {
    vendor: String,
    version: i64,
    body: String,
}

impl Stored for LimiterColumns {
    const TABLE: &'static str = "pace";
    const NAME: &'static str = "vendor";
    type Value = LimiterRow;

    fn read(self) -> Result<LimiterRow, StoreError> {
        let row = RowName::new("pace", &self.vendor);
        let (version, body) = (
            row.number("version", self.version)?,
            row.json("body", &self.body)?,
        );
        Ok(LimiterRow {
            vendor: self.vendor,
            version,
            body,
        })
    }
}

/// One row.
pub(crate) async fn get(
    conn: &mut SqliteConnection,
    vendor: &str,
) -> Result<Option<LimiterRow>, Failure> {
    rows!(
        conn,
        LimiterColumns,
        "SELECT vendor, version, body FROM pace WHERE vendor = ?1",
        vendor
    )?
    .one()
}

/// Every row, by vendor.
pub(crate) async fn list(conn: &mut SqliteConnection) -> Result<ListedRows<LimiterRow>, Failure> {
    rows!(
        conn,
        LimiterColumns,
        "SELECT vendor, version, body FROM pace ORDER BY vendor"
    )?
    .readable()
}
