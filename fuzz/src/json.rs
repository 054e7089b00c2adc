//! Mutations that know the form of JSON: the data stays JSON and says something else.

use serde_json::{Map, Value};

use crate::mutate::Mutator;

/// Brackets deep enough for any limit to be met.
const DEEP: usize = 200;

/// The input with its JSON part changed: all of it, or what stands behind an empty line (a body
/// behind headers). `None` if there is no JSON.
pub fn changed(mutator: &Mutator, data: &[u8]) -> Option<Vec<u8>> {
    let (head, body) = split_body(data);
    let mut value: Value = serde_json::from_slice(body).ok()?;
    if mutator.below(40) == 0 {
        let deep = "[".repeat(DEEP) + &"]".repeat(DEEP);
        return Some([head, deep.as_bytes()].concat());
    }
    let nodes = count(&value);
    let mut at = mutator.below(nodes);
    change(mutator, &mut value, &mut at);
    Some([head, value.to_string().as_bytes()].concat())
}

/// What stands before a body, its empty line included, and the body.
pub fn split_body(data: &[u8]) -> (&[u8], &[u8]) {
    let blank = data.windows(2).position(|pair| pair == b"\n\n");
    data.split_at(blank.map_or(0, |at| at + 2))
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Changes the node number `at`, counted from the root.
fn change(mutator: &Mutator, value: &mut Value, at: &mut usize) -> bool {
    if *at == 0 {
        alter(mutator, value);
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| change(mutator, item, at)),
        Value::Object(members) => {
            let mut nodes = members.values_mut();
            nodes.any(|member| change(mutator, member, at))
        }
        _ => false,
    }
}

fn alter(mutator: &Mutator, value: &mut Value) {
    match value {
        Value::Object(members) if mutator.below(2) == 0 => alter_members(mutator, members),
        Value::Array(items) if mutator.below(2) == 0 => alter_items(mutator, items),
        Value::String(text) if mutator.below(2) == 0 => {
            let mut at = mutator.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            text.insert_str(at, mutator.word());
        }
        _ => *value = another(mutator),
    }
}

fn alter_members(mutator: &Mutator, members: &mut Map<String, Value>) {
    let names: Vec<String> = members.keys().cloned().collect();
    let Some(name) = mutator.pick(&names) else {
        members.insert(mutator.word().to_owned(), another(mutator));
        return;
    };
    match mutator.below(3) {
        0 => {
            members.remove(name);
        }
        1 => {
            let value = members.remove(name).unwrap_or_default();
            members.insert(mutator.word().to_owned(), value);
        }
        _ => {
            let value = members.get(name).cloned().unwrap_or_default();
            members.insert(mutator.word().to_owned(), value);
        }
    }
}

fn alter_items(mutator: &Mutator, items: &mut Vec<Value>) {
    let at = mutator.below(items.len());
    match items.get(at).cloned() {
        Some(item) if mutator.below(2) == 0 => items.insert(at, item),
        Some(_) => {
            items.remove(at);
        }
        None => items.push(another(mutator)),
    }
}

/// A value of any kind.
fn another(mutator: &Mutator) -> Value {
    match mutator.below(8) {
        0 => Value::Null,
        1 => Value::Bool(mutator.below(2) == 0),
        2 => Value::Array(Vec::new()),
        3 => Value::Object(Map::new()),
        4 => Value::from(mutator.word().repeat(1 + mutator.below(40))),
        5 => serde_json::from_str(mutator.word()).unwrap_or_else(|_| Value::from(-1)),
        6 => Value::Array(vec![Value::Null; mutator.below(20)]),
        _ => Value::from(mutator.word()),
    }
}
