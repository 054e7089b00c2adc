//! What a comparison with the vendors found.

use serde::Serialize;

use crate::engine::sync::invariants::Violation;

/// What became of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// It is repaired, or would be.
    Repaired,
    /// A person is told, or would be.
    Told,
    /// Nothing is to be done about it here.
    Left,
}

/// Something that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundViolation {
    /// What did not hold.
    #[serde(flatten)]
    pub violation: Violation,
    /// What became of it.
    pub became: Became,
}

/// What a reconcile looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Check-ins that the portal lists as open and overdue.
    pub check_ins: usize,
    /// Open cases.
    pub cases: usize,
    /// What did not hold.
    pub found: Vec<FoundViolation>,
}
