//! Changing one custom field without losing another.
//!
//! Keap's own text says that a `PATCH` of `custom_fields` removes what is not listed; others have
//! seen it merge; v1 seems to change only what is named. Nothing can be made conditional. So:
//! read all, write all (or one, by [`CustomFieldsMode`]), look again, and put back what is gone.
//!
//! What the second look can and can't tell:
//! - A field that is **gone** was lost by our write: it is written back, once, and reported.
//! - A field that **differs** was changed by somebody else meanwhile: it is reported and left as
//!   it is, because putting the old value back would destroy her edit.
//! - An edit between our read and our full write is overwritten and can't be seen. The window is
//!   one round trip; [`CustomFieldsMode::Single`] and [`CustomFieldsMode::V1Single`] have none.

use std::collections::BTreeMap;

use http::Method;
use relay_core::retry::Class;
use relay_http_client::CallError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::warn;

use super::fields::{ResolvedField, check_option};
use super::{KeapClient, segment};
use crate::VENDOR;
use crate::query::Query;
use crate::types::CustomFieldValue;

const OPERATION: &str = "keap write custom field";
/// The read before and after it: a read that fails must not be told as a write that did.
const READ: &str = "keap read custom fields";
/// Times the look after a write is tried: a failure here would hide a loss.
const LOOKS: usize = 3;

/// How a custom field is written. Which one is safe must be found out once per tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomFieldsMode {
    /// Every field that has a value, and the changed one. Right whether Keap replaces or merges.
    #[default]
    Full,
    /// The changed field alone, in v2. Right where Keap merges; a loss is put back.
    Single,
    /// The changed field alone, in v1.
    V1Single,
}

/// What a write of a custom field did.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldWrite {
    /// Every custom field before, as Keap listed it.
    pub before: Value,
    /// Whether anything was written; `false` where the field had the value already.
    pub written: bool,
    /// Other fields that differ after the write, by id, with what came of each. Empty is good.
    pub disturbed: Vec<String>,
}

/// What Keap tells of a contact's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactType {
    /// The value of the field; `None` where it is unset.
    Shown(Option<String>),
    /// The field can't be told among the custom fields: nobody's type can be read.
    NoField(String),
    /// Keap says, in its own error, that there is no such contact. One answer proves nothing.
    NoContact,
}

/// The fields of a contact by id; unset ones are `null`.
type Fields = BTreeMap<String, Value>;

impl KeapClient {
    /// The present contact type.
    ///
    /// Errors: whatever else kept it from being read, an answer without custom fields too. None of
    /// them says anything about the type.
    pub async fn contact_type(&self, contact: &str) -> Result<ContactType, CallError> {
        let field = match self.type_field().await? {
            Ok(field) => field,
            Err(why) => return Ok(ContactType::NoField(why)),
        };
        let shown = match self.custom_fields(contact).await {
            // Permanent with this status is Keap's own error (`error.rs`).
            Err(error) if error.class == Class::Permanent && error.status == Some(404) => {
                return Ok(ContactType::NoContact);
            }
            shown => shown?,
        };
        let field = if shown.contains_key(&field.id) {
            field
        } else {
            // Keap may leave out what is unset. Or the field was deleted, or made anew under another
            // id, since it was found: then an unset one is not what this says.
            self.forget_contact_type_field();
            match self.type_field().await? {
                Ok(field) => field,
                Err(why) => return Ok(ContactType::NoField(why)),
            }
        };
        Ok(ContactType::Shown(shown.get(&field.id).and_then(as_text)))
    }

    /// The field, or why the search did not find it. Refusals of Keap's are errors.
    async fn type_field(&self) -> Result<Result<ResolvedField, String>, CallError> {
        match self.contact_type_field().await {
            Err(error) if error.class == Class::Permanent && error.status.is_none() => {
                Ok(Err(error.message))
            }
            found => found.map(Ok),
        }
    }

    /// Sets the contact type to one of the values the field offers, as spelt.
    pub async fn set_contact_type(
        &self,
        contact: &str,
        value: &str,
    ) -> Result<FieldWrite, CallError> {
        let field = self.contact_type_field().await?;
        check_option(&field, value)?;
        let result = self
            .write_custom_field(contact, &field.id, &json!(value))
            .await;
        if matches!(&result, Err(error) if error.status == Some(400)) {
            // The field or its values may have changed since they were read.
            self.forget_contact_type_field();
        }
        result
    }

    /// Writes one custom field of a contact. See the module for what it promises.
    ///
    /// After an unclear write the fields are looked at at once: if the new value is there, the
    /// write counts as made, and a loss is noticed while the old values are still known.
    pub async fn write_custom_field(
        &self,
        contact: &str,
        field: &str,
        value: &Value,
    ) -> Result<FieldWrite, CallError> {
        let before = self.custom_fields(contact).await?;
        let image = image(&before);
        if before.get(field) == Some(value) {
            return Ok(FieldWrite {
                before: image,
                written: false,
                disturbed: Vec::new(),
            });
        }
        let list = match self.custom_fields {
            CustomFieldsMode::Full => with(&before, field, value),
            CustomFieldsMode::Single | CustomFieldsMode::V1Single => {
                Fields::from([(field.to_owned(), value.clone())])
            }
        };
        let after = match self.patch_fields(contact, &list).await {
            Ok(Some(shown)) => shown,
            Ok(None) => self.look_again(contact).await?,
            Err(error) if error.class == Class::Unclear => {
                let seen = self.look_again(contact).await.ok();
                seen.filter(|seen| seen.get(field) == Some(value))
                    .ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        let (disturbed, after) = self.settle(contact, (field, value), &before, after).await;
        if !disturbed.is_empty() {
            warn!(
                fields = disturbed.join(", "),
                "other custom fields differ after a write"
            );
        }
        if after.get(field) != Some(value) {
            return Err(not_shown(&disturbed));
        }
        Ok(FieldWrite {
            before: image,
            written: true,
            disturbed,
        })
    }

    /// Compares, puts back what is gone, and tells what came of each field, and the fields as they
    /// are then.
    async fn settle(
        &self,
        contact: &str,
        (field, value): (&str, &Value),
        before: &Fields,
        after: Fields,
    ) -> (Vec<String>, Fields) {
        let mut report = changed(before, &after, field);
        let lost = lost(before, &after, field);
        if lost.is_empty() {
            return (report, after);
        }
        let mut whole = with(&after, field, value);
        for id in &lost {
            whole.insert(id.clone(), before.get(id).cloned().unwrap_or_default());
        }
        let repaired = match self.patch_fields(contact, &whole).await {
            Ok(Some(shown)) => shown,
            _ => self.look_again(contact).await.unwrap_or(after),
        };
        report.extend(lost.iter().map(|id| {
            let back = repaired.get(id) == before.get(id);
            let fate = if back {
                "lost, put back"
            } else {
                "lost, NOT put back"
            };
            format!("{id} ({fate})")
        }));
        (report, repaired)
    }

    async fn custom_fields(&self, contact: &str) -> Result<Fields, CallError> {
        let path = ["v2", "contacts", segment(READ, contact)?];
        let query = Query::new().with("fields", "id,custom_fields,update_time");
        let shown: Value = self.read(READ, &path, &query).await?;
        // Writing back a list that was never shown would delete everything.
        fields(&shown).ok_or_else(|| {
            CallError::permanent(
                VENDOR,
                READ,
                "keap does not show the contact's custom fields",
            )
        })
    }

    async fn look_again(&self, contact: &str) -> Result<Fields, CallError> {
        let mut tries = 1;
        loop {
            match self.custom_fields(contact).await {
                Ok(fields) => return Ok(fields),
                Err(_) if tries < LOOKS => tries += 1,
                Err(error) => {
                    return Err(CallError {
                        vendor: Some(VENDOR),
                        class: Class::Unclear,
                        operation: OPERATION,
                        message: format!(
                            "written, but the other custom fields could not be checked: {}",
                            error.message
                        ),
                        ..error
                    });
                }
            }
        }
    }

    /// Writes the listed fields. Returns the fields as the answer shows them, if it does.
    async fn patch_fields(
        &self,
        contact: &str,
        list: &Fields,
    ) -> Result<Option<Fields>, CallError> {
        let contact = segment(OPERATION, contact)?;
        let v1 = self.custom_fields == CustomFieldsMode::V1Single;
        let entries: Vec<Value> = list
            .iter()
            .map(|(id, content)| json!({"id": number_in_v1(id, v1), "content": content}))
            .collect();
        let body = json!({"custom_fields": entries});
        let mut query = Query::new().with("update_mask", "custom_fields");
        if !v1 {
            query = query.with("fields", "id,custom_fields,update_time");
        }
        let path = [if v1 { "v1" } else { "v2" }, "contacts", contact];
        let answer = self
            .write(OPERATION, Method::PATCH, &path, &query, Some(&body))
            .await?;
        if v1 {
            return Ok(None);
        }
        let shown: Option<Value> = serde_json::from_slice(&answer.body).ok();
        // An answer may list only what was asked for: one without every written field shows
        // nothing about the rest.
        Ok(shown
            .as_ref()
            .and_then(fields)
            .filter(|shown| list.keys().all(|id| shown.contains_key(id))))
    }
}

/// Keap took the write and shows another value: a look at an old copy, or a value it dropped.
fn not_shown(disturbed: &[String]) -> CallError {
    let others = match disturbed {
        [] => String::new(),
        others => format!("; other fields: {}", others.join(", ")),
    };
    CallError {
        vendor: Some(VENDOR),
        class: Class::Retryable { after: None },
        operation: OPERATION,
        status: None,
        message: format!("accepted, but the new value is not shown{others}"),
    }
}

fn number_in_v1(id: &str, v1: bool) -> Value {
    match id.parse::<i64>() {
        Ok(number) if v1 => json!(number),
        _ => json!(id),
    }
}

/// The fields by id; `None` where the answer has no such member, or an entry without an id. A
/// `null` where the fields were asked for says that none is set.
fn fields(contact: &Value) -> Option<Fields> {
    let list = contact.get("custom_fields")?.clone();
    let entries: Option<Vec<CustomFieldValue>> = serde_json::from_value(list).ok()?;
    let by_id = |entry: CustomFieldValue| Some((entry.id?, entry.content));
    entries.unwrap_or_default().into_iter().map(by_id).collect()
}

/// Every field with a value, and `field` with its new one: what a full write sends.
fn with(fields: &Fields, field: &str, value: &Value) -> Fields {
    let mut list = fields.clone();
    list.retain(|_, content| !content.is_null());
    list.insert(field.to_owned(), value.clone());
    list
}

fn image(fields: &Fields) -> Value {
    fields
        .iter()
        .map(|(id, content)| json!({"id": id, "content": content}))
        .collect()
}

/// Whether a field has no value: Keap shows that as `null`, as an empty text, or not at all.
fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

/// Other fields that had a value and have none now.
fn lost(before: &Fields, after: &Fields, field: &str) -> Vec<String> {
    before
        .iter()
        .filter(|(id, content)| *id != field && !is_blank(Some(content)))
        .filter(|(id, _)| is_blank(after.get(*id)))
        .map(|(id, _)| id.clone())
        .collect()
}

/// Other fields that have another value now, or one where they had none.
fn changed(before: &Fields, after: &Fields, field: &str) -> Vec<String> {
    after
        .iter()
        .filter(|(id, content)| *id != field && !is_blank(Some(content)))
        .filter(|(id, content)| before.get(*id) != Some(content))
        .map(|(id, _)| format!("{id} (changed meanwhile, left as it is)"))
        .collect()
}

fn as_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(as_text).collect();
            texts.join(",")
        }
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(entries: &[(&str, Value)]) -> Fields {
        entries
            .iter()
            .map(|(id, content)| ((*id).to_owned(), content.clone()))
            .collect()
    }

    #[test]
    fn a_full_write_sends_every_value_and_no_null() {
        let before = of(&[
            ("6", json!("Online")),
            ("8", Value::Null),
            ("11", json!(["a"])),
        ]);
        let list = with(&before, "6", &json!("In-Person"));
        assert_eq!(list, of(&[("6", json!("In-Person")), ("11", json!(["a"]))]));
    }

    #[test]
    fn gone_and_changed_are_told_apart() {
        let before = of(&[
            ("6", json!("a")),
            ("8", json!(1)),
            ("9", json!("x")),
            ("10", json!("")),
        ]);
        let after = of(&[
            ("6", json!("b")),
            ("8", json!(2)),
            ("10", Value::Null),
            ("12", json!(0)),
        ]);
        assert_eq!(lost(&before, &after, "6"), ["9"]);
        assert_eq!(
            changed(&before, &after, "6"),
            [
                "12 (changed meanwhile, left as it is)",
                "8 (changed meanwhile, left as it is)"
            ]
        );
    }

    #[test]
    fn a_list_that_was_not_shown_is_not_an_empty_list() {
        assert_eq!(fields(&json!({})), None);
        assert_eq!(fields(&json!({"custom_fields": "x"})), None);
        assert_eq!(fields(&json!({"custom_fields": [{"content": "x"}]})), None);
        assert_eq!(fields(&json!({"custom_fields": []})), Some(Fields::new()));
        assert_eq!(fields(&json!({"custom_fields": null})), Some(Fields::new()));
    }

    #[test]
    fn v1_is_given_numbers_and_v2_texts() {
        assert_eq!(number_in_v1("6", true), json!(6));
        assert_eq!(number_in_v1("6", false), json!("6"));
        assert_eq!(number_in_v1("x6", true), json!("x6"));
    }

    proptest! {
        #[test]
        fn a_full_write_loses_nothing_whether_keap_replaces_or_merges(
            values in proptest::collection::btree_map("[0-9]{1,3}", ".{0,8}", 0..12),
            field in "[0-9]{1,3}",
        ) {
            let before: Fields =
                values.into_iter().map(|(id, text)| (id, json!(text))).collect();
            let written = with(&before, &field, &json!("In-Person"));
            prop_assert!(lost(&before, &written, &field).is_empty());
            prop_assert!(changed(&before, &written, &field).is_empty());
        }
    }
}
