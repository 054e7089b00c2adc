//! The check-in list, looked at: how it is told, and what it can't do.

use async_trait::async_trait;

use crate::doctor::{Area, Finding};
use crate::ports::Inspect;

/// Looks at the list.
#[derive(Debug)]
pub(super) struct ListInspector {
    /// Whether webhooks are let in.
    pub(super) webhooks: bool,
    /// How many coaches are named.
    pub(super) coaches: usize,
}

#[async_trait]
impl Inspect for ListInspector {
    async fn inspect(&self) -> Vec<Finding> {
        let how = if self.webhooks {
            "signed webhooks at /hooks/check-ins and by `clear-relay import check-ins FILE --by NAME`"
        } else {
            "`clear-relay import check-ins FILE --by NAME` only: no webhook key is set"
        };
        vec![
            Finding::ok(
                Area::Portal,
                "check_ins.from",
                format!(
                    "who is expected is told by {how}; coaches that are named: {}",
                    self.coaches
                ),
            ),
            Finding::note(
                Area::Portal,
                "check_ins.from",
                "no portal is asked: coaches send portal messages by hand and are asked to, and a check-in or \
                 a reply counts once it was told",
            ),
            Finding::note(
                Area::Portal,
                "minor",
                "a client of whom the list does not tell whether she is a minor is taken for an adult (A36)",
            )
            .with_remedy("add a column \"minor\" to the list, with yes or no, as in adapters/check-ins/README.md"),
        ]
    }
}
