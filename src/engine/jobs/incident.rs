//! Looks after a vendor's incidents: takes up what had given up, lets go on what waits, and ends what is over.

use relay_core::case::{Case, CaseStatus};
use relay_core::effects::KeyParts;
use relay_core::ids::{EffectKey, JobId};
use relay_core::incidents::{Episode, HeldJob, IncidentClass};
use relay_core::time::{SignedDuration, later};
use relay_core::workflow::{Action, Input};
use relay_store::{
    EffectState, Existing, IncidentsRow, Job, JobEnd, JobState, Op, Page, StoreError, WorkItem,
};
use serde_json::json;

use crate::engine::effect::moves;
use crate::engine::effect::settle::{HOLD, READ_JOB};
use crate::engine::finish::member;
use crate::engine::incidents::turns::due_now;
use crate::engine::incidents::{BELONGS, change, load, settled, words};
use crate::engine::items::DRIFT;
use crate::engine::job_kinds::{Asks, Cancelling, Death, JobKind, JobSpec};
use crate::engine::periodic::is_periodic;
use crate::engine::{Engine, EngineError, RELAY, finish, stepper};
use crate::failpoint::SETTLE;

/// How many open items are looked through for one that tells of a drift.
const MOST_OPEN: u32 = 1_000;

/// How often it is looked while an incident lasts.
const EVERY: SignedDuration = SignedDuration::from_mins(5);

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::Nothing,
    lost: |_| "What waits for a vendor could not be looked after".to_owned(),
    death: Death::IsToldOnly,
    cancelling: Cancelling::Never {
        instead: "it lets go on what waits for a vendor, and ends by itself with the incident \
                  (`clear-relay work list`)",
    },
    run: |engine, job| Box::pin(run(engine, job)),
};

/// How often it looks again at once because something was told or counted while it looked.
const LOOKS: usize = 5;

async fn run(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let vendor: String = member(job, "vendor")?;
    let mut seen = engine.store.incidents(&vendor).await.or_else(damaged)?;
    for _ in 0..LOOKS {
        for class in IncidentClass::ALL {
            look(engine, &vendor, class).await?;
        }
        let known = engine.store.incidents(&vendor).await.or_else(damaged)?;
        let settled = known == seen;
        seen = known;
        if settled {
            break;
        }
    }
    let (readable, incidents) = load(engine, &vendor).await?;
    let lasts = incidents.told().next().is_some();
    let end = if lasts {
        let at = later(engine.now(), EVERY);
        let why = "an incident lasts".to_owned();
        JobEnd::snooze(at, why)
    } else {
        JobEnd::Done
    };
    // Nobody wakes it while it runs: what is told from now on must find that it has ended, or it looks again.
    let unmoved = readable.is_some().then(|| match seen {
        Some(row) => (row.version, row.body),
        None => (0, json!({})),
    });
    let unmoved = unmoved.map(|(expected, body)| Op::PutIncidents {
        vendor,
        expected,
        body,
    });
    finish::end(engine, job, end, unmoved.into_iter().collect()).await
}

/// A row that can't be read is as good as none; whoever looks after damaged rows puts it out of the way.
fn damaged(error: StoreError) -> Result<Option<IncidentsRow>, StoreError> {
    match error {
        StoreError::Corrupt(_) => Ok(None),
        error => Err(error),
    }
}

async fn look(engine: &Engine, vendor: &str, class: IncidentClass) -> Result<(), EngineError> {
    let (_, incidents) = load(engine, vendor).await?;
    let Some(episode) = incidents
        .of(class)
        .filter(|episode| episode.since().is_some())
    else {
        // Told once, and not known any more: the row was lost, or is an earlier copy of itself.
        return settle_item(engine, vendor, class).await;
    };
    for id in episode.given_up() {
        match take_up(engine, id).await {
            Err(error) if error.is_transient() => return Err(error),
            // A row of hers can't be read, perhaps: what she was asked stands.
            Err(error) => tracing::warn!(job = %id, %error, "could not be taken up again"),
            Ok(()) => {}
        }
        change(engine, vendor, |incidents, _| {
            if let Some(episode) = incidents.of_mut(class) {
                episode.taken_up(id);
            }
            ((), Vec::new())
        })
        .await?;
    }
    let Waiting {
        jobs: waiting,
        tries,
        gone_on,
    } = what_waits(engine, episode).await?;
    let lets_all_go = episode.lets_go() || !episode.is_open();
    if lets_all_go {
        for job in &waiting {
            due_now(engine, job).await?;
        }
    } else if episode.is_answering()
        && let Some(next) = waiting.iter().min_by_key(|job| (job.run_at, job.seq))
    {
        due_now(engine, next).await?;
    }
    let became = what_became(engine, episode).await?;
    let over = change(engine, vendor, |incidents, now| {
        if let Some(episode) = incidents.of_mut(class) {
            for id in &gone_on {
                episode.gone_on(*id);
            }
            if lets_all_go {
                episode.have_been_let_go();
            }
        }
        let ended = incidents.look(class, tries, now);
        let ops = match (&ended, incidents.of(class)) {
            (Some(ended), _) => words::over_ops(engine, vendor, class, ended, became, now),
            (None, Some(episode)) => words::present_ops(vendor, class, episode, &waiting),
            (None, None) => Vec::new(),
        };
        (ended.is_some(), ops)
    })
    .await?;
    if over {
        tracing::info!(vendor, class = class.as_str(), "the incident is over");
    }
    Ok(())
}

async fn settle_item(
    engine: &Engine,
    vendor: &str,
    class: IncidentClass,
) -> Result<(), EngineError> {
    let op = Op::SettleWorkByKey {
        dedupe_key: words::item_key(vendor, class),
        settled: settled(engine.now(), "it is over"),
    };
    engine.commit(SETTLE, vec![op]).await.map(|_| ())
}

/// What an incident still holds.
#[derive(Debug, Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// Whether any of them would ask the vendor for something for a client, and not only look for what it may
    /// have done.
    tries: bool,
    /// What has gone on since it was looked last.
    gone_on: Vec<JobId>,
}

async fn what_waits(engine: &Engine, episode: &Episode) -> Result<Waiting, EngineError> {
    let mut waiting = Waiting::default();
    for held in episode.waiting() {
        let job = job(engine, held.job).await?;
        match job.filter(|job| waits(held, job, episode.is_open())) {
            Some(job) => {
                // What is nobody's comes again all its life, and proves nothing.
                waiting.tries |= job.client.is_some() && !only_looks(engine, &job).await?;
                waiting.jobs.push(job);
            }
            None => waiting.gone_on.push(held.job),
        }
    }
    Ok(waiting)
}

/// A job; `None` also for one that can't be read: it is told by its row, and waited for by nobody.
async fn job(engine: &Engine, id: JobId) -> Result<Option<Job>, EngineError> {
    match engine.store.job(id).await {
        Err(StoreError::Corrupt(_)) => Ok(None),
        job => Ok(job?),
    }
}

/// Whether a job comes again because of the incident.
fn waits(held: &HeldJob, job: &Job, open: bool) -> bool {
    let ends = matches!(JobKind::of(job), Some(JobKind::Effect | JobKind::Read));
    match job.state {
        JobState::Running => true,
        // What is put off further than it was held has gone on; unless it is something that has still to be done
        // once, and would meet it again.
        JobState::Ready => job.run_at <= held.until || (open && ends),
        JobState::Done | JobState::Parked | JobState::Dead | JobState::Cancelled => false,
    }
}

/// Whether a job only looks for what may have been carried out.
async fn only_looks(engine: &Engine, job: &Job) -> Result<bool, EngineError> {
    let Ok(key) = member::<EffectKey>(job, "effect") else {
        return Ok(false);
    };
    let effect = match engine.store.effect(&key).await {
        Err(StoreError::Corrupt(_)) => return Ok(true),
        effect => effect?,
    };
    Ok(effect.is_some_and(|effect| effect.state.is_under_way()))
}

/// What has become of those that were held. What is no longer wanted is left out, and what is periodic: each run
/// of it is another.
async fn what_became(engine: &Engine, episode: &Episode) -> Result<words::Became, EngineError> {
    let mut became = words::Became::default();
    for held in episode.held().iter().filter(|_| !episode.is_open()) {
        let job = job(engine, held.job).await?;
        let Some(job) = job.filter(|job| !is_periodic(engine, job)) else {
            continue;
        };
        match job.state {
            JobState::Done => became.went_on += 1,
            JobState::Dead | JobState::Parked => became.left += 1,
            JobState::Ready | JobState::Running => became.under_way += 1,
            JobState::Cancelled => {}
        }
    }
    Ok(became)
}

/// A job that had given up before it was known to be an incident is tried again, and who was told of it need
/// not look. What a person has decided meanwhile stands.
async fn take_up(engine: &Engine, id: JobId) -> Result<(), EngineError> {
    let now = engine.now();
    let mut settles = vec![Op::SettleWorkByKey {
        dedupe_key: format!("dead/{id}"),
        settled: settled(now, BELONGS),
    }];
    settles.extend(settle_drift(engine, id).await?);
    let Some(job) = engine.store.job(id).await? else {
        return Ok(());
    };
    // A periodic one comes back by itself.
    if job.state != JobState::Dead {
        return engine.commit(SETTLE, settles).await.map(|_| ());
    }
    let death = JobKind::of(&job).map_or(Death::IsToldOnly, |kind| engine.job_spec(kind).death);
    let ops = match death {
        Death::EndsItsEffect => take_up_effect(engine, &job).await?,
        Death::FailsItsRead => go_on(engine, &job).await?,
        Death::IsToldOnly | Death::IsTriedOn => Some(vec![Op::Enqueue {
            job: finish::again(&job, now),
            existing: Existing::Reschedule,
        }]),
        Death::PausesItsCase => None,
    };
    let Some(mut ops) = ops else {
        return Ok(());
    };
    ops.extend(settles);
    match engine.commit(SETTLE, ops).await {
        // Somebody was faster: it is hers.
        Err(error) if error.is_conflict() => Ok(()),
        other => {
            engine.wake.notify_one();
            other.map(|_| ())
        }
    }
}

/// One item tells of all that died of an answer that can't be read; it names the first of them.
async fn settle_drift(engine: &Engine, id: JobId) -> Result<Vec<Op>, EngineError> {
    let page = Page {
        offset: 0,
        limit: MOST_OPEN,
    };
    let open = engine.store.open_work(None, page).await?;
    let named = json!(id);
    let drift = open
        .into_iter()
        .filter(|item| item.kind == DRIFT && item.detail["job"] == named);
    let at = engine.now();
    Ok(drift
        .map(|item| Op::SettleWorkByKey {
            dedupe_key: item.dedupe_key,
            settled: settled(at, BELONGS),
        })
        .collect())
}

async fn take_up_effect(engine: &Engine, job: &Job) -> Result<Option<Vec<Op>>, EngineError> {
    let key = member(job, "effect")?;
    let Some(effect) = engine.store.effect(&key).await? else {
        return Ok(None);
    };
    if effect.state != EffectState::Dead {
        return Ok(None);
    }
    if effect.holds_a_case() {
        return go_on(engine, job).await;
    }
    // It was refused for good, and so not carried out; it is looked for again all the same.
    let again = Op::Enqueue {
        job: finish::again(job, engine.now()),
        existing: Existing::Reschedule,
    };
    let planned = moves::back_to_planned(engine, &effect, EffectState::Dead);
    Ok(Some(vec![planned, again]))
}

/// Whether a job belongs to the step that its case is in.
fn is_of_step(job: &Job, case: &Case) -> bool {
    let (step, visit) = (case.step.as_str(), case.visit);
    if let Ok(key) = member::<EffectKey>(job, "effect") {
        return KeyParts::of(&key).is_some_and(|parts| {
            (parts.case, parts.step, parts.visit) == (Some(case.id), step, visit)
        });
    }
    let is_step = member::<String>(job, "step").is_ok_and(|of| of == step);
    is_step && member::<u32>(job, "visit").is_ok_and(|of| of == visit)
}

/// The open question of a case that is held because this very job had given up.
async fn hold_of(engine: &Engine, job: &Job, case: &Case) -> Result<Option<WorkItem>, EngineError> {
    let (name, of) = match member::<EffectKey>(job, "effect") {
        Ok(key) => ("effect", json!(key)),
        Err(_) => (READ_JOB, json!(job.id)),
    };
    let items = engine.store.case_work(case.id).await?;
    let mut open = items.into_iter().filter(|item| item.settled.is_none());
    Ok(open.find(|item| item.kind == HOLD && item.detail[name] == of))
}

/// The case that is held because the job had given up tries the step anew, as if a person had said so. What else
/// somebody was asked of it is another matter, and stands.
async fn go_on(engine: &Engine, job: &Job) -> Result<Option<Vec<Op>>, EngineError> {
    let (Some(client), Some(id)) = (&job.client, job.case) else {
        return Ok(None);
    };
    let mut stepping = stepper::stepping(engine, client).await?;
    let held = stepping
        .case(id)
        .filter(|case| matches!(case.status, CaseStatus::Held { .. }) && is_of_step(job, case));
    let Some(case) = held else {
        return Ok(None);
    };
    let Some(asked) = hold_of(engine, job, case).await? else {
        return Ok(None);
    };
    // Before the case moves: it may ask the same anew.
    stepping.push(Op::SettleWork {
        id: asked.id,
        settled: settled(engine.now(), BELONGS),
    });
    let input = Input::Person {
        by: format!("the {RELAY}"),
        action: Action::Resume,
    };
    let moved = stepping.input(id, &input).await?;
    let closed = stepping.case(id).is_none_or(|case| case.status.is_closed());
    let mut ops = stepping.into_ops();
    // It takes back all that it has asked where a person answers it; she has not.
    ops.retain(|op| closed || !matches!(op, Op::SettleCaseWork { case, .. } if *case == id));
    Ok(moved.then_some(ops))
}
