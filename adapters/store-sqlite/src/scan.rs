//! Reads rows to see whether they can be read: for `database check`, the doctor, and after a remedy.
//!
//! Each row is read twice over: every column as what the table declares it to be, also those that the
//! program only ever compares, and then the row as the program reads it.

use relay_core::time::Timestamp;
use relay_store::{Damage, StoreError};
use serde::de::IgnoredAny;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use crate::cases::{CaseRow, TimelineRow};
use crate::credentials::{AuthorizationRow, CredentialRow};
use crate::directory::{AuditRow, CoachRow, LinkRow, ProcedureRow, SettingRow};
use crate::effects::{EffectRow, IntentRow};
use crate::engagement::EngagementRow;
use crate::failure::Failure;
use crate::incidents::IncidentsColumns;
use crate::jobs::JobRow;
use crate::pace::LimiterColumns;
use crate::receipts::{FactColumns, ReceiptRow};
use crate::rows::{self, Stored, named};
use crate::values::RowName;
use crate::work::WorkRow;

/// Columns that hold ids of ours, where they hold bytes.
const IDS: [&str; 5] = ["id", "case_id", "item_id", "receipt", "duplicate_of"];

/// Rows of one page.
const PAGE: i64 = 500;

/// How the rows of a table are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// By `seq`.
    Seq,
    /// By a text of this column.
    Text(&'static str),
    /// By the job and the fence it ran under: `JOB/FENCE`.
    Attempt,
}

/// A table with content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) key: Key,
    /// How the program reads a row; `None` where it reads columns only.
    reads: Option<fn(&SqliteRow) -> Option<Damage>>,
}

const fn table(
    name: &'static str,
    key: Key,
    reads: Option<fn(&SqliteRow) -> Option<Damage>>,
) -> Table {
    Table { name, key, reads }
}

/// Every table with content. A test holds it against the schema.
pub(crate) const TABLES: [Table; 21] = [
    table("settings", Key::Text("key"), Some(reads::<SettingRow>)),
    table("procedures", Key::Text("hash"), Some(reads::<ProcedureRow>)),
    table("coaches", Key::Text("id"), Some(reads::<CoachRow>)),
    table(
        "credentials",
        Key::Text("name"),
        Some(reads::<CredentialRow>),
    ),
    table(
        "authorizations",
        Key::Text("name"),
        Some(reads::<AuthorizationRow>),
    ),
    table("pace", Key::Text("vendor"), Some(reads::<LimiterColumns>)),
    table(
        "incidents",
        Key::Text("vendor"),
        Some(reads::<IncidentsColumns>),
    ),
    table("links", Key::Text("client"), Some(reads::<LinkRow>)),
    table(
        "watched_addresses",
        Key::Text("contact"),
        Some(reads::<AddressRow>),
    ),
    table("receipts", Key::Seq, Some(reads::<ReceiptRow>)),
    table("facts", Key::Seq, Some(reads::<FactColumns>)),
    table("cases", Key::Seq, Some(reads::<CaseRow>)),
    table("timeline", Key::Seq, Some(reads::<TimelineRow>)),
    table("effects", Key::Seq, Some(reads::<EffectRow>)),
    table("intents", Key::Seq, Some(reads::<IntentRow>)),
    table("jobs", Key::Seq, Some(reads::<JobRow>)),
    table("attempts", Key::Attempt, Some(reads::<TryRow>)),
    table("work_items", Key::Seq, Some(reads::<WorkRow>)),
    table("audit", Key::Seq, Some(reads::<AuditRow>)),
    table("engagement", Key::Seq, Some(reads::<EngagementRow>)),
    table("damaged", Key::Seq, Some(reads::<DamagedRow>)),
];

/// What stands in a page of a table that can't be read, and where the next page begins.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) damage: Vec<Damage>,
    pub(crate) next: Option<i64>,
}

/// A column as it is declared.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    declared: String,
}

impl Table {
    /// The table of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        TABLES.into_iter().find(|table| table.name == name)
    }

    /// The condition that is true of one row, with the values of `?1` and `?2` as [`Self::values`]
    /// gives them. Keys are compared byte by byte, so that one that is no text is found.
    pub(crate) fn condition(self) -> String {
        match self.key {
            Key::Seq => "seq = CAST(CAST(?1 AS TEXT) AS INTEGER) AND ?2 IS NOT NULL".to_owned(),
            Key::Text(column) => format!("CAST({column} AS BLOB) = ?1 AND ?2 IS NOT NULL"),
            Key::Attempt => "job = CAST(CAST(?1 AS TEXT) AS INTEGER) \
                 AND fence = CAST(CAST(?2 AS TEXT) AS INTEGER)"
                .to_owned(),
        }
    }

    /// The two values of the condition, for a row of this name.
    pub(crate) fn values(self, row: &str) -> (Vec<u8>, Vec<u8>) {
        if self.key == Key::Attempt {
            let (job, fence) = row.split_once('/').unwrap_or((row, ""));
            return (job.into(), fence.into());
        }
        let bytes = row
            .strip_prefix("x'")
            .and_then(|rest| rest.strip_suffix('\''))
            .and_then(unhex);
        (bytes.unwrap_or_else(|| row.into()), Vec::new())
    }

    /// Its columns, in their order.
    pub(crate) async fn columns(self, conn: &mut SqliteConnection) -> Result<Vec<Column>, Failure> {
        let table = self.name;
        let columns = sqlx::query!(
            r#"SELECT '' || name AS "name!: String", '' || type AS "declared!: String"
               FROM pragma_table_info(?1)"#,
            table
        )
        .fetch_all(conn)
        .await?;
        let column = columns.into_iter().map(|column| Column {
            name: column.name,
            declared: column.declared,
        });
        Ok(column.collect())
    }

    /// The first value of a row that can't be read, if there is one.
    fn look(self, row: &SqliteRow, columns: &[Column]) -> Option<Damage> {
        let unreadable = columns.iter().find(|column| !column.is_readable(row));
        match unreadable {
            Some(column) => Some(Damage {
                table: self.name.to_owned(),
                row: self.name_of(row),
                column: column.name.clone(),
            }),
            None => self.reads.and_then(|reads| reads(row)),
        }
    }

    fn name_of(self, row: &SqliteRow) -> String {
        let number = |column: &str| row.try_get_unchecked::<i64, _>(column).unwrap_or_default();
        match self.key {
            Key::Seq => number("seq").to_string(),
            Key::Text(column) => named(row.try_get_unchecked(column).unwrap_or_default()),
            Key::Attempt => format!("{}/{}", number("job"), number("fence")),
        }
    }
}

impl Column {
    fn is_readable(&self, row: &SqliteRow) -> bool {
        let name = self.name.as_str();
        match self.declared.as_str() {
            "TEXT" => row.try_get::<Option<String>, _>(name).is_ok(),
            "INTEGER" => row.try_get::<Option<i64>, _>(name).is_ok(),
            _ => {
                let bytes = row.try_get::<Option<Vec<u8>>, _>(name);
                let id_or_none =
                    |bytes: &Option<Vec<u8>>| bytes.as_ref().is_none_or(|id| id.len() == 16);
                bytes.is_ok_and(|bytes| !IDS.contains(&name) || id_or_none(&bytes))
            }
        }
    }
}

/// An address, by itself.
#[derive(sqlx::FromRow)]
struct AddressRow {
    contact: String,
    looked_at: i64,
}

impl Stored for AddressRow {
    const TABLE: &'static str = "watched_addresses";
    const NAME: &'static str = "contact";
    type Value = Timestamp;

    fn read(self) -> Result<Timestamp, StoreError> {
        RowName::new(Self::TABLE, &self.contact).time("looked_at", self.looked_at)
    }
}

/// A try, by itself.
#[derive(sqlx::FromRow)]
struct TryRow {
    job: i64,
    fence: i64,
    ended_at: i64,
    result: String,
}

/// How a try may have ended.
const RESULTS: [&str; 7] = [
    "done",
    "again",
    "snoozed",
    "parked",
    "dead",
    "cancelled",
    "rescued",
];

impl Stored for TryRow {
    const TABLE: &'static str = "attempts";
    const NAME: &'static str = "job";
    type Value = Timestamp;

    fn read(self) -> Result<Timestamp, StoreError> {
        let row = RowName::new(Self::TABLE, format!("{}/{}", self.job, self.fence));
        row.number::<u64>("fence", self.fence)?;
        row.word(
            "result",
            RESULTS.iter().find(|known| **known == self.result),
        )?;
        row.time("ended_at", self.ended_at)
    }
}

/// What an earlier damaged row looked like, by itself.
#[derive(sqlx::FromRow)]
struct DamagedRow {
    seq: i64,
    at: i64,
    what: String,
    columns: String,
}

impl Stored for DamagedRow {
    const TABLE: &'static str = "damaged";
    type Value = Timestamp;

    fn read(self) -> Result<Timestamp, StoreError> {
        let row = RowName::new(Self::TABLE, self.seq);
        let what = ["set_aside", "mended", "discarded"];
        row.word("what", what.iter().find(|known| **known == self.what))?;
        row.json::<IgnoredAny>("columns", &self.columns)?;
        row.time("at", self.at)
    }
}

fn reads<R: Stored>(row: &SqliteRow) -> Option<Damage> {
    match rows::read::<R>(row) {
        Err(StoreError::Corrupt(damage)) => Some(damage),
        _ => None,
    }
}

/// A page of a table, of the rows after `after`. Tables without numbers are small: one page.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
pub(crate) async fn page(
    conn: &mut SqliteConnection,
    table: Table,
    after: i64,
) -> Result<Page, Failure> {
    let columns = table.columns(conn).await?;
    let name = table.name;
    // A name of the list above: nothing that anybody says gets into the text.
    let (by, text) = match table.key {
        Key::Seq => (
            "seq",
            format!("SELECT * FROM {name} WHERE seq > ?1 ORDER BY seq LIMIT ?2 + 0"),
        ),
        // Whole jobs: their tries are few.
        Key::Attempt => (
            "job",
            format!(
                "SELECT * FROM {name} WHERE job > ?1 AND job <= (SELECT max(job) FROM (
                     SELECT job FROM {name} WHERE job > ?1 ORDER BY job LIMIT ?2 + 0))
                 ORDER BY job, fence"
            ),
        ),
        Key::Text(_) => (
            "",
            format!("SELECT * FROM {name} WHERE ?1 IS NOT NULL AND ?2 IS NOT NULL"),
        ),
    };
    let rows = sqlx::query(AssertSqlSafe(text))
        .bind(after)
        .bind(PAGE)
        .fetch_all(conn)
        .await?;
    let next = rows.last().filter(|_| !by.is_empty());
    Ok(Page {
        damage: rows
            .iter()
            .filter_map(|row| table.look(row, &columns))
            .collect(),
        next: next.and_then(|row| row.try_get_unchecked(by).ok()),
    })
}

/// The first row whose `column` holds a value of another type than is declared, or none where there must be
/// one (`missing`).
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of the schema"
)]
pub(crate) async fn mistyped(
    conn: &mut SqliteConnection,
    table: Table,
    column: &str,
    missing: bool,
) -> Result<Option<Damage>, Failure> {
    let columns = table.columns(conn).await?;
    let Some(column) = columns.into_iter().find(|known| known.name == column) else {
        return Ok(None);
    };
    let (of, name) = (table.name, &column.name);
    let condition = if missing {
        format!("{name} IS NULL")
    } else {
        let declared = column.declared.to_lowercase();
        format!("typeof({name}) NOT IN ('null', '{declared}')")
    };
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT * FROM {of} WHERE {condition} LIMIT 1"
    )))
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Damage {
        table: of.to_owned(),
        row: table.name_of(&row),
        column: column.name,
    }))
}

/// What can't be read in any row. Tables that the file lacks, because it is of an earlier version, hold
/// nothing.
pub(crate) async fn all(conn: &mut SqliteConnection) -> Result<Vec<Damage>, Failure> {
    let mut damage = Vec::new();
    for table in TABLES {
        if table.columns(conn).await?.is_empty() {
            continue;
        }
        let mut after = Some(0);
        while let Some(from) = after {
            let page = page(conn, table, from).await?;
            damage.extend(page.damage);
            after = page.next;
        }
    }
    Ok(damage)
}

/// The first value of one row that can't be read, if there is one.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
pub(crate) async fn row(
    conn: &mut SqliteConnection,
    table: Table,
    row: &str,
) -> Result<Option<Damage>, Failure> {
    let columns = table.columns(conn).await?;
    let (name, condition) = (table.name, table.condition());
    let (first, second) = table.values(row);
    let found = sqlx::query(AssertSqlSafe(format!(
        "SELECT * FROM {name} WHERE {condition}"
    )))
    .bind(first)
    .bind(second)
    .fetch_optional(conn)
    .await?;
    Ok(found.and_then(|row| table.look(&row, &columns)))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks(2).map(pair).collect())?
}
