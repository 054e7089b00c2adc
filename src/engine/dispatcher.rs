//! Claims due jobs and runs them, one at a time per client.
//!
//! Each asks for permits of the vendors it calls before it runs (`admission.rs`).
//!
//! A claim is a lease in real time with a fence. While a job runs its lease is renewed at a third
//! of its length. A job whose lease is gone ends by itself: somebody else has it now, and nothing is
//! begun or stored without the lease, except that a request was carried out. When told to stop, the
//! dispatcher claims nothing more, gives what runs a time until the cut, and hands the rest back without
//! counting a failure.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join;
use relay_core::ids::{CaseId, ClientId};
use relay_core::time::{SignedDuration, later};
use relay_store::{Claim, Job, StoreError};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::engine::error::chain;
use crate::engine::finish::fence;
use crate::engine::memory::generation;
use crate::engine::run::{known_kinds, run_job};
use crate::engine::{Engine, EngineError, damage, intake, wake};
use crate::failpoint::CLAIM;
use crate::lifecycle::{Phase, Stop, pause};

/// How long a claim holds without a renewal, real time. Renewed at a third of it, so it says how
/// long a client waits when a process dies, not how long a vendor may take.
pub const LEASE: Duration = Duration::from_secs(15);

/// How many jobs a serving relay runs at once, each of another client. The vendors' rate limits decide,
/// not this machine, and they say so by refusing for a while (and `calls_per_minute` with `burst` says
/// it for those that don't). More at once means that jobs share commits, and that a vendor that hangs
/// holds up fewer of those that don't need it.
pub const CONCURRENCY: u32 = 64;

/// How many receipts are read at once, each of another client. No vendor is called for that.
const RECEIPTS_AT_ONCE: usize = 32;

/// How long to wait at most before looking again: another process may have queued work.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The shortest wait of an idle worker.
const SHORTEST_WAIT: Duration = Duration::from_millis(5);

/// How often leases of dead workers and a clock that was set back are looked for, real time. A third of
/// a lease; not counted in looks, of which there are hundreds a second under load.
const RESCUE_EVERY: Duration = Duration::from_secs(5);

/// Reads new receipts and runs what is due, one job after another, until nothing is. Returns
/// how many jobs ran. With `lane`, only jobs of that client.
pub async fn drain(engine: &Engine, lane: Option<&str>) -> Result<usize, EngineError> {
    let mut ran = 0;
    wake::bring_back(engine).await?;
    generation::count_now_and_then(engine).await?;
    loop {
        intake::intake(engine).await?;
        let claimed = claim(engine, 1, lane, None).await?;
        damage::tell_damage(engine).await?;
        if claimed.is_empty() {
            return Ok(ran);
        }
        for job in claimed {
            run_leased(engine, &job, false).await?;
            ran += 1;
        }
    }
}

/// Runs what is due of one case, and nothing else of its client: a command must not send what
/// its person did not ask for. Returns how many jobs ran.
pub async fn run_case(
    engine: &Engine,
    client: &ClientId,
    case: CaseId,
) -> Result<usize, EngineError> {
    let mut ran = 0;
    loop {
        let claimed = claim(engine, 1, Some(client.as_str()), Some(case)).await?;
        if claimed.is_empty() {
            return Ok(ran);
        }
        for job in claimed {
            run_leased(engine, &job, true).await?;
            ran += 1;
        }
    }
}

/// Takes back jobs whose worker died.
pub async fn rescue(engine: &Engine) -> Result<u64, EngineError> {
    let rescued = engine
        .store
        .rescue(engine.clocks.real.now(), engine.now())
        .await?;
    if rescued > 0 {
        tracing::warn!(rescued, "took back jobs of a worker that died");
    }
    Ok(rescued)
}

async fn claim(
    engine: &Engine,
    limit: u32,
    lane: Option<&str>,
    case: Option<CaseId>,
) -> Result<Vec<Job>, EngineError> {
    let lease = SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::from_mins(1));
    let real = engine.clocks.real.now();
    let claim = Claim {
        worker: engine.worker.clone(),
        now: engine.now(),
        lease_until: later(real, lease),
        limit,
        lane: lane.map(str::to_owned),
        case,
        kinds: known_kinds(),
    };
    engine
        .call(CLAIM, engine.store.claim(claim))
        .await
        .map_err(EngineError::from)
}

/// Runs a claimed job while keeping its lease. `ordered`: a person waits for it.
async fn run_leased(engine: &Engine, job: &Job, ordered: bool) -> Result<(), EngineError> {
    let work = run_job(engine, job, ordered);
    tokio::pin!(work);
    let mut renewals = tokio::time::interval(LEASE / 3);
    renewals.tick().await;
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = renewals.tick() => {
                let lease = SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::ZERO);
                let until = later(engine.clocks.real.now(), lease);
                match engine.store.renew(fence(job), until).await {
                    Ok(true) => {}
                    // What it has asked of a vendor is answered all the same, and the answer
                    // is worth knowing. Whatever else it wants to store, its fence keeps out.
                    Ok(false) => {
                        tracing::warn!(job = %job.id, kind = job.kind, "lease lost");
                        return work.await;
                    }
                    // Dropping it here would make a known outcome an unclear one. If the lease
                    // ends meanwhile, the fence keeps its changes out.
                    Err(error) => {
                        tracing::warn!(job = %job.id, %error, "the lease can't be renewed now");
                    }
                }
            }
        }
    }
}

/// How long, in real time, until the next job is due; at most [`LOOK_AGAIN`]. `None` when one may
/// be due already: then only a claim tells, which waits for no row that can't be read.
async fn until_due(engine: &Engine) -> Option<Duration> {
    let due = match engine.store.next_due().await {
        Ok(Some(due)) => due,
        Ok(None) => return Some(LOOK_AGAIN),
        Err(_) => return None,
    };
    let procedure = due.duration_since(engine.now());
    if procedure <= SignedDuration::ZERO {
        return None;
    }
    let scale = i32::try_from(engine.time_scale.max(1)).unwrap_or(i32::MAX);
    let real = Duration::try_from(procedure / scale).unwrap_or(Duration::ZERO);
    Some(real.clamp(SHORTEST_WAIT, LOOK_AGAIN))
}

/// How long to wait for a lane that was busy `times` looks in a row. A lane of this process notifies the
/// dispatcher when it becomes free; those of another process do not.
fn for_busy_lane(times: u32) -> Duration {
    (SHORTEST_WAIT * 2_u32.saturating_pow(times.min(8))).min(LOOK_AGAIN)
}

/// Runs until told to stop; at most `concurrency` jobs at once.
///
/// A claim that finds nothing costs a turn of the writer; asking when the next job is due is one read.
/// So where nothing suggests that a job is due (none was claimed, none has ended) it is asked first.
pub async fn run(engine: Engine, concurrency: u32, stop: Stop) -> Result<(), EngineError> {
    let mut running = JoinSet::new();
    let mut rescues = interval(RESCUE_EVERY);
    rescues.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut busy: u32 = 0;
    let mut likely = true;
    while stop.phase() == Phase::Running {
        if rescues.tick().now_or_never().is_some() {
            tolerate_unavailable(rescue(&engine).await)?;
            tolerate_unavailable(wake::bring_back(&engine).await)?;
            tolerate_unavailable(damage::tell_damage(&engine).await)?;
            tolerate_unavailable(generation::count_now_and_then(&engine).await)?;
        }
        let free = concurrency.saturating_sub(u32::try_from(running.len()).unwrap_or(u32::MAX));
        let asked = match (free, likely) {
            // With no free slot nothing more can be claimed, whatever is due: a job that ends,
            // or a receipt, is what is waited for.
            (0, _) => Some(Some(LOOK_AGAIN)),
            (_, true) => None,
            (_, false) => Some(until_due(&engine).await),
        };
        let claimable = match asked {
            Some(Some(_)) => 0,
            None | Some(None) => free,
        };
        let (read, claimed) = match look(&engine, claimable, &mut running).await {
            Ok(done) => done,
            Err(error) => {
                tolerate_unavailable::<()>(Err(error))?;
                (0, 0)
            }
        };
        likely = claimed > 0;
        if read + claimed == 0 {
            let until_due = match asked {
                Some(until_due) => until_due,
                None => until_due(&engine).await,
            };
            busy = until_due.map_or(busy.saturating_add(1), |_| 0);
            let wait = until_due.unwrap_or_else(|| for_busy_lane(busy));
            let wake = Arc::clone(&engine.wake);
            tokio::select! {
                () = wake.notified() => {}
                Some(done) = running.join_next(), if !running.is_empty() => {
                    finished(done)?;
                    likely = true;
                }
                () = stop.draining() => {}
                () = pause(wait) => {}
            }
        }
        while let Some(done) = running.try_join_next() {
            finished(done)?;
            likely = true;
        }
    }
    wind_down(&engine, running, &stop).await
}

/// Reads a portion of receipts and claims up to `free` jobs. Returns how many of each.
async fn look(
    engine: &Engine,
    free: u32,
    running: &mut JoinSet<Result<(), EngineError>>,
) -> Result<(usize, usize), EngineError> {
    let claim = async {
        if free > 0 {
            claim(engine, free, None, None).await
        } else {
            Ok(Vec::new())
        }
    };
    // At the same time, so that they share a commit. What was claimed is run even if the receipts
    // can't be read: its lease is taken.
    let (read, claimed) = join(intake::intake_pass(engine, RECEIPTS_AT_ONCE), claim).await;
    let claimed = claimed?;
    let count = claimed.len();
    for job in claimed {
        let engine = engine.clone();
        running.spawn(async move { run_leased(&engine, &job, false).await });
    }
    Ok((read?, count))
}

/// A database that can't be written now (full disk, locked) is waited for; what a single row or job
/// brings up is no reason to leave everybody else. Only a damaged file ends the process: going on would
/// make it worse, and the next start refuses it with what to do.
fn tolerate_unavailable<T>(result: Result<T, EngineError>) -> Result<(), EngineError> {
    match result {
        Ok(_) => Ok(()),
        Err(error @ EngineError::Store(StoreError::Damaged(_))) => Err(error),
        Err(EngineError::Store(error @ StoreError::Unavailable(_))) => {
            tracing::error!(%error, "waiting for the database");
            Ok(())
        }
        Err(error) => {
            let error = chain(&error);
            tracing::error!(error, "could not be done; trying again");
            Ok(())
        }
    }
}

fn finished(
    done: Result<Result<(), EngineError>, tokio::task::JoinError>,
) -> Result<(), EngineError> {
    match done {
        Ok(result) => tolerate_unavailable(result),
        Err(error) if error.is_cancelled() => Ok(()),
        Err(error) => {
            // The lease ends by itself and the job is taken back; the process goes on.
            tracing::error!(%error, "a job panicked");
            Ok(())
        }
    }
}

/// Lets what runs finish, until the cut; then drops it and hands its leases back.
async fn wind_down(
    engine: &Engine,
    mut running: JoinSet<Result<(), EngineError>>,
    stop: &Stop,
) -> Result<(), EngineError> {
    let all_done = async {
        while let Some(done) = running.join_next().await {
            if let Err(error) = finished(done) {
                tracing::error!(%error, "a job could not be stored while stopping");
            }
        }
    };
    tokio::select! {
        () = all_done => {}
        () = stop.cut() => {}
    }
    running.shutdown().await;
    tolerate_unavailable(generation::count(engine).await)?;
    let handed_back = engine.store.hand_back(&engine.worker, engine.now()).await?;
    tracing::info!(handed_back, "the worker has stopped");
    Ok(())
}
