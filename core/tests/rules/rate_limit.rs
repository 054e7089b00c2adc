//! How fast a vendor may be asked: budget, quota, pauses, breaker, turns.

use relay_core::rate_limit::RateLimitDecision::{Admit, Later};
use relay_core::rate_limit::{
    Answered, Ask, BreakerState, Exchange, Left, LimiterChange, LimiterState, Limits, Priority,
    QuotaReading, Rate, RateLimitDecision, Why, Window, WindowReading,
};
use relay_core::time::{SignedDuration, Timestamp};

const SECS: fn(i64) -> SignedDuration = SignedDuration::from_secs;

fn start() -> Timestamp {
    "2026-11-03T16:00:00Z".parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    start() + SECS(seconds)
}

/// A call a second, three at once.
fn limits() -> Limits {
    Limits {
        rate: Some(Rate::per_minute(60, 3)),
        ..Limits::none()
    }
}

fn new(priority: Priority) -> Ask {
    Ask {
        priority,
        waited: false,
    }
}

fn back(priority: Priority) -> Ask {
    Ask {
        priority,
        waited: true,
    }
}

fn exchange(answered: Answered) -> Exchange {
    Exchange {
        answered,
        quota: QuotaReading::default(),
        charged: true,
    }
}

fn day(available: u64) -> QuotaReading {
    QuotaReading {
        key_day: WindowReading {
            available: Some(available),
            limit: Some(1_000),
            expires: None,
        },
        ..QuotaReading::default()
    }
}

fn reads(state: &mut LimiterState, quota: QuotaReading, now: Timestamp) {
    let told = Exchange {
        answered: Answered::Alive,
        quota,
        charged: false,
    };
    state.observe(&limits(), &told, now, 0.5);
}

fn later(decision: RateLimitDecision) -> (Timestamp, Why) {
    match decision {
        Later { at, why } => (at, why),
        Admit { .. } => panic!("it was let in"),
    }
}

fn is_let_in(state: &mut LimiterState, ask: Ask, now: Timestamp) -> bool {
    matches!(state.ask(&limits(), ask, now), Admit { .. })
}

/// A job of so many calls is let in and made, all at one instant.
fn runs(state: &mut LimiterState, calls: u32, now: Timestamp) {
    let Admit { prepaid, trial } = state.ask(&limits(), new(Priority::Ordered), now) else {
        panic!("an order waits for nobody");
    };
    for call in 0..calls {
        let charged = call >= prepaid;
        let one = Exchange {
            charged,
            ..exchange(Answered::Alive)
        };
        state.observe(&limits(), &one, now, 0.5);
    }
    let left = Left {
        unused: prepaid.saturating_sub(calls),
        calls,
        trial,
        came_in: true,
    };
    state.leave(&limits(), left, now);
}

#[test]
fn a_job_of_seven_calls_is_let_in_and_the_next_one_waits_until_its_debt_is_paid() {
    let mut state = LimiterState::default();
    runs(&mut state, 7, at(0));
    let level = state.budget().level(limits().rate.unwrap(), at(0));
    assert!((level + 4.0).abs() < 1e-6, "three less seven: {level}");
    let (turn, why) = later(state.ask(&limits(), new(Priority::Normal), at(0)));
    assert_eq!((turn, why), (at(5), Why::Turn));
    assert!(!is_let_in(&mut state, back(Priority::Normal), at(4)));
    assert!(is_let_in(&mut state, back(Priority::Normal), at(5)));
}

#[test]
fn calls_that_a_job_did_not_make_are_given_back() {
    let mut state = LimiterState::default();
    runs(&mut state, 0, at(0));
    let level = state.budget().level(limits().rate.unwrap(), at(0));
    assert!((level - 3.0).abs() < 1e-6, "the bucket is full: {level}");
}

#[test]
fn a_debt_that_only_a_clock_set_back_can_explain_is_forgiven() {
    let mut state = LimiterState::default();
    runs(&mut state, 3, at(365 * 24 * 3600));
    assert!(is_let_in(&mut state, new(Priority::Normal), at(0)));
}

#[test]
fn who_waits_gets_a_turn_of_its_own_one_behind_the_other() {
    let mut state = LimiterState::default();
    runs(&mut state, 3, at(0));
    let turns: Vec<_> = (0..4)
        .map(|_| later(state.ask(&limits(), new(Priority::Normal), at(0))).0)
        .collect();
    assert_eq!(turns, [at(1), at(4), at(7), at(10)]);
    // At its turn each is let in, and nobody who comes new goes before it.
    assert!(is_let_in(&mut state, back(Priority::Normal), at(1)));
    let (fifth, _) = later(state.ask(&limits(), new(Priority::Normal), at(3)));
    assert!(fifth > at(10), "{fifth}");
}

#[test]
fn a_turn_survives_a_store_that_keeps_no_nanoseconds() {
    let odd = Limits {
        rate: Some(Rate::per_minute(7, 1)),
        ..Limits::none()
    };
    let mut state = LimiterState::default();
    let mut now = at(0) + SignedDuration::from_nanos(7);
    let mut came = 0;
    for _ in 0..200 {
        match state.ask(&odd, back(Priority::Normal), now) {
            Admit { .. } => came += 1,
            Later { at, .. } => {
                let kept = Timestamp::from_microsecond(at.as_microsecond()).unwrap();
                assert!(kept > now, "it would come back at once, forever");
                now = kept;
            }
        }
    }
    assert_eq!(came, 100, "each comes in at its turn");
}

#[test]
fn what_has_a_deadline_goes_before_everything_that_waits() {
    let mut state = LimiterState::default();
    runs(&mut state, 6, at(0));
    for _ in 0..50 {
        later(state.ask(&limits(), new(Priority::Background), at(0)));
        later(state.ask(&limits(), new(Priority::Normal), at(0)));
    }
    let (turn, _) = later(state.ask(&limits(), new(Priority::Deadline), at(0)));
    assert_eq!(turn, at(4), "as soon as the debt is paid");
    // Somebody without a deadline who comes at that moment steps back.
    assert!(!is_let_in(&mut state, back(Priority::Normal), at(4)));
    assert!(is_let_in(&mut state, back(Priority::Deadline), at(4)));
}

#[test]
fn an_order_of_a_person_goes_at_once_and_is_paid_back() {
    let mut state = LimiterState::default();
    runs(&mut state, 20, at(0));
    assert!(is_let_in(&mut state, new(Priority::Ordered), at(0)));
    let (turn, _) = later(state.ask(&limits(), new(Priority::Deadline), at(0)));
    assert!(turn > at(17), "{turn}");
}

#[test]
fn background_stops_first_then_the_rest_and_what_has_a_deadline_keeps_the_reserve() {
    let stops = |available: u64| {
        let mut state = LimiterState::default();
        reads(&mut state, day(available), start());
        // Spread over the rest of the day, so not at once but soon.
        let soon = start() + SignedDuration::from_mins(40);
        [Priority::Background, Priority::Normal, Priority::Deadline].map(|priority| {
            match state.clone().ask(&limits(), new(priority), soon) {
                Admit { .. } => None,
                Later { why, .. } => Some(why),
            }
        })
    };
    let kept = Some(Why::Reserved {
        window: Window::KeyDay,
    });
    let used = Some(Why::UsedUp {
        window: Window::KeyDay,
    });
    assert_eq!(stops(900), [None, None, None]);
    assert_eq!(stops(230), [None, None, None]);
    assert_eq!(stops(200), [kept, None, None]);
    assert_eq!(stops(100), [kept, kept, None]);
    assert_eq!(
        stops(2),
        [kept, kept, used],
        "a job would be cut in the middle"
    );
    assert_eq!(stops(0), [used, used, used]);
}

#[test]
fn with_nothing_left_everything_waits_until_the_quota_is_renewed_and_then_goes_on() {
    let mut state = LimiterState::default();
    let midnight: Timestamp = "2026-11-04T00:00:00Z".parse().unwrap();
    reads(&mut state, day(0), start());
    let (turn, _) = later(state.ask(&limits(), new(Priority::Deadline), start()));
    assert_eq!(turn, midnight, "days end at midnight UTC");
    assert!(is_let_in(&mut state, back(Priority::Deadline), midnight));
}

#[test]
fn what_the_vendor_does_not_say_is_unknown_and_changes_nothing() {
    let mut state = LimiterState::default();
    reads(&mut state, day(0), start());
    reads(&mut state, QuotaReading::default(), start());
    assert_eq!(state.quota().known(start()).count(), 1, "still known");
    let mut fresh = LimiterState::default();
    reads(&mut fresh, QuotaReading::default(), start());
    assert!(is_let_in(&mut fresh, new(Priority::Background), start()));
}

#[test]
fn an_end_that_can_not_be_meant_is_not_believed() {
    let mut state = LimiterState::default();
    let said = WindowReading {
        available: Some(0),
        limit: Some(240),
        expires: Some(start() + SignedDuration::from_hours(3)),
    };
    let quota = QuotaReading {
        tenant_minute: said,
        ..QuotaReading::default()
    };
    reads(&mut state, quota, start());
    let (turn, _) = later(state.ask(&limits(), new(Priority::Normal), start()));
    assert_eq!(turn, at(60), "a minute is renewed within a minute");
}

#[test]
fn what_is_left_of_a_low_day_is_spread_over_its_rest() {
    let mut state = LimiterState::default();
    // Eight hours are left and 132 calls, 100 of which are kept: one every fifteen minutes.
    reads(&mut state, day(132), start());
    let (turn, why) = later(state.ask(&limits(), new(Priority::Normal), start()));
    assert_eq!((turn, why), (at(900), Why::Spread));
    let soon = state.ask(&limits(), new(Priority::Deadline), start());
    assert!(matches!(soon, Admit { .. }));
}

#[test]
fn who_waits_for_a_new_day_is_not_spread_over_the_old_one() {
    let mut state = LimiterState::default();
    reads(&mut state, day(80), start());
    let midnight: Timestamp = "2026-11-04T00:00:00Z".parse().unwrap();
    let turns = [0, 3, 6].map(|after| midnight + SECS(after));
    for turn in turns {
        let (at, why) = later(state.ask(&limits(), new(Priority::Normal), start()));
        assert!(matches!(why, Why::Reserved { .. }));
        assert_eq!(at, turn);
    }
}

#[test]
fn a_retry_after_is_obeyed_in_full_by_everybody() {
    let mut state = LimiterState::default();
    let refused = exchange(Answered::Refused {
        after: Some(SECS(600)),
    });
    state.observe(&limits(), &refused, at(0), 0.0);
    for priority in [Priority::Background, Priority::Deadline, Priority::Ordered] {
        let (turn, why) = later(state.ask(&limits(), new(priority), at(1)));
        assert!(turn >= at(600), "{priority:?} {turn}");
        assert_eq!(why, Why::Asked);
    }
    assert_eq!(state.closed(at(599)), Some((at(600), Why::Asked)));
    assert_eq!(state.closed(at(600)), None);
    // An answer to a call that was on its way does not shorten it.
    state.observe(&limits(), &exchange(Answered::Alive), at(2), 0.0);
    assert!(state.closed(at(599)).is_some());
}

#[test]
fn without_retry_after_pauses_double_and_an_answer_ends_that() {
    let mut state = LimiterState::default();
    let refused = exchange(Answered::Refused { after: None });
    let mut now = at(0);
    let mut waits = Vec::new();
    for _ in 0..12 {
        state.observe(&limits(), &refused, now, 0.0);
        // The ones that were on their way are the same refusal.
        state.observe(&limits(), &refused, now, 0.0);
        let (until, _) = state.closed(now).unwrap();
        waits.push(until.duration_since(now).as_secs());
        now = until;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    state.observe(&limits(), &exchange(Answered::Alive), now, 0.0);
    state.observe(&limits(), &refused, now, 0.9);
    let (until, _) = state.closed(now).unwrap();
    let wait = until.duration_since(now);
    assert!(
        wait > SECS(1) && wait <= SignedDuration::from_millis(1_500),
        "{wait}"
    );
}

fn failed() -> Exchange {
    exchange(Answered::Failed)
}

#[test]
fn five_failures_in_a_row_open_the_breaker_and_one_trial_closes_it() {
    let mut state = LimiterState::default();
    for _ in 0..4 {
        assert_eq!(state.observe(&limits(), &failed(), at(0), 0.0), []);
    }
    let until = at(30);
    let changes = state.observe(&limits(), &failed(), at(0), 0.0);
    assert_eq!(changes, [LimiterChange::Opened { until }]);
    assert_eq!(state.closed(at(29)), Some((until, Why::Down)));
    let (turn, why) = later(state.ask(&limits(), new(Priority::Ordered), at(29)));
    assert_eq!((turn, why), (until, Why::Down));

    let trial = state.ask(&limits(), back(Priority::Normal), at(60));
    assert!(matches!(trial, Admit { trial: true, .. }));
    let (_, why) = later(state.ask(&limits(), back(Priority::Deadline), at(60)));
    assert_eq!(why, Why::Trial, "one at a time");
    let changes = state.observe(&limits(), &exchange(Answered::Alive), at(61), 0.0);
    assert_eq!(changes, [LimiterChange::Closed]);
    assert_eq!(state.breaker().state(at(61)), BreakerState::Closed);
}

#[test]
fn a_trial_that_fails_opens_it_for_twice_as_long_up_to_a_quarter_of_an_hour() {
    let mut state = LimiterState::default();
    let mut now = at(0);
    for _ in 0..4 {
        state.observe(&limits(), &failed(), now, 0.0);
    }
    let mut waits = Vec::new();
    for _ in 0..8 {
        state.observe(&limits(), &failed(), now, 0.0);
        let (until, _) = state.closed(now).unwrap();
        waits.push(until.duration_since(now).as_secs());
        now = until;
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
}

#[test]
fn a_trial_that_asked_nothing_or_died_lets_another_one_in() {
    let mut state = LimiterState::default();
    for _ in 0..5 {
        state.observe(&limits(), &failed(), at(0), 0.0);
    }
    let ask = back(Priority::Ordered);
    let Admit { prepaid, trial } = state.ask(&limits(), ask, at(60)) else {
        panic!("a trial is due");
    };
    let left = Left {
        unused: prepaid,
        calls: 0,
        trial,
        came_in: true,
    };
    state.leave(&limits(), left, at(60));
    assert!(is_let_in(&mut state, ask, at(60)), "the first made no call");
    assert!(!is_let_in(&mut state, ask, at(60 + 119)));
    assert!(is_let_in(&mut state, ask, at(60 + 120)), "the second died");
}

#[test]
fn refusals_of_a_credential_and_for_good_are_answers_and_open_nothing() {
    let mut state = LimiterState::default();
    for turn in 0..40 {
        let answered = if turn % 5 == 4 {
            Answered::Alive
        } else {
            Answered::Failed
        };
        state.observe(&limits(), &exchange(answered), at(turn), 0.0);
    }
    assert_eq!(state.breaker().state(at(40)), BreakerState::Closed);
}

#[test]
fn trouble_is_told_once_it_has_lasted_or_as_soon_as_it_is_known_to_last() {
    let mut state = LimiterState::default();
    let refused = |after: Option<i64>| {
        exchange(Answered::Refused {
            after: after.map(SECS),
        })
    };
    for minute in 0..60 {
        let now = at(60 * minute);
        state.observe(&limits(), &refused(None), now, 0.0);
        assert_eq!(state.to_tell(&limits(), now), None, "{minute}");
        state.observe(&limits(), &exchange(Answered::Alive), now + SECS(30), 0.0);
    }
    state.observe(&limits(), &refused(None), at(3600), 0.0);
    let trouble = state.to_tell(&limits(), at(3600)).copied();
    assert_eq!(
        trouble.map(|told| (told.since, told.why)),
        Some((at(0), Why::Asked))
    );
    state.told();
    assert_eq!(state.to_tell(&limits(), at(7200)), None, "once");

    let answer = exchange(Answered::Alive);
    assert_eq!(state.observe(&limits(), &answer, at(3601 + 200), 0.0), []);
    let changes = state.observe(&limits(), &answer, at(3600 + 300), 0.0);
    assert_eq!(changes, [LimiterChange::Recovered { told: true }]);
    assert_eq!(state.trouble(), None);

    let mut long = LimiterState::default();
    long.observe(&limits(), &refused(Some(7_200)), at(0), 0.0);
    assert!(
        long.to_tell(&limits(), at(0)).is_some(),
        "two hours are known at once"
    );
}

#[test]
fn trouble_of_last_week_is_not_the_trouble_of_today() {
    let mut state = LimiterState::default();
    let refused = exchange(Answered::Refused { after: None });
    state.observe(&limits(), &refused, at(0), 0.0);
    let week = at(7 * 24 * 3600);
    state.observe(&limits(), &refused, week, 0.0);
    assert_eq!(state.trouble().map(|trouble| trouble.since), Some(week));
    assert_eq!(state.to_tell(&limits(), week), None);
}

#[test]
fn a_vendor_without_limits_that_answers_leaves_no_trace() {
    let mut state = LimiterState::default();
    let limits = Limits::none();
    for second in 0..100 {
        let decision = state.ask(&limits, new(Priority::Background), at(second));
        let free = Admit {
            prepaid: 0,
            trial: false,
        };
        assert_eq!(decision, free);
        assert_eq!(
            state.observe(&limits, &exchange(Answered::Alive), at(second), 0.5),
            []
        );
        let left = Left {
            unused: 0,
            calls: 1,
            trial: false,
            came_in: true,
        };
        state.leave(&limits, left, at(second));
        assert_eq!(state, LimiterState::default());
    }
}

#[test]
fn what_is_kept_reads_back_as_it_was() {
    let mut state = LimiterState::default();
    runs(&mut state, 9, at(0));
    reads(&mut state, day(120), at(1));
    state.observe(
        &limits(),
        &exchange(Answered::Refused { after: None }),
        at(2),
        0.3,
    );
    for _ in 0..6 {
        state.observe(&limits(), &failed(), at(3), 0.7);
    }
    later(state.ask(&limits(), new(Priority::Normal), at(4)));
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<LimiterState>(&text).unwrap(), state);
    let empty: LimiterState = serde_json::from_str("{}").unwrap();
    assert_eq!(empty, LimiterState::default());
}
