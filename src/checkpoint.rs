//! Named places where a crash is worth simulating.
//!
//! Code that must survive being cut off at a certain await says so by calling
//! [`Checkpoints::reach`] there. In production that does nothing ([`NoCheckpoints`]); a test
//! stops the task at a name for ever, drops it, and looks at what the database says.
//!
//! Rules:
//! - Every name stands in [`CHECKPOINTS`], with what is true at that moment. A crash test loops
//!   over the table, so a place that is named and never hit fails.
//! - A name is `part.moment`; it never changes what the code does.

use std::fmt::Debug;

use async_trait::async_trait;

/// One place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its name.
    pub name: &'static str,
    /// What is true when it is reached.
    pub when: &'static str,
}

/// A verified webhook is about to be stored.
pub const RECEIVE_BEFORE_COMMIT: &str = "receive.before_commit";
/// A webhook is stored and not yet answered.
pub const RECEIVE_AFTER_COMMIT: &str = "receive.after_commit";

/// Every place there is.
pub const CHECKPOINTS: &[Checkpoint] = &[
    Checkpoint {
        name: RECEIVE_BEFORE_COMMIT,
        when: "the bytes are verified, nothing is stored, nothing is answered: the sender repeats",
    },
    Checkpoint {
        name: RECEIVE_AFTER_COMMIT,
        when: "the receipt is stored, nothing is answered: the sender repeats, we know it already",
    },
];

/// What happens at a checkpoint.
#[async_trait]
pub trait Checkpoints: Debug + Send + Sync {
    /// Called when the place is reached; the code goes on when this returns.
    async fn reach(&self, name: &'static str);
}

/// Nothing happens: what production uses.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCheckpoints;

#[async_trait]
impl Checkpoints for NoCheckpoints {
    async fn reach(&self, _name: &'static str) {}
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::CHECKPOINTS;

    #[test]
    fn every_checkpoint_has_its_own_name_of_the_form_part_dot_moment() {
        let names: BTreeSet<_> = CHECKPOINTS.iter().map(|point| point.name).collect();
        assert_eq!(names.len(), CHECKPOINTS.len());
        for name in names {
            let parts: Vec<_> = name.split('.').collect();
            assert!(
                parts.len() == 2 && parts.iter().all(|p| !p.is_empty()),
                "{name}"
            );
        }
    }
}
