//! The attempt: what the guard let pass is given an intent, asked of the vendor once, and what came
//! of it is stored.

use relay_core::effects::{Absence, Request, Settled};
use relay_core::ids::IntentId;
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, later};
use relay_http_client::CallError;
use relay_store::{Effect, EffectState, Intent, Job, JobEnd, Op};

use crate::effects::perform::can_be_read_back;
use crate::effects::{Holds, Name, Performed};
use crate::engine::effect::STOPPED_FOR;
use crate::engine::effect::again::CONFLICT;
use crate::engine::effect::guard::FreshReading;
use crate::engine::effect::settle::{EffectEnding, remember};
use crate::engine::effect::{moves, settle};
use crate::engine::finish::{Failed, fence};
use crate::engine::incidents::turns;
use crate::engine::memory::generation;
use crate::engine::{Engine, EngineError, clock, finish, inbox, items};
use crate::failpoint::{ATTEMPT, INTENT, READ_BACK};

/// How long may lie between the last read and the request, real time. A third of a lease: if more has
/// passed, somebody else may hold the job.
const STANDSTILL: SignedDuration = SignedDuration::from_secs(5);

pub(super) async fn carry_out(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    name: &Name,
    request: Request,
    read: FreshReading,
    unmoved: Option<Op>,
) -> Result<(), EngineError> {
    let planned = [EffectState::Planned];
    if !crate::engine::stepper::acts(effect.mode) {
        let ending = EffectEnding {
            request: Some(request),
            more: read.ops,
            ..EffectEnding::new(EffectState::Proposed, Settled::Proposed)
        };
        return settle::settle(engine, job, effect, &planned, ending).await;
    }
    let desired = effect.kind().absence() == Absence::DesiredState;
    let holds = if desired {
        engine
            .call(READ_BACK, engine.perform.holds(&request))
            .await?
    } else {
        Holds::No
    };
    if holds != Holds::No {
        let mut more = read.ops;
        // An earlier write of ours that was refused may be why it holds. Where the vendor shows
        // who it was, nothing is guessed: a coach who completed her task meanwhile has called.
        let ours = holds == Holds::ByUs || (holds == Holds::Yes && effect.revision > 0);
        let settled = if ours {
            more.extend(remember(effect, &request));
            Settled::Done {
                at: effect.intended_at.unwrap_or_else(|| engine.now()),
                vendor_ref: None,
                by_probe: true,
            }
        } else {
            Settled::AlreadyTrue
        };
        let ending = EffectEnding {
            request: Some(request),
            more,
            ..EffectEnding::new(EffectState::Done, settled)
        };
        return settle::settle(engine, job, effect, &planned, ending).await;
    }
    // What the vendors answered to the guard says whether this is the time at all.
    if let Some(apart) = clock::clocks_apart(engine).await? {
        return clock::wait_for_clock(engine, job, &apart, read.ops).await;
    }
    // The guard took its time; `stop` may have been said meanwhile.
    if moves::halted(engine, effect).await? {
        return finish::snooze(engine, job, STOPPED_FOR, "outreach is stopped").await;
    }
    // Others have met that such a request fails: one at a time tries.
    if let Some(waits) = turns::may_write(engine, job, effect.kind()).await? {
        return finish::hold(engine, job, waits, None, read.ops).await;
    }
    // A desired state was read just now, after the rest, and that read may have taken long.
    let guarded_at = if desired {
        engine.clocks.real.now()
    } else {
        read.looked_at
    };
    let intent = intend(engine, job, effect, request, read, unmoved).await?;
    // This process may have stood still (a suspended machine): its lease may be gone, and what
    // the guard read is old.
    if engine.clocks.real.now().duration_since(guarded_at) > STANDSTILL {
        let why = "this process stood still after the guard";
        return not_begun(engine, job, effect, &intent, why, STOPPED_FOR).await;
    }
    // A stop said before the intent was stored is seen here; a later one finds the request on
    // its way.
    if moves::halted(engine, effect).await? {
        return not_begun(
            engine,
            job,
            effect,
            &intent,
            "outreach is stopped",
            STOPPED_FOR,
        )
        .await;
    }
    // A copy of the database that was made before now is behind the file from now on: what can
    // never be looked for with certainty must at least be known to have been possible.
    if effect.kind().absence() == Absence::Never
        && let Err(error) = generation::count(engine).await
    {
        let why = "the generation of the database could not be counted";
        not_begun(engine, job, effect, &intent, why, STOPPED_FOR).await?;
        return Err(error);
    }
    let outcome = engine
        .call(
            ATTEMPT,
            engine.perform.attempt(name, &intent.request, intent.at),
        )
        .await;
    match outcome {
        Ok(Performed {
            unfinished: Some(why),
            ..
        }) => not_begun(engine, job, effect, &intent, why, SignedDuration::ZERO).await,
        Ok(performed) if desired && can_be_read_back(&intent.request) => {
            read_back(engine, job, effect, &intent, performed).await
        }
        Ok(performed) => done(engine, job, effect, &intent, performed).await,
        Err(error) => not_done(engine, job, effect, &intent, &error).await,
    }
}

/// Stores the right to one mutating request, if neither the lease nor what the guard saw (`unmoved`) has
/// moved.
async fn intend(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    request: Request,
    read: FreshReading,
    unmoved: Option<Op>,
) -> Result<Intent, EngineError> {
    let at = engine.now();
    let intent = Intent {
        id: IntentId::new(engine.random.as_ref(), at),
        key: effect.key().clone(),
        revision: effect.revision + 1,
        request,
        reading: serde_json::to_value(&read.reading).unwrap_or_default(),
        at,
        outcome: None,
    };
    let mut ops = vec![Op::RequireFence(fence(job))];
    ops.extend(unmoved);
    ops.push(Op::Intend(intent.clone()));
    ops.extend(read.ops);
    engine.commit(INTENT, ops).await?;
    Ok(intent)
}

/// The intent is stored and what it is for was not asked of the vendor: back to the guard after
/// `wait`. Nothing failed.
async fn not_begun(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    intent: &Intent,
    why: &str,
    wait: SignedDuration,
) -> Result<(), EngineError> {
    let ops = vec![
        Op::EndIntent {
            key: intent.key.clone(),
            revision: intent.revision,
            outcome: Class::NotSent.as_str().to_owned(),
        },
        moves::back_to_planned(engine, effect, EffectState::Intended),
    ];
    let at = later(engine.now(), wait);
    finish::put_off(engine, job, at, why.to_owned(), ops).await
}

/// A desired state is believed when it is read, not when the write is answered.
async fn read_back(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    intent: &Intent,
    performed: Performed,
) -> Result<(), EngineError> {
    let holds = engine
        .call(READ_BACK, engine.perform.holds(&intent.request))
        .await;
    // Whoever the vendor shows: our write was answered well.
    if let Ok(Holds::Yes | Holds::ByUs | Holds::ByOthers) = holds {
        return done(engine, job, effect, intent, performed).await;
    }
    let outcome = Class::Unclear.as_str();
    unclear(engine, job, effect, intent, outcome, "read back otherwise").await
}

async fn done(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    intent: &Intent,
    performed: Performed,
) -> Result<(), EngineError> {
    let Performed {
        vendor_ref, alarm, ..
    } = performed;
    let mut more = vec![Op::EndIntent {
        key: intent.key.clone(),
        revision: intent.revision,
        outcome: "done".to_owned(),
    }];
    if let Some(alarm) = alarm {
        more.extend(items::alarm_ops(engine, effect, &alarm));
    }
    more.extend(remember(effect, &intent.request));
    let settled = Settled::Done {
        at: intent.at,
        vendor_ref,
        by_probe: false,
    };
    let ending = EffectEnding {
        more,
        ..EffectEnding::new(EffectState::Done, settled)
    };
    // Whoever took this job over when its lease was lost may have looked meanwhile, and not have
    // seen what was still on its way. The answer settles it.
    let from = [
        EffectState::Intended,
        EffectState::Unclear,
        EffectState::Unsettled,
        EffectState::Planned,
    ];
    settle::settle(engine, job, effect, &from, ending).await
}

async fn not_done(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    intent: &Intent,
    error: &CallError,
) -> Result<(), EngineError> {
    if error.class == Class::Unclear {
        // It has something under this key: not being listed will prove nothing.
        let outcome = match error.status {
            Some(409) => CONFLICT,
            _ => Class::Unclear.as_str(),
        };
        let looks_at = engine.probes.next(0, intent.at, engine.now());
        let looks_at = looks_at.unwrap_or_else(|| engine.now());
        turns::met_unclear(engine, job, error, looks_at).await;
        return unclear(engine, job, effect, intent, outcome, &error.message).await;
    }
    let (end, given_up) = match finish::decide_not_done(engine, job, error).await {
        Failed::Own { end, given_up } => (end, given_up),
        Failed::Held(waits) => {
            let ops = not_done_ops(engine, effect, intent, error);
            return finish::hold(engine, job, waits, Some(error), ops).await;
        }
    };
    if let (JobEnd::Dead { error: last }, true) = (&end, given_up) {
        let settled = settle::dead(last);
        let mut more = vec![end_intent(intent, error)];
        let case = effect.scope().case();
        more.extend(items::dead_item(engine, job, case, &last.message));
        more.extend(inbox::after_death(engine, job));
        let ending = EffectEnding {
            end,
            more,
            ..EffectEnding::new(EffectState::Dead, settled)
        };
        return settle::settle(engine, job, effect, &[EffectState::Intended], ending).await;
    }
    let mut ops = not_done_ops(engine, effect, intent, error);
    if error.class == Class::Unauthorised {
        ops.extend(items::connection_item_ops(engine, error));
    }
    match end {
        end @ JobEnd::Snooze { .. } => finish::wait(engine, job, end, ops).await,
        end => finish::end(engine, job, end, ops).await,
    }
}

fn end_intent(intent: &Intent, error: &CallError) -> Op {
    Op::EndIntent {
        key: intent.key.clone(),
        revision: intent.revision,
        outcome: error.class.as_str().to_owned(),
    }
}

fn not_done_ops(engine: &Engine, effect: &Effect, intent: &Intent, error: &CallError) -> Vec<Op> {
    vec![
        end_intent(intent, error),
        moves::back_to_planned(engine, effect, EffectState::Intended),
    ]
}

async fn unclear(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    intent: &Intent,
    outcome: &str,
    why: &str,
) -> Result<(), EngineError> {
    let now = engine.now();
    let at = engine.probes.next(0, intent.at, now).unwrap_or(now);
    let ops = vec![
        Op::EndIntent {
            key: intent.key.clone(),
            revision: intent.revision,
            outcome: outcome.to_owned(),
        },
        moves::move_effect(engine, effect, EffectState::Intended, EffectState::Unclear),
    ];
    let why = format!("the outcome is unclear ({why}): looking before anything else");
    finish::end(engine, job, JobEnd::snooze(at, why), ops).await
}
