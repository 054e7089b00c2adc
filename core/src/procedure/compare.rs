//! What differs between two versions of a procedure, key by key: what a person looks at before a
//! case is moved from one to the other (E72).

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// One key that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The key, with dots: `waits.usual_hours`, `scripts.S1.text`.
    pub key: String,
    /// Its value in the version compared from; `None` where that version has no such key.
    pub was: Option<Value>,
    /// Its value in the version compared to; `None` where that version has no such key.
    pub now: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<Value>| match value {
            None => "nothing".to_owned(),
            Some(value) => value.to_string(),
        };
        write!(f, "{}: {} → {}", self.key, said(&self.was), said(&self.now))
    }
}

/// Every key whose value differs between two stored bodies, in the order of the keys. Lists are
/// compared whole. Empty if, and only if, both say the same.
pub fn differences(was: &Value, now: &Value) -> Vec<Difference> {
    let (was, now) = (flat(was), flat(now));
    let keys = was.keys().chain(now.keys());
    let mut keys: Vec<&String> = keys.collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| was.get(*key) != now.get(*key))
        .map(|key| Difference {
            key: key.clone(),
            was: was.get(key).cloned(),
            now: now.get(key).cloned(),
        })
        .collect()
}

/// Every value that holds no other by its path. An empty object stands for itself.
fn flat(value: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    collect("", value, &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                // Parameters stand at the top of the file that the clinic edits.
                let path = match path {
                    "" | "parameters" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                collect(&path, member, found);
            }
        }
        plain => {
            found.insert(path.to_owned(), plain.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_changed_wait_and_a_changed_text_are_named_by_their_keys() {
        let was = json!({ "parameters": { "waits": { "usual_hours": 48, "short_hours": 24 } },
                          "scripts": { "S1": { "text": "Hi" }, "S2": { "text": "Ho" } } });
        let now = json!({ "parameters": { "waits": { "usual_hours": 24, "short_hours": 24 } },
                          "scripts": { "S1": { "text": "Hello" } } });
        let found: Vec<String> = differences(&was, &now)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "scripts.S1.text: \"Hi\" → \"Hello\"",
                "scripts.S2.text: \"Ho\" → nothing",
                "waits.usual_hours: 48 → 24",
            ]
        );
    }

    fn body() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<u8>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
            Just(json!({})),
            Just(json!([])),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            proptest::collection::btree_map("[a-c]", inner, 0..3).prop_map(|members| {
                members
                    .into_iter()
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            })
        })
    }

    proptest! {
        #[test]
        fn nothing_differs_exactly_when_both_are_the_same(was in body(), now in body()) {
            prop_assert!(differences(&was, &was).is_empty());
            prop_assert_eq!(differences(&was, &now).is_empty(), was == now);
        }
    }
}
