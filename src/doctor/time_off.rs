//! Who is away, and who acts for her (A25).

use std::path::Path;

use relay_core::calendar::Calendar;
use relay_core::ids::CoachId;
use relay_core::scripts::date_words;
use relay_core::time::Timestamp;

use super::{Area, Finding, outreach};
use crate::engine::time_off;
use crate::ports::Stores;

/// Of today and of the days to come.
pub(super) async fn look(
    path: &Path,
    stores: &dyn Stores,
    calendar: &Calendar,
    now: Timestamp,
) -> Vec<Finding> {
    let Some(store) = outreach::open(path, stores).await else {
        return Vec::new();
    };
    let (Ok(list), Ok(coaches)) = (time_off::list(store.as_ref()).await, store.coaches().await)
    else {
        return Vec::new();
    };
    let today = calendar.date_of(now);
    let name = |id: &CoachId| {
        let known = coaches.iter().find(|coach| coach.id == *id);
        known.map_or_else(|| id.to_string(), |coach| coach.name.clone())
    };
    let ahead = list
        .iter()
        .filter(|period| period.from <= period.until && period.until >= today);
    ahead
        .map(|period| {
            let (coach, key) = (name(&period.coach), format!("time_off.{}", period.coach));
            let day = period.from.max(today);
            let acting = list.acting_for(&period.coach, day);
            let days = format!("{} to {}", date_words(period.from), date_words(period.until));
            if acting.while_away.is_none() {
                return Finding::warning(
                    Area::People,
                    &key,
                    format!("{coach} is away ({days}), and nobody who is there acts for her"),
                    format!(
                        "`clear-relay coaches away {} --until {} --deputy COACH --by NAME` names another deputy",
                        period.coach, period.until
                    ),
                );
            }
            let acts = name(acting.coach);
            let what = format!("{coach} is away ({days}), and {acts} acts for her");
            Finding::note(Area::People, &key, what)
                .with_remedy("`clear-relay coaches list` shows all of it".to_owned())
        })
        .collect()
}
