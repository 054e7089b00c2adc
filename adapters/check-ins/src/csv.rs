//! A file of rows.
//!
//! **People.** Whoever exports the clinic's list from a spreadsheet, without knowing what an encoding or a
//! separator is, and corrects the list by what is said here.
//!
//! **Rules.**
//! - Comma, semicolon or tab, whichever makes the first line a header of ours; UTF-8 with or without a byte
//!   order mark; any line ends. Lines with empty cells only say nothing.
//! - A file is read whole or not at all, and everything that is wrong is told at once, by line and column
//!   (after a thousand things reading ends); only a header that is wrong is told alone, because it makes
//!   every line wrong.
//! - A column that is none of ours is an error: it could be a misspelt one, and what stands in it lost.
//! - A line with fewer cells than the header is an error: a file that was cut off ends with one.
//! - No error quotes a cell, or a head that is not nearly one of ours: a file without a header begins with
//!   a client.
//!
//! **Guarantees.** [`read`] is total. **Not guaranteed**: that a file is the whole list.

mod lines;

use std::fmt;

use relay_core::ids::CoachId;

use crate::cells::{self, Author, Cells, Fault};
use crate::columns::{Column, names};
use crate::row::Row;
use crate::together::{Contradiction, contradictions};
use lines::{Line, Lines};

/// The largest file that is read: 16 MiB, about a hundred thousand rows.
pub const MAX_FILE: usize = 16 * 1024 * 1024;

/// After so many faults reading ends: a file this wrong is another file.
const MOST_FAULTS: usize = 1_000;

/// The most columns of a header.
const MOST_COLUMNS: usize = 200;

/// What may separate the cells of a line.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// Each thing; at least one.
    pub faults: Vec<FileFault>,
}

/// Something that is wrong with a file. Quotes nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// The line, counted from one.
    pub line: u64,
    /// The column, by its name or its number; `None` where it is the whole line.
    pub column: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl FileFault {
    fn new(line: u64, column: Option<String>, what: &str, remedy: &str) -> Self {
        Self {
            line,
            column,
            what: what.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for FileError {}

impl From<FileFault> for FileError {
    fn from(fault: FileFault) -> Self {
        Self {
            faults: vec![fault],
        }
    }
}

/// Reads a file. Never panics, whatever the bytes.
pub fn read(text: &[u8]) -> Result<Vec<Row>, FileError> {
    read_of(text, |_| true)
}

/// The same, where every coach whom it names must be one whom the clinic has named (`is_known`).
pub fn read_of(text: &[u8], is_known: impl Fn(&CoachId) -> bool) -> Result<Vec<Row>, FileError> {
    let text = decoded(text)?;
    let separator = separator(text);
    let mut lines = Lines::new(text, separator);
    let head = lines.find(|line| !line.is_empty());
    let Some(head) = head else {
        let remedy = "export it with a header line and a line for each row";
        return Err(FileFault::new(1, None, "is empty", remedy).into());
    };
    let columns = columns(&head)?;
    let mut rows = Vec::new();
    let mut faults = Vec::new();
    let mut seen = 0;
    for line in lines.filter(|line| !line.is_empty()) {
        seen += 1;
        match row(&line, &columns, separator) {
            Ok(row) => {
                let coach = row.about.as_ref().and_then(|about| about.coach.as_ref());
                if coach.is_some_and(|coach| !is_known(coach)) {
                    faults.push(stranger(line.number));
                }
                rows.push((line.number, row));
            }
            Err(found) => faults.extend(found),
        }
        if line.is_torn {
            break;
        }
        if faults.len() >= MOST_FAULTS {
            let remedy = "correct those above first, or see whether this is the right file";
            faults.push(FileFault::new(
                line.number,
                None,
                "ends what is read",
                remedy,
            ));
            return Err(FileError { faults });
        }
    }
    if seen == 0 {
        let what = "has a header and no row below it";
        let remedy = "export the list with its rows";
        return Err(FileFault::new(head.number, None, what, remedy).into());
    }
    for found in contradictions(rows.iter().map(|(_, row)| row)) {
        let place = |index: usize| rows.get(index).map_or(0, |(line, _)| *line);
        let what = format!(
            "says otherwise than line {} of the same {}",
            place(found.first),
            found.subject
        );
        faults.push(FileFault::new(
            place(found.second),
            Some(found.column.to_string()),
            &what,
            Contradiction::REMEDY,
        ));
    }
    if faults.is_empty() {
        return Ok(rows.into_iter().map(|(_, row)| row).collect());
    }
    faults.sort_by_key(|fault| fault.line);
    Err(FileError { faults })
}

/// A row names a coach of whom neither name nor address is known.
fn stranger(line: u64) -> FileFault {
    FileFault::new(
        line,
        Some("coach".to_owned()),
        "names a coach whom the configuration does not",
        "write an id that stands under [check_ins.coaches], or add the coach there",
    )
}

/// The file as text.
fn decoded(text: &[u8]) -> Result<&str, FileError> {
    if text.len() > MAX_FILE {
        let remedy = "leave out check-ins of long ago, or split it into several files";
        return Err(FileFault::new(1, None, "the file is larger than 16 MiB", remedy).into());
    }
    let remedy = "save it again as \"CSV UTF-8 (comma delimited)\"";
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Err(FileFault::new(1, None, "the file is in UTF-16", remedy).into());
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    std::str::from_utf8(text).map_err(|error| {
        let (before, _) = text.split_at(error.valid_up_to());
        let what = "holds a letter in another encoding than UTF-8, mostly Windows-1252";
        FileFault::new(lines::number_after(before), None, what, remedy).into()
    })
}

/// What separates the cells: that by which the first line names most of our columns.
fn separator(text: &str) -> u8 {
    let known = |separator: &u8| {
        let head = Lines::new(text, *separator).find(|line| !line.is_empty());
        let heads = head.map(|line| line.cells).unwrap_or_default();
        let known = heads.iter().filter(|head| Column::headed(head).is_some());
        (known.count(), heads.len())
    };
    // The last of several best ones would win.
    let best = SEPARATORS.into_iter().rev().max_by_key(known);
    best.unwrap_or(b',')
}

/// The columns that the header names; `None` for one without a name.
fn columns(head: &Line) -> Result<Vec<Option<Column>>, FileError> {
    let columns: Vec<Option<Column>> = head.cells.iter().map(|cell| Column::headed(cell)).collect();
    if columns.iter().all(Option::is_none) {
        let what = "is no header: it names none of the columns";
        let remedy = format!("begin the file with a line of names, of these: {}", names());
        return Err(FileFault::new(head.number, None, what, &remedy).into());
    }
    if columns.len() > MOST_COLUMNS {
        let remedy = "leave out the columns that are none of ours";
        return Err(FileFault::new(head.number, None, "has more than 200 columns", remedy).into());
    }
    let mut faults = Vec::new();
    for (index, cell) in head.cells.iter().enumerate() {
        let Some(column) = columns[index] else {
            if !cell.trim().is_empty() {
                faults.push(unknown(head.number, index, cell));
            }
            continue;
        };
        if columns[..index].contains(&Some(column)) {
            let remedy = "keep one of them";
            let named = Some(column.to_string());
            faults.push(FileFault::new(head.number, named, "is there twice", remedy));
        }
    }
    if !columns.contains(&Some(Column::Client)) {
        let named = Some(Column::Client.to_string());
        let remedy = "add it: an id of the clinic's own for each client";
        faults.push(FileFault::new(head.number, named, "is missing", remedy));
    }
    if faults.is_empty() {
        return Ok(columns);
    }
    Err(FileError { faults })
}

/// A column that is none of ours.
fn unknown(line: u64, index: usize, head: &str) -> FileFault {
    let what = "has a name that is none of ours";
    let remedy = match Column::resembled(head) {
        Some(column) => format!("the nearest is `{column}`: call it so, or take the column out"),
        None => format!("take the column out, or give it one of these: {}", names()),
    };
    FileFault::new(line, Some(place(index)), what, &remedy)
}

/// A column without a name of ours, as a spreadsheet shows it.
fn place(index: usize) -> String {
    let letter = u8::try_from(index).ok().filter(|index| *index < 26);
    match letter {
        Some(index) => format!("{} ({})", index + 1, char::from(b'A' + index)),
        None => (index + 1).to_string(),
    }
}

fn row(line: &Line, columns: &[Option<Column>], separator: u8) -> Result<Row, Vec<FileFault>> {
    let whole = |what: &str, remedy: &str| vec![FileFault::new(line.number, None, what, remedy)];
    if line.is_torn {
        let remedy =
            "end the quotation mark that begins in this line; inside a value write it twice";
        return Err(whole("has a quotation mark without its partner", remedy));
    }
    if line.cells.len() < columns.len() {
        let what = "has fewer cells than the header";
        return Err(whole(
            what,
            "complete it; if it is the last line, export the file again",
        ));
    }
    let mut faults = Vec::new();
    let mut cells = Cells::default();
    for (index, cell) in line.cells.iter().enumerate() {
        let column = columns.get(index).copied().flatten();
        let named = column.map_or_else(|| place(index), |column| column.to_string());
        // A quotation mark that is closed lines later has other lines in between.
        if cell.contains(['\n', '\r']) && cell.contains(char::from(separator)) {
            let what = "holds a line end and a separator: other lines may have slipped into it";
            let remedy = "write the value on one line, and look for a quotation mark too many";
            faults.push(FileFault::new(line.number, Some(named), what, remedy));
            continue;
        }
        match column {
            Some(column) => cells.set(column, cell),
            None if cell.trim().is_empty() => {}
            None => {
                let what = "has a value, but no name in the header";
                let remedy =
                    "name the column, or put quotation marks around a value with separators";
                faults.push(FileFault::new(line.number, Some(named), what, remedy));
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    cells::row(&cells, Author::Present).map_err(|found| {
        let told = found.into_iter().map(
            |Fault {
                 column,
                 what,
                 remedy,
             }| { FileFault::new(line.number, Some(column.to_string()), what, remedy) },
        );
        told.collect()
    })
}
