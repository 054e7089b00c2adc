//! Who runs what: claims, lanes, fences, leases.

use super::make::{
    Maker, again, at, cancelled, claim, claim_lane, commit, conflict, dead, enqueue, fence, finish,
    keys, parked,
};
use crate::{Precondition, Claim, Existing, Fence, JobEnd, JobState, NewJob, Op, ReceiptState, Store};

async fn queue(store: &dyn Store, jobs: &[NewJob]) {
    let ops: Vec<_> = jobs.iter().map(enqueue).collect();
    commit(store, ops).await;
}

async fn state(store: &dyn Store, key: &str) -> JobState {
    store.job_by_key(key).await.unwrap().unwrap().state
}

pub(super) async fn only_due_jobs_are_claimed_in_order(store: &dyn Store) {
    let make = Maker::new();
    let jobs = [
        make.job("late", "a", 9),
        make.job("tie-1", "b", 5),
        make.job("early", "c", 1),
        make.job("future", "d", 11),
        make.job("tie-2", "e", 5),
        make.job("now", "f", 10),
    ];
    queue(store, &jobs).await;

    let held = store.claim(claim("w-1", 10)).await.unwrap();

    assert_eq!(keys(&held), ["early", "tie-1", "tie-2", "late", "now"]);
    for job in &held {
        assert_eq!(job.state, JobState::Running);
        assert_eq!(job.fence, 1);
        assert_eq!(job.leased_by.as_deref(), Some("w-1"));
        assert_eq!(job.lease_until, Some(at(20)));
        assert_eq!(job.changed_at, at(10));
        assert_eq!(store.job(job.id).await.unwrap().as_ref(), Some(job));
    }
    assert_eq!(state(store, "future").await, JobState::Ready);
    assert!(store.claim(claim("w-2", 10)).await.unwrap().is_empty());
}

pub(super) async fn a_claim_takes_no_more_than_its_limit(store: &dyn Store) {
    let make = Maker::new();
    let jobs = ["c", "a", "b"].map(|key| make.job(key, key, 0));
    queue(store, &jobs).await;
    let some = |limit| Claim {
        limit,
        ..claim("w-1", 0)
    };
    assert!(store.claim(some(0)).await.unwrap().is_empty());
    assert_eq!(keys(&store.claim(some(2)).await.unwrap()), ["c", "a"]);
    assert_eq!(keys(&store.claim(some(2)).await.unwrap()), ["b"]);
}

pub(super) async fn a_lane_runs_one_job_at_a_time(store: &dyn Store) {
    let make = Maker::new();
    let jobs = [
        make.job("maya-1", "maya", 0),
        make.job("maya-2", "maya", 0),
        make.job("jo-1", "jo", 0),
    ];
    queue(store, &jobs).await;

    let held = store.claim(claim("w-1", 5)).await.unwrap();
    assert_eq!(keys(&held), ["maya-1", "jo-1"]);
    assert!(store.claim(claim("w-2", 5)).await.unwrap().is_empty());

    commit(store, [finish(&held[0], JobEnd::Done, 5)]).await;
    let next = store.claim(claim("w-2", 5)).await.unwrap();
    assert_eq!(keys(&next), ["maya-2"]);
}

pub(super) async fn a_lane_keeps_its_order_among_those_due(store: &dyn Store) {
    let make = Maker::new();
    let jobs = [
        make.job("first", "maya", 20),
        make.job("second", "maya", 5),
        make.job("third", "maya", 1),
    ];
    queue(store, &jobs).await;

    // The first is not due yet and holds nobody up; the second goes before the third, although
    // the third has been due for longer.
    for (minute, key) in [(10, "second"), (30, "first"), (30, "third")] {
        let held = store.claim(claim("w-1", minute)).await.unwrap();
        assert_eq!(keys(&held), [key]);
        commit(store, [finish(&held[0], JobEnd::Done, minute)]).await;
    }
}

pub(super) async fn a_lane_is_free_after_every_end(store: &dyn Store) {
    let make = Maker::new();
    let snooze = JobEnd::snooze(at(90), "outreach is stopped");
    let ends = [JobEnd::Done, again(90), snooze, parked(), dead(), cancelled()];
    for (number, end) in ends.into_iter().enumerate() {
        let lane = format!("lane-{number}");
        let jobs = ["one", "two"].map(|name| make.job(&format!("{name}-{number}"), &lane, 0));
        queue(store, &jobs).await;
        let held = store.claim(claim_lane("w-1", 0, &lane)).await.unwrap();
        commit(store, [finish(&held[0], end, 0)]).await;
        let next = store.claim(claim_lane("w-1", 0, &lane)).await.unwrap();
        assert_eq!(keys(&next), [format!("two-{number}")]);
    }
}

pub(super) async fn a_claim_may_name_its_lane(store: &dyn Store) {
    let make = Maker::new();
    let jobs = [
        make.job("jo-1", "jo", 0),
        make.job("maya-1", "maya", 9),
        make.job("maya-2", "maya", 3),
    ];
    queue(store, &jobs).await;
    let none = Claim {
        limit: 0,
        ..claim_lane("w-1", 5, "maya")
    };
    assert!(store.claim(none).await.unwrap().is_empty());

    let held = store.claim(claim_lane("w-1", 5, "maya")).await.unwrap();
    assert_eq!(keys(&held), ["maya-2"]);
    // Due by now, but its lane is busy.
    let busy = store.claim(claim_lane("w-2", 10, "maya")).await.unwrap();
    assert!(busy.is_empty());
    assert_eq!(state(store, "jo-1").await, JobState::Ready);
}

pub(super) async fn every_claim_raises_the_fence(store: &dyn Store) {
    let make = Maker::new();
    queue(store, &[make.job("job", "maya", 0)]).await;
    for number in 1..=4 {
        let held = store.claim(claim("w-1", 0)).await.unwrap();
        assert_eq!(held[0].fence, number);
        if number == 1 {
            commit(store, [finish(&held[0], again(0), 0)]).await;
        } else if number == 2 {
            assert_eq!(store.rescue(at(60), at(0)).await.unwrap(), 1);
        } else {
            assert_eq!(store.hand_back("w-1", at(0)).await.unwrap(), 1);
        }
    }
}

pub(super) async fn workers_share_neither_jobs_nor_lanes(store: &dyn Store) {
    let make = Maker::new();
    let jobs: Vec<_> = (0..30)
        .map(|number| make.job(&format!("job-{number}"), &format!("lane-{}", number % 10), 0))
        .collect();
    queue(store, &jobs).await;

    let mut lanes = Vec::new();
    for worker in ["w-1", "w-2", "w-3"] {
        let some = Claim {
            limit: 4,
            ..claim(worker, 0)
        };
        let held = store.claim(some).await.unwrap();
        lanes.extend(held.into_iter().map(|job| job.lane));
    }
    let taken = lanes.len();
    lanes.sort();
    lanes.dedup();
    assert_eq!((taken, lanes.len()), (10, 10));
}

pub(super) async fn a_lease_is_renewed_only_by_its_holder(store: &dyn Store) {
    let make = Maker::new();
    let job = make.claimed(store, "job", "w-1").await;
    let held = fence(&job);
    assert!(store.renew(held, at(99)).await.unwrap());
    let renewed = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(renewed.lease_until, Some(at(99)));
    assert_eq!(renewed.fence, job.fence);
    // A renewed lease holds.
    assert_eq!(store.rescue(at(98), at(98)).await.unwrap(), 0);

    let other = Fence {
        fence: held.fence + 1,
        ..held
    };
    let unknown = Fence {
        job: make.job_id(),
        ..held
    };
    for wrong in [other, unknown] {
        assert!(!store.renew(wrong, at(120)).await.unwrap());
    }
    commit(store, [finish(&job, JobEnd::Done, 1)]).await;
    assert!(!store.renew(held, at(120)).await.unwrap());
}

pub(super) async fn a_rescue_takes_back_what_has_expired(store: &dyn Store) {
    let make = Maker::new();
    let expired = make.claimed(store, "expired", "w-1").await;
    let healthy = make.claimed(store, "healthy", "w-1").await;
    assert!(store.renew(fence(&healthy), at(60)).await.unwrap());
    // Claimed at 0 for ten minutes: at that very instant the lease still holds.
    assert_eq!(store.rescue(at(10), at(3)).await.unwrap(), 0);

    assert_eq!(store.rescue(at(11), at(3)).await.unwrap(), 1);

    let back = store.job(expired.id).await.unwrap().unwrap();
    assert_eq!((back.state, back.run_at), (JobState::Ready, at(3)));
    assert_eq!((back.leased_by, back.lease_until), (None, None));
    assert_eq!((back.failures, back.fence), (0, expired.fence));
    assert_eq!(back.changed_at, at(3));
    let attempts = store.attempts(expired.id).await.unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].result, "rescued");
    assert_eq!(attempts[0].fence, expired.fence);
    assert_eq!(attempts[0].ended_at, at(3));
    assert!(!store.renew(fence(&expired), at(99)).await.unwrap());
    // Taken by a clock that ran ahead: nobody would come for it in years.
    let ahead = make.claimed(store, "ahead", "w-1").await;
    assert!(store.renew(fence(&ahead), at(60 * 24 * 365)).await.unwrap());
    assert_eq!(store.rescue(at(11), at(3)).await.unwrap(), 1);
    assert_eq!(store.job(ahead.id).await.unwrap().unwrap().state, JobState::Ready);
    assert_eq!(store.job(healthy.id).await.unwrap().unwrap().state, JobState::Running);
    assert_eq!(store.rescue(at(11), at(3)).await.unwrap(), 0);
}

pub(super) async fn a_worker_hands_back_its_own_jobs(store: &dyn Store) {
    let make = Maker::new();
    let one = make.claimed(store, "one", "w-1").await;
    let two = make.claimed(store, "two", "w-1").await;
    let other = make.claimed(store, "other", "w-2").await;

    assert_eq!(store.hand_back("w-1", at(4)).await.unwrap(), 2);

    for job in [one, two] {
        let back = store.job(job.id).await.unwrap().unwrap();
        assert_eq!((back.state, back.run_at), (JobState::Ready, at(4)));
        assert_eq!((back.failures, back.fence), (0, job.fence));
        assert_eq!(back.leased_by, None);
        conflict(store, Precondition::JobFence, [finish(&job, JobEnd::Done, 5)]).await;
    }
    assert_eq!(store.job(other.id).await.unwrap(), Some(other));
    assert_eq!(store.hand_back("w-1", at(4)).await.unwrap(), 0);
}

pub(super) async fn the_next_due_time_is_that_of_a_ready_job(store: &dyn Store) {
    let make = Maker::new();
    assert_eq!(store.next_due().await.unwrap(), None);
    make.ended(store, "dead", dead()).await;
    make.claimed(store, "running", "w-1").await;
    assert_eq!(store.next_due().await.unwrap(), None);

    queue(store, &[make.job("b", "b", 30), make.job("a", "a", 20)]).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(20)));
}

pub(super) async fn health_counts_what_is_there(store: &dyn Store) {
    let make = Maker::new();
    let empty = store.health(at(0)).await.unwrap();
    assert!(empty.jobs.iter().all(|(_, count)| *count == 0));
    assert_eq!(empty.oldest_due, None);

    for (key, end) in [("d-1", JobEnd::Done), ("d-2", JobEnd::Done), ("x", dead())] {
        make.ended(store, key, end).await;
    }
    make.ended(store, "p", parked()).await;
    make.ended(store, "c", cancelled()).await;
    make.claimed(store, "r", "w-1").await;
    let jobs = [7, 8, 90].map(|due| make.job(&format!("due-{due}"), "lane", due));
    queue(store, &jobs).await;
    let read = make.receipt("read");
    let case = make.case();
    let finish = Op::FinishReceipt {
        id: read.id,
        state: ReceiptState::Done,
        note: None,
        at: at(1),
    };
    let ops = [
        Op::InsertReceipt(read),
        finish,
        Op::InsertReceipt(make.receipt("unread")),
        Op::InsertCase(case),
        Op::OpenWork(make.work("one", 5)),
        Op::OpenWork(make.work("two", 5)),
    ];
    commit(store, ops).await;

    let health = store.health(at(10)).await.unwrap();
    let count = |state| health.jobs.iter().filter(|(of, _)| *of == state).map(|(_, n)| *n).sum();
    let counts: Vec<u64> = JobState::ALL.iter().map(|state| count(*state)).collect();
    // Ready, running, done, parked, dead, cancelled.
    assert_eq!(counts, [3, 1, 2, 1, 1, 1]);
    assert_eq!(health.oldest_due, Some(at(7)));
    assert_eq!(health.unread_receipts, 1);
    assert_eq!(health.open_work, 2);
    assert_eq!(health.open_cases, 1);
    // Nothing is due yet at 5.
    assert_eq!(store.health(at(5)).await.unwrap().oldest_due, None);
}

pub(super) async fn a_claimed_job_still_tells_why_it_was_put_off(store: &dyn Store) {
    let make = Maker::new();
    queue(store, &[make.job("k", "lane", 1)]).await;
    let first = store.claim(claim("w-1", 10)).await.unwrap();
    assert_eq!(first[0].note, None);
    let snooze = JobEnd::snooze(at(12), "not its turn");
    commit(store, [finish(&first[0], snooze, 10)]).await;
    let again = store.claim(claim("w-1", 12)).await.unwrap();
    assert_eq!(again[0].note.as_deref(), Some("not its turn"));
    commit(store, [finish(&again[0], JobEnd::Done, 12)]).await;
    let done = store.job(again[0].id).await.unwrap().unwrap();
    assert_eq!(done.note, None);
}

/// Claims everything at a minute and lets the leases end.
async fn die(store: &dyn Store, minute: i64) -> Vec<String> {
    let held = store.claim(claim("w-1", minute)).await.unwrap();
    store.rescue(at(minute + 11), at(minute)).await.unwrap();
    keys(&held).into_iter().map(str::to_owned).collect()
}

async fn rescues(store: &dyn Store, key: &str) -> u32 {
    store.job_by_key(key).await.unwrap().unwrap().rescues
}

pub(super) async fn rescues_in_a_row_are_counted(store: &dyn Store) {
    let make = Maker::new();
    let job = make.job("job", "maya", 0);
    queue(store, std::slice::from_ref(&job)).await;
    die(store, 0).await;
    assert_eq!(rescues(store, "job").await, 1);
    // Handed back by a worker that stops: neither an end nor a death.
    store.claim(claim("w-1", 0)).await.unwrap();
    store.hand_back("w-1", at(0)).await.unwrap();
    die(store, 0).await;
    let held = store.claim(claim("w-1", 0)).await.unwrap();
    assert_eq!(held[0].rescues, 2);
    // Any end begins anew.
    commit(store, [finish(&held[0], again(0), 0)]).await;
    assert_eq!(rescues(store, "job").await, 0);
    for ends in [
        Op::ReplayJob { id: job.id, at: at(1) },
        Op::Enqueue { job: job.clone(), existing: Existing::Reschedule },
        Op::Enqueue { job: job.clone(), existing: Existing::Wake },
    ] {
        let held = store.claim(claim("w-1", 1)).await.unwrap();
        commit(store, [finish(&held[0], dead(), 1), ends]).await;
        die(store, 1).await;
        assert_eq!(rescues(store, "job").await, 1);
    }
    // Made due by hand while it is ready, it is what it was.
    commit(store, [Op::ReplayJob { id: job.id, at: at(1) }]).await;
    assert_eq!(rescues(store, "job").await, 1);
}

pub(super) async fn a_suspect_runs_alone(store: &dyn Store) {
    let make = Maker::new();
    let jobs = ["a", "b", "c"].map(|key| make.job(key, key, 0));
    queue(store, &jobs).await;
    for _ in 0..2 {
        assert_eq!(die(store, 0).await, ["a", "b", "c"]);
    }
    queue(store, &[make.job("new", "d", 0)]).await;
    // One at a time, and what is no suspect waits until they have run.
    for key in ["a", "b", "c"] {
        let held = store.claim(claim("w-1", 0)).await.unwrap();
        assert_eq!(keys(&held), [key]);
        assert!(store.claim(claim("w-2", 0)).await.unwrap().is_empty());
        commit(store, [finish(&held[0], JobEnd::Done, 0)]).await;
    }
    assert_eq!(keys(&store.claim(claim("w-1", 0)).await.unwrap()), ["new"]);

    // A suspect of a later time stands in nobody's way, and waits until what runs has ended.
    let held = store.claim(claim("w-1", 0)).await.unwrap();
    assert!(held.is_empty());
    let new = store.job_by_key("new").await.unwrap().unwrap();
    commit(store, [finish(&new, JobEnd::Done, 0)]).await;
    queue(store, &[make.job("bad", "bad", 2)]).await;
    for _ in 0..2 {
        assert_eq!(die(store, 2).await, ["bad"]);
    }
    queue(store, &[make.job("good", "good", 0)]).await;
    let held = store.claim(claim("w-1", 1)).await.unwrap();
    assert_eq!(keys(&held), ["good"]);
    assert!(store.claim(claim("w-1", 2)).await.unwrap().is_empty());
    commit(store, [finish(&held[0], JobEnd::Done, 2)]).await;
    assert_eq!(keys(&store.claim(claim("w-1", 2)).await.unwrap()), ["bad"]);
}

pub(super) async fn a_suspect_runs_alone_in_a_claim_of_its_lane_too(store: &dyn Store) {
    let make = Maker::new();
    queue(store, &[make.job("bad", "maya", 0)]).await;
    for _ in 0..2 {
        assert_eq!(die(store, 0).await, ["bad"]);
    }
    queue(store, &[make.job("other", "jo", 0)]).await;
    assert!(store.claim(claim_lane("w-1", 0, "jo")).await.unwrap().is_empty());
    let held = store.claim(claim_lane("w-1", 0, "maya")).await.unwrap();
    assert_eq!(keys(&held), ["bad"]);
    assert!(store.claim(claim_lane("w-1", 0, "jo")).await.unwrap().is_empty());
    commit(store, [finish(&held[0], JobEnd::Done, 0)]).await;
    assert_eq!(keys(&store.claim(claim_lane("w-1", 0, "jo")).await.unwrap()), ["other"]);
}

pub(super) async fn only_named_kinds_are_claimed(store: &dyn Store) {
    let make = Maker::new();
    let mut newer = make.job("newer", "maya", 0);
    newer.kind = "of a newer version".into();
    let known = make.job("known", "maya", 1);
    let kinds = vec![known.kind.clone()];
    queue(store, &[newer, known]).await;
    let some = |claim: Claim| Claim { kinds: kinds.clone(), ..claim };
    // Nor does it stand in the way of what comes after it.
    let held = store.claim(some(claim("w-1", 5))).await.unwrap();
    assert_eq!(keys(&held), ["known"]);
    commit(store, [finish(&held[0], again(5), 5)]).await;
    let held = store.claim(some(claim_lane("w-1", 5, "maya"))).await.unwrap();
    assert_eq!(keys(&held), ["known"]);
    commit(store, [finish(&held[0], JobEnd::Done, 5)]).await;
    assert!(store.claim(some(claim("w-1", 5))).await.unwrap().is_empty());
    assert_eq!(keys(&store.claim(claim("w-1", 5)).await.unwrap()), ["newer"]);
}
