//! What a list says that is sent whole, again and again: only what differs from what is known is news.
//!
//! Without this every delivery would store every client and every check-in of the clinic anew, since the
//! time of a delivery is part of what makes a fact another one.

use relay_core::facts::{Fact, FactBody};
use relay_store::FactRow;

/// Those of `told` that say something new to whoever knows `known`, which is by source time.
pub(crate) fn news(known: &[FactRow], told: Vec<Fact>) -> Vec<Fact> {
    let mut news: Vec<Fact> = Vec::new();
    for fact in told {
        let before = known.iter().map(|row| &row.fact).chain(&news);
        if !says_nothing_new(before, &fact.body) {
            news.push(fact);
        }
    }
    news
}

/// Whether the latest of `before` about the same thing says the same. What has ended stays ended.
fn says_nothing_new<'a>(before: impl Iterator<Item = &'a Fact>, told: &FactBody) -> bool {
    let mut bodies = before.map(|fact| &fact.body);
    match told {
        FactBody::ClientUpdated { .. } => {
            let of_her = bodies.filter(|body| matches!(body, FactBody::ClientUpdated { .. }));
            of_her.last() == Some(told)
        }
        FactBody::CheckInDue { check_in, due, .. } => {
            let dates = bodies.filter_map(|body| match body {
                FactBody::CheckInDue {
                    check_in: of, due, ..
                }
                | FactBody::CheckInRescheduled { check_in: of, due } => {
                    (of == check_in).then_some(due)
                }
                _ => None,
            });
            dates.last() == Some(due)
        }
        FactBody::CheckInSubmitted { check_in, .. } => bodies.any(
            |body| matches!(body, FactBody::CheckInSubmitted { check_in: of, .. } if of == check_in),
        ),
        FactBody::CheckInWithdrawn { check_in } => bodies.any(
            |body| matches!(body, FactBody::CheckInWithdrawn { check_in: of } if of == check_in),
        ),
        _ => false,
    }
}
