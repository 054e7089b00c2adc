//! Who runs a job: claim, renew, rescue, hand back.
//!
//! A lane has at most one running job (a unique index says so too), and jobs of a lane that are
//! due run in the order they were queued. A claim reads only jobs that are ready and due; neither
//! jobs that are over nor jobs of the future cost it anything.
//!
//! A job whose process died twice in a row while it ran is a suspect: it is claimed only while
//! nothing else runs, and nothing else is claimed while it is due or runs. So the job that ends its
//! process is told from those that ran beside it.

use relay_core::time::{SignedDuration, Timestamp, later};
use relay_store::{Claim, Damage, Fence, Health, Job, JobState, Precondition};
use sqlx::SqliteConnection;

use crate::damaged_row::RELAY;
use crate::failure::{Failure, conflict};
use crate::jobs::JobRow;
use crate::remedy;
use crate::rows::{ListedRows, Rows, rows};
use crate::script::{Expect, Script, statement};
use crate::values::{RowName, integer, json, micros};

/// Claims due jobs, at most one per lane. What can't be read is dead, by its columns, before anybody
/// else of the claim is held up by it.
pub(crate) async fn claim(
    conn: &mut SqliteConnection,
    claim: &Claim,
) -> Result<ListedRows<Job>, Failure> {
    let mut damage = Vec::new();
    let claimed = match claimed(conn, claim).await {
        // A row of it does not bear being claimed at all: SQLite has undone the statement.
        Err(Failure::Sql(error)) if Failure::spares(&error) => {
            damage = set_due_aside(conn, claim.now).await?;
            claimed(conn, claim).await?
        }
        claimed => claimed?,
    };
    let mut listed = claimed.readable()?;
    set_aside(conn, &listed.damage, claim.now).await?;
    listed.damage.extend(damage);
    // RETURNING has no order.
    listed.found.sort_by_key(|job| (job.run_at, job.seq));
    Ok(listed)
}

async fn claimed(conn: &mut SqliteConnection, claim: &Claim) -> Result<Rows<JobRow>, Failure> {
    match &claim.lane {
        None => claim_any(conn, claim).await,
        Some(lane) => claim_lane(conn, claim, lane).await,
    }
}

/// Sets every due job aside that can't be read, or does not bear being claimed.
async fn set_due_aside(
    conn: &mut SqliteConnection,
    now: Timestamp,
) -> Result<Vec<Damage>, Failure> {
    let due = micros(now);
    let rows = rows!(
        conn,
        JobRow,
        "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since, leased_by,
             lease_until, client, case_id, payload, error_class, error_message, error_vendor, note, deferred_by, refused,
             rescues, created_at,
             changed_at
         FROM jobs WHERE state = 'ready' AND run_at <= ?1 ORDER BY run_at, seq",
        due
    )?;
    let damage = rows.readable()?.damage;
    set_aside(conn, &damage, now).await?;
    Ok(damage)
}

async fn set_aside(
    conn: &mut SqliteConnection,
    damage: &[Damage],
    now: Timestamp,
) -> Result<(), Failure> {
    for damage in damage {
        remedy::set_aside(conn, damage, RELAY, now).await?;
    }
    Ok(())
}

/// While a suspect is due or running, nothing else is claimed: what runs comes to its end, then the
/// suspect runs alone. Whoever is to run alone is the first branch's exception, the second one's rule.
async fn claim_any(conn: &mut SqliteConnection, claim: &Claim) -> Result<Rows<JobRow>, Failure> {
    let now = micros(claim.now);
    let lease_until = micros(claim.lease_until);
    let limit = i64::from(claim.limit);
    let kinds = kinds(claim)?;
    rows!(
        returning conn,
        JobRow,
        "UPDATE jobs SET state = 'running', fence = fence + 1, leased_by = ?1, lease_until = ?2,
             changed_at = ?3
         WHERE seq IN (
             SELECT seq FROM (
                 SELECT j.seq FROM jobs j
                 WHERE j.state = 'ready' AND j.run_at <= ?3
                   AND (?5 IS NULL OR j.kind IN (SELECT value FROM json_each(?5)))
                   AND NOT EXISTS (
                       SELECT 1 FROM jobs r WHERE r.state = 'running' AND r.lane = j.lane)
                   AND NOT EXISTS (
                       SELECT 1 FROM jobs e
                       WHERE e.state = 'ready' AND e.lane = j.lane AND e.seq < j.seq
                         AND e.run_at <= ?3
                         AND (?5 IS NULL OR e.kind IN (SELECT value FROM json_each(?5))))
                   AND NOT EXISTS (
                       SELECT 1 FROM jobs s
                       WHERE s.rescues >= 2 AND s.state IN ('ready', 'running')
                         AND (s.state = 'running' OR s.run_at <= ?3)
                         AND (?5 IS NULL OR s.kind IN (SELECT value FROM json_each(?5))))
                 ORDER BY j.run_at, j.seq LIMIT ?4 + 0)
             UNION ALL
             SELECT seq FROM (
                 SELECT s.seq FROM jobs s
                 WHERE s.rescues >= 2 AND s.state = 'ready' AND s.run_at <= ?3
                   AND (?5 IS NULL OR s.kind IN (SELECT value FROM json_each(?5)))
                   AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.state = 'running')
                 ORDER BY s.run_at, s.seq LIMIT min(?4, 1)))
         RETURNING seq, id, key, kind, lane, state, run_at, fence, failures,
             failing_since, leased_by, lease_until, client, case_id, payload, error_class,
             error_message, error_vendor, note, deferred_by, refused,
             rescues, created_at, changed_at",
        claim.worker,
        lease_until,
        now,
        limit,
        kinds
    )
}

async fn claim_lane(
    conn: &mut SqliteConnection,
    claim: &Claim,
    lane: &str,
) -> Result<Rows<JobRow>, Failure> {
    let now = micros(claim.now);
    let lease_until = micros(claim.lease_until);
    // A lane yields one job at most, so the limit only tells whether one is wanted at all.
    let limit = i64::from(claim.limit.min(1));
    let case = claim.case.map(|case| case.0.as_bytes().to_vec());
    let kinds = kinds(claim)?;
    rows!(
        returning conn,
        JobRow,
        "UPDATE jobs SET state = 'running', fence = fence + 1, leased_by = ?1, lease_until = ?2,
             changed_at = ?3
         WHERE seq IN (
             SELECT j.seq FROM jobs j
             WHERE j.state = 'ready' AND j.lane = ?4 AND j.run_at <= ?3
               AND (?6 IS NULL OR j.case_id = ?6)
               AND (?7 IS NULL OR j.kind IN (SELECT value FROM json_each(?7)))
               AND NOT EXISTS (
                   SELECT 1 FROM jobs r
                   WHERE r.state = 'running' AND (r.lane = ?4 OR j.rescues >= 2))
               AND NOT EXISTS (
                   SELECT 1 FROM jobs s
                   WHERE s.rescues >= 2 AND s.state IN ('ready', 'running')
                     AND (s.state = 'running' OR s.run_at <= ?3)
                     AND (?7 IS NULL OR s.kind IN (SELECT value FROM json_each(?7)))
                     AND s.seq <> j.seq)
             ORDER BY j.seq LIMIT ?5 + 0)
         RETURNING seq, id, key, kind, lane, state, run_at, fence, failures,
             failing_since, leased_by, lease_until, client, case_id, payload, error_class,
             error_message, error_vendor, note, deferred_by, refused,
             rescues, created_at, changed_at",
        claim.worker,
        lease_until,
        now,
        lane,
        limit,
        case,
        kinds
    )
}

/// The kinds that may be claimed, as the statements take them; `None`: every kind.
fn kinds(claim: &Claim) -> Result<Option<String>, Failure> {
    if claim.kinds.is_empty() {
        return Ok(None);
    }
    Ok(Some(json(&claim.kinds)?))
}

/// Requires that the worker still holds the job.
pub(crate) fn require(script: &mut Script, fence: Fence) -> Result<(), Failure> {
    let id = fence.job.0.as_bytes().as_slice();
    let number = integer(fence.fence)?;
    statement!(
        script,
        Expect::ARow(conflict(Precondition::JobFence)),
        "SELECT seq FROM jobs WHERE id = ?1 AND fence = ?2 AND state = 'running'",
        id,
        number
    )
}

/// Prolongs a lease. Whether it was still held.
pub(crate) async fn renew(
    conn: &mut SqliteConnection,
    fence: Fence,
    lease_until: Timestamp,
) -> Result<bool, Failure> {
    let id = fence.job.0.as_bytes().as_slice();
    let number = integer(fence.fence)?;
    let lease_until = micros(lease_until);
    let done = sqlx::query!(
        "UPDATE jobs SET lease_until = ?3 WHERE id = ?1 AND fence = ?2 AND state = 'running'",
        id,
        number,
        lease_until
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes back jobs whose lease has ended, each with an attempt that says so: how many, and what could
/// not be read on the way. What would never be due, and a lease that would never end, is damage too.
pub(crate) async fn rescue(
    conn: &mut SqliteConnection,
    real_now: Timestamp,
    now: Timestamp,
) -> Result<(u64, Vec<Damage>), Failure> {
    let mut damage = set_never_due_aside(conn, now).await?;
    match take_back(conn, real_now, now).await {
        Err(Failure::Sql(error)) if Failure::spares(&error) => {
            let running = rows!(
                conn,
                JobRow,
                "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since,
                     leased_by, lease_until, client, case_id, payload, error_class, error_message, error_vendor,
                     note, deferred_by, refused,
             rescues, created_at, changed_at
                 FROM jobs WHERE state = 'running' ORDER BY lane"
            )?;
            let unreadable = running.readable()?.damage;
            set_aside(conn, &unreadable, now).await?;
            damage.extend(unreadable);
            let taken = take_back(conn, real_now, now).await?;
            Ok((taken, damage))
        }
        taken => Ok((taken?, damage)),
    }
}

/// Sets jobs aside whose moment is none, so that they would wait forever.
async fn set_never_due_aside(
    conn: &mut SqliteConnection,
    now: Timestamp,
) -> Result<Vec<Damage>, Failure> {
    let last = micros(Timestamp::MAX);
    let rows = rows!(
        conn,
        JobRow,
        "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since, leased_by,
             lease_until, client, case_id, payload, error_class, error_message, error_vendor, note, deferred_by, refused,
             rescues, created_at,
             changed_at
         FROM jobs WHERE state = 'ready' AND run_at > ?1 ORDER BY run_at, seq",
        last
    )?;
    let damage = rows.readable()?.damage;
    set_aside(conn, &damage, now).await?;
    Ok(damage)
}

async fn take_back(
    conn: &mut SqliteConnection,
    real_now: Timestamp,
    now: Timestamp,
) -> Result<u64, Failure> {
    let absurd = micros(later(real_now, SignedDuration::from_hours(24)));
    let real_now = micros(real_now);
    let now = micros(now);
    sqlx::query!(
        "INSERT INTO attempts (job, fence, ended_at, result)
         SELECT seq, fence, ?2, 'rescued' FROM jobs
         WHERE state = 'running' AND (lease_until < ?1 OR lease_until > ?3)
         ON CONFLICT (job, fence) DO NOTHING",
        real_now,
        now,
        absurd
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!(
        "UPDATE jobs SET state = 'ready', run_at = ?2, leased_by = NULL, lease_until = NULL,
             rescues = rescues + 1, changed_at = ?2
         WHERE state = 'running' AND (lease_until < ?1 OR lease_until > ?3)",
        real_now,
        now,
        absurd
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Hands back every job of a worker that stops.
pub(crate) async fn hand_back(
    conn: &mut SqliteConnection,
    worker: &str,
    now: Timestamp,
) -> Result<u64, Failure> {
    let now = micros(now);
    let done = sqlx::query!(
        "UPDATE jobs SET state = 'ready', run_at = ?2, leased_by = NULL, lease_until = NULL,
             changed_at = ?2
         WHERE state = 'running' AND leased_by = ?1",
        worker,
        now
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// When the next ready job is due.
pub(crate) async fn next_due(conn: &mut SqliteConnection) -> Result<Option<Timestamp>, Failure> {
    let next = sqlx::query!(
        "SELECT seq, run_at FROM jobs WHERE state = 'ready' ORDER BY run_at, seq LIMIT 1"
    )
    .fetch_optional(conn)
    .await?;
    // One that can't be read is due: whoever claims it sets it aside.
    Ok(next.map(|job| Timestamp::from_microsecond(job.run_at).unwrap_or(Timestamp::MIN)))
}

/// What operations look at.
pub(crate) async fn health(conn: &mut SqliteConnection, now: Timestamp) -> Result<Health, Failure> {
    let now = micros(now);
    // Done jobs are the many: they are counted as what remains. The list of states is what lets
    // SQLite see that the index of stopped jobs will do.
    let counts = sqlx::query!(
        r#"SELECT
             (SELECT COUNT(*) FROM jobs) AS "jobs!: i64",
             (SELECT COUNT(*) FROM jobs WHERE state = 'ready') AS "ready!: i64",
             (SELECT COUNT(*) FROM jobs WHERE state = 'running') AS "running!: i64",
             (SELECT COUNT(*) FROM jobs WHERE state IN ('parked', 'dead', 'cancelled')
                 AND state = 'parked') AS "parked!: i64",
             (SELECT COUNT(*) FROM jobs WHERE state IN ('parked', 'dead', 'cancelled')
                 AND state = 'dead') AS "dead!: i64",
             (SELECT COUNT(*) FROM jobs WHERE state IN ('parked', 'dead', 'cancelled')
                 AND state = 'cancelled') AS "cancelled!: i64",
             (SELECT MIN(run_at) FROM jobs WHERE state = 'ready' AND run_at <= ?1)
                 AS "oldest_due: i64",
             (SELECT COUNT(*) FROM receipts WHERE state = 'new') AS "unread!: i64",
             (SELECT COUNT(*) FROM work_items WHERE settled_at IS NULL) AS "work!: i64",
             (SELECT COUNT(*) FROM cases WHERE status <> 'closed') AS "cases!: i64""#,
        now
    )
    .fetch_one(conn)
    .await?;
    let row = RowName::new("jobs", "count");
    let done = counts.jobs
        - counts.ready
        - counts.running
        - counts.parked
        - counts.dead
        - counts.cancelled;
    let count = |state| match state {
        JobState::Ready => counts.ready,
        JobState::Running => counts.running,
        JobState::Done => done,
        JobState::Parked => counts.parked,
        JobState::Dead => counts.dead,
        JobState::Cancelled => counts.cancelled,
    };
    let jobs = JobState::ALL
        .iter()
        .map(|state| Ok((*state, row.number("state", count(*state))?)))
        .collect::<Result<_, Failure>>()?;
    Ok(Health {
        jobs,
        oldest_due: counts
            .oldest_due
            .map(|at| Timestamp::from_microsecond(at).unwrap_or(Timestamp::MIN)),
        unread_receipts: row.number("unread", counts.unread)?,
        open_work: row.number("work", counts.work)?,
        open_cases: row.number("cases", counts.cases)?,
    })
}
