//! Folds the log into the file, out of the writer's way.
//!
//! SQLite's own habit is to do it within the commit that made the log long, and that commit then
//! waits for the disk twice more, with everybody who shares it. Here another connection does it,
//! while the writer goes on.
//!
//! Guarantees: none is needed. A log that was not folded is read like the file; it only takes room
//! and a little time at the next start. If this falls behind, the writer's own limit
//! ([`BACKSTOP`]) ends the growth.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::Notify;

/// The pages in the log from which on the writer folds it itself: 64 MiB.
pub(crate) const BACKSTOP: u32 = 16_384;

/// The task's state.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    options: SqliteConnectOptions,
    grown: Arc<Notify>,
}

impl Checkpointer {
    /// One that works whenever `grown` is rung.
    pub(crate) fn new(options: SqliteConnectOptions, grown: Arc<Notify>) -> Self {
        Self { options, grown }
    }

    /// Works until `end` is rung, then closes its connection.
    pub(crate) async fn run(self, end: &Notify) {
        let mut kept: Option<SqliteConnection> = None;
        loop {
            tokio::select! {
                () = self.grown.notified() => {}
                () = end.notified() => break,
            }
            let conn = match kept.take() {
                Some(conn) => Ok(conn),
                None => self.options.connect().await,
            };
            match conn {
                Ok(conn) => kept = fold(conn).await,
                // The writer meets the same disk and says so where somebody waits for it.
                Err(error) => tracing::debug!(%error, "the log can't be folded now"),
            }
        }
        if let Some(conn) = kept {
            // What is left open does no harm: the process ends soon.
            let _ = conn.close().await;
        }
    }
}

/// The connection, if it is still good.
async fn fold(mut conn: SqliteConnection) -> Option<SqliteConnection> {
    // Passive: it waits for nobody, and nobody for it.
    let folded = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)")
        .execute(&mut conn)
        .await;
    match folded {
        Ok(_) => Some(conn),
        Err(error) => {
            tracing::debug!(%error, "the log can't be folded now");
            // Whatever state it is in, it is not used again.
            let _ = conn.close().await;
            None
        }
    }
}
