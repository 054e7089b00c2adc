//! What holds for the rate limit of a vendor whatever asks, whenever, and however it goes.

use proptest::prelude::*;
use relay_core::rate_limit::{
    Answered, Ask, Exchange, Left, LimiterState, Limits, Priority, QuotaReading, Rate,
    RateLimitDecision, WindowReading,
};
use relay_core::time::{SignedDuration, Timestamp};

/// The most calls of a job here.
const MOST: u32 = 9;

fn start() -> Timestamp {
    "2026-11-03T16:00:00Z".parse().unwrap()
}

fn limits(per_minute: u32, burst: u32) -> Limits {
    Limits {
        rate: Some(Rate::per_minute(per_minute, burst)),
        ..Limits::none()
    }
}

/// A job that asks: so many milliseconds after the one before, with so many calls.
#[derive(Debug, Clone)]
struct Arrival {
    after: i64,
    priority: Priority,
    calls: u32,
}

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let priority = prop_oneof![
        Just(Priority::Background),
        Just(Priority::Normal),
        Just(Priority::Deadline),
    ];
    let one = (0..4_000_i64, priority, 0..=MOST).prop_map(|(after, priority, calls)| Arrival {
        after,
        priority,
        calls,
    });
    proptest::collection::vec(one, 1..120)
}

/// A job in the queue: its time, its order of coming, its priority, calls, whether it has waited.
#[derive(Debug, Clone)]
struct Queued {
    at: Timestamp,
    number: usize,
    job: Arrival,
    waited: bool,
}

/// What came of a run: when each call was made, and when each job was let in, in that order.
#[derive(Debug, Default)]
struct Run {
    calls: Vec<Timestamp>,
    let_in: Vec<(Timestamp, usize)>,
    /// How often a job had to come again.
    again: Vec<usize>,
}

/// A worker that takes whatever is due, the earliest first, as the queue does.
fn run(limits: &Limits, jobs: &[Arrival]) -> Run {
    let mut now = start();
    let mut queue: Vec<Queued> = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        now += SignedDuration::from_millis(job.after);
        queue.push(Queued {
            at: now,
            number,
            job: job.clone(),
            waited: false,
        });
    }
    let mut limiter = LimiterState::default();
    let mut came = Run {
        again: vec![0; jobs.len()],
        ..Run::default()
    };
    while !queue.is_empty() {
        queue.sort_by_key(|queued| (queued.at, queued.number));
        let mut next = queue.remove(0);
        let now = next.at;
        let ask = Ask {
            priority: next.job.priority,
            waited: next.waited,
        };
        match limiter.ask(limits, ask, now) {
            RateLimitDecision::Later { at, .. } => {
                assert!(at > now, "a turn is never now");
                came.again[next.number] += 1;
                assert!(came.again[next.number] < 500, "starved: {next:?}");
                next.at = at;
                next.waited = true;
                queue.push(next);
            }
            RateLimitDecision::Admit { prepaid, trial } => {
                came.let_in.push((now, next.number));
                for call in 0..next.job.calls {
                    let exchange = Exchange {
                        answered: Answered::Alive,
                        quota: QuotaReading::default(),
                        charged: call >= prepaid,
                    };
                    limiter.observe(limits, &exchange, now, 0.5);
                    came.calls.push(now);
                }
                let left = Left {
                    unused: prepaid.saturating_sub(next.job.calls),
                    calls: next.job.calls,
                    trial,
                    came_in: true,
                };
                limiter.leave(limits, left, now);
            }
        }
    }
    came
}

proptest! {
    #[test]
    fn in_no_span_are_more_calls_made_than_it_fills_and_a_burst_and_one_job(
        jobs in arrivals(), per_minute in 6_u32..240, burst in 1_u32..6,
    ) {
        let came = run(&limits(per_minute, burst), &jobs);
        let gap = 60.0 / f64::from(per_minute);
        for (first, from) in came.calls.iter().enumerate() {
            for (last, to) in came.calls.iter().enumerate().skip(first) {
                let span = to.duration_since(*from).as_secs_f64();
                let allowed = span / gap + f64::from(burst + MOST) + 1e-6;
                let made = (last - first + 1) as f64;
                prop_assert!(made <= allowed, "{made} calls in {span} s");
            }
        }
    }

    #[test]
    fn every_job_is_let_in_at_last_whatever_else_asks(
        jobs in arrivals(), per_minute in 6_u32..240, burst in 1_u32..6,
    ) {
        let came = run(&limits(per_minute, burst), &jobs);
        prop_assert_eq!(came.let_in.len(), jobs.len());
    }

    #[test]
    fn what_has_a_deadline_waits_for_the_debt_it_finds_and_for_no_more(
        jobs in arrivals(), others in 1_usize..60,
    ) {
        // Any history, then a crowd without deadline, then one with.
        let limits = limits(60, 3);
        let mut limiter = LimiterState::default();
        let now = start();
        let mut debt = 0;
        for job in &jobs {
            for _ in 0..job.calls {
                let exchange = Exchange {
                    answered: Answered::Alive,
                    quota: QuotaReading::default(),
                    charged: true,
                };
                limiter.observe(&limits, &exchange, now, 0.5);
                debt += 1;
            }
        }
        for _ in 0..others {
            let ask = Ask { priority: Priority::Normal, waited: false };
            if let RateLimitDecision::Admit { prepaid, .. } = limiter.ask(&limits, ask, now) {
                debt += i64::from(prepaid);
            }
        }
        let ask = Ask { priority: Priority::Deadline, waited: false };
        match limiter.ask(&limits, ask, now) {
            RateLimitDecision::Admit { .. } => prop_assert!(debt <= 2),
            RateLimitDecision::Later { at, .. } => {
                let most = now + SignedDuration::from_secs((debt - 2).max(1));
                prop_assert!(at <= most, "{at} is later than {most}");
                let back = Ask { waited: true, ..ask };
                let decision = limiter.ask(&limits, back, at);
                let let_in = matches!(decision, RateLimitDecision::Admit { .. });
                prop_assert!(let_in, "{decision:?}");
            }
        }
    }

    #[test]
    fn who_asks_later_is_given_a_later_turn(
        steps in proptest::collection::vec((0_i64..900, 0_u64..400), 2..60),
    ) {
        let limits = limits(60, 3);
        let mut limiter = LimiterState::default();
        let mut now = start();
        let mut last = None;
        for (after, left) in steps {
            now += SignedDuration::from_millis(after);
            let quota = QuotaReading {
                key_day: WindowReading { available: Some(left), limit: Some(1_000), expires: None },
                ..QuotaReading::default()
            };
            let exchange = Exchange { answered: Answered::Alive, quota, charged: true };
            limiter.observe(&limits, &exchange, now, 0.5);
            // What stands in the way may go away; then turns behind it mean nothing.
            let obstacle = limiter.held(&limits, Priority::Normal, now).map(|(until, _)| until);
            let ask = Ask { priority: Priority::Normal, waited: false };
            if let RateLimitDecision::Later { at, .. } = limiter.ask(&limits, ask, now) {
                prop_assert!(at > now);
                if let Some((turn, before)) = last
                    && (before == obstacle || obstacle.is_some())
                {
                    prop_assert!(at >= turn, "{at} after {turn}");
                }
                last = Some((at, obstacle));
            } else {
                last = None;
            }
        }
    }

    #[test]
    fn nothing_that_a_vendor_says_makes_it_panic_or_stand_still(
        said in proptest::collection::vec(
            (any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<i32>>(), 0_u8..4, any::<i64>()),
            1..20,
        ),
        unit in any::<f64>(),
    ) {
        let limits = limits(60, 3);
        let mut limiter = LimiterState::default();
        for (available, limit, expires, kind, after) in said {
            let expires = expires.and_then(|s| Timestamp::from_second(s.into()).ok());
            let window = WindowReading { available, limit, expires };
            let answered = match kind {
                0 => Answered::Alive,
                1 => Answered::Failed,
                2 => Answered::Refused { after: None },
                _ => Answered::Refused { after: Some(SignedDuration::from_secs(after)) },
            };
            let quota = QuotaReading {
                key_minute: window, key_day: window, tenant_minute: window, tenant_day: window,
            };
            let exchange = Exchange { answered, quota, charged: true };
            limiter.observe(&limits, &exchange, start(), unit);
            for priority in [Priority::Background, Priority::Ordered] {
                let ask = Ask { priority, waited: false };
                if let RateLimitDecision::Later { at, .. } = limiter.ask(&limits, ask, start()) {
                    prop_assert!(at > start());
                }
            }
        }
    }
}
