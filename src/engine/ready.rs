//! The texts that stand ready in a work item, for whoever sends them.
//!
//! A text is handed out only if every sentence of it is so, as for one that the relay sends itself (A9, A31): a coach who is
//! busy copies what she is given. It is judged on the day on which it is shown, since "yesterday" is so on one day only.

use relay_core::scripts::Assertion;
use relay_core::time::Date;
use serde_json::Value;

/// A text that was made ready.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ready<'a> {
    /// It can be used.
    Text {
        /// What it is used as ("the text message").
        what: &'a str,
        /// The text.
        text: &'a str,
    },
    /// It says what is not so: what that is.
    Withheld(Vec<&'a str>),
    /// Something that it needs is missing.
    Missing,
}

/// What an item's `ready` holds, on `today`: nothing, one text, or several.
pub(crate) fn ready(value: &Value, today: Date) -> Vec<Ready<'_>> {
    match value {
        Value::Array(several) => several.iter().filter_map(|one| read(one, today)).collect(),
        one => read(one, today).into_iter().collect(),
    }
}

fn read(value: &Value, today: Date) -> Option<Ready<'_>> {
    let Some(text) = value["text"].as_str() else {
        return value["script"].is_string().then_some(Ready::Missing);
    };
    let faults = faults(value, today);
    Some(if faults.is_empty() {
        let what = value["as"].as_str().unwrap_or("the text");
        Ready::Text { what, text }
    } else {
        Ready::Withheld(faults)
    })
}

fn faults(value: &Value, today: Date) -> Vec<&str> {
    let check = value["check"].as_array().into_iter().flatten();
    let mut faults: Vec<&str> = check.filter_map(Value::as_str).collect();
    let over = Assertion::DueYesterday.fault();
    if is_over(value, today) && !faults.contains(&over) {
        faults.push(over);
    }
    faults
}

/// Whether a text is true only on a day that is over.
pub(crate) fn is_over(value: &Value, today: Date) -> bool {
    let only_on: Option<Date> = serde_json::from_value(value["only_on"].clone()).ok();
    only_on.is_some_and(|day| day < today)
}

/// What to do about an item on `today`: what its text says may not be so any more.
pub(crate) fn remedy(detail: &Value, today: Date) -> &Value {
    match &detail["remedy_after"] {
        Value::Null => &detail["remedy"],
        after if is_over(&detail["ready"], today) => after,
        _ => &detail["remedy"],
    }
}

/// An item's detail as it is shown on `today`: without the texts that are not to be used, and why they are not in their
/// place; and without what is only said of other days.
pub(crate) fn checked(detail: &Value, today: Date) -> Value {
    let remedy = remedy(detail, today).clone();
    let mut detail = detail.clone();
    if let Some(members) = detail.as_object_mut() {
        if !remedy.is_null() {
            members.insert("remedy".to_owned(), remedy);
        }
        members.remove("remedy_after");
        members.remove("was_sent");
    }
    let texts: Vec<&mut Value> = match detail.get_mut("ready") {
        Some(Value::Array(several)) => several.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for one in texts {
        let faults = faults(one, today);
        if faults.is_empty() || !one["text"].is_string() {
            continue;
        }
        let withheld = format!("it says what is not so here ({})", faults.join("; "));
        if let Some(members) = one.as_object_mut() {
            members.remove("text");
            members.remove("check");
            members.insert("withheld".to_owned(), withheld.into());
        }
    }
    detail
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a date")
    }

    #[test]
    fn a_text_is_handed_out_while_all_of_it_is_so() {
        let yesterday =
            json!({ "script": "S1", "as": "the message", "text": "Hi", "only_on": "2026-11-04" });
        let on = |day| ready(&yesterday, day);
        assert_eq!(
            on(day("2026-11-04")),
            [Ready::Text {
                what: "the message",
                text: "Hi"
            }]
        );
        assert_eq!(
            on(day("2026-11-05")),
            [Ready::Withheld(vec![Assertion::DueYesterday.fault()])]
        );
        let several = json!([
            { "script": "S4", "text": "Hi", "check": ["nobody called"] },
            { "script": "S4", "missing": "a name" }
        ]);
        assert_eq!(
            ready(&several, day("2026-11-04")),
            [Ready::Withheld(vec!["nobody called"]), Ready::Missing]
        );
        assert_eq!(ready(&Value::Null, day("2026-11-04")), []);
    }

    #[test]
    fn of_two_ways_on_the_one_of_the_day_is_shown() {
        let detail = json!({
            "remedy": "send it", "remedy_after": "write yourself", "was_sent": "not again",
            "ready": { "text": "Hi", "only_on": "2026-11-04" },
        });
        let shown = |day| checked(&detail, day)["remedy"].clone();
        assert_eq!(shown(day("2026-11-04")), "send it");
        assert_eq!(shown(day("2026-11-05")), "write yourself");
        let members = checked(&detail, day("2026-11-04"));
        assert!(members.get("remedy_after").is_none() && members.get("was_sent").is_none());
    }

    #[test]
    fn what_is_shown_of_an_item_holds_no_text_that_is_not_so() {
        let detail = json!({ "reason": "r", "ready": { "script": "S4", "text": "Hi", "check": ["nobody called"] } });
        let shown = checked(&detail, day("2026-11-04"));
        assert_eq!(
            shown,
            json!({ "reason": "r", "ready": { "script": "S4", "withheld": "it says what is not so here (nobody called)" } })
        );
        let fine = json!({ "ready": [{ "text": "Hi", "check": [] }] });
        assert_eq!(checked(&fine, day("2026-11-04")), fine);
    }
}
