//! A vendor's own description, as data, and whether an exchange is as it says.
//!
//! An emulator is worth what it shares with its vendor. Here stands what the vendor publishes of its
//! operations (names, types, closed lists, required members), and every exchange of every test, the
//! demo and the sandbox is held against it: a request that the description forbids is refused by the
//! emulator as the vendor would refuse it, an answer that it forbids is the emulator's fault, and
//! either is noted down where tests and the demo look.
//!
//! People: each emulator, which embeds its vendor's data (`fixtures/<vendor>/described.json`) and
//! asks [`Description::find`] before it routes, [`Description::request`] before it carries out, and
//! [`Description::answer`] before anything that was ordered (a fault, a drift) touches the answer.
//!
//! Rules:
//! - `described.json` holds structure and no prose, taken over by a script. Where it errs or is
//!   silent, `observed.json` puts another schema in its place, each with who observed it.
//! - A number is not a text, nor the other way round, whatever a lenient vendor may make of it.
//! - `null` counts as absent: in requests and answers both it may stand for anything that isn't
//!   required.
//! - What nobody described (a member, a parameter) is no reason to refuse, because vendors ignore it,
//!   but it is a fault of whoever relies on it.
//!
//! Not guaranteed: meaning. That an id exists, or that a date lies ahead, is the emulator's to say.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::check::Checked;

/// What is wrong with an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Where: `PATCH /contacts/{id}: body.email_addresses[0]`.
    pub place: String,
    /// The rule of the description that is broken there.
    pub fault: Fault,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

/// What can be wrong at one place. It never quotes a value: values are people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Of another type than described.
    Type {
        /// The described one.
        wanted: String,
    },
    /// A word that is not in the closed list.
    Word,
    /// Longer, smaller or larger than allowed.
    Range,
    /// A required member is missing.
    Missing,
    /// Nobody described it.
    Undescribed,
    /// The answer has a status that the operation doesn't.
    Status(u16),
}

impl Fault {
    /// Whether the vendor would refuse a request for it.
    pub fn is_refused(&self) -> bool {
        !matches!(self, Self::Undescribed)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type { wanted } => write!(f, "is no {wanted}"),
            Self::Word => f.write_str("is none of the words that are allowed"),
            Self::Range => f.write_str("is out of range"),
            Self::Missing => f.write_str("is missing"),
            Self::Undescribed => f.write_str("is described nowhere"),
            Self::Status(status) => write!(f, "no answer with status {status} is described"),
        }
    }
}

/// Whose fault a mismatch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The request: of the client.
    Request,
    /// The answer: of the emulator.
    Answer,
}

/// The shape of a value. Keys as in JSON Schema, but for `ref`, `values` (of a map), `needed` and
/// `joined` (of a query parameter).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Schema {
    #[serde(rename = "ref")]
    pub(super) named: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<JsonType>,
    pub(super) format: Option<String>,
    #[serde(rename = "enum")]
    pub(super) words: Option<Vec<Value>>,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    #[serde(rename = "maxLength")]
    pub(super) max_length: Option<usize>,
    pub(super) required: Vec<String>,
    pub(super) properties: BTreeMap<String, Schema>,
    pub(super) items: Option<Box<Schema>>,
    pub(super) values: Option<Box<Schema>>,
    /// The parameter must be there.
    pub(super) needed: bool,
    /// A list in one parameter, joined by commas.
    pub(super) joined: bool,
}

/// The types of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum JsonType {
    String,
    Integer,
    Number,
    Boolean,
    Array,
    Object,
}

/// An operation of the vendor's.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The method, in capitals.
    pub method: String,
    /// The path, with its parameters in braces.
    pub path: String,
    query: BTreeMap<String, Schema>,
    #[serde(default)]
    body: Option<Schema>,
    #[serde(default)]
    body_needed: bool,
    /// By status; `None` where there is no body.
    answers: BTreeMap<String, Option<Schema>>,
    /// What the list can be filtered by, where there is a list of it.
    #[serde(default)]
    pub filters: Option<Vec<String>>,
    /// What the list can be sorted by.
    #[serde(default)]
    pub orders: Option<Vec<String>>,
    /// Headers that must be there.
    #[serde(default)]
    pub headers: Vec<String>,
}

impl Operation {
    /// How it is written down: `GET /rest/v2/contacts/{contact_id}`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What is known of a method and a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OperationMatch<'a> {
    /// An operation whose structure is here.
    Operation(&'a Operation),
    /// The vendor has it, and nothing of ours uses it.
    Elsewhere,
    /// The vendor has the path for other methods.
    OtherMethod,
    /// The vendor has no such path.
    Nothing,
}

/// One thing that was observed to be otherwise than described.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    /// The schema, and below it the member, each after a dot; `METHOD /path` and below it `query`,
    /// `body` or a status.
    at: String,
    is: Option<Schema>,
    /// Members that need not be there although the description requires them.
    #[serde(default)]
    not_required: Vec<String>,
    /// Who observed it, or what about the description makes it wrong.
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    operations: Vec<Operation>,
    schemas: BTreeMap<String, Schema>,
    known: Vec<String>,
}

/// A vendor's description, with what was observed put in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Description {
    operations: Vec<Operation>,
    schemas: BTreeMap<String, Schema>,
    /// Method and path of everything the vendor has.
    known: Vec<(String, String)>,
    tags: Vec<String>,
}

impl Description {
    /// Reads the data. An override that overrides nothing is an error: it would outlive its reason.
    pub fn read(described: &str, observed: &str) -> Result<Self, String> {
        let read: Described = serde_json::from_str(described).map_err(|e| e.to_string())?;
        let observed: Vec<Observed> = serde_json::from_str(observed).map_err(|e| e.to_string())?;
        let known = read.known.iter();
        let known = known.filter_map(|known| known.split_once(' '));
        let mut description = Self {
            operations: read.operations,
            schemas: read.schemas,
            known: known
                .map(|(method, path)| (method.to_owned(), path.to_owned()))
                .collect(),
            tags: Vec::new(),
        };
        for change in observed {
            description.put_in(change)?;
        }
        Ok(description)
    }

    fn put_in(&mut self, observed: Observed) -> Result<(), String> {
        let Observed {
            at,
            is,
            not_required,
            source,
        } = observed;
        if source.trim().is_empty() {
            return Err(format!("{at}: who observed it?"));
        }
        let (schema, member) = at.split_once('.').unwrap_or((&at, ""));
        let schemas = &mut self.schemas;
        let place = match at.split_once(' ') {
            Some(_) => self.operations.iter_mut().find_map(|operation| {
                let rest = at.strip_prefix(&operation.name())?.strip_prefix(' ')?;
                match rest.split_once('.') {
                    Some(("query", name)) => {
                        Some(operation.query.entry(name.to_owned()).or_default())
                    }
                    None if rest == "body" => operation.body.as_mut(),
                    None if rest.parse::<u16>().is_ok() => {
                        let answer = operation.answers.entry(rest.to_owned()).or_default();
                        Some(answer.get_or_insert_default())
                    }
                    _ => None,
                }
            }),
            None if member.is_empty() => schemas.get_mut(schema),
            None => schemas
                .get_mut(schema)
                .map(|schema| schema.properties.entry(member.to_owned()).or_default()),
        };
        let place = place.ok_or_else(|| format!("{at}: there is no such place"))?;
        let needed = place.required.len();
        place.required.retain(|name| !not_required.contains(name));
        let loosened = place.required.len() < needed;
        match is {
            None if !loosened => Err(format!("{at}: the description says so itself")),
            Some(is) if *place == is => Err(format!("{at}: the description says so itself")),
            Some(is) => {
                *place = is;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The same, in which these words pass for one of any closed list, and these names for a member
    /// of any object: what differs on purpose bears one of them.
    #[must_use]
    pub fn with_tags(mut self, tags: &[&str]) -> Self {
        self.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        self
    }

    /// Every operation whose structure is here.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What is known of a request's method and path. `path` as sent, without the query; a plain
    /// segment outranks a parameter, so that `/tasks/model` is no task.
    pub fn find(&self, method: &str, path: &str) -> OperationMatch<'_> {
        let fitting = self.known.iter().filter(|(_, known)| fits(known, path));
        let plainest = fitting.clone().map(|(_, known)| parameters(known)).min();
        let Some(plainest) = plainest else {
            return OperationMatch::Nothing;
        };
        let mut fitting = fitting.filter(|(_, known)| parameters(known) == plainest);
        let Some((_, template)) = fitting.find(|(known, _)| known == method) else {
            return OperationMatch::OtherMethod;
        };
        let mut operations = self.operations.iter();
        operations
            .find(|operation| operation.method == method && operation.path == *template)
            .map_or(OperationMatch::Elsewhere, OperationMatch::Operation)
    }

    /// What is wrong with a request.
    pub fn request(
        &self,
        operation: &Operation,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Vec<Mismatch> {
        let mut checked = Checked::new(&self.schemas, &self.tags, operation.name());
        for (name, schema) in &operation.query {
            let given: Vec<&str> = query
                .iter()
                .filter(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
                .collect();
            checked.parameter(name, schema, &given);
        }
        for (name, _) in query {
            if !operation.query.contains_key(name) {
                checked.add(&format!("query.{name}"), Fault::Undescribed);
            }
        }
        match (&operation.body, body) {
            (Some(schema), Some(body)) => checked.value("body", schema, body),
            (Some(_), None) if operation.body_needed => checked.add("body", Fault::Missing),
            (None, Some(Value::Object(body))) if body.is_empty() => {}
            (None, Some(_)) => checked.add("body", Fault::Undescribed),
            _ => {}
        }
        checked.found()
    }

    /// What is wrong with an answer of the application's. A refusal is checked against `error`, the
    /// vendor's schema for those; a status below 400 that isn't described is a fault.
    pub fn answer(
        &self,
        operation: &Operation,
        status: u16,
        body: Option<&Value>,
        error: &str,
    ) -> Vec<Mismatch> {
        let mut checked = Checked::new(&self.schemas, &self.tags, operation.name());
        let place = status.to_string();
        match (operation.answers.get(&place), body) {
            (Some(Some(schema)), Some(body)) => checked.value(&place, schema, body),
            (Some(Some(_)), None) => checked.add(&place, Fault::Missing),
            (Some(None), Some(_)) => checked.add(&place, Fault::Undescribed),
            (Some(None), None) => {}
            (None, Some(body)) if status >= 400 => {
                let error = Schema {
                    named: Some(error.to_owned()),
                    ..Schema::default()
                };
                checked.value(&place, &error, body);
            }
            (None, None) if status >= 400 => {}
            (None, _) => checked.add(&place, Fault::Status(status)),
        }
        checked.found()
    }
}

/// Whether a path is one of a template's. A parameter is one segment, or the part of it before what
/// the template writes behind it (`{id}:deactivate`).
fn fits(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        let Some(found) = segments.next() else {
            return false;
        };
        let fits = match wanted
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
        {
            Some((_, end)) => {
                let id = found.strip_suffix(end);
                id.is_some_and(|id| !id.is_empty() && (!end.is_empty() || !has_verb(id)))
            }
            None => wanted == found,
        };
        if !fits {
            return false;
        }
    }
    segments.next().is_none()
}

/// `123:deactivate` is no id.
fn has_verb(segment: &str) -> bool {
    let verb = segment.rsplit_once(':').map(|(_, verb)| verb);
    verb.is_some_and(|verb| !verb.is_empty() && verb.chars().all(|c| c.is_ascii_alphabetic()))
}

fn parameters(template: &str) -> usize {
    template.matches('{').count()
}

#[cfg(test)]
#[path = "described_tests.rs"]
mod tests;
