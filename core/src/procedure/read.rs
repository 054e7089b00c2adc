//! Reading a procedure file so that a person who edits it sees every mistake at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::DeserializeOwned;
use thiserror::Error;
use toml::{Table, Value};

use super::{CoachTimes, Parameters, Tags, Waits};
use crate::case::Mode;
use crate::channel::ChannelParameters;
use crate::scripts::{Assertion, Script, Scripts};

/// One mistake in a procedure file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, as `section.key`; empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_empty() {
            "the file"
        } else {
            &self.key
        };
        write!(f, "{key}: {}; {}", self.problem, self.remedy)
    }
}

/// Every mistake in a procedure file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the procedure file has {} mistake(s):\n{}", .0.len(), lines(.0))]
pub struct Mistakes(pub Vec<Mistake>);

fn lines(mistakes: &[Mistake]) -> String {
    let lines: Vec<_> = mistakes.iter().map(|one| format!("- {one}")).collect();
    lines.join("\n")
}

/// The script ids that the steps ask for by name.
const WANTED: [&str; 4] = ["S1", "S2", "S3", "S4"];

/// Reads `missed-check-in.toml`.
pub(super) fn missed_check_in(
    text: &str,
    script_text: &dyn Fn(&str) -> Option<String>,
) -> Result<(Mode, Parameters, Scripts), Mistakes> {
    let table = text.parse::<Table>().map_err(|error| {
        Mistakes(vec![Mistake {
            key: String::new(),
            problem: format!("it is not TOML: {}", error.message()),
            remedy: "mend the line; `procedures check` shows it".into(),
        }])
    })?;
    let mut file = Section::new("", table);
    let mode = file.mode();
    let window_days = file.sub("window", |window| window.whole("days", 1, 365));
    let waits = file.sub("waits", waits);
    let coach = file.sub("coach", coach_times);
    let channel = file.sub("channel", channel);
    let email_subject = file.sub("email", |email| {
        let subject = email.text("subject", "Your check-in was due {date}")?;
        email.check_subject(subject)
    });
    let tags = file.sub("tags", |tags| {
        let email = tags.text("email", "Follow-up: email");
        let phone = tags.text("phone", "Follow-up: phone");
        if email.is_some() && email == phone {
            tags.wrong("phone", "both tags are the same", "give each its own name");
        }
        Some(Tags {
            email: email?,
            phone: phone?,
        })
    });
    let scripts = file.sub("scripts", |section| Some(scripts(section, script_text)));
    file.refuse_rest();
    let parameters = (|| {
        Some(Parameters {
            window_days: i32::try_from(window_days?).ok()?,
            waits: waits?,
            coach: coach?,
            channel: channel?,
            email_subject: email_subject?,
            tags: tags?,
        })
    })();
    match (mode, parameters, scripts) {
        (Some(mode), Some(parameters), Some(scripts)) if file.mistakes.is_empty() => {
            Ok((mode, parameters, scripts))
        }
        _ => Err(Mistakes(file.mistakes)),
    }
}

fn waits(section: &mut Section) -> Option<Waits> {
    let usual = section.whole("usual_hours", 24, 24 * 14);
    let short = section.whole("short_hours", 24, 24 * 14);
    let near = section.whole("near_days", 0, 60);
    let after_due = section.whole("first_message_after_due_hours", 0, 48);
    if let (Some(usual), Some(short)) = (usual, short)
        && short > usual
    {
        section.wrong(
            "short_hours",
            "the short wait is longer than the usual one",
            "make it at most `usual_hours`",
        );
    }
    Some(Waits {
        usual_hours: usual?,
        short_hours: short?,
        near_days: i32::try_from(near?).ok()?,
        first_message_after_due_hours: after_due?,
    })
}

fn coach_times(section: &mut Section) -> Option<CoachTimes> {
    let wrote = section.whole("wrote_within_hours", 0, 24 * 7);
    let reply = section.whole("reply_reminder_working_days", 1, 20);
    let call = section.whole("call_reminder_working_days", 1, 20);
    let escalation = section.whole("call_escalation_working_days", 1, 40);
    let hold = section.whole("hold_reminder_working_days", 1, 20);
    if let (Some(call), Some(escalation)) = (call, escalation)
        && escalation < call
    {
        section.wrong(
            "call_escalation_working_days",
            "the Program Manager would hear of it before the coach",
            "make it at least `call_reminder_working_days`",
        );
    }
    let days = |days: Option<i64>| days.and_then(|days| i32::try_from(days).ok());
    Some(CoachTimes {
        wrote_within_hours: wrote?,
        reply_reminder_days: days(reply)?,
        call_reminder_days: days(call)?,
        call_escalation_days: days(escalation)?,
        hold_reminder_days: days(hold)?,
    })
}

fn channel(section: &mut Section) -> Option<ChannelParameters> {
    let rule = section.word("rule", &["as_keap_shows", "strict"]);
    let emails = section.whole("emails", 1, 20);
    let window_days = section.whole("window_days", 1, 30);
    let open = section.whole("machine_open_within_seconds", 0, 3600);
    let click = section.whole("machine_click_within_seconds", 0, 3600);
    let regular = section.whole("machine_regular_within_seconds", 0, 3600);
    let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    Some(ChannelParameters {
        rule: rule?,
        emails: small(emails)?,
        window_days: small(window_days)?,
        machine_open_within_secs: small(open)?,
        machine_click_within_secs: small(click)?,
        machine_regular_within_secs: small(regular)?,
    })
}

fn scripts(section: &mut Section, script_text: &dyn Fn(&str) -> Option<String>) -> Scripts {
    let ids: Vec<_> = section.table.keys().cloned().collect();
    let mut scripts = BTreeMap::new();
    for id in &ids {
        if let Some(script) = section.sub(id, |entry| script(entry, script_text)) {
            scripts.insert(id.clone(), script);
        }
    }
    for wanted in WANTED {
        if !ids.iter().any(|id| id == wanted) {
            section.wrong(
                wanted,
                "the procedure sends this script and it is not here",
                "add it; the shipped file shows how",
            );
        }
    }
    for (id, script) in &scripts {
        if let Some(other) = &script.variant_of
            && (!ids.contains(other) || other == id)
        {
            section.wrong(
                &format!("{id}.variant_of"),
                &format!("there is no other script {other}"),
                "name the script that this one may stand in for",
            );
        }
    }
    Scripts(scripts)
}

fn script(entry: &mut Section, script_text: &dyn Fn(&str) -> Option<String>) -> Option<Script> {
    let asserts = entry.assertions();
    let variant_of = entry.optional_text("variant_of");
    // A text of the document is approved by being in the document; a variant has to say so.
    let approved = match (variant_of.is_some(), entry.take("approved")) {
        (true, Some(Value::Boolean(approved))) => Some(approved),
        (false, None) => Some(true),
        (true, _) => {
            entry.wrong("approved", "a variant must say true or false", "add it");
            None
        }
        (false, Some(_)) => {
            entry.wrong(
                "approved",
                "only a variant is approved or not",
                "remove it, or name the script under `variant_of`",
            );
            None
        }
    };
    let file = entry.text("file", "S1.txt")?;
    let Some(text) = script_text(&file) else {
        entry.wrong("file", "there is no such file", "put it beside the others");
        return None;
    };
    let script = Script {
        text: text.strip_suffix('\n').unwrap_or(&text).to_owned(),
        asserts: asserts?,
        variant_of,
        approved: approved?,
    };
    if script.text.trim().is_empty() {
        entry.wrong("file", "the text is empty", "write the text");
    }
    if let Err(found) = script.placeholders() {
        entry.wrong(
            "file",
            &format!("`{found}` looks like a placeholder and is none that is known"),
            "use ____, (date), NAME, YOUR NAME, ENTER DATE or DATE DUE",
        );
    }
    Some(script)
}

/// A table of the file while it is read: what is taken out of it is known, what is left is not.
struct Section {
    path: String,
    table: Table,
    mistakes: Vec<Mistake>,
}

impl Section {
    fn new(path: &str, table: Table) -> Self {
        Self {
            path: path.to_owned(),
            table,
            mistakes: Vec::new(),
        }
    }

    fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn wrong(&mut self, key: &str, problem: &str, remedy: &str) {
        self.mistakes.push(Mistake {
            key: self.key(key),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        self.table.remove(key)
    }

    fn sub<T>(&mut self, key: &str, read: impl FnOnce(&mut Section) -> Option<T>) -> Option<T> {
        let table = match self.take(key) {
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.wrong(key, "this is a section", "write it as `[…]` with keys");
                return None;
            }
            None => {
                self.wrong(
                    key,
                    "the section is missing",
                    "copy it from the shipped file",
                );
                return None;
            }
        };
        let mut section = Section::new(&self.key(key), table);
        let found = read(&mut section);
        section.refuse_rest();
        self.mistakes.append(&mut section.mistakes);
        found
    }

    fn refuse_rest(&mut self) {
        let rest: Vec<_> = self.table.keys().cloned().collect();
        for key in rest {
            self.wrong(
                &key,
                "this key is not known",
                "remove it, or mend its spelling",
            );
        }
        self.table.clear();
    }

    fn whole(&mut self, key: &str, least: i64, most: i64) -> Option<i64> {
        match self.take(key) {
            Some(Value::Integer(number)) if (least..=most).contains(&number) => Some(number),
            Some(_) => {
                let remedy = format!("write a whole number from {least} to {most}");
                self.wrong(key, "the value can't be used", &remedy);
                None
            }
            None => {
                let remedy = format!("add it: a whole number from {least} to {most}");
                self.wrong(key, "the key is missing", &remedy);
                None
            }
        }
    }

    fn text(&mut self, key: &str, example: &str) -> Option<String> {
        match self.take(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text),
            found => {
                let problem = match found {
                    Some(_) => "the value can't be used",
                    None => "the key is missing",
                };
                self.wrong(
                    key,
                    problem,
                    &format!("write a text, such as \"{example}\""),
                );
                None
            }
        }
    }

    fn optional_text(&mut self, key: &str) -> Option<String> {
        self.table.contains_key(key).then(|| self.text(key, "S1"))?
    }

    fn word<T: DeserializeOwned>(&mut self, key: &str, words: &[&str]) -> Option<T> {
        let read = match self.take(key) {
            Some(Value::String(word)) if words.contains(&word.as_str()) => {
                serde_json::from_value(serde_json::Value::from(word)).ok()
            }
            _ => None,
        };
        if read.is_none() {
            let remedy = format!("write one of: {}", words.join(", "));
            self.wrong(key, "the value is missing or not known", &remedy);
        }
        read
    }

    fn mode(&mut self) -> Option<Mode> {
        self.word("mode", &["propose", "act"])
    }

    fn check_subject(&mut self, subject: String) -> Option<String> {
        let rest = subject.replace("{date}", "");
        if rest.contains(['{', '}']) || subject.chars().any(char::is_control) {
            self.wrong(
                "subject",
                "only {date} can stand in a subject, on one line",
                "remove the rest",
            );
            return None;
        }
        Some(subject)
    }

    fn assertions(&mut self) -> Option<BTreeSet<Assertion>> {
        let known: Vec<_> = Assertion::ALL.iter().map(|one| one.as_str()).collect();
        let remedy = format!("write a list of: {}", known.join(", "));
        let Some(Value::Array(items)) = self.take("asserts") else {
            self.wrong("asserts", "the list of claims is missing", &remedy);
            return None;
        };
        let read: Option<BTreeSet<_>> = items
            .iter()
            .map(|item| item.as_str().and_then(Assertion::from_name))
            .collect();
        if read.is_none() {
            self.wrong("asserts", "a claim is not known", &remedy);
        }
        read
    }
}
