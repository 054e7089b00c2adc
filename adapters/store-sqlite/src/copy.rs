//! Copies of the file: made while the relay runs, verified, and put back.
//!
//! Rules:
//! - A copy is SQLite's own (`VACUUM INTO`): one moment of the database, whole, in one file without a log,
//!   readable by its owner only. It gets its name when it is on the disk and was read through.
//! - A copy has a number of its own, so that it is never taken for the file it was made from
//!   (`place.rs`).
//! - A row that can't be read is a row's matter: it is copied as it stands and told, and a file is called
//!   damaged for its pages and indexes alone.
//! - Nothing is written over. What a restored copy replaces is kept beside it, and so is what is left of a
//!   database whose file is gone.
//! - No copy is put beside a log that belongs to another file: SQLite would take it for the copy's own.
//!
//! Guarantees: whenever a restore is cut off, there is a database in its place, the old one or the new
//! one, and the old one is not lost. Where its file was lost before, there is none until the new one is
//! there, and none is made (`lost.rs`).
//!
//! Not guaranteed: that the relay knows what it has sent since the copy was made. Whoever restores marks
//! the copy; what is marked is [`restore`]'s argument.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use relay_core::time::Timestamp;
use relay_store::{Batch, Copied, CopyError, Damage, Restored, Store as _, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteLockingMode};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::failure::Failure;
use crate::files::{BESIDE, RESTORING, Unfinished, beside, keep, refused, remove, sync_folder};
use crate::look::{self, Version};
use crate::place::{self, Hold};
use crate::{SqliteStore, lost, scan, turn, unclean};

/// How long a restore waits for somebody who has the database open.
const PATIENCE: Duration = Duration::from_millis(500);

/// Makes a copy of the database at `from` as the new file `to`, while others use it.
pub async fn backup(from: &Path, to: &Path) -> Result<Copied, CopyError> {
    if to.exists() {
        return Err(CopyError::Exists(to.to_owned()));
    }
    // What lies beside the name would be taken for the copy's. Who only reads may leave an empty log.
    for end in ["-wal", "-journal"] {
        let foreign = beside(to, end);
        if fs::metadata(&foreign).is_ok_and(|file| file.len() > 0) {
            return Err(CopyError::Exists(foreign));
        }
    }
    lost::refuse(from).map_err(StoreError::from)?;
    let partial = Unfinished::begin(beside(to, ".partial"))?;
    let copied = make(plain(from).read_only(true), from, &partial.path).await?;
    // Unlike a renaming, a link never takes another file's place.
    fs::hard_link(&partial.path, to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CopyError::Exists(to.to_owned()),
        _ => refused(to, &error),
    })?;
    drop(partial);
    sync_folder(to)?;
    Ok(copied)
}

/// Looks whether the file at `path` could be put back, and says what it holds. Neither `path` nor anything
/// beside it is changed.
pub async fn verify(path: &Path) -> Result<Copied, CopyError> {
    if !path.is_file() {
        return Err(CopyError::Missing(path.to_owned()));
    }
    if lost::is_missing_or_empty(path) {
        // To open it would take away what lies beside it.
        let (path, why) = (path.to_owned(), "it is empty".to_owned());
        return Err(CopyError::NotWhole { path, why });
    }
    let options = at_rest(path);
    let mut conn = options
        .connect()
        .await
        .map_err(|error| damage(path, error))?;
    let found = contents(&mut conn, path).await;
    let _ = conn.close().await;
    found
}

/// Whether a database at `path` could be replaced now: nobody has it open. There may be none, and it may
/// be damaged. Nothing of it is changed: what its log holds, and that it was left there, stays.
pub async fn free(path: &Path) -> Result<(), CopyError> {
    let in_use = || CopyError::InUse(path.to_owned());
    if path.exists() {
        let hold = Hold::of(path).map_err(|error| refused(path, &error))?;
        if hold.is_in_use() {
            return Err(in_use());
        }
    }
    if lost::is_missing_or_empty(path) {
        // Whoever had it open when it was lost has it open still, and goes on with its log.
        let index = beside(path, "-shm");
        if place::is_log_in_use(&index).map_err(|error| refused(&index, &error))? {
            return Err(in_use());
        }
    }
    Ok(())
}

/// Brings the log of the database at `path` into it, if it is whole enough for that, and makes sure once
/// more that nobody has it open: about to be replaced, it must be all in one file.
async fn fold(path: &Path) -> Result<(), CopyError> {
    if lost::is_missing_or_empty(path) {
        // There is nothing to bring it into, and SQLite would delete it.
        return Ok(());
    }
    {
        let hold = Hold::of(path).map_err(|error| refused(path, &error))?;
        unclean::keep_sign(path, &hold);
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
        // Who reads only leaves this; it is the log's, and that is gone.
        Ok(()) if !beside(path, "-wal").exists() => remove(&beside(path, "-shm")),
        Ok(()) => Ok(()),
    }
}

/// Puts the copy `from` in the place of the database `to`; `mark` is stored in it before. What stood there,
/// or is left of it, is kept under its name with `suffix`. `from` is not changed.
pub async fn restore(
    from: &Path,
    to: &Path,
    suffix: &str,
    mark: Batch,
) -> Result<Restored, CopyError> {
    verify(from).await?;
    free(to).await?;
    let mut new = Unfinished::begin(beside(to, RESTORING))?;
    let copied = make(at_rest(from), from, &new.path).await?;
    let store = SqliteStore::open(&new.path).await?;
    let marked = store.commit(mark).await;
    store.close().await;
    marked?;
    if unclean::has_log(&new.path) {
        // Somebody keeps it open, and part of it may stand in its log, which stays behind.
        return Err(CopyError::InUse(new.path.clone()));
    }
    // It takes a while to copy: somebody may have come.
    free(to).await?;
    fold(to).await?;
    // The old file has another name by then, and that its log is gone is on the disk, too.
    let kept = keep(to, suffix)?;
    // From here on it is what keeps anybody from making an empty database in its place.
    new.stays = true;
    fs::rename(&new.path, to).map_err(|error| refused(to, &error))?;
    sync_folder(to)?;
    // The new file was read through. A sign that can't be removed makes the next start read it once more.
    let _ = unclean::found_whole(to);
    Ok(Restored { copied, kept })
}

/// A copy as a new file, on the disk, read through.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
async fn make(options: SqliteConnectOptions, from: &Path, to: &Path) -> Result<Copied, CopyError> {
    let Some(name) = to.to_str() else {
        let reason = "its name is no text".to_owned();
        let path = to.to_owned();
        return Err(CopyError::File { path, reason });
    };
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

/// What the file holds, if it is whole and ours. What a row says may be unreadable: that is told, and is no
/// fault of the file.
async fn contents(conn: &mut SqliteConnection, path: &Path) -> Result<Copied, CopyError> {
    let lines = look::lines_of(conn, "PRAGMA integrity_check(1000000)")
        .await
        .map_err(|error| damage(path, error))?;
    let faults = lines
        .into_iter()
        .filter(|line| line != "ok" && !look::is_of_a_row(line));
    let (indexed, faults): (Vec<_>, Vec<_>) =
        faults.partition(|line| Unindexed::of(line).is_some());
    let not_whole = |why: String| {
        let path = path.to_owned();
        Err(CopyError::NotWhole { path, why })
    };
    if let Some(why) = faults.into_iter().next() {
        return not_whole(why);
    }
    let version = look::version(conn).await.map_err(StoreError::from)?;
    match version {
        Version::Current | Version::Older => {}
        Version::Newer => return Err(CopyError::Newer(path.to_owned())),
        Version::Foreign => return Err(CopyError::Foreign(path.to_owned())),
    }
    let unreadable = scan::all(conn).await.map_err(|failure| match failure {
        Failure::Sql(error) => damage(path, error),
        Failure::Store(error) => error.into(),
    })?;
    for line in indexed {
        let known = match Unindexed::of(&line) {
            Some(row) => row.is_among(&unreadable, conn).await,
            None => false,
        };
        if !known {
            return not_whole(line);
        }
    }
    counted(conn, path, unreadable).await
}

/// A row that an index knows by another value: where a byte of the row itself has changed, that is all
/// that is wrong with the index, and a copy has a new one.
#[derive(Debug)]
struct Unindexed<'a> {
    row: &'a str,
    index: &'a str,
}

impl<'a> Unindexed<'a> {
    /// As SQLite's check says it.
    fn of(line: &'a str) -> Option<Self> {
        let (row, index) = line
            .strip_prefix("row ")?
            .split_once(" missing from index ")?;
        Some(Self { row, index })
    }

    /// Whether the row is one of these.
    async fn is_among(&self, unreadable: &[Damage], conn: &mut SqliteConnection) -> bool {
        let index = self.index;
        let table = sqlx::query_scalar!(
            r#"SELECT tbl_name AS "table!: String" FROM sqlite_schema WHERE name = ?1"#,
            index
        )
        .fetch_optional(conn)
        .await;
        let Ok(Some(table)) = table else { return false };
        unreadable
            .iter()
            .any(|damage| damage.table == table && damage.row == self.row)
    }
}

async fn counted(
    conn: &mut SqliteConnection,
    path: &Path,
    unreadable: Vec<Damage>,
) -> Result<Copied, CopyError> {
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
        unreadable,
    })
}

/// For reading a file that lies there: nothing is made beside it. Where SQLite has left something beside it,
/// that belongs to it and is read as well.
fn at_rest(path: &Path) -> SqliteConnectOptions {
    let is_alone = BESIDE.iter().all(|end| !beside(path, end).exists());
    plain(path).read_only(true).immutable(is_alone)
}

/// Without anything that would change the file.
fn plain(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .disable_statement_logging()
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
