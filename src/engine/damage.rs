//! Rows that can't be read: out of the way, and told to an admin.
//!
//! People: the *store* notices what can't be read, wherever somebody meets it; the *worker* has such
//! rows set aside and told, a work item for each row; a *person* has them mended or taken out
//! (`clear-relay database`).
//!
//! Rules:
//! - Nobody else waits for a row. What is listed goes on without it; a job that can't be read is dead by
//!   its columns, a webhook quarantined.
//! - Nothing is decided without it either. A job that needs it waits, so that it goes on by itself once
//!   the row is mended; a webhook about its client stays unread, and with it what comes later about
//!   her.
//! - What stood in the row is never shown: it may be anybody's health.

use relay_core::time::{SignedDuration, Timestamp, later};
use relay_core::work_kinds;
use relay_store::{Damage, Job, JobEnd, Op, Remedied, Remedy, RemedyOrder, StoreError};
use serde_json::json;

use crate::engine::{Engine, EngineError, RELAY, finish, items, periodic};
use crate::failpoint::SETTLE;
use crate::settings;

/// How long a job waits that needs a row which can't be read, until it looks again.
const UNMENDED: SignedDuration = SignedDuration::from_mins(5);

/// How often a serving relay reads its file through, real time.
const LOOK_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// The setting that says when it did last.
const LOOKED_AT: &str = "file/looked_at";

/// The work item about a row.
pub(crate) fn damage_key(damage: &Damage) -> String {
    format!("damage/{}/{}", damage.table, damage.row)
}

/// Reads what a start stands on, so that what can't be read of it is out of the way before anybody
/// needs it: the relay's words to itself, the vendors' rate limiters, its own jobs.
pub(crate) async fn look_at_own_rows(engine: &Engine) -> Result<(), EngineError> {
    engine.store.nameless_settings().await?;
    engine.store.settings("").await?;
    engine.store.limiter_states().await?;
    engine.store.all_incidents().await?;
    for kind in periodic::kinds(engine) {
        match engine.store.job_by_key(kind.name()).await {
            // Noticed is all that it is asked for.
            Ok(_) | Err(StoreError::Corrupt(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    tell_damage(engine).await
}

/// Sets aside what was met since the last time, and tells an admin.
pub(crate) async fn tell_damage(engine: &Engine) -> Result<(), EngineError> {
    let noticed = engine.store.noticed();
    for damage in &noticed {
        let order = RemedyOrder {
            damage: damage.clone(),
            remedy: Remedy::SetAside,
            by: RELAY.to_owned(),
            now: engine.now(),
            dry_run: false,
        };
        let done = engine.store.remedy(&order).await?;
        engine
            .commit(SETTLE, damage_item_ops(engine, damage, &done))
            .await?;
        engine.store.told(damage);
    }
    // One of the relay's own may have gone with its row.
    if noticed.iter().any(|damage| damage.table == "jobs") {
        engine
            .commit(SETTLE, periodic::periodic_jobs(engine))
            .await?;
    }
    Ok(())
}

/// Reads the whole file through, unless that was done within the day, by this process or an earlier
/// one; how long it is until the next time.
pub async fn look_through_file_daily(engine: &Engine) -> Result<SignedDuration, EngineError> {
    let now = engine.clocks.real.now();
    let last = settings::setting_or_none(engine.store.as_ref(), LOOKED_AT).await?;
    let last: Option<Timestamp> = last.and_then(|last| serde_json::from_value(last).ok());
    // One from the future was kept by a clock that ran ahead, and says nothing.
    let since = last.map(|last| now.duration_since(last));
    if let Some(since) = since.filter(|since| (SignedDuration::ZERO..LOOK_EVERY).contains(since)) {
        return Ok(LOOK_EVERY - since);
    }
    look_through_file(engine).await?;
    let op = Op::PutSetting {
        key: LOOKED_AT.to_owned(),
        value: json!(now),
    };
    engine.commit(SETTLE, vec![op]).await?;
    Ok(LOOK_EVERY)
}

/// Reads the whole file through, and tells an admin what is damaged in it.
async fn look_through_file(engine: &Engine) -> Result<(), EngineError> {
    engine.store.check_rows().await?;
    tell_damage(engine).await?;
    let Some(damage) = engine.store.check_pages().await? else {
        return Ok(());
    };
    tracing::error!(damage, "the database file is damaged");
    let title = "The database file is damaged: bring back a copy".to_owned();
    let mut item = items::item(engine, "damage/file".to_owned(), work_kinds::DAMAGE, title);
    item.detail = json!({
        "damage": damage,
        "remedy": "stop the relay, then clear-relay restore FILE --by NAME --dry-run",
    });
    item.actions = vec!["done".to_owned()];
    engine
        .commit(SETTLE, items::open_work_ops(engine, item, engine.now()))
        .await?;
    Ok(())
}

fn damage_item_ops(engine: &Engine, damage: &Damage, done: &Remedied) -> Vec<Op> {
    let Damage { table, row, column } = damage;
    let title = format!("The database can't read row {row} of {table} any more");
    let mut item = items::item(engine, damage_key(damage), work_kinds::DAMAGE, title);
    let remedy = match done {
        Remedied::Mended(_) | Remedied::Discarded => {
            "the relay goes on without what stood there; see that the disk is well".to_owned()
        }
        Remedied::Nothing | Remedied::SetAside => {
            format!(
                "clear-relay database mend {table} {} --by NAME --dry-run",
                quoted(row)
            )
        }
    };
    item.detail = json!({ "table": table, "row": row, "column": column,
                          "meaning": meaning(table), "remedy": remedy });
    item.actions = vec!["done".to_owned()];
    items::open_work_ops(engine, item, engine.now())
}

/// Puts a job off that needs a row which can't be read.
pub(crate) async fn wait_for_mending(
    engine: &Engine,
    job: &Job,
    damage: &Damage,
) -> Result<(), EngineError> {
    let end = JobEnd::snooze(
        later(engine.now(), UNMENDED),
        format!("{damage} can't be read; see `clear-relay database check`"),
    );
    finish::end(engine, job, end, Vec::new()).await
}

/// The row that could not be read, if that is what went wrong.
pub(crate) fn unreadable(error: &EngineError) -> Option<&Damage> {
    match error {
        EngineError::Store(StoreError::Corrupt(damage)) => Some(damage),
        _ => None,
    }
}

/// What a row of this table that can't be read means for the clinic.
pub(crate) fn meaning(table: &str) -> &'static str {
    match table {
        "receipts" => "a webhook that came in; it is kept, and not acted on until it is mended",
        "facts" => "what is known of a client; nothing is decided about her until it is mended",
        "cases" => "the follow-up of a client; it stands still until it is mended",
        "timeline" => "a line of a follow-up's history; nothing waits for it",
        "effects" | "intents" => {
            "something sent or to be sent for a client; nothing more goes out in her follow-up \
             until it is mended"
        }
        "jobs" => "a piece of queued work; it does not run until it is mended",
        "attempts" => "a past try of a job; nothing waits for it",
        "work_items" => "something a person was asked to do; mended, it is in the list again",
        "links" => "which contact a client is; nothing goes out for her until she is linked again",
        "coaches" => "a coach; what needs her name waits until the portal has told it again",
        "settings" => {
            "a word of the relay about itself; if it is `outreach`, outreach counts as stopped"
        }
        "procedures" => "an earlier version of a procedure; cases on it stand still",
        "audit" => "a line of who did what; nothing waits for it",
        "credentials" => "how the relay is let in by a vendor; connect it again",
        "authorizations" => "a connection that somebody has begun; begin it again",
        "pace" => "how much a vendor may be asked; it starts anew",
        "incidents" => {
            "what many cases meet at a vendor; it is noticed anew, and what waits goes on by itself"
        }
        "engagement" => "an open or click; the next decision about the client waits",
        "watched_addresses" => "which address a contact has; it is looked up anew",
        "damaged" => "what an earlier damaged row looked like; nothing waits for it",
        _ => "nothing this program knows",
    }
}

/// A row's name as a shell takes it.
fn quoted(row: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:".contains(letter);
    if !row.is_empty() && row.chars().all(plain) {
        row.to_owned()
    } else {
        format!("'{}'", row.replace('\'', "'\\''"))
    }
}
