//! What is missing or doesn't fit in a configuration whose parts are all valid.

/// How much a gap matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The relay can't do its work.
    Error,
    /// It works, and not as the clinic would want.
    Warning,
}

/// Something that is missing or doesn't fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where: `http.public_url`.
    pub key: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, as a sentence that goes on from the key. Never the value of a secret.
    pub wrong: String,
    /// What to do about it.
    pub remedy: String,
}

pub(crate) fn gap(key: &'static str, wrong: impl Into<String>, remedy: impl Into<String>) -> Gap {
    Gap {
        key,
        severity: Severity::Error,
        wrong: wrong.into(),
        remedy: remedy.into(),
    }
}

pub(crate) fn worry(key: &'static str, wrong: impl Into<String>, remedy: impl Into<String>) -> Gap {
    Gap {
        severity: Severity::Warning,
        ..gap(key, wrong, remedy)
    }
}
