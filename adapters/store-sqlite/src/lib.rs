//! The storage port on SQLite: one file, one writer, group commit.
//!
//! People: whoever runs the relay in one process on one machine, which is what the clinic needs.
//!
//! Rules:
//! - Every change goes through one writer task with one connection; reads go through
//!   a few connections that can't write.
//! - Every statement is checked against the migrations when this crate is compiled; the result
//!   lies in `.sqlx/`, so a build needs no database.
//! - Times are arguments. No statement asks SQLite what time it is.
//!
//! Guarantees: what [`relay_store::Store`] promises. `commit` returns after `COMMIT` returned, and
//! with `synchronous = FULL` SQLite has told the disk to keep it by then. A file may be opened by
//! several processes on one machine at once (the service and a command): each waits for the other
//! up to [`Options::busy_timeout`].
//!
//! Not guaranteed: anything on a network file system, or on a disk that lies about flushing.
//!
//! The `README.md` beside this crate says why each setting is as it is, and how to add a statement.

mod apply;
mod attempts;
mod bulk;
mod cases;
mod checkpoint;
mod consequences;
mod copy;
mod credentials;
mod damaged_row;
mod directory;
mod effect_lookups;
mod effects;
mod engagement;
mod failure;
mod files;
mod incidents;
mod job_lists;
mod jobs;
mod leases;
mod look;
mod lost;
mod mended;
mod noticed;
mod own_words;
mod pace;
mod place;
mod readers;
mod receipts;
mod remedy;
mod rows;
mod scan;
mod script;
#[cfg(feature = "spoil")]
pub mod spoil;
mod store;
mod turn;
mod unclean;
mod values;
mod views;
mod work;
mod writer;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use relay_store::StoreError;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

use crate::checkpoint::{BACKSTOP, Checkpointer, KEPT};
pub use crate::copy::{backup, free, restore, verify};
use crate::failure::Failure;
pub use crate::look::{FileInspection, Version, look};
use crate::noticed::Noticed;
use crate::place::{Hold, Place};
use crate::readers::Readers;
pub use crate::unclean::{found_whole, unclean};
pub use crate::writer::WriterStats;
use crate::writer::{Handle, Writer};

/// The writer's cache of pages: a negative number counts KiB. A larger one is no gain: SQLite walks
/// part of it at each commit, and what it lacks lies in the system's cache.
const WRITER_CACHE: &str = "-8192";

/// Texts that the writer keeps with their prepared statements. A batch of each shape is a text of its
/// own; what a clinic does in a day is some dozens.
const SCRIPTS: usize = 200;

/// What may differ from one place to another.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a change waits for another process that is writing, in real time, before it fails
    /// with [`StoreError::Unavailable`].
    pub busy_timeout: Duration,
    /// The size the file may grow to, in pages of 4,096 bytes; beyond it changes fail with
    /// [`StoreError::Unavailable`] as on a full disk. `None`: as far as the disk goes.
    pub max_pages: Option<u32>,
    /// The file is thrown away at the end: nobody waits for the disk. The death of the process
    /// still loses nothing; that of the machine may. For demos and simulations only.
    pub throw_away: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            max_pages: None,
            throw_away: false,
        }
    }
}

/// A store in one SQLite file. Clones share the writer and the connections.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    reads: Arc<Readers>,
    writer: Handle,
    options: SqliteConnectOptions,
    noticed: Arc<Noticed>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
    // Last: its handle may be closed only after the connections.
    place: Arc<Place>,
}

impl SqliteStore {
    /// Opens the file, or makes an empty one, with the default [`Options`]. Call
    /// [`migrate`](Self::migrate) before anything else. Must be called within a tokio runtime.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, Options::default()).await
    }

    /// Opens the file, or makes an empty one. Where the file is gone and its log was left, neither: that is
    /// [`StoreError::Damaged`].
    pub async fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self, StoreError> {
        lost::refuse(path.as_ref())?;
        let connect = connect_options(path.as_ref(), &options);
        make_private(path.as_ref())?;
        let first =
            Hold::of(path.as_ref()).map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        unclean::keep_sign(path.as_ref(), &first);
        // The writer's connection comes first: it makes the file and puts it into WAL mode. Whoever
        // connects later must find it.
        let write = writing(&connect);
        let mut conn = write.connect().await.map_err(Failure::from)?;
        // Only who has read holds the file: else the end of another process would take the log away.
        sqlx::raw_sql("SELECT count(*) FROM sqlite_schema")
            .execute(&mut conn)
            .await
            .map_err(Failure::from)?;
        let (connect, write) = (
            connect.create_if_missing(false),
            write.create_if_missing(false),
        );
        let place = Place::of(path.as_ref()).map_err(sqlx::Error::from);
        let place = Arc::new(place.map_err(Failure::from)?);
        drop(first);
        let reads = Readers::new(connect.clone().read_only(true));
        let grown = Arc::new(Notify::new());
        let folded = Arc::new(AtomicBool::new(false));
        let checkpointer =
            Checkpointer::new(connect.clone(), Arc::clone(&grown), Arc::clone(&folded));
        let (writer, handle) = Writer::new(write, conn, grown, folded, Arc::clone(&place));
        let (held, user) = (Arc::clone(&place), place.user());
        let task = tokio::spawn(async move {
            let end = Notify::new();
            let write = async {
                let writer = writer.run().await;
                end.notify_one();
                writer
            };
            let (writer, ()) = tokio::join!(write, checkpointer.run(&end));
            writer.put_away().await;
            drop(user);
            drop(held);
        });
        Ok(Self {
            reads: Arc::new(reads),
            writer: handle,
            options: connect,
            noticed: Arc::default(),
            task: Arc::new(Mutex::new(Some(task))),
            place,
        })
    }

    /// Brings the schema up to this program's version. Does nothing if it is there already;
    /// refuses a file that a newer program has migrated further. All or nothing: a file that can't be brought
    /// to this version stays as it was, for the release that ran on it.
    ///
    /// A row that breaks a rule of its table, or refers to one that is not there, comes along as it is. One that
    /// can't be read is found and mended afterwards, as on any day.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] names the row that keeps SQLite from changing the schema, where one does.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let options = self.options.clone().foreign_keys(false);
        let options = options.pragma("ignore_check_constraints", "ON");
        let mut conn = options.connect().await.map_err(Failure::from)?;
        let mut result = migrated(&mut conn).await;
        if let Err(StoreError::Driver(_)) = result
            && let Ok(Some(damage)) = look::blocking_row(&mut conn).await
        {
            result = Err(StoreError::Corrupt(damage));
        }
        conn.close().await.map_err(Failure::from)?;
        result
    }

    /// What the writer has done: how many requests shared how many commits.
    pub fn writer_stats(&self) -> WriterStats {
        self.writer.stats()
    }

    /// Carries out what is queued, folds the log into the file and closes every connection, which removes
    /// the log. Where somebody else has the file open, the log stays, and what somebody reads just then
    /// may stay in it alone: whoever closes the file last folds it. Other clones can no longer be used: what they ask
    /// ends in [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.reads.close().await;
        self.writer.close();
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(error = %error, "the writer did not end by itself");
        }
    }
}

/// Brings the schema up to date, and the file's turn into its head.
async fn migrated(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = |error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            Failure::from(error).into()
        }
        other => StoreError::Driver(Box::new(other)),
    };
    match look::version(conn).await? {
        look::Version::Older => {
            let tx = conn.begin_with("BEGIN IMMEDIATE").await;
            let mut tx = tx.map_err(Failure::from)?;
            sqlx::migrate!().run(&mut *tx).await.map_err(failed)?;
            tx.commit().await.map_err(Failure::from)?;
        }
        // A newer one is refused by it, with the migration that it does not know.
        look::Version::Current | look::Version::Newer => {
            sqlx::migrate!().run(&mut *conn).await.map_err(failed)?;
        }
        look::Version::Foreign => {
            let why = "the file was made by something else, or its migrations were changed";
            return Err(StoreError::Driver(why.into()));
        }
    }
    let started = async {
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
        turn::start(&mut tx).await?;
        tx.commit().await?;
        checkpoint::pass(conn).await
    };
    started.await.map_err(Failure::from)?;
    Ok(())
}

/// Makes the file, if it is not there, so that only its owner can read it, whatever the umask says:
/// SQLite would let everybody. What SQLite makes beside it has the same rights.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(StoreError::Unavailable(Box::new(error)))
        }
        _ => Ok(()),
    }
}

/// What the writer's connection has besides.
fn writing(connect: &SqliteConnectOptions) -> SqliteConnectOptions {
    connect
        .clone()
        .pragma("cache_size", WRITER_CACHE)
        .statement_cache_capacity(SCRIPTS)
        // What a failed statement needs for undoing itself stays off the disk.
        .pragma("temp_store", "MEMORY")
        .pragma("wal_autocheckpoint", BACKSTOP.to_string())
}

fn connect_options(path: &Path, options: &Options) -> SqliteConnectOptions {
    let synchronous = if options.throw_away {
        SqliteSynchronous::Off
    } else {
        SqliteSynchronous::Full
    };
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        .pragma("journal_size_limit", KEPT.to_string())
        .busy_timeout(options.busy_timeout)
        // Statements hold messages to clients: none is ever logged.
        .disable_statement_logging();
    match options.max_pages {
        Some(pages) => connect.pragma("max_page_count", pages.to_string()),
        None => connect,
    }
}
