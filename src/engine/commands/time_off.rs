//! A coach is away from one day to another, and somebody acts for her (A25).
//!
//! What the real command would store is made by the function that the dry run asks too. On its days a new period counts
//! in place of what was entered before for the same coach; her other days stay as they were. To shorten one, she is said
//! to be back first.

use std::collections::{BTreeMap, BTreeSet};

use relay_core::clients::Coach;
use relay_core::ids::{ClientId, CoachId};
use relay_core::time::Date;
use relay_core::time_off::{TimeOff, TimeOffList};
use relay_store::Op;
use serde_json::json;

use crate::engine::commands::cases::{audit, refused};
use crate::engine::inbox::current;
use crate::engine::{Engine, EngineError, inbox, time_off};
use crate::failpoint::SETTLE;

/// Longer ones are more likely a mistyped year.
const MAX_DAYS: i32 = 366;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The coach who is away.
    pub coach: CoachId,
    /// The first day; `None`: today.
    pub from: Option<Date>,
    /// The last day.
    pub until: Date,
    /// Who acts for her; `None`: whom the configuration names.
    pub deputy: Option<CoachId>,
}

/// What a command does, or would do.
#[derive(Debug, Clone)]
pub struct Change {
    /// The period, as it is then.
    pub period: TimeOff,
    /// The periods of the same coach whose days it takes; of one who is back, the one that ends.
    pub replaced: Vec<TimeOff>,
    /// The coaches by their names, for people.
    pub names: BTreeMap<CoachId, String>,
    /// How many clients something is open about that is looked at again, for it may go to another coach now.
    pub moves: usize,
    ops: Vec<Op>,
}

impl Change {
    /// A coach's name, with the id where people need it to tell two of one name apart.
    pub fn name(&self, coach: &CoachId) -> String {
        named(&self.names, coach)
    }
}

fn named(names: &BTreeMap<CoachId, String>, coach: &CoachId) -> String {
    match names.get(coach) {
        Some(name) => format!("{name} ({coach})"),
        None => coach.to_string(),
    }
}

/// A coach is away.
pub async fn away(engine: &Engine, asked: &Asked, by: &str) -> Result<Change, EngineError> {
    let change = plan_away(engine, asked).await?;
    store(engine, change, "coach.away", by).await
}

/// A coach is back, or won't be away after all.
pub async fn back(engine: &Engine, coach: &CoachId, by: &str) -> Result<Change, EngineError> {
    let change = plan_back(engine, coach).await?;
    store(engine, change, "coach.back", by).await
}

async fn store(
    engine: &Engine,
    change: Change,
    what: &str,
    by: &str,
) -> Result<Change, EngineError> {
    let coach = change.period.coach.as_str();
    let entry = audit(engine, by, what, coach, json!(change.period));
    let ops: Vec<Op> = change.ops.iter().cloned().chain([entry]).collect();
    engine.commit(SETTLE, ops).await?;
    engine.wake.notify_one();
    Ok(change)
}

/// What [`away`] would do; refused as it would be.
pub async fn plan_away(engine: &Engine, asked: &Asked) -> Result<Change, EngineError> {
    let today = time_off::today(engine);
    let from = asked.from.unwrap_or(today);
    let directory = directory(engine).await?;
    let names: BTreeMap<CoachId, String> = directory
        .iter()
        .map(|coach| (coach.id.clone(), coach.name.clone()))
        .collect();
    is_known(&names, &asked.coach, "COACH")?;
    if asked.until < from {
        return refused(format!(
            "--until {} is before --from {from}: --until is the last day on which she is away",
            asked.until
        ));
    }
    if asked.until < today {
        return refused(format!("--until {} is over: today is {today}", asked.until));
    }
    if from.until(asked.until).map_or(0, |span| span.get_days()) >= MAX_DAYS {
        return refused(format!(
            "from {from} to {} is more than a year: check the dates",
            asked.until
        ));
    }
    let deputy = asked.deputy.clone();
    let deputy = deputy.or_else(|| engine.people.deputies.get(&asked.coach).cloned());
    let Some(deputy) = deputy else {
        return refused(format!(
            "nobody acts for {} yet: add --deputy COACH, or write one under [people.deputies] in the configuration",
            named(&names, &asked.coach)
        ));
    };
    is_known(&names, &deputy, "--deputy")?;
    let period = TimeOff {
        coach: asked.coach.clone(),
        from,
        until: asked.until,
        deputy,
    };
    let list = time_off::list(engine.store.as_ref()).await?;
    let has_its_days = |other: &&TimeOff| other.coach == period.coach && other.overlaps(&period);
    let replaced: Vec<TimeOff> = list.iter().filter(has_its_days).cloned().collect();
    let left: Vec<TimeOff> = replaced
        .iter()
        .flat_map(|other| without(other, &period))
        .collect();
    let others = list.iter().filter(|other| !replaced.contains(other));
    let others: TimeOffList = others.chain(&left).cloned().collect();
    if let Some(day) = others.leads_back(&period) {
        return refused(circle(&names, &period, day));
    }
    // The new one last: one that is left, or called off, may begin on the same day.
    let ops = left.iter().chain([&period]).map(time_off::put).collect();
    change(engine, &list, period, replaced, names, ops).await
}

/// What is left of a period whose days `by` takes: those before it, if only to say that there are none, and those after.
fn without(other: &TimeOff, by: &TimeOff) -> Vec<TimeOff> {
    let before = TimeOff {
        until: by.from.yesterday().unwrap_or(Date::MIN),
        ..other.clone()
    };
    let after = (other.until > by.until).then(|| TimeOff {
        from: by.back_on(),
        ..other.clone()
    });
    [before].into_iter().chain(after).collect()
}

fn circle(names: &BTreeMap<CoachId, String>, period: &TimeOff, day: Date) -> String {
    let (coach, deputy) = (named(names, &period.coach), named(names, &period.deputy));
    if period.coach == period.deputy {
        return format!("{coach} can't act for herself: name another coach with --deputy");
    }
    format!(
        "on {day} {deputy} is away herself, and {coach} would act for her: name somebody with --deputy who is there"
    )
}

/// What [`back`] would do; refused as it would be.
pub async fn plan_back(engine: &Engine, coach: &CoachId) -> Result<Change, EngineError> {
    let today = time_off::today(engine);
    let list = time_off::list(engine.store.as_ref()).await?;
    // The one that runs, else the next.
    let ahead = list.iter().filter(|period| {
        period.coach == *coach && period.from <= period.until && period.until >= today
    });
    let Some(period) = ahead.min_by_key(|period| period.from) else {
        return refused(format!(
            "{coach} is not away, and no time off of hers is entered: `clear-relay coaches list` shows who is"
        ));
    };
    let ends = today.yesterday().unwrap_or(Date::MIN);
    let ended = TimeOff {
        until: ends.max(period.from.yesterday().unwrap_or(Date::MIN)),
        ..period.clone()
    };
    let names = engine.store.coaches().await?;
    let names = names
        .into_iter()
        .map(|coach| (coach.id, coach.name))
        .collect();
    let ops = vec![time_off::put(&ended)];
    change(engine, &list, ended, vec![period.clone()], names, ops).await
}

/// The change, with the looks at what is open about clients of whoever it concerns today.
async fn change(
    engine: &Engine,
    before: &TimeOffList,
    period: TimeOff,
    replaced: Vec<TimeOff>,
    names: BTreeMap<CoachId, String>,
    mut ops: Vec<Op>,
) -> Result<Change, EngineError> {
    let today = time_off::today(engine);
    let touches_today = period.covers(today) || replaced.iter().any(|other| other.covers(today));
    let mut moved = BTreeSet::new();
    if touches_today {
        let mut concerned: BTreeSet<CoachId> = [period.coach.clone()].into();
        concerned.extend(before.relying_on(&period.coach, today).into_iter().cloned());
        moved = clients_of(engine, &concerned).await?;
        let what = format!("time_off/{}/{}/{}", period.coach, period.from, engine.now());
        ops.extend(
            moved
                .iter()
                .map(|client| inbox::moved(engine, client, &what)),
        );
    }
    Ok(Change {
        moves: moved.len(),
        period,
        replaced,
        names,
        ops,
    })
}

/// The clients about whom one of `coaches` is asked something, also what was handed up since.
async fn clients_of(
    engine: &Engine,
    coaches: &BTreeSet<CoachId>,
) -> Result<BTreeSet<ClientId>, EngineError> {
    const PAGE: u32 = 200;
    let mut clients = BTreeSet::new();
    let mut after = None;
    loop {
        let page = engine.store.open_work_after(after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(clients);
        };
        after = Some(last.id);
        for item in page {
            let owner = CoachId::from(item.owner.as_str());
            let hers = coaches.contains(&owner)
                || current::coach_in_case(engine, &item)
                    .await?
                    .is_some_and(|(_, coach)| coaches.contains(&coach));
            clients.extend(item.client.filter(|_| hers));
        }
    }
}

async fn directory(engine: &Engine) -> Result<Vec<Coach>, EngineError> {
    match engine.ports.portal.coaches().await {
        Ok(told) => Ok(told),
        // What was known last is as good for a name.
        Err(error) => {
            tracing::info!(%error, "the coaches can't be read now");
            Ok(engine.store.coaches().await?)
        }
    }
}

fn is_known(
    names: &BTreeMap<CoachId, String>,
    coach: &CoachId,
    what: &str,
) -> Result<(), EngineError> {
    if names.contains_key(coach) {
        return Ok(());
    }
    let known: Vec<String> = names.keys().map(|known| named(names, known)).collect();
    let known = if known.is_empty() {
        "no coach is known yet".to_owned()
    } else {
        format!("known are {}", known.join(", "))
    };
    refused(format!("{what}: there is no coach {coach}; {known}"))
}

/// The periods that are not over, and the names of everybody in them, the next first.
pub async fn ahead(
    engine: &Engine,
) -> Result<(Vec<TimeOff>, BTreeMap<CoachId, String>), EngineError> {
    let today = time_off::today(engine);
    let list = time_off::list(engine.store.as_ref()).await?;
    let mut ahead: Vec<TimeOff> = list
        .iter()
        .filter(|period| period.from <= period.until && period.until >= today)
        .cloned()
        .collect();
    ahead.sort_by(|one, other| (one.from, &one.coach).cmp(&(other.from, &other.coach)));
    let coaches = directory(engine).await?;
    let names = coaches.into_iter().map(|coach| (coach.id, coach.name));
    Ok((ahead, names.collect()))
}
