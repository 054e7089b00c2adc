//! From the cells of one row to what it says; and back.
//!
//! Every cell is one line without blank space around it ([`outside::one_line`]); an empty one says
//! nothing. What is wrong is told by column, and never quotes the cell: it is about a person.

#[cfg(test)]
mod tests;
mod words;

use relay_core::clients::ClientStatus;
use relay_core::ids::CheckInId;
use relay_core::outside::{self, NameFault};
use relay_core::time::{Date, TimeZone, Timestamp};

use crate::columns::Column;
use crate::row::{About, Row, RowCheckIn, RowState, SubmittedAt};
use words::{day_trouble, digits, flag, is_id, iso_day, local_time};

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
