//! What many cases meet alike at a vendor: one row a vendor, replaced by version.

use relay_store::{IncidentsRow, Precondition, StoreError};
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
            "INSERT INTO incidents (vendor, version, body) VALUES (?1, 1, ?2)
             ON CONFLICT (vendor) DO NOTHING",
            vendor,
            body
        )
        .execute(conn)
        .await?
    } else {
        sqlx::query!(
            "UPDATE incidents SET version = version + 1, body = ?3
             WHERE vendor = ?1 AND version = ?2",
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
        Err(conflict(Precondition::IncidentsVersion).into())
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct IncidentsColumns {
    vendor: String,
    version: i64,
    body: String,
}

impl Stored for IncidentsColumns {
    const TABLE: &'static str = "incidents";
    const NAME: &'static str = "vendor";
    type Value = IncidentsRow;

    fn read(self) -> Result<IncidentsRow, StoreError> {
        let row = RowName::new("incidents", &self.vendor);
        let (version, body) = (
            row.number("version", self.version)?,
            row.json("body", &self.body)?,
        );
        Ok(IncidentsRow {
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
) -> Result<Option<IncidentsRow>, Failure> {
    rows!(
        conn,
        IncidentsColumns,
        "SELECT vendor, version, body FROM incidents WHERE vendor = ?1",
        vendor
    )?
    .one()
}

/// Every row, by vendor.
pub(crate) async fn list(conn: &mut SqliteConnection) -> Result<ListedRows<IncidentsRow>, Failure> {
    rows!(
        conn,
        IncidentsColumns,
        "SELECT vendor, version, body FROM incidents ORDER BY vendor"
    )?
    .readable()
}
