//! What the vendors' answers say of the time.
//!
//! Every answer carries its sender's `Date`. If this machine's clock is a day away from what the
//! vendors say, whatever is due is due by mistake, and a message that goes out can't be called back.
//! So the dates of the last answers are kept here, and who is about to act asks whether they agree.
//!
//! Rules:
//! - What counts is an answer of the last two hours, by the same clock: one from before a jump says
//!   nothing about it.
//! - One vendor that agrees outweighs another that does not: it is that one whose clock is wrong.
//! - A vendor on this machine has its clock and is not listened to; one that tells no date tells
//!   nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use http::header::DATE;
use relay_core::time::{SignedDuration, Timestamp};

/// How far apart the clocks may be.
pub const APART: SignedDuration = SignedDuration::from_hours(24);

/// How long an answer says something.
const FRESH: SignedDuration = SignedDuration::from_hours(2);

/// The clocks are apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// By the answer of whom.
    pub vendor: &'static str,
    /// How far this machine's clock is ahead; negative: behind.
    pub ahead: SignedDuration,
}

#[derive(Debug, Clone, Copy)]
struct AnswerDate {
    ours: Timestamp,
    /// `None`: the answer had no date.
    theirs: Option<Timestamp>,
}

/// The dates of the vendors' last answers.
#[derive(Debug, Default)]
pub struct Dates {
    said: Mutex<BTreeMap<&'static str, Option<AnswerDate>>>,
    /// Whether it was noticed that the clocks agree, since they were apart.
    agreed: AtomicBool,
}

impl Dates {
    /// Answers of `vendor` will be listened to.
    pub fn listen_to(&self, vendor: &'static str) {
        self.all().entry(vendor).or_insert(None);
    }

    /// `vendor` has answered at `ours`, by this machine's clock.
    pub fn heard(&self, vendor: &'static str, headers: &HeaderMap, ours: Timestamp) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let theirs = theirs.map(|date| date.timestamp());
        if let Some(said) = self.all().get_mut(vendor) {
            *said = Some(AnswerDate { ours, theirs });
        }
    }

    /// How far the clocks are apart, if no vendor agrees with this machine.
    pub fn apart(&self, now: Timestamp) -> Option<Apart> {
        let mut apart = None;
        for (vendor, said) in self.all().iter() {
            let Some(AnswerDate {
                ours,
                theirs: Some(theirs),
            }) = said
            else {
                continue;
            };
            if now.duration_since(*ours).abs() > FRESH {
                continue;
            }
            let ahead = ours.duration_since(*theirs);
            if ahead.abs() <= APART {
                return None;
            }
            apart = Some(Apart { vendor, ahead });
        }
        if apart.is_some() {
            self.agreed.store(false, Ordering::Relaxed);
        }
        apart
    }

    /// Whether a vendor has told lately that the clocks agree, which was not noticed before.
    pub fn agree_for_the_first_time(&self, now: Timestamp) -> bool {
        let agrees = self.all().values().flatten().any(|said| {
            let near = |theirs: Timestamp| said.ours.duration_since(theirs).abs() <= APART;
            said.theirs.is_some_and(near) && now.duration_since(said.ours).abs() <= FRESH
        });
        agrees && !self.agreed.swap(true, Ordering::Relaxed)
    }

    /// Whether a vendor should be asked before anything is decided by the clock alone: some are
    /// listened to, and none of those that tell a date has lately.
    pub fn should_ask(&self, now: Timestamp) -> bool {
        let all = self.all();
        let tells = |said: &Option<AnswerDate>| said.is_none_or(|said| said.theirs.is_some());
        let fresh = |said: &Option<AnswerDate>| {
            said.is_some_and(|said| {
                said.theirs.is_some() && now.duration_since(said.ours).abs() <= FRESH
            })
        };
        all.values().any(tells) && !all.values().any(fresh)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Option<AnswerDate>>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn dated(date: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, date.parse().unwrap());
        headers
    }

    const NOON: &str = "Wed, 04 Nov 2026 12:00:00 GMT";

    #[test]
    fn clocks_are_apart_when_nobody_who_answered_lately_agrees() {
        let dates = Dates::default();
        dates.listen_to("crm");
        dates.listen_to("portal");
        let now = at("2026-11-06T12:00:30Z");
        assert!(dates.should_ask(now));
        assert_eq!(dates.apart(now), None);
        // From before the jump.
        dates.heard("portal", &dated(NOON), at("2026-11-04T12:00:10Z"));
        assert_eq!(dates.apart(now), None);
        assert!(dates.should_ask(now));
        dates.heard("crm", &dated(NOON), now);
        let apart = dates.apart(now).unwrap();
        assert_eq!(apart.vendor, "crm");
        assert_eq!(apart.ahead, SignedDuration::from_secs(2 * 86_400 + 30));
        assert!(!dates.should_ask(now));
        // One vendor whose clock is wrong stops nobody.
        let agrees = dated("Fri, 06 Nov 2026 12:00:00 GMT");
        dates.heard("portal", &agrees, now);
        assert_eq!(dates.apart(now), None);
    }

    #[test]
    fn who_tells_no_date_is_not_asked_for_it_and_who_is_not_listened_to_tells_nothing() {
        let dates = Dates::default();
        let now = at("2026-11-06T12:00:00Z");
        dates.heard("here", &dated(NOON), now);
        assert_eq!(dates.apart(now), None);
        assert!(!dates.should_ask(now));
        dates.listen_to("portal");
        assert!(dates.should_ask(now));
        dates.heard("portal", &HeaderMap::new(), now);
        assert!(!dates.should_ask(now));
    }
}
