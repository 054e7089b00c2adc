//! From the cells of one row to what it says; and back.
//!
//! Every cell is one line without blank space around it ([`outside::one_line`]); an empty one says
//! nothing. What is wrong is told by column, and never quotes the cell: it is about a person.

use relay_core::clients::ClientStatus;
use relay_core::ids::CheckInId;
use relay_core::outside::{self, NameFault};
use relay_core::time::{Date, DateTime, TimeZone, Timestamp};

use crate::columns::Column;
use crate::row::{About, Row, RowCheckIn, RowState, SubmittedAt};

/// The longest id, in bytes.
const MAX_ID: usize = 100;
/// The longest cell, in characters.
const MAX_TEXT: usize = 254;

const NEEDS_ID: &str = "give an id of the clinic's own: letters, digits and `-`, `_`, `.`, `:`, with a \
                        letter or digit first; ids stand in logs and addresses";
const NEEDS_DAY: &str = "write the day as 2026-11-03, year first";
const NEEDS_FLAG: &str = "write yes or no";
const NEEDS_SUBMITTED: &str = "write yes or no, or when: a day such as 2026-11-03, or a time such as 2026-11-03T09:00:00-07:00";
const OR_EMPTY: &str = "correct it, or leave it empty";

/// How much is asked of what nothing could be done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// Somebody who sees the errors at once: a word that nobody knows is one.
    Present,
    /// A program: what isn't needed to tell who has checked in is kept as told.
    Away,
}

/// What is wrong with a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) column: Column,
    pub(crate) what: &'static str,
    pub(crate) remedy: &'static str,
}

/// The cells of a row.
#[derive(Debug, Default)]
pub(crate) struct Cells([Option<String>; Column::ALL.len()]);

impl Cells {
    /// Puts a value into its cell.
    pub(crate) fn set(&mut self, column: Column, raw: &str) {
        let line = outside::one_line(raw);
        self.0[column as usize] = (!line.is_empty()).then_some(line);
    }

    /// What stands in a cell.
    pub(crate) fn get(&self, column: Column) -> Option<&str> {
        self.0[column as usize].as_deref()
    }

    /// The cells that say what `row` says.
    pub(crate) fn of(row: &Row) -> Self {
        let mut cells = Self::default();
        cells.set(Column::Client, row.client.as_str());
        if let Some(about) = &row.about {
            cells.tell(about);
        }
        if let Some(check_in) = &row.check_in {
            let due = check_in.due.to_string();
            if check_in.id.as_str() != due {
                cells.set(Column::CheckIn, check_in.id.as_str());
            }
            cells.set(Column::Due, &due);
            match check_in.state {
                RowState::Open => {}
                RowState::Submitted(None) => cells.set(Column::Submitted, "yes"),
                RowState::Submitted(Some(SubmittedAt::Day(day))) => {
                    cells.set(Column::Submitted, &day.to_string());
                }
                RowState::Submitted(Some(SubmittedAt::Instant(instant))) => {
                    cells.set(Column::Submitted, &instant.to_string());
                }
                RowState::Withdrawn => cells.set(Column::Withdrawn, "yes"),
            }
        }
        cells
    }

    fn tell(&mut self, about: &About) {
        let text = |text: &Option<String>| text.clone();
        let day = |day: Option<Date>| day.map(|day| day.to_string());
        let flag = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
        for (column, value) in [
            (Column::FirstName, Some(about.first_name.clone())),
            (Column::LastName, text(&about.last_name)),
            (Column::Email, text(&about.email)),
            (Column::Phone, text(&about.phone)),
            (
                Column::Contact,
                about.contact.as_ref().map(|id| id.0.clone()),
            ),
            (Column::Coach, about.coach.as_ref().map(|id| id.0.clone())),
            (Column::Status, text(&about.status)),
            (Column::TimeZone, text(&about.time_zone)),
            (Column::LastRegimenChange, day(about.last_regimen_change)),
            (Column::BreakUntil, day(about.break_until)),
            (Column::Minor, about.minor.map(flag)),
            (Column::Guardian, text(&about.guardian)),
        ] {
            self.set(column, &value.unwrap_or_default());
        }
    }
}

/// What a row says; else everything that is wrong with it.
pub(crate) fn row(cells: &Cells, author: Author) -> Result<Row, Vec<Fault>> {
    let mut reading = Reading {
        cells,
        author,
        faults: Vec::new(),
    };
    let client = reading.client();
    let about = reading.about();
    let check_in = reading.check_in();
    match client {
        Some(client) if reading.faults.is_empty() => Ok(Row {
            client: client.into(),
            about,
            check_in,
        }),
        _ => Err(reading.faults),
    }
}

/// A row under way.
struct Reading<'a> {
    cells: &'a Cells,
    author: Author,
    faults: Vec<Fault>,
}

impl<'a> Reading<'a> {
    fn fault(&mut self, column: Column, what: &'static str, remedy: &'static str) {
        self.faults.push(Fault {
            column,
            what,
            remedy,
        });
    }

    /// A cell's text, where it is not longer than anything that belongs there.
    fn text(&mut self, column: Column) -> Option<&'a str> {
        let text = self.cells.get(column)?;
        if text.chars().count() > MAX_TEXT {
            let remedy =
                "shorten it; a text as long as this has mostly slipped from another column";
            self.fault(column, "has more than 254 characters", remedy);
            return None;
        }
        Some(text)
    }

    fn id(&mut self, column: Column) -> Option<String> {
        let id = self.text(column)?;
        let what = if id.contains('@') {
            "is an email address or holds one"
        } else if id.contains(' ') {
            "holds blank space"
        } else if id.len() > MAX_ID {
            "is longer than 100 characters"
        } else if !is_id(id) {
            "holds characters that no id may have"
        } else {
            return Some(id.to_owned());
        };
        self.fault(column, what, NEEDS_ID);
        None
    }

    fn client(&mut self) -> Option<String> {
        if self.cells.get(Column::Client).is_none() {
            self.fault(Column::Client, "is missing", NEEDS_ID);
            return None;
        }
        let client = self.id(Column::Client)?;
        let phone = self.cells.get(Column::Phone).map(digits);
        if client.len() >= 7 && phone.is_some_and(|phone| phone == digits(&client)) {
            self.fault(Column::Client, "is her phone number", NEEDS_ID);
            return None;
        }
        Some(client)
    }

    fn about(&mut self) -> Option<About> {
        let last_name = self.text(Column::LastName).map(str::to_owned);
        let about = About {
            first_name: self.first_name().unwrap_or_default(),
            last_name,
            email: self.email(),
            phone: self.phone(),
            contact: self.contact().map(Into::into),
            coach: self.id(Column::Coach).map(Into::into),
            status: self.status(),
            time_zone: self.time_zone(),
            last_regimen_change: self.day(Column::LastRegimenChange),
            break_until: self.day(Column::BreakUntil),
            minor: self.flag(Column::Minor),
            guardian: self.guardian(),
        };
        if self.cells.get(Column::FirstName).is_some() {
            return Some(about);
        }
        // Said of her and not heard, a status or a new number would be lost without a word.
        let told = Column::ALL.into_iter().find(|column| {
            (Column::FirstName..Column::CheckIn).contains(column)
                && self.cells.get(*column).is_some()
        });
        if told.is_some() {
            self.fault(
                Column::FirstName,
                "is missing in a row that tells more of her",
                "add her first name, with everything that is known of her, or leave all columns from \
                 last_name to guardian empty",
            );
        }
        None
    }

    /// A name's fault, where somebody is there to put it right.
    fn named(&mut self, column: Column, text: &str) {
        if self.author == Author::Present
            && let Err(fault) = outside::name(Some(text))
        {
            let remedy = match fault {
                NameFault::TooLong => "shorten it",
                _ if column == Column::FirstName => "write the name that she is greeted by",
                _ => OR_EMPTY,
            };
            self.fault(column, fault.words(), remedy);
        }
    }

    fn first_name(&mut self) -> Option<String> {
        let name = self.text(Column::FirstName)?;
        self.named(Column::FirstName, name);
        Some(name.to_owned())
    }

    /// Who answers for her. "None" would otherwise stand for a guardian of that name.
    fn guardian(&mut self) -> Option<String> {
        let name = self.text(Column::Guardian)?;
        self.named(Column::Guardian, name);
        Some(name.to_owned())
    }

    fn email(&mut self) -> Option<String> {
        let email = self.text(Column::Email)?;
        let halves = email.split_once('@');
        let whole = halves.is_some_and(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@') && !email.contains(' ')
        });
        if !whole && self.author == Author::Present {
            self.fault(Column::Email, "is no email address", OR_EMPTY);
        }
        Some(email.to_owned())
    }

    fn phone(&mut self) -> Option<String> {
        let phone = self.text(Column::Phone)?;
        if outside::phone(phone).is_none() && self.author == Author::Present {
            self.fault(
                Column::Phone,
                "has fewer digits than a number that can be called",
                OR_EMPTY,
            );
        }
        Some(phone.to_owned())
    }

    fn contact(&mut self) -> Option<String> {
        let contact = self.text(Column::Contact)?;
        if contact.len() > 19 || !contact.bytes().all(|b| b.is_ascii_digit()) {
            self.fault(
                Column::Contact,
                "is not the number of a contact",
                "write the number that Keap shows in the contact's address, or leave it empty",
            );
            return None;
        }
        Some(contact.to_owned())
    }

    fn status(&mut self) -> Option<String> {
        let word = self.text(Column::Status)?;
        let plain = word.to_lowercase().replace([' ', '-'], "_");
        if !matches!(ClientStatus::from(plain.as_str()), ClientStatus::Unknown(_)) {
            return Some(plain);
        }
        if self.author == Author::Present {
            self.fault(
                Column::Status,
                "is a word that nothing is known of",
                "write online, in_person, on_break, quit, graduated, maintenance or \
                 transition_call_only; empty means online",
            );
        }
        Some(word.to_owned())
    }

    fn time_zone(&mut self) -> Option<String> {
        let zone = self.text(Column::TimeZone)?;
        if self.author == Author::Present && TimeZone::get(zone).is_err() {
            self.fault(
                Column::TimeZone,
                "is no time zone",
                "write one such as America/Denver, or leave it empty for the clinic's",
            );
        }
        Some(zone.to_owned())
    }

    fn check_in(&mut self) -> Option<RowCheckIn> {
        let id = self.id(Column::CheckIn);
        let due = self.day(Column::Due);
        let submitted = self.submitted();
        let withdrawn = self.flag(Column::Withdrawn).unwrap_or(false);
        let told = |column| self.cells.get(column).is_some();
        if !told(Column::Due) {
            if told(Column::CheckIn) || told(Column::Submitted) || told(Column::Withdrawn) {
                self.fault(
                    Column::Due,
                    "is missing beside a check-in",
                    "add the day on which the check-in is due, as 2026-11-03",
                );
            }
            return None;
        }
        let due = due?;
        Some(RowCheckIn {
            id: id.map_or_else(|| CheckInId(due.to_string()), Into::into),
            due,
            state: if withdrawn {
                RowState::Withdrawn
            } else {
                submitted.unwrap_or(RowState::Open)
            },
        })
    }

    /// Whether it was submitted, and then when.
    fn submitted(&mut self) -> Option<RowState> {
        let text = self.text(Column::Submitted)?;
        match flag(text) {
            Some(true) => return Some(RowState::Submitted(None)),
            Some(false) => return None,
            None => {}
        }
        let at = if let Ok(instant) = text.parse::<Timestamp>() {
            SubmittedAt::Instant(instant)
        } else if let Some(day) = iso_day(text) {
            SubmittedAt::Day(day)
        } else if let Some(local) = local_time(text) {
            // A time without offset could be anybody's, so only its day is believed.
            SubmittedAt::Day(local.date())
        } else {
            let what = day_trouble(text).unwrap_or("is neither yes, no, a day nor a time");
            self.fault(Column::Submitted, what, NEEDS_SUBMITTED);
            return None;
        };
        let day = match at {
            SubmittedAt::Day(day) => day,
            SubmittedAt::Instant(instant) => TimeZone::UTC.to_datetime(instant).date(),
        };
        self.plausible(Column::Submitted, day)?;
        Some(RowState::Submitted(Some(at)))
    }

    fn flag(&mut self, column: Column) -> Option<bool> {
        let text = self.text(column)?;
        let flag = flag(text);
        if flag.is_none() {
            self.fault(column, "is neither yes nor no", NEEDS_FLAG);
        }
        flag
    }

    fn day(&mut self, column: Column) -> Option<Date> {
        let text = self.text(column)?;
        let Some(day) = iso_day(text) else {
            let what = day_trouble(text).unwrap_or("is no day");
            self.fault(column, what, NEEDS_DAY);
            return None;
        };
        self.plausible(column, day)
    }

    fn plausible(&mut self, column: Column, day: Date) -> Option<Date> {
        if outside::is_plausible(day) {
            return Some(day);
        }
        let remedy = "correct the year; where there is no day, leave it empty";
        self.fault(column, "lies outside the years 2000 to 2199", remedy);
        None
    }
}

fn is_id(id: &str) -> bool {
    let first = id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let rest = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    first && id.bytes().all(rest)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// A day written year first, with nothing beside it.
fn iso_day(text: &str) -> Option<Date> {
    let shape = text.len() == 10 && text.bytes().filter(|b| *b == b'-').count() == 2;
    shape.then(|| text.parse().ok())?
}

/// A day, year first, with a time of day and no offset.
fn local_time(text: &str) -> Option<DateTime> {
    iso_day(text.get(..10)?)?;
    text.parse().ok()
}

/// Which common kind of no day it is.
fn day_trouble(text: &str) -> Option<&'static str> {
    let of = |others: &[u8]| {
        let mut bytes = text.bytes();
        bytes.all(|b| b.is_ascii_digit() || others.contains(&b))
    };
    if of(b"") {
        return Some("is a bare number and no day");
    }
    if of(b"/.-") {
        return Some("can be read as two different days, or as none");
    }
    let with_time = text.get(..10).and_then(iso_day).is_some();
    with_time.then_some("has more than a day in it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: &[(Column, &str)], author: Author) -> Result<Row, Vec<Fault>> {
        let mut made = Cells::default();
        made.set(Column::Client, "c-1");
        for (column, text) in cells {
            made.set(*column, text);
        }
        row(&made, author)
    }

    fn state(submitted: &str) -> Option<RowState> {
        let cells = [(Column::Due, "2026-11-03"), (Column::Submitted, submitted)];
        let read = read(&cells, Author::Present).ok()?;
        read.check_in.map(|check_in| check_in.state)
    }

    #[test]
    fn what_is_submitted_is_told_by_a_word_a_day_or_a_time() {
        let day = |text: &str| SubmittedAt::Day(text.parse().expect("a day"));
        for (text, expected) in [
            ("", RowState::Open),
            ("No", RowState::Open),
            ("FALSE", RowState::Open),
            ("yes", RowState::Submitted(None)),
            ("2026-11-02", RowState::Submitted(Some(day("2026-11-02")))),
            (
                "2026-11-02 16:20",
                RowState::Submitted(Some(day("2026-11-02"))),
            ),
            (
                "2026-11-02T16:20:00",
                RowState::Submitted(Some(day("2026-11-02"))),
            ),
        ] {
            assert_eq!(state(text), Some(expected), "{text}");
        }
        let instant = "2026-11-02T23:20:00Z".parse().expect("an instant");
        assert_eq!(
            state("2026-11-02T16:20:00-07:00"),
            Some(RowState::Submitted(Some(SubmittedAt::Instant(instant))))
        );
        for text in [
            "done",
            "11/2/2026",
            "46329",
            "2026-13-01",
            "0001-01-01",
            "2026-11-02 late",
        ] {
            assert_eq!(state(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_is_written_year_first_and_can_be_one() {
        for text in [
            "11/3/2026",
            "3.11.2026",
            "46329",
            "2026-02-30",
            "20261103",
            "9999-12-31",
            "2026-11-03T00:00:00Z",
            "soon",
            "2026-1-3",
        ] {
            let faults = read(&[(Column::Due, text)], Author::Away).expect_err("refused");
            assert_eq!(faults.len(), 1, "{text}");
            assert_eq!(faults[0].column, Column::Due);
        }
        let row = read(&[(Column::Due, " 2026-11-03\u{a0}")], Author::Away).expect("read");
        assert_eq!(row.check_in.expect("a check-in").id.as_str(), "2026-11-03");
    }

    #[test]
    fn an_id_is_never_an_address_a_number_to_call_or_two_words() {
        for text in [
            "maya@example.test",
            "Maya Ruiz",
            "-v",
            "..",
            "ci?x",
            "ü",
            &"x".repeat(101),
        ] {
            let faults = read(&[(Column::Client, text)], Author::Away).expect_err("refused");
            assert_eq!(faults[0].column, Column::Client, "{text}");
        }
        let phone = [
            (Column::Client, "303-555-0134"),
            (Column::FirstName, "Maya"),
            (Column::Phone, "(303) 555-0134"),
        ];
        assert!(read(&phone, Author::Away).is_err());
        assert!(read(&phone[..2], Author::Away).is_ok());
    }

    #[test]
    fn what_is_told_of_her_needs_her_first_name() {
        let faults = read(&[(Column::Status, "quit")], Author::Away).expect_err("refused");
        assert_eq!(faults[0].column, Column::FirstName);
        let row = read(&[], Author::Away).expect("read");
        assert_eq!((row.about, row.check_in), (None, None));
    }

    #[test]
    fn a_status_is_spelt_as_the_relay_does_and_an_unknown_one_is_kept_or_refused() {
        let told = |word, author| {
            let cells = [(Column::FirstName, "Maya"), (Column::Status, word)];
            read(&cells, author).map(|row| row.about.and_then(|about| about.status))
        };
        let some = |word: &str| Ok(Some(word.to_owned()));
        assert_eq!(told("In Person", Author::Present), some("in_person"));
        assert_eq!(told("On the moon", Author::Away), some("On the moon"));
        assert!(told("On the moon", Author::Present).is_err());
    }

    #[test]
    fn a_withdrawn_check_in_is_withdrawn_whatever_stands_beside_it() {
        let cells = [
            (Column::Due, "2026-11-03"),
            (Column::Submitted, "yes"),
            (Column::Withdrawn, "yes"),
        ];
        let row = read(&cells, Author::Present).expect("read");
        assert_eq!(row.check_in.expect("told").state, RowState::Withdrawn);
    }

    #[test]
    fn a_check_in_has_a_due_day() {
        for column in [Column::CheckIn, Column::Submitted, Column::Withdrawn] {
            let text = if column == Column::CheckIn {
                "k-1"
            } else {
                "no"
            };
            let faults = read(&[(column, text)], Author::Away).expect_err("refused");
            assert_eq!(faults[0].column, Column::Due);
        }
    }

    #[test]
    fn where_nobody_is_there_to_correct_it_what_is_not_needed_is_kept_as_told() {
        let odd = [
            (Column::FirstName, "~Contact.FirstName~"),
            (Column::Email, "none"),
            (Column::Phone, "-"),
            (Column::TimeZone, "Mountain"),
            (Column::Guardian, "N/A"),
        ];
        assert!(read(&odd, Author::Away).is_ok());
        let faults = read(&odd, Author::Present).expect_err("refused");
        let columns: Vec<Column> = faults.iter().map(|fault| fault.column).collect();
        assert_eq!(columns.len(), odd.len());
        for (column, _) in odd {
            assert!(columns.contains(&column), "{column}");
        }
    }
}
