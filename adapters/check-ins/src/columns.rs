//! The columns of a file, which are the members of a webhook's row.

use std::fmt;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// The client's id, as the clinic's list has it.
    Client,
    /// Her given name.
    FirstName,
    /// Her family name.
    LastName,
    /// Her address.
    Email,
    /// Her number.
    Phone,
    /// The CRM contact.
    Contact,
    /// Her coach.
    Coach,
    /// Where she stands.
    Status,
    /// Her IANA zone.
    TimeZone,
    /// `R`.
    LastRegimenChange,
    /// End of a break.
    BreakUntil,
    /// Whether she is a minor.
    Minor,
    /// Who answers for her.
    Guardian,
    /// Which check-in.
    CheckIn,
    /// `D`.
    Due,
    /// Whether or when it was submitted.
    Submitted,
    /// Whether the clinic withdrew it.
    Withdrawn,
}

impl Column {
    /// Every column, in the order of the file that we write.
    pub const ALL: [Self; 17] = [
        Self::Client,
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::Phone,
        Self::Contact,
        Self::Coach,
        Self::Status,
        Self::TimeZone,
        Self::LastRegimenChange,
        Self::BreakUntil,
        Self::Minor,
        Self::Guardian,
        Self::CheckIn,
        Self::Due,
        Self::Submitted,
        Self::Withdrawn,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Contact => "contact",
            Self::Coach => "coach",
            Self::Status => "status",
            Self::TimeZone => "time_zone",
            Self::LastRegimenChange => "last_regimen_change",
            Self::BreakUntil => "break_until",
            Self::Minor => "minor",
            Self::Guardian => "guardian",
            Self::CheckIn => "check_in",
            Self::Due => "due",
            Self::Submitted => "submitted",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The column that a head of a file means: letter case aside, words joined by anything.
    pub(crate) fn headed(head: &str) -> Option<Self> {
        let head = letters(head);
        Self::ALL
            .into_iter()
            .find(|column| letters(column.name()) == head)
    }

    /// The column whose name is nearest to this one, and by how many letters it is off.
    fn nearest(name: &str) -> Option<(Self, usize)> {
        let name = letters(name);
        let apart = Self::ALL
            .into_iter()
            .map(|column| (column, distance(&name, &letters(column.name()))));
        apart.min_by_key(|(_, apart)| *apart)
    }

    /// The column that somebody who wrote this name may have meant, though it is not its name:
    /// misspelt, or with a word more (`submitted_at`, `client_id`).
    pub(crate) fn resembled(name: &str) -> Option<Self> {
        let plain = letters(name);
        if plain.is_empty() {
            return None;
        }
        let with_more = Self::ALL.into_iter().filter(|column| {
            let own = letters(column.name());
            plain.starts_with(&own) || plain.ends_with(&own)
        });
        // `check_in_due` begins as one and ends as another; the longer one is the likelier.
        if let Some(column) = with_more.max_by_key(|column| column.name().len()) {
            return Some(column);
        }
        let (column, apart) = Self::nearest(name)?;
        let most = if plain.chars().count() > 5 { 2 } else { 1 };
        (apart <= most).then_some(column)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Every name, for an error.
pub(crate) fn names() -> String {
    Column::ALL.map(Column::name).join(", ")
}

/// A name without what joins its words; no longer than anything that resembles one.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).take(60).collect()
}

/// By how many letters two names differ: put in, left out, or another one.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, wanted) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *wanted);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_known_however_its_words_are_joined() {
        for head in [
            "last_regimen_change",
            "Last Regimen Change",
            " lastRegimen-change ",
        ] {
            assert_eq!(Column::headed(head), Some(Column::LastRegimenChange));
        }
        assert_eq!(Column::headed("submited"), None);
        assert_eq!(Column::headed(""), None);
        for column in Column::ALL {
            assert_eq!(Column::headed(column.name()), Some(column));
        }
    }

    #[test]
    fn a_name_that_is_nearly_one_of_ours_resembles_it_and_another_does_not() {
        for (name, column) in [
            ("submited", Column::Submitted),
            ("submitted_at", Column::Submitted),
            ("client_id", Column::Client),
            ("due_date", Column::Due),
            ("keap_contact", Column::Contact),
            ("check_in_id", Column::CheckIn),
            ("check_in_due", Column::CheckIn),
            ("widthrawn", Column::Withdrawn),
            ("dua", Column::Due),
        ] {
            assert_eq!(Column::resembled(name), Some(column), "{name}");
        }
        for name in ["", "_", "note", "state", "plan", "updated_at", "город"] {
            assert_eq!(Column::resembled(name), None, "{name}");
        }
    }

    #[test]
    fn names_differ_by_letters() {
        for (one, other, apart) in [
            ("", "due", 3),
            ("due", "due", 0),
            ("duo", "due", 1),
            ("ue", "due", 1),
        ] {
            assert_eq!(distance(one, other), apart);
            assert_eq!(distance(other, one), apart);
        }
    }
}
