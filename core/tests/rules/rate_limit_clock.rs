//! A clock that ran ahead while a vendor failed, and was corrected: nothing waits for a future that
//! nobody meant. And how long trouble lasts where a vendor refuses one thing forever.

use relay_core::rate_limit::{
    Answered, Ask, BreakerState, Exchange, LimiterChange, LimiterState, Limits, Priority,
    QuotaReading, Rate, RateLimitDecision, WindowReading,
};
use relay_core::time::{SignedDuration, Timestamp};

const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

const NORMAL: Ask = Ask {
    priority: Priority::Normal,
    waited: false,
};

fn start() -> Timestamp {
    "2026-11-03T16:00:00Z".parse().unwrap()
}

fn mins(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

fn limits() -> [Limits; 2] {
    let limited = Limits {
        rate: Some(Rate::per_minute(60, 3)),
        ..Limits::none()
    };
    [limited, Limits::none()]
}

fn exchange(answered: Answered) -> Exchange {
    Exchange {
        answered,
        quota: QuotaReading::default(),
        charged: true,
    }
}

fn refused(minutes: i64) -> Exchange {
    exchange(Answered::Refused {
        after: Some(SignedDuration::from_mins(minutes)),
    })
}

/// When a job gets in that asks at `now` and comes back whenever it is told to.
fn gets_in(limiter: &mut LimiterState, limits: &Limits, now: Timestamp) -> Timestamp {
    let mut ask = NORMAL;
    let mut now = now;
    for _ in 0..20 {
        match limiter.ask(limits, ask, now) {
            RateLimitDecision::Admit { .. } => return now,
            RateLimitDecision::Later { at, .. } => now = at,
        }
        ask.waited = true;
    }
    panic!("never let in");
}

#[test]
fn a_breaker_that_a_clock_ahead_has_opened_lets_a_trial_in_once_the_clock_is_right() {
    for limits in limits() {
        for ahead in [SignedDuration::from_hours(8), YEAR] {
            let mut limiter = LimiterState::default();
            let wrong = start() + ahead;
            for _ in 0..5 {
                limiter.observe(&limits, &exchange(Answered::Failed), wrong, 0.9);
            }
            limiter.ask(&limits, NORMAL, wrong);
            assert!(
                gets_in(&mut limiter, &limits, start()) <= mins(30),
                "{ahead}"
            );
            let state = limiter.breaker().state(mins(30));
            assert_ne!(state, BreakerState::Closed, "it has to prove itself");
            let since = limiter.trouble().map(|trouble| trouble.since);
            assert_eq!(since, Some(start()), "known to last from now on");
        }
    }
}

#[test]
fn a_pause_a_trial_and_turns_of_a_clock_ahead_are_forgotten() {
    for limits in limits() {
        let mut limiter = LimiterState::default();
        let wrong = start() + YEAR;
        limiter.observe(&limits, &refused(60), wrong, 0.5);
        for _ in 0..50 {
            limiter.ask(&limits, NORMAL, wrong);
        }
        assert!(gets_in(&mut limiter, &limits, start()) <= mins(30));

        let mut trying = LimiterState::default();
        for _ in 0..5 {
            trying.observe(&limits, &exchange(Answered::Failed), wrong, 0.0);
        }
        let due = wrong + SignedDuration::from_mins(5);
        assert_eq!(gets_in(&mut trying, &limits, due), due, "the trial");
        assert!(gets_in(&mut trying, &limits, start()) <= mins(30));
    }
}

#[test]
fn a_quota_that_a_clock_ahead_has_read_is_unknown_once_it_is_right() {
    let [limits, _] = limits();
    let mut limiter = LimiterState::default();
    let told = Exchange {
        quota: QuotaReading {
            key_day: WindowReading {
                available: Some(0),
                limit: Some(1_000),
                expires: None,
            },
            ..QuotaReading::default()
        },
        ..exchange(Answered::Alive)
    };
    limiter.observe(&limits, &told, start() + YEAR, 0.5);
    assert!(gets_in(&mut limiter, &limits, start()) <= mins(30));
}

#[test]
fn the_jobs_of_a_clock_ahead_are_called_back_until_somebody_has_done_it() {
    let [limits, _] = limits();
    let mut limiter = LimiterState::default();
    limiter.observe(&limits, &refused(60), start() + YEAR, 0.5);
    limiter.ask(&limits, NORMAL, start());
    assert!(limiter.correct(mins(1)), "an ask does not hide it");
    limiter.all_are_back();
    assert!(!limiter.correct(mins(2)));
}

#[test]
fn a_clock_set_back_by_a_moment_shortens_no_pause() {
    let [limits, _] = limits();
    let mut limiter = LimiterState::default();
    limiter.observe(&limits, &refused(10), start(), 0.0);
    let before = start() - SignedDuration::from_secs(30);
    assert!(gets_in(&mut limiter, &limits, before) >= mins(10));
    assert!(!limiter.correct(mins(10)));
}

#[test]
fn one_thing_that_is_refused_after_each_pause_is_told_within_an_hour_or_so() {
    for limits in limits() {
        for pause in [4, 5, 10, 30] {
            let mut limiter = LimiterState::default();
            let mut now = start();
            let mut told = None;
            while now < mins(120) && told.is_none() {
                limiter.observe(&limits, &refused(pause), now, 0.0);
                told = limiter.to_tell(&limits, now).map(|_| now);
                let over = now + SignedDuration::from_mins(pause);
                // The vendor answers everything else, as soon as it may be asked.
                let changes = limiter.observe(&limits, &exchange(Answered::Alive), over, 0.5);
                assert_eq!(changes, [], "not over by that");
                now = over + SignedDuration::from_secs(30);
            }
            assert!(told.is_some_and(|at| at <= mins(75)), "{pause}: {told:?}");
            limiter.told();
            let quiet = now + SignedDuration::from_mins(pause + 5);
            let changes = limiter.observe(&limits, &exchange(Answered::Alive), quiet, 0.5);
            assert_eq!(changes, [LimiterChange::Recovered { told: true }]);
        }
    }
}

#[test]
fn a_persons_word_ends_a_pause_and_an_open_breaker_and_nothing_else() {
    let [limits, _] = limits();
    let mut limiter = LimiterState::default();
    limiter.observe(&limits, &refused(600), start(), 0.0);
    for _ in 0..5 {
        limiter.observe(&limits, &exchange(Answered::Failed), start(), 0.0);
    }
    assert!(limiter.resume(mins(1)).is_some());
    assert_eq!(gets_in(&mut limiter, &limits, mins(1)), mins(1));
    assert_ne!(limiter.breaker().state(mins(1)), BreakerState::Closed);
    assert_eq!(limiter.clone().resume(mins(2)), None, "nothing in the way");
    let level = limiter.budget().level(limits.rate.unwrap(), mins(1));
    assert!(level < 3.0, "what is called is paid for: {level}");
}
