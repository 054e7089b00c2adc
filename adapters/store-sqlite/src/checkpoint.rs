//! Folds the log into the file, out of the writer's way.
//!
//! SQLite's own habit is to do it within the commit that made the log long, and that commit then
//! waits for the disk twice more, with everybody who shares it. Here another connection does it,
//! while the writer goes on. What the writer adds meanwhile keeps the log from being begun anew, and
//! it would grow until the writer has to fold all of it. So there are two passes here, the second of
//! which is short, and then the writer is told: it folds the little that is left between two groups,
//! and the log begins anew.
//!
//! Guarantees: none is needed. A log that was not folded is read like the file; it only takes room
//! and a little time at the next start. If this falls behind, the writer's own limit
//! ([`BACKSTOP`]) ends the growth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
                    kept = fold(conn).await;
                    if kept.is_some() {
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

/// Folds what is in the log. Passive: it waits for nobody, and nobody for it.
pub(crate) async fn pass(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let pass = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)");
    pass.execute(conn).await.map(|_| ())
}

/// The connection, if it is still good.
async fn fold(mut conn: SqliteConnection) -> Option<SqliteConnection> {
    let folded = async {
        pass(&mut conn).await?;
        pass(&mut conn).await
    };
    match folded.await {
        Ok(()) => Some(conn),
        Err(error) => {
            tracing::debug!(%error, "the log can't be folded now");
            // Whatever state it is in, it is not used again.
            let _ = conn.close().await;
            None
        }
    }
}
