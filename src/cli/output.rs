//! The one place that writes to the terminal.
//!
//! Everything that is shown is given twice: as JSON for programs (`--json`, one document, times in
//! UTC) and as text for people (times on the clinic's clock).
//!
//! Text for people is made plain ([`plain`]): what a vendor sent must not be able to move the
//! cursor of an admin's terminal, to turn a line around, or to hide a letter. Cells of a table are
//! cut ([`CELL`]): one long id must not make every row wider than the screen. Whoever needs the
//! whole value finds it in `show` and in `--json`.

use std::fmt::Write as _;
use std::io::{self, Write};

use relay_core::time::{TimeZone, Timestamp};

/// Where a command's result goes.
pub struct Output<'a> {
    to: &'a mut (dyn Write + Send),
    json: bool,
    zone: TimeZone,
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

impl<'a> Output<'a> {
    /// Writes to `to`; as JSON if `json`.
    pub fn new(to: &'a mut (dyn Write + Send), json: bool) -> Self {
        Self {
            to,
            json,
            zone: TimeZone::UTC,
        }
    }

    /// Shows times to people on this clock from now on.
    pub fn set_zone(&mut self, zone: TimeZone) {
        self.zone = zone;
    }

    /// The clock on which times are shown.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether a program reads it.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A time for people: the clinic's date and minute.
    pub fn time(&self, at: Timestamp) -> String {
        let local = self.zone.to_datetime(at);
        local.strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Writes a line for people while a command is under way. Programs get the result only.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        self.write(&plain(line))
    }

    /// Writes a result: the document for programs, or the text for people.
    ///
    /// A reader that has closed the pipe has seen enough; that is no error.
    pub fn emit(&mut self, json: &serde_json::Value, human: &str) -> io::Result<()> {
        let text = if self.json {
            format!("{json:#}")
        } else {
            plain(human)
        };
        self.write(text.trim_end())
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match writeln!(self.to, "{text}").and_then(|()| self.to.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// Text as a terminal may have it: control characters but the line feed, and letters that are
/// invisible or change the direction of others, are replaced by a mark.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' => '\n',
            '\t' => ' ',
            letter if letter.is_control() || is_unseen(letter) => '\u{fffd}',
            letter => letter,
        })
        .collect()
}

/// Whether a letter takes no room: zero-width letters, marks of direction, tags, fillers.
fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Letters of a cell that is not the last of its row: an id of ours fits.
const CELL: usize = 40;
/// Letters of the last cell.
const LAST_CELL: usize = 240;

/// A cell that is one line of at most `most` letters; one that is cut ends in `…`.
fn cell(text: &str, most: usize) -> String {
    let mut letters = text.chars().map(|letter| match letter {
        '\n' => ' ',
        letter => letter,
    });
    let kept: String = letters.by_ref().take(most).collect();
    if letters.next().is_none() {
        return kept;
    }
    let shorter: String = kept.chars().take(most - 1).collect();
    shorter + "…"
}

/// A table for people: columns as wide as their widest cell, none wider than `CELL` but the
/// last.
#[derive(Debug, Clone)]
pub struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(heads: &[&'static str]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Line feeds become spaces: a row is a line.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let last = self.heads.len().saturating_sub(1);
        let cells = cells.into_iter().enumerate().map(|(column, text)| {
            let most = if column == last { LAST_CELL } else { CELL };
            cell(&text, most)
        });
        self.rows.push(cells.collect());
    }

    /// Says what stands in the last cell of a row, so far empty. The width of no other cell depends on it.
    pub fn set_last(&mut self, row: usize, text: &str) {
        if let Some(last) = self.rows.get_mut(row).and_then(|row| row.last_mut()) {
            *last = cell(text, LAST_CELL);
        }
    }

    /// The line of heads, as [`render`](Self::render) has it, without the line feed.
    pub fn head_line(&self) -> String {
        let heads: Vec<String> = self.heads.iter().map(|head| (*head).to_owned()).collect();
        self.line(&heads)
    }

    /// The line of one row, as [`render`](Self::render) has it, without the line feed.
    pub fn row_line(&self, row: usize) -> String {
        self.rows
            .get(row)
            .map(|row| self.line(row))
            .unwrap_or_default()
    }

    fn line(&self, cells: &[String]) -> String {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let last = column + 1 == cells.len();
            let width = if last { 0 } else { self.width(column) };
            // Writing to a string can't fail.
            let _ = write!(text, "{cell:width$}{}", if last { "" } else { "  " });
        }
        text
    }

    /// The text; `nothing` if there is no row.
    pub fn render(&self, nothing: &str) -> String {
        if self.rows.is_empty() {
            return nothing.to_owned();
        }
        let rows = self.rows.iter().map(|row| self.line(row));
        let lines: Vec<String> = std::iter::once(self.head_line()).chain(rows).collect();
        lines.join("\n") + "\n"
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        let head = self.heads.get(column).map_or(0, |head| head.len());
        widest.max(head)
    }
}

/// `-` for what is not there.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_a_cell_is_one_line() {
        let mut table = Table::new(&["ID", "WHAT"]);
        table.row(["1".to_owned(), "a\nb".to_owned()]);
        table.row(["1000".to_owned(), "c".to_owned()]);
        assert_eq!(table.render("none"), "ID    WHAT\n1     a b\n1000  c\n");
        assert_eq!(Table::new(&["ID"]).render("none"), "none");
    }

    #[test]
    fn one_long_id_does_not_make_every_row_wide() {
        let mut table = Table::new(&["ID", "WHAT"]);
        table.row(["x".repeat(200), "y".repeat(1_000)]);
        table.row(["1".to_owned(), "c".to_owned()]);
        let shown = table.render("none");
        let wide = |line: &str| line.chars().count();
        assert!(shown.lines().all(|line| wide(line) <= CELL + 2 + LAST_CELL));
        assert!(shown.lines().nth(1).is_some_and(|line| line.contains("…")));
        assert!(
            shown
                .lines()
                .nth(2)
                .is_some_and(|line| wide(line) == CELL + 3)
        );
    }

    #[test]
    fn letters_that_nobody_sees_are_marked() {
        for hidden in [
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{61c}',
            '\u{ad}',
            '\u{2028}',
            '\u{e0041}',
            '\u{7}',
            '\u{9b}',
            '\r',
        ] {
            assert_eq!(plain(&format!("a{hidden}b")), "a\u{fffd}b", "{hidden:?}");
        }
        let seen = "Zoë Müller-Łukasz 张伟 “ok” – 👍 é";
        assert_eq!(plain(seen), seen);
    }

    #[test]
    fn stored_text_cannot_steer_the_terminal() {
        let mut bytes = Vec::new();
        let mut out = Output::new(&mut bytes, false);
        out.emit(&serde_json::Value::Null, "a\u{1b}[2Jb\r\nc")
            .expect("written");
        assert_eq!(
            String::from_utf8(bytes).expect("text"),
            "a\u{fffd}[2Jb\u{fffd}\nc\n"
        );
    }

    #[test]
    fn times_are_shown_on_the_clinics_clock() {
        let mut bytes = Vec::new();
        let mut out = Output::new(&mut bytes, false);
        out.set_zone(TimeZone::get("America/Denver").expect("known"));
        let at = "2026-11-03T16:05:00Z".parse().expect("a time");
        assert_eq!(out.time(at), "2026-11-03 09:05");
    }
}
