//! Tries and looks: when again, when no more.

use proptest::prelude::*;
use relay_core::effects::{Absence, EffectKind};
use relay_core::retry::{Class, GiveUp, ProbeSchedule, RetryDecision, RetryPolicy, absence_proven};
use relay_core::time::{SignedDuration, Timestamp};

const SECS: fn(i64) -> SignedDuration = SignedDuration::from_secs;

fn start() -> Timestamp {
    "2026-11-03T16:00:00Z".parse().unwrap()
}

/// The wait that the standard policy gives, with no jitter.
fn wait(failures: u32, class: Class) -> Option<SignedDuration> {
    match RetryPolicy::standard().decide(failures, start(), start(), class, 0.5) {
        RetryDecision::Again { at } => Some(at.duration_since(start())),
        RetryDecision::Probe | RetryDecision::GiveUp { .. } => None,
    }
}

fn retryable(after: Option<i64>) -> Class {
    Class::Retryable {
        after: after.map(SECS),
    }
}

#[test]
fn waits_grow_threefold_up_to_an_hour() {
    let waits: Vec<_> = (1..=9)
        .map(|failures| wait(failures, Class::NotSent).unwrap().as_secs())
        .collect();
    assert_eq!(waits, [5, 15, 45, 135, 405, 1215, 3600, 3600, 3600]);
}

#[test]
fn jitter_moves_a_wait_by_a_fifth_either_way() {
    let policy = RetryPolicy::standard();
    let at = |unit| policy.decide(3, start(), start(), Class::NotSent, unit);
    assert_eq!(
        at(0.0),
        RetryDecision::Again {
            at: start() + SECS(36)
        }
    );
    assert_eq!(
        at(1.0),
        RetryDecision::Again {
            at: start() + SECS(54)
        }
    );
}

#[test]
fn a_random_number_out_of_range_counts_as_the_nearest_in_range() {
    let policy = RetryPolicy::standard();
    let at = |unit| policy.decide(3, start(), start(), Class::NotSent, unit);
    for (wild, tame) in [
        (7.0, 1.0),
        (f64::INFINITY, 1.0),
        (-7.0, 0.0),
        (f64::NAN, 0.0),
    ] {
        assert_eq!(at(wild), at(tame), "{wild}");
    }
}

#[test]
fn a_refusal_for_good_is_never_tried_again() {
    let decision = RetryPolicy::standard().decide(1, start(), start(), Class::Permanent, 0.5);
    let reason = GiveUp::Refused;
    assert_eq!(decision, RetryDecision::GiveUp { reason });
}

#[test]
fn an_unclear_outcome_is_looked_at_whatever_the_count_or_the_time() {
    let policy = RetryPolicy::standard();
    for failures in [0, 1, 119, 120, u32::MAX] {
        for now in [start(), Timestamp::MAX] {
            let decision = policy.decide(failures, start(), now, Class::Unclear, 0.5);
            assert_eq!(decision, RetryDecision::Probe);
        }
    }
}

#[test]
fn a_refused_credential_is_tried_again_every_quarter_of_an_hour() {
    for failures in [1, 2, 50] {
        assert_eq!(
            wait(failures, Class::Unauthorised),
            Some(SECS(900)).map(|w| w + SECS(90))
        );
    }
    let soonest = RetryPolicy::standard().decide(1, start(), start(), Class::Unauthorised, 0.0);
    assert_eq!(
        soonest,
        RetryDecision::Again {
            at: start() + SECS(900)
        }
    );
}

#[test]
fn retry_after_is_obeyed_in_full_and_jitter_only_adds() {
    let policy = RetryPolicy::standard();
    let at = |after, unit| policy.decide(1, start(), start(), retryable(Some(after)), unit);
    assert_eq!(
        at(100, 0.0),
        RetryDecision::Again {
            at: start() + SECS(100)
        }
    );
    assert_eq!(
        at(100, 1.0),
        RetryDecision::Again {
            at: start() + SECS(120)
        }
    );
    // Longer than the cap: not squeezed, and what is added is a part of the cap.
    assert_eq!(
        at(36_000, 0.0),
        RetryDecision::Again {
            at: start() + SECS(36_000)
        }
    );
    assert_eq!(
        at(36_000, 1.0),
        RetryDecision::Again {
            at: start() + SECS(36_720)
        }
    );
    // Shorter than our own wait: ours holds.
    assert_eq!(
        at(1, 0.5),
        RetryDecision::Again {
            at: start() + SECS(5)
        }
    );
    // Nonsense counts as none.
    assert_eq!(
        at(-100, 0.5),
        RetryDecision::Again {
            at: start() + SECS(5)
        }
    );
}

#[test]
fn a_retry_after_past_the_budget_gives_up_instead_of_coming_early() {
    let day_and_a_bit = retryable(Some(24 * 3600 + 1));
    let decision = RetryPolicy::standard().decide(1, start(), start(), day_and_a_bit, 0.0);
    let reason = GiveUp::BudgetSpent;
    assert_eq!(decision, RetryDecision::GiveUp { reason });
}

#[test]
fn the_last_try_starts_at_the_deadline_at_the_latest() {
    let policy = RetryPolicy::standard();
    let deadline = policy.deadline(start());
    assert_eq!(deadline, start() + SECS(24 * 3600));
    let decide = |now| policy.decide(30, start(), now, Class::NotSent, 0.5);
    let last = deadline - SECS(3600);
    assert_eq!(decide(last), RetryDecision::Again { at: deadline });
    let reason = GiveUp::BudgetSpent;
    assert_eq!(decide(last + SECS(1)), RetryDecision::GiveUp { reason });
}

#[test]
fn a_clock_set_back_again_and_again_still_ends() {
    let policy = RetryPolicy::standard();
    let reason = GiveUp::TooManyFailures;
    assert_eq!(wait(119, Class::NotSent), Some(SECS(3600)));
    for failures in [120, 121, u32::MAX] {
        let decision = policy.decide(failures, start(), start(), Class::NotSent, 0.5);
        assert_eq!(decision, RetryDecision::GiveUp { reason });
    }
}

#[test]
fn a_day_of_failures_ends_by_the_budget() {
    let policy = RetryPolicy::standard();
    for class in [Class::NotSent, Class::Unauthorised, retryable(Some(7))] {
        let (mut now, mut failures) = (start(), 1);
        let end = loop {
            match policy.decide(failures, start(), now, class, 0.0) {
                RetryDecision::Again { at } => now = at,
                end => break end,
            }
            failures += 1;
        };
        let reason = GiveUp::BudgetSpent;
        assert_eq!(end, RetryDecision::GiveUp { reason }, "{class:?}");
        assert!(now.duration_since(start()) > SECS(22 * 3600), "{class:?}");
    }
}

#[test]
fn a_policy_tells_all_its_mistakes() {
    assert_eq!(RetryPolicy::standard().mistakes(), Vec::<String>::new());
    let policy = RetryPolicy {
        base: SECS(10),
        factor: 0,
        cap: SECS(5),
        jitter: f64::NAN,
        budget: SECS(0),
        max_failures: 0,
        unauthorised_wait: SECS(-1),
    };
    let mistakes = policy.mistakes();
    for key in [
        "budget",
        "unauthorised_wait",
        "cap",
        "factor",
        "jitter",
        "max_failures",
    ] {
        let named = mistakes.iter().filter(|line| line.starts_with(key)).count();
        assert_eq!(named, 1, "{key}: {mistakes:?}");
    }
    assert_eq!(mistakes.len(), 6);
}

#[test]
fn a_policy_is_written_in_words_and_read_back() {
    let policy: RetryPolicy = toml::from_str("base = \"10s\"\ncap = \"2h\"").unwrap();
    assert_eq!(policy.base, SECS(10));
    assert_eq!(policy.cap, SECS(7200));
    assert_eq!(policy.factor, 3);
    let copy: RetryPolicy = serde_json::from_value(serde_json::to_value(&policy).unwrap()).unwrap();
    assert_eq!(copy, policy);
}

#[test]
fn looks_are_taken_at_one_two_five_and_fifteen_minutes() {
    let schedule = ProbeSchedule::standard();
    let looks: Vec<_> = (0..4)
        .map(|probes| schedule.next(probes, start(), start()).unwrap())
        .map(|look| look.duration_since(start()).as_secs())
        .collect();
    assert_eq!(looks, [60, 120, 300, 900]);
    assert_eq!(schedule.next(4, start(), start()), None);
    assert_eq!(schedule.next(u32::MAX, start(), start()), None);
}

#[test]
fn an_overdue_look_is_taken_at_once() {
    let late = start() + SECS(3600);
    assert_eq!(ProbeSchedule::standard().next(1, start(), late), Some(late));
}

#[test]
fn absence_is_proven_only_after_the_vendors_delay() {
    let absence = Absence::ProvenAfter(SECS(120));
    assert!(!absence_proven(absence, start(), start() + SECS(119)));
    assert!(absence_proven(absence, start(), start() + SECS(120)));
    assert!(!absence_proven(absence, start(), start() - SECS(500)));
}

#[test]
fn absence_of_mail_is_never_proven_and_a_state_is_its_own_proof() {
    let year = start() + SECS(365 * 24 * 3600);
    assert!(!absence_proven(EffectKind::Email.absence(), start(), year));
    assert!(!absence_proven(Absence::Never, start(), Timestamp::MAX));
    assert!(absence_proven(Absence::DesiredState, start(), start()));
}

#[test]
fn every_provable_absence_is_proven_by_the_last_look_at_the_latest() {
    let schedule = ProbeSchedule::standard();
    let last = schedule.next(3, start(), start()).unwrap();
    for kind in EffectKind::ALL {
        let absence = kind.absence();
        assert_eq!(
            absence_proven(absence, start(), last),
            absence != Absence::Never,
            "{kind:?}"
        );
    }
}

fn instants() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_second()..=Timestamp::MAX.as_second())
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn durations() -> impl Strategy<Value = SignedDuration> {
    prop_oneof![
        any::<i64>().prop_map(SignedDuration::from_secs),
        any::<i64>().prop_map(SignedDuration::from_nanos),
        (0..100_000i64).prop_map(SignedDuration::from_secs),
    ]
}

prop_compose! {
    fn policies()(
        base in durations(),
        factor in any::<u32>(),
        cap in durations(),
        jitter in proptest::num::f64::ANY,
        budget in durations(),
        max_failures in any::<u32>(),
        unauthorised_wait in durations(),
    ) -> RetryPolicy {
        RetryPolicy { base, factor, cap, jitter, budget, max_failures, unauthorised_wait }
    }
}

fn repeatable() -> impl Strategy<Value = Class> {
    prop_oneof![
        Just(Class::NotSent),
        Just(Class::Unauthorised),
        proptest::option::of(durations()).prop_map(|after| Class::Retryable { after }),
    ]
}

proptest! {
    #[test]
    fn any_policy_answers_any_failure_within_now_and_its_deadline(
        policy in policies(),
        failures in any::<u32>(),
        first in instants(),
        now in instants(),
        class in repeatable(),
        unit in proptest::num::f64::ANY,
    ) {
        if let RetryDecision::Again { at } = policy.decide(failures, first, now, class, unit) {
            prop_assert!(at >= now);
            prop_assert!(at <= policy.deadline(first));
            prop_assert!(failures < policy.max_failures);
        }
    }

    #[test]
    fn no_policy_comes_back_before_retry_after(
        policy in policies(),
        failures in any::<u32>(),
        after in 0..1_000_000_000i64,
        unit in proptest::num::f64::ANY,
    ) {
        let class = retryable(Some(after));
        if let RetryDecision::Again { at } = policy.decide(failures, start(), start(), class, unit) {
            prop_assert!(at >= start() + SECS(after));
        }
    }

    #[test]
    fn without_jitter_more_failures_never_wait_less(few in 1..119u32, more in 1..119u32) {
        let (few, more) = (few.min(more), few.max(more));
        prop_assert!(wait(few, Class::NotSent) <= wait(more, Class::NotSent));
    }

    #[test]
    fn a_wait_stays_within_its_jitter(failures in 1..119u32, unit in 0.0..1.0f64) {
        let plain = wait(failures, Class::NotSent).unwrap();
        let policy = RetryPolicy::standard();
        let decision = policy.decide(failures, start(), start(), Class::NotSent, unit);
        let RetryDecision::Again { at } = decision else {
            return Err(TestCaseError::fail("gave up within the budget"));
        };
        let (waited, plain) = (at.duration_since(start()).as_secs_f64(), plain.as_secs_f64());
        prop_assert!(waited >= plain * 0.8 - 1e-6 && waited <= plain * 1.2 + 1e-6);
    }
}
