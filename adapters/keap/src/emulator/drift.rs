//! What an answer looks like on a bad day: null wherever there may be something, words that no
//! description lists, errors in another shape. Done to finished answers, in one place, so that no
//! handler can forget it.

use serde_json::{Value, json};

use super::oddities::{ErrorShape, Words};
use super::reply::{Payload, Reply};
use super::settings::{Drift, Settings};

/// Members whose values come from a closed list.
const WORDS: &[&str] = &[
    "status",
    "email_opt_status",
    "original_provider",
    "field_type",
    "record_type",
    "merchant_account_type",
    "payment_method_type",
    "billing_cycle",
    "priority",
    "order_type",
];

/// The word that nobody knows. It marks what differs from the description on purpose, in answers and
/// in what acts put into the tenant.
pub(super) const NEW: &str = "A_NEW_WORD";

/// The member that nobody announced, with the same meaning.
pub(super) const NEWS: &str = "x_news";

/// The answer as the switches want it.
pub(super) fn drifted(mut reply: Reply, settings: &Settings) -> Reply {
    let Payload::Json(body) = &mut reply.payload else {
        return reply;
    };
    if reply.status >= 400 {
        reshape(body, settings.oddities.error_shape);
        return reply;
    }
    if settings.oddities.words == Words::New {
        renew(body);
    }
    if settings.drift == Drift::NullsEverywhere {
        hollow(body);
    }
    if settings.drift == Drift::ShortLists {
        for (list, text) in [("tasks", "description"), ("notes", "text")] {
            let items = body.get_mut(list).and_then(Value::as_array_mut);
            for item in items.into_iter().flatten().filter_map(Value::as_object_mut) {
                item.remove(text);
            }
        }
    }
    reply
}

/// An error of the application's in another shape. The gateway's own faults have no `message`.
fn reshape(body: &mut Value, shape: ErrorShape) {
    let Some(message) = body.get("message").cloned() else {
        return;
    };
    match shape {
        ErrorShape::Described => {}
        ErrorShape::Bare => *body = json!({ "message": message }),
        ErrorShape::Trace => {
            *body = json!({
                "message": message,
                "localizedMessage": message,
                "cause": null,
                "suppressed": [],
                "stackTrace": [{
                    "className": "com.example.Crm", "methodName": "find", "lineNumber": 17,
                    "nativeMethod": false,
                }],
            });
        }
    }
}

fn renew(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(renew),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), &mut *member) {
                    ("results", Value::Object(results)) => {
                        results.values_mut().for_each(|word| *word = NEW.into());
                    }
                    (name, Value::String(_)) if WORDS.contains(&name) => *member = NEW.into(),
                    _ => renew(member),
                }
            }
        }
        _ => {}
    }
}

/// Makes everything null but ids, tokens of pages, and lists that hold objects.
fn hollow(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hollow),
        Value::Object(members) => {
            for (name, member) in members {
                let stays = is_id(name) || name == "next_page_token";
                match member {
                    _ if stays => {}
                    Value::Array(items) if items.iter().any(Value::is_object) => {
                        items.iter_mut().for_each(hollow);
                    }
                    Value::Object(_) => hollow(member),
                    other => *other = Value::Null,
                }
            }
        }
        _ => {}
    }
}

fn is_id(name: &str) -> bool {
    name == "id" || name == "key" || name.ends_with("_id")
}
