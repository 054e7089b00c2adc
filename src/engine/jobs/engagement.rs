//! Looks, between decisions, who has opened or clicked.
//!
//! People: a *watched* contact is one of a client with an open case who is linked to it. The
//! *poll* asks the CRM at which addresses anything moved since its last look, and queues a *read*
//! of the history of each watched contact among them. The read stores what is new and tells it to
//! the client's cases.
//!
//! Rules:
//! - The poll knows addresses by digest only. It learns those of watched contacts a few at a time
//!   and looks again once a day, because an address may change.
//! - The mark up to which the poll has looked moves in the batch that queues the reads, never
//!   before. The next look goes back behind it by [`OVERLAP`]: what is shown late is found, and
//!   what is found twice is one job and one event.
//! - Where the CRM has no such list, or refuses it, the poll goes round the watched contacts one by
//!   one, some at each run.
//!
//! Not guaranteed: an event of a contact that is not linked yet. The decision reads the history in
//! any case; what this adds is what happens after it, and what it can't read.

use relay_core::channel::{EngagementEvent, EngagementSource};
use relay_core::effects::Port;
use relay_core::ids::{ContactId, JobId};
use relay_core::rate_limit::Priority;
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp, earlier, later};
use relay_store::{Existing, Job, JobEnd, NewJob, Op, WatchedContact};
use serde_json::json;

use crate::engine::finish::{fence, member};
use crate::engine::job_kinds::{Asks, BY_ITSELF, Cancelling, Death, JobSpec, PeriodicSchedule};
use crate::engine::sync::engagement;
use crate::engine::{Engine, EngineError, finish, stepper};
use crate::failpoint::{REREAD_CALL, REREAD_COMMIT};
use crate::ports::{Activity, CallError};

/// How far behind its mark the poll looks again: how late the CRM may show an event.
const OVERLAP: SignedDuration = SignedDuration::from_mins(30);
/// A look goes back no further than this, however long the relay was away.
const FARTHEST: SignedDuration = SignedDuration::from_hours(24 * 7);
/// How many addresses are learned in one run.
const LEARNT: u32 = 20;
/// After how long an address is looked at again.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// How many contacts are asked for one by one in one run.
const ROUND: u32 = 20;
/// How long a history may lag behind the address: read again once after that.
const LAG: SignedDuration = SignedDuration::from_mins(30);
/// How far back mail is read.
const MAIL_WINDOW: SignedDuration = SignedDuration::from_hours(24 * 45);
/// How often a switched-off poll looks whether it is on again.
const WHILE_OFF: SignedDuration = SignedDuration::from_hours(1);

/// The row of this kind.
pub(super) const POLL: JobSpec = JobSpec {
    schedule: Some(PeriodicSchedule {
        next: next_engagement_poll,
        has_work: |engine| engine.poll_opens.is_some(),
    }),
    asks: Asks::Of(Priority::Background, &[Port::Crm]),
    lost: |_| "Who opened an email could not be read in the CRM".to_owned(),
    death: Death::IsToldOnly,
    cancelling: BY_ITSELF,
    run: |engine, job| Box::pin(run_engagement_poll(engine, job)),
};

/// The row of this kind.
pub(super) const READ: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::Of(Priority::Normal, &[Port::Crm]),
    lost: |_| "Who opened an email could not be read in the CRM".to_owned(),
    death: Death::IsToldOnly,
    cancelling: Cancelling::Allowed,
    run: |engine, job| Box::pin(run_engagement_read(engine, job)),
};

pub(super) fn next_engagement_poll(engine: &Engine, now: Timestamp) -> Timestamp {
    let every = engine.poll_opens.unwrap_or(WHILE_OFF);
    later(now, every)
}

pub(super) async fn run_engagement_poll(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let now = engine.now();
    let at = next_engagement_poll(engine, now);
    if engine.poll_opens.is_none() || engine.ports.not_offered().crm {
        return finish::put_off(engine, job, at, "switched off".to_owned(), Vec::new()).await;
    }
    let mark = engine.store.setting(engagement::WATERMARK).await?;
    let mark = mark.and_then(|mark| serde_json::from_value::<Timestamp>(mark).ok());
    // The first look needs no past: an address that is learned is read whole.
    let mark = mark.unwrap_or(now).min(now).max(earlier(now, FARTHEST));
    let asked = engine.ports.addresses.moved(earlier(mark, OVERLAP));
    let mut ops = match engine.call(REREAD_CALL, asked).await {
        Ok(Some(moved)) => look_at(engine, moved, now).await?,
        Ok(None) => go_round(engine, now).await?,
        Err(error) if error.class == Class::Permanent => {
            tracing::warn!(%error, "the list of addresses can't be used; one by one instead");
            go_round(engine, now).await?
        }
        Err(error) => return Err(error.into()),
    };
    ops.push(Op::PutSetting {
        key: engagement::WATERMARK.to_owned(),
        value: json!(now),
    });
    finish::put_off(engine, job, at, "until the next look".to_owned(), ops).await
}

/// Queues a read for each watched contact among the addresses that moved.
async fn look_at(
    engine: &Engine,
    moved: Vec<Activity>,
    now: Timestamp,
) -> Result<Vec<Op>, EngineError> {
    let mut ops = learn_addresses(engine, now).await?;
    for activity in moved {
        let Some(latest) = activity.latest() else {
            continue;
        };
        for contact in engine.store.watched_at(&activity.address).await? {
            ops.extend(read_engagement(engine, &contact, Some(latest), now).await?);
        }
    }
    Ok(ops)
}

/// Learns where watched contacts are mailed. One seen for the first time, or at a new address,
/// is read whole: what moved there before was nobody's.
async fn learn_addresses(engine: &Engine, now: Timestamp) -> Result<Vec<Op>, EngineError> {
    let mut ops = Vec::new();
    let unlooked = engine
        .store
        .watched_unlooked(earlier(now, STALE), LEARNT)
        .await?;
    for known in unlooked {
        let asked = engine.ports.addresses.address(&known.contact);
        let Some(address) = one(engine, &known.contact, asked).await? else {
            // Refused for good: it must not stand before all others forever.
            ops.push(Op::PutWatched(WatchedContact {
                looked_at: Some(now),
                ..known
            }));
            continue;
        };
        if address.is_some() && address != known.address {
            ops.extend(read_engagement(engine, &known.contact, None, now).await?);
        }
        ops.push(Op::PutWatched(WatchedContact {
            address,
            looked_at: Some(now),
            ..known
        }));
    }
    Ok(ops)
}

/// Asks for the next few watched contacts one by one.
async fn go_round(engine: &Engine, now: Timestamp) -> Result<Vec<Op>, EngineError> {
    let cursor = engine.store.setting(engagement::CURSOR).await?;
    let cursor = cursor.and_then(|at| serde_json::from_value::<ContactId>(at).ok());
    let round = engine.store.watched(cursor.as_ref(), ROUND).await?;
    let mut ops = Vec::new();
    for watched in &round {
        let asked = engine.ports.addresses.activity(&watched.contact);
        let activity = one(engine, &watched.contact, asked).await?.flatten();
        if let Some(latest) = activity.and_then(|activity| activity.latest()) {
            ops.extend(read_engagement(engine, &watched.contact, Some(latest), now).await?);
        }
    }
    // A short round was the last: the next begins anew.
    let whole = round.len() == ROUND as usize;
    let last = round.last().filter(|_| whole);
    ops.push(Op::PutSetting {
        key: engagement::CURSOR.to_owned(),
        value: json!(last.map(|watched| &watched.contact)),
    });
    Ok(ops)
}

/// The answer about one contact; `None` if the CRM refuses it for good, which must not stop
/// the others.
async fn one<T>(
    engine: &Engine,
    contact: &ContactId,
    asked: impl Future<Output = Result<T, CallError>>,
) -> Result<Option<T>, EngineError> {
    match engine.call(REREAD_CALL, asked).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.class == Class::Permanent => {
            tracing::warn!(%contact, %error, "can't be looked at");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Queues a read of a contact's history. The same movement seen twice is one job.
async fn read_engagement(
    engine: &Engine,
    contact: &ContactId,
    moved_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Op>, EngineError> {
    let clients = engine.store.clients_of(contact).await?;
    let Some(client) = clients.into_iter().next() else {
        return Ok(None);
    };
    let mark = moved_at.unwrap_or(now).as_microsecond();
    let what = if moved_at.is_some() { "moved" } else { "first" };
    Ok(Some(Op::Enqueue {
        job: NewJob {
            id: JobId::new(engine.random.as_ref(), now),
            key: format!("engagement/{contact}/{what}/{mark}"),
            kind: "engagement_read".to_owned(),
            lane: client.to_string(),
            run_at: now,
            client: Some(client),
            case: None,
            payload: json!({ "contact": contact, "moved_at": moved_at, "queued_at": now }),
        },
        existing: Existing::Keep,
    }))
}

pub(super) async fn run_engagement_read(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    if engine.ports.not_offered().crm {
        let why = "no CRM is switched on".to_owned();
        return finish::end(engine, job, JobEnd::Cancelled { why }, Vec::new()).await;
    }
    let contact: ContactId = member(job, "contact")?;
    let moved_at: Option<Timestamp> = member(job, "moved_at")?;
    let queued_at: Timestamp = member(job, "queued_at")?;
    let now = engine.now();
    let since = earlier(now, MAIL_WINDOW);
    let known = engine.store.engagement(&contact, since).await?;
    let history = engine
        .call(REREAD_CALL, engine.ports.mail.history(&contact, since))
        .await?;
    let shown: Vec<EngagementEvent> = history
        .iter()
        .flat_map(|mail| EngagementEvent::shown_by(mail, EngagementSource::Poll, now))
        .collect();
    let mut ops = Vec::new();
    let news: Vec<_> = shown
        .iter()
        .filter(|event| engagement::is_news(event, &known))
        .collect();
    for client in engine.store.clients_of(&contact).await? {
        let mut stepping = stepper::stepping(engine, &client).await?;
        for event in &news {
            stepping.fact(engagement::engaged(&client, &contact, event), None);
        }
        ops.extend(stepping.into_ops());
    }
    ops.extend(engagement::put_all(&contact, news.iter().copied()));
    let caught_up = moved_at.is_none_or(|moved| {
        let second = SignedDuration::from_secs(1);
        shown.iter().any(|event| event.at >= earlier(moved, second))
    });
    if !caught_up && now.duration_since(queued_at) < LAG {
        let at = later(queued_at, LAG).max(now);
        let why = "the history does not show it yet".to_owned();
        return finish::put_off(engine, job, at, why, ops).await;
    }
    ops.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: now,
    });
    engine.commit(REREAD_COMMIT, ops).await?;
    Ok(())
}
