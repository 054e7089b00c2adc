//! What is wrong with a configuration: all of it, each with its remedy.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

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
pub(super) struct Mistakes {
    found: RefCell<Vec<Mistake>>,
    secret_files: RefCell<Vec<SecretFile>>,
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
        });
    }

    /// A key that nobody asked for. `meant` is the known key that it may stand for.
    pub(super) fn unknown(&self, key: String, meant: Option<String>, remedy: String) {
        self.found.borrow_mut().push(Mistake {
            key,
            wrong: "is not a key".to_owned(),
            remedy,
            meant,
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

    pub(super) fn into_parts(self) -> (Vec<Mistake>, Vec<SecretFile>) {
        (self.found.into_inner(), self.secret_files.into_inner())
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
