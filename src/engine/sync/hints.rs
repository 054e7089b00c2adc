//! What changed in the CRM, as work to be done: which clients a hint concerns, and who reads the
//! object again.
//!
//! A hint comes from a receipt, or from a gap in the hooks that was read back. Either way it is one
//! job per object and client, known by its key; and where one source names several contacts of
//! ours, one job that looks at all of them with few calls (`reread_batch`).
//!
//! What was told is remembered (`seen/…`, by the CRM's own clock), so that a gap that is read back
//! tells what the hooks did not tell, and nothing twice.

use relay_core::ids::{ClientId, JobId, TaskId};
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_store::{Existing, NewJob, Op, Receipt};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::{Engine, EngineError};
use crate::receipts::{Hint, HintObject};

/// The most contacts one job looks at; the CRM never names more in one delivery.
const MOST: usize = 1_000;

/// How much a time in a hint and the same time in a read may differ: some are cut to the second. A
/// change this soon after another is in the same delivery, and was read after both.
const SAME: SignedDuration = SignedDuration::from_secs(2);

/// Where hints come from: the beginning of their jobs' keys, and what the jobs remember.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin(String);

impl Origin {
    /// A delivery.
    pub(crate) fn receipt(receipt: &Receipt) -> Self {
        Self(receipt.id.to_string())
    }

    /// A contact that was believed to be gone, and was seen at `now`.
    pub(crate) fn seen(now: Timestamp) -> Self {
        Self(format!("seen/{now}"))
    }

    /// A tag that a guard found at `now`, or that may be found since then.
    pub(crate) fn tagged(now: Timestamp) -> Self {
        Self(format!("tagged/{now}"))
    }

    /// A gap that was read back at `now`.
    pub(crate) fn gap(now: Timestamp) -> Self {
        Self(format!("gap/{now}"))
    }
}

/// A hint and the clients it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientHint {
    pub(crate) hint: Hint,
    pub(crate) clients: Vec<ClientId>,
}

impl HintObject {
    /// The stored name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Task => "task",
            Self::Subscription => "subscription",
            Self::Tags => "tags",
        }
    }
}

/// Jobs for the hints that concern clients of ours; how many hints did not.
pub(crate) async fn hint_ops(
    engine: &Engine,
    from: &Origin,
    hints: Vec<Hint>,
) -> Result<(Vec<Op>, usize), EngineError> {
    let mut watched = Vec::new();
    let mut unwatched = 0;
    for hint in hints {
        let clients = clients_of_hint(engine, &hint).await?;
        let nobody = clients.is_empty();
        unwatched += usize::from(nobody);
        // What a tag says of a contact that is nobody's must not be passed over.
        if !nobody || hint.object == HintObject::Tags {
            watched.push(ClientHint { hint, clients });
        }
    }
    Ok((watched_ops(engine, from, watched).await?, unwatched))
}

/// Jobs that read these objects again, and the memory of having been told.
pub(crate) async fn watched_ops(
    engine: &Engine,
    from: &Origin,
    watched: Vec<ClientHint>,
) -> Result<Vec<Op>, EngineError> {
    let mut ops = Vec::new();
    for told in &watched {
        ops.extend(seen_op(engine, &told.hint).await?);
    }
    let (contacts, others): (Vec<_>, Vec<_>) = watched
        .into_iter()
        .partition(|watched| watched.hint.object == HintObject::Contact);
    let single = contacts.len() == 1;
    for (part, contacts) in contacts.chunks(MOST).enumerate().filter(|_| !single) {
        let key = format!("reread_batch/{}/{part}", from.0);
        ops.push(batch_op(engine, &key, from, contacts));
    }
    let (tags, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|watched| watched.hint.object == HintObject::Tags);
    // Which tags they are is asked once for all of them.
    let told_alone = matches!(tags.as_slice(), [only] if !only.clients.is_empty());
    for (part, tags) in tags.chunks(MOST).enumerate().filter(|_| !told_alone) {
        let key = format!("reread_batch/{}/tags/{part}", from.0);
        ops.push(batch_op(engine, &key, from, tags));
    }
    let alone = contacts.iter().filter(|_| single).chain(&others);
    let alone = alone.chain(tags.iter().filter(|_| told_alone));
    ops.extend(alone.flat_map(|watched| reread_ops(engine, from, watched)));
    Ok(ops)
}

/// A job for each client that this object concerns, in her lane.
pub(crate) fn reread_ops(engine: &Engine, from: &Origin, watched: &ClientHint) -> Vec<Op> {
    let now = engine.now();
    let (object, id) = (watched.hint.object.as_str(), &watched.hint.id);
    let job = |client: &ClientId| Op::Enqueue {
        job: NewJob {
            id: JobId::new(engine.random.as_ref(), now),
            key: format!("reread/{}/{object}/{id}/{client}", from.0),
            kind: "reread".to_owned(),
            lane: client.to_string(),
            run_at: now,
            client: Some(client.clone()),
            case: None,
            payload: json!({ "hint": watched.hint, "receipt": from }),
        },
        existing: Existing::Keep,
    };
    watched.clients.iter().map(job).collect()
}

/// A job that looks at many contacts, in a lane of its own.
pub(crate) fn batch_op(engine: &Engine, key: &str, from: &Origin, contacts: &[ClientHint]) -> Op {
    let now = engine.now();
    Op::Enqueue {
        job: NewJob {
            id: JobId::new(engine.random.as_ref(), now),
            key: key.to_owned(),
            kind: "reread_batch".to_owned(),
            lane: key.to_owned(),
            run_at: now,
            client: None,
            case: None,
            payload: json!({ "from": from, "contacts": contacts }),
        },
        existing: Existing::Keep,
    }
}

/// Remembers when the object had changed, unless something later is remembered.
async fn seen_op(engine: &Engine, hint: &Hint) -> Result<Option<Op>, EngineError> {
    // Tags are not read back by the time of their change.
    let Some(at) = hint.at.filter(|_| hint.object != HintObject::Tags) else {
        return Ok(None);
    };
    let known = seen(engine, hint.object, &hint.id).await?;
    if known.is_some_and(|known| known >= at) {
        return Ok(None);
    }
    Ok(Some(Op::PutSetting {
        key: seen_key(hint.object, &hint.id),
        value: json!(at),
    }))
}

async fn seen(
    engine: &Engine,
    object: HintObject,
    id: &str,
) -> Result<Option<Timestamp>, EngineError> {
    let known = engine.store.setting(&seen_key(object, id)).await?;
    Ok(known.and_then(|at| serde_json::from_value(at).ok()))
}

/// Whether we were told of the change that an object shows. What has no time was not told.
pub(crate) async fn was_told(
    engine: &Engine,
    object: HintObject,
    id: &str,
    at: Option<Timestamp>,
) -> Result<bool, EngineError> {
    let Some(at) = at else { return Ok(false) };
    let known = seen(engine, object, id).await?;
    let until = known.map(|known| later(known, SAME));
    Ok(until.is_some_and(|until| at <= until))
}

/// The clients that an object concerns.
pub(crate) async fn clients_of_hint(
    engine: &Engine,
    hint: &Hint,
) -> Result<Vec<ClientId>, EngineError> {
    Ok(match hint.object {
        HintObject::Contact | HintObject::Tags => {
            engine.store.clients_of(&hint.id.as_str().into()).await?
        }
        HintObject::Task => {
            let effect = engine
                .store
                .effect_of_task(&TaskId::from(hint.id.as_str()))
                .await?;
            let client = effect.and_then(|effect| effect.scope().client().cloned());
            client.into_iter().collect()
        }
        // A subscription's id says nothing about whose it is until one of ours was touched.
        HintObject::Subscription => clients_of_subscription(engine, &hint.id).await?,
    })
}

/// The clients on whose order we have stopped this subscription.
async fn clients_of_subscription(engine: &Engine, id: &str) -> Result<Vec<ClientId>, EngineError> {
    let stopped = engine.store.setting(&stopped_key(id)).await?;
    Ok(stopped
        .and_then(|value| serde_json::from_value(value).ok())
        .into_iter()
        .collect())
}

/// The beginning of the settings that remember stopped subscriptions.
pub(crate) const STOPPED: &str = "stopped_subscription/";

/// The setting that remembers for whom a subscription was stopped, so that it is watched.
pub(crate) fn stopped_key(subscription: &str) -> String {
    format!("{STOPPED}{subscription}")
}

fn seen_key(object: HintObject, id: &str) -> String {
    format!("seen/{}/{id}", object.as_str())
}
