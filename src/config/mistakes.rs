//! What is wrong with a configuration: all of it, each with its remedy.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::variables::{Meant, meant};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `keap.mode`.
    pub key: String,
    /// What is wrong. Never the value of a secret.
    pub wrong: String,
    /// What to do about it.
    pub remedy: String,
    /// For a key that is not known: the known one that was probably meant, so that nobody is told
    /// besides that it is missing.
    pub meant: Option<String>,
    /// Whether it is a key that is not known.
    pub is_unknown: bool,
    /// For a variable that is not read, or sets a key that is not known: the known key whose variable was
    /// probably meant.
    pub stands_for: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.wrong, self.remedy)
    }
}

/// A configuration that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigError {
    /// Every mistake, in the order of the sections.
    pub mistakes: Vec<Mistake>,
}

impl ConfigError {
    /// An error of one mistake.
    pub fn one(
        key: impl Into<String>,
        wrong: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            mistakes: vec![Mistake {
                key: key.into(),
                wrong: wrong.into(),
                remedy: remedy.into(),
                meant: None,
                is_unknown: false,
                stands_for: None,
            }],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.mistakes.len() == 1 {
            "mistake"
        } else {
            "mistakes"
        };
        write!(f, "the configuration has {} {plural}", self.mistakes.len())?;
        for mistake in &self.mistakes {
            write!(f, "\n  {mistake}")?;
        }
        Ok(())
    }
}

/// A file that holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// The key that names it: `keap.key_file`.
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Collects mistakes, and the files that hold secrets, while sections are read.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    found: RefCell<Vec<Mistake>>,
    secret_files: RefCell<Vec<SecretFile>>,
    /// Every key that was asked for; a table with free keys also with a dot at its end.
    known: RefCell<BTreeSet<String>>,
    /// The variable that each key was set by, for those that were.
    set_by: RefCell<BTreeMap<String, String>>,
}

impl Mistakes {
    pub(super) fn add(
        &self,
        key: impl Into<String>,
        wrong: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.found.borrow_mut().push(Mistake {
            key: key.into(),
            wrong: wrong.into(),
            remedy: remedy.into(),
            meant: None,
            is_unknown: false,
            stands_for: None,
        });
    }

    /// A variable that is not read, and stands for a known key.
    pub(super) fn misspelled(&self, name: String, right: Meant) {
        self.found.borrow_mut().push(Mistake {
            key: name,
            wrong: "is not read: this spelling is nobody's".to_owned(),
            remedy: format!("write {}, or take the variable away", right.variable),
            meant: None,
            is_unknown: false,
            stands_for: Some(right.key),
        });
    }

    /// A key that nobody asked for. `meant` is the known key that it may stand for.
    pub(super) fn unknown(&self, key: String, meant: Option<String>, remedy: String) {
        self.found.borrow_mut().push(Mistake {
            key,
            wrong: "is not a key".to_owned(),
            remedy,
            meant,
            is_unknown: true,
            stands_for: None,
        });
    }

    /// Whether there is a mistake at `key` already.
    pub(super) fn has(&self, key: &str) -> bool {
        self.found.borrow().iter().any(|mistake| mistake.key == key)
    }

    /// Whether there is a mistake below `key` already.
    pub(super) fn has_below(&self, key: &str) -> bool {
        let below = |mistake: &Mistake| {
            let rest = mistake.key.strip_prefix(key);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        self.found.borrow().iter().any(below)
    }

    pub(super) fn secret_file(&self, key: &str, path: PathBuf) {
        self.secret_files.borrow_mut().push(SecretFile {
            key: key.to_owned(),
            path,
        });
    }

    /// A key that can be written.
    pub(super) fn knows(&self, key: String) {
        self.known.borrow_mut().insert(key);
    }

    pub(super) fn known_keys(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }

    /// Which variables set which keys.
    pub(super) fn set_by(&self, origins: BTreeMap<String, String>) {
        *self.set_by.borrow_mut() = origins;
    }

    /// The variable that set a key below `table`, with that key.
    pub(super) fn variables_below(&self, table: &str) -> Vec<(String, String)> {
        let below = |key: &str| key.strip_prefix(table).is_some_and(|r| r.starts_with('.'));
        let origins = self.set_by.borrow();
        let found = origins.iter().filter(|(key, _)| below(key));
        found.map(|(k, name)| (k.clone(), name.clone())).collect()
    }

    /// All that was found. A mistake in what a variable set names the variable: whoever looks into
    /// the file would not find it. An unknown key that is known in one other section only names
    /// that section.
    pub(super) fn into_parts(self) -> (Vec<Mistake>, Vec<SecretFile>) {
        let set_by = self.set_by.into_inner();
        let known = self.known.into_inner();
        let mut found = self.found.into_inner();
        for mistake in &mut found {
            if mistake.is_unknown && mistake.meant.is_none() {
                let name = mistake.key.rsplit('.').next().unwrap_or(&mistake.key);
                let mut elsewhere = known
                    .iter()
                    .filter(|key| key.rsplit_once('.').is_some_and(|(_, last)| last == name));
                if let (Some(only), None) = (elsewhere.next(), elsewhere.next()) {
                    mistake.remedy = format!("it belongs elsewhere: {only}");
                    mistake.meant = Some(only.clone());
                }
            }
            let within = |key: &str| {
                let rest = key.strip_prefix(&mistake.key);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let by_variable = set_by.iter().find(|(key, _)| within(key));
            if let Some((_, variable)) = by_variable {
                if let (true, Some(right)) = (mistake.is_unknown, meant(variable, &known)) {
                    mistake.remedy = format!("write {}", right.variable);
                    mistake.stands_for = Some(right.key);
                }
                mistake.wrong = format!("{} (set by {variable})", mistake.wrong);
            }
        }
        (found, self.secret_files.into_inner())
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, ConfigError> {
        let mistakes = self.found.into_inner();
        if mistakes.is_empty() {
            Ok(value)
        } else {
            Err(ConfigError { mistakes })
        }
    }
}

/// How many letters must be put in, left out or changed to make `a` into `b`.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
