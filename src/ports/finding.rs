//! What a check finds.

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It was looked at and is as it should be.
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    /// The relay works, and somebody should look at this.
    Warning,
    /// The relay, or a step of it, does not work.
    Fault,
}

impl Severity {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// What a finding is about. In the order in which they are shown: what makes later ones fail
/// stands before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The configuration file and the environment.
    Configuration,
    /// Files and who may read them.
    Files,
    /// The database.
    Store,
    /// Our clock and time zone against the vendors'.
    Clock,
    /// The clinic's days and hours.
    Calendar,
    /// Parameters and scripts.
    Procedure,
    /// Who answers for what.
    People,
    /// What is logged.
    Logging,
    /// The client portal.
    Portal,
    /// The credential at the CRM, and what it may do.
    Crm,
    /// The field that holds the contact type.
    ContactType,
    /// What counts as the coaching fee.
    CoachingFee,
    /// The coaches as users of the CRM.
    Coaches,
    /// The subscriptions by which the CRM tells us of changes.
    Hooks,
    /// What is left of the vendors' limits.
    Quota,
}

impl Area {
    /// Its title, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Files => "files",
            Self::Store => "database",
            Self::Clock => "clock",
            Self::Calendar => "calendar",
            Self::Procedure => "procedure",
            Self::People => "people",
            Self::Logging => "logging",
            Self::Portal => "portal",
            Self::Crm => "CRM",
            Self::ContactType => "contact type",
            Self::CoachingFee => "coaching fee",
            Self::Coaches => "coaches",
            Self::Hooks => "hooks",
            Self::Quota => "quota",
        }
    }
}

/// One finding.
///
/// Rules: `what` is a sentence that names the key or the thing, and the value unless it is a
/// secret. `remedy` is a command, a line to write, or a place in a vendor's screens; empty only
/// where nothing is to be done. Neither holds a secret or personal data: a coach is named by her
/// id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// How much it matters.
    pub severity: Severity,
    /// The key or the thing, for programs: `http.public_url`, `coach-1`.
    pub subject: String,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    fn new(area: Area, severity: Severity, subject: &str, what: String, remedy: String) -> Self {
        Self {
            area,
            severity,
            subject: subject.to_owned(),
            what,
            remedy,
        }
    }

    /// It is as it should be.
    pub fn ok(area: Area, subject: &str, what: impl Into<String>) -> Self {
        Self::new(area, Severity::Ok, subject, what.into(), String::new())
    }

    /// Worth knowing.
    pub fn note(area: Area, subject: &str, what: impl Into<String>) -> Self {
        Self::new(area, Severity::Note, subject, what.into(), String::new())
    }

    /// Somebody should look at it.
    pub fn warning(
        area: Area,
        subject: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(area, Severity::Warning, subject, what.into(), remedy.into())
    }

    /// It does not work.
    pub fn fault(
        area: Area,
        subject: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(area, Severity::Fault, subject, what.into(), remedy.into())
    }

    /// The same with something to do, for a note that has it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Whether it is about the same key as `other`, or about one that holds it or is held by it.
    pub(crate) fn is_about(&self, other: &str) -> bool {
        let within = |inner: &str, outer: &str| {
            let rest = inner.strip_prefix(outer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        within(&self.subject, other) || within(other, &self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_touch_when_one_holds_the_other_and_not_when_they_only_begin_alike() {
        let finding = Finding::note(Area::Configuration, "crm.coaching", "x");
        for touching in ["crm.coaching", "crm.coaching.plan_ids", "crm"] {
            assert!(finding.is_about(touching), "{touching}");
        }
        for other in ["crm.coach", "crm.coaching_ids", "http"] {
            assert!(!finding.is_about(other), "{other}");
        }
    }
}
