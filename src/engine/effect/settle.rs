//! Stores how an effect ended, and lets its case hear of it, in one batch.

use relay_core::effects::{Absence, EffectInput, EffectKind, Request, Settled, request};
use relay_core::facts::Fact;
use relay_core::ids::{CaseId, ClientId};
use relay_core::retry::Class;
use relay_core::time::Timestamp;
use relay_core::work_kinds;
use relay_core::workflow::{Action, Input};
use relay_store::{Effect, EffectState, Job, JobEnd, JobError, Op, WorkSettled, effect_job_key};
use serde_json::json;

use crate::effects::FoundAtVendor;
use crate::engine::effect::release;
use crate::engine::error::DIED_WITH_PROCESS;
use crate::engine::finish::{fence, log_death, lost_lease, member};
use crate::engine::job_kinds::{Death, JobKind};
use crate::engine::stepper::{Stepping, names};
use crate::engine::sync::conversation::contact_type_fact;
use crate::engine::sync::hints;
use crate::engine::sync::hints::{ClientHint, Origin};
use crate::engine::words::why_dead;
use crate::engine::{Engine, EngineError, RELAY, finish, inbox, items, stepper};
use crate::failpoint::SETTLE;
use crate::receipts::{Hint, HintObject};

/// How often an outcome is tried to be stored while the case keeps moving. What has happened has
/// happened: giving up here would turn a known outcome into an unclear one.
const TRIES: usize = 32;

/// The kind of the question that a case is held for.
pub(crate) const HOLD: &str = work_kinds::HOLD;

/// Where such a question names the read that was given up.
pub(crate) const READ_JOB: &str = "read_job";

/// How an effect ends.
#[derive(Debug, Clone)]
pub(crate) struct EffectEnding {
    /// Its state.
    pub(crate) state: EffectState,
    /// What its case hears.
    pub(crate) settled: Settled,
    /// What would have been sent, where nothing was.
    pub(crate) request: Option<Request>,
    /// How its job ends.
    pub(crate) end: JobEnd,
    /// What is stored with it.
    pub(crate) more: Vec<Op>,
    /// What the guard's reading taught: its case hears of it before it hears of the ending.
    pub(crate) facts: Vec<Fact>,
}

impl EffectEnding {
    pub(crate) fn new(state: EffectState, settled: Settled) -> Self {
        Self {
            state,
            settled,
            request: None,
            end: JobEnd::Done,
            more: Vec::new(),
            facts: Vec::new(),
        }
    }
}

/// What hears of the end of an effect: the cases of its client, where it belongs to one of them, or where
/// what it brings about is news to all of them.
pub(crate) async fn stepping_of<'a>(
    engine: &'a Engine,
    effect: &Effect,
) -> Result<Stepping<'a>, EngineError> {
    match client_told(effect) {
        Some(client) => stepper::stepping(engine, client).await,
        None => Ok(stepper::without_client(engine)),
    }
}

/// The same where vendors may be called.
pub(super) async fn stepping_with_names<'a>(
    engine: &'a Engine,
    effect: &Effect,
) -> Result<Stepping<'a>, EngineError> {
    match client_told(effect) {
        Some(client) => names::stepping_with_names(engine, client).await,
        None => Ok(stepper::without_client(engine)),
    }
}

/// The contact type that an effect has brought about. What was asked for counts, where that is known: what was
/// planned may have been damaged since.
fn contact_type_set(effect: &Effect) -> Option<String> {
    match (&effect.request, &effect.planned.input) {
        (Some(Request::ContactType(asked)), _) => Some(asked.value.clone()),
        (None, EffectInput::ContactType { value }) if effect.state != EffectState::Unsettled => {
            Some(value.clone())
        }
        _ => None,
    }
}

fn client_told(effect: &Effect) -> Option<&ClientId> {
    let is_news = effect.kind() == EffectKind::ContactType;
    let is_told = effect.scope().case().is_some() || is_news;
    effect.scope().client().filter(|_| is_told)
}

/// Moves the effect and steps its case, if it has one, in `stepping`.
pub(crate) async fn end_effect(
    engine: &Engine,
    stepping: &mut Stepping<'_>,
    effect: &Effect,
    from: &[EffectState],
    ending: EffectEnding,
) -> Result<(), EngineError> {
    let EffectEnding {
        state,
        settled,
        request,
        more,
        facts,
        ..
    } = ending;
    if effect.kind().absence() == Absence::Never {
        stepping.push(release::off_the_list(effect));
    }
    stepping.push(Op::MoveEffect {
        key: effect.key().clone(),
        from: from.to_vec(),
        to: state,
        settled: Some(settled.clone()),
        request,
        at: engine.now(),
    });
    // The effect has moved above: what the facts cause would otherwise cancel it, and the
    // record would no longer say by what it was overtaken.
    for fact in facts {
        // A fact that is older than the case is known, but not to the case.
        if !stepping.fact(fact.clone(), None)
            && let Some(case) = effect.scope().case()
        {
            stepping.input(case, &Input::Fact { fact }).await?;
        }
    }
    // Set and read back by ourselves: the same fact as if a hook had told of it.
    if matches!(settled, Settled::Done { .. } | Settled::AlreadyTrue)
        && let Some(client) = effect.scope().client()
        && let Some(value) = contact_type_set(effect)
    {
        stepping.fact(contact_type_fact(client, Some(value), engine.now()), None);
    }
    let input = Input::Effect {
        key: effect.key().clone(),
        settled,
    };
    if let Some(case) = effect.scope().case() {
        stepping.input(case, &input).await?;
    }
    // A case that is held closes the work items it had; those opened here must stay open.
    for op in more {
        stepping.push(op);
    }
    Ok(())
}

/// Stores an ending together with the end of the job, whatever else moves the case.
pub(crate) async fn settle(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    from: &[EffectState],
    mut ending: EffectEnding,
) -> Result<(), EngineError> {
    let mut held = true;
    for _ in 0..TRIES {
        let mut stepping = stepping_with_names(engine, effect).await?;
        end_effect(engine, &mut stepping, effect, from, ending.clone()).await?;
        if held {
            let end = ending.end.clone();
            stepping.push(Op::FinishJob {
                fence: fence(job),
                end,
                at: engine.now(),
            });
        }
        match engine.commit(SETTLE, stepping.into_ops()).await {
            Ok(_) => {
                let (kind, state) = (effect.kind().as_str(), ending.state.as_str());
                let case = effect.scope().case().map(tracing::field::display);
                tracing::info!(case, kind, state, "an effect has ended");
                if held {
                    log_death(job, &ending.end);
                }
                return Ok(());
            }
            // The job is somebody else's now, but what was seen is true all the same: it is
            // stored by the effect's own state, and the other worker finds it settled.
            Err(error) if lost_lease(&error) && ending.state == EffectState::Done => {
                held = false;
            }
            Err(error) if error.is_conflict() && !lost_lease(&error) => {
                let stored = engine.store.effect(effect.key()).await?;
                if !stored.as_ref().is_some_and(|now| from.contains(&now.state)) {
                    return settled_elsewhere(engine, job, stored, held).await;
                }
                let state = stored.map(|now| now.state);
                if state != Some(EffectState::Intended) {
                    // Whoever took the job over has told that the outcome was not known. It is.
                    ending.more.retain(|op| !matches!(op, Op::EndIntent { .. }));
                }
                if state == Some(EffectState::Unsettled) {
                    ending.more.extend(answered_late(engine, effect));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(EngineError::Refused(
        "what it is about keeps moving; the outcome is not stored".to_owned(),
    ))
}

/// A person was asked whether it went out, and the answer came after all.
fn answered_late(engine: &Engine, effect: &Effect) -> [Op; 2] {
    let (at, why) = (engine.now(), "the vendor's answer came late".to_owned());
    [
        Op::SettleWorkByKey {
            dedupe_key: format!("unsettled/{}", effect.key()),
            settled: WorkSettled {
                at,
                by: RELAY.to_owned(),
                action: why.clone(),
            },
        },
        Op::CancelJobByKey {
            key: effect_job_key(effect.key()),
            why,
            at,
        },
    ]
}

/// Settled or cancelled by somebody else: what is left is to free the lane, or to look for what
/// was withdrawn meanwhile.
async fn settled_elsewhere(
    engine: &Engine,
    job: &Job,
    stored: Option<Effect>,
    held: bool,
) -> Result<(), EngineError> {
    if !held {
        return Ok(());
    }
    let end = if stored.is_some_and(|stored| stored.state.is_under_way()) {
        let why = "no longer wanted: looking whether it was carried out".to_owned();
        JobEnd::snooze(engine.now(), why)
    } else {
        JobEnd::Done
    };
    finish::end(engine, job, end, Vec::new()).await
}

/// What must be read of a task that somebody has completed.
pub(super) fn task_ops(engine: &Engine, effect: &Effect) -> impl Fn(&str) -> Vec<Op> {
    let clients: Vec<ClientId> = effect.scope().client().cloned().into_iter().collect();
    move |task| {
        let watched = ClientHint {
            hint: Hint {
                object: HintObject::Task,
                id: task.to_owned(),
                at: None,
                deleted: false,
                tag: None,
            },
            clients: clients.clone(),
        };
        hints::reread_ops(engine, &Origin::gap(engine.now()), &watched)
    }
}

/// What the death of a job means: its effect is dead (or, if it was unclear, undecidable), its
/// case hears of it, an admin gets a work item.
pub(crate) async fn after_death(
    engine: &Engine,
    job: &Job,
    end: &JobEnd,
) -> Result<Vec<Op>, EngineError> {
    let JobEnd::Dead { error } = end else {
        return Ok(Vec::new());
    };
    let reason = error.message.clone();
    let death = JobKind::of(job).map_or(Death::IsToldOnly, |kind| engine.job_spec(kind).death);
    let told = match (death, job.case, &job.client) {
        (Death::EndsItsEffect, _, _) => effect_dies(engine, job, error).await?,
        (Death::FailsItsRead, Some(case), Some(client)) => {
            let what = member(job, "read")?;
            let input = Input::ReadFailed {
                what,
                reason: reason.clone(),
            };
            let mut told = tell(engine, client, case, &input).await?;
            names_its_read(&mut told, job);
            told
        }
        // Its case waits for nothing any more: a person decides how it goes on.
        (Death::PausesItsCase, Some(case), Some(client)) if error.class == DIED_WITH_PROCESS => {
            let action = Action::Pause {
                reason: "its timer was given up: the relay stopped without warning in it, again \
                         and again"
                    .to_owned(),
            };
            let by = "the relay".to_owned();
            tell(engine, client, case, &Input::Person { by, action }).await?
        }
        (
            Death::FailsItsRead | Death::PausesItsCase | Death::IsToldOnly | Death::IsTriedOn,
            _,
            _,
        ) => Vec::new(),
    };
    let item = items::dead_item(engine, job, job.case, &reason);
    let again = inbox::after_death(engine, job).into_iter();
    Ok([told, item, again.collect()].concat())
}

/// The question of a case that is held because a read was given up names the job, so that it can be taken back
/// where that job goes on.
fn names_its_read(told: &mut [Op], job: &Job) {
    for op in told {
        if let Op::OpenWork(item) = op
            && item.kind == HOLD
            && item.case == job.case
            && let Some(detail) = item.detail.as_object_mut()
        {
            detail.insert(READ_JOB.to_owned(), json!(job.id));
        }
    }
}

async fn tell(
    engine: &Engine,
    client: &ClientId,
    case: CaseId,
    input: &Input,
) -> Result<Vec<Op>, EngineError> {
    let mut stepping = names::stepping_with_names(engine, client).await?;
    stepping.input(case, input).await?;
    Ok(stepping.into_ops())
}

async fn effect_dies(engine: &Engine, job: &Job, error: &JobError) -> Result<Vec<Op>, EngineError> {
    let key = member(job, "effect")?;
    let Some(effect) = engine.store.effect(&key).await? else {
        return Ok(Vec::new());
    };
    let ending = death_of(&effect, error);
    let item = match ending.state {
        EffectState::Unsettled => items::unsettled_item_ops(engine, job, &effect, &error.message),
        _ => Vec::new(),
    };
    let mut stepping = stepping_with_names(engine, &effect).await?;
    end_effect(engine, &mut stepping, &effect, &[effect.state], ending).await?;
    Ok([stepping.into_ops(), item].concat())
}

/// For an effect that may have been sent and whose case can't be stepped: the question to a
/// person is stored all the same, because nothing else would ask it.
pub(crate) async fn unsettle_quietly(
    engine: &Engine,
    job: &Job,
    reason: &str,
) -> Result<Vec<Op>, EngineError> {
    if JobKind::of(job) != Some(JobKind::Effect) {
        return Ok(Vec::new());
    }
    let key = member(job, "effect")?;
    let Some(effect) = engine.store.effect(&key).await? else {
        return Ok(Vec::new());
    };
    let ending = death_of(&effect, &JobError::new(Class::Permanent.as_str(), reason));
    if ending.state != EffectState::Unsettled {
        return Ok(Vec::new());
    }
    let mut ops = items::unsettled_item_ops(engine, job, &effect, reason);
    ops.push(Op::MoveEffect {
        key: effect.key().clone(),
        from: vec![effect.state],
        to: ending.state,
        settled: Some(ending.settled),
        request: None,
        at: engine.now(),
    });
    Ok(ops)
}

/// The ending of an effect that was found at the vendor; `at` is when it was asked for, where the
/// vendor doesn't tell when it was made. `of_task` is what must be read of a completed task.
pub(super) fn found(
    effect: &Effect,
    request: Option<&Request>,
    seen: FoundAtVendor,
    at: Timestamp,
    of_task: impl Fn(&str) -> Vec<Op>,
) -> EffectEnding {
    let mut more: Vec<Op> = request
        .into_iter()
        .flat_map(|request| remember(effect, request))
        .collect();
    if let Some(task) = seen.vendor_ref.as_deref().filter(|_| seen.completed) {
        more.extend(of_task(task));
    }
    let settled = if seen.by_others {
        Settled::AlreadyTrue
    } else {
        Settled::Done {
            at: seen.at.unwrap_or(at),
            vendor_ref: seen.vendor_ref,
            by_probe: true,
        }
    };
    EffectEnding {
        more,
        ..EffectEnding::new(EffectState::Done, settled)
    }
}

/// A job that dies while its effect's outcome is unclear doesn't make it clear.
fn death_of(effect: &Effect, error: &JobError) -> EffectEnding {
    if effect.state.is_under_way() {
        let settled = Settled::Unclear {
            evidence: error.message.clone(),
        };
        EffectEnding::new(EffectState::Unsettled, settled)
    } else {
        EffectEnding::new(EffectState::Dead, dead(error))
    }
}

/// A failure as its case hears of it: a coach reads why.
pub(super) fn dead(error: &JobError) -> Settled {
    Settled::Dead {
        reason: why_dead(&error.class, error.vendor.is_some()).to_owned(),
        technical: Some(error.message.clone()),
    }
}

/// What must be known later about an effect that has happened: a stopped subscription is watched.
pub(crate) fn remember(effect: &Effect, request: &Request) -> Vec<Op> {
    match (effect.kind(), request) {
        (
            EffectKind::DeactivateSubscription,
            Request::DeactivateSubscription(request::DeactivateSubscription {
                subscription, ..
            }),
        ) => vec![Op::PutSetting {
            key: crate::engine::sync::hints::stopped_key(subscription.as_str()),
            value: json!(effect.scope().client()),
        }],
        _ => Vec::new(),
    }
}
