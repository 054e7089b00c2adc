//! What a list says that is sent whole, again and again: only what differs from what is known is news.
//!
//! Without this every delivery would store every client and every check-in of the clinic anew, since the
//! time of a delivery is part of what makes a fact another one.
//!
//! Known is what deliveries have told: what the relay has read back of it is no word of the list's.
//!
//! Of what is told of one client or one check-in the latest word counts, by when the list was as it says, not by
//! when it arrived. A word that only repeats is not stored as a fact; when it was said last is kept beside the facts
//! ([`Said`]), so that an older one which arrives after it is known as older.
//!
//! Not guaranteed: that of two processes which read repeats about one client at the same moment both are kept; the
//! next repeat makes up for it.

use std::collections::BTreeMap;

use relay_core::clients::ClientStatus;
use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CheckInId, ClientId};
use relay_core::time::{Date, SignedDuration, Timestamp, earlier};
use relay_store::{FactRow, Op};
use serde::{Deserialize, Serialize};

use crate::engine::{Engine, EngineError};
use crate::settings::setting_or_none;

/// The beginning of the settings that hold when a list last repeated what is known, by client.
const SAID: &str = "check_in_list/said/";

/// For how long it is kept that a check-in was told of again: no delivery is so late.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// When a list last said again what is known of a client and of each of her check-ins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Said {
    about: Option<Timestamp>,
    check_ins: BTreeMap<CheckInId, Timestamp>,
}

impl Said {
    /// What is kept of a client; what can't be read is as never said.
    pub(crate) async fn of(engine: &Engine, client: &ClientId) -> Result<Self, EngineError> {
        let kept = setting_or_none(engine.store.as_ref(), &key(client)).await?;
        let said = kept.and_then(|kept| serde_json::from_value(kept).ok());
        Ok(said.unwrap_or_default())
    }

    /// When what this fact is about was last said again.
    fn last(&self, body: &FactBody) -> Option<Timestamp> {
        match told_of_check_in(body) {
            Some(told) => self.check_ins.get(told.check_in).copied(),
            None => self.about,
        }
    }

    /// It was said again.
    fn again(&mut self, fact: &Fact) {
        let at = fact.source_time;
        let last = match told_of_check_in(&fact.body) {
            Some(told) => self.check_ins.entry(told.check_in.clone()).or_insert(at),
            None => self.about.get_or_insert(at),
        };
        *last = at.max(*last);
    }

    /// What keeps it.
    pub(crate) fn op(mut self, client: &ClientId) -> Op {
        let latest = self.check_ins.values().max().copied();
        if let Some(latest) = latest {
            self.check_ins.retain(|_, at| *at >= earlier(latest, KEPT));
        }
        let value = serde_json::json!(self);
        Op::PutSetting {
            key: key(client),
            value,
        }
    }
}

fn key(client: &ClientId) -> String {
    format!("{SAID}{client}")
}

/// What comes of facts that a list tells.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    /// Those that say something new.
    pub(crate) news: Vec<Fact>,
    /// How many say something else than was told since: the later word stands.
    pub(crate) outdated: usize,
    /// What was last said again, where that is later than was known.
    pub(crate) said: Option<Said>,
}

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

/// What comes of `told` for whoever knows `known`, which is by source time, and what was `said` again.
pub(crate) fn hear(known: &[FactRow], said: &Said, told: &[Fact]) -> Heard {
    let mut heard = Heard::default();
    let mut again = said.clone();
    for (index, fact) in told.iter().enumerate() {
        let before = known
            .iter()
            .filter(|row| row.receipt.is_some())
            .map(|row| &row.fact)
            .chain(&heard.news);
        // A row tells the date of a check-in, and then that it has ended.
        let next = told
            .get(index + 1)
            .and_then(|next| told_of_check_in(&next.body));
        let ends = next.is_some_and(|next| {
            let here = told_of_check_in(&fact.body).map(|here| here.check_in);
            here == Some(next.check_in) && next.word.date().is_none()
        });
        let same = before.clone().filter(|one| is_about_the_same(one, fact));
        let last = same.map(|one| one.source_time).max();
        let last = last.max(said.last(&fact.body));
        let is_news = is_news(before, &fact.body, ends);
        if last.is_some_and(|last| fact.source_time < last) {
            // What a row says on its way to its end is no word of its own.
            heard.outdated += usize::from(is_news && !ends);
        } else if is_news {
            heard.news.push(fact.clone());
        } else if !ends {
            again.again(fact);
        }
    }
    heard.said = (again != *said).then_some(again);
    heard
}

/// The check-in that a list's word is about.
pub(crate) fn check_in_of(body: &FactBody) -> Option<&CheckInId> {
    told_of_check_in(body).map(|told| told.check_in)
}

/// Whether two facts are about one check-in, or both tell of the client.
fn is_about_the_same(one: &Fact, other: &Fact) -> bool {
    match (told_of_check_in(&one.body), told_of_check_in(&other.body)) {
        (Some(one), Some(other)) => one.check_in == other.check_in,
        (None, None) => one.body.kind() == other.body.kind(),
        _ => false,
    }
}

/// Whether news of her say again what was told otherwise since, or would have her followed up who is not: an older
/// list says so, and one in which a mistake was put right.
pub(crate) fn turns_back(known: &[FactRow], news: &[Fact]) -> bool {
    let told = || known.iter().filter(|row| row.receipt.is_some());
    news.iter().enumerate().any(|(index, fact)| {
        if let FactBody::ClientUpdated { client } = &fact.body {
            let last = told().rev().find_map(|row| match &row.fact.body {
                FactBody::ClientUpdated { client } => Some(&client.status),
                _ => None,
            });
            let again = last.is_some_and(|last| *last != ClientStatus::Online)
                && client.status == ClientStatus::Online;
            return again || told().any(|row| row.fact.body == fact.body);
        }
        let Some(this) = told_of_check_in(&fact.body) else {
            return false;
        };
        let ends = news.get(index + 1).is_some_and(|next| {
            check_in_of(&next.body) == Some(this.check_in)
                && !matches!(next.body, FactBody::CheckInDue { .. })
        });
        let words = || {
            told()
                .filter_map(|row| told_of_check_in(&row.fact.body))
                .filter(|word| word.check_in == this.check_in)
        };
        let over = words()
            .next_back()
            .is_some_and(|last| last.word.date().is_none());
        let day_again = words().any(|word| word.word == this.word);
        this.word.date().is_some() && !ends && (over || day_again)
    })
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
