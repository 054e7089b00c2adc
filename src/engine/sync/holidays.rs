//! The list of holidays, before it runs out (A26): on a day that is not in it, people are mailed and called.
//!
//! From October on the holidays of the next year are asked for, before that those of the year: once a year,
//! of an admin. The item closes itself once the list reaches that year.
//!
//! Not guaranteed: that the list is complete. One day of a year is enough to think that somebody has written
//! it.

use relay_core::work_kinds;
use relay_store::{Op, WorkSettled};
use serde_json::json;

use crate::engine::{Engine, EngineError, RELAY, items};

/// The kind of the item.
pub(crate) const ITEM: &str = work_kinds::HOLIDAYS;

/// From this month on the next year is asked for.
const OCTOBER: i8 = 10;

/// The question for the holidays that are needed next, or its end.
pub(crate) async fn holidays_ops(engine: &Engine) -> Result<Vec<Op>, EngineError> {
    let now = engine.now();
    let today = engine.calendar.date_of(now);
    let year = if today.month() < OCTOBER {
        today.year()
    } else {
        today.year() + 1
    };
    let key = format!("{ITEM}/{year}");
    let holidays = &engine.calendar.settings().holidays;
    let known = holidays.iter().any(|day| day.year() == year);
    let asked = engine.store.work_by_key(&key).await?;
    match asked {
        Some(item) if known && item.settled.is_none() => Ok(vec![Op::SettleWork {
            id: item.id,
            settled: WorkSettled {
                at: now,
                by: RELAY.to_owned(),
                action: format!("the holidays of {year} are known"),
            },
        }]),
        None if !known => {
            let title = format!(
                "The holidays of {year} are not written down yet: clients would be mailed, and coaches \
                 asked to call, on days when the clinic is closed"
            );
            let mut item = items::item(engine, key, ITEM, title);
            item.detail = json!({
                "year": year,
                "remedy": "add the clinic's holidays to clinic.holidays in the configuration and restart the \
                           relay; this item closes itself the next morning",
            });
            item.actions = vec!["done".to_owned()];
            Ok(items::open_work_ops(engine, item, now))
        }
        _ => Ok(Vec::new()),
    }
}
