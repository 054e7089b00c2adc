//! The environment's part of the configuration.
//!
//! For whoever sets `CLEAR_RELAY__SECTION__KEY` in a unit file, a container or a shell. A variable
//! that is spelled almost so must not be left out in silence: `propose` written under a name that
//! nobody reads leaves `act` of the file in force, and messages go out.
//!
//! Rules:
//! - Ours is `CLEAR_RELAY__` and capital letters; `__` stands for a step into a section.
//! - A name that means one of our keys once case and underscores are set aside, or nearly does, is
//!   a mistake that names the right spelling.
//! - What else begins like ours is a stranger: Kubernetes and Docker make `CLEAR_RELAY_PORT` for a
//!   service of our name. It is ignored, and said to be.
//! - A value that is no text is a mistake: left out, its key would mean its default.
//!
//! Not guaranteed: that a name which does not begin like ours (`RELAY_KEAP_MODE`) is noticed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use toml::{Table, Value};

use super::mistakes::{Mistakes, distance};

/// What our names begin with, before the first `__`.
const PREFIX: &str = "CLEAR_RELAY";
/// So many letters may be wrong in a name that is still taken for a misspelt one of ours.
const NEAR: usize = 2;

/// The variables that may be meant for us.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// By name.
    values: BTreeMap<String, String>,
    /// Names whose value is no text.
    unreadable: Vec<String>,
}

impl From<HashMap<String, String>> for Variables {
    fn from(values: HashMap<String, String>) -> Self {
        let ours = values.into_iter().filter(|(name, _)| begins_alike(name));
        Self {
            values: ours.collect(),
            unreadable: Vec::new(),
        }
    }
}

impl Variables {
    /// Those of this process.
    pub(super) fn of_process() -> Self {
        let mut variables = Self::default();
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if !begins_alike(&name) {
                continue;
            }
            match value.into_string() {
                Ok(value) => {
                    variables.values.insert(name, value);
                }
                Err(_) => variables.unreadable.push(name),
            }
        }
        variables
    }

    /// Lays what is ours over the file's `table`. Returns what is left to be judged once every key
    /// is known.
    pub(super) fn lay_over(self, table: &mut Table, mistakes: &Mistakes) -> Strangers {
        for name in self.unreadable {
            mistakes.add(name, "is not UTF-8 text", "set it anew, as UTF-8 text");
        }
        let mut origins = BTreeMap::new();
        let mut others = BTreeSet::new();
        for (name, value) in self.values {
            let Some(path) = path_of(&name) else {
                others.insert(name);
                continue;
            };
            let key = path.join(".");
            if put(table, &path, value) {
                origins.insert(key, name);
            } else {
                mistakes.add(
                    name,
                    format!("would replace a whole section: {key}"),
                    "name one key: CLEAR_RELAY__SECTION__KEY",
                );
            }
        }
        mistakes.set_by(origins);
        Strangers { others }
    }
}

/// Variables that begin like ours and are not spelled like ours.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    others: BTreeSet<String>,
}

impl Strangers {
    /// Reports those that stand for a key of ours. Returns the rest.
    pub(super) fn judge(self, mistakes: &Mistakes) -> Vec<String> {
        let known = mistakes.known_keys();
        let mut foreign = Vec::new();
        for name in self.others {
            match meant(&name, &known) {
                Some(right) => mistakes.misspelled(name, right),
                None => foreign.push(name),
            }
        }
        foreign
    }
}

/// Whether somebody who set this variable may have meant us.
fn begins_alike(name: &str) -> bool {
    squeezed(name).starts_with(&squeezed(PREFIX))
}

/// A name without what people get wrong: case, underscores, hyphens, dots.
fn squeezed(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

/// The key that a name of ours stands for, step by step; `None` for a name that is not spelled so.
fn path_of(name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix(PREFIX)?.strip_prefix("__")?;
    if rest.chars().any(|letter| letter.is_ascii_lowercase()) {
        return None;
    }
    let path: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
    let whole = path
        .iter()
        .all(|step| !step.is_empty() && !step.starts_with('_'));
    whole.then_some(path)
}

/// A known key, and the variable that sets it.
pub(super) struct Meant {
    pub(super) key: String,
    pub(super) variable: String,
}

/// The known key that the variable `name` stands for, if it does.
pub(super) fn meant(name: &str, known: &BTreeSet<String>) -> Option<Meant> {
    // Docker hands the environment of a linked container on under its own name.
    if name.starts_with("CLEAR_RELAY_ENV_") {
        return None;
    }
    let said = squeezed(name);
    let said = said.strip_prefix(&squeezed(PREFIX)).unwrap_or_default();
    if said.is_empty() {
        return None;
    }
    let spelled = |key: &str| {
        let steps = key.split('.').map(str::to_ascii_uppercase);
        steps.fold(PREFIX.to_owned(), |name, step| format!("{name}__{step}"))
    };
    // A table whose keys are free is known with a dot at its end.
    let free = known.iter().find_map(|key| {
        let table = key.strip_suffix('.')?;
        let rest = said.strip_prefix(&squeezed(table))?;
        (!rest.is_empty()).then(|| Meant {
            key: table.to_owned(),
            variable: format!("{}__NAME", spelled(table)),
        })
    });
    let near = |key: &&String| distance(said, &squeezed(key));
    let closest = known
        .iter()
        .filter(|key| !key.ends_with('.') && key.contains('.'))
        .min_by_key(near)
        .filter(|key| near(key) <= NEAR);
    let closest = closest.map(|key| Meant {
        key: key.clone(),
        variable: spelled(key),
    });
    closest.or(free)
}

/// Puts a value at its place. `false` where that would take away a section or go below a value.
fn put(table: &mut Table, path: &[String], value: String) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    if rest.is_empty() {
        if matches!(table.get(first), Some(Value::Table(_))) {
            return false;
        }
        table.insert(first.clone(), Value::String(value));
        return true;
    }
    let within = table
        .entry(first.clone())
        .or_insert_with(|| Value::Table(Table::new()));
    match within {
        Value::Table(within) => put(within, rest, value),
        _ => false,
    }
}
