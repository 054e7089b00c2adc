//! Watches due dates before there is a case.
//!
//! *Missed* is nothing that anybody tells us; it is what we find when a check-in's day has passed
//! and a fresh read of the portal still doesn't show it. So a due date sets a job for the first
//! moment of the next clinic day, a submission takes it back, a case that closes and leaves a check-in
//! open sets it anew, and the daily reconcile wakes it for whatever the portal lists as open and
//! overdue without a case.
//!
//! The job of a check-in has one key forever, but no end forever: a new date, or a reason to look,
//! wakes it whatever came of it before. What it finds, it decides by a fresh read.

use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{CheckInId, ClientId, JobId};
use relay_core::time::{Date, SignedDuration, Time, Timestamp, later};
use relay_core::workflow::LeftOpen;
use relay_store::{Existing, NewJob, Op};
use serde_json::json;

use crate::engine::job_kinds::JobKind;
use crate::engine::{Engine, days};

/// What a fact means for the watch on due dates.
pub(crate) fn on_fact(engine: &Engine, fact: &Fact, now: Timestamp) -> Vec<Op> {
    match &fact.body {
        FactBody::CheckInDue {
            check_in,
            due,
            due_at,
        } => {
            vec![watch(
                engine,
                &fact.client,
                check_in,
                *due,
                *due_at,
                now,
                Existing::Wake,
            )]
        }
        FactBody::CheckInRescheduled { check_in, due } => {
            vec![watch(
                engine,
                &fact.client,
                check_in,
                *due,
                None,
                now,
                Existing::Reschedule,
            )]
        }
        FactBody::CheckInSubmitted { check_in, .. } => {
            vec![unwatch(
                &fact.client,
                check_in,
                "the check-in was submitted",
                now,
            )]
        }
        FactBody::CheckInWithdrawn { check_in } => {
            vec![unwatch(
                &fact.client,
                check_in,
                "the check-in was withdrawn",
                now,
            )]
        }
        // They say nothing of whether a check-in is expected.
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
        | FactBody::ContactType { .. }
        | FactBody::ContactSeen
        | FactBody::BillingRead { .. }
        | FactBody::OutreachStopped { .. }
        | FactBody::OutreachAllowed { .. }
        | FactBody::StaffSaid { .. }
        | FactBody::Ordered { .. } => Vec::new(),
    }
}

/// The first instant at which a check-in due on `due` can be called missed: the start of the next
/// clinic day, and not before 24 hours after an exact due time (A1).
pub(crate) fn missed_from(engine: &Engine, due: Date, due_at: Option<Timestamp>) -> Timestamp {
    let next_day = due.tomorrow().unwrap_or(due).to_datetime(Time::midnight());
    let start = engine
        .calendar
        .zone()
        .to_ambiguous_timestamp(next_day)
        .compatible()
        .unwrap_or(Timestamp::MAX);
    let day_later = due_at.map(|at| later(at, SignedDuration::from_hours(24)));
    day_later.map_or(start, |at| at.max(start))
}

/// The job that looks whether a check-in was missed, not before `from`.
pub(crate) fn watch(
    engine: &Engine,
    client: &ClientId,
    check_in: &CheckInId,
    due: Date,
    due_at: Option<Timestamp>,
    from: Timestamp,
    existing: Existing,
) -> Op {
    Op::Enqueue {
        job: NewJob {
            id: JobId::new(engine.random.as_ref(), engine.now()),
            key: missed_key(client, check_in),
            kind: JobKind::MissedCheck.name().to_owned(),
            lane: client.to_string(),
            run_at: missed_from(engine, due, due_at).max(from),
            client: Some(client.clone()),
            case: None,
            payload: json!({ "check_in": check_in, "due": due, "due_at": due_at }),
        },
        existing,
    }
}

/// The look at what a case left behind when it closed.
pub(crate) fn left_open(engine: &Engine, client: &ClientId, left: &LeftOpen, now: Timestamp) -> Op {
    let from = if left.at_once {
        now
    } else {
        days::tomorrow(engine, now)
    };
    let (due, due_at) = (left.due, left.due_at);
    let wake = Existing::Wake;
    watch(engine, client, &left.check_in, due, due_at, from, wake)
}

fn unwatch(client: &ClientId, check_in: &CheckInId, why: &str, now: Timestamp) -> Op {
    Op::CancelJobByKey {
        key: missed_key(client, check_in),
        why: why.to_owned(),
        at: now,
    }
}

pub(crate) fn missed_key(client: &ClientId, check_in: &CheckInId) -> String {
    format!("missed/{client}/{check_in}")
}
