//! Repairs what does not hold (see [`invariants`](super::invariants)), or tells a person.
//!
//! Rules:
//! - A repair is the job that should be there, made due: what it does, it decides by a fresh read and
//!   a guard. Nothing is sent by a repair.
//! - A job that ended every process it ran in is not woken: an admin was told of it, and a person
//!   replays it. What waits for it is told.
//! - What has no such job is told: one item per case, with the command that shows it.
//! - After a clock that ran ahead, what it wrote is put back to now: waits keep their length from now
//!   on, and no moment in the future makes later news look old.

use relay_core::case::{Case, Wait};
use relay_core::ids::{CaseId, JobId};
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_core::work_kinds;
use relay_store::{Effect, Existing, Job, JobState, NewJob, Op, WorkItem, effect_job_key};
use serde_json::json;

use crate::engine::case_jobs::{read_job, timer_job};
use crate::engine::error::DIED_WITH_PROCESS;
use crate::engine::job_kinds::JobKind;
use crate::engine::sync::invariants::Violation;
use crate::engine::{Engine, EngineError, case_jobs, finish, items};

/// The longest wait that is taken over from a clock that ran ahead.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 400);

/// What was done about a violation.
#[derive(Debug)]
pub(crate) enum Repaired {
    /// It is repaired by these operations.
    By(Vec<Op>),
    /// A person is told by these operations.
    Told(Vec<Op>),
}

/// What repairs a violation of an open case.
pub(crate) async fn repair_case(
    engine: &Engine,
    case: &Case,
    found: &Violation,
) -> Result<Repaired, EngineError> {
    let now = engine.now();
    if let Violation::WaitWithoutJob { job, .. } = found
        && ended_its_process(engine, job).await?
    {
        return Ok(Repaired::Told(stuck_ops(engine, case, found)));
    }
    Ok(match (found, &case.wait) {
        (Violation::CaseAhead { .. }, _) => {
            let workflow = engine.registry.of_case(engine.store.as_ref(), case).await?;
            Repaired::By(put_back(engine, case, workflow.set_back(&case.data, now)))
        }
        (Violation::WaitWithoutJob { .. }, Some(Wait::Timer { until, .. })) => {
            let at = (*until).max(now);
            Repaired::By(vec![wake(timer_job(engine, case, case.generation, at))])
        }
        (Violation::WaitWithoutJob { .. }, Some(Wait::Effect { key })) => {
            match engine.store.effect(key).await? {
                Some(effect) => Repaired::By(vec![wake_effect(engine, &effect)]),
                None => Repaired::Told(stuck_ops(engine, case, found)),
            }
        }
        (
            Violation::WaitWithoutJob {
                state: None | Some(JobState::Done | JobState::Cancelled),
                ..
            },
            Some(Wait::Read { what }),
        ) => match read_job(engine, case, what) {
            Some(job) => Repaired::By(vec![wake(job)]),
            None => Repaired::Told(stuck_ops(engine, case, found)),
        },
        _ => Repaired::Told(stuck_ops(engine, case, found)),
    })
}

/// Whether the job under a key was given up because its process died in it, each time.
pub(crate) async fn ended_its_process(engine: &Engine, key: &str) -> Result<bool, EngineError> {
    let job = engine.store.job_by_key(key).await?;
    Ok(job.as_ref().is_some_and(died_with_process))
}

/// The job that looks for an effect, or carries it out, made due.
pub(crate) fn wake_effect(engine: &Engine, effect: &Effect) -> Op {
    let now = engine.now();
    wake(NewJob {
        id: JobId::new(engine.random.as_ref(), now),
        key: effect_job_key(effect.key()),
        kind: JobKind::Effect.name().to_owned(),
        lane: effect.scope().lane(),
        run_at: now,
        client: effect.scope().client().cloned(),
        case: effect.scope().case(),
        payload: json!({ "effect": effect.key(), "kind": effect.kind() }),
    })
}

/// The reminder of an open item, at its time or, where that is absurd, on the next working day.
pub(crate) fn wake_reminder(engine: &Engine, item: &WorkItem) -> Vec<Op> {
    let now = engine.now();
    let soon = engine.calendar.next_working_morning(now);
    let mut ops = Vec::new();
    let mut run_at = item.remind_at;
    if item.remind_at > later(soon, LONGEST) {
        run_at = soon;
        ops.push(Op::RemindWork {
            id: item.id,
            next: soon,
            owner: item.owner.clone(),
        });
    }
    ops.push(wake(items::reminder_job(
        engine,
        item,
        run_at.max(now),
        now,
    )));
    ops
}

/// A case as it would be if it had been written now: its wait as long as it was, from now on.
fn put_back(engine: &Engine, case: &Case, data: Option<serde_json::Value>) -> Vec<Op> {
    let now = engine.now();
    let mut after = case.clone();
    let mut ops = Vec::new();
    if let Some(data) = data {
        after.data = data;
    }
    let shift = |at: Timestamp| {
        let left = at.duration_since(case.changed_at);
        let left = left.clamp(SignedDuration::ZERO, LONGEST);
        let shifted = later(now, left);
        at.min(shifted)
    };
    match &mut after.wait {
        Some(Wait::Timer { until, .. }) => {
            *until = shift(*until);
            let at = *until;
            ops.push(Op::CancelJobByKey {
                key: case_jobs::timer_key(case.id, case.generation),
                why: "it was set by a clock that ran ahead".to_owned(),
                at: now,
            });
            after.generation = case.generation.saturating_add(1);
            ops.push(wake(timer_job(engine, case, after.generation, at)));
        }
        Some(Wait::Person { remind_at, .. }) => *remind_at = shift(*remind_at),
        Some(Wait::Effect { .. } | Wait::Read { .. }) | None => {}
    }
    after.version = case.version.saturating_add(1);
    after.opened_at = case.opened_at.min(now);
    after.changed_at = now;
    ops.insert(
        0,
        Op::UpdateCase {
            case: after,
            expected: case.version,
        },
    );
    ops.push(Op::AppendTimeline {
        case: case.id,
        entry: relay_core::case::TimelineEntry {
            at: now,
            step: case.step.clone(),
            text: "The clock had run ahead: what was written by it is put back to now".to_owned(),
            sop: None,
            detail: None,
        },
    });
    ops
}

/// A job that was put off by a clock that ran ahead. Most decide by themselves whether it is time,
/// and become due; a reminder comes on the next working day.
pub(crate) async fn bring_job_back(engine: &Engine, job: &Job) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    match JobKind::of(job) {
        None => Ok(Vec::new()),
        Some(JobKind::Timer) => bring_timer_back(engine, job).await,
        Some(JobKind::Reminder) => {
            let id = finish::member(job, "work_item")?;
            let item = engine.store.work_item(id).await?;
            let next = engine.calendar.next_working_morning(now);
            let Some(item) = item.filter(|item| item.settled.is_none()) else {
                return Ok(vec![replay(job, now)]);
            };
            let reminder = items::reminder_job(engine, &item, next, now);
            Ok(vec![
                Op::RemindWork {
                    id,
                    next,
                    owner: item.owner,
                },
                Op::Enqueue {
                    job: reminder,
                    existing: Existing::Reschedule,
                },
            ])
        }
        Some(_) => Ok(vec![replay(job, now)]),
    }
}

/// A timer comes when its case's wait ends. One of a wait that is over comes now, and does
/// nothing.
async fn bring_timer_back(engine: &Engine, job: &Job) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    let generation: u64 = finish::member(job, "generation")?;
    let case = match job.case {
        Some(case) => engine.store.case(case).await?,
        None => None,
    };
    let waits = case.filter(|case| case.generation == generation);
    let until = waits.as_ref().and_then(|case| match case.wait {
        Some(Wait::Timer { until, .. }) => Some(until),
        _ => None,
    });
    Ok(match (waits, until) {
        (Some(case), Some(until)) => {
            vec![wake(timer_job(engine, &case, generation, until.max(now)))]
        }
        _ => vec![replay(job, now)],
    })
}

/// A case that can't go on by itself: one item a case.
fn stuck_ops(engine: &Engine, case: &Case, found: &Violation) -> Vec<Op> {
    let title = format!(
        "The case of client {} does not go on by itself",
        case.client
    );
    let mut item = items::item(engine, stuck_key(case.id), work_kinds::STUCK, title);
    item.detail = json!({ "case": case.id, "reason": found.to_string(), "violation": found,
        "remedy": format!("clear-relay cases show {0}; then `clear-relay cases pause {0} --by \
                           NAME --reason TEXT` and `cases resume {0} --by NAME`, or `cases \
                           close`", case.id) });
    item.actions = vec!["done".to_owned()];
    item.client = Some(case.client.clone());
    item.case = Some(case.id);
    items::open_work_ops(engine, item, engine.now())
}

fn stuck_key(case: CaseId) -> String {
    format!("stuck/{case}")
}

/// Whether a job was given up because its process died in it, each time. Left alone by everything but a
/// person's replay, and by news of what it is about.
pub(crate) fn died_with_process(job: &Job) -> bool {
    let error = job.last_error.as_ref();
    job.state == JobState::Dead && error.is_some_and(|error| error.class == DIED_WITH_PROCESS)
}

fn replay(job: &Job, at: Timestamp) -> Op {
    Op::ReplayJob { id: job.id, at }
}

/// Makes sure that a job will run.
pub(crate) fn wake(job: NewJob) -> Op {
    Op::Enqueue {
        job,
        existing: Existing::Wake,
    }
}
