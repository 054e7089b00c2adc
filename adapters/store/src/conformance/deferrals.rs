//! What a job has met at a vendor: kept in members of its own, whatever its texts say.

use relay_core::ids::JobId;

use super::make::{Maker, again, at, cancelled, claim, commit, dead, enqueue, error, finish, parked};
use crate::{Deferral, Existing, Job, JobEnd, JobError, NewJob, Op, Store};

fn put_off(minute: i64, vendor: Option<&str>, refused: bool) -> JobEnd {
    JobEnd::Snooze {
        at: at(minute),
        why: "a text that says nothing".into(),
        deferral: Deferral {
            vendor: vendor.map(str::to_owned),
            refused,
        },
    }
}

async fn stored(store: &dyn Store, id: JobId) -> Job {
    store.job(id).await.unwrap().unwrap()
}

async fn deferral(store: &dyn Store, id: JobId) -> (Option<String>, bool) {
    let job = stored(store, id).await;
    (job.deferred_by, job.refused)
}

fn by(vendor: &str, refused: bool) -> (Option<String>, bool) {
    (Some(vendor.to_owned()), refused)
}

/// A job that waits for a vendor and was refused by it.
async fn deferred(store: &dyn Store, make: &Maker, key: &str) -> NewJob {
    let job = make.job(key, key, 0);
    commit(store, [enqueue(&job)]).await;
    let held = store.claim(claim("w-1", 0)).await.unwrap();
    let end = put_off(30, Some("crm"), true);
    commit(store, [finish(&held[0], end, 0)]).await;
    assert_eq!(deferral(store, job.id).await, by("crm", true));
    job
}

pub(super) async fn a_deferral_lasts_until_the_next_end(store: &dyn Store) {
    let make = Maker::new();
    let refused = JobEnd::Again {
        at: at(30),
        error: error("retryable"),
        refused: true,
    };
    let ends = [
        (put_off(30, Some("portal"), false), by("portal", false)),
        (put_off(30, None, true), (None, true)),
        (put_off(30, None, false), (None, false)),
        (refused, (None, true)),
        (again(30), (None, false)),
        (JobEnd::Done, (None, false)),
        (parked(), (None, false)),
        (dead(), (None, false)),
        (cancelled(), (None, false)),
    ];
    for (number, (end, after)) in ends.into_iter().enumerate() {
        let job = deferred(store, &make, &format!("job-{number}")).await;
        let held = store.claim(claim("w-1", 30)).await.unwrap();
        let held = held.iter().find(|held| held.id == job.id).unwrap();
        assert_eq!((held.deferred_by.as_deref(), held.refused), (Some("crm"), true));
        let why = format!("{end:?}");
        commit(store, [finish(held, end, 31)]).await;
        assert_eq!(deferral(store, job.id).await, after, "{why}");
        // Out of the way of the next one.
        store.commit(vec![cancel(job.id)].into()).await.ok();
    }
}

fn cancel(id: JobId) -> Op {
    Op::CancelJob {
        id,
        why: "not wanted".into(),
        at: at(40),
    }
}

pub(super) async fn a_deferral_outlives_what_is_no_end(store: &dyn Store) {
    let make = Maker::new();
    let job = deferred(store, &make, "job").await;
    let due = Op::ReplayJob {
        id: job.id,
        at: at(1),
    };
    commit(store, [due]).await;
    assert_eq!(deferral(store, job.id).await, by("crm", true));
    let wake = Op::Enqueue {
        job: make.job("job", "job", 2),
        existing: Existing::Wake,
    };
    commit(store, [wake]).await;
    assert_eq!(deferral(store, job.id).await, by("crm", true));
    // Its worker dies, and the next one gives it back.
    store.claim(claim("w-1", 1)).await.unwrap();
    assert_eq!(store.rescue(at(12), at(2)).await.unwrap(), 1);
    assert_eq!(deferral(store, job.id).await, by("crm", true));
    store.claim(claim("w-2", 2)).await.unwrap();
    assert_eq!(store.hand_back("w-2", at(3)).await.unwrap(), 1);
    assert_eq!(deferral(store, job.id).await, by("crm", true));
}

pub(super) async fn a_new_wish_begins_without_a_deferral(store: &dyn Store) {
    let make = Maker::new();
    let waits = deferred(store, &make, "waits").await;
    let reschedule = Op::Enqueue {
        job: make.job("waits", "waits", 40),
        existing: Existing::Reschedule,
    };
    commit(store, [reschedule]).await;
    assert_eq!(deferral(store, waits.id).await, (None, false));

    let gone = deferred(store, &make, "gone").await;
    commit(store, [cancel(gone.id)]).await;
    assert_eq!(deferral(store, gone.id).await, (None, false));

    let by_key = deferred(store, &make, "by_key").await;
    let cancel = Op::CancelJobByKey {
        key: by_key.key.clone(),
        why: "not wanted".into(),
        at: at(40),
    };
    commit(store, [cancel]).await;
    assert_eq!(deferral(store, by_key.id).await, (None, false));
}

pub(super) async fn an_error_keeps_its_vendor(store: &dyn Store) {
    let make = Maker::new();
    let refused = |vendor: Option<&str>| JobError {
        vendor: vendor.map(str::to_owned),
        ..error("unauthorised")
    };
    let job = make.job("job", "job", 0);
    commit(store, [enqueue(&job)]).await;
    let runs = [
        (JobEnd::again(at(1), refused(Some("crm"))), Some("crm")),
        (put_off(2, None, false), Some("crm")),
        (JobEnd::again(at(3), refused(None)), None),
        (JobEnd::again(at(4), refused(Some("portal"))), Some("portal")),
    ];
    for (minute, (end, vendor)) in (0..).zip(runs) {
        let held = store.claim(claim("w-1", minute)).await.unwrap();
        commit(store, [finish(&held[0], end, minute)]).await;
        let error = stored(store, job.id).await.last_error.unwrap();
        assert_eq!(error.vendor.as_deref(), vendor);
    }
    let tries = store.attempts(job.id).await.unwrap();
    let vendor = |error: &JobError| error.vendor.clone();
    let told: Vec<_> = tries.iter().map(|one| one.error.as_ref().and_then(vendor)).collect();
    assert_eq!(told, [Some("crm".to_owned()), None, None, Some("portal".to_owned())]);
    // Replayed as ready it keeps its error, stopped and replayed it has none.
    let replay = Op::ReplayJob {
        id: job.id,
        at: at(5),
    };
    commit(store, [replay.clone()]).await;
    let error = stored(store, job.id).await.last_error.unwrap();
    assert_eq!(error.vendor.as_deref(), Some("portal"));
    commit(store, [cancel(job.id), replay]).await;
    assert_eq!(stored(store, job.id).await.last_error, None);
}
