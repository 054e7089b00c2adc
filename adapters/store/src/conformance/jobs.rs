//! Queued work: what becomes of a job, and what it remembers.

use relay_core::ids::JobId;

use super::make::{ALL, Maker, again, at, cancelled, claim, claim_lane, commit, conflict, dead, enqueue, error, fence, finish, keys, parked};
use crate::{Attempt, Existing, Fence, Job, JobEnd, JobFilter, JobState, NewJob, Op, Page, Precondition, Store};

async fn stored(store: &dyn Store, id: JobId) -> Job {
    store.job(id).await.unwrap().unwrap()
}

fn replay(id: JobId, minute: i64) -> Op {
    Op::ReplayJob { id, at: at(minute) }
}

fn cancel(id: JobId) -> Op {
    Op::CancelJob {
        id,
        why: "not wanted".into(),
        at: at(40),
    }
}

fn reschedule(job: &NewJob) -> Op {
    Op::Enqueue {
        job: job.clone(),
        existing: Existing::Reschedule,
    }
}

fn snooze(minute: i64) -> JobEnd {
    JobEnd::snooze(at(minute), "outreach is stopped")
}

/// One job in each state, with its state.
async fn one_in_each_state(store: &dyn Store, make: &Maker) -> Vec<(JobState, JobId)> {
    let ready = make.job("ready", "ready", 5);
    commit(store, [enqueue(&ready)]).await;
    let running = make.claimed(store, "running", "w-1").await;
    let mut all = vec![(JobState::Ready, ready.id), (JobState::Running, running.id)];
    let ends = [
        (JobState::Done, JobEnd::Done),
        (JobState::Parked, parked()),
        (JobState::Dead, dead()),
        (JobState::Cancelled, cancelled()),
    ];
    for (state, end) in ends {
        all.push((state, make.ended(store, state.as_str(), end).await.id));
    }
    all
}

pub(super) async fn a_job_comes_back_as_queued(store: &dyn Store) {
    let make = Maker::new();
    let mut new = make.job("timer/1", "maya", 5);
    new.case = Some(make.case_id());
    commit(store, [enqueue(&new)]).await;

    let job = stored(store, new.id).await;
    assert_eq!(store.job_by_key("timer/1").await.unwrap(), Some(job.clone()));
    let expected = Job {
        id: new.id,
        key: new.key,
        kind: new.kind,
        lane: new.lane,
        seq: job.seq,
        state: JobState::Ready,
        run_at: at(5),
        fence: 0,
        failures: 0,
        failing_since: None,
        leased_by: None,
        lease_until: None,
        client: new.client,
        case: new.case,
        payload: new.payload,
        last_error: None,
        note: None,
        deferred_by: None,
        refused: false,
        rescues: 0,
        created_at: at(0),
        changed_at: at(0),
    };
    assert_eq!(job, expected);
    assert_eq!(store.job(make.job_id()).await.unwrap(), None);
    assert_eq!(store.job_by_key("timer/2").await.unwrap(), None);
}

pub(super) async fn the_same_key_is_one_job(store: &dyn Store) {
    let make = Maker::new();
    for (state, id) in one_in_each_state(store, &make).await {
        let before = stored(store, id).await;
        let again = make.job(&before.key, "elsewhere", 99);
        commit(store, [enqueue(&again)]).await;
        assert_eq!(stored(store, id).await, before, "{state:?}");
        assert_eq!(store.job(again.id).await.unwrap(), None);
    }
}

pub(super) async fn a_rescheduled_job_is_ready_with_its_new_payload(store: &dyn Store) {
    let make = Maker::new();
    let fresh = make.job("fresh", "fresh", 7);
    commit(store, [reschedule(&fresh)]).await;
    assert_eq!(stored(store, fresh.id).await.run_at, at(7));
    let mut jobs = one_in_each_state(store, &make).await;
    jobs.retain(|(state, _)| *state != JobState::Running);
    for (state, id) in jobs {
        let before = stored(store, id).await;
        let mut wish = make.job(&before.key, "elsewhere", 50);
        wish.payload = serde_json::json!({"generation": 2});
        commit(store, [reschedule(&wish)]).await;

        let after = stored(store, id).await;
        assert_eq!(after.state, JobState::Ready, "{state:?}");
        assert_eq!((after.run_at, &after.payload), (at(50), &wish.payload));
        assert_eq!((after.failures, after.failing_since), (0, None));
        // The same job in the same lane: its order and its fence go on.
        assert_eq!((after.seq, after.lane), (before.seq, before.lane));
        assert_eq!(after.fence, before.fence);
    }
}

pub(super) async fn a_running_job_is_not_rescheduled(store: &dyn Store) {
    let make = Maker::new();
    let running = make.claimed(store, "running", "w-1").await;
    let wish = make.job("running", "running", 50);
    conflict(store, Precondition::JobState, [reschedule(&wish)]).await;
    assert_eq!(stored(store, running.id).await, running);
}

pub(super) async fn a_finished_run_leaves_the_job_as_its_end_says(store: &dyn Store) {
    let make = Maker::new();
    let ends = [
        (JobEnd::Done, JobState::Done, 0, None),
        (again(30), JobState::Ready, 30, None),
        (snooze(40), JobState::Ready, 40, Some("outreach is stopped")),
        (parked(), JobState::Parked, 0, None),
        (dead(), JobState::Dead, 0, None),
        (cancelled(), JobState::Cancelled, 0, Some("she checked in")),
    ];
    for (number, (end, state, run_at, note)) in ends.into_iter().enumerate() {
        let job = make.claimed(store, &format!("job-{number}"), "w-1").await;
        commit(store, [finish(&job, end, 9)]).await;

        let after = stored(store, job.id).await;
        assert_eq!((after.state, after.run_at), (state, at(run_at)));
        assert_eq!((after.leased_by, after.lease_until), (None, None));
        assert_eq!(after.note.as_deref(), note);
        assert_eq!(after.fence, job.fence);
        assert_eq!(after.changed_at, at(9));
    }
}

pub(super) async fn only_failures_count(store: &dyn Store) {
    let make = Maker::new();
    let job = make.job("job", "job", 0);
    commit(store, [enqueue(&job)]).await;
    let runs = [
        (snooze(1), 0, None),
        (again(2), 1, Some(at(1))),
        (snooze(3), 1, Some(at(1))),
        (again(4), 2, Some(at(1))),
        (dead(), 3, Some(at(1))),
    ];
    for (minute, (end, failures, since)) in (0..).zip(runs) {
        let held = store.claim(claim("w-1", minute)).await.unwrap();
        commit(store, [finish(&held[0], end, minute)]).await;
        let after = stored(store, job.id).await;
        assert_eq!((after.failures, after.failing_since), (failures, since));
    }
    let class = stored(store, job.id).await.last_error.map(|error| error.class);
    assert_eq!(class.as_deref(), Some("permanent"));
}

pub(super) async fn every_run_has_its_attempt(store: &dyn Store) {
    let make = Maker::new();
    let job = make.job("job", "job", 0);
    commit(store, [enqueue(&job)]).await;
    let ends = [
        (snooze(1), "snoozed", None, Some("outreach is stopped")),
        (again(2), "again", Some(error("retryable")), None),
        (parked(), "parked", Some(error("unauthorised")), None),
        (dead(), "dead", Some(error("permanent")), None),
        (cancelled(), "cancelled", None, Some("she checked in")),
        (JobEnd::Done, "done", None, None),
    ];
    let mut expected = Vec::new();
    for (minute, (end, result, error, note)) in (0..).zip(ends) {
        let held = store.claim(claim("w-1", minute)).await.unwrap();
        commit(store, [finish(&held[0], end, minute)]).await;
        expected.push(Attempt {
            job: job.id,
            fence: held[0].fence,
            ended_at: at(minute),
            result: result.into(),
            error,
            note: note.map(str::to_owned),
        });
        if stored(store, job.id).await.state != JobState::Done {
            commit(store, [replay(job.id, minute + 1)]).await;
        }
    }
    assert_eq!(store.attempts(job.id).await.unwrap(), expected);
    assert!(store.attempts(make.job_id()).await.unwrap().is_empty());
}

pub(super) async fn a_stale_fence_changes_nothing(store: &dyn Store) {
    let make = Maker::new();
    let late = make.claimed(store, "job", "w-1").await;
    // The lease has ended, and another worker has the job now.
    store.rescue(at(60), at(60)).await.unwrap();
    let ready = stored(store, late.id).await;
    let done = |job: &Job| finish(job, JobEnd::Done, 61);
    conflict(store, Precondition::JobFence, [done(&late)]).await;
    assert_eq!(stored(store, late.id).await, ready);

    let held = store.claim(claim("w-2", 60)).await.unwrap().remove(0);
    let case = make.case();
    let with_case = [Op::InsertCase(case.clone()), done(&late)];
    conflict(store, Precondition::JobFence, with_case).await;
    assert_eq!(stored(store, late.id).await, held);
    assert_eq!(store.case(case.id).await.unwrap(), None);

    commit(store, [done(&held)]).await;
    conflict(store, Precondition::JobFence, [done(&held)]).await;
    let results: Vec<_> = store.attempts(late.id).await.unwrap();
    assert_eq!(results.len(), 2);
}

pub(super) async fn a_required_fence_must_be_held(store: &dyn Store) {
    let make = Maker::new();
    let job = make.claimed(store, "job", "w-1").await;
    let held = fence(&job);
    commit(store, [Op::RequireFence(held)]).await;
    let older = Fence {
        fence: held.fence - 1,
        ..held
    };
    let unknown = Fence {
        job: make.job_id(),
        ..held
    };
    for wrong in [older, unknown] {
        conflict(store, Precondition::JobFence, [Op::RequireFence(wrong)]).await;
    }
    commit(store, [finish(&job, again(1), 0)]).await;
    conflict(store, Precondition::JobFence, [Op::RequireFence(held)]).await;
}

pub(super) async fn a_stopped_job_is_ready_again_after_replay(store: &dyn Store) {
    let make = Maker::new();
    for (name, end) in [("dead", dead()), ("parked", parked()), ("cut", cancelled())] {
        let before = make.ended(store, name, end).await;
        commit(store, [replay(before.id, 30)]).await;

        let after = stored(store, before.id).await;
        assert_eq!((after.state, after.run_at), (JobState::Ready, at(30)));
        assert_eq!((after.failures, after.failing_since), (0, None));
        assert_eq!((after.last_error, after.note), (None, None));
        assert_eq!((after.lane, after.seq), (before.lane, before.seq));
        // What was tried stays on record.
        assert_eq!(store.attempts(before.id).await.unwrap().len(), 1);
        let again = store.claim(claim_lane("w-1", 30, name)).await.unwrap();
        assert_eq!(again[0].fence, before.fence + 1);
    }
}

pub(super) async fn a_ready_job_is_made_due_by_replay(store: &dyn Store) {
    let make = Maker::new();
    let before = make.ended(store, "job", again(90)).await;
    commit(store, [replay(before.id, 30)]).await;
    let after = stored(store, before.id).await;
    assert_eq!((after.state, after.run_at), (JobState::Ready, at(30)));
    // It was not stopped: its failures count on.
    assert_eq!(after.failures, before.failures);
    assert_eq!(after.last_error, before.last_error);
}

pub(super) async fn what_has_failed_in_a_lane_and_is_tried_again_is_found_by_the_lane(
    store: &dyn Store,
) {
    let make = Maker::new();
    let failing = make.ended(store, "job", again(90)).await;
    make.ended(store, "another", again(90)).await;
    commit(store, [enqueue(&make.job("fresh", "job", 0))]).await;
    let found: Vec<JobId> = store.failing("job").await.unwrap().iter().map(|job| job.id).collect();
    assert_eq!(found, [failing.id]);
    commit(store, [replay(failing.id, 30)]).await;
    let held = store.claim(claim_lane("w-1", 30, "job")).await.unwrap();
    assert_eq!(store.failing("job").await.unwrap(), [], "it runs");
    commit(store, [finish(&held[0], dead(), 30)]).await;
    assert_eq!(store.failing("job").await.unwrap(), [], "it is given up");
}

pub(super) async fn running_and_done_jobs_are_not_replayed(store: &dyn Store) {
    let make = Maker::new();
    let running = make.claimed(store, "running", "w-1").await;
    let done = make.ended(store, "done", JobEnd::Done).await;
    for job in [running, done] {
        conflict(store, Precondition::JobState, [replay(job.id, 30)]).await;
        assert_eq!(stored(store, job.id).await, job);
    }
    conflict(store, Precondition::JobState, [replay(make.job_id(), 30)]).await;
}

pub(super) async fn a_job_is_cancelled_unless_running_or_done(store: &dyn Store) {
    let make = Maker::new();
    for (state, id) in one_in_each_state(store, &make).await {
        let before = stored(store, id).await;
        match state {
            JobState::Running | JobState::Done => {
                conflict(store, Precondition::JobState, [cancel(id)]).await;
                assert_eq!(stored(store, id).await, before);
            }
            JobState::Cancelled => {
                commit(store, [cancel(id)]).await;
                assert_eq!(stored(store, id).await, before);
            }
            JobState::Ready | JobState::Parked | JobState::Dead => {
                commit(store, [cancel(id)]).await;
                let after = stored(store, id).await;
                assert_eq!(after.state, JobState::Cancelled);
                assert_eq!(after.note.as_deref(), Some("not wanted"));
                assert_eq!(after.changed_at, at(40));
            }
        }
    }
    conflict(store, Precondition::JobState, [cancel(make.job_id())]).await;
}

pub(super) async fn cancelling_by_key_never_conflicts(store: &dyn Store) {
    let make = Maker::new();
    let by_key = |key: &str| Op::CancelJobByKey {
        key: key.into(),
        why: "not wanted".into(),
        at: at(40),
    };
    for (state, id) in one_in_each_state(store, &make).await {
        let before = stored(store, id).await;
        commit(store, [by_key(&before.key)]).await;
        let after = stored(store, id).await;
        match state {
            JobState::Running | JobState::Done | JobState::Cancelled => assert_eq!(after, before),
            JobState::Ready | JobState::Parked | JobState::Dead => {
                assert_eq!(after.state, JobState::Cancelled);
                assert_eq!(after.note.as_deref(), Some("not wanted"));
            }
        }
    }
    commit(store, [by_key("no such job")]).await;
}

pub(super) async fn jobs_are_filtered_and_come_by_lane_then_order(store: &dyn Store) {
    let make = Maker::new();
    let case = make.case_id();
    let mut jobs: Vec<_> = [("1", "b"), ("2", "a"), ("3", "b"), ("4", "a")]
        .map(|(key, lane)| make.job(key, lane, 0))
        .into();
    jobs[1].kind = "effect".into();
    jobs[2].client = Some("jo".into());
    jobs[3].case = Some(case);
    for job in &jobs {
        commit(store, [enqueue(job)]).await;
    }
    // 1 and 2 are the first of their lanes.
    for (held, end) in store.claim(claim("w-1", 0)).await.unwrap().iter().zip([dead(), parked()]) {
        commit(store, [finish(held, end, 0)]).await;
    }
    let any = JobFilter::default();
    let of_kind = JobFilter {
        kind: Some("effect".into()),
        ..any.clone()
    };
    let of_client = JobFilter {
        client: Some("jo".into()),
        ..any.clone()
    };
    let of_case = JobFilter {
        case: Some(case),
        ..any.clone()
    };
    let of_class = JobFilter {
        class: Some("permanent".into()),
        ..any.clone()
    };
    let stopped = JobFilter {
        states: vec![JobState::Dead, JobState::Parked],
        ..any.clone()
    };
    let dead_of_class = JobFilter {
        states: vec![JobState::Dead],
        ..of_class.clone()
    };
    let dead_of_case = JobFilter {
        states: vec![JobState::Dead],
        ..of_case.clone()
    };
    let ready = JobFilter {
        states: vec![JobState::Ready],
        ..any.clone()
    };
    let expected: [(&JobFilter, &[&str]); 9] = [
        (&any, &["2", "4", "1", "3"]),
        (&of_kind, &["2"]),
        (&of_client, &["3"]),
        (&of_case, &["4"]),
        (&of_class, &["1"]),
        (&stopped, &["2", "1"]),
        (&dead_of_class, &["1"]),
        (&dead_of_case, &[]),
        (&ready, &["4", "3"]),
    ];
    for (filter, wanted) in expected {
        let found = store.jobs(filter, ALL).await.unwrap();
        assert_eq!(keys(&found), wanted, "{filter:?}");
    }
    let page = Page {
        offset: 1,
        limit: 2,
    };
    assert_eq!(keys(&store.jobs(&any, page).await.unwrap()), ["4", "1"]);
    assert_eq!(keys(&store.jobs(&stopped, page).await.unwrap()), ["1"]);
}

/// A periodic job runs for years: what is kept of its attempts is bounded, and its last ones are
/// there.
pub(super) async fn old_attempts_are_not_kept_for_ever(store: &dyn Store) {
    let make = Maker::new();
    let job = make.job("periodic", "periodic", 5);
    commit(store, [enqueue(&job)]).await;
    for _ in 0..320 {
        let claimed = store.claim(claim("w-1", 6)).await.unwrap().remove(0);
        commit(store, [finish(&claimed, snooze(5), 6)]).await;
    }
    let last = stored(store, job.id).await.fence;
    let attempts = store.attempts(job.id).await.unwrap();
    assert!((200..=250).contains(&attempts.len()), "{}", attempts.len());
    assert_eq!(attempts.last().map(|attempt| attempt.fence), Some(last));
    let pairs = attempts.windows(2);
    let gaps = pairs.filter(|pair| pair[1].fence != pair[0].fence + 1);
    assert_eq!(gaps.count(), 0, "none is missing in between");
}

pub(super) async fn a_woken_job_will_run_no_later_than_asked(store: &dyn Store) {
    let make = Maker::new();
    for (state, id) in one_in_each_state(store, &make).await {
        let before = stored(store, id).await;
        for minute in [3, 2, 9] {
            let mut wish = make.job(&before.key, &before.lane, minute);
            wish.payload = serde_json::json!({ "minute": minute });
            let existing = Existing::Wake;
            commit(store, [Op::Enqueue { job: wish, existing }]).await;
        }
        let after = stored(store, id).await;
        if state == JobState::Running {
            assert_eq!(after, before);
            continue;
        }
        assert_eq!(after.state, JobState::Ready, "{state:?}");
        // The earliest of all that was asked; what was over had no time.
        let asked = if state == JobState::Ready { before.run_at.min(at(2)) } else { at(2) };
        assert_eq!(after.run_at, asked, "{state:?}");
        assert_eq!(after.payload, serde_json::json!({ "minute": 9 }));
        let failures = if state == JobState::Ready { before.failures } else { 0 };
        assert_eq!(after.failures, failures, "{state:?}");
    }
    let new = make.job("new", "new", 4);
    commit(store, [Op::Enqueue { job: new.clone(), existing: Existing::Wake }]).await;
    assert_eq!(stored(store, new.id).await.run_at, at(4));
}

pub(super) async fn ready_jobs_are_walked_through_in_pages(store: &dyn Store) {
    let make = Maker::new();
    let minutes = [5, 1, 3, 3, 2];
    let jobs: Vec<_> = (0..).zip(minutes).map(|(n, minute)| make.job(&format!("j{n}"), "l", minute)).collect();
    let ops: Vec<_> = jobs.iter().map(enqueue).collect();
    commit(store, ops).await;
    let over = make.claimed(store, "over", "w-1").await;
    commit(store, [finish(&over, JobEnd::Done, 0)]).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.ready_jobs_after(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.run_at, last.seq));
        seen.extend(page.into_iter().map(|job| job.key));
    }
    assert_eq!(seen, ["j1", "j4", "j2", "j3", "j0"]);
}
