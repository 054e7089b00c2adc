//! The field that holds the contact type: one, a list, and "In-Person" on it.

use relay_core::retry::Class;
use relay_keap::types::CustomField;

use super::{KeapInspector, could_not};
use crate::doctor::{Area, Finding};

/// The value that SOP B names, to the letter.
const IN_PERSON: &str = "In-Person";
const KEY: &str = "keap.contact_type_field";
const SCREEN: &str = "in Keap under Settings, Custom Fields";

impl KeapInspector {
    pub(super) async fn field(&self) -> Vec<Finding> {
        let found = match self.client.contact_type_field().await {
            Ok(found) => found,
            // Not Keap's refusal but what the search found out, in our own words.
            Err(error) if error.class == Class::Permanent && error.status.is_none() => {
                let what = format!("{KEY}: {}", error.message);
                let remedy = self.find_or_make().await;
                return vec![Finding::fault(Area::ContactType, KEY, what, remedy)];
            }
            Err(error) => return vec![could_not(Area::ContactType, "contact type field", &error)],
        };
        let fields = self.client.contact_fields().await.unwrap_or_default();
        let described = fields
            .iter()
            .find(|field| field.id.as_deref() == Some(found.id.as_str()));
        let id = &found.id;
        if let Some(kind) = described.and_then(wrong_kind) {
            return vec![Finding::fault(
                Area::ContactType,
                KEY,
                format!("{KEY}: field {id} is of type {kind}, not a drop-down"),
                format!(
                    "write the id of the drop-down with the contact types as {KEY}.id, from {SCREEN}"
                ),
            )];
        }
        if !found.options.is_empty() && !found.options.iter().any(|option| option == IN_PERSON) {
            return vec![Finding::fault(
                Area::ContactType,
                KEY,
                format!(
                    "{KEY}: field {id} offers {:?} and not {IN_PERSON:?}",
                    found.options
                ),
                format!(
                    "add the option {IN_PERSON:?}, so spelt, {SCREEN}, or name the right field"
                ),
            )];
        }
        vec![match described.and_then(|field| self.other_name(field)) {
            Some(finding) => finding,
            None => Finding::ok(
                Area::ContactType,
                KEY,
                format!("the contact type is field {id}, and offers {IN_PERSON:?}"),
            ),
        }]
    }

    /// What to do where the search found no field, or several.
    async fn find_or_make(&self) -> String {
        let wanted = &self.config.contact_type_field;
        let fields = self.client.contact_fields().await.unwrap_or_default();
        let named = |field: &CustomField| field.label.as_deref().map(plain);
        if wanted.id.is_some()
            || fields
                .iter()
                .any(|one| named(one) == Some(plain(&wanted.name)))
        {
            return format!("write {KEY}.id = \"ID\", or correct name and tab {SCREEN}");
        }
        format!(
            "make a drop-down {:?} for contacts on the tab {:?} with the option {IN_PERSON:?}, {SCREEN}; if there is one under \
             another name, write {KEY}.name and {KEY}.tab as it is called, or {KEY}.id = \"ID\"",
            wanted.name, wanted.tab
        )
    }

    /// A configured id wins over the name; if the two don't fit, one of them is an old one.
    fn other_name(&self, field: &CustomField) -> Option<Finding> {
        let id = self.config.contact_type_field.id.as_ref()?;
        let wanted = &self.config.contact_type_field.name;
        let label = field.label.as_deref()?;
        (plain(label) != plain(wanted)).then(|| {
            Finding::warning(
                Area::ContactType,
                KEY,
                format!("{KEY}.id is {id:?}, and Keap calls that field {label:?}, not {wanted:?}"),
                format!("correct {KEY}.id or {KEY}.name; the fields stand {SCREEN}"),
            )
        })
    }
}

/// The type, if it is told and offers no list to choose one of.
fn wrong_kind(field: &CustomField) -> Option<&str> {
    let kind = field.field_type.as_deref()?;
    let list = ["dropdown", "radio", "listbox"];
    (!list.contains(&plain(kind).as_str())).then_some(kind)
}

/// A name as a person compares it.
fn plain(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}
