//! Looking at a file from outside, for the doctor: nothing in it is changed, and it is not made.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use relay_store::{Damage, StoreError};
use sqlx::migrate::Migrate as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::failure::Failure;
use crate::{lost, scan};

/// How the schema of a file stands to this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The same.
    Current,
    /// It lacks migrations, maybe all of them.
    Older,
    /// It has migrations that this program doesn't know.
    Newer,
    /// Its tables are not ours, or a migration broke off or was changed.
    Foreign,
}

/// What a file looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInspection {
    /// Its version.
    pub version: Version,
    /// `wal`, unless somebody changed it.
    pub journal: String,
    /// The first fault that `quick_check` finds, in SQLite's words, if it was asked.
    pub damage: Option<String>,
    /// The first row that keeps SQLite from bringing an older file to this version, if damage was looked for.
    pub blocking_row: Option<Damage>,
}

/// SQLite's code for a damaged file.
const CORRUPT: &str = "11";

/// Looks at the file at `path`, which must be there. Damage is looked for only if `thorough`: that
/// reads the whole file. What is left of a database whose file is gone is damage, too, and not looked into.
pub async fn look(path: impl AsRef<Path>, thorough: bool) -> Result<FileInspection, StoreError> {
    lost::refuse(path.as_ref())?;
    let connect = SqliteConnectOptions::new()
        .filename(path.as_ref())
        .create_if_missing(false)
        .read_only(true)
        .disable_statement_logging();
    let mut conn = connect.connect().await.map_err(Failure::from)?;
    let looked = at(&mut conn, thorough).await;
    conn.close().await.map_err(Failure::from)?;
    Ok(looked?)
}

/// A pragma as a table has columns of no table, which the macros take only as part of an expression.
async fn at(conn: &mut SqliteConnection, thorough: bool) -> Result<FileInspection, Failure> {
    let journal = sqlx::query_scalar!(
        r#"SELECT '' || journal_mode AS "mode!: String" FROM pragma_journal_mode"#
    )
    .fetch_one(&mut *conn)
    .await?;
    let damage = if thorough { damage(conn).await? } else { None };
    let version = if damage.is_some() {
        Version::Current
    } else {
        version(conn).await?
    };
    let blocking_row = match (thorough, &damage) {
        (true, None) => blocking_row(conn).await?,
        _ => None,
    };
    Ok(FileInspection {
        version,
        journal,
        damage,
        blocking_row,
    })
}

/// The first fault of the file. A value that breaks a rule of its column is a row's fault, not the file's.
pub(crate) async fn damage(conn: &mut SqliteConnection) -> Result<Option<String>, Failure> {
    match lines_of(conn, "PRAGMA quick_check(1000000)").await {
        Ok(lines) => Ok(lines
            .into_iter()
            .find(|line| line != "ok" && !is_of_a_row(line))),
        // Where not even the check gets through, the refusal is the finding.
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == CORRUPT) => {
            Ok(Some(error.message().to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

/// What SQLite's check `pragma` says. By itself it stops at a hundred lines, and so many rows would hide a
/// page: the pragma is to name more.
pub(crate) async fn lines_of(
    conn: &mut SqliteConnection,
    pragma: &'static str,
) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::raw_sql(pragma).fetch_all(conn).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Whether a line of SQLite's check is about what a row says: a rule of its table that does not hold, a
/// value that is missing or of another type.
pub(crate) fn is_of_a_row(line: &str) -> bool {
    let type_of_a_value = line.split_once(" value in ").map(|(what, _)| what);
    line.starts_with("CHECK constraint failed in ")
        || type_of_a_value.is_some_and(|what| {
            what.starts_with("non-") || matches!(what, "NULL" | "NUMERIC" | "TEXT")
        })
}

/// The first row because of which SQLite refuses the migrations that a file lacks: it changes no table that
/// holds a value of another type than its column's. What only breaks a rule of its table is carried over
/// ([`migrate`](crate::SqliteStore::migrate)). A database at this version is not read for it.
pub(crate) async fn blocking_row(conn: &mut SqliteConnection) -> Result<Option<Damage>, Failure> {
    if !matches!(version(conn).await?, Version::Older) {
        return Ok(None);
    }
    let lines = lines_of(conn, "PRAGMA quick_check(1000000)").await?;
    let changed = changed_by_migrations(conn).await?;
    for line in lines {
        // "non-TEXT value in jobs.note", "NULL value in jobs.kind"
        let place = line.split_once(" value in ");
        let place = place.and_then(|(what, place)| Some((what, place.split_once('.')?)));
        if let Some((what, (table, column))) = place
            && changed.contains(table)
            && let Some(table) = scan::Table::named(table)
            && let Some(damage) = scan::mistyped(conn, table, column, what == "NULL").await?
        {
            return Ok(Some(damage));
        }
    }
    Ok(None)
}

/// The tables that the migrations which a file lacks read or change row by row.
async fn changed_by_migrations(conn: &mut SqliteConnection) -> Result<BTreeSet<String>, Failure> {
    let migrator = sqlx::migrate!();
    // A file without any has no such table.
    let applied = conn.list_applied_migrations(&migrator.table_name).await;
    let applied = applied.unwrap_or_default();
    let lacking = migrator
        .iter()
        .filter(|migration| !applied.iter().any(|done| done.version == migration.version));
    let statements = lacking.flat_map(|migration| migration.sql.as_str().lines());
    let statements = statements.filter(|line| !line.trim_start().starts_with("--"));
    let no_word = |letter: char| !letter.is_alphanumeric() && letter != '_';
    let words: Vec<&str> = statements
        .flat_map(|line| line.split(no_word))
        .filter(|word| !word.is_empty())
        .collect();
    let named = words.windows(3).filter_map(|window| match *window {
        ["ALTER", "TABLE", table] | ["FROM" | "UPDATE", table, _] | [_, "FROM", table] => {
            Some(table.to_owned())
        }
        _ => None,
    });
    Ok(named.collect())
}

pub(crate) async fn version(conn: &mut SqliteConnection) -> Result<Version, Failure> {
    let tables = sqlx::query_scalar!(
        r#"SELECT name AS "name!: String" FROM sqlite_schema WHERE type = 'table'"#
    )
    .fetch_all(&mut *conn)
    .await?;
    let migrator = sqlx::migrate!();
    let book = &*migrator.table_name;
    if !tables.iter().any(|table| table == book) {
        return Ok(if tables.is_empty() {
            Version::Older
        } else {
            Version::Foreign
        });
    }
    let Ok(None) = conn.dirty_version(book).await else {
        return Ok(Version::Foreign);
    };
    let Ok(applied) = conn.list_applied_migrations(book).await else {
        return Ok(Version::Foreign);
    };
    let known: BTreeMap<i64, &[u8]> = migrator
        .iter()
        .map(|migration| (migration.version, &*migration.checksum))
        .collect();
    let newest = known.keys().next_back().copied().unwrap_or_default();
    for migration in &applied {
        match known.get(&migration.version) {
            Some(checksum) if **checksum == *migration.checksum => {}
            None if migration.version > newest => return Ok(Version::Newer),
            _ => return Ok(Version::Foreign),
        }
    }
    Ok(if applied.len() == known.len() {
        Version::Current
    } else {
        Version::Older
    })
}
