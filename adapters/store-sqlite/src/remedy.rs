//! What is done about a row that can't be read.
//!
//! People: the *relay* sets aside what would hold others up; a *person* has a row mended, or taken out.
//!
//! Rules:
//! - The row's bytes are kept in `damaged` before anything of it is changed.
//! - Nothing is guessed that could be sent: a value is made anew from what else the database says of
//!   the same thing ([`anew`]), or replaced by the most careful one; where neither is possible the
//!   row is taken out, and what hangs on it is told to a person.
//! - A stop, and whatever else counts most when it can't be read, is not lifted by mending it or by
//!   taking it out: the careful word takes its place (`own_words.rs`).
//! - An effect is never taken out: its key must stay taken, and it may have gone out. It ends in
//!   *unsettled* if it may have, and a person answers for it; else it is cancelled.
//! - A case is never taken out: if what it is about can't be read it is closed, and a person is told.
//! - What is left satisfies the schema: foreign keys, checks, and a wait for every open case.
//!
//! Not guaranteed: that what is made anew is what stood there. Who needs to know looks into `damaged`.

use relay_core::time::Timestamp;
use relay_store::{Damage, Remedied, Remedy, RemedyOrder, StoreError};
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::consequences;
use crate::damaged_row::{Anew, DamagedRow};
use crate::failure::Failure;
use crate::mended::{PERIODIC, anew};
use crate::own_words::{self, AtOnce};
use crate::scan::{self, Table};
use crate::values::micros;

/// More columns no row has.
const MOST_COLUMNS: usize = 40;

/// Does what is asked, within the caller's transaction.
pub(crate) async fn carry_out(
    conn: &mut SqliteConnection,
    order: &RemedyOrder,
) -> Result<Remedied, Failure> {
    if !order.dry_run {
        return carried_out(conn, order).await;
    }
    // What would be done is what is done and undone.
    sqlx::raw_sql("SAVEPOINT dry_run")
        .execute(&mut *conn)
        .await?;
    let done = carried_out(conn, order).await;
    sqlx::raw_sql("ROLLBACK TO dry_run; RELEASE dry_run")
        .execute(conn)
        .await?;
    done
}

async fn carried_out(
    conn: &mut SqliteConnection,
    order: &RemedyOrder,
) -> Result<Remedied, Failure> {
    let Some(table) = Table::named(&order.damage.table) else {
        return Ok(Remedied::Nothing);
    };
    let damaged = DamagedRow {
        table,
        row: &order.damage.row,
        by: &order.by,
        now: order.now,
    };
    let unreadable = scan::row(conn, table, damaged.row).await?;
    let Some(damage) = unreadable else {
        return Ok(Remedied::Nothing);
    };
    match order.remedy {
        Remedy::SetAside => set_aside(conn, &damage, &order.by, order.now).await,
        Remedy::Discard if !matches!(table.name, "effects" | "cases") => {
            if damage.column == "id" {
                // What refers to it goes or stays with it only as long as it has its own.
                put_anew(conn, damaged, "id").await?;
            }
            take_out(conn, damaged).await?;
            Ok(Remedied::Discarded)
        }
        Remedy::Mend | Remedy::Discard => mend(conn, damaged).await,
    }
}

/// Sets a row aside by its columns.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
pub(crate) async fn set_aside(
    conn: &mut SqliteConnection,
    damage: &Damage,
    by: &str,
    now: Timestamp,
) -> Result<Remedied, Failure> {
    let Some(table) = Table::named(&damage.table) else {
        return Ok(Remedied::Nothing);
    };
    let damaged = DamagedRow {
        table,
        row: &damage.row,
        by,
        now,
    };
    if is_remark(table.name, &damage.column) {
        return remark_gone(conn, damaged).await;
    }
    let change = match table.name {
        // It has its name for a content: made anew it is as good as it was, and nobody is without it.
        "jobs" if is_periodic(conn, damaged).await? => return remark_gone(conn, damaged).await,
        "jobs" => {
            "UPDATE jobs SET state = 'dead', leased_by = NULL, lease_until = NULL,
                 error_class = 'unreadable', error_message = ?3, error_vendor = NULL,
                 deferred_by = NULL, refused = 0, changed_at = ?4
             WHERE seq = CAST(CAST(?1 AS TEXT) AS INTEGER) AND ?2 IS NOT NULL
               AND state NOT IN ('done', 'dead', 'cancelled')"
        }
        "receipts" => {
            "UPDATE receipts SET state = 'quarantined', note = ?3, processed_at = ?4
             WHERE seq = CAST(CAST(?1 AS TEXT) AS INTEGER) AND ?2 IS NOT NULL AND state = 'new'"
        }
        "settings" => {
            return match own_words::at_once(conn, damaged).await? {
                AtOnce::Nothing => Ok(Remedied::Nothing),
                AtOnce::Mend => mend(conn, damaged).await,
                AtOnce::TakeOut => {
                    take_out(conn, damaged).await?;
                    Ok(Remedied::Discarded)
                }
            };
        }
        // What the vendors tell again when they are asked: without the row everybody goes on.
        "pace" | "incidents" | "watched_addresses" | "coaches" => {
            take_out(conn, damaged).await?;
            return Ok(Remedied::Discarded);
        }
        _ => return Ok(Remedied::Nothing),
    };
    let (first, second) = table.values(damaged.row);
    let why = format!("{} can't be read", damage.column);
    let done = sqlx::query(change)
        .bind(first)
        .bind(second)
        .bind(why)
        .bind(micros(now))
        .execute(&mut *conn)
        .await;
    match done.map_err(Failure::from) {
        Ok(done) if done.rows_affected() == 0 => Ok(Remedied::Nothing),
        Ok(_) => {
            note(conn, damaged, "set_aside").await?;
            Ok(Remedied::SetAside)
        }
        // The row does not even bear that.
        Err(failure) if failure.spares_transaction() => {
            take_out(conn, damaged).await?;
            Ok(Remedied::Discarded)
        }
        Err(failure) => Err(failure),
    }
}

/// Whether a job is one that the relay has for itself, by what of it can be read.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
async fn is_periodic(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
) -> Result<bool, Failure> {
    let condition = damaged.table.condition();
    let text = format!(
        "SELECT 1 FROM jobs WHERE {condition} AND (kind IN ({PERIODIC}) OR key IN ({PERIODIC}))"
    );
    let (first, second) = damaged.table.values(damaged.row);
    let found = sqlx::query(AssertSqlSafe(text))
        .bind(first)
        .bind(second)
        .fetch_optional(conn)
        .await?;
    Ok(found.is_some())
}

/// Whether a column only says how a row came to stand as it does: it is not worth stopping for.
fn is_remark(table: &str, column: &str) -> bool {
    match table {
        "jobs" => matches!(
            column,
            "state"
                | "failures"
                | "failing_since"
                | "note"
                | "error_class"
                | "error_message"
                | "error_vendor"
                | "deferred_by"
                | "refused"
                | "leased_by"
                | "lease_until"
                | "changed_at"
        ),
        "receipts" => matches!(column, "note" | "processed_at" | "content_type"),
        _ => false,
    }
}

/// The row goes on without what it said. A job that was just claimed is claimed anew.
async fn remark_gone(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
) -> Result<Remedied, Failure> {
    let done = mend(conn, damaged).await?;
    if let (Remedied::Mended(_), "jobs", Ok(seq)) =
        (&done, damaged.table.name, damaged.row.parse::<i64>())
    {
        sqlx::query!(
            "UPDATE jobs SET state = 'ready', leased_by = NULL, lease_until = NULL
             WHERE seq = ?1 AND state = 'running'",
            seq
        )
        .execute(conn)
        .await?;
    }
    Ok(done)
}

/// Makes every value anew that can't be read.
async fn mend(conn: &mut SqliteConnection, damaged: DamagedRow<'_>) -> Result<Remedied, Failure> {
    let mut columns: Vec<String> = Vec::new();
    keep(conn, damaged, "mended").await?;
    while let Some(damage) = scan::row(conn, damaged.table, damaged.row).await? {
        let again = columns.contains(&damage.column) || columns.len() >= MOST_COLUMNS;
        if again || !put_anew(conn, damaged, &damage.column).await? {
            if matches!(damaged.table.name, "effects" | "cases") {
                let what = format!("{damage}: nothing else says what stood there");
                return Err(StoreError::Driver(what.into()).into());
            }
            take_out(conn, damaged).await?;
            return Ok(Remedied::Discarded);
        }
        columns.push(damage.column);
    }
    consequences::of_mending(conn, damaged, &columns).await?;
    Ok(Remedied::Mended(columns))
}

/// Whether the column has a value again.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
async fn put_anew(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
    column: &str,
) -> Result<bool, Failure> {
    let DamagedRow { table, row, .. } = damaged;
    let now = micros(damaged.now);
    let (set, value) = match anew(conn, damaged, column).await? {
        Anew::Nothing => return Ok(false),
        Anew::By(set) => (set, None),
        Anew::Value(value) => (format!("{column} = ?4"), Some(value)),
    };
    let text = format!(
        "UPDATE {} SET {set} WHERE {} AND (?3 IS NOT NULL OR ?4 IS NOT NULL)",
        table.name,
        table.condition()
    );
    let (first, second) = table.values(row);
    let done = sqlx::query(AssertSqlSafe(text))
        .bind(first)
        .bind(second)
        .bind(now)
        .bind(value)
        .execute(&mut *conn)
        .await;
    match done.map_err(Failure::from) {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(failure) if failure.spares_transaction() => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Takes a row out, with what can't stand without it.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
pub(crate) async fn take_out(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
) -> Result<(), Failure> {
    let DamagedRow { table, row, .. } = damaged;
    keep(conn, damaged, "discarded").await?;
    consequences::before_taking_out(conn, damaged).await?;
    let lost = match table.name {
        "settings" => own_words::lost_with(conn, damaged).await?,
        _ => Vec::new(),
    };
    let text = format!("DELETE FROM {} WHERE {}", table.name, table.condition());
    let (first, second) = table.values(row);
    sqlx::query(AssertSqlSafe(text))
        .bind(first)
        .bind(second)
        .execute(&mut *conn)
        .await?;
    own_words::say_instead(conn, &lost).await
}

/// Keeps a row's bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; every value is bound"
)]
async fn keep(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
    what: &str,
) -> Result<(), Failure> {
    let table = damaged.table;
    let columns = table.columns(conn).await?;
    let stood = columns.iter().map(|column| {
        let column = &column.name;
        format!("'{column}', json_array(typeof({column}), hex(CAST({column} AS BLOB)))")
    });
    let stood: Vec<String> = stood.collect();
    let text = format!(
        "INSERT INTO damaged (at, who, what, table_name, row, columns)
         SELECT ?3, ?4, ?5, ?6, ?7, json_object({}) FROM {} WHERE {}",
        stood.join(", "),
        table.name,
        table.condition()
    );
    let (first, second) = table.values(damaged.row);
    sqlx::query(AssertSqlSafe(text))
        .bind(first)
        .bind(second)
        .bind(micros(damaged.now))
        .bind(damaged.by)
        .bind(what)
        .bind(table.name)
        .bind(damaged.row)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes that a row was set aside; its bytes stay where they are.
async fn note(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
    what: &str,
) -> Result<(), Failure> {
    let (at, table) = (micros(damaged.now), damaged.table.name);
    sqlx::query!(
        "INSERT INTO damaged (at, who, what, table_name, row, columns)
         VALUES (?1, ?2, ?3, ?4, ?5, '{}')",
        at,
        damaged.by,
        what,
        table,
        damaged.row
    )
    .execute(conn)
    .await?;
    Ok(())
}
