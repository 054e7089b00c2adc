//! Which coaches are away, as it is stored, and who acts for them (A25).
//!
//! A period is one setting (`time_off/COACH/FROM`), so that two admins who enter different periods at the same time
//! don't lose each other's. One that is called off ends before it begins (`until` before `from`). Who entered what, and
//! when, stands in the audit log.
//!
//! Not guaranteed: that two admins who enter overlapping days of the same coach at the same moment are told of each other.
//! Both periods stand then; the one that begins first counts, and `coaches list` shows both.
//!
//! Nothing has to happen on its first or last day: who acts is asked for whenever somebody is asked or something
//! goes out, and the daily comparison at 6:00 moves the tasks that are open ([`inbox`](crate::engine::inbox)). A row
//! that can't be read counts as none, like every damaged setting it is told the admin, and the coach acts for herself.

use relay_core::clients::Coach;
use relay_core::ids::CoachId;
use relay_core::time::Date;
use relay_core::time_off::{TimeOff, TimeOffList};
use relay_core::workflow::StandsIn;
use relay_store::{Op, Store, StoreError};
use serde_json::json;

use crate::engine::{Engine, EngineError};

const PREFIX: &str = "time_off/";

/// Every period.
pub async fn list(store: &dyn Store) -> Result<TimeOffList, StoreError> {
    let stored = store.settings(PREFIX).await?;
    let read = |(key, value): (String, serde_json::Value)| {
        let period = serde_json::from_value(value);
        let failed =
            |error: &serde_json::Error| tracing::error!(key, %error, "time off can't be read");
        period.inspect_err(failed).ok()
    };
    Ok(stored.into_iter().filter_map(read).collect())
}

/// Stores a period, or what has become of it.
pub(crate) fn put(period: &TimeOff) -> Op {
    Op::PutSetting {
        key: format!("{PREFIX}{}/{}", period.coach, period.from),
        value: json!(period),
    }
}

/// Today, by the clinic's calendar.
pub(crate) fn today(engine: &Engine) -> Date {
    engine.calendar.date_of(engine.now())
}

/// Who acts for `coach` now.
pub(crate) async fn acting_for(engine: &Engine, coach: &CoachId) -> Result<CoachId, EngineError> {
    let list = list(engine.store.as_ref()).await?;
    Ok(list.acting_for(coach, today(engine)).coach.clone())
}

/// Whose place is taken by who acts for `coach` on `day`, for people.
pub(crate) fn stands_in(
    list: &TimeOffList,
    coach: &CoachId,
    day: Date,
    directory: &[Coach],
) -> Option<StandsIn> {
    let away = list.acting_for(coach, day).while_away?;
    let known = directory.iter().find(|known| known.id == away.coach);
    Some(StandsIn {
        name: known.map_or_else(|| "Her coach".to_owned(), |known| known.name.clone()),
        until: away.until,
    })
}
