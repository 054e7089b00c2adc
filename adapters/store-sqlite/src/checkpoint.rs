//! Folds the log into the file, out of the writer's way.
//!
//! SQLite's own habit is to do it within the commit that made the log long, and that commit then
//! waits for the disk twice more, with everybody who shares it. Here another connection does it,
//! while the writer goes on. What the writer adds meanwhile keeps the log from being begun anew, and
//! it would grow until the writer has to fold all of it. So there are two passes here, the second of
//! which is short, and then the writer is told: it folds the little that is left between two groups,
//! and the log begins anew. The file is synced in that last pass, because SQLite does so only in one
//! that reaches the log's end: once in a thousand requests a group waits for the disk twice.
//!
//! Guarantees: none is needed. A log that was not folded is read like the file; it only takes room
//! and a little time at the next start. If this falls behind, the writer's own limit
//! ([`BACKSTOP`]) ends the growth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row as _, SqliteConnection};
use tokio::sync::Notify;

/// The pages in the log from which on the writer folds it itself: 64 MiB.
pub(crate) const BACKSTOP: u32 = 16_384;

/// What the log keeps of its room when it begins anew, in bytes: a flood, or somebody who reads for
/// hours, must not hold the disk forever.
pub(crate) const KEPT: u32 = 16 * 1_024 * 1_024;

/// What may be left of the log, in pages, for the writer to fold: more would hold up those who wait.
const LITTLE: i64 = 1_000;

/// The task's state.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    options: SqliteConnectOptions,
    grown: Arc<Notify>,
    folded: Arc<AtomicBool>,
}

impl Checkpointer {
    /// One that works whenever `grown` is rung, and then sets `folded`.
    pub(crate) fn new(
        options: SqliteConnectOptions,
        grown: Arc<Notify>,
        folded: Arc<AtomicBool>,
    ) -> Self {
        Self {
            options,
            grown,
            folded,
        }
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
                Ok(conn) => {
                    let (left, conn) = fold(conn).await;
                    kept = conn;
                    if left.is_some_and(|left| left <= LITTLE) {
                        self.folded.store(true, Ordering::Relaxed);
                    }
                }
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

/// Folds what is in the log, as far as readers let it; how many pages of the log are not in the file.
/// Passive: it waits for nobody, and nobody for it.
pub(crate) async fn pass(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    // SQLite's row: whether it was kept from it, pages in the log, pages of those in the file.
    let pass = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)");
    let row = pass.fetch_one(conn).await?;
    let kept_from: i64 = row.try_get(0)?;
    let (log, folded): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    Ok(if kept_from == 0 {
        log - folded
    } else {
        i64::MAX
    })
}

/// Folds all of the log and empties it; `false` if somebody who reads or writes kept it from that, and
/// what could be folded is. It waits for nobody: meanwhile nobody could write. The connection waits for
/// nobody afterwards, either.
pub(crate) async fn all(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    sqlx::raw_sql("PRAGMA busy_timeout = 0")
        .execute(&mut *conn)
        .await?;
    let all = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let kept_from: i64 = all.fetch_one(conn).await?.try_get(0)?;
    Ok(kept_from == 0)
}

/// What is left of the log, and the connection if it is still good.
async fn fold(mut conn: SqliteConnection) -> (Option<i64>, Option<SqliteConnection>) {
    let folded = async {
        pass(&mut conn).await?;
        pass(&mut conn).await
    };
    let folded = folded.await;
    match folded {
        Ok(left) => (Some(left), Some(conn)),
        Err(error) => {
            tracing::debug!(%error, "the log can't be folded now");
            // Whatever state it is in, it is not used again.
            let _ = conn.close().await;
            (None, None)
        }
    }
}
