//! What the past says of a missed check-in: an earlier case about it, or that it was overdue before the
//! relay was switched on ("off means off", E31).
//!
//! Rules:
//! - What nobody may decide but a person is listed for her, in one item for a check-in, ever: who has
//!   dismissed it is not asked again, and nothing is sent until she releases it.
//! - Her release is the settled item. The job that carries it out may be renewed by an event in between;
//!   the item says what she wanted until a case about the check-in has opened.

use relay_core::calendar::Calendar;
use relay_core::case::Case;
use relay_core::clients::CheckIn;
use relay_core::ids::{CheckInId, ClientId};
use relay_core::time::{Date, Timestamp};
use relay_core::work_kinds;
use relay_core::workflows::missed_check_in::{Again, Closing, NAME, State};
use relay_store::{CaseFilter, Existing, Job, JobEnd, Op, Page, WorkItem, WorkSettled};
use serde_json::json;

use crate::engine::{Engine, EngineError, finish, items};

/// Cases of a client that are looked through for one about a check-in.
const CASES: Page = Page {
    offset: 0,
    limit: 200,
};

/// What an earlier case about a check-in says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlierCase {
    /// There is no case about it.
    Nothing,
    /// One was closed for a reason after which another may open.
    Reopening {
        /// The reason.
        why: Closing,
        /// When it was opened.
        opened_at: Timestamp,
    },
    /// One is open.
    Open,
    /// One was closed for good.
    Final,
    /// One was closed, and why is not known: an earlier version did not keep it, or it can't be read.
    NotKept {
        /// When it was opened.
        opened_at: Timestamp,
    },
}

/// Whether a check-in was overdue before the procedure was switched on ("off means off", E31). One that
/// had a case since then is none: a person had released it.
pub(crate) async fn is_backlog(
    engine: &Engine,
    earlier: &EarlierCase,
    due: Date,
) -> Result<bool, EngineError> {
    let Some(workflow) = engine.registry.named(NAME) else {
        return Ok(false);
    };
    let since = engine
        .registry
        .switched_on(engine.store.as_ref(), workflow.as_ref())
        .await?;
    let had_a_case = |since| match earlier {
        EarlierCase::Reopening { opened_at, .. } => *opened_at >= since,
        _ => false,
    };
    Ok(since.is_some_and(|since| due < engine.calendar.date_of(since) && !had_a_case(since)))
}

/// The item that lists a check-in for a person, open or settled.
pub(crate) async fn backlog_item(
    engine: &Engine,
    client: &ClientId,
    check_in: &CheckInId,
) -> Result<Option<WorkItem>, EngineError> {
    let key = backlog_key(client, check_in);
    Ok(engine.store.work_by_key(&key).await?)
}

/// What cases of the past say of a check-in at its present due date.
pub(crate) async fn earlier_case(
    engine: &Engine,
    client: &ClientId,
    listed: &CheckIn,
) -> Result<EarlierCase, EngineError> {
    let filter = CaseFilter {
        client: Some(client.clone()),
        procedure: Some(NAME.to_owned()),
        closed: true,
    };
    let cases = engine.store.cases(&filter, CASES).await?;
    if cases.iter().any(|case| !case.status.is_closed()) {
        return Ok(EarlierCase::Open);
    }
    let about = cases
        .iter()
        .filter_map(|case| closed_about(case, &listed.id, listed.due, &engine.calendar));
    // The newest says it.
    Ok(about.into_iter().next().unwrap_or(EarlierCase::Nothing))
}

/// Lists a check-in that was overdue before switching on; nothing is sent until a person
/// releases it.
pub(crate) async fn list_backlog(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    listed: &CheckIn,
) -> Result<(), EngineError> {
    let title = format!(
        "Check-in of client {client} was due on {}, before the follow-up was switched on",
        listed.due
    );
    let why = "overdue before the follow-up was switched on: listed, not messaged";
    list_for_a_person(engine, job, client, listed, title, why).await
}

/// Lists a check-in whose case was closed for a reason that is not known: an earlier version did not
/// keep it, or what it kept can't be read.
pub(crate) async fn list_closed(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    listed: &CheckIn,
) -> Result<(), EngineError> {
    let title = format!(
        "Check-in of client {client}, due {}, is still missing though its case was closed",
        listed.due
    );
    let why = "its case was closed, and why is not known: listed, not messaged";
    list_for_a_person(engine, job, client, listed, title, why).await
}

/// One item for a check-in, ever: who has dismissed it is not asked again.
async fn list_for_a_person(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    listed: &CheckIn,
    title: String,
    why: &str,
) -> Result<(), EngineError> {
    let mut item = items::item(
        engine,
        backlog_key(client, &listed.id),
        work_kinds::BACKLOG,
        title,
    );
    item.owner.clone_from(&engine.people.program_manager);
    item.detail = json!({ "client": client, "check_in": listed.id, "due": listed.due,
                          "job": job.id, "reason": why,
                          "release": "she is followed up from now on",
                          "dismiss": "nothing goes out about it, and it is not asked about again" });
    item.actions = vec!["release".to_owned(), "dismiss".to_owned()];
    item.client = Some(client.clone());
    let mut ops = known_again(engine, client);
    if backlog_item(engine, client, &listed.id).await?.is_none() {
        ops.extend(items::open_work_ops(engine, item, engine.now()));
    }
    let why = why.to_owned();
    finish::end(engine, job, JobEnd::Cancelled { why }, ops).await
}

/// Settles the item about a check-in whose case a person has opened.
pub(crate) fn opened_by(engine: &Engine, client: &ClientId, listed: &CheckIn, by: &str) -> Op {
    Op::SettleWorkByKey {
        dedupe_key: backlog_key(client, &listed.id),
        settled: WorkSettled {
            at: engine.now(),
            by: by.to_owned(),
            action: "release".to_owned(),
        },
    }
}

/// The key of the item that lists a check-in for a person.
fn backlog_key(client: &ClientId, check_in: &CheckInId) -> String {
    format!("backlog/{client}/{check_in}")
}

/// Whether a person has released what an item lists, and no case about it has opened since: none, or
/// one that was opened before.
pub(crate) fn is_released(item: Option<&WorkItem>, earlier: &EarlierCase) -> bool {
    let settled = item.and_then(|item| item.settled.as_ref());
    let Some(settled) = settled.filter(|settled| settled.action == "release") else {
        return false;
    };
    match earlier {
        EarlierCase::NotKept { opened_at } | EarlierCase::Reopening { opened_at, .. } => {
            *opened_at < settled.at
        }
        EarlierCase::Nothing | EarlierCase::Open | EarlierCase::Final => true,
    }
}

/// What a closed case says of a check-in at a due date, if it was about that.
fn closed_about(
    case: &Case,
    check_in: &CheckInId,
    due: Date,
    calendar: &Calendar,
) -> Option<EarlierCase> {
    let not_kept = EarlierCase::NotKept {
        opened_at: case.opened_at,
    };
    let Ok(state) = serde_json::from_value::<State>(case.data.clone()) else {
        // Whatever it was about: a person looks. It was about nothing that was missed after it ended.
        let ended = calendar.date_of(case.changed_at);
        return (due < ended).then_some(not_kept);
    };
    if state.check_in != *check_in || state.due != due {
        return None;
    }
    let Some(why) = state.closed else {
        return Some(not_kept);
    };
    Some(match why.again() {
        Again::Final => EarlierCase::Final,
        Again::Reopening => EarlierCase::Reopening {
            why,
            opened_at: case.opened_at,
        },
    })
}

/// The operation that looks at a listed check-in again, now released by a person.
pub(crate) fn release(job: &Job, now: Timestamp) -> Op {
    let mut payload = job.payload.clone();
    payload["released"] = json!(true);
    Op::Enqueue {
        job: relay_store::NewJob {
            id: job.id,
            key: job.key.clone(),
            kind: job.kind.clone(),
            lane: job.lane.clone(),
            run_at: now,
            client: job.client.clone(),
            case: None,
            payload,
        },
        existing: Existing::Reschedule,
    }
}

/// The portal knows the client: what a person was told of that is settled.
pub(crate) fn known_again(engine: &Engine, client: &ClientId) -> Vec<Op> {
    vec![Op::SettleWorkByKey {
        dedupe_key: nobody_key(client),
        settled: WorkSettled {
            at: engine.now(),
            by: "relay".to_owned(),
            action: "the portal knows her again".to_owned(),
        },
    }]
}

pub(crate) fn nobody_key(client: &ClientId) -> String {
    format!("unknown_client/{client}")
}

/// The class under which a check-in is remembered that the portal did not list.
pub(crate) const NOT_LISTED: &str = "not_listed";
