//! Jobs as people and steps see them: queued, ended, replayed, cancelled, listed.
//!
//! Who runs a job, and for how long, is [`crate::leases`].

use relay_core::ids::{CaseId, ClientId, JobId, WorkItemId};
use relay_core::time::Timestamp;
use relay_store::{
    Existing, Fence, Job, JobEnd, JobError, JobState, NewJob, Precondition, StoreError,
};
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::rows::{Stored, rows};
use crate::script::{Expect, Script, statement};
use crate::values::{RowName, error_columns, integer, job_error, json, micros};

/// The columns of a job.
#[derive(sqlx::FromRow)]
pub(crate) struct JobRow {
    pub(crate) seq: i64,
    pub(crate) id: Vec<u8>,
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) lane: String,
    pub(crate) state: String,
    pub(crate) run_at: i64,
    pub(crate) fence: i64,
    pub(crate) failures: i64,
    pub(crate) failing_since: Option<i64>,
    pub(crate) leased_by: Option<String>,
    pub(crate) lease_until: Option<i64>,
    pub(crate) client: Option<String>,
    pub(crate) case_id: Option<Vec<u8>>,
    pub(crate) payload: String,
    pub(crate) error_class: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) error_vendor: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) deferred_by: Option<String>,
    pub(crate) refused: i64,
    pub(crate) rescues: i64,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
}

impl Stored for JobRow {
    const TABLE: &'static str = "jobs";
    type Value = Job;

    fn read(self) -> Result<Job, StoreError> {
        let row = RowName::new("jobs", self.seq);
        // A row that breaks a rule of its table bears no change, and would fail whatever it is changed with.
        if (self.failures == 0) != self.failing_since.is_none() {
            return Err(row.corrupt("failing_since"));
        }
        if (self.state == JobState::Running.as_str()) != self.leased_by.is_some()
            || self.leased_by.is_some() != self.lease_until.is_some()
        {
            return Err(row.corrupt("leased_by"));
        }
        if self.error_class.is_some() != self.error_message.is_some() {
            return Err(row.corrupt("error_class"));
        }
        Ok(Job {
            id: JobId(row.uuid("id", &self.id)?),
            key: self.key,
            kind: self.kind,
            lane: self.lane,
            seq: self.seq,
            state: row.word("state", JobState::from_name(&self.state))?,
            run_at: row.time("run_at", self.run_at)?,
            fence: row.number("fence", self.fence)?,
            failures: row.number("failures", self.failures)?,
            failing_since: row.maybe_time("failing_since", self.failing_since)?,
            leased_by: self.leased_by,
            lease_until: row.maybe_time("lease_until", self.lease_until)?,
            client: self.client.map(ClientId),
            case: row
                .maybe_uuid("case_id", self.case_id.as_deref())?
                .map(CaseId),
            payload: row.json("payload", &self.payload)?,
            last_error: job_error(self.error_class, self.error_message, self.error_vendor),
            note: self.note,
            deferred_by: self.deferred_by,
            refused: self.refused != 0,
            rescues: row.number("rescues", self.rescues)?,
            created_at: row.time("created_at", self.created_at)?,
            changed_at: row.time("changed_at", self.changed_at)?,
        })
    }
}

/// When a job was made: its id carries the moment, because the operation does not.
fn made_at(job: &NewJob) -> i64 {
    let stamp = job.id.0.get_timestamp().map(|stamp| stamp.to_unix());
    stamp
        .and_then(|(seconds, nanos)| {
            let seconds = i64::try_from(seconds).ok()?;
            seconds
                .checked_mul(1_000_000)?
                .checked_add(i64::from(nanos / 1_000))
        })
        .unwrap_or_else(|| micros(job.run_at))
}

/// Queues a job, or does with the one of the same key what the caller wants.
pub(crate) fn enqueue(
    script: &mut Script,
    job: &NewJob,
    existing: Existing,
) -> Result<(), Failure> {
    let id = job.id.0.as_bytes().as_slice();
    let run_at = micros(job.run_at);
    let client = job.client.as_ref().map(ClientId::as_str);
    let case_id = job.case.as_ref().map(|case| case.0.as_bytes().as_slice());
    let payload = json(&job.payload)?;
    let made_at = made_at(job);
    match existing {
        Existing::Keep => statement!(
            script,
            Expect::Anything,
            "INSERT INTO jobs (id, key, kind, lane, state, run_at, fence, failures, client, case_id,
             payload, created_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, 'ready', ?5, 0, 0, ?6, ?7, ?8, ?9, ?9)
         ON CONFLICT (key) DO NOTHING",
            id,
            job.key,
            job.kind,
            job.lane,
            run_at,
            client,
            case_id,
            payload,
            made_at
        ),
        // A new wish: what went wrong with the old one no longer counts.
        Existing::Reschedule => statement!(
            script,
            Expect::OneChange(conflict(Precondition::JobState)),
            "INSERT INTO jobs (id, key, kind, lane, state, run_at, fence, failures, client, case_id,
             payload, created_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, 'ready', ?5, 0, 0, ?6, ?7, ?8, ?9, ?9)
         ON CONFLICT (key) DO UPDATE
         SET state = 'ready', run_at = excluded.run_at, payload = excluded.payload,
             changed_at = excluded.changed_at, failures = 0, failing_since = NULL,
             error_class = NULL, error_message = NULL, error_vendor = NULL, note = NULL,
             deferred_by = NULL, refused = 0, rescues = 0
         WHERE state <> 'running'",
            id,
            job.key,
            job.kind,
            job.lane,
            run_at,
            client,
            case_id,
            payload,
            made_at
        ),
        // Looked for again by whoever has reason to: what is over begins anew, what waits comes no
        // later than that, and who runs it now decides with what it reads.
        Existing::Wake => statement!(
            script,
            Expect::Anything,
            "INSERT INTO jobs (id, key, kind, lane, state, run_at, fence, failures, client, case_id,
             payload, created_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, 'ready', ?5, 0, 0, ?6, ?7, ?8, ?9, ?9)
         ON CONFLICT (key) DO UPDATE
         SET payload = excluded.payload, changed_at = excluded.changed_at,
             run_at = CASE WHEN state = 'ready' THEN min(run_at, excluded.run_at)
                           ELSE excluded.run_at END,
             failures = CASE WHEN state = 'ready' THEN failures ELSE 0 END,
             failing_since = CASE WHEN state = 'ready' THEN failing_since END,
             error_class = CASE WHEN state = 'ready' THEN error_class END,
             error_message = CASE WHEN state = 'ready' THEN error_message END,
             error_vendor = CASE WHEN state = 'ready' THEN error_vendor END,
             note = CASE WHEN state = 'ready' THEN note END,
             deferred_by = CASE WHEN state = 'ready' THEN deferred_by END,
             refused = CASE WHEN state = 'ready' THEN refused ELSE 0 END,
             rescues = CASE WHEN state = 'ready' THEN rescues ELSE 0 END,
             state = 'ready'
         WHERE state <> 'running'",
            id,
            job.key,
            job.kind,
            job.lane,
            run_at,
            client,
            case_id,
            payload,
            made_at
        ),
    }
}

/// Queues the reminder of a work item, if that very item is there: one that was open already under
/// its key has a reminder of its own.
pub(crate) fn remind(script: &mut Script, job: &NewJob, item: WorkItemId) -> Result<(), Failure> {
    let id = job.id.0.as_bytes().as_slice();
    let run_at = micros(job.run_at);
    let client = job.client.as_ref().map(ClientId::as_str);
    let case_id = job.case.as_ref().map(|case| case.0.as_bytes().as_slice());
    let payload = json(&job.payload)?;
    let made_at = made_at(job);
    let item = item.0.as_bytes().as_slice();
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO jobs (id, key, kind, lane, state, run_at, fence, failures, client, case_id,
             payload, created_at, changed_at)
         SELECT ?1, ?2, ?3, ?4, 'ready', ?5, 0, 0, ?6, ?7, ?8, ?9, ?9
         WHERE EXISTS (SELECT 1 FROM work_items WHERE id = ?10)
         ON CONFLICT (key) DO NOTHING",
        id,
        job.key,
        job.kind,
        job.lane,
        run_at,
        client,
        case_id,
        payload,
        made_at,
        item
    )
}

/// What an end writes: the attempt's result and the job's next state.
struct JobEnding<'a> {
    result: &'static str,
    state: &'static str,
    run_at: Option<i64>,
    error: Option<&'a JobError>,
    note: Option<&'a str>,
    deferred_by: Option<&'a str>,
    refused: bool,
}

impl<'a> JobEnding<'a> {
    fn of(end: &'a JobEnd) -> Self {
        let stays = |result, error, note| Self {
            result,
            state: result,
            run_at: None,
            error,
            note,
            deferred_by: None,
            refused: false,
        };
        match end {
            JobEnd::Done => stays("done", None, None),
            JobEnd::Parked { error } => stays("parked", Some(error), None),
            JobEnd::Dead { error } => stays("dead", Some(error), None),
            JobEnd::Cancelled { why } => stays("cancelled", None, Some(why)),
            JobEnd::Again { at, error, refused } => Self {
                state: "ready",
                run_at: Some(micros(*at)),
                refused: *refused,
                ..stays("again", Some(error), None)
            },
            JobEnd::Snooze { at, why, deferral } => Self {
                state: "ready",
                run_at: Some(micros(*at)),
                deferred_by: deferral.vendor.as_deref(),
                refused: deferral.refused,
                ..stays("snoozed", None, Some(why))
            },
        }
    }
}

/// Attempts of a job that are kept at least, and that go at once: a periodic one runs for years.
const KEPT_ATTEMPTS: u64 = 200;
const PRUNED_AT_ONCE: u64 = 50;

/// Ends a run: the attempt's row, and the job's next state. Whatever carries an error counts as a
/// failure.
pub(crate) fn finish(
    script: &mut Script,
    fence: Fence,
    end: &JobEnd,
    at: Timestamp,
) -> Result<(), Failure> {
    let id = fence.job.0.as_bytes().as_slice();
    let number = integer(fence.fence)?;
    let at = micros(at);
    let ending = JobEnding::of(end);
    let (class, message, vendor) = error_columns(ending.error);
    let failed = i64::from(ending.error.is_some());
    if fence.fence > KEPT_ATTEMPTS && fence.fence.is_multiple_of(PRUNED_AT_ONCE) {
        let until = integer(fence.fence - KEPT_ATTEMPTS)?;
        statement!(
            script,
            Expect::Anything,
            "DELETE FROM attempts
             WHERE job = (SELECT seq FROM jobs WHERE id = ?1) AND fence <= ?2",
            id,
            until
        )?;
    }
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::JobFence)),
        // A fence that was set back by a damaged byte comes again; it must not keep its job from its end.
        "INSERT INTO attempts (job, fence, ended_at, result, error_class, error_message,
             error_vendor, note)
         SELECT seq, fence, ?3, ?4, ?5, ?6, ?7, ?8 FROM jobs
         WHERE id = ?1 AND fence = ?2 AND state = 'running'
         ON CONFLICT (job, fence) DO UPDATE
         SET ended_at = excluded.ended_at, result = excluded.result,
             error_class = excluded.error_class, error_message = excluded.error_message,
             error_vendor = excluded.error_vendor, note = excluded.note",
        id,
        number,
        at,
        ending.result,
        class,
        message,
        vendor,
        ending.note
    )?;
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::JobFence)),
        "UPDATE jobs SET state = ?3, run_at = COALESCE(?4, run_at), leased_by = NULL,
             lease_until = NULL, failures = failures + ?5,
             failing_since = CASE WHEN ?5 = 1 THEN COALESCE(failing_since, ?6)
                                  ELSE failing_since END,
             error_class = COALESCE(?7, error_class),
             error_message = COALESCE(?8, error_message),
             error_vendor = CASE WHEN ?5 = 1 THEN ?10 ELSE error_vendor END, note = ?9,
             deferred_by = ?11, refused = ?12, rescues = 0, changed_at = ?6
         WHERE id = ?1 AND fence = ?2 AND state = 'running'",
        id,
        number,
        ending.state,
        ending.run_at,
        failed,
        at,
        class,
        message,
        ending.note,
        vendor,
        ending.deferred_by,
        ending.refused
    )
}

/// Makes a stopped job ready again, or a ready one due.
pub(crate) fn replay(script: &mut Script, id: JobId, at: Timestamp) -> Result<(), Failure> {
    let id = id.0.as_bytes().as_slice();
    let at = micros(at);
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::JobState)),
        "UPDATE jobs SET state = 'ready', run_at = ?2, changed_at = ?2,
             failures = CASE WHEN state = 'ready' THEN failures ELSE 0 END,
             failing_since = CASE WHEN state = 'ready' THEN failing_since END,
             error_class = CASE WHEN state = 'ready' THEN error_class END,
             error_message = CASE WHEN state = 'ready' THEN error_message END,
             error_vendor = CASE WHEN state = 'ready' THEN error_vendor END,
             note = CASE WHEN state = 'ready' THEN note END,
             deferred_by = CASE WHEN state = 'ready' THEN deferred_by END,
             refused = CASE WHEN state = 'ready' THEN refused ELSE 0 END,
             rescues = CASE WHEN state = 'ready' THEN rescues ELSE 0 END
         WHERE id = ?1 AND state IN ('ready', 'parked', 'dead', 'cancelled')",
        id,
        at
    )
}

/// Cancels a job that nobody runs and that is not done.
pub(crate) fn cancel(
    script: &mut Script,
    id: JobId,
    why: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let id = id.0.as_bytes().as_slice();
    let at = micros(at);
    // Cancelled already: as wanted, and the first reason stays.
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::JobState)),
        "UPDATE jobs SET note = CASE WHEN state = 'cancelled' THEN note ELSE ?2 END,
             changed_at = CASE WHEN state = 'cancelled' THEN changed_at ELSE ?3 END,
             deferred_by = NULL, refused = 0,
             state = 'cancelled'
         WHERE id = ?1 AND state IN ('ready', 'parked', 'dead', 'cancelled')",
        id,
        why,
        at
    )
}

/// Cancels the job with this key, if there is one that nobody runs and that is not over.
pub(crate) fn cancel_by_key(
    script: &mut Script,
    key: &str,
    why: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let at = micros(at);
    statement!(
        script,
        Expect::Anything,
        "UPDATE jobs SET state = 'cancelled', note = ?2, changed_at = ?3, deferred_by = NULL,
             refused = 0
         WHERE key = ?1 AND state IN ('ready', 'parked', 'dead')",
        key,
        why,
        at
    )
}

/// Makes the job with this key ready, whatever became of it, unless somebody runs it.
pub(crate) fn ready_by_key(script: &mut Script, key: &str, at: Timestamp) -> Result<(), Failure> {
    let at = micros(at);
    statement!(
        script,
        Expect::Anything,
        "UPDATE jobs SET state = 'ready', run_at = ?2, changed_at = ?2, failures = 0,
             failing_since = NULL, error_class = NULL, error_message = NULL, error_vendor = NULL,
             note = NULL, deferred_by = NULL, refused = 0
         WHERE key = ?1 AND state <> 'running'",
        key,
        at
    )
}

/// One job.
pub(crate) async fn get(conn: &mut SqliteConnection, id: JobId) -> Result<Option<Job>, Failure> {
    let id = id.0.as_bytes().as_slice();
    let row = rows!(
        conn,
        JobRow,
        "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since, leased_by,
             lease_until, client, case_id, payload, error_class, error_message, error_vendor, note, deferred_by, refused,
             rescues, created_at,
             changed_at
         FROM jobs WHERE id = ?1",
        id
    )?;
    row.one()
}

/// One job, by key.
pub(crate) async fn by_key(conn: &mut SqliteConnection, key: &str) -> Result<Option<Job>, Failure> {
    let row = rows!(
        conn,
        JobRow,
        "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since, leased_by,
             lease_until, client, case_id, payload, error_class, error_message, error_vendor, note, deferred_by, refused,
             rescues, created_at,
             changed_at
         FROM jobs WHERE key = ?1",
        key
    )?;
    row.one()
}
