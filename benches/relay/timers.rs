//! What it costs to find due timers among those of many open cases.

use std::path::Path;

use relay_core::case::{Case, CaseStatus, Mode, Wait};
use relay_core::ids::{CaseId, JobId};
use relay_core::random::{Random, SeededRandom, SystemRandom};
use relay_core::time::{Clock as _, SignedDuration, SystemClock, Timestamp, later};
use relay_store::{
    Batch, CaseFilter, Claim, Existing, Fence, Job, JobEnd, NewJob, Op, Page, Store as _,
};
use relay_store_sqlite::SqliteStore;
use serde_json::json;

use crate::figures::{Aim, Figure, Latencies, Report, micros};
use crate::{Extent, Trouble, clock, setup};

/// Timers due at once in a round.
const DUE: usize = 40;
/// Jobs of one claim.
const CLAIM: u32 = 4;
const ROUNDS: usize = 25;

/// The costs among one number of cases.
#[derive(Default)]
struct Costs {
    look: Latencies,
    idle: Latencies,
    claim: Latencies,
    finish: Latencies,
}

pub(crate) fn measure(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    setup::runtime()?.block_on(among(extent, report))
}

async fn among(extent: Extent, report: &mut Report) -> Result<(), Trouble> {
    let folder = setup::folder()?;
    let now = SystemClock.now();
    let mut stores = Vec::new();
    for count in extent.cases {
        let path = folder.path().join(format!("{count}.db"));
        fill(&path, *count, now).await?;
        stores.push((*count, SqliteStore::open(&path).await?, Costs::default()));
    }
    for round in 0..=ROUNDS {
        for (count, store, costs) in &mut stores {
            let mut one = Costs::default();
            self::round(store, now, &mut one)
                .await
                .map_err(|error| format!("among {count} cases: {error}"))?;
            if round > 0 {
                costs.look.extend(one.look);
                costs.idle.extend(one.idle);
                costs.claim.extend(one.claim);
                costs.finish.extend(one.finish);
            }
        }
    }
    let mut least: Option<[f64; 4]> = None;
    for (count, store, mut costs) in stores {
        let half = |latencies: &mut Latencies| {
            latencies.sort();
            micros(latencies.percentile(500))
        };
        let values = [
            half(&mut costs.look),
            half(&mut costs.idle),
            half(&mut costs.claim),
            half(&mut costs.finish),
        ];
        let first = *least.get_or_insert(values);
        let names = [
            "next due",
            "claim of nothing",
            "claim of 4 due",
            "timer ended",
        ];
        for ((name, value), first) in names.iter().zip(values).zip(first) {
            let figure = Figure::new(format!("{count} open cases: {name}, p50"), value, "us");
            report.add(figure.to(first).aim(Aim::RatioAtMost(1.5)))?;
        }
        check(&store, count).await?;
        store.close().await;
    }
    Ok(())
}

/// Nothing was claimed that was not due, and every case is as open as before.
async fn check(store: &SqliteStore, count: usize) -> Result<(), Trouble> {
    let health = store.health(SystemClock.now()).await?;
    let done = (ROUNDS as u64 + 1) * DUE as u64;
    let jobs = |wanted: &str| {
        let found = health
            .jobs
            .iter()
            .find(|(state, _)| state.as_str() == wanted);
        found.map_or(0, |(_, jobs)| *jobs)
    };
    let found = (health.open_cases, jobs("ready"), jobs("done"));
    if found != (count as u64, count as u64, done) {
        return Err(format!("among {count} cases: {found:?} after {done} timers").into());
    }
    let page = Page {
        offset: 0,
        limit: 1,
    };
    store.cases(&CaseFilter::default(), page).await?;
    Ok(())
}

async fn fill(path: &Path, count: usize, now: Timestamp) -> Result<(), Trouble> {
    let store = setup::preparing(path).await?;
    let random = SeededRandom::new(5);
    let ops = (0..count).flat_map(|number| {
        let client = format!("cl-{number}");
        let case = case(&client, now, &random);
        // Over the next sixty days.
        let wait = SignedDuration::from_mins(5 + i64::try_from(number % 86_400).unwrap_or(0));
        let at = later(now, wait);
        let timer = timer(&client, Some(case.id), at, now, &random);
        [Op::InsertCase(case), timer]
    });
    setup::fill(&store, ops).await?;
    store.close().await;
    Ok(())
}

fn case(client: &str, now: Timestamp, random: &dyn Random) -> Case {
    Case {
        id: CaseId::new(random, now),
        client: client.into(),
        procedure: "missed_check_in".to_owned(),
        procedure_hash: "0".repeat(64),
        logic: 1,
        mode: Mode::Act,
        version: 3,
        status: CaseStatus::Open,
        step: "portal_message".to_owned(),
        visit: 1,
        generation: 1,
        wait: Some(Wait::Timer {
            until: now,
            why: "two days to answer".to_owned(),
        }),
        data: json!({ "due": "2026-11-03", "check_in": format!("ci-{client}") }),
        opened_at: now,
        changed_at: now,
    }
}

fn timer(
    client: &str,
    case: Option<CaseId>,
    at: Timestamp,
    now: Timestamp,
    random: &dyn Random,
) -> Op {
    let id = JobId::new(random, now);
    Op::Enqueue {
        job: NewJob {
            key: format!("timer/{id}/1"),
            id,
            kind: "timer".to_owned(),
            lane: client.to_owned(),
            run_at: at,
            client: Some(client.into()),
            case,
            payload: json!({ "case": case, "generation": 1 }),
        },
        existing: Existing::Keep,
    }
}

async fn round(store: &SqliteStore, now: Timestamp, costs: &mut Costs) -> Result<(), Trouble> {
    for _ in 0..DUE {
        let (took, next) = clock::timed(store.next_due()).await;
        next?;
        costs.look.add(took);
        let (took, claimed) = clock::timed(store.claim(claim(now))).await;
        if !claimed?.is_empty() {
            return Err("something was claimed that is not due".into());
        }
        costs.idle.add(took);
    }
    let random = SystemRandom;
    let due = (0..DUE).map(|number| timer(&format!("due-{number}"), None, now, now, &random));
    store.commit(Batch::from(due.collect::<Vec<_>>())).await?;
    let mut ran = 0;
    while ran < DUE {
        let (took, claimed) = clock::timed(store.claim(claim(now))).await;
        let claimed = claimed?;
        if claimed.is_empty() {
            return Err(format!("{ran} of {DUE} timers were claimed").into());
        }
        costs.claim.add(took);
        ran += claimed.len();
        for job in claimed {
            let (took, ended) = clock::timed(store.commit(end(&job, now))).await;
            ended?;
            costs.finish.add(took);
        }
    }
    Ok(())
}

fn claim(now: Timestamp) -> Claim {
    Claim {
        worker: "bench".to_owned(),
        now,
        lease_until: later(now, SignedDuration::from_mins(1)),
        limit: CLAIM,
        lane: None,
        case: None,
        kinds: Vec::new(),
    }
}

fn end(job: &Job, at: Timestamp) -> Batch {
    let fence = Fence {
        job: job.id,
        fence: job.fence,
    };
    Batch::from(vec![Op::FinishJob {
        fence,
        end: JobEnd::Done,
        at,
    }])
}
