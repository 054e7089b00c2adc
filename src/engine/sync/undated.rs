//! Missed check-ins of which nobody can tell when they were due: a person is asked for the day.
//!
//! The day decides when she is written to, and stands in the texts, so it is never guessed. Her coach is asked, who sees the
//! field in the CRM; an admin where no coach is known. Whoever marks the question as done while the day is still missing is
//! asked again after a week.

use std::collections::BTreeSet;

use relay_core::ids::{ClientId, CoachId};
use relay_core::outside::short_line;
use relay_core::work_kinds;
use relay_store::{Op, WorkItem, WorkSettled};
use serde_json::json;

use crate::engine::inbox_job::changed;
use crate::engine::sync::invariants::PAGE;
use crate::engine::sync::opening;
use crate::engine::{Engine, EngineError, RELAY, items};
use crate::failpoint::REREAD_CALL;
use crate::ports::{OpenCheckIns, Undated};

/// The kind of the item.
const UNDATED: &str = work_kinds::UNDATED;

/// Asks for the day of each that has none, and settles what was asked of those who have one by now, or need none.
pub(crate) async fn undated_ops(
    engine: &Engine,
    told: &OpenCheckIns,
) -> Result<Vec<Op>, EngineError> {
    if told.undated.is_empty() && engine.check_in_list.is_none() {
        return Ok(Vec::new());
    }
    let mut ops = Vec::new();
    let coaches = asked_coaches(engine, told).await?;
    for one in &told.undated {
        let coach = one.coach.as_ref().filter(|id| coaches.contains(*id));
        let item = undated_item(engine, one, coach);
        let (client, is_coachs) = (&one.client, coach.is_some());
        let before = engine.store.work_by_key(&item.dedupe_key).await?;
        let settled = before.and_then(|before| before.settled);
        // The day was there meanwhile: this is another question.
        let anew = settled.is_some_and(|settled| settled.by == RELAY);
        let opened = if anew {
            items::open_work_ops(engine, item, engine.now())
        } else {
            opening::tell(engine, item).await?
        };
        if is_coachs && !opened.is_empty() {
            let today = engine.calendar.date_of(engine.now());
            ops.extend(changed(engine, client, &format!("undated/{today}")));
        }
        ops.extend(opened);
    }
    let mut after = None;
    loop {
        let page = engine.store.open_work_after(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(ops);
        };
        after = Some(last.id);
        let asked = page.iter().filter(|item| item.kind == UNDATED);
        let is_still = |client: &ClientId| told.undated.iter().any(|one| one.client == *client);
        for item in asked.filter(|item| !item.client.as_ref().is_some_and(is_still)) {
            let client = item.client.as_ref();
            ops.extend(
                client.and_then(|client| changed(engine, client, &format!("dated/{}", item.id))),
            );
            ops.push(Op::SettleWork {
                id: item.id,
                settled: WorkSettled {
                    at: engine.now(),
                    by: RELAY.to_owned(),
                    action: "no day is missing any more".to_owned(),
                },
            });
        }
    }
}

/// Those coaches whom somebody can be asked of: who is none any more would see nothing.
async fn asked_coaches(
    engine: &Engine,
    told: &OpenCheckIns,
) -> Result<BTreeSet<CoachId>, EngineError> {
    if told.undated.iter().all(|one| one.coach.is_none()) {
        return Ok(BTreeSet::new());
    }
    let coaches = engine.call(REREAD_CALL, engine.ports.portal.coaches());
    Ok(coaches.await?.into_iter().map(|coach| coach.id).collect())
}

fn undated_item(engine: &Engine, one: &Undated, coach: Option<&CoachId>) -> WorkItem {
    let client = &one.client;
    let who = one
        .name
        .as_ref()
        .map_or_else(|| format!("Client {client}"), |name| short_line(name, 60));
    let title = format!(
        "{who} has missed a check-in, and when it was due is not known: nobody follows it up"
    );
    let mut item = items::item(engine, format!("undated/{client}"), UNDATED, title);
    item.detail = json!({ "client": client, "reason": one.what, "remedy": one.remedy });
    item.actions = vec!["done".to_owned()];
    item.client = Some(client.clone());
    if let Some(coach) = coach {
        item.owner = coach.to_string();
    }
    item
}
