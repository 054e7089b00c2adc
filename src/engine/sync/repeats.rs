//! What a list says that is sent whole, again and again: only what differs from what is known is news.
//!
//! Without this every delivery would store every client and every check-in of the clinic anew, since the
//! time of a delivery is part of what makes a fact another one.
//!
//! Known is what deliveries have told: what the relay has read back of it is no word of the list's.

use relay_core::facts::{Fact, FactBody};
use relay_core::ids::CheckInId;
use relay_core::time::Date;
use relay_store::FactRow;

/// How a check-in was last told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Open,
    Submitted,
    Withdrawn,
}

/// Those of `told` that say something new to whoever knows `known`, which is by source time.
pub(crate) fn news(known: &[FactRow], told: &[Fact]) -> Vec<Fact> {
    let mut news: Vec<Fact> = Vec::new();
    for (index, fact) in told.iter().enumerate() {
        let before = known
            .iter()
            .filter(|row| row.receipt.is_some())
            .map(|row| &row.fact)
            .chain(&news);
        // A row tells the date of a check-in, and then that it has ended.
        let ends = told.get(index + 1).is_some_and(|next| {
            let same = about(&next.body) == about(&fact.body);
            same && word(&next.body).is_some_and(|word| word != Word::Open)
        });
        if is_news(before, &fact.body, ends) {
            news.push(fact.clone());
        }
    }
    news
}

fn is_news<'a>(before: impl Iterator<Item = &'a Fact>, told: &FactBody, ends: bool) -> bool {
    let bodies = before.map(|fact| &fact.body);
    let Some(check_in) = about(told) else {
        let same_kind = bodies.filter(|body| body.kind() == told.kind());
        return same_kind.last() != Some(told);
    };
    let (mut last, mut dated) = (None, None);
    for body in bodies.filter(|body| about(body) == Some(check_in)) {
        last = word(body);
        dated = date(body).or(dated);
    }
    match (word(told), date(told)) {
        (Some(Word::Open), date) if ends => dated != date,
        (Some(Word::Open), date) => last != Some(Word::Open) || dated != date,
        (word, _) => last != word,
    }
}

fn about(body: &FactBody) -> Option<&CheckInId> {
    match body {
        FactBody::CheckInDue { check_in, .. }
        | FactBody::CheckInRescheduled { check_in, .. }
        | FactBody::CheckInSubmitted { check_in, .. }
        | FactBody::CheckInWithdrawn { check_in } => Some(check_in),
        _ => None,
    }
}

fn word(body: &FactBody) -> Option<Word> {
    match body {
        FactBody::CheckInDue { .. } | FactBody::CheckInRescheduled { .. } => Some(Word::Open),
        FactBody::CheckInSubmitted { .. } => Some(Word::Submitted),
        FactBody::CheckInWithdrawn { .. } => Some(Word::Withdrawn),
        _ => None,
    }
}

fn date(body: &FactBody) -> Option<Date> {
    match body {
        FactBody::CheckInDue { due, .. } | FactBody::CheckInRescheduled { due, .. } => Some(*due),
        _ => None,
    }
}
