//! A connection that keeps no rule, for tests that damage a file: no foreign key and no check holds it.
//! Not part of the program.

use std::path::Path;

use relay_store::StoreError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::failure::Failure;

async fn connect(path: &Path) -> Result<SqliteConnection, Failure> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(false)
        .pragma("ignore_check_constraints", "ON");
    Ok(options.connect().await?)
}

/// Carries out these statements; how many rows they changed.
pub async fn run(path: impl AsRef<Path>, sql: &str) -> Result<u64, StoreError> {
    let mut conn = connect(path.as_ref()).await?;
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut conn)
        .await
        .map_err(Failure::from)?;
    conn.close().await.map_err(Failure::from)?;
    Ok(done.rows_affected())
}

/// Asks one thing: the first column of each row, as text.
pub async fn ask(path: impl AsRef<Path>, sql: &str) -> Result<Vec<String>, StoreError> {
    let mut conn = connect(path.as_ref()).await?;
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .fetch_all(&mut conn)
        .await
        .map_err(Failure::from)?;
    conn.close().await.map_err(Failure::from)?;
    let text = |row: &sqlx::sqlite::SqliteRow| row.try_get_unchecked::<String, _>(0);
    let texts: Result<_, _> = rows.iter().map(text).collect();
    Ok(texts.map_err(Failure::from)?)
}

/// Carries out `update` on a table whose columns take values of any type meanwhile: as a damaged file holds
/// values of a type that the table refuses.
pub async fn mistype(path: impl AsRef<Path>, table: &str, update: &str) -> Result<u64, StoreError> {
    let path = path.as_ref();
    let of_table = format!("name = '{table}' AND type = 'table'");
    let schema = format!("SELECT sql FROM sqlite_schema WHERE {of_table}");
    let strict = ask(path, &schema).await?.remove(0);
    let lax = strict.trim_end().trim_end_matches("STRICT");
    let declare = |sql: &str| {
        let sql = sql.replace('\'', "''");
        format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = '{sql}' WHERE {of_table}"
        )
    };
    run(path, &declare(lax)).await?;
    let changed = run(path, update).await?;
    run(path, &declare(&strict)).await?;
    Ok(changed)
}
