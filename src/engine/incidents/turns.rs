//! Whose turn it is while an incident lasts: to write, to ask a person, to try all at once.

use relay_core::effects::EffectKind;
use relay_core::incidents::{Capability, IncidentClass};
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_http_client::CallError;
use relay_store::{AuditEntry, Job, JobState, Op};
use serde_json::json;

use super::{WaitsFor, change, met, spread, words};
use crate::engine::{Engine, EngineError};
use crate::failpoint::SETTLE;

/// How often what may have been carried out is looked for while an incident lasts.
const LOOKS_AGAIN: SignedDuration = SignedDuration::from_mins(30);

/// A request that may have been carried out was not answered: its case meets that, and looks for it as ever, also
/// where that can't be counted.
pub(crate) async fn met_unclear(engine: &Engine, job: &Job, call: &CallError, looks_at: Timestamp) {
    if let Err(error) = met(engine, job, call, Some(looks_at)).await {
        tracing::warn!(job = %job.id, %error, "whether it belongs to an incident is not known");
    }
}

/// Whether a request of this kind may be made now. If one like it fails at present, this one tries, or it is
/// not its turn: how the job's run ends.
pub(crate) async fn may_write(
    engine: &Engine,
    job: &Job,
    kind: EffectKind,
) -> Result<Option<WaitsFor>, EngineError> {
    let capability = Capability::of_effect(kind);
    let Some(vendor) = engine.limiter.vendor_of(capability.port()) else {
        return Ok(None);
    };
    if engine
        .no_incidents
        .is_empty(vendor, engine.clocks.real.now())
    {
        return Ok(None);
    }
    let unit = engine.random.unit();
    let waits = change(engine, vendor, |incidents, now| {
        let waits = incidents.try_write(capability, now).err();
        let held = waits.map(|(class, at)| {
            let at = later(at, spread(SignedDuration::from_mins(1), unit));
            incidents.hold(class, job.id, at);
            at
        });
        (held, Vec::new())
    })
    .await?;
    Ok(waits.map(|until| WaitsFor { vendor, until }))
}

/// While an incident concerns what an effect of this kind needs, a person is not asked whether it was carried
/// out: how its job's run ends.
pub(crate) async fn not_asked_yet(
    engine: &Engine,
    job: &Job,
    kind: EffectKind,
) -> Result<Option<WaitsFor>, EngineError> {
    let capability = Capability::of_effect(kind);
    let Some(vendor) = engine.limiter.vendor_of(capability.port()) else {
        return Ok(None);
    };
    let waits = change(engine, vendor, |incidents, now| {
        let class = incidents.holding(capability);
        let held = class.map(|class| {
            let at = later(now, LOOKS_AGAIN);
            incidents.hold(class, job.id, at);
            at
        });
        (held, Vec::new())
    })
    .await?;
    Ok(waits.map(|until| WaitsFor { vendor, until }))
}

/// A job that waits is run now. One that was taken up meanwhile is left to who runs it.
pub(crate) async fn due_now(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    if job.state != JobState::Ready {
        return Ok(());
    }
    let now = engine.now();
    let op = Op::ReplayJob {
        id: job.id,
        at: now,
    };
    match engine.commit(SETTLE, vec![op]).await {
        Err(error) if error.is_conflict() => Ok(()),
        other => other.map(|_| engine.wake.notify_one()),
    }
}

/// A person wants all that an incident holds to be tried now.
pub(crate) async fn try_now(
    engine: &Engine,
    vendor: &str,
    class: IncidentClass,
    by: &str,
) -> Result<usize, EngineError> {
    let held = change(engine, vendor, |incidents, _| {
        (incidents.try_now(class), Vec::new())
    })
    .await?;
    let audit = Op::Audit(AuditEntry {
        at: engine.now(),
        who: by.to_owned(),
        what: "replay".to_owned(),
        object: words::item_key(vendor, class),
        detail: json!({ "jobs": held.len() }),
    });
    if engine.limiter.resume(vendor, &audit).await?.is_none() {
        engine.commit(SETTLE, vec![audit]).await?;
    }
    let mut tried = 0;
    for id in held {
        if let Some(job) = engine.store.job(id).await? {
            tried += usize::from(job.state == JobState::Ready);
            due_now(engine, &job).await?;
        }
    }
    engine.wake.notify_one();
    Ok(tried)
}
