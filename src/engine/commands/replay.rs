//! Replays jobs that were given up, with a preview that asks the vendor.
//!
//! A replay never sends blindly: a job whose effect may have happened is looked for first, and
//! what would happen to each job is said before anything does: *already done*, *will send*, *needs
//! you*. Effect keys are kept, so replaying everything twice changes nothing.

use relay_core::case::Wait;
use relay_core::effects::Settled;
use relay_core::ids::{EffectKey, JobId};
use relay_core::retry::absence_proven;
use relay_core::time::earlier;
use relay_core::workflow::Input;
use relay_store::{AuditEntry, Effect, EffectState, Job, JobState, Op, WorkSettled};
use serde::Serialize;
use serde_json::json;

use crate::effects::ProbeResult;
use crate::engine::commands::cases;
use crate::engine::effect::SKEW;
use crate::engine::effect::settle::{EffectEnding, remember};
use crate::engine::effect::{again, moves, naming, settle};
use crate::engine::finish::member;
use crate::engine::job_kinds::{Cancelling, JobKind};
use crate::engine::{Engine, EngineError, stepper};
use crate::failpoint::SETTLE;
use crate::remedy::RemedyCommand;

/// What a replay of a job would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "replay", rename_all = "snake_case")]
pub enum Preview {
    /// The vendor shows that it happened: it is recorded as done, nothing is sent.
    AlreadyDone {
        /// The vendor's id for it.
        vendor_ref: Option<String>,
    },
    /// It goes back to its guard and, if that lets it, is sent.
    WillSend,
    /// It reads or computes again; nothing is sent by it.
    WillRun,
    /// It can't be told, or a person must settle something first.
    NeedsYou {
        /// What must be settled, or why it can't be told.
        why: String,
    },
    /// It is not in a state that can be replayed.
    Nothing {
        /// Which state it is in, in words.
        why: String,
    },
}

fn no_such_job(id: JobId) -> EngineError {
    EngineError::Refused(format!(
        "there is no job {id}; `{}` shows them",
        RemedyCommand::JobsList
    ))
}

/// What a replay of `job` would do. Asks the vendor; changes nothing.
pub async fn preview(engine: &Engine, job: &Job) -> Result<Preview, EngineError> {
    let effect = effect_of(engine, job).await?;
    preview_of(engine, job, effect.as_ref()).await
}

async fn preview_of(
    engine: &Engine,
    job: &Job,
    effect: Option<&Effect>,
) -> Result<Preview, EngineError> {
    if matches!(
        job.state,
        JobState::Done | JobState::Running | JobState::Ready
    ) {
        let why = format!("the job is {}", job.state.as_str());
        return Ok(Preview::Nothing { why });
    }
    if JobKind::of(job) != Some(JobKind::Effect) {
        return Ok(Preview::WillRun);
    }
    match effect {
        Some(effect) => preview_effect(engine, effect).await,
        None => Ok(Preview::Nothing {
            why: "its effect is not stored".to_owned(),
        }),
    }
}

/// The effect that a job carries out.
async fn effect_of(engine: &Engine, job: &Job) -> Result<Option<Effect>, EngineError> {
    if JobKind::of(job) != Some(JobKind::Effect) {
        return Ok(None);
    }
    let key: EffectKey = member(job, "effect")?;
    Ok(engine.store.effect(&key).await?)
}

async fn preview_effect(engine: &Engine, effect: &Effect) -> Result<Preview, EngineError> {
    let maybe_sent = effect.revision > 0;
    match effect.state {
        EffectState::Done => Ok(Preview::AlreadyDone {
            vendor_ref: crate::effects::vendor_ref(effect).map(str::to_owned),
        }),
        // Its case does not wait for it, so no work item of the case settles it.
        EffectState::Held if !effect.holds_a_case() => Ok(Preview::WillSend),
        EffectState::Held => Ok(Preview::NeedsYou {
            why: format!(
                "it is held: settle its work item (`{}`)",
                RemedyCommand::WorkList
            ),
        }),
        EffectState::Planned => Ok(Preview::WillSend),
        EffectState::Dead if !maybe_sent => Ok(Preview::WillSend),
        EffectState::Dead
        | EffectState::Intended
        | EffectState::Unclear
        | EffectState::Unsettled => preview_by_probe(engine, effect).await,
        EffectState::Proposed | EffectState::Overtaken | EffectState::Cancelled => {
            let why = format!("its effect is {}", effect.state.as_str());
            Ok(Preview::Nothing { why })
        }
    }
}

async fn preview_by_probe(engine: &Engine, effect: &Effect) -> Result<Preview, EngineError> {
    let Some(request) = &effect.request else {
        return Ok(Preview::WillSend);
    };
    if engine.ports.not_offered().is_in_crm(effect.kind()) {
        let why =
            "no CRM is switched on, so nobody can look whether it was done: settle its work item";
        return Ok(Preview::NeedsYou { why: why.into() });
    }
    let since = effect.intended_at.unwrap_or(effect.created_at);
    let from = earlier(since, SKEW);
    let began = engine.now();
    let name = naming::name_alone(engine, effect).await?;
    if let ProbeResult::Seen(seen) = engine.perform.probe(&name, request, from).await? {
        let vendor_ref = seen.vendor_ref;
        return Ok(Preview::AlreadyDone { vendor_ref });
    }
    // A request that was refused for good was not carried out, whatever a probe can prove.
    if effect.state == EffectState::Dead {
        return Ok(Preview::WillSend);
    }
    let proven = absence_proven(effect.kind().absence(), since, began);
    Ok(if proven {
        Preview::WillSend
    } else {
        Preview::NeedsYou {
            why: "it may have gone out and the vendor can't tell: settle its work item".into(),
        }
    })
}

/// Replays a job as its preview says. Returns what was done.
pub async fn replay(engine: &Engine, id: JobId, by: &str) -> Result<Preview, EngineError> {
    let Some(job) = engine.store.job(id).await? else {
        return Err(no_such_job(id));
    };
    // Read before the vendor is asked: if it moves meanwhile (somebody else replays it), what
    // the vendor said no longer counts, and the batch below is refused.
    let effect = effect_of(engine, &job).await?;
    // And before the job: one that somebody else has replayed between the two reads would look as if it was still to be.
    let Some(job) = engine.store.job(id).await? else {
        return Err(no_such_job(id));
    };
    let preview = preview_of(engine, &job, effect.as_ref()).await?;
    let now = engine.now();
    let settled = WorkSettled {
        at: now,
        by: by.to_owned(),
        action: "replay".to_owned(),
    };
    let mut ops = vec![
        Op::Audit(AuditEntry {
            at: now,
            who: by.to_owned(),
            what: "replay".to_owned(),
            object: id.to_string(),
            detail: json!({ "preview": preview }),
        }),
        Op::SettleWorkByKey {
            dedupe_key: format!("dead/{id}"),
            settled: settled.clone(),
        },
    ];
    match &preview {
        Preview::Nothing { .. } | Preview::NeedsYou { .. } => return Ok(preview),
        Preview::WillRun => ops.push(Op::ReplayJob { id, at: now }),
        Preview::WillSend | Preview::AlreadyDone { .. } => {
            let Some(effect) = &effect else {
                return Ok(preview);
            };
            for kind in ["unsettled", "held"] {
                ops.push(Op::SettleWorkByKey {
                    dedupe_key: format!("{kind}/{}", effect.key()),
                    settled: settled.clone(),
                });
            }
            if let Preview::AlreadyDone { vendor_ref } = &preview {
                ops = record_done(engine, &job, effect, vendor_ref.clone(), ops).await?;
            } else {
                if effect.state != EffectState::Planned {
                    ops.push(moves::back_to_planned(engine, effect, effect.state));
                }
                ops.push(Op::ReplayJob { id, at: now });
            }
        }
    }
    match engine.commit(SETTLE, ops).await {
        Err(error) if error.is_conflict() => {
            let why = "it moved while the vendor was asked: look again".to_owned();
            return Ok(Preview::Nothing { why });
        }
        other => other?,
    };
    engine.wake.notify_one();
    Ok(preview)
}

/// What the vendor shows becomes what we know.
async fn record_done(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    vendor_ref: Option<String>,
    ops: Vec<Op>,
) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    let mut stepping = settle::stepping_of(engine, effect).await?;
    for op in ops {
        stepping.push(op);
    }
    if effect.state != EffectState::Done {
        let at = effect.intended_at.unwrap_or(now);
        let settled = Settled::Done {
            at,
            vendor_ref,
            by_probe: true,
        };
        let more = effect
            .request
            .iter()
            .flat_map(|request| remember(effect, request));
        let ending = EffectEnding {
            more: more.collect(),
            ..EffectEnding::new(EffectState::Done, settled)
        };
        settle::end_effect(engine, &mut stepping, effect, &[effect.state], ending).await?;
    }
    let why = "already done, as the vendor shows".to_owned();
    stepping.push(Op::CancelJob {
        id: job.id,
        why,
        at: now,
    });
    Ok(stepping.into_ops())
}

/// Whether [`cancel_job`] would do it now.
pub async fn check_cancel(engine: &Engine, id: JobId, by: &str) -> Result<(), EngineError> {
    cancel_ops(engine, id, by).await.map(|_| ())
}

/// Why a job may not be cancelled; `None`: it may. The same for a command and for its dry run.
pub async fn why_not_cancelled(engine: &Engine, job: &Job) -> Result<Option<String>, EngineError> {
    let case = match job.case {
        Some(id) => engine.store.case(id).await?,
        None => None,
    };
    let case = case.filter(|case| !case.status.is_closed());
    let case_waits = match (JobKind::of(job), &case) {
        (Some(JobKind::Effect), case) => match effect_of(engine, job).await? {
            Some(effect) if effect.state.is_under_way() => {
                let why = "it may have gone out: it is being looked for, which sends nothing";
                return Ok(Some(why.to_owned()));
            }
            Some(effect) => {
                effect.holds_a_case() && effect.state == EffectState::Planned && case.is_some()
            }
            None => false,
        },
        (Some(JobKind::Timer), Some(case)) => {
            let generation: u64 = member(job, "generation")?;
            matches!(case.wait, Some(Wait::Timer { .. })) && case.generation == generation
        }
        (Some(JobKind::Read), Some(case)) => matches!(case.wait, Some(Wait::Read { .. })),
        (_, case) => case.is_some(),
    };
    Ok(why_refused(engine, job, case_waits))
}

/// Cancels a job that is ready, parked or dead, and tells its case, if that waits for it.
/// Refused where somebody would be forgotten by it, with what to do instead.
pub async fn cancel_job(engine: &Engine, id: JobId, by: &str) -> Result<(), EngineError> {
    let ops = cancel_ops(engine, id, by).await?;
    match engine.commit(SETTLE, ops).await {
        Err(error) if error.is_conflict() => Err(EngineError::Refused(format!(
            "the job has just moved; look again: {}",
            RemedyCommand::JobsList
        ))),
        other => other.map(|_| ()),
    }
}

/// What cancelling a job stores; refused as the cancelling is.
async fn cancel_ops(engine: &Engine, id: JobId, by: &str) -> Result<Vec<Op>, EngineError> {
    let Some(job) = engine.store.job(id).await? else {
        return Err(no_such_job(id));
    };
    if let Some(why) = why_not_cancelled(engine, &job).await? {
        return Err(EngineError::Refused(why));
    }
    let now = engine.now();
    let settled = WorkSettled {
        at: now,
        by: by.to_owned(),
        action: "cancel".to_owned(),
    };
    let effect = effect_of(engine, &job).await?;
    if let Some(effect) = &effect
        && may_have_gone_out(engine, effect).await?
    {
        // It is looked for, and ends as done or cancelled: its job stays.
        let ops = vec![
            Op::CancelEffect {
                key: effect.key().clone(),
                why: format!("cancelled by {by}"),
                at: now,
            },
            Op::SettleWorkByKey {
                dedupe_key: format!("dead/{id}"),
                settled,
            },
            cases::audit(
                engine,
                by,
                "cancel",
                &id.to_string(),
                serde_json::Value::Null,
            ),
        ];
        return Ok(ops);
    }
    let mut ops = vec![
        Op::CancelJob {
            id,
            why: format!("cancelled by {by}"),
            at: now,
        },
        Op::SettleWorkByKey {
            dedupe_key: format!("dead/{id}"),
            settled: settled.clone(),
        },
        Op::Audit(AuditEntry {
            at: now,
            who: by.to_owned(),
            what: "cancel".to_owned(),
            object: id.to_string(),
            detail: serde_json::Value::Null,
        }),
    ];
    if let Some(effect) = effect {
        ops.push(Op::SettleWorkByKey {
            dedupe_key: format!("held/{}", effect.key()),
            settled,
        });
    }
    ops.extend(tell_cancelled(engine, &job, by).await?);
    Ok(ops)
}

/// Whether something that is seen may have been made although nothing says so.
async fn may_have_gone_out(engine: &Engine, effect: &Effect) -> Result<bool, EngineError> {
    let stands = matches!(effect.state, EffectState::Planned | EffectState::Held);
    if !stands || effect.revision == 0 || !effect.kind().has_identity() {
        return Ok(false);
    }
    Ok(!again::answered(engine, effect).await?.is_empty())
}

/// What the cancelling of a job means for its case: a case must never wait for what nobody
/// does any more.
async fn tell_cancelled(engine: &Engine, job: &Job, by: &str) -> Result<Vec<Op>, EngineError> {
    match JobKind::of(job) {
        Some(JobKind::Effect) => match effect_of(engine, job).await? {
            Some(effect)
                if effect.state == EffectState::Planned
                    // What is held and blocks is settled by the hold of its case.
                    || (effect.state == EffectState::Held && !effect.holds_a_case()) =>
            {
                let mut stepping = settle::stepping_of(engine, &effect).await?;
                let ending = EffectEnding::new(EffectState::Cancelled, Settled::Cancelled);
                settle::end_effect(engine, &mut stepping, &effect, &[effect.state], ending).await?;
                Ok(stepping.into_ops())
            }
            _ => Ok(Vec::new()),
        },
        Some(JobKind::Read) if job.state != JobState::Dead => {
            let (Some(client), Some(case)) = (&job.client, job.case) else {
                return Ok(Vec::new());
            };
            let mut stepping = stepper::stepping(engine, client).await?;
            let reason = format!("the read was cancelled by {by}");
            let what = member(job, "read")?;
            stepping
                .input(case, &Input::ReadFailed { what, reason })
                .await?;
            Ok(stepping.into_ops())
        }
        _ => Ok(Vec::new()),
    }
}

/// Why a person may not cancel a job; `None`: she may. `case_waits`: whether the case that the job
/// belongs to is open and may be left waiting for it.
fn why_refused(engine: &Engine, job: &Job, case_waits: bool) -> Option<String> {
    match job.state {
        JobState::Ready | JobState::Parked | JobState::Dead => {}
        JobState::Running | JobState::Done | JobState::Cancelled => {
            return Some(format!(
                "it is {}; only ready, parked and dead jobs can be cancelled",
                job.state.as_str()
            ));
        }
    }
    let Some(kind) = JobKind::of(job) else {
        return Some(format!(
            "this version knows no job of the kind {:?}: a newer version queued it, and runs it",
            job.kind
        ));
    };
    let instead = match engine.job_spec(kind).cancelling {
        Cancelling::Allowed => return None,
        Cancelling::NotWhileCaseIsOpen { instead } => {
            if !case_waits {
                return None;
            }
            instead
        }
        Cancelling::OnceDead { instead } => {
            if job.state == JobState::Dead {
                return None;
            }
            instead
        }
        Cancelling::Never { instead } => instead,
    };
    let mut text = instead.replace("JOB", &job.id.to_string());
    if let Some(case) = job.case {
        text = text.replace("CASE", &case.to_string());
    }
    Some(text)
}
