//! Named places in the flow where a test may stop a task forever: a crash without a process.
//!
//! Code that crosses an await which a crash may not break passes a [`Point`]: reached right before
//! it and right after it. Production passes [`NoFailpoints`], which does nothing; no fault switch
//! is linked in.
//!
//! Rules:
//! - Every point stands in [`POINTS`], and a crash test loops over the table, so a place that is
//!   named and never hit fails.
//! - A point never changes what the code does.

use std::fmt::Debug;

use async_trait::async_trait;

/// Told whenever the flow passes a named place.
#[async_trait]
pub trait Failpoints: Debug + Send + Sync {
    /// The flow is at `name`. A test that never returns has crashed the relay here.
    async fn reach(&self, name: &'static str);
}

/// Passes every place without a look.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFailpoints;

#[async_trait]
impl Failpoints for NoFailpoints {
    async fn reach(&self, _name: &'static str) {}
}

/// A step of the flow that crosses an await: a commit, or a call to a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Reached right before it.
    pub before: &'static str,
    /// Reached right after it.
    pub after: &'static str,
}

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        $($(#[$doc])* pub const $name: Point =
            Point { before: concat!($text, ".before"), after: concat!($text, ".after") };)*

        /// Every place of the flow, in the order a webhook passes them.
        pub const POINTS: &[Point] = &[$($name),*];
    };
}

points! {
    /// A verified webhook is stored.
    RECEIVE = "receive.commit",
    /// A stored webhook becomes facts, steps and jobs.
    INTAKE = "intake.commit",
    /// A due job is claimed.
    CLAIM = "worker.claim",
    /// A timer moves its case.
    TIMER = "timer.commit",
    /// The portal is asked whether a check-in is really missing.
    MISSED_READ = "missed.read",
    /// A case opens, or the reason why not is stored.
    MISSED_COMMIT = "missed.commit",
    /// The evidence for a decision is read.
    READ_CALL = "read.call",
    /// The evidence moves its case.
    READ_COMMIT = "read.commit",
    /// An object that a hint named is read again.
    REREAD_CALL = "reread.call",
    /// What it taught is stored.
    REREAD_COMMIT = "reread.commit",
    /// The guard reads the vendors.
    GUARD = "effect.guard",
    /// The guard's refusal is stored.
    REFUSE = "effect.refuse",
    /// The intent is stored.
    INTENT = "effect.intent",
    /// The one mutating request.
    ATTEMPT = "effect.attempt",
    /// The state is read back.
    READ_BACK = "effect.read_back",
    /// The outcome is stored.
    SETTLE = "effect.settle",
    /// The vendor is asked whether it happened.
    PROBE = "effect.probe",
    /// The probe's answer is stored.
    PROBE_COMMIT = "effect.probe_commit",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::POINTS;

    #[test]
    fn every_place_has_its_own_name() {
        let names: BTreeSet<_> = POINTS.iter().flat_map(|p| [p.before, p.after]).collect();
        assert_eq!(names.len(), 2 * POINTS.len());
    }
}
