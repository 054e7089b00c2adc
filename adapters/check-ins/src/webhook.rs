//! A delivery of changed rows to us.
//!
//! **People.** The developer whose program sends what changed in the clinic's list, and who needs a
//! refusal that names the fault; anybody on the internet, who may post here too.
//!
//! **Rules.** Nothing in a body is believed before [`KeyRing::verify`] has passed the raw bytes
//! ([Standard Webhooks](https://www.standardwebhooks.com), symmetric scheme `v1`). Reading comes later
//! ([`read`]), from the stored bytes. A row that can't be read, and rows that contradict each other, are
//! left out and told; the others are read, for a list with one slip in it must not keep the relay from
//! hearing that the rest has checked in.
//!
//! Members are as in a file. Ids may be numbers, yes and no may be `true` and `false`, `null` is as
//! absent. Members with other names are ignored, as in the portal's contract, but for those that
//! resemble one of ours: `submitted_at` in place of `submitted` would make her who has checked in one who
//! has not.
//!
//! **Not guaranteed.** That a delivery comes only once, in order, or at all: the `webhook-id` tells a
//! repeat, [`Delivery::made_at`] the order; a list that is sent whole once a day tells what never came.

use std::collections::BTreeSet;
use std::fmt;

use relay_core::ids::ClientId;
use relay_core::outside;
use relay_core::time::{TimeZone, Timestamp};
use serde_json::{Map, Value};
use thiserror::Error;

pub use relay_http_client::standard_webhooks::{
    Delivery as Signed, KeyError, KeyRing, MAX_BODY, MAX_KEYS, TOLERANCE, VerifyError, WebhookKey,
};

use crate::cells::{self, Author, Cells, Fault};
use crate::columns::Column;
use crate::row::Row;
use crate::together::{Contradiction, contradictions};

/// The most rows of one delivery.
pub const MAX_ROWS: usize = 1_000;

/// What a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// When the list was as it says; `None` if not told.
    pub made_at: Option<Timestamp>,
    /// The rows that changed, or all of them.
    pub rows: Vec<Row>,
    /// What is wrong with those that were left out.
    pub left_out: Vec<RowFault>,
    /// Whom those are about, as far as that can be read: what is known of them may be old.
    pub unread: BTreeSet<ClientId>,
}

impl Delivery {
    /// Why rows were left out, in a line; `None` where all were read.
    pub fn faults(&self) -> Option<String> {
        let (first, more) = self.left_out.split_first()?;
        Some(match more.len() {
            0 => first.to_string(),
            more => format!("{first} (and {more} more)"),
        })
    }
}

/// Why a delivery can't be read. Names rows and members, never their values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Not a JSON object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// No rows at all.
    #[error("the body has no list `rows`")]
    NoRows,
    /// More rows than are read.
    #[error("`rows` has {0} entries; send at most 1000 at once")]
    TooManyRows(usize),
    /// A time that is none.
    #[error("`made_at` is not a time with offset, such as 2026-11-03T09:00:00-07:00")]
    MadeAt,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// Which, counted from one.
    pub row: usize,
    /// The member; `None` where it is the row itself.
    pub member: Option<Column>,
    /// What is wrong with it.
    pub what: String,
    /// What to do.
    pub remedy: &'static str,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(member) = self.member {
            write!(f, ", `{member}`")?;
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

/// Reads the body of a verified delivery. Never panics, whatever the bytes.
pub fn read(body: &[u8]) -> Result<Delivery, ReadError> {
    // A byte order mark, which some tools put before a body, says nothing; no reader of JSON takes it.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body: Value = serde_json::from_slice(body).map_err(|_| ReadError::NotAnObject)?;
    let body = body.as_object().ok_or(ReadError::NotAnObject)?;
    let told = body.get("rows").and_then(Value::as_array);
    let told = told.ok_or(ReadError::NoRows)?;
    if told.len() > MAX_ROWS {
        return Err(ReadError::TooManyRows(told.len()));
    }
    let made_at = made_at(body.get("made_at"))?;
    let mut rows = Vec::with_capacity(told.len());
    let mut left_out = Vec::new();
    let mut unread = BTreeSet::new();
    for (index, value) in told.iter().enumerate() {
        match row(value) {
            Ok(row) => rows.push((index, row)),
            Err(found) => {
                unread.extend(client_of(value));
                left_out.extend(found.into_iter().map(|fault| RowFault {
                    row: index + 1,
                    ..fault
                }));
            }
        }
    }
    let contradicting = contradictions(rows.iter().map(|(_, row)| row));
    let place = |row: usize| rows.get(row).map_or(0, |(index, _)| index + 1);
    left_out.extend(
        contradicting
            .iter()
            .map(|found| contradiction(found, place)),
    );
    let neither: BTreeSet<usize> = contradicting
        .iter()
        .flat_map(|found| [found.first, found.second])
        .collect();
    let of_neither = neither.iter().filter_map(|row| rows.get(*row));
    unread.extend(of_neither.map(|(_, row)| row.client.clone()));
    let rows = rows.into_iter().enumerate();
    let rows = rows.filter(|(row, _)| !neither.contains(row));
    Ok(Delivery {
        made_at,
        rows: rows.map(|(_, (_, row))| row).collect(),
        left_out,
        unread,
    })
}

/// Whom a row is about that can't be read otherwise.
fn client_of(value: &Value) -> Option<ClientId> {
    let mut cells = Cells::default();
    cells.set(Column::Client, &cell(Column::Client, value.get("client")?)?);
    let row = cells::row(&cells, Author::Away).ok()?;
    Some(row.client)
}

fn made_at(value: Option<&Value>) -> Result<Option<Timestamp>, ReadError> {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let instant = value.as_str().and_then(|text| text.trim().parse().ok());
    let instant: Timestamp = instant.ok_or(ReadError::MadeAt)?;
    let day = TimeZone::UTC.to_datetime(instant).date();
    // A year that nobody lives in would make every later delivery an earlier one.
    let plausible = outside::is_plausible(day).then_some(instant);
    plausible.map(Some).ok_or(ReadError::MadeAt)
}

fn fault(member: Option<Column>, what: &str, remedy: &'static str) -> RowFault {
    RowFault {
        row: 0,
        member,
        what: what.to_owned(),
        remedy,
    }
}

/// Which of two rows is right is not ours to say: neither is read.
fn contradiction(found: &Contradiction, place: impl Fn(usize) -> usize) -> RowFault {
    let what = format!(
        "says otherwise than row {} of the same {}",
        place(found.first),
        found.subject
    );
    RowFault {
        row: place(found.second),
        ..fault(Some(found.column), &what, Contradiction::REMEDY)
    }
}

fn row(value: &Value) -> Result<Row, Vec<RowFault>> {
    let Some(members) = value.as_object() else {
        let remedy = "write it as an object with the member `client`";
        return Err(vec![fault(None, "is no object", remedy)]);
    };
    let mut faults = Vec::new();
    let mut cells = Cells::default();
    for (name, value) in members {
        let own = Column::ALL.into_iter().find(|own| own.name() == name);
        match own {
            Some(column) => match cell(column, value) {
                Some(text) => cells.set(column, &text),
                None => faults.push(fault(
                    Some(column),
                    "is of another type than it can be",
                    "write it as text; ids may be whole numbers, yes and no may be true and false",
                )),
            },
            None => faults.extend(Column::resembled(name).map(|meant| {
                fault(
                    Some(meant),
                    "stands under a name that resembles it",
                    "spell it like this, or give a member of another meaning another name",
                )
            })),
        }
    }
    let read = cells::row(&cells, Author::Away);
    match read {
        Ok(row) if faults.is_empty() => Ok(row),
        Ok(_) => Err(faults),
        Err(found) => {
            // A member that has a fault already is not missing as well.
            let known: Vec<Option<Column>> = faults.iter().map(|fault| fault.member).collect();
            let new = found
                .into_iter()
                .filter(|fault| !known.contains(&Some(fault.column)));
            faults.extend(new.map(
                |Fault {
                     column,
                     what,
                     remedy,
                 }| fault(Some(column), what, remedy),
            ));
            Err(faults)
        }
    }
}

/// A member as a cell of a file would have it; `None` where it can't be one.
fn cell(column: Column, value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        Value::Bool(flag)
            if matches!(
                column,
                Column::Minor | Column::Submitted | Column::Withdrawn
            ) =>
        {
            Some(if *flag { "yes" } else { "no" }.to_owned())
        }
        Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The body that says these rows: what an import stores, so that a file is read the way a webhook is. More
/// than [`MAX_ROWS`] are not read again; [`write_all`] makes several bodies of them.
pub fn write(rows: &[Row], made_at: Option<Timestamp>) -> Vec<u8> {
    body(rows.iter().map(written), made_at)
}

/// The bodies that say these rows, in their order: each no larger than a delivery may be.
pub fn write_all(rows: &[Row], made_at: Option<Timestamp>) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let mut waiting: Vec<Value> = Vec::new();
    // Room for what stands around the rows.
    let most = MAX_BODY - 100;
    let mut size = 0;
    for row in rows {
        let row = written(row);
        let length = row.to_string().len() + 1;
        if waiting.len() == MAX_ROWS || (size + length > most && !waiting.is_empty()) {
            bodies.push(body(waiting.drain(..), made_at));
            size = 0;
        }
        size += length;
        waiting.push(row);
    }
    if !waiting.is_empty() {
        bodies.push(body(waiting.drain(..), made_at));
    }
    bodies
}

fn body(rows: impl Iterator<Item = Value>, made_at: Option<Timestamp>) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("rows".to_owned(), rows.collect());
    if let Some(made_at) = made_at {
        body.insert("made_at".to_owned(), made_at.to_string().into());
    }
    Value::Object(body).to_string().into_bytes()
}

/// A row as a member of `rows`.
fn written(row: &Row) -> Value {
    let cells = Cells::of(row);
    let told = Column::ALL
        .into_iter()
        .filter_map(|column| Some((column, cells.get(column)?)));
    let members: Map<String, Value> = told
        .map(|(column, text)| {
            let value = match (column, text) {
                (Column::Minor | Column::Submitted | Column::Withdrawn, "yes") => true.into(),
                (Column::Minor, "no") => false.into(),
                _ => text.into(),
            };
            (column.name().to_owned(), value)
        })
        .collect();
    Value::Object(members)
}
