//! A file of check-ins, as deliveries of the list: what it says is read the way a webhook is.

use relay_check_ins::{Row, csv, webhook};

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
    /// What it says, as webhooks would.
    pub bodies: Vec<Vec<u8>>,
}

/// Reads a CSV file.
///
/// # Errors
/// Every mistake in it, a line each with the number of the line and what to do about it. No cell is quoted.
pub fn list_file(text: &[u8]) -> Result<ListFile, String> {
    let rows: Vec<Row> = csv::read(text).map_err(|error| error.to_string())?;
    Ok(ListFile {
        source: SOURCE,
        rows: rows.len(),
        // Without a time of their own, so that the same file again is known while it is not read yet.
        bodies: webhook::write_all(&rows, None),
    })
}
