//! Custom fields of contacts: what reads echo, what writes keep, lose and refuse.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::oddities::{ListBox, WriteBack};
use super::settings::{FieldEcho, ListWrite};
use super::state::CustomField;
use super::world::World;

/// A field that a write changed.
#[derive(Debug)]
struct Changed {
    label: String,
    value: Value,
}

/// The fields of a contact as `[{id, content}]`; ids as text in v2, as integers in v1.
pub(super) fn echo(world: &World<'_>, contact: u64, id: impl Fn(u64) -> Value) -> Value {
    let value = |field: &CustomField| now_or_stale(world, contact, field);
    world
        .state
        .fields
        .iter()
        .filter(|field| {
            world.settings.field_echo == FieldEcho::AllDefined || value(field).is_some()
        })
        .map(|field| json!({ "id": id(field.id), "content": value(field) }))
        .collect()
}

/// The value that a read shows: joined or not, and as it was where reads lag.
fn now_or_stale(world: &World<'_>, contact: u64, field: &CustomField) -> Option<Value> {
    let stale = world.state.stale.get(&contact);
    let value = match stale.filter(|(until, _)| world.now < *until) {
        Some((_, before)) => before.get(&field.id).cloned(),
        None => world.state.custom.get(&(contact, field.id)).cloned(),
    };
    let joins = world.settings.oddities.list_box == ListBox::Joined;
    match value {
        Some(Value::Array(items)) if joins && field.kind == "LIST_BOX" => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Some(texts.join(",").into())
        }
        value => value,
    }
}

/// Remembers the fields as they are, for as long as reads will go on showing them.
fn keep_stale(world: &mut World<'_>, contact: u64) {
    let delay = world.settings.oddities.field_delay.clone();
    if *delay.end() == 0 {
        return;
    }
    let before = world.state.custom.range((contact, 0)..=(contact, u64::MAX));
    let before = before.map(|((_, field), value)| (*field, value.clone()));
    let before = (world.soon(&delay), before.collect());
    world.state.stale.insert(contact, before);
}

/// Runs a read that is part of a write's own answer: it shows the fields as they are.
pub(super) fn fresh<T>(
    world: &mut World<'_>,
    contact: u64,
    read: impl FnOnce(&mut World<'_>) -> T,
) -> T {
    let stale = world.state.stale.remove(&contact);
    let answer = read(world);
    if let Some(stale) = stale {
        world.state.stale.insert(contact, stale);
    }
    answer
}

/// A value that comes back in the form it was read, by the switch.
fn written_back(
    world: &World<'_>,
    contact: u64,
    field: &CustomField,
    value: Value,
) -> Result<Value, String> {
    const FRAGILE: &[&str] = &["DATE", "DATE_TIME", "LIST_BOX", "DRILLDOWN", "USER"];
    let is_read = now_or_stale(world, contact, field).as_ref() == Some(&value);
    if !is_read || !FRAGILE.contains(&field.kind.as_str()) {
        return Ok(value);
    }
    match world.settings.oddities.write_back {
        WriteBack::Kept => Ok(value),
        WriteBack::Refused => Err(format!("Invalid value for custom field {}", field.id)),
        WriteBack::Altered => Ok(value
            .as_str()
            .map_or(value.clone(), |text| text.to_uppercase().into())),
    }
}

/// Carries out a write of `custom_fields` and writes it down: as `contact_type` with the field it
/// set and whether every other field is what it was, or as `contact_type_again` if it changed
/// nothing. Refused with a reason, then nothing has changed.
pub(super) fn write(
    world: &mut World<'_>,
    contact: u64,
    list: &Value,
    semantics: ListWrite,
) -> Result<(), String> {
    let written = read(world, contact, list)?;
    keep_stale(world, contact);
    let mut changed = Vec::new();
    for (field, value) in &written {
        change(world, contact, *field, value.clone(), &mut changed);
    }
    if semantics == ListWrite::Replace {
        let others: Vec<u64> = world
            .state
            .fields
            .iter()
            .map(|field| field.id)
            .filter(|id| written.iter().all(|(written, _)| written != id))
            .collect();
        for field in others {
            change(world, contact, field, Value::Null, &mut changed);
        }
    }
    record(world, contact, changed);
    Ok(())
}

/// The list as (field, value), checked.
fn read(world: &World<'_>, contact: u64, list: &Value) -> Result<Vec<(u64, Value)>, String> {
    let items = match list {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err("custom_fields must be a list".to_owned()),
    };
    items
        .iter()
        .map(|item| {
            let id = match &item["id"] {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err("custom field id is required".to_owned()),
            };
            let field = world
                .state
                .fields
                .iter()
                .find(|field| field.id.to_string() == id)
                .ok_or_else(|| format!("Custom field {id} does not exist"))?;
            let content = item["content"].clone();
            check(field, &content)?;
            Ok((field.id, written_back(world, contact, field, content)?))
        })
        .collect()
}

fn check(field: &CustomField, content: &Value) -> Result<(), String> {
    let choice = matches!(field.kind.as_str(), "DROPDOWN" | "RADIO");
    if !choice || content.is_null() {
        return Ok(());
    }
    match content.as_str() {
        Some(text) if field.options.iter().any(|option| option == text) => Ok(()),
        _ => Err(format!("Invalid option for custom field {}", field.id)),
    }
}

fn change(
    world: &mut World<'_>,
    contact: u64,
    field: u64,
    value: Value,
    changed: &mut Vec<Changed>,
) {
    let key = (contact, field);
    let before = world.state.custom.get(&key).cloned().unwrap_or_default();
    if before == value {
        return;
    }
    let label = world.state.fields.iter().find(|f| f.id == field);
    changed.push(Changed {
        label: label.map(|f| f.label.clone()).unwrap_or_default(),
        value: value.clone(),
    });
    if value.is_null() {
        world.state.custom.remove(&key);
    } else {
        world.state.custom.insert(key, value);
    }
}

fn record(world: &World<'_>, contact: u64, mut changed: Vec<Changed>) {
    if changed.is_empty() {
        world.accept("contact_type_again", &contact, json!({}));
        return;
    }
    // The field that was given a value is what the writer meant; what was emptied is what it lost.
    let meant = changed.iter().position(|c| !c.value.is_null()).unwrap_or(0);
    let meant = changed.remove(meant);
    let others: BTreeMap<_, _> = changed.into_iter().map(|c| (c.label, c.value)).collect();
    world.accept(
        "contact_type",
        &contact,
        json!({
            "field": meant.label,
            "value": meant.value,
            "others_unchanged": others.is_empty(),
            "others_changed": others,
        }),
    );
}
