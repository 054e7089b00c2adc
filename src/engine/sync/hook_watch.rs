//! The watch over the subscriptions by which the CRM tells us of changes (E38).
//!
//! For the admin who would otherwise find out a week later that the CRM has switched a subscription
//! off in the night. What happens while it is off is never told afterwards; so the watch remembers
//! since when something may be missing, restores what it can, and then reads what changed meanwhile.
//!
//! ```text
//! look ─▶ notice: since when may something be missing? ─▶ stored
//!           └▶ restore (verify, make anew; with longer and longer pauses) ─▶ still inactive: item for the admin
//!                └▶ active: read the gap ─▶ one batch: jobs · count · gap closed
//! ```
//!
//! A gap begins with the last look that found the subscription active, less [`OVERLAP`]. Something
//! may also be missing although the CRM calls it verified: when *we* were away, or could not write,
//! for longer than the CRM tries; and when a person has just restored it by command.
//!
//! Guarantees: what was noticed is stored before anything is restored, so a crash forgets no gap. The
//! jobs, the count and the end of the gap are one commit, so a change is recovered once however
//! often the reading is cut off.
//!
//! Not guaranteed: what the CRM itself doesn't show afterwards (a contact's deletion is found for
//! clients who are followed up; for others when somebody next reads them).

use std::collections::BTreeMap;

use relay_core::time::{SignedDuration, Timestamp, later};
use relay_store::{AuditEntry, Op};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::{Engine, EngineError};
use crate::ports::{HookStatus, SubscriptionState, SyncWish, Synced};
use crate::receipts::HintObject;

/// How much earlier than the last good look the reading begins: a delivery may have been failing
/// for as long as the CRM tries (36 minutes) before it gave up, and its clock may be behind.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(45);

/// How much later than planned a look may come before we count as having been away.
const LATE: SignedDuration = SignedDuration::from_mins(25);

/// After so many tries in vain the admin hears.
const PATIENCE: u32 = 3;

/// The longest pause between two tries.
const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// The setting that holds the state.
const STATE: &str = "hook_watch";

/// The setting in which a command asks the watch to read back.
const ASKED: &str = "hook_watch/asked";

/// What a command asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// Read back from here.
    pub(crate) since: Timestamp,
    /// When it was asked, real time: tells one question from the next.
    at: Timestamp,
}

/// What the watch knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// When the last look ended that could be stored.
    pub looked_at: Option<Timestamp>,
    /// What it knows of each event.
    pub events: BTreeMap<String, EventWatch>,
    /// What was read back last, by kind of object.
    pub recovered: BTreeMap<String, Recovery>,
}

/// What the watch knows of one event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventWatch {
    /// The last look that found it active.
    #[serde(rename = "awake_at")]
    pub active_at: Option<Timestamp>,
    /// Since when something may be missing; `None` when nothing is.
    pub missing_since: Option<Timestamp>,
    /// The vendor's account has no such event: nothing can be missing.
    pub not_offered: bool,
    /// Tries to restore it in vain, in a row.
    pub tries: u32,
    /// When it may be tried again.
    pub next_try: Option<Timestamp>,
    /// Why the last try was in vain.
    pub problem: Option<String>,
    /// The last gap that was read back.
    pub last_gap: Option<Gap>,
}

/// A gap that was read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The last moment before it at which all was well.
    pub from: Timestamp,
    /// When it was read back.
    pub until: Timestamp,
}

/// What was read back of one kind of object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recovery {
    /// When, last.
    pub at: Option<Timestamp>,
    /// Objects of ours that had changed untold, last time.
    pub changes: usize,
    /// The same, of all times.
    pub total: usize,
}

impl Watch {
    /// Whether no subscription of ours has ever been seen: making the first ones is a person's
    /// decision (`hooks sync`).
    pub(crate) fn is_not_set_up(&self, listed: &[HookStatus]) -> bool {
        self.events.is_empty()
            && listed
                .iter()
                .all(|hook| hook.state == SubscriptionState::Missing)
    }

    /// Notes since when something may be missing. Returns whether anything is.
    pub(crate) fn notice(
        &mut self,
        listed: &[HookStatus],
        asked: Option<Timestamp>,
        every: SignedDuration,
        now: Timestamp,
    ) -> bool {
        let late = every.saturating_add(LATE);
        let away = self.looked_at.filter(|at| now.duration_since(*at) > late);
        let mut anything = false;
        for hook in listed {
            let event = self.events.entry(hook.event.clone()).or_default();
            event.not_offered &= hook.state != SubscriptionState::Active;
            if event.not_offered {
                continue;
            }
            let inactive = hook.state != SubscriptionState::Active;
            let inactive_since = inactive.then(|| event.active_at.unwrap_or(now));
            let since = [event.missing_since, inactive_since, away, asked];
            event.missing_since = since.into_iter().flatten().min();
            anything |= event.missing_since.is_some();
        }
        anything
    }

    /// The events that are to be restored now.
    pub(crate) fn to_restore(&self, listed: &[HookStatus], now: Timestamp) -> Vec<String> {
        let due = |event: &str| {
            let known = self.events.get(event).and_then(|known| known.next_try);
            known.is_none_or(|at| at <= now)
        };
        let inactive = listed.iter().filter(|hook| {
            matches!(
                hook.state,
                SubscriptionState::Inactive | SubscriptionState::Missing
            )
        });
        inactive
            .map(|hook| hook.event.clone())
            .filter(|event| due(event))
            .collect()
    }

    /// Notes what became of the restoring.
    pub(crate) fn restored(&mut self, tried: &[HookStatus], every: SignedDuration, now: Timestamp) {
        for hook in tried {
            let event = self.events.entry(hook.event.clone()).or_default();
            match hook.state {
                SubscriptionState::Active => {
                    (event.tries, event.next_try, event.problem) = (0, None, None);
                }
                SubscriptionState::NotOffered => {
                    (event.not_offered, event.missing_since) = (true, None);
                    (event.tries, event.problem) = (0, None);
                    event.next_try = Some(later(now, LONGEST));
                }
                SubscriptionState::Inactive | SubscriptionState::Missing => {
                    event.not_offered = false;
                    event.next_try = Some(later(now, pause(every, event.tries)));
                    event.tries = event.tries.saturating_add(1);
                    let why = || format!("the subscription is {}", hook.status);
                    event.problem = Some(hook.problem.clone().unwrap_or_else(why));
                }
            }
        }
    }

    /// For each kind of object: since when something may be missing that can be read back now.
    pub(crate) fn gaps(&self, statuses: &[HookStatus]) -> BTreeMap<HintObject, Timestamp> {
        let mut gaps = BTreeMap::new();
        for hook in statuses {
            let known = self.events.get(&hook.event);
            let Some(since) = known.and_then(|event| event.missing_since) else {
                continue;
            };
            if hook.state == SubscriptionState::Active {
                let earliest = gaps.entry(hook.object).or_insert(since);
                *earliest = since.min(*earliest);
            }
        }
        gaps
    }

    /// The look is over: what is active is so now, and its gap is read back.
    pub(crate) fn looked(&mut self, statuses: &[HookStatus], now: Timestamp) {
        self.looked_at = Some(now);
        for hook in statuses {
            if hook.state != SubscriptionState::Active {
                continue;
            }
            let event = self.events.entry(hook.event.clone()).or_default();
            if let Some(from) = event.missing_since.take() {
                event.last_gap = Some(Gap { from, until: now });
            }
            event.active_at = Some(now);
        }
    }

    /// Notes what was read back.
    pub(crate) fn recovered(&mut self, object: HintObject, changes: usize, now: Timestamp) {
        let known = self
            .recovered
            .entry(object.as_str().to_owned())
            .or_default();
        known.at = Some(now);
        known.changes = changes;
        known.total = known.total.saturating_add(changes);
    }

    /// The events that could not be restored in spite of several tries, and why.
    pub(crate) fn beyond_us(&self) -> Vec<(&str, &str)> {
        let events = self.events.iter();
        events
            .filter(|(_, event)| event.tries >= PATIENCE)
            .map(|(name, event)| (name.as_str(), event.problem.as_deref().unwrap_or_default()))
            .collect()
    }
}

fn pause(every: SignedDuration, tries: u32) -> SignedDuration {
    let factor = 2_i32.saturating_pow(tries.min(10));
    every
        .checked_mul(factor)
        .map_or(LONGEST, |p| p.min(LONGEST))
}

/// What the watch knows.
pub async fn hook_watch(engine: &Engine) -> Result<Watch, EngineError> {
    let stored = engine.store.setting(STATE).await?;
    Ok(stored
        .and_then(|value| serde_json::from_value(value).ok())
        .unwrap_or_default())
}

/// What a command has asked to be read back.
pub(crate) async fn asked_to_read_back(engine: &Engine) -> Result<Option<Ask>, EngineError> {
    let stored = engine.store.setting(ASKED).await?;
    Ok(stored.and_then(|value| serde_json::from_value(value).ok()))
}

/// The question is answered, unless another was asked meanwhile.
pub(crate) async fn answered_op(
    engine: &Engine,
    ask: Option<Ask>,
) -> Result<Option<Op>, EngineError> {
    let answered = ask.is_some() && asked_to_read_back(engine).await? == ask;
    Ok(answered.then(|| Op::PutSetting {
        key: ASKED.to_owned(),
        value: serde_json::Value::Null,
    }))
}

pub(crate) fn put_watch(watch: &Watch) -> Op {
    Op::PutSetting {
        key: STATE.to_owned(),
        value: serde_json::to_value(watch).unwrap_or_default(),
    }
}

/// Makes the subscriptions what they should be, by a person's command. Whatever a change may
/// have cost is read back by the watch at its next look: that is stored before anything is
/// changed.
pub async fn sync_hooks(engine: &Engine, wish: SyncWish) -> Result<Synced, EngineError> {
    let now = engine.now();
    let plan = SyncWish {
        dry_run: true,
        ..wish.clone()
    };
    let planned = engine.ports.hooks.sync(plan).await?;
    if wish.dry_run {
        return Ok(planned);
    }
    // What was never there has lost nothing that we promised to hear.
    let touched = planned
        .hooks
        .iter()
        .filter(|hook| !hook.done.is_empty() && hook.key.is_some());
    let watch = hook_watch(engine).await?;
    let since = touched.map(|hook| {
        let known = watch.events.get(&hook.event);
        known.and_then(|known| known.active_at).unwrap_or(now)
    });
    if let Some(since) = since.min() {
        let earlier = asked_to_read_back(engine).await?;
        let ask = Ask {
            since: earlier.map_or(since, |earlier| earlier.since.min(since)),
            at: engine.clocks.real.now(),
        };
        let ask = Op::PutSetting {
            key: ASKED.to_owned(),
            value: json!(ask),
        };
        engine.store.commit(vec![ask].into()).await?;
    }
    let synced = engine.ports.hooks.sync(wish).await?;
    let done: Vec<_> = synced.hooks.iter().filter(|h| !h.done.is_empty()).collect();
    if !done.is_empty() || !synced.closed.is_empty() {
        let audit = Op::Audit(AuditEntry {
            at: engine.now(),
            who: "command".to_owned(),
            what: "hooks.sync".to_owned(),
            object: "hooks".to_owned(),
            detail: json!({ "hooks": done, "closed": synced.closed }),
        });
        engine.store.commit(vec![audit].into()).await?;
    }
    Ok(synced)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: SignedDuration = SignedDuration::from_mins(5);

    fn at(minutes: i64) -> Timestamp {
        let start: Timestamp = "2026-11-03T15:00:00Z".parse().expect("a time");
        start + SignedDuration::from_mins(minutes)
    }

    fn hook(event: &str, object: HintObject, state: SubscriptionState) -> HookStatus {
        HookStatus {
            event: event.to_owned(),
            object,
            key: None,
            state,
            status: String::new(),
            path: None,
            done: Vec::new(),
            problem: None,
        }
    }

    fn contacts(state: SubscriptionState) -> [HookStatus; 2] {
        ["edited", "deleted"].map(|event| hook(event, HintObject::Contact, state))
    }

    /// A watch that has found everything active at minute 0.
    fn watching() -> Watch {
        let mut watch = Watch::default();
        let active = contacts(SubscriptionState::Active);
        assert!(!watch.notice(&active, None, EVERY, at(0)));
        watch.looked(&active, at(0));
        watch
    }

    #[test]
    fn what_turns_inactive_is_missing_since_the_last_good_look_and_not_since_it_is_noticed() {
        let mut watch = watching();
        let mut listed = contacts(SubscriptionState::Active);
        listed[0].state = SubscriptionState::Inactive;
        assert!(watch.notice(&listed, None, EVERY, at(5)));
        watch.looked(&listed, at(5));
        assert!(watch.notice(&listed, None, EVERY, at(10)));
        assert_eq!(watch.events["edited"].missing_since, Some(at(0)));
        assert_eq!(watch.events["deleted"].missing_since, None);
        assert_eq!(watch.to_restore(&listed, at(10)), ["edited"]);
        assert!(watch.gaps(&listed).is_empty(), "it is still inactive");
        let active = contacts(SubscriptionState::Active);
        assert_eq!(watch.gaps(&active), [(HintObject::Contact, at(0))].into());
        watch.looked(&active, at(10));
        let gap = watch.events["edited"].last_gap.clone().expect("a gap");
        assert_eq!((gap.from, gap.until), (at(0), at(10)));
        assert!(watch.gaps(&active).is_empty());
    }

    #[test]
    fn having_been_away_is_a_gap_although_everything_is_awake() {
        let active = contacts(SubscriptionState::Active);
        assert!(!watching().notice(&active, None, EVERY, at(30)));
        let mut watch = watching();
        assert!(watch.notice(&active, None, EVERY, at(31)));
        assert_eq!(watch.gaps(&active), [(HintObject::Contact, at(0))].into());
        // A longer time between looks is not being away.
        let hour = SignedDuration::from_hours(1);
        assert!(!watching().notice(&active, None, hour, at(80)));
    }

    #[test]
    fn the_earliest_of_all_reasons_begins_the_gap() {
        let mut watch = watching();
        watch.looked(&contacts(SubscriptionState::Active), at(60));
        assert!(watch.notice(
            &contacts(SubscriptionState::Active),
            Some(at(20)),
            EVERY,
            at(64)
        ));
        assert!(watch.notice(&contacts(SubscriptionState::Inactive), None, EVERY, at(69)));
        let active = contacts(SubscriptionState::Active);
        assert_eq!(watch.gaps(&active), [(HintObject::Contact, at(20))].into());
    }

    #[test]
    fn tries_in_vain_come_less_and_less_often_and_then_the_admin_hears() {
        let mut watch = watching();
        let inactive = contacts(SubscriptionState::Inactive);
        let mut now = at(5);
        let mut pauses = Vec::new();
        for tried in 0..12 {
            assert_eq!(watch.to_restore(&inactive, now), ["edited", "deleted"]);
            assert_eq!(watch.beyond_us().is_empty(), tried < 3, "{tried}");
            watch.restored(&inactive, EVERY, now);
            let next = watch.events["edited"].next_try.expect("a time");
            assert!(watch.to_restore(&inactive, now).is_empty());
            pauses.push(next.duration_since(now).as_mins());
            now = next;
        }
        assert_eq!(
            pauses,
            [5, 10, 20, 40, 80, 160, 320, 360, 360, 360, 360, 360]
        );
        watch.restored(&contacts(SubscriptionState::Active), EVERY, now);
        assert!(watch.beyond_us().is_empty());
    }

    #[test]
    fn an_event_that_the_account_does_not_offer_is_left_alone() {
        let mut watch = watching();
        let mut listed = contacts(SubscriptionState::Active);
        listed[1].state = SubscriptionState::Missing;
        watch.notice(&listed, None, EVERY, at(5));
        listed[1].state = SubscriptionState::NotOffered;
        watch.restored(&listed[1..], EVERY, at(5));
        assert_eq!(watch.events["deleted"].missing_since, None);
        listed[1].state = SubscriptionState::Missing;
        assert!(!watch.notice(&listed, None, EVERY, at(10)));
        assert!(watch.to_restore(&listed, at(10)).is_empty());
        assert!(watch.beyond_us().is_empty());
    }

    #[test]
    fn nothing_is_made_before_a_person_has_made_the_first() {
        let none = contacts(SubscriptionState::Missing);
        assert!(Watch::default().is_not_set_up(&none));
        assert!(!watching().is_not_set_up(&none));
        let mut one = none;
        one[0].state = SubscriptionState::Inactive;
        assert!(!Watch::default().is_not_set_up(&one));
    }
}
