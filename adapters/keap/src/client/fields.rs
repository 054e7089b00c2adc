//! Finding the field that holds the contact type.
//!
//! The clinic keeps it as a custom field on the tab "Clear Connection"; Keap's built-in
//! `contact_type` is something else and is never touched. Labels are not unique, so where more
//! than one field fits, an operator must give the id: a guess could overwrite anything.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use relay_core::retry::Class;
use relay_http_client::CallError;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::KeapClient;
use crate::VENDOR;
use crate::query::Query;
use crate::types::{CustomField, Named};

const OPERATION: &str = "keap find contact type field";
/// Names that an error lists.
const FEW: usize = 8;
/// Characters of a name that an error shows.
const LONG: usize = 40;

/// How the contact type field is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContactTypeField {
    /// Its id, if the operator knows it; then nothing is searched.
    pub id: Option<String>,
    /// The tab it stands on, as staff see it.
    pub tab: String,
    /// Its label, as staff see it.
    pub label: String,
}

impl Default for ContactTypeField {
    fn default() -> Self {
        Self {
            id: None,
            tab: "Clear Connection".to_owned(),
            label: "Contact Type".to_owned(),
        }
    }
}

/// The field, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedField {
    /// Its id.
    pub id: String,
    /// The values it offers, as spelt; empty where Keap doesn't say.
    pub options: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Model {
    custom_fields: Option<Vec<CustomField>>,
}

impl KeapClient {
    /// The contact type field. Found once and remembered until a write to it is refused.
    ///
    /// Errors: permanent where no field or more than one fits; the text names the candidates.
    pub async fn contact_type_field(&self) -> Result<ResolvedField, CallError> {
        let known = self
            .resolved
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(field) = known {
            return Ok(field);
        }
        let field = self.find_contact_type_field().await?;
        *self
            .resolved
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(field.clone());
        Ok(field)
    }

    /// Every custom field that contacts have, as v2 describes it: for the live probe.
    pub async fn contact_fields(&self) -> Result<Vec<CustomField>, CallError> {
        self.model("v2").await
    }

    pub(super) fn forget_contact_type_field(&self) {
        *self
            .resolved
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn find_contact_type_field(&self) -> Result<ResolvedField, CallError> {
        let mut fields = self.model("v2").await?;
        let id = if let Some(id) = &self.contact_type.id {
            id.clone()
        } else {
            let groups = self.groups_on_tab().await?;
            if fields.iter().any(|field| field.field_name.is_none()) {
                fields = join(fields, &self.model("v1").await?);
            }
            let chosen = choose(&fields, &self.contact_type, groups.as_ref())?;
            chosen.id.clone().unwrap_or_default()
        };
        let options = self.options_of(&id, &fields).await?;
        Ok(ResolvedField { id, options })
    }

    /// The values that a field offers; from v1 where v2 doesn't say.
    async fn options_of(&self, id: &str, fields: &[CustomField]) -> Result<Vec<String>, CallError> {
        let find = |fields: &[CustomField]| {
            let field = fields
                .iter()
                .find(|field| field.id.as_deref() == Some(id))?;
            Some(labels(field))
        };
        match find(fields) {
            None => Err(CallError::permanent(
                VENDOR,
                OPERATION,
                format!("contacts have no custom field with id {id}"),
            )),
            Some(options) if !options.is_empty() => Ok(options),
            Some(_) => match self.model("v1").await {
                // Without v1 the field is known and only its values aren't.
                Err(error) if error.class == Class::Permanent => Ok(Vec::new()),
                v1 => Ok(find(&v1?).unwrap_or_default()),
            },
        }
    }

    pub(super) async fn model(&self, version: &str) -> Result<Vec<CustomField>, CallError> {
        let path = [version, "contacts", "model"];
        let model: Model = self.read(OPERATION, &path, &Query::new()).await?;
        Ok(model.custom_fields.unwrap_or_default())
    }

    /// The ids of the headers on the configured tab. `None` where Keap doesn't offer tabs (they
    /// are new in v2), so that the tab can't be told.
    async fn groups_on_tab(&self) -> Result<Option<BTreeSet<String>>, CallError> {
        let base = ["v2", "contacts", "model", "customFields"];
        // Neither of these lists has pages, so neither takes a size of one.
        let query = Query::new();
        let tabs: Result<Vec<Named>, _> = self
            .list(OPERATION, &[&base[..], &["tabs"]].concat(), &query, "tabs")
            .await;
        let tabs = match tabs {
            Err(error) if matches!(error.status, Some(404 | 405 | 501)) => {
                warn!("keap offers no custom-field tabs; the label alone must find the field");
                return Ok(None);
            }
            tabs => tabs?,
        };
        let on_tab = |tab: &&Named| {
            tab.name
                .as_deref()
                .is_some_and(|n| same(n, &self.contact_type.tab))
        };
        let mut groups = BTreeSet::new();
        for tab in tabs
            .iter()
            .filter(on_tab)
            .filter_map(|tab| tab.id.as_deref())
        {
            let query = Query::new().with("tab_id", tab);
            let path = [&base[..], &["groups"]].concat();
            let found: Vec<Named> = self.list(OPERATION, &path, &query, "groups").await?;
            groups.extend(found.into_iter().filter_map(|group| group.id));
        }
        if groups.is_empty() {
            return Err(CallError::permanent(
                VENDOR,
                OPERATION,
                format!(
                    "there is no custom-field tab named {:?}",
                    self.contact_type.tab
                ),
            ));
        }
        Ok(Some(groups))
    }
}

/// v2's fields with v1's words where v2 has none. v1 knows no headers.
pub(super) fn join(v2: Vec<CustomField>, v1: &[CustomField]) -> Vec<CustomField> {
    let twin = |id: &Option<String>| v1.iter().find(|field| field.id == *id).cloned();
    v2.into_iter()
        .map(|field| match twin(&field.id) {
            // Where v2 has no column name, its label may be the column name: v1's is the real one.
            Some(twin) if field.field_name.is_none() => CustomField {
                label: twin.label.or(field.label),
                field_name: twin.field_name,
                field_type: field.field_type.or(twin.field_type),
                options: if field.options.is_empty() {
                    twin.options
                } else {
                    field.options
                },
                ..field
            },
            Some(twin) if field.options.is_empty() => CustomField {
                options: twin.options,
                ..field
            },
            _ => field,
        })
        .collect()
}

/// The one field that fits.
fn choose<'a>(
    fields: &'a [CustomField],
    wanted: &ContactTypeField,
    groups: Option<&BTreeSet<String>>,
) -> Result<&'a CustomField, CallError> {
    let named = |field: &&CustomField| {
        field.id.is_some()
            && (field
                .label
                .as_deref()
                .is_some_and(|label| same(label, &wanted.label))
                || field
                    .field_name
                    .as_deref()
                    .is_some_and(|name| same(column(name), &wanted.label)))
    };
    // A field that names no header may stand anywhere, so it stays a candidate.
    let on_tab = |field: &&CustomField| match (groups, field.group_id.as_ref()) {
        (Some(groups), Some(group)) => groups.contains(group),
        _ => true,
    };
    let candidates: Vec<&CustomField> = fields.iter().filter(named).filter(on_tab).collect();
    match candidates[..] {
        [field] => Ok(field),
        [] => Err(CallError::permanent(
            VENDOR,
            OPERATION,
            format!(
                "no custom field {:?} on the tab {:?}",
                wanted.label, wanted.tab
            ),
        )),
        _ => {
            let list = candidates.iter().map(|field| {
                let id = field.id.as_deref().unwrap_or_default();
                format!("{id} ({})", field.label.as_deref().unwrap_or("no label"))
            });
            Err(CallError::permanent(
                VENDOR,
                OPERATION,
                format!(
                    "several custom fields fit {:?}: {}; configure the id of the right one",
                    wanted.label,
                    a_few(list)
                ),
            ))
        }
    }
}

/// The first few of a list that somebody else made, each cut: an error is read by people.
pub(super) fn a_few(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(FEW);
    names.truncate(FEW);
    for name in &mut names {
        if name.chars().count() > LONG {
            *name = name.chars().take(LONG).chain(['…']).collect();
        }
    }
    match more {
        0 => names.join(", "),
        more => format!("{}, and {more} more", names.join(", ")),
    }
}

fn labels(field: &CustomField) -> Vec<String> {
    field
        .options
        .iter()
        .filter_map(|option| option.label.clone())
        .collect()
}

/// A column name without the digits that Keap appends to tell equal names apart.
pub(super) fn column(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Whether two names are the same to a person: case, blanks and `_` don't count.
pub(super) fn same(a: &str, b: &str) -> bool {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|c| !c.is_whitespace() && *c != '_');
        letters.flat_map(char::to_lowercase).collect()
    };
    plain(a) == plain(b)
}

/// Refuses a value that the drop-down doesn't offer, exactly as spelt: whether Keap would is unknown.
pub(super) fn check_option(field: &ResolvedField, value: &str) -> Result<(), CallError> {
    if field.options.is_empty() || field.options.iter().any(|option| option == value) {
        return Ok(());
    }
    Err(CallError::permanent(
        VENDOR,
        "keap set contact type",
        format!(
            "{value:?} is not offered; the field offers {}",
            a_few(field.options.iter().map(|option| format!("{option:?}")))
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<CustomField> {
        let model: Model = serde_json::from_str(text).expect("readable");
        model.custom_fields.expect("fields")
    }

    fn groups() -> BTreeSet<String> {
        ["40".to_owned()].into()
    }

    #[test]
    fn the_field_on_the_tab_is_found_among_namesakes_elsewhere() {
        let model = fields(include_str!("../../../../fixtures/keap/model.json"));
        let wanted = ContactTypeField::default();
        let found = choose(&model, &wanted, Some(&groups())).expect("one field");
        assert_eq!(found.id.as_deref(), Some("6"));
        assert_eq!(labels(found), ["Online", "In-Person", "Quit"]);
    }

    #[test]
    fn several_fields_that_fit_are_named_and_none_is_guessed() {
        let model = fields(include_str!("../../../../fixtures/keap/model.json"));
        let error = choose(&model, &ContactTypeField::default(), None).expect_err("two fit");
        assert!(
            error.message.contains("6 (Contact Type)"),
            "{}",
            error.message
        );
        assert!(
            error.message.contains("9 (contact type)"),
            "{}",
            error.message
        );
    }

    #[test]
    fn an_error_lists_a_few_names_and_counts_the_rest() {
        let names = (0..20).map(|number| format!("{number} {}", "x".repeat(50)));
        let list = a_few(names);
        assert!(
            list.starts_with("0 xxx") && list.ends_with("…, and 12 more"),
            "{list}"
        );
        assert!(list.chars().count() < 400, "{list}");
        assert_eq!(a_few(["a".to_owned(), "b".to_owned()].into_iter()), "a, b");
    }

    #[test]
    fn a_model_of_nulls_is_completed_from_v1() {
        let v2 = fields(include_str!("../../../../fixtures/keap/model-nulls.json"));
        let v1 = fields(include_str!("../../../../fixtures/keap/model-v1.json"));
        let joined = join(v2, &v1);
        let wanted = ContactTypeField::default();
        let found = choose(&joined, &wanted, Some(&groups())).expect("one field");
        assert_eq!(found.id.as_deref(), Some("6"));
        assert_eq!(labels(found), ["Online", "In-Person"]);
    }

    #[test]
    fn a_label_that_nobody_uses_is_an_error() {
        let model = fields(include_str!("../../../../fixtures/keap/model.json"));
        let wanted = ContactTypeField {
            label: "Client Kind".to_owned(),
            ..Default::default()
        };
        let error = choose(&model, &wanted, Some(&groups())).expect_err("none fits");
        assert!(
            error.message.contains("no custom field"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_value_must_be_spelt_as_the_drop_down_spells_it() {
        let field = ResolvedField {
            id: "6".to_owned(),
            options: vec!["In-Person".to_owned()],
        };
        assert!(check_option(&field, "In-Person").is_ok());
        assert!(check_option(&field, "in-person").is_err());
        let silent = ResolvedField {
            options: Vec::new(),
            ..field
        };
        assert!(check_option(&silent, "in-person").is_ok());
    }
}
