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

/// What a fact tells of a check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told<'a> {
    check_in: &'a CheckInId,
    word: Word,
}

/// How a check-in is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// It is expected on that day.
    Open(Date),
    Submitted,
    Withdrawn,
}

impl Word {
    /// The day it is expected on, where it tells one.
    const fn date(self) -> Option<Date> {
        match self {
            Self::Open(due) => Some(due),
            Self::Submitted | Self::Withdrawn => None,
        }
    }
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
        let next = told
            .get(index + 1)
            .and_then(|next| told_of_check_in(&next.body));
        let ends = next.is_some_and(|next| {
            let here = told_of_check_in(&fact.body).map(|here| here.check_in);
            here == Some(next.check_in) && next.word.date().is_none()
        });
        if is_news(before, &fact.body, ends) {
            news.push(fact.clone());
        }
    }
    news
}

fn is_news<'a>(before: impl Iterator<Item = &'a Fact>, told: &FactBody, ends: bool) -> bool {
    let bodies = before.map(|fact| &fact.body);
    let Some(this) = told_of_check_in(told) else {
        let same_kind = bodies.filter(|body| body.kind() == told.kind());
        return same_kind.last() != Some(told);
    };
    let of_it = bodies
        .filter_map(told_of_check_in)
        .filter(|before| before.check_in == this.check_in);
    let (mut last, mut dated) = (None, None);
    for before in of_it {
        last = Some(before.word);
        dated = before.word.date().or(dated);
    }
    match this.word {
        Word::Open(due) if ends => dated != Some(due),
        Word::Open(_) | Word::Submitted | Word::Withdrawn => last != Some(this.word),
    }
}

/// `None` for what is about no check-in.
fn told_of_check_in(body: &FactBody) -> Option<Told<'_>> {
    let (check_in, word) = match body {
        FactBody::CheckInDue { check_in, due, .. }
        | FactBody::CheckInRescheduled { check_in, due } => (check_in, Word::Open(*due)),
        FactBody::CheckInSubmitted { check_in, .. } => (check_in, Word::Submitted),
        FactBody::CheckInWithdrawn { check_in } => (check_in, Word::Withdrawn),
        FactBody::CheckInMissed { .. }
        | FactBody::ClientReplied { .. }
        | FactBody::CoachWrote { .. }
        | FactBody::MessageRead { .. }
        | FactBody::RegimenChanged { .. }
        | FactBody::ClientUpdated { .. }
        | FactBody::ProgramEnded
        | FactBody::ProgramReactivated
        | FactBody::MailRead { .. }
        | FactBody::Engaged { .. }
        | FactBody::CallTaskChanged { .. }
        | FactBody::ContactGone
        | FactBody::ContactSeen
        | FactBody::ContactType { .. }
        | FactBody::BillingRead { .. }
        | FactBody::OutreachStopped { .. }
        | FactBody::OutreachAllowed { .. }
        | FactBody::StaffSaid { .. }
        | FactBody::Ordered { .. } => return None,
    };
    Some(Told { check_in, word })
}
