//! Dates in custom fields of contacts: which field it is, and the day that stands in it.
//!
//! Labels are not unique, so where more than one field fits, an operator must give the id: a guess would take
//! another day for the one that is meant.

use relay_core::outside;
use relay_core::time::{Date, TimeZone};
use relay_http_client::CallError;

use super::CheckInReads;
use super::fields::{a_few, column, join, same};
use crate::VENDOR;
use crate::time;
use crate::types::{Contact, CustomField};

const OPERATION: &str = "keap find date field";

/// A custom field that holds a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateField {
    /// Its id.
    pub id: String,
    /// Whether it holds an instant; `None` where Keap doesn't say of which type it is.
    pub with_time: Option<bool>,
}

impl CheckInReads<'_> {
    /// The date fields named so, by label or by id, in this order.
    ///
    /// Errors: permanent and without a status where one is not there, is there several times, or holds no
    /// date; the text names it.
    pub async fn date_fields(&self, wanted: &[&str]) -> Result<Vec<DateField>, CallError> {
        let mut fields = self.0.contact_fields().await?;
        if fields.iter().any(|field| field.field_name.is_none()) {
            fields = join(fields, &self.0.model("v1").await?);
        }
        wanted.iter().map(|name| choose(&fields, name)).collect()
    }
}

impl DateField {
    /// The day in this field of a contact; `None` where the field is empty or holds no plausible day. `zone`
    /// tells on which day an instant is.
    pub fn day(&self, contact: &Contact, zone: &TimeZone) -> Option<Date> {
        let mut values = contact.custom_fields.iter();
        let value = values.find(|value| value.id.as_deref() == Some(&self.id))?;
        let text = value.content.as_str()?.trim();
        let instant = time::parse(text).filter(|_| self.with_time == Some(true));
        let day = match instant {
            Some(at) => Some(zone.to_datetime(at).date()),
            // A date stands at midnight of no particular zone.
            None => time::parse_date(text),
        };
        day.filter(|day| outside::is_plausible(*day))
    }

    /// Whether the contact shows this field at all, empty or not. Keap may leave out what is empty.
    pub fn is_shown(&self, contact: &Contact) -> bool {
        let mut values = contact.custom_fields.iter();
        values.any(|value| value.id.as_deref() == Some(&self.id))
    }
}

fn choose(fields: &[CustomField], wanted: &str) -> Result<DateField, CallError> {
    let with_id = |field: &&CustomField| field.id.as_deref() == Some(wanted);
    let named = |field: &&CustomField| {
        let label = field
            .label
            .as_deref()
            .is_some_and(|label| same(label, wanted));
        let column = field.field_name.as_deref().map(column);
        field.id.is_some() && (label || column.is_some_and(|name| same(name, wanted)))
    };
    let by_id: Vec<&CustomField> = fields.iter().filter(with_id).collect();
    let found = if by_id.is_empty() {
        fields.iter().filter(named).collect()
    } else {
        by_id
    };
    let wrong = |message: String| Err(CallError::permanent(VENDOR, OPERATION, message));
    let field = match found[..] {
        [field] => field,
        [] => return wrong(format!("contacts have no custom field {wanted:?}")),
        _ => {
            let list = found.iter().map(|field| {
                let id = field.id.as_deref().unwrap_or_default();
                format!("{id} ({})", field.label.as_deref().unwrap_or("no label"))
            });
            return wrong(format!(
                "several custom fields of contacts fit {wanted:?}: {}; name the right one by its id",
                a_few(list)
            ));
        }
    };
    let Some(kind) = field.field_type.as_deref() else {
        return Ok(found_as(field, None));
    };
    if same(kind, "date") {
        Ok(found_as(field, Some(false)))
    } else if same(kind, "datetime") {
        Ok(found_as(field, Some(true)))
    } else {
        wrong(format!(
            "the custom field {wanted:?} is of type {kind}, not a date"
        ))
    }
}

fn found_as(field: &CustomField, with_time: Option<bool>) -> DateField {
    DateField {
        id: field.id.clone().unwrap_or_default(),
        with_time,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<CustomField> {
        serde_json::from_value(json!([
            { "id": "3", "label": "Check-in due", "field_name": "CheckInDue", "field_type": "DATE" },
            { "id": 4, "label": "Checked in", "field_name": "CheckedIn", "field_type": "DATE_TIME" },
            { "id": "5", "label": "Goal", "field_name": "Goal", "field_type": "TEXT" },
            { "id": "6", "label": "Regimen", "field_name": "Regimen" },
            { "id": "7", "label": "regimen", "field_name": "Regimen0", "field_type": "DATE" },
        ]))
        .expect("readable")
    }

    fn contact(field: &str, content: &str) -> Contact {
        serde_json::from_value(json!({ "custom_fields": [{ "id": field, "content": content }] }))
            .expect("readable")
    }

    #[test]
    fn a_field_is_found_by_label_or_id_if_it_holds_a_date() {
        let id = |wanted| choose(&fields(), wanted).map(|field| (field.id, field.with_time));
        let date = Some(false);
        assert_eq!(id("check-in DUE").ok(), Some(("3".to_owned(), date)));
        assert_eq!(id("3").ok(), Some(("3".to_owned(), date)));
        assert_eq!(id("Checked in").ok(), Some(("4".to_owned(), Some(true))));
        assert_eq!(id("6").ok(), Some(("6".to_owned(), None)));
        for (wanted, why) in [
            ("Nowhere", "no custom field \"Nowhere\""),
            ("Goal", "of type TEXT, not a date"),
            (
                "Regimen",
                "6 (Regimen), 7 (regimen); name the right one by its id",
            ),
        ] {
            let error = id(wanted).expect_err(wanted);
            assert!(error.message.contains(why), "{}", error.message);
            assert_eq!(error.status, None);
        }
    }

    #[test]
    fn the_day_is_the_clinics_and_what_is_no_day_is_none() {
        let zone = TimeZone::get("America/Denver").expect("a zone");
        let day = |with_time, text: &str| {
            let field = DateField {
                id: "3".to_owned(),
                with_time,
            };
            field
                .day(&contact("3", text), &zone)
                .map(|day| day.to_string())
        };
        let third = Some("2026-11-03".to_owned());
        assert_eq!(day(Some(false), "2026-11-03"), third);
        assert_eq!(day(Some(false), "2026-11-03T00:00:00.000+0000"), third);
        assert_eq!(day(None, "2026-11-03T00:00:00Z"), third);
        assert_eq!(
            day(Some(true), "2026-11-04T02:00:00Z"),
            third,
            "still the third in Denver"
        );
        for text in ["", "soon", "11/03/2026", "0001-01-01", "2026-13-01"] {
            assert_eq!(day(Some(false), text), None, "{text}");
            assert_eq!(day(Some(true), text), None, "{text}");
        }
        let other = DateField {
            id: "4".to_owned(),
            with_time: None,
        };
        assert_eq!(other.day(&contact("3", "2026-11-03"), &zone), None);
    }

    proptest! {
        #[test]
        fn no_content_makes_the_reader_panic(text in "\\PC{0,40}", with_time: Option<bool>) {
            let field = DateField { id: "3".to_owned(), with_time };
            let _ = field.day(&contact("3", &text), &TimeZone::UTC);
        }
    }
}
