//! The number and the turn in a file's head, by which [`Place`](crate::place::Place) knows it again.

use sqlx::{Row as _, SqliteConnection};

use crate::place::{NUMBER, TURN};

/// A file that is started: it gets its number if it has none, and the next turn. Within a transaction.
pub(crate) async fn start(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    if read(conn, NUMBER).await? == 0 {
        renumber(conn).await?;
    }
    next(conn).await
}

/// Gives the file another number: it is no longer the file it was copied from.
pub(crate) async fn renumber(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let number = sqlx::query_scalar!(r#"SELECT abs(random() % 2147483646) + 1 AS "number!: i64""#)
        .fetch_one(&mut *conn)
        .await?;
    write(conn, NUMBER, number).await
}

/// The next turn. Within a transaction.
pub(crate) async fn next(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let turn = read(conn, TURN).await?;
    write(conn, TURN, (turn + 1).min(i64::from(i32::MAX))).await
}

async fn read(conn: &mut SqliteConnection, pragma: &str) -> Result<i64, sqlx::Error> {
    // A pragma takes no parameters; both names are this crate's.
    let text = sqlx::AssertSqlSafe(format!("PRAGMA {pragma}"));
    sqlx::raw_sql(text).fetch_one(conn).await?.try_get(0)
}

async fn write(conn: &mut SqliteConnection, pragma: &str, value: i64) -> Result<(), sqlx::Error> {
    let text = sqlx::AssertSqlSafe(format!("PRAGMA {pragma} = {value}"));
    sqlx::raw_sql(text).execute(conn).await.map(|_| ())
}
