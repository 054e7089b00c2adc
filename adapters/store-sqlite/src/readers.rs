//! The connections that read: a few, each lent to one question at a time.
//!
//! Not the driver's pool, because that tests each connection when it comes back, in a task of its
//! own: one more walk to the connection's thread, so that every read would cost twice as much.
//!
//! Rules: a connection whose question was answered is used again. One whose question failed, or was
//! dropped half-way, is closed: whatever state it is in, nobody else meets it.
//!
//! Not guaranteed: that a waiting question is answered in any time. They wait in line, and no read
//! waits for a writer.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use relay_store::StoreError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::failure::{Failure, closed};

/// Connections that read at the same time. Reads are short; more would only cost memory.
const READERS: u32 = 4;

/// The connections.
#[derive(Debug)]
pub(crate) struct Readers {
    options: SqliteConnectOptions,
    turns: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection that is lent. Dropped instead of handed back by [`done`](Self::done), it is closed.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    conn: SqliteConnection,
    readers: &'a Readers,
    _turn: SemaphorePermit<'a>,
}

impl Readers {
    /// Connections that `options` open, each when it is first needed.
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        Self {
            options,
            turns: Semaphore::new(READERS as usize),
            idle: Mutex::default(),
        }
    }

    /// Waits for a free connection.
    pub(crate) async fn take(&self) -> Result<Reader<'_>, StoreError> {
        let turn = self.turns.acquire().await.map_err(|_| closed())?;
        let idle = self.idle().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.options.connect().await.map_err(Failure::from)?,
        };
        Ok(Reader {
            conn,
            readers: self,
            _turn: turn,
        })
    }

    /// Lends nothing more, waits for what is lent, and closes every connection.
    pub(crate) async fn close(&self) {
        // Whoever waits already is served first. An error says that it is closed already.
        let all = self.turns.acquire_many(READERS).await;
        self.turns.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for conn in idle {
            if let Err(error) = conn.close().await {
                tracing::warn!(error = %error, "a reading connection was not closed properly");
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader<'_> {
    /// Hands the connection back and the answer on.
    pub(crate) fn done<T>(self, found: Result<T, Failure>) -> Result<T, StoreError> {
        let found = found?;
        self.readers.idle().push(self.conn);
        Ok(found)
    }
}

impl Deref for Reader<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.conn
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.conn
    }
}
