//! Copies of the file: made while the relay runs, verified, and put back.
//!
//! Rules:
//! - A copy is SQLite's own (`VACUUM INTO`): one moment of the database, whole, in one file without a log,
//!   readable by its owner only. It gets its name when it is on the disk and was read through.
//! - A copy has a number of its own, so that it is never taken for the file it was made from
//!   (`place.rs`).
//! - Nothing is written over. What a restored copy replaces is kept beside it.
//!
//! Guarantees: whenever a restore is cut off, there is a database in its place, the old one or the new
//! one, and the old one is not lost.
//!
//! Not guaranteed: that the relay knows what it has sent since the copy was made. Whoever restores marks
//! the copy; what is marked is [`restore`]'s argument.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use relay_core::time::Timestamp;
use relay_store::{Batch, Copied, CopyError, Restored, Store as _, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::failure::Failure;
use crate::look::{self, Version};
use crate::{SqliteStore, turn};

/// How long a restore waits for somebody who has the database open.
const PATIENCE: Duration = Duration::from_millis(500);

/// Makes a copy of the database at `from` as the new file `to`, while others use it.
pub async fn backup(from: &Path, to: &Path) -> Result<Copied, CopyError> {
    if to.exists() {
        return Err(CopyError::Exists(to.to_owned()));
    }
    let partial = beside(to, ".partial");
    let made = make(from, &partial).await;
    let named = made.and_then(|copied| {
        // Unlike a renaming, a link never takes another file's place.
        fs::hard_link(&partial, to).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => CopyError::Exists(to.to_owned()),
            _ => refused(to, &error),
        })?;
        Ok(copied)
    });
    let _ = fs::remove_file(&partial);
    let copied = named?;
    sync_folder(to)?;
    Ok(copied)
}

/// Looks whether the file at `path` could be put back, and says what it holds. `path` is not changed.
pub async fn verify(path: &Path) -> Result<Copied, CopyError> {
    if !path.is_file() {
        return Err(CopyError::Missing(path.to_owned()));
    }
    let options = plain(path).read_only(true);
    let mut conn = options
        .connect()
        .await
        .map_err(|error| damage(path, error))?;
    let found = contents(&mut conn, path).await;
    let _ = conn.close().await;
    found
}

/// Whether a database at `path` could be replaced now: nobody has it open. There may be none, and it may
/// be damaged.
pub async fn free(path: &Path) -> Result<(), CopyError> {
    if !path.exists() {
        return Ok(());
    }
    // The last connection of all brings the log into the file and removes it.
    let options = plain(path)
        .locking_mode(SqliteLockingMode::Exclusive)
        .busy_timeout(PATIENCE);
    let alone = async {
        let mut conn = options.connect().await?;
        let held = sqlx::raw_sql("BEGIN EXCLUSIVE; ROLLBACK")
            .execute(&mut conn)
            .await;
        let closed = conn.close().await;
        held.and(closed)
    };
    match alone.await.map_err(Failure::from) {
        Err(Failure::Sql(error)) if Failure::is_damage(&error) => Ok(()),
        Err(Failure::Sql(error)) if Failure::is_busy(&error) => {
            Err(CopyError::InUse(path.to_owned()))
        }
        Err(failure) => Err(StoreError::from(failure).into()),
        Ok(()) => Ok(()),
    }
}

/// Puts the copy `from` in the place of the database `to`; `mark` is stored in it before. What stood there
/// is kept under its name with `suffix`. `from` is not changed.
pub async fn restore(
    from: &Path,
    to: &Path,
    suffix: &str,
    mark: Batch,
) -> Result<Restored, CopyError> {
    verify(from).await?;
    free(to).await?;
    let new = beside(to, ".restoring");
    for end in ["", "-wal", "-shm"] {
        remove(&beside(&new, end))?;
    }
    let copied = make(from, &new).await?;
    let store = SqliteStore::open(&new).await?;
    let marked = store.commit(mark).await;
    store.close().await;
    marked?;
    // It takes a while to copy: somebody may have come.
    free(to).await?;
    let kept = keep(to, suffix)?;
    // A file system may bring the names to the disk in any order: the old file's other name, and that its
    // log is gone, must be there before its place is taken.
    sync_folder(to)?;
    fs::rename(&new, to).map_err(|error| refused(to, &error))?;
    sync_folder(to)?;
    Ok(Restored { copied, kept })
}

/// Keeps the file under another name, too, and moves what a damaged one has left beside it.
fn keep(path: &Path, suffix: &str) -> Result<Option<PathBuf>, CopyError> {
    if !path.exists() {
        return Ok(None);
    }
    let kept = beside(path, suffix);
    fs::hard_link(path, &kept).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CopyError::Exists(kept.clone()),
        _ => refused(&kept, &error),
    })?;
    for end in ["-wal", "-shm"] {
        let left = beside(path, end);
        if left.exists() {
            let to = beside(&kept, end);
            fs::rename(&left, &to).map_err(|error| refused(&left, &error))?;
        }
    }
    Ok(Some(kept))
}

/// A copy as a new file, on the disk, read through.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
async fn make(from: &Path, to: &Path) -> Result<Copied, CopyError> {
    // SQLite fills a file that is there and empty, and leaves it its rights.
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| refused(to, &error))?;
    let Some(name) = to.to_str() else {
        let reason = "its name is no text".to_owned();
        let path = to.to_owned();
        return Err(CopyError::File { path, reason });
    };
    let options = plain(from).read_only(true);
    let copied = async {
        let mut conn = options.connect().await?;
        // A pragma or a VACUUM is no statement that the macros know.
        let copied = sqlx::query("VACUUM INTO ?1")
            .bind(name)
            .execute(&mut conn)
            .await;
        let closed = conn.close().await;
        copied.map(|_| ()).and(closed)
    };
    copied.await.map_err(|error| damage(from, error))?;
    let mut conn = plain(to)
        .connect()
        .await
        .map_err(|error| damage(to, error))?;
    let numbered = turn::renumber(&mut conn).await;
    let found = contents(&mut conn, to).await;
    let closed = conn.close().await;
    numbered
        .and(closed)
        .map_err(Failure::from)
        .map_err(StoreError::from)?;
    let copied = found?;
    let synced = File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| refused(to, &error))?;
    Ok(copied)
}

/// What the file holds, if it is whole and ours.
async fn contents(conn: &mut SqliteConnection, path: &Path) -> Result<Copied, CopyError> {
    let sound = sqlx::query_scalar!(
        r#"SELECT '' || integrity_check AS "line!: String" FROM pragma_integrity_check"#
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(|error| damage(path, error))?;
    if let Some(why) = sound.into_iter().find(|line| line != "ok") {
        let path = path.to_owned();
        return Err(CopyError::NotWhole { path, why });
    }
    let version = look::version(conn).await.map_err(StoreError::from)?;
    match version {
        Version::Current | Version::Older => {}
        Version::Newer => return Err(CopyError::Newer(path.to_owned())),
        Version::Foreign => return Err(CopyError::Foreign(path.to_owned())),
    }
    counted(conn, path).await
}

async fn counted(conn: &mut SqliteConnection, path: &Path) -> Result<Copied, CopyError> {
    let counts = sqlx::query!(
        r#"SELECT (SELECT COUNT(*) FROM receipts) AS "receipts!: i64",
             (SELECT COUNT(*) FROM cases) AS "cases!: i64",
             (SELECT COUNT(*) FROM effects) AS "effects!: i64",
             (SELECT COUNT(*) FROM jobs) AS "jobs!: i64",
             (SELECT COUNT(*) FROM work_items) AS "work_items!: i64",
             (SELECT received_at FROM receipts ORDER BY seq DESC LIMIT 1) AS "newest: i64""#
    )
    .fetch_one(conn)
    .await;
    // An empty one has no such tables.
    let Ok(counts) = counts else {
        return Err(CopyError::Foreign(path.to_owned()));
    };
    let rows = [
        ("receipts", counts.receipts),
        ("cases", counts.cases),
        ("effects", counts.effects),
        ("jobs", counts.jobs),
        ("work_items", counts.work_items),
    ];
    let bytes = fs::metadata(path).map_err(|error| refused(path, &error))?;
    Ok(Copied {
        bytes: bytes.len(),
        rows: rows
            .into_iter()
            .map(|(table, count)| (table.to_owned(), u64::try_from(count).unwrap_or(0)))
            .collect(),
        newest: counts
            .newest
            .and_then(|at| Timestamp::from_microsecond(at).ok()),
    })
}

/// Without anything that would change the file.
fn plain(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .disable_statement_logging()
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), CopyError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(path, &error)),
        _ => Ok(()),
    }
}

/// The names in a folder are on the disk only when the folder is.
fn sync_folder(path: &Path) -> Result<(), CopyError> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| refused(folder, &error))
}

fn refused(path: &Path, error: &io::Error) -> CopyError {
    CopyError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// What SQLite said of a file that it was to read.
fn damage(path: &Path, error: sqlx::Error) -> CopyError {
    if Failure::is_damage(&error) {
        let why = match &error {
            sqlx::Error::Database(error) => error.message().to_owned(),
            other => other.to_string(),
        };
        let path = path.to_owned();
        return CopyError::NotWhole { path, why };
    }
    StoreError::from(Failure::from(error)).into()
}
