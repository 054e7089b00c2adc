//! A check-in's day has passed: is it really missing?
//!
//! No answer of one moment decides for good that a client is not followed up. The look ends for good
//! only where the portal shows the check-in as submitted or withdrawn, or twice did not list it, where it
//! opened a case or found one, where it is listed in an item for a person, where the procedure refuses it for
//! good, or where a case about this check-in at this due date was closed for a *final* reason; and if the portal goes
//! on listing the check-in as open, the daily reconcile wakes it even then. Everything else is put off to a date, and
//! told to a person where a person can help:
//!
//! | the portal | next look | told |
//! |---|---|---|
//! | does not know the client | in an hour; from the next day on, the next day | from the next day on |
//! | does not list the check-in | in an hour; then it counts as gone | – |
//! | gives a later due date | when that has passed | – |
//! | is a list that was not told since the day passed | in an hour | an admin, after some days |
//! | shows a later check-in as submitted, in place of this one (E7) | the next day | – |
//! | says *on a break until* a day | the next day, so that an end told early counts | – |
//! | says *on a break* | the next day | the coach, once a week |
//! | says *in person*, *quit*, *graduated*, *maintenance* | the next day | – |
//! | says *online*, and the contact type in the CRM *In-Person* | the next day | – |
//! | says *transition call only*, and the coach was told of the call | the next day | – |
//! | gives a status word that we don't know | the next day | an admin, once a week for each word |

use relay_core::clients::{CheckIn, ClientSnapshot, ClientStatus, Records};
use relay_core::effects::Port;
use relay_core::ids::{CheckInId, ClientId, CoachId};
use relay_core::rate_limit::Priority;
use relay_core::scripts::date_words;
use relay_core::time::{Date, SignedDuration, Timestamp, later};
use relay_core::work_kinds;
use relay_core::workflow::{NotOpened, Recheck};
use relay_core::workflows::missed_check_in::Closing;
use relay_store::{Job, JobEnd, JobError, Op, WorkItem};
use serde_json::json;

use crate::engine::finish::{fence, member, missing};
use crate::engine::job_kinds::{Asks, Cancelling, Death, JobSpec};
use crate::engine::sync::backlog::{EarlierCase, is_released};
use crate::engine::sync::opening::{Opening, TYPE_UNREADABLE, later_submitted};
use crate::engine::sync::{backlog, list_silence, opening};
use crate::engine::{Engine, EngineError, clock, days, finish, inbox, items, watch};
use crate::failpoint::{MISSED_COMMIT, MISSED_READ};

/// How many days before its known date a check-in is looked for.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 30);

/// When a portal that does not know a client, or a check-in, is asked again on the same day.
const SOON: SignedDuration = SignedDuration::from_hours(1);

/// The row of this kind.
pub(super) const SPEC: JobSpec = JobSpec {
    schedule: None,
    asks: Asks::Of(Priority::Normal, &[Port::Portal]),
    lost: |_| "It could not be looked up whether a check-in was missed".to_owned(),
    death: Death::IsToldOnly,
    cancelling: Cancelling::Never {
        instead: "it looks whether this client missed her check-in, and nobody else does: withdraw the \
                  check-in where it is told, or let it look and close the case (`clear-relay cases close \
                  CASE --by NAME --reason TEXT`)",
    },
    run: |engine, job| Box::pin(run_missed_check(engine, job)),
};

pub(super) async fn run_missed_check(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let check_in: CheckInId = member(job, "check_in")?;
    let due: Date = member(job, "due")?;
    let client = job
        .client
        .clone()
        .ok_or_else(|| missing("missed check", "the job names no client"))?;
    // A date may have moved back without a word.
    let since = due.saturating_sub(LOOK_BACK);
    let snapshot = engine
        .call(MISSED_READ, engine.ports.portal.client(&client))
        .await?;
    let Some(snapshot) = snapshot else {
        return nobody_by_that_id(engine, job, &client).await;
    };
    let listed = engine
        .call(MISSED_READ, engine.ports.portal.check_ins(&client, since))
        .await?;
    let later = later_submitted(&listed);
    let Some(listed) = listed.into_iter().find(|listed| listed.id == check_in) else {
        return not_listed(engine, job, &client, &check_in).await;
    };
    if listed.submitted_at.is_some() {
        return over(engine, job, &client, "the check-in was submitted").await;
    }
    if listed.withdrawn {
        return over(engine, job, &client, "the check-in was withdrawn").await;
    }
    if let Some(apart) = clock::clocks_apart(engine).await? {
        return clock::wait_for_clock(engine, job, &apart, Vec::new()).await;
    }
    let at = watch::missed_from(engine, listed.due, listed.due_at);
    if at > engine.now() {
        let why = format!("the due date moved to {}", listed.due);
        return finish::put_off(engine, job, at, why, backlog::known_again(engine, &client)).await;
    }
    let unheard = match list_silence::unheard(engine, &client).await? {
        None => list_silence::unheard_since(engine, at).await?,
        unheard => unheard,
    };
    if let Some((again, why)) = unheard {
        return finish::put_off(
            engine,
            job,
            again,
            why,
            backlog::known_again(engine, &client),
        )
        .await;
    }
    if later.is_some_and(|later| later > listed.due) {
        let at = days::tomorrow(engine, engine.now());
        let why = "superseded: a later check-in was submitted".to_owned();
        return finish::put_off(engine, job, at, why, backlog::known_again(engine, &client)).await;
    }
    // A person's release stands although an event has renewed the job since.
    let earlier = backlog::earlier_case(engine, &client, &listed).await?;
    let item = backlog::backlog_item(engine, &client, &check_in).await?;
    let released = job.payload.get("released").is_some()
        || (earlier != EarlierCase::Final && is_released(item.as_ref(), &earlier));
    if !released && backlog::is_backlog(engine, &earlier, listed.due).await? {
        return backlog::list_backlog(engine, job, &client, &listed).await;
    }
    match earlier {
        EarlierCase::Final if !released => {
            let why = format!(
                "its case was closed for good; `clear-relay cases open {client} --by NAME` opens \
                 another"
            );
            return over(engine, job, &client, &why).await;
        }
        EarlierCase::NotKept { .. } if !released => {
            return backlog::list_closed(engine, job, &client, &listed).await;
        }
        // The coach was told of the call, once (A23).
        EarlierCase::Reopening {
            why: Closing::TransitionCall,
            ..
        } if snapshot.status == ClientStatus::TransitionCallOnly => {
            let at = days::tomorrow(engine, engine.now());
            let why = "only the transition call is open, and her coach was told".to_owned();
            return finish::put_off(engine, job, at, why, backlog::known_again(engine, &client))
                .await;
        }
        EarlierCase::Nothing
        | EarlierCase::Open
        | EarlierCase::Final
        | EarlierCase::NotKept { .. }
        | EarlierCase::Reopening { .. } => {}
    }
    open_or_look_again(engine, job, &client, listed, snapshot).await
}

/// Opens a case, or attaches the check-in to the one that is open; else puts the next look on a
/// date.
async fn open_or_look_again(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    listed: CheckIn,
    snapshot: ClientSnapshot,
) -> Result<(), EngineError> {
    let mut stepping = match opening::opening(engine, client, &listed, &snapshot).await? {
        Opening::Opens(stepping) => stepping,
        Opening::Refused { why, learned } => {
            return look_again(engine, job, &listed, &snapshot, why, learned).await;
        }
        Opening::NoField { why } => return without_field(engine, job, client, &why).await,
    };
    for op in backlog::known_again(engine, client) {
        stepping.push(op);
    }
    stepping.push(Op::FinishJob {
        fence: fence(job),
        end: JobEnd::Done,
        at: engine.now(),
    });
    engine.commit(MISSED_COMMIT, stepping.into_ops()).await?;
    tracing::info!(job = %job.id, %client, "a check-in was missed");
    Ok(())
}

/// No case was opened, for now.
async fn look_again(
    engine: &Engine,
    job: &Job,
    listed: &CheckIn,
    client: &ClientSnapshot,
    refused: NotOpened,
    learned: Vec<Op>,
) -> Result<(), EngineError> {
    let now = engine.now();
    let NotOpened { reason, recheck } = refused;
    let mut ops = learned;
    ops.extend(backlog::known_again(engine, &client.id));
    match recheck {
        Recheck::Never => return over(engine, job, &client.id, &reason).await,
        Recheck::WhileStatus | Recheck::WhileContactType | Recheck::AfterBreak(Some(_)) => {}
        Recheck::AfterBreak(None) => {
            ops.extend(opening::tell(engine, break_item(engine, listed, client)).await?);
            let what = format!("break/{}", listed.id);
            ops.extend(inbox::changed(engine, &client.id, &what));
        }
        Recheck::UnknownWord(word) => {
            ops.extend(opening::tell(engine, word_item(engine, &word)).await?);
        }
    }
    let at = days::tomorrow(engine, now);
    let why = format!("not followed up for now: {reason}");
    tracing::info!(job = %job.id, client = %client.id, reason, "looked at again tomorrow");
    finish::put_off(engine, job, at, why, ops).await
}

/// Nobody's contact type can be read: told once for all, and looked at again until it can.
async fn without_field(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    why: &str,
) -> Result<(), EngineError> {
    let mut ops = backlog::known_again(engine, client);
    ops.extend(opening::no_field_ops(engine, why).await?);
    let at = soon(engine.now());
    finish::put_off(engine, job, at, TYPE_UNREADABLE.to_owned(), ops).await
}

/// The look has come to its end.
async fn over(engine: &Engine, job: &Job, client: &ClientId, why: &str) -> Result<(), EngineError> {
    let why = why.to_owned();
    finish::end(
        engine,
        job,
        JobEnd::Cancelled { why },
        backlog::known_again(engine, client),
    )
    .await
}

/// The portal answers that it knows no such client: perhaps for a moment.
async fn nobody_by_that_id(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
) -> Result<(), EngineError> {
    let now = engine.now();
    let since = job.failing_since.unwrap_or(now);
    let second_day = engine.calendar.date_of(since) < engine.calendar.date_of(now);
    let mut ops = Vec::new();
    if second_day {
        ops = opening::tell(engine, nobody_item(engine, client, job)).await?;
    }
    let at = if second_day {
        days::tomorrow(engine, now)
    } else {
        soon(now).min(days::tomorrow(engine, now))
    };
    let records = engine.ports.records().words();
    let error = JobError::new("permanent", format!("{records} knows no such client"));
    finish::end(engine, job, JobEnd::again(at, error), ops).await
}

/// The portal knows the client and does not list the check-in: believed when it says so twice.
async fn not_listed(
    engine: &Engine,
    job: &Job,
    client: &ClientId,
    check_in: &CheckInId,
) -> Result<(), EngineError> {
    let now = engine.now();
    tracing::info!(job = %job.id, %client, %check_in, "not listed any more");
    let records = engine.ports.records().words();
    let seen_before = job
        .last_error
        .as_ref()
        .is_some_and(|error| error.class == backlog::NOT_LISTED && job.failures > 0);
    if seen_before {
        let why = format!("{records} no longer lists this check-in");
        return over(engine, job, client, &why).await;
    }
    let error = JobError::new(
        backlog::NOT_LISTED,
        format!("{records} does not list this check-in"),
    );
    let end = JobEnd::again(soon(now), error);
    finish::end(engine, job, end, backlog::known_again(engine, client)).await
}

fn nobody_item(engine: &Engine, client: &ClientId, job: &Job) -> WorkItem {
    let records = engine.ports.records();
    let title = format!(
        "{} does not know client {client}, who has a check-in overdue",
        records.begins()
    );
    let mut item = items::item(
        engine,
        backlog::nobody_key(client),
        work_kinds::UNKNOWN_CLIENT,
        title,
    );
    item.detail = json!({ "client": client, "job": job.id,
        "remedy": match records {
            Records::Portal => {
                "look her up in the portal: if she is there, tell the portal's people that it answers 404; if she \
                 is gone, settle this. The relay looks again every day"
            }
            Records::List => {
                "no line of the clinic's list has said who she is: write one with her `first_name`, and what else is \
                 known of her; if the check-in is a mistake, one with `withdrawn` yes. The relay looks again every day"
            }
            Records::Crm => {
                "look her up in the CRM: if she is gone, settle this. The relay looks again every day"
            }
        } });
    item.actions = vec!["done".to_owned()];
    item.client = Some(client.clone());
    item
}

fn break_item(engine: &Engine, listed: &CheckIn, client: &ClientSnapshot) -> WorkItem {
    let who = client.short_name().unwrap_or_else(|| client.id.to_string());
    let title = format!(
        "{who}: on an agreed break without an end, and the check-in due {} is missing",
        date_words(listed.due)
    );
    let key = format!("break/{}/{}", client.id, listed.id);
    let mut item = items::item(engine, key, work_kinds::OPEN_BREAK, title);
    item.owner = client
        .coach
        .as_ref()
        .map_or_else(|| engine.people.program_manager.clone(), CoachId::to_string);
    item.detail = json!({ "client": client.id, "check_in": listed.id, "due": listed.due,
        "remedy": format!("enter the last day of the break in {}, or set the client online there when the break is \
                           over: the follow-up begins by itself", engine.ports.records().words()) });
    item.actions = vec!["done".to_owned()];
    item.client = Some(client.id.clone());
    item
}

fn word_item(engine: &Engine, word: &str) -> WorkItem {
    // What comes from outside is one short line.
    let word: String = word.chars().filter(|c| !c.is_control()).take(60).collect();
    let records = engine.ports.records();
    let title = format!(
        "{} calls clients {word:?}: the relay does not know that status",
        records.begins()
    );
    let mut item = items::item(
        engine,
        format!("status_word/{word}"),
        work_kinds::STATUS_WORD,
        title,
    );
    item.detail = json!({ "word": word,
        "remedy": format!("nobody with this status is followed up. If {} means one of online, \
                           in_person, on_break, quit, graduated, maintenance, transition_call_only, have it say so; \
                           if the word is new, update the relay. Each client is looked at again every day",
                          records.words()) });
    item.actions = vec!["done".to_owned()];
    item
}

fn soon(now: Timestamp) -> Timestamp {
    later(now, SOON)
}
