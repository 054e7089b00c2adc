//! Reads one table, key by key, and remembers what was asked for.
//!
//! A wrong value is reported and replaced by its default, so that reading goes on and finds the
//! next mistake; the whole is refused at the end. What was not asked for is unknown, and is
//! reported with the nearest known key. Values from the environment are texts, so every reader
//! accepts a text where it wants a number, a flag or a list.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use toml::{Table, Value};
use url::{Host, Url};

use super::mistakes::Mistakes;
use super::reading::{self, Unusable};
use crate::config::mistakes;

/// One table of the configuration.
pub(crate) struct Reader<'a> {
    path: String,
    rest: BTreeMap<String, Value>,
    asked: Vec<&'static str>,
    pub(super) base: &'a Path,
    /// The folder that earlier releases started from; `None` where nobody sits in one.
    pub(super) working: Option<&'a Path>,
    mistakes: &'a Mistakes,
}

impl<'a> Reader<'a> {
    /// The outermost table. Relative paths start from `base`.
    pub(super) fn root(
        table: Table,
        base: &'a Path,
        working: Option<&'a Path>,
        mistakes: &'a Mistakes,
    ) -> Self {
        Self {
            working,
            path: String::new(),
            rest: table.into_iter().collect(),
            asked: Vec::new(),
            base,
            mistakes,
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.mistakes.knows(self.key(key));
        self.rest.remove(key)
    }

    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// Reports a mistake at `key`.
    pub(super) fn mistake(&self, key: &str, wrong: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes.add(self.key(key), wrong, remedy);
    }

    /// The variables that set a key below `table`, with those keys.
    pub(super) fn variables_below(&self, table: &str) -> Vec<(String, String)> {
        self.mistakes.variables_below(&self.key(table))
    }

    /// Whether the key is written, whatever it says. Asked before it is read.
    pub(super) fn has(&self, key: &str) -> bool {
        self.rest.contains_key(key)
    }

    /// Whether a mistake at `key` or below it is known already: one gap is one mistake.
    pub(super) fn is_mistaken(&self, key: &str) -> bool {
        let key = self.key(key);
        self.mistakes.has(&key) || self.mistakes.has_below(&key)
    }

    /// A table within this one; empty where there is none.
    pub(super) fn section(&mut self, key: &'static str) -> Reader<'a> {
        let rest = self.free_table(key);
        Reader {
            path: self.key(key),
            rest,
            asked: Vec::new(),
            base: self.base,
            working: self.working,
            mistakes: self.mistakes,
        }
    }

    fn free_table(&mut self, key: &'static str) -> BTreeMap<String, Value> {
        match self.take(key) {
            None => BTreeMap::new(),
            Some(Value::Table(table)) => table.into_iter().collect(),
            Some(_) => {
                self.mistake(key, "is not a table", format!("write [{}]", self.key(key)));
                BTreeMap::new()
            }
        }
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.take(key)?;
        let text = scalar(value);
        match text {
            Some(text) if !text.trim().is_empty() => Some(text),
            _ => {
                self.mistake(
                    key,
                    "is not a text",
                    "write a text in quotes, or leave the key out",
                );
                None
            }
        }
    }

    /// A value that is written as text; `wanted` says what is expected, for the remedy.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &'static str, wanted: &str) -> Option<T> {
        let text = self.text(key)?;
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            self.mistake(
                key,
                format!("{text:?} can't be read"),
                format!("write {wanted}"),
            );
        }
        parsed
    }

    /// A whole number within bounds, if one is written.
    pub(super) fn ranged(&mut self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let (least, most) = (range.start(), range.end());
        let wanted = format!("a whole number from {least} to {most}");
        let number: u32 = self.parsed(key, &wanted)?;
        if range.contains(&number) {
            return Some(number);
        }
        self.mistake(
            key,
            format!("{number} is not allowed"),
            format!("write {wanted}"),
        );
        None
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        default: T,
    ) -> T {
        let Some(text) = self.text(key) else {
            return default;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let allowed: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        self.mistake(
            key,
            format!("{text:?} is not allowed"),
            format!("write one of {}", allowed.join(", ")),
        );
        default
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.parsed(key, "true or false").unwrap_or(default)
    }

    /// Texts: an array, or a text with commas. An empty one among them is a mistake: a variable
    /// that nobody filled in must not take the list of the file away.
    pub(super) fn list(&mut self, key: &'static str) -> Vec<String> {
        let items: Option<Vec<String>> = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items.into_iter().map(scalar).collect(),
            Some(Value::String(text)) => Some(text.split(',').map(str::to_owned).collect()),
            Some(_) => None,
        };
        let Some(items) = items else {
            self.mistake(key, "is not a list", "write [\"one\", \"two\"]");
            return Vec::new();
        };
        let items: Vec<String> = items
            .into_iter()
            .map(|item| item.trim().to_owned())
            .collect();
        if items.iter().any(String::is_empty) {
            self.mistake(
                key,
                "has an empty item",
                "write [\"one\", \"two\"], or [] for none",
            );
        }
        items.into_iter().filter(|item| !item.is_empty()).collect()
    }

    /// Ids that the CRM makes: whole numbers. A name in their place would match nothing, and what
    /// it is to name would never be found.
    pub(super) fn ids(&mut self, key: &'static str) -> Vec<String> {
        let ids = self.list(key);
        for id in &ids {
            self.check_id(key, id);
        }
        ids
    }

    /// One such id.
    pub(super) fn id(&mut self, key: &'static str) -> Option<String> {
        let id = self.text(key)?.trim().to_owned();
        self.check_id(key, &id);
        Some(id)
    }

    fn check_id(&self, key: &str, id: &str) {
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            self.mistake(
                key,
                format!("{id:?} is no id"),
                "write the number that stands in the address of its page",
            );
        }
    }

    /// A table of texts with free keys.
    pub(super) fn texts(&mut self, key: &'static str) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        self.mistakes.knows(format!("{}.", self.key(key)));
        for (name, value) in self.free_table(key) {
            match scalar(value) {
                Some(text) if !text.trim().is_empty() => {
                    texts.insert(name, text.trim().to_owned());
                }
                _ => self.mistake(
                    &format!("{key}.{name}"),
                    "is not a text",
                    "write a text in quotes",
                ),
            }
        }
        texts
    }

    /// A secret: written here as `key`, or as the first line of the file that `file_key` names.
    pub(super) fn secret(
        &mut self,
        key: &'static str,
        file_key: &'static str,
    ) -> Option<SecretString> {
        let here = self.text(key);
        let file = self.text(file_key);
        match (here, file) {
            (Some(_), Some(_)) => {
                self.mistake(
                    key,
                    format!("is given twice, also as {file_key}"),
                    "keep one of them",
                );
                None
            }
            (Some(text), None) => self.usable_secret(key, reading::secret(&text)),
            (None, Some(path)) => self.secret_file(file_key, &path),
            (None, None) => None,
        }
    }

    /// Secrets by id; an entry `ID_file` names the file that holds secret `ID`. No two may be
    /// alike: a change from one to the other would change nothing.
    pub(super) fn secrets(&mut self, key: &'static str) -> BTreeMap<String, SecretString> {
        let mut secrets: BTreeMap<String, SecretString> = BTreeMap::new();
        for (name, text) in self.texts(key) {
            let at = format!("{key}.{name}");
            let (id, secret) = match name.strip_suffix("_file") {
                Some(id) => (id, self.secret_file(&at, &text)),
                None => (
                    name.as_str(),
                    self.usable_secret(&at, reading::secret(&text)),
                ),
            };
            let Some(secret) = secret else { continue };
            let at = format!("{key}.{id}");
            if secrets.keys().any(|other| other.eq_ignore_ascii_case(id)) {
                self.mistake(&at, "is given twice", "keep one of them");
            }
            let same = |(_, other): &(&String, &SecretString)| {
                other.expose_secret() == secret.expose_secret()
            };
            if let Some((other, _)) = secrets.iter().find(same) {
                let wrong = format!("is the same secret as {other}");
                self.mistake(&at, wrong, "make a new one, or leave one of them out");
            }
            secrets.insert(id.to_owned(), secret);
        }
        secrets
    }

    fn secret_file(&self, key: &str, path: &str) -> Option<SecretString> {
        let file = self.place(key, path)?;
        self.mistakes.secret_file(&self.key(key), file.clone());
        let read = reading::secret_file(&file).map_err(|problem| Unusable {
            wrong: format!("names {path:?}, which {}", problem.wrong),
            ..problem
        });
        self.usable_secret(key, read)
    }

    fn usable_secret(
        &self,
        key: &str,
        read: Result<SecretString, Unusable>,
    ) -> Option<SecretString> {
        read.map_err(|problem| self.mistake(key, problem.wrong, problem.remedy))
            .ok()
    }

    /// The address of a vendor: https, or http on this machine; nothing in it but scheme, host,
    /// port and path, because an address is logged.
    pub(super) fn base_url(&mut self, key: &'static str, default: Option<&str>) -> Option<Url> {
        let text = self.text(key).or_else(|| default.map(str::to_owned))?;
        let Ok(url) = Url::parse(&text) else {
            self.mistake(key, "is not an address", "write https://HOST/PATH");
            return None;
        };
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !bare {
            self.mistake(
                key,
                "holds more than host and path",
                "write https://HOST/PATH only",
            );
            return None;
        }
        let empty_part = url.path().contains("//");
        if empty_part {
            self.mistake(
                key,
                "has two slashes in a row in its path",
                "write https://HOST/PATH with one between its parts",
            );
            return None;
        }
        if url.host().is_none() || !(url.scheme() == "https" || is_loopback(&url)) {
            self.mistake(
                key,
                "would send credentials unencrypted",
                "write https://…; http is allowed for this machine only",
            );
            return None;
        }
        Some(url)
    }

    /// Reports everything that was not asked for.
    pub(super) fn finish(self) {
        for unknown in self.rest.keys() {
            let nearest = nearest(unknown, &self.asked);
            let remedy = match nearest {
                Some(known) => format!("did you mean {known:?}?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            let meant = nearest.map(|known| self.key(known));
            self.mistakes.unknown(self.key(unknown), meant, remedy);
        }
    }
}

/// Whether the address is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(value) => Some(value),
        Value::Boolean(value) => Some(value.to_string()),
        Value::Integer(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::Datetime(value) => Some(value.to_string()),
        Value::Table(_) | Value::Array(_) => None,
    }
}

/// The known key nearest to `unknown`, if it is near: at most a third of its letters wrong.
fn nearest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|key| (mistakes::distance(unknown, key), *key))
        .min()
        .filter(|(distance, _)| *distance <= unknown.chars().count().div_ceil(3))
        .map(|(_, key)| key)
}
