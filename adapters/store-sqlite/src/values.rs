//! Between the port's values and SQLite's.
//!
//! Times are kept to the microsecond; what is finer is cut off. Documents are JSON text.

use std::fmt::Display;

use relay_core::time::Timestamp;
use relay_store::{Damage, JobError, Page, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// The largest counter that is believed.
const MOST: i64 = 1 << 53;

/// Microseconds since 1970 UTC.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// JSON text.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Driver(Box::new(error)))
}

/// JSON text of what may be missing.
pub(crate) fn maybe_json<T: Serialize>(value: Option<&T>) -> Result<Option<String>, StoreError> {
    value.map(json).transpose()
}

/// A counter as SQLite's only integer.
pub(crate) fn integer(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|error| StoreError::Driver(Box::new(error)))
}

/// `LIMIT` and `OFFSET`.
pub(crate) fn bounds(page: Page) -> (i64, i64) {
    (i64::from(page.limit), i64::from(page.offset))
}

/// Class, message and vendor of an error.
pub(crate) fn error_columns(
    error: Option<&JobError>,
) -> (Option<&str>, Option<&str>, Option<&str>) {
    (
        error.map(|error| error.class.as_str()),
        error.map(|error| error.message.as_str()),
        error.and_then(|error| error.vendor.as_deref()),
    )
}

/// The error in its three columns.
pub(crate) fn job_error(
    class: Option<String>,
    message: Option<String>,
    vendor: Option<String>,
) -> Option<JobError> {
    Some(JobError {
        class: class?,
        message: message?,
        vendor,
    })
}

/// The name of a row while its columns are read, so that an unreadable one can be found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowName<I> {
    table: &'static str,
    id: I,
}

impl<I: Display> RowName<I> {
    /// A row of `table`: by its `seq`, or by its key where it has none.
    pub(crate) fn new(table: &'static str, id: I) -> Self {
        Self { table, id }
    }

    /// The row can't be read because of this column.
    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt(Damage {
            table: self.table.to_owned(),
            row: self.id.to_string(),
            column: column.to_owned(),
        })
    }

    /// What a stored word means, if anything.
    pub(crate) fn word<T>(
        &self,
        column: &'static str,
        meaning: Option<T>,
    ) -> Result<T, StoreError> {
        meaning.ok_or_else(|| self.corrupt(column))
    }

    /// An instant.
    pub(crate) fn time(&self, column: &'static str, micros: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(micros).map_err(|_| self.corrupt(column))
    }

    /// An instant that may be missing.
    pub(crate) fn maybe_time(
        &self,
        column: &'static str,
        micros: Option<i64>,
    ) -> Result<Option<Timestamp>, StoreError> {
        micros.map(|micros| self.time(column, micros)).transpose()
    }

    /// An id of ours.
    pub(crate) fn uuid(&self, column: &'static str, bytes: &[u8]) -> Result<Uuid, StoreError> {
        Uuid::from_slice(bytes).map_err(|_| self.corrupt(column))
    }

    /// An id of ours that may be missing.
    pub(crate) fn maybe_uuid(
        &self,
        column: &'static str,
        bytes: Option<&[u8]>,
    ) -> Result<Option<Uuid>, StoreError> {
        bytes.map(|bytes| self.uuid(column, bytes)).transpose()
    }

    /// A document.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|_| self.corrupt(column))
    }

    /// A document that may be missing.
    pub(crate) fn maybe_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.json(column, text)).transpose()
    }

    /// A counter.
    pub(crate) fn number<T: TryFrom<i64>>(
        &self,
        column: &'static str,
        value: i64,
    ) -> Result<T, StoreError> {
        // None gets near it by counting, and one more must still be a number.
        if value > MOST {
            return Err(self.corrupt(column));
        }
        T::try_from(value).map_err(|_| self.corrupt(column))
    }
}
