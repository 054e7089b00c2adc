//! Whether a value is of a described shape. What is wrong is told by place and kind, never by value.

use std::collections::BTreeMap;

use relay_core::time::{Date, Timestamp};
use serde_json::Value;

use super::described::{Fault, JsonType, Mismatch, Schema};

/// Deeper than any vendor nests; a schema may refer to itself.
const MAX_DEPTH: usize = 24;

/// A check under way.
pub(super) struct Checked<'a> {
    schemas: &'a BTreeMap<String, Schema>,
    tags: &'a [String],
    operation: String,
    found: Vec<Mismatch>,
    depth: usize,
}

impl<'a> Checked<'a> {
    pub(super) fn new(
        schemas: &'a BTreeMap<String, Schema>,
        tags: &'a [String],
        operation: String,
    ) -> Self {
        Self {
            schemas,
            tags,
            operation,
            found: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn found(self) -> Vec<Mismatch> {
        self.found
    }

    pub(super) fn add(&mut self, place: &str, fault: Fault) {
        let place = format!("{} {place}", self.operation);
        self.found.push(Mismatch { place, fault });
    }

    /// A query parameter, as often as it was given.
    pub(super) fn parameter(&mut self, name: &str, schema: &Schema, given: &[&str]) {
        let place = format!("query.{name}");
        if given.is_empty() && schema.needed {
            self.add(&place, Fault::Missing);
        }
        if schema.kind != Some(JsonType::Array) {
            if given.len() > 1 {
                let wanted = "parameter that may be repeated".to_owned();
                return self.add(&place, Fault::Type { wanted });
            }
            if let Some(text) = given.first() {
                self.value(&place, schema, &parsed(schema, text));
            }
            return;
        }
        let any = Schema::default();
        let items = schema.items.as_deref().unwrap_or(&any);
        // The description puts the closed list of a list's items beside the list.
        let words = schema.words.as_ref().or(items.words.as_ref());
        let separator = if schema.joined { "," } else { "\n" };
        for text in given.iter().flat_map(|text| text.split(separator)) {
            let text = text.trim();
            if words.is_some_and(|words| !words.iter().any(|word| word == text)) {
                self.add(&place, Fault::Word);
            }
        }
    }

    /// A value against its shape.
    pub(super) fn value(&mut self, place: &str, schema: &Schema, value: &Value) {
        if self.depth > MAX_DEPTH {
            return;
        }
        self.depth += 1;
        match &schema.named {
            Some(name) => match self.schemas.get(name) {
                Some(named) => self.value(place, named, value),
                None => self.add(place, Fault::Undescribed),
            },
            None => self.plain(place, schema, value),
        }
        self.depth -= 1;
    }

    fn plain(&mut self, place: &str, schema: &Schema, value: &Value) {
        let Some(kind) = schema.kind else {
            return self.members(place, schema, value);
        };
        if !is_a(kind, value) {
            let wanted = name(kind).to_owned();
            return self.add(place, Fault::Type { wanted });
        }
        if let Some(words) = &schema.words
            && kind != JsonType::Array
            && !words.contains(value)
            && !self.tags.iter().any(|tag| value == tag.as_str())
        {
            self.add(place, Fault::Word);
        }
        match value {
            Value::String(text) => self.text(place, schema, text),
            Value::Number(_) => self.number(place, schema, value),
            Value::Array(items) => {
                let Some(schema) = &schema.items else { return };
                for (index, item) in items.iter().enumerate() {
                    self.value(&format!("{place}[{index}]"), schema, item);
                }
            }
            Value::Object(_) => self.members(place, schema, value),
            Value::Bool(_) | Value::Null => {}
        }
    }

    fn text(&mut self, place: &str, schema: &Schema, text: &str) {
        if schema
            .max_length
            .is_some_and(|max| text.chars().count() > max)
        {
            self.add(place, Fault::Range);
        }
        let fits = match schema.format.as_deref() {
            Some("date-time") => text.parse::<Timestamp>().is_ok(),
            Some("date") => text.len() == 10 && text.parse::<Date>().is_ok(),
            _ => true,
        };
        if !fits {
            let wanted = schema.format.clone().unwrap_or_default();
            self.add(place, Fault::Type { wanted });
        }
    }

    fn number(&mut self, place: &str, schema: &Schema, value: &Value) {
        let number = value.as_f64().unwrap_or(f64::NAN);
        let too_long = match schema.format.as_deref() {
            Some("int32") => value.as_i64().is_none_or(|n| i32::try_from(n).is_err()),
            Some("int64") => value.as_i64().is_none(),
            _ => false,
        };
        let too_small = schema.minimum.is_some_and(|min| number < min);
        let too_large = schema.maximum.is_some_and(|max| number > max);
        if too_long || too_small || too_large {
            self.add(place, Fault::Range);
        }
    }

    fn members(&mut self, place: &str, schema: &Schema, value: &Value) {
        let Value::Object(members) = value else {
            return;
        };
        for name in &schema.required {
            if members.get(name).is_none_or(Value::is_null) {
                self.add(&format!("{place}.{name}"), Fault::Missing);
            }
        }
        for (name, value) in members {
            let place = format!("{place}.{name}");
            match (schema.properties.get(name), &schema.values) {
                _ if value.is_null() || self.tags.contains(name) => {}
                (Some(schema), _) => self.value(&place, schema, value),
                // The names of a map are values: ids, mostly.
                (None, Some(schema)) => self.value(&format!("{place}[]"), schema, value),
                // An object without described members may hold anything.
                (None, None) if schema.properties.is_empty() => {}
                (None, None) => self.add(&place, Fault::Undescribed),
            }
        }
    }
}

fn is_a(kind: JsonType, value: &Value) -> bool {
    match kind {
        JsonType::String => value.is_string(),
        JsonType::Integer => value.is_i64() || value.is_u64(),
        JsonType::Number => value.is_number(),
        JsonType::Boolean => value.is_boolean(),
        JsonType::Array => value.is_array(),
        JsonType::Object => value.is_object(),
    }
}

fn name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::String => "text",
        JsonType::Integer => "whole number",
        JsonType::Number => "number",
        JsonType::Boolean => "true or false",
        JsonType::Array => "list",
        JsonType::Object => "object",
    }
}

/// A parameter's text as the value that it stands for; the text itself where it stands for none.
fn parsed(schema: &Schema, text: &str) -> Value {
    let number = || serde_json::from_str(text).ok().filter(Value::is_number);
    let read = match schema.kind {
        Some(JsonType::Integer | JsonType::Number) => number(),
        Some(JsonType::Boolean) => text.parse().ok().map(Value::Bool),
        _ => None,
    };
    read.unwrap_or_else(|| Value::String(text.to_owned()))
}
