//! Acts that are rarer: goals, templates, fields of tasks, a contact whose tags are refused, is
//! deleted or merged.

use serde::Deserialize;
use serde_json::{Value, json};

use super::acts::NewField;
use super::state::{CustomField, Row};
use super::world::{World, known};

/// A published goal of an automation, reached by its names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGoal {
    /// The integration it belongs to.
    pub integration: String,
    /// Its call name.
    pub call_name: String,
}

/// A template for mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewTemplate {
    /// Its id; the next free one if `None`.
    pub id: Option<u64>,
    /// Its subject.
    pub subject: String,
    /// Its content, HTML.
    pub html: String,
}

/// A contact on whom no tag can be put.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagRefusal {
    /// The contact.
    pub contact: u64,
    /// What `applyTags` says of it, with 200: `NO_PERMISSION`, `FAILURE`, or a word nobody knows.
    /// `None` ends it.
    pub word: Option<String>,
}

impl World<'_> {
    pub(super) fn delete_contact(&mut self, contact: u64) -> Result<u64, String> {
        known(self.state.contacts.remove(contact), "contact")?;
        self.state.custom.retain(|(owner, _), _| *owner != contact);
        self.state.applied.retain(|(owner, _), _| *owner != contact);
        self.raise("contact.delete", contact);
        Ok(contact)
    }

    pub(super) fn merge(&mut self, keep: u64, gone: u64) -> Result<u64, String> {
        known(self.state.contacts.get(keep), "contact")?;
        self.delete_contact(gone)?;
        let state = &mut *self.state;
        for table in [
            &mut state.emails,
            &mut state.tasks,
            &mut state.notes,
            &mut state.subscriptions,
            &mut state.payment_methods,
        ] {
            for record in table.iter_mut().filter(|record| record.belongs_to(gone)) {
                record.set("contact_id", keep.to_string());
            }
        }
        self.raise("contact.edit", keep);
        Ok(keep)
    }

    pub(super) fn add_goal(&mut self, new: &NewGoal) -> u64 {
        self.state.goals.push(new.clone());
        self.state.goals.len() as u64
    }

    pub(super) fn add_template(&mut self, new: &NewTemplate) -> u64 {
        let mut row = Row::new();
        row.insert("subject".to_owned(), new.subject.clone().into());
        row.insert("html".to_owned(), new.html.clone().into());
        self.state.templates.insert(new.id, row, self.now)
    }

    pub(super) fn refuse_tags(&mut self, refusal: &TagRefusal) -> u64 {
        let refused = &mut self.state.refused_tags;
        match &refusal.word {
            Some(word) => refused.insert(refusal.contact, word.clone()),
            None => refused.remove(&refusal.contact),
        };
        refusal.contact
    }

    /// Tasks have custom fields of their own. Tabs and groups of these are not told.
    pub(super) fn add_task_field(&mut self, new: &NewField) -> u64 {
        let fields = &mut self.state.task_fields;
        let highest = fields.iter().map(|field| field.id).max().unwrap_or(1_000);
        let id = new.id.unwrap_or(highest + 1);
        let name = new.field_name.clone();
        fields.push(CustomField {
            id,
            label: new.label.clone(),
            name: name.unwrap_or_else(|| new.label.replace(' ', "")),
            kind: new.field_type.clone().unwrap_or_else(|| "TEXT".to_owned()),
            options: new.options.clone(),
            group: 0,
        });
        id
    }
}

/// The custom fields of a task as `[{id, content}]`: every defined one, unset ones null.
pub(super) fn task_fields(world: &World<'_>, row: &Row) -> Value {
    let stored = row.get("custom_fields").and_then(Value::as_array);
    let content = |id: u64| {
        let mut items = stored.into_iter().flatten();
        items.find(|item| item["id"] == json!(id.to_string()))?["content"]
            .clone()
            .into()
    };
    let fields = world.state.task_fields.iter();
    fields
        .map(|field| {
            let content: Option<Value> = content(field.id);
            json!({ "id": field.id.to_string(), "content": content })
        })
        .collect()
}

/// Checks what a write of a task's `custom_fields` holds.
pub(super) fn check_task_fields(world: &World<'_>, list: &Value) -> Result<(), String> {
    let items = list.as_array().ok_or("custom_fields must be a list")?;
    for item in items {
        let known = item["id"].as_str().is_some_and(|id| {
            let mut fields = world.state.task_fields.iter();
            fields.any(|field| field.id.to_string() == id)
        });
        if !known {
            return Err("Custom field does not exist".to_owned());
        }
    }
    Ok(())
}
