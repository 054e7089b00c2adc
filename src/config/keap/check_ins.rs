//! `[keap.check_ins]`: by what Keap alone tells who has missed a check-in.

use relay_core::time::SignedDuration;

use crate::config::reader::Reader;

/// The section, where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeapCheckInsConfig {
    /// The tag that says that a check-in is missed.
    pub missed_tag: String,
    /// A tag that says that she has checked in although the first one is on.
    pub checked_in_tag: Option<String>,
    /// The field with the day it was due, by label or id.
    pub due_field: String,
    /// A field with the day of her last check-in.
    pub checked_in_field: Option<String>,
    /// A field with the day of the last change of her regimen.
    pub regimen_field: Option<String>,
    /// A tag that says that she is a minor, whom nothing but her coach's own words may reach (A36).
    pub minor_tag: Option<String>,
    /// How often it is looked who has the tag.
    pub every: SignedDuration,
}

impl KeapCheckInsConfig {
    pub(super) fn read(mut reader: Reader<'_>) -> Option<Self> {
        let mut name = |key| reader.text(key).map(|text: String| text.trim().to_owned());
        let missed_tag = name("missed_tag");
        let checked_in_tag = name("checked_in_tag");
        let due_field = name("due_field");
        let checked_in_field = name("checked_in_field");
        let regimen_field = name("regimen_field");
        let minor_tag = name("minor_tag");
        let minutes = reader.ranged("every_minutes", 5..=24 * 60).unwrap_or(30);
        match (&missed_tag, &due_field) {
            (Some(_), None) if !reader.is_mistaken("due_field") => reader.mistake(
                "due_field",
                "is missing, so nobody could say which day a check-in was due",
                "write the label of the field of contacts that holds the day, or its id",
            ),
            (Some(missed), Some(_)) => {
                let same = |tag: &String| tag.eq_ignore_ascii_case(missed);
                if checked_in_tag.as_ref().is_some_and(same) {
                    reader.mistake(
                        "checked_in_tag",
                        "is the tag of missed_tag, so nobody could have missed a check-in",
                        "name another tag, or leave the key out: taken off, missed_tag says the same",
                    );
                }
                if minor_tag.as_ref().is_some_and(same) {
                    reader.mistake(
                        "minor_tag",
                        "is the tag of missed_tag, so whoever missed a check-in would be a minor",
                        "name another tag, or leave the key out",
                    );
                }
                if checked_in_field == due_field {
                    reader.mistake(
                        "checked_in_field",
                        "is the field of due_field, so nobody could have missed a check-in",
                        "name the field with the day of the last check-in, or leave the key out",
                    );
                }
            }
            (None, _) if !reader.is_mistaken("missed_tag") => {
                let others = [
                    ("checked_in_tag", checked_in_tag.is_some()),
                    ("due_field", due_field.is_some()),
                    ("checked_in_field", checked_in_field.is_some()),
                    ("regimen_field", regimen_field.is_some()),
                    ("minor_tag", minor_tag.is_some()),
                ];
                for (key, _) in others.into_iter().filter(|(_, written)| *written) {
                    reader.mistake(
                        key,
                        "is not used without missed_tag",
                        "write missed_tag = \"NAME\", or take it out",
                    );
                }
            }
            _ => {}
        }
        reader.finish();
        Some(Self {
            missed_tag: missed_tag?,
            checked_in_tag,
            due_field: due_field?,
            checked_in_field,
            regimen_field,
            minor_tag,
            every: SignedDuration::from_mins(minutes.into()),
        })
    }
}
