//! After an unclear outcome: look, before anything else.

use relay_core::effects::{Absence, Settled};
use relay_core::retry::absence_proven;
use relay_core::time::{Timestamp, later};
use relay_store::{Effect, EffectState, Intent, Job, JobEnd, JobError, Op};

use crate::engine::effect::again::{different, is_unknown, says_it_is_there};
use crate::engine::effect::settle::{EffectEnding, found};
use crate::engine::effect::{again, moves, naming, settle};
use crate::engine::finish::{fence, missing};
use crate::engine::incidents::turns;
use crate::engine::{Engine, EngineError, clock, finish, items};
use crate::failpoint::PROBE_COMMIT;

/// Looks whether an effect with an unclear outcome happened.
pub(crate) async fn look(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    same: &[Effect],
) -> Result<(), EngineError> {
    let request = effect.request.as_ref();
    let request = request.ok_or_else(|| missing("probe", "no request is stored"))?;
    let since = effect.intended_at.unwrap_or(effect.created_at);
    let now = engine.now();
    if effect.state == EffectState::Intended {
        return cut_off(engine, job, effect, since).await;
    }
    if let Some(at) = engine
        .probes
        .next(0, since, now)
        .filter(|at| effect.probes == 0 && *at > now)
    {
        let why = "the vendor may not show it yet".to_owned();
        return finish::end(engine, job, JobEnd::snooze(at, why), Vec::new()).await;
    }
    let name = naming::name_of(engine, effect, same).await?;
    let asked = again::answered(engine, effect).await?;
    let mut requests = different(&asked);
    if requests.is_empty() {
        requests.push((request, since));
    }
    for (request, at) in requests {
        if let Some(seen) = again::look_for(engine, &name, request, at).await? {
            let ending = found(
                effect,
                Some(request),
                seen,
                at,
                settle::task_ops(engine, effect),
            );
            return settle::settle(engine, job, effect, &[EffectState::Unclear], ending).await;
        }
    }
    // That something is not there proves nothing by a clock that is wrong.
    if let Some(apart) = clock::clocks_apart(engine).await? {
        return clock::wait_for_clock(engine, job, &apart, Vec::new()).await;
    }
    not_seen(engine, job, effect, &asked, now).await
}

/// An intent without an outcome: the worker died in between. It may have happened.
async fn cut_off(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    since: Timestamp,
) -> Result<(), EngineError> {
    let now = engine.now();
    let at = engine.probes.next(0, since, now).unwrap_or(now);
    let why = "cut off after the intent: looking before anything else".to_owned();
    let ops = vec![
        Op::EndIntent {
            key: effect.key().clone(),
            revision: effect.revision,
            outcome: "unclear".to_owned(),
        },
        moves::move_effect(engine, effect, EffectState::Intended, EffectState::Unclear),
        Op::FinishJob {
            fence: fence(job),
            end: finish::keeping_refusal(engine, job, JobEnd::snooze(at, why)),
            at: now,
        },
    ];
    engine.commit(PROBE_COMMIT, ops).await?;
    Ok(())
}

async fn not_seen(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    asked: &[Intent],
    began: Timestamp,
) -> Result<(), EngineError> {
    let now = engine.now();
    let since = effect.intended_at.unwrap_or(effect.created_at);
    let absence = effect.kind().absence();
    let looked = moves::move_effect(engine, effect, EffectState::Unclear, EffectState::Unclear);
    match absence {
        // The vendor has said that it has something under our key.
        _ if asked.iter().any(says_it_is_there) => {}
        // What counts is when the look began: what became visible while it was under way may
        // have been on a page that had been read already.
        _ if absence_proven(absence, since, began) => {
            if effect.withdrawn_at.is_some() {
                return not_wanted(engine, job, effect).await;
            }
            // Counted as a failure, so that a vendor that loses every request ends in a work
            // item and not in an endless circle.
            let class = relay_core::retry::Class::NotSent;
            let error = JobError::new(class.as_str(), "not carried out, as the vendor shows");
            let (end, given_up) = finish::decide_again(engine, job, class, error);
            if given_up {
                let ops = settle::after_death(engine, job, &end).await?;
                return finish::end(engine, job, end, ops).await;
            }
            let back = moves::back_to_planned(engine, effect, EffectState::Unclear);
            return finish::end(engine, job, end, vec![back]).await;
        }
        Absence::ProvenAfter(after) => {
            let from = later(since, after).max(now);
            let why = "not there yet; absence is not proven yet".to_owned();
            return finish::end(engine, job, JobEnd::snooze(from, why), vec![looked]).await;
        }
        Absence::Never | Absence::DesiredState => {}
    }
    match engine.probes.next(effect.probes + 1, since, now) {
        Some(at) => {
            let why = "not there yet; looking again".to_owned();
            finish::end(engine, job, JobEnd::snooze(at, why), vec![looked]).await
        }
        // Refused, not listed in all that time, and no longer wanted: nobody needs to be asked.
        None if effect.withdrawn_at.is_some() && !asked.iter().any(is_unknown) => {
            not_wanted(engine, job, effect).await
        }
        None => {
            if let Some(waits) = turns::not_asked_yet(engine, job, effect.kind()).await? {
                return finish::hold(engine, job, waits, None, vec![looked]).await;
            }
            let evidence = "not in what the vendor shows";
            unsettle(engine, job, effect, EffectState::Unclear, evidence).await
        }
    }
}

/// It was withdrawn, and was not carried out: over.
async fn not_wanted(engine: &Engine, job: &Job, effect: &Effect) -> Result<(), EngineError> {
    let why = "no longer wanted, and not carried out".to_owned();
    let ending = EffectEnding {
        end: JobEnd::Cancelled { why },
        ..EffectEnding::new(EffectState::Cancelled, Settled::Cancelled)
    };
    settle::settle(engine, job, effect, &[EffectState::Unclear], ending).await
}

/// The probe can't tell: a person decides, never by sending again by ourselves.
pub(crate) async fn unsettle(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    from: EffectState,
    evidence: &str,
) -> Result<(), EngineError> {
    let error = JobError::new("unclear", evidence);
    let settled = Settled::Unclear {
        evidence: evidence.to_owned(),
    };
    let ending = EffectEnding {
        end: JobEnd::Parked { error },
        more: items::unsettled_item_ops(engine, job, effect, evidence),
        ..EffectEnding::new(EffectState::Unsettled, settled)
    };
    settle::settle(engine, job, effect, &[from], ending).await
}
