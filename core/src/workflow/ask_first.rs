//! What a coach is told before a message goes out in her name (A30).

use std::collections::BTreeSet;

/// No step.
static NONE: BTreeSet<String> = BTreeSet::new();

/// Which messages a coach is asked about before they go out.
///
/// The clinic sets it by the step, and it holds from that moment on for cases that are open, too: who says "ask us
/// first" means the next message, and a wait that is longer than a case expected does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskFirst<'a> {
    /// The ids of the steps whose messages are asked about.
    pub steps: &'a BTreeSet<String>,
    /// Whether it is known when a coach has been told, so that her silence may let a message go. Where she is told only
    /// in the list of work, nobody knows whether she has looked, and only her word does.
    pub silence_counts: bool,
}

impl AskFirst<'_> {
    /// Nothing is asked about.
    pub const NOTHING: AskFirst<'static> = AskFirst {
        steps: &NONE,
        silence_counts: false,
    };

    /// Whether the messages of `step` are asked about.
    pub fn includes(&self, step: &str) -> bool {
        self.steps.contains(step)
    }
}
