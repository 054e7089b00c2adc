//! Incidents: what many cases meet alike at a vendor, as one thing.
//!
//! People: a *job* whose call has failed asks here whether the failure is its own; a run that went well tells
//! what worked; an *admin* has one work item while an incident lasts and one notice when it is over; *coaches*
//! hear nothing of it. The rules are pure: [`relay_core::incidents`].
//!
//! ```text
//! a call fails ─▶ finish ─▶ met ─┬─▶ the job's own: again, or given up, as ever
//!                                └─▶ held: put off, none of its tries used up
//! a run ends ──▶ after_run ──▶ a success counted ──▶ job `incident` ─▶ the next that waits, or all of it
//! ```
//!
//! Rules:
//! - A vendor's incidents are one row, replaced only by who has read its version, together with what is told of
//!   it: two processes never open the same one twice, and a crash leaves both or none.
//! - What an incident holds stays as it is: a job comes again by itself, past a fresh guard; what may have been
//!   carried out is looked for, and the question to a person waits until the vendor answers.
//! - Before a request that changes something is made of a capability that fails, it takes its turn
//!   (`turns.rs`): one at a time tries.
//! - What had given up before the incident was known is taken up again, and its items are settled as belonging
//!   to the incident (`jobs/incident.rs`).
//!
//! Guarantee: an incident ends: by successes, or because nobody meets it any more and nothing waits for it, also
//! where its row was lost or is an earlier copy of itself.
//!
//! Not guaranteed: that a job which is no longer among the first thousand that an incident holds is counted.

pub(crate) mod empty;
pub(crate) mod turns;
pub(crate) mod words;

use std::collections::BTreeMap;

use relay_core::ids::JobId;
use relay_core::incidents::{Capability, IncidentClass, Meeting, Met, Scope, VendorIncidents};
use relay_core::rate_limit::Why;
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_http_client::CallError;
use relay_store::{
    Existing, IncidentsRow, Job, NewJob, Op, Precondition, Store, StoreError, WorkSettled,
};
use serde_json::json;

use crate::engine::job_kinds::JobKind;
use crate::engine::{Engine, EngineError, RELAY};
use crate::rate_limit::{Permit, connection_key, ended_key, failed_last, trouble_key};

pub use words::incident_words;
pub(crate) use words::{INCIDENT, OVER, of_item};

/// How often a change is computed anew because another process was faster.
const TRIES: usize = 64;

/// How an item is settled that an incident takes over.
pub(crate) const BELONGS: &str = "belongs to the incident";

/// A job waits for a vendor until then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitsFor {
    pub(crate) vendor: &'static str,
    pub(crate) until: Timestamp,
}

/// What is kept of every vendor's incidents, for those who only look.
pub async fn all(store: &dyn Store) -> Result<Vec<(String, VendorIncidents)>, StoreError> {
    let rows = store.all_incidents().await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.vendor.clone(), read(row)))
        .collect())
}

/// The jobs that wait for a vendor that is the matter of an incident, with the vendor.
pub async fn held_jobs(store: &dyn Store) -> Result<BTreeMap<JobId, String>, StoreError> {
    let mut held = BTreeMap::new();
    for (vendor, incidents) in all(store).await? {
        let open = incidents.told().filter(|(_, episode)| episode.is_open());
        for waiting in open.flat_map(|(_, episode)| episode.waiting()) {
            held.insert(waiting.job, vendor.clone());
        }
    }
    Ok(held)
}

fn read(row: IncidentsRow) -> VendorIncidents {
    serde_json::from_value(row.body).unwrap_or_else(|error| {
        // Of another release, perhaps. What it held comes again by itself.
        tracing::warn!(vendor = row.vendor, %error, "the incidents can't be read; begun anew");
        VendorIncidents::default()
    })
}

/// What is kept of a vendor's incidents, with its version; `None`: it can't be read, and is put out of the way by
/// whoever looks after damaged rows. Until then nothing is known of any incident.
pub(crate) async fn load(
    engine: &Engine,
    vendor: &str,
) -> Result<(Option<u64>, VendorIncidents), EngineError> {
    Ok(match engine.store.incidents(vendor).await {
        Ok(Some(row)) => (Some(row.version), read(row)),
        Ok(None) => (Some(0), VendorIncidents::default()),
        Err(StoreError::Corrupt(_)) => (None, VendorIncidents::default()),
        Err(error) => return Err(error.into()),
    })
}

/// Computes a change on what is stored and stores it together with what comes of it, as often as another
/// process is faster.
pub(crate) async fn change<T>(
    engine: &Engine,
    vendor: &str,
    act: impl Fn(&mut VendorIncidents, Timestamp) -> (T, Vec<Op>),
) -> Result<T, EngineError> {
    for _ in 0..TRIES {
        let (version, known) = load(engine, vendor).await?;
        let mut incidents = known.clone();
        let (out, mut ops) = act(&mut incidents, engine.now());
        let Some(version) = version else {
            return Ok(out);
        };
        let real = engine.clocks.real.now();
        let empty = incidents.is_empty();
        if incidents != known {
            let body = serde_json::to_value(&incidents)
                .map_err(|error| StoreError::Driver(Box::new(error)))?;
            ops.push(Op::PutIncidents {
                vendor: vendor.to_owned(),
                expected: version,
                body,
            });
        } else if ops.is_empty() {
            engine.no_incidents.set(vendor, empty, real);
            return Ok(out);
        }
        match engine.store.commit(ops.into()).await {
            Ok(_) => {
                engine.no_incidents.set(vendor, empty, real);
                return Ok(out);
            }
            Err(StoreError::Conflict {
                what: Precondition::IncidentsVersion,
            }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict {
        what: Precondition::IncidentsVersion,
    }
    .into())
}

/// How many jobs an incident holds.
pub(crate) async fn held(
    engine: &Engine,
    vendor: &str,
    class: IncidentClass,
) -> Result<usize, EngineError> {
    let (_, incidents) = load(engine, vendor).await?;
    let episode = incidents.of(class);
    Ok(episode.map_or(0, |episode| episode.waiting().count()))
}

/// The job's call has failed, and it would come again at `again` (`None`: never). If that belongs to an
/// incident, it is held by it.
pub(crate) async fn met(
    engine: &Engine,
    job: &Job,
    call: &CallError,
    again: Option<Timestamp>,
) -> Result<Option<WaitsFor>, EngineError> {
    let Some((vendor, class, scope)) = what_failed(engine, call).await? else {
        return Ok(None);
    };
    let held = meet(engine, job, (vendor, class, scope), call, again).await?;
    Ok(held.map(|until| WaitsFor { vendor, until }))
}

/// What a call has failed of, and as what; `None`: it says nothing about the vendor.
async fn what_failed(
    engine: &Engine,
    call: &CallError,
) -> Result<Option<(&'static str, IncidentClass, Scope)>, EngineError> {
    let (Some(vendor), Some(capability)) = (call.vendor, failed_last()) else {
        return Ok(None);
    };
    // Something else has failed since, of which nothing was noted.
    if engine.limiter.vendor_of(capability.port()) != Some(vendor) {
        return Ok(None);
    }
    let Some(class) = IncidentClass::of(call.class, call.status) else {
        return Ok(None);
    };
    let everything = match class {
        IncidentClass::Credential => true,
        IncidentClass::NoAnswer => is_down(engine, vendor).await?,
        IncidentClass::Forbidden | IncidentClass::Rejected | IncidentClass::Unreadable => false,
    };
    let scope = if everything {
        Scope::Everything
    } else {
        Scope::Only(capability)
    };
    Ok(Some((vendor, class, scope)))
}

async fn is_down(engine: &Engine, vendor: &str) -> Result<bool, EngineError> {
    let closed = engine.limiter.closed(vendor).await?;
    Ok(closed.is_some_and(|(_, why)| why == Why::Down))
}

/// Until when the job is held by an incident, if it is.
async fn meet(
    engine: &Engine,
    job: &Job,
    (vendor, class, scope): (&'static str, IncidentClass, Scope),
    call: &CallError,
    again: Option<Timestamp>,
) -> Result<Option<Timestamp>, EngineError> {
    let meeting = Meeting {
        class,
        scope,
        client: job.client.as_ref(),
        job: job.id,
        again,
    };
    // Apart, so that what failed together does not come back together.
    let unit = engine.random.unit();
    let held = change(engine, vendor, |incidents, now| {
        match incidents.met(&meeting, engine.incidents, now) {
            Met::Own => (None, Vec::new()),
            Met::Held { pause, opened } => {
                let at = later(now, spread(pause, unit));
                incidents.hold(class, job.id, at);
                let ops = if opened {
                    opened_ops(engine, vendor, class, incidents, Some((job, call)))
                } else {
                    Vec::new()
                };
                (Some((at, opened)), ops)
            }
        }
    })
    .await?;
    if let Some((_, true)) = held {
        tracing::warn!(
            vendor,
            class = class.as_str(),
            "many cases meet the same failure: an incident"
        );
        engine.wake.notify_one();
    }
    Ok(held.map(|(at, _)| at))
}

/// An admin hears of it, and nothing else tells of the same. `met`: the job that met it as the last, and what was
/// said to it.
fn opened_ops(
    engine: &Engine,
    vendor: &str,
    class: IncidentClass,
    incidents: &VendorIncidents,
    met: Option<(&Job, &CallError)>,
) -> Vec<Op> {
    let now = engine.now();
    let mut ops = words::open_item_ops(engine, vendor, class, incidents, met);
    ops.push(look_soon(engine, vendor, now));
    let absorbed = match class {
        IncidentClass::NoAnswer => vec![trouble_key(vendor)],
        IncidentClass::Credential => vec![connection_key(vendor), ended_key(vendor)],
        IncidentClass::Forbidden | IncidentClass::Rejected | IncidentClass::Unreadable => {
            Vec::new()
        }
    };
    ops.extend(absorbed.into_iter().map(|dedupe_key| Op::SettleWorkByKey {
        dedupe_key,
        settled: settled(now, BELONGS),
    }));
    ops
}

pub(crate) fn settled(at: Timestamp, action: &str) -> WorkSettled {
    WorkSettled {
        at,
        by: RELAY.to_owned(),
        action: action.to_owned(),
    }
}

/// The job that looks after a vendor's incidents runs now. One that runs already, or whose process ended while it
/// ran, is left: what is told while it runs it sees before it ends, and what was told before it is let go on is
/// seen when it runs again.
fn look_soon(engine: &Engine, vendor: &str, now: Timestamp) -> Op {
    let key = format!("incident/{vendor}");
    Op::Enqueue {
        job: NewJob {
            id: JobId::new(engine.random.as_ref(), now),
            key: key.clone(),
            kind: JobKind::Incident.name().to_owned(),
            lane: key,
            run_at: now,
            client: None,
            case: None,
            payload: json!({ "vendor": vendor }),
        },
        existing: Existing::Wake,
    }
}

/// Looks at every incident that is known, in case that nothing else does any more.
pub(crate) async fn looks_at_start(engine: &Engine) -> Result<Vec<Op>, EngineError> {
    let all = all(engine.store.as_ref()).await?;
    let told = all
        .iter()
        .filter(|(_, incidents)| incidents.told().next().is_some());
    let now = engine.now();
    Ok(told
        .map(|(vendor, _)| look_soon(engine, vendor, now))
        .collect())
}

/// A job was not let in because the vendor does not answer, and comes again at `at`.
pub(crate) async fn kept_back(
    engine: &Engine,
    job: &Job,
    vendor: &'static str,
    at: Timestamp,
) -> Result<(), EngineError> {
    let meeting = Meeting {
        class: IncidentClass::NoAnswer,
        scope: Scope::Everything,
        client: job.client.as_ref(),
        job: job.id,
        again: Some(at),
    };
    let opened = change(engine, vendor, |incidents, now| {
        match incidents.met(&meeting, engine.incidents, now) {
            Met::Own => (false, Vec::new()),
            Met::Held { opened, .. } => {
                incidents.hold(meeting.class, job.id, at);
                let ops = if opened {
                    opened_ops(engine, vendor, meeting.class, incidents, None)
                } else {
                    Vec::new()
                };
                (opened, ops)
            }
        }
    })
    .await?;
    if opened {
        engine.wake.notify_one();
    }
    Ok(())
}

/// Whether an incident of this class is open, so that nothing else tells of the same.
pub(crate) async fn lasts(
    engine: &Engine,
    vendor: &str,
    class: IncidentClass,
) -> Result<bool, EngineError> {
    let (_, incidents) = load(engine, vendor).await?;
    Ok(incidents.is_open(class))
}

/// A run of a job is over.
pub(crate) async fn after_run(engine: &Engine, permit: &Permit) -> Result<(), EngineError> {
    let (worked, failed) = permit.outcomes();
    let mut ports: Vec<_> = worked.iter().map(|capability| capability.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    for port in ports {
        let Some(vendor) = engine.limiter.vendor_of(port) else {
            continue;
        };
        if engine
            .no_incidents
            .is_empty(vendor, engine.clocks.real.now())
        {
            continue;
        }
        let of_port = |all: &[Capability]| -> Vec<Capability> {
            all.iter()
                .filter(|one| one.port() == port)
                .copied()
                .collect()
        };
        let (worked, failed) = (of_port(&worked), of_port(&failed));
        let ended = change(engine, vendor, |incidents, now| {
            let answered = incidents.answered(&worked, &failed, engine.incidents, now);
            let mut ops = Vec::new();
            if answered.counted || answered.ended {
                ops.push(look_soon(engine, vendor, now));
            }
            (answered.ended, ops)
        })
        .await?;
        if ended {
            tracing::info!(vendor, "works again: what waited for it goes on");
            engine.wake.notify_one();
        }
    }
    Ok(())
}

/// `wait`, a fifth more or less by chance.
pub(crate) fn spread(wait: SignedDuration, unit: f64) -> SignedDuration {
    let part = wait.as_secs_f64() * (0.8 + 0.4 * unit);
    SignedDuration::try_from_secs_f64(part).unwrap_or(wait)
}
