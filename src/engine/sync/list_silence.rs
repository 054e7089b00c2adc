//! A list of check-ins that says nothing any more: whoever is not told of is not followed up.
//!
//! Where the clinic itself tells who is expected, a file that nobody exports any more looks as if nobody had
//! missed anything. So an admin is asked once nothing was told for some days (`check_ins.silent_after_days`),
//! and at once where nothing was told yet. The item closes itself after the next delivery.
//!
//! Not guaranteed: that what is told is whole. A file with half the clients in it is news like any other.

use relay_core::time::Timestamp;
use relay_store::{Op, WorkSettled};
use serde_json::json;

use crate::engine::{Engine, EngineError, RELAY, items};
use crate::settings::setting_or_none;

/// The kind of the item, and its key.
const ITEM: &str = "list_silent";

/// The setting that holds when a list last told something.
const TOLD_AT: &str = "check_in_list/told_at";

/// A list was read that was received at `at`.
pub(crate) fn told(at: Timestamp) -> Op {
    Op::PutSetting {
        key: TOLD_AT.to_owned(),
        value: json!(at),
    }
}

/// When a list last told something.
pub(crate) async fn told_at(engine: &Engine) -> Result<Option<Timestamp>, EngineError> {
    let told = setting_or_none(engine.store.as_ref(), TOLD_AT).await?;
    Ok(told.and_then(|at| serde_json::from_value(at).ok()))
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
            let day = relay_core::scripts::date_words(engine.calendar.date_of(told));
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
