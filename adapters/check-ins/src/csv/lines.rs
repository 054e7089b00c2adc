//! The lines of a file, each with its number.
//!
//! The parser counts line feeds alone, from before the empty lines that it passes over, and takes a
//! quotation mark that nobody closes for the rest of the file. So numbers are counted here, and a line
//! with an odd number of marks is told.

use csv::{ReaderBuilder, StringRecord};

/// A line, with the lines that its quoted cells go on in.
#[derive(Debug)]
pub(super) struct Line {
    /// The line it begins in.
    pub(super) number: u64,
    /// Its cells.
    pub(super) cells: Vec<String>,
    /// Whether a quotation mark in it is left open; then it goes to the end of the file.
    pub(super) is_torn: bool,
}

impl Line {
    /// Whether nothing stands in any cell.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_torn && self.cells.iter().all(|cell| cell.trim().is_empty())
    }
}

/// The lines of a text.
pub(super) struct Lines<'t> {
    text: &'t str,
    reader: csv::Reader<&'t [u8]>,
    /// Up to where lines were counted, and the number of the line there.
    counted: (usize, u64),
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str, separator: u8) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(text.as_bytes());
        Self {
            text,
            reader,
            counted: (0, 1),
        }
    }

    /// The number of the line at this place, which is not before the last one asked for.
    fn number_at(&mut self, place: usize) -> u64 {
        let (from, number) = self.counted;
        let passed = self.text.get(from..place).unwrap_or_default();
        let number = number + line_ends(passed.as_bytes());
        self.counted = (place.max(from), number);
        number
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let place =
            |position: &csv::Position| usize::try_from(position.byte()).unwrap_or(usize::MAX);
        let begun = place(self.reader.position());
        let mut record = StringRecord::new();
        // Text in memory, of any number of cells: there is no other error than its end.
        if !self.reader.read_record(&mut record).unwrap_or(false) {
            return None;
        }
        let end = place(self.reader.position());
        let whole = self.text.get(begun..end).unwrap_or_default();
        let empty = whole.len() - whole.trim_start_matches(['\n', '\r']).len();
        Some(Line {
            number: self.number_at(begun + empty),
            cells: record.iter().map(str::to_owned).collect(),
            is_torn: whole.matches('"').count() % 2 == 1,
        })
    }
}

/// The number of the line that begins or goes on after this text.
pub(super) fn number_after(text: &[u8]) -> u64 {
    line_ends(text) + 1
}

/// How often a line ends: by a line feed, a carriage return, or both.
fn line_ends(text: &[u8]) -> u64 {
    let mut ends = 0;
    let mut before = 0;
    for byte in text {
        let both = *byte == b'\n' && before == b'\r';
        if matches!(byte, b'\n' | b'\r') && !both {
            ends += 1;
        }
        before = *byte;
    }
    ends
}
