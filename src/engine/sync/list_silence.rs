//! A list of check-ins that says nothing any more: it may not know who has checked in.
//!
//! Where the clinic itself tells who is expected, a file that nobody exports any more looks as if nobody had
//! checked in. So a check-in counts as missed only once the list was told after its day ([`unheard_since`]),
//! nothing goes out to a client on a list that has said nothing since the day before, and an admin is asked once
//! nothing was told for some days (`check_ins.silent_after_days`), at once where nothing was told yet. The item
//! closes itself after the next delivery. What waits is looked at again every hour.
//!
//! Not guaranteed: that what is told is whole. A file with half the clients in it is news like any other.

use std::collections::BTreeSet;

use relay_core::ids::ClientId;
use relay_core::scripts::date_words;
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_core::work_kinds;
use relay_store::{Op, WorkSettled};
use serde_json::json;

use crate::engine::{Engine, EngineError, RELAY, days, items};
use crate::settings::setting_or_none;

/// The kind of the item, and its key.
const ITEM: &str = work_kinds::LIST_SILENT;

/// When what waits for the list is looked at again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// The setting that holds when a list last told something.
const TOLD_AT: &str = "check_in_list/told_at";

/// A list was read that was so at `at`. An older one that comes late, or has waited, makes no later one forgotten, and
/// knows nothing of what has been since.
pub(crate) async fn told(engine: &Engine, at: Timestamp) -> Result<Option<Op>, EngineError> {
    let before = told_at(engine).await?;
    let later = before.is_none_or(|before| before < at);
    Ok(later.then(|| Op::PutSetting {
        key: TOLD_AT.to_owned(),
        value: json!(at),
    }))
}

/// When a list last told something.
pub(crate) async fn told_at(engine: &Engine) -> Result<Option<Timestamp>, EngineError> {
    let told = setting_or_none(engine.store.as_ref(), TOLD_AT).await?;
    Ok(told.and_then(|at| serde_json::from_value(at).ok()))
}

/// Since when the list has said nothing, where it has to have been told at or after `needed`: the wait, and why.
pub(crate) async fn unheard_since(
    engine: &Engine,
    needed: Timestamp,
) -> Result<Option<(Timestamp, String)>, EngineError> {
    if engine.list_silence.is_none() {
        return Ok(None);
    }
    let told = told_at(engine).await?;
    if told.is_some_and(|told| told >= needed) {
        return Ok(None);
    }
    let again = later(engine.now(), LOOK_AGAIN);
    let why = match told {
        Some(told) => {
            let day = date_words(engine.calendar.date_of(told));
            format!("the list of check-ins has told nothing since {day}: she may have checked in")
        }
        None => "the list of check-ins has told nothing yet".to_owned(),
    };
    Ok(Some((again, why)))
}

/// The beginning of the settings that hold of whom a row was left out last, and when.
const UNREAD: &str = "check_in_list/unread/";

/// A list was read whose rows about `left_out` can't be read, and those about `told` can.
pub(crate) async fn unread_ops(
    engine: &Engine,
    left_out: &[ClientId],
    told: &BTreeSet<ClientId>,
    now: Timestamp,
) -> Result<Vec<Op>, EngineError> {
    let put = |client: &str, value: serde_json::Value| Op::PutSetting {
        key: format!("{UNREAD}{client}"),
        value,
    };
    let known = engine.store.settings(UNREAD).await?;
    let read_again = known.iter().filter(|(_, at)| !at.is_null());
    let read_again = read_again
        .filter_map(|(key, _)| key.strip_prefix(UNREAD))
        .filter(|client| told.contains(&ClientId::from(*client)))
        .map(|client| put(client, serde_json::Value::Null));
    // After those: of whom one row can be read and another can't, not all is known.
    let left_out = left_out
        .iter()
        .map(|client| put(client.as_str(), json!(now)));
    Ok(read_again.chain(left_out).collect())
}

/// The same, before something is said to or of a client: since the day before, and not while a row about her
/// can't be read.
pub(crate) async fn unheard(
    engine: &Engine,
    client: &ClientId,
) -> Result<Option<(Timestamp, String)>, EngineError> {
    let unread = setting_or_none(engine.store.as_ref(), &format!("{UNREAD}{client}")).await?;
    if engine.list_silence.is_some() && unread.is_some_and(|at| !at.is_null()) {
        let again = later(engine.now(), LOOK_AGAIN);
        let why = "what the list of check-ins says of her can't be read: she may have checked in";
        return Ok(Some((again, why.to_owned())));
    }
    let today = engine.calendar.date_of(engine.now());
    let yesterday = today.yesterday().unwrap_or(today);
    unheard_since(engine, days::start_of(engine, yesterday)).await
}

/// The question where the list has gone, or its end.
pub(crate) async fn silence_ops(engine: &Engine) -> Result<Vec<Op>, EngineError> {
    let Some(longest) = engine.list_silence else {
        return Ok(Vec::new());
    };
    let now = engine.now();
    let told = told_at(engine).await?;
    let silent = told.is_none_or(|told| now.duration_since(told) > longest);
    if !silent {
        let settled = WorkSettled {
            at: now,
            by: RELAY.to_owned(),
            action: "the list tells again".to_owned(),
        };
        let open = engine.store.work_by_key(ITEM).await?;
        let open = open.filter(|item| item.settled.is_none());
        let id = open.map(|item| item.id);
        let settle = id.map(|id| Op::SettleWork { id, settled });
        return Ok(settle.into_iter().collect());
    }
    let title = match told {
        Some(told) => {
            let day = date_words(engine.calendar.date_of(told));
            format!(
                "The list of check-ins has told nothing since {day}: who has missed one since is not followed up"
            )
        }
        None => "The list of check-ins has told nothing yet: nobody is followed up".to_owned(),
    };
    let mut item = items::item(engine, ITEM.to_owned(), ITEM, title);
    item.detail = json!({
        "told_at": told,
        "remedy": "export the list and run `clear-relay import check-ins FILE --by NAME`, or see why the \
                   sender's webhooks to /hooks/check-ins stay away; this item closes itself the morning after",
    });
    item.actions = vec!["done".to_owned()];
    Ok(items::open_work_ops(engine, item, now))
}
