//! Lists: what a filter lets pass, what comes first, and which page of it is shown.
//!
//! The grammar in which a vendor writes filters (`field==value;…`, one parameter each, a search
//! text) is the emulator's to read; what a condition means is here.

use std::cmp::Ordering;

use relay_core::time::{Date, Timestamp};
use serde_json::{Map, Value};

/// One object as JSON.
pub type Row = Map<String, Value>;

/// An item of a list: what filters and sort keys look at, and what is shown.
#[derive(Debug, Clone)]
pub struct Item {
    /// What is looked at.
    pub index: Row,
    /// What is shown.
    pub shown: Value,
}

impl Item {
    /// An item that is looked at as it is shown.
    pub fn plain(shown: Value) -> Self {
        let index = shown.as_object().cloned().unwrap_or_default();
        Self { index, shown }
    }
}

/// How a field compares with the value asked for. Case never counts. Of a member that is a list, one
/// fitting item is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKind {
    /// The whole text.
    Word,
    /// Any part of the text.
    Part,
    /// One of a comma-joined set.
    Set,
    /// At or after a time.
    Since,
    /// On or after a day.
    SinceDay,
    /// Before a day.
    BeforeDay,
}

/// A field that a list can be filtered by, and the member of the index that it looks at.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'a> {
    /// Its name in a request.
    pub name: &'a str,
    /// The member.
    pub member: &'a str,
    /// How it compares.
    pub kind: FilterKind,
}

/// A filter of a member with the same name.
pub const fn by(name: &str, kind: FilterKind) -> Filter<'_> {
    by_member(name, name, kind)
}

/// A filter of a member with another name.
pub const fn by_member<'a>(name: &'a str, member: &'a str, kind: FilterKind) -> Filter<'a> {
    Filter { name, member, kind }
}

/// A condition that can be tried on items.
#[derive(Debug)]
pub struct Condition {
    member: String,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    Whole(String),
    Part(String),
    Set(Vec<String>),
    Since(Timestamp),
    SinceDay(Date),
    BeforeDay(Date),
}

impl Filter<'_> {
    /// The condition with this value; `None` where the value is none for the field.
    pub fn with(&self, value: &str) -> Option<Condition> {
        let text = value.to_lowercase();
        let wanted = match self.kind {
            FilterKind::Word => Wanted::Whole(text),
            FilterKind::Part => Wanted::Part(text),
            FilterKind::Set => Wanted::Set(text.split(',').map(|v| v.trim().to_owned()).collect()),
            FilterKind::Since => Wanted::Since(value.parse().ok()?),
            FilterKind::SinceDay => Wanted::SinceDay(value.parse().ok()?),
            FilterKind::BeforeDay => Wanted::BeforeDay(value.parse().ok()?),
        };
        let member = self.member.to_owned();
        Some(Condition { member, wanted })
    }
}

impl Condition {
    /// Whether an item passes.
    pub fn passes(&self, item: &Item) -> bool {
        match item.index.get(&self.member) {
            Some(Value::Array(items)) => items.iter().any(|item| self.fits(item)),
            Some(value) => self.fits(value),
            None => false,
        }
    }

    fn fits(&self, value: &Value) -> bool {
        let text = match value {
            Value::String(text) => text.to_lowercase(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return false,
        };
        let day = || value.as_str().and_then(|text| text.parse::<Date>().ok());
        match &self.wanted {
            Wanted::Whole(whole) => text == *whole,
            Wanted::Part(part) => text.contains(part),
            Wanted::Set(set) => set.contains(&text),
            Wanted::Since(since) => value.as_str().and_then(time).is_some_and(|at| at >= *since),
            Wanted::SinceDay(since) => day().is_some_and(|day| day >= *since),
            Wanted::BeforeDay(end) => day().is_some_and(|day| day < *end),
        }
    }
}

/// Sorts by a member. What isn't set stands below everything, so last when descending, unless
/// `unset_first`.
pub fn sort(items: &mut [Item], member: &str, descending: bool, unset_first: bool) {
    let set = |item: &Item| item.index.get(member).is_some_and(|value| !value.is_null());
    items.sort_by(|a, b| {
        let order = compare(a.index.get(member), b.index.get(member));
        if descending { order.reverse() } else { order }
    });
    if descending && unset_first {
        items.sort_by_key(set);
    }
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a
            .as_f64()
            .partial_cmp(&b.as_f64())
            .unwrap_or(Ordering::Equal),
        // Times are compared as times: with and without a fraction they don't sort as text.
        (Some(Value::String(a)), Some(Value::String(b))) => match (time(a), time(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        (Some(Value::Null) | None, Some(Value::Null) | None) => Ordering::Equal,
        (Some(Value::Null) | None, _) => Ordering::Less,
        (_, Some(Value::Null) | None) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The items from `start` on, at most `size`, as they are shown; and where the next page starts, if
/// there is one.
pub fn page(items: Vec<Item>, start: usize, size: usize) -> (Vec<Value>, Option<usize>) {
    let total = items.len();
    let shown = items.into_iter().skip(start).take(size);
    let shown: Vec<Value> = shown.map(|item| item.shown).collect();
    let end = start.saturating_add(shown.len());
    let next = (end < total && size > 0).then_some(end);
    (shown, next)
}

/// Tokens of pages: a prefix, so that another list's are refused, and the number of items shown.
#[derive(Debug, Clone, Copy)]
pub struct Cursor(pub &'static str);

impl Cursor {
    /// The token of the page that starts at `start`.
    pub fn write(self, start: usize) -> String {
        format!("{}{start}", self.0)
    }

    /// Where the page of a token starts; `None` if it is none of ours.
    pub fn read(self, token: &str) -> Option<usize> {
        token.strip_prefix(self.0)?.parse().ok()
    }
}
