//! A file of check-ins, as deliveries of the list: what it says is read the way a webhook is.

use relay_check_ins::{Row, csv, webhook};
use relay_core::ids::CoachId;
use relay_core::time::Timestamp;

use super::path::SOURCE;

/// The largest file, in bytes.
pub const MAX_FILE: usize = csv::MAX_FILE;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListFile {
    /// Its sender's name.
    pub source: &'static str,
    /// How many rows it has.
    pub rows: usize,
    /// How many of the clients that it tells of have no email address in it.
    pub without_address: usize,
    /// What it says, as webhooks would.
    pub bodies: Vec<Vec<u8>>,
}

/// Reads a CSV file.
///
/// # Errors
/// Every mistake in it, a line each with the number of the line and what to do about it. No cell is quoted.
pub fn list_file(text: &[u8]) -> Result<ListFile, String> {
    list_file_of(text, None, |_| true)
}

/// Reads a CSV file that says how the list was at `as_of`; without, how it is now. Every coach in it must be one that
/// `is_known`.
///
/// # Errors
/// As [`list_file`].
pub fn list_file_of(
    text: &[u8],
    as_of: Option<Timestamp>,
    is_known: impl Fn(&CoachId) -> bool,
) -> Result<ListFile, String> {
    let rows: Vec<Row> = csv::read_of(text, is_known).map_err(|error| error.to_string())?;
    let abouts = || rows.iter().filter_map(|row| row.about.as_ref());
    Ok(ListFile {
        source: SOURCE,
        rows: rows.len(),
        without_address: abouts().filter(|about| about.email.is_none()).count(),
        // Without a time of their own where nobody gave one, so that the same file again is known while it is not
        // read yet.
        bodies: webhook::write_all(&rows, as_of),
    })
}
