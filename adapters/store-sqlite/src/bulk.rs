//! Many webhooks in one statement.
//!
//! A statement costs a walk to the connection's thread and back, which is more than SQLite needs
//! for the row. So the fresh receipts of a group are stored sixteen, eight, four or two at a time;
//! what is left over, and whatever is not fresh, takes the way of a single one.
//!
//! Guarantees: the result is that of storing them one after another, in the order of the group. A
//! statement that any row fails (a duplicate within the group or of an earlier one, a row that the
//! schema forbids) is undone by SQLite as a whole, and its rows are then stored one by one, so that
//! each gets the answer that is its own.
//!
//! Not guaranteed: speed for a flood of duplicates. A portion that holds one costs a statement more
//! than its rows alone.

use relay_core::ids::ReceiptId;
use relay_store::{Receipt, ReceiptState};
use sqlx::SqliteConnection;

use crate::failure::Failure;
use crate::receipts;
use crate::values::micros;

/// What became of each receipt: its original, when it turned out to be a duplicate.
pub(crate) type ReceiptInsert = Result<Option<ReceiptId>, Failure>;

/// The numbers of rows there is a statement for, largest first.
const SIZES: [usize; 4] = [16, 8, 4, 2];

/// The columns of a fresh receipt, as they are bound.
struct Row<'a> {
    id: &'a [u8],
    source: &'a str,
    dedupe_key: &'a str,
    dedupe_forever: bool,
    verified_by: &'a str,
    received_at: i64,
    content_type: Option<&'a str>,
    body: &'a [u8],
}

impl<'a> Row<'a> {
    /// `None` if it is anything but a webhook that has just come in.
    fn of(receipt: &'a Receipt) -> Option<Self> {
        let fresh = receipt.state == ReceiptState::New
            && receipt.duplicate_of.is_none()
            && receipt.note.is_none()
            && receipt.processed_at.is_none();
        fresh.then(|| Self {
            id: receipt.id.0.as_bytes().as_slice(),
            source: &receipt.source,
            dedupe_key: &receipt.dedupe_key,
            dedupe_forever: receipt.dedupe_forever,
            verified_by: &receipt.verified_by,
            received_at: micros(receipt.received_at),
            content_type: receipt.content_type.as_deref(),
            body: &receipt.body,
        })
    }
}

/// Stores receipts, each as if it came alone. The outer error means that the whole transaction is
/// lost.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    receipts: &[&Receipt],
) -> Result<Vec<ReceiptInsert>, sqlx::Error> {
    let mut outcomes = Vec::with_capacity(receipts.len());
    let mut rest = receipts;
    while !rest.is_empty() {
        let size = SIZES.into_iter().find(|size| rest.len() >= *size);
        let (portion, later) = rest.split_at(size.unwrap_or(1));
        rest = later;
        if size.is_some() && together(conn, portion).await? {
            outcomes.extend(portion.iter().map(|_| Ok(None)));
            continue;
        }
        for receipt in portion {
            outcomes.push(alone(conn, receipt).await?);
        }
    }
    Ok(outcomes)
}

/// One receipt. The outer error means that the whole transaction is lost.
async fn alone(
    conn: &mut SqliteConnection,
    receipt: &Receipt,
) -> Result<ReceiptInsert, sqlx::Error> {
    // SQLite undoes a failed statement by itself: a savepoint would double the work.
    match receipts::insert(conn, receipt).await {
        Err(failure) if !failure.spares_transaction() => match failure {
            Failure::Sql(error) => Err(error),
            Failure::Store(error) => Ok(Err(Failure::Store(error))),
        },
        outcome => Ok(outcome),
    }
}

/// Stores a portion by one statement. Whether it was stored; if not, nothing of it was.
async fn together(conn: &mut SqliteConnection, portion: &[&Receipt]) -> Result<bool, sqlx::Error> {
    let rows: Option<Vec<_>> = portion.iter().map(|receipt| Row::of(receipt)).collect();
    let Some(rows) = rows else {
        return Ok(false);
    };
    let stored = match rows.len() {
        16 => sixteen(conn, &exactly(rows)?).await,
        8 => eight(conn, &exactly(rows)?).await,
        4 => four(conn, &exactly(rows)?).await,
        2 => two(conn, &exactly(rows)?).await,
        _ => return Ok(false),
    };
    match stored.map_err(Failure::from) {
        Ok(()) => Ok(true),
        Err(Failure::Sql(error)) if !Failure::spares(&error) => Err(error),
        Err(_) => Ok(false),
    }
}

/// The rows as so many.
fn exactly<const N: usize>(rows: Vec<Row<'_>>) -> Result<[Row<'_>; N], sqlx::Error> {
    let wrong = |rows: Vec<_>| sqlx::Error::Protocol(format!("{} rows are not {N}", rows.len()));
    rows.try_into().map_err(wrong)
}

/// The checked statement for these rows of `$rows`: the macro wants every value by name.
macro_rules! insert_rows {
    ($conn:expr, $rows:expr, [$($at:tt)*], $sql:literal) => {
        sqlx::query!(
            $sql,
            $(
                $rows[$at].id,
                $rows[$at].source,
                $rows[$at].dedupe_key,
                $rows[$at].dedupe_forever,
                $rows[$at].verified_by,
                $rows[$at].received_at,
                $rows[$at].content_type,
                $rows[$at].body,
            )*
        )
        .execute($conn)
        .await
        .map(|_| ())
    };
}

async fn sixteen(conn: &mut SqliteConnection, rows: &[Row<'_>; 16]) -> Result<(), sqlx::Error> {
    insert_rows!(
        conn,
        rows,
        [0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15],
        "INSERT INTO receipts (id, source, dedupe_key, dedupe_forever, verified_by, received_at,
             content_type, body, state)
         VALUES
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new')"
    )
}

async fn eight(conn: &mut SqliteConnection, rows: &[Row<'_>; 8]) -> Result<(), sqlx::Error> {
    insert_rows!(
        conn,
        rows,
        [0 1 2 3 4 5 6 7],
        "INSERT INTO receipts (id, source, dedupe_key, dedupe_forever, verified_by, received_at,
             content_type, body, state)
         VALUES
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new')"
    )
}

async fn four(conn: &mut SqliteConnection, rows: &[Row<'_>; 4]) -> Result<(), sqlx::Error> {
    insert_rows!(
        conn,
        rows,
        [0 1 2 3],
        "INSERT INTO receipts (id, source, dedupe_key, dedupe_forever, verified_by, received_at,
             content_type, body, state)
         VALUES
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new')"
    )
}

async fn two(conn: &mut SqliteConnection, rows: &[Row<'_>; 2]) -> Result<(), sqlx::Error> {
    insert_rows!(
        conn,
        rows,
        [0 1],
        "INSERT INTO receipts (id, source, dedupe_key, dedupe_forever, verified_by, received_at,
             content_type, body, state)
         VALUES
         (?, ?, ?, ?, ?, ?, ?, ?, 'new'),
         (?, ?, ?, ?, ?, ?, ?, ?, 'new')"
    )
}
