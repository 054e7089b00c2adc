//! The rows that a statement finds, each read by itself.
//!
//! A byte that changed on the disk can make a value unreadable: text that is no UTF-8, a document that
//! is none, a word nobody knows, a moment that is no moment. The driver's own way of reading rows fails
//! as a whole then, and says neither which row nor, mostly, which column. Here each row fails alone:
//!
//! - what is *decided* on asks for [`Rows::all`] or [`Rows::one`]: the first row that can't be read is
//!   the answer, by table, row and column, and never by its value;
//! - what is *listed* asks for [`Rows::readable`]: the rest, and what could not be read.

use std::marker::PhantomData;

use relay_store::{Damage, StoreError};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Encode, FromRow, Row as _, Sqlite, Type};

use crate::failure::Failure;

/// A row of a table, as its columns are stored.
pub(crate) trait Stored: for<'r> FromRow<'r, SqliteRow> {
    /// The table.
    const TABLE: &'static str;
    /// The column that rows are named by: `seq`, or the key where there is none.
    const NAME: &'static str = "seq";
    /// What it means.
    type Value;

    /// The row, read.
    fn read(self) -> Result<Self::Value, StoreError>;
}

/// What was listed, and what could not be read.
#[derive(Debug)]
pub(crate) struct ListedRows<T> {
    pub(crate) found: Vec<T>,
    pub(crate) damage: Vec<Damage>,
}

/// What a statement found.
#[derive(Debug)]
pub(crate) struct Rows<R> {
    rows: Vec<SqliteRow>,
    of: PhantomData<R>,
}

impl<R: Stored> Rows<R> {
    /// Use [`rows!`], which has the statement checked.
    pub(crate) fn new(rows: Vec<SqliteRow>) -> Self {
        let of = PhantomData;
        Self { rows, of }
    }

    /// Every row; the first that can't be read is the failure.
    pub(crate) fn all(self) -> Result<Vec<R::Value>, Failure> {
        self.each().collect::<Result<_, _>>().map_err(Failure::from)
    }

    /// The only row, if there is one.
    pub(crate) fn one(self) -> Result<Option<R::Value>, Failure> {
        self.each().next().transpose().map_err(Failure::from)
    }

    /// The rows that can be read, and what can't.
    pub(crate) fn readable(self) -> Result<ListedRows<R::Value>, Failure> {
        let mut listed = ListedRows {
            found: Vec::with_capacity(self.rows.len()),
            damage: Vec::new(),
        };
        for read in self.each() {
            match read {
                Ok(value) => listed.found.push(value),
                Err(StoreError::Corrupt(damage)) => listed.damage.push(damage),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(listed)
    }

    /// Each with its own answer.
    pub(crate) fn each(&self) -> impl Iterator<Item = Result<R::Value, StoreError>> + '_ {
        self.rows.iter().map(read::<R>)
    }
}

/// A row, read.
pub(crate) fn read<R: Stored>(row: &SqliteRow) -> Result<R::Value, StoreError> {
    match R::from_row(row) {
        Ok(columns) => columns.read(),
        Err(sqlx::Error::ColumnDecode { index, .. }) => Err(StoreError::Corrupt(Damage {
            table: R::TABLE.to_owned(),
            row: name(row, R::NAME),
            column: column(&index),
        })),
        Err(error) => Err(StoreError::Driver(Box::new(error))),
    }
}

/// What a row is called: its number, or its key; a key that is no text in SQLite's spelling of bytes.
fn name(row: &SqliteRow, by: &str) -> String {
    if let Ok(number) = row.try_get::<i64, _>(by) {
        return number.to_string();
    }
    let bytes: Vec<u8> = row.try_get_unchecked(by).unwrap_or_default();
    named(bytes)
}

/// A key as people write it.
pub(crate) fn named(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let hex = |byte: &u8| format!("{byte:02x}");
        let hex: String = error.as_bytes().iter().map(hex).collect();
        format!("x'{hex}'")
    })
}

/// The column's name, out of the driver's spelling of it.
fn column(index: &str) -> String {
    let plain = index.trim_matches('"');
    let end = plain.find(['!', '?', ':']).unwrap_or(plain.len());
    plain.get(..end).unwrap_or(plain).to_owned()
}

/// The values with one more.
pub(crate) fn with<'v, T>(mut values: SqliteArguments, value: T) -> Result<SqliteArguments, Failure>
where
    T: Encode<'v, Sqlite> + Type<Sqlite>,
{
    values.add(value).map_err(StoreError::Driver)?;
    Ok(values)
}

/// Asks for rows: the connection, the rows' type, the text, its values.
macro_rules! rows {
    // What a change returns has no types of its own that could be checked.
    (returning $conn:expr, $row:ty, $sql:literal $(, $value:expr)* $(,)?) => {{
        let _ = || sqlx::query!($sql $(, $value)*);
        rows!(@ask $conn, $row, $sql $(, $value)*)
    }};
    (@ask $conn:expr, $row:ty, $sql:literal $(, $value:expr)*) => {
        {
            let values = sqlx::sqlite::SqliteArguments::default();
            $(let values = $crate::rows::with(values, &$value)?;)*
            sqlx::query_with($sql, values)
                .fetch_all(&mut *$conn)
                .await
                .map($crate::rows::Rows::<$row>::new)
                .map_err($crate::failure::Failure::from)
        }
    };
    ($conn:expr, $row:ty, $sql:literal $(, $value:expr)* $(,)?) => {{
        // Never run: this is what has the statement checked.
        let _ = || sqlx::query_as!($row, $sql $(, $value)*);
        rows!(@ask $conn, $row, $sql $(, $value)*)
    }};
}
pub(crate) use rows;
