//! Lists of jobs: for people, for a replay, for the reconcile.

use relay_core::ids::ClientId;
use relay_core::time::Timestamp;
use relay_store::{Job, JobFilter, JobState, Page, StoreError};
use sqlx::SqliteConnection;

use crate::failure::Failure;
use crate::jobs::JobRow;
use crate::rows::{ListedRows, Rows, rows};
use crate::values::{bounds, json, micros};

/// Ready jobs by due time, then `seq`, after one.
pub(crate) async fn ready_after(
    conn: &mut SqliteConnection,
    after: Option<(Timestamp, i64)>,
    limit: u32,
) -> Result<ListedRows<Job>, Failure> {
    let (run_at, seq) = after.map_or((i64::MIN, 0), |(run_at, seq)| (micros(run_at), seq));
    let limit = i64::from(limit);
    let rows = rows!(
        conn,
        JobRow,
        "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since, leased_by,
             lease_until, client, case_id, payload, error_class, error_message, error_vendor, note, deferred_by, refused,
             rescues,
             created_at, changed_at
         FROM jobs WHERE state = 'ready' AND (run_at, seq) > (?1, ?2)
         ORDER BY run_at, seq LIMIT ?3 + 0",
        run_at,
        seq,
        limit
    )?;
    rows.readable()
}

/// The ready jobs of a lane that have failed, by `seq`.
pub(crate) async fn failing(
    conn: &mut SqliteConnection,
    lane: &str,
) -> Result<ListedRows<Job>, Failure> {
    let rows = rows!(
        conn,
        JobRow,
        "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since, leased_by,
             lease_until, client, case_id, payload, error_class, error_message, error_vendor, note, deferred_by, refused,
             rescues,
             created_at, changed_at
         FROM jobs WHERE lane = ?1 AND state = 'ready' AND failures > 0 ORDER BY lane, seq",
        lane
    )?;
    rows.readable()
}

/// Jobs matching a filter, by lane, then `seq`.
pub(crate) async fn list(
    conn: &mut SqliteConnection,
    filter: &JobFilter,
    page: Page,
) -> Result<ListedRows<Job>, Failure> {
    let stopped = [JobState::Parked, JobState::Dead, JobState::Cancelled];
    let only_stopped =
        !filter.states.is_empty() && filter.states.iter().all(|state| stopped.contains(state));
    let rows = if only_stopped {
        list_stopped(conn, filter, page).await?
    } else {
        list_any(conn, filter, page).await?
    };
    rows.readable()
}

fn state_names(filter: &JobFilter) -> Result<String, StoreError> {
    let states = if filter.states.is_empty() {
        JobState::ALL
    } else {
        &filter.states
    };
    let names: Vec<_> = states.iter().map(|state| state.as_str()).collect();
    json(&names)
}

/// What a replay asks for: reads only the few jobs that are stopped.
async fn list_stopped(
    conn: &mut SqliteConnection,
    filter: &JobFilter,
    page: Page,
) -> Result<Rows<JobRow>, Failure> {
    let states = state_names(filter)?;
    let client = filter.client.as_ref().map(ClientId::as_str);
    let case_id = filter.case.as_ref().map(|id| id.0.as_bytes().as_slice());
    let (limit, offset) = bounds(page);
    rows!(
        conn,
        JobRow,
        "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since, leased_by,
             lease_until, client, case_id, payload, error_class, error_message, error_vendor, note, deferred_by, refused,
             rescues, created_at,
             changed_at
         FROM jobs
         WHERE state IN ('parked', 'dead', 'cancelled')
           AND state IN (SELECT value FROM json_each(?1))
           AND (?2 IS NULL OR kind = ?2)
           AND (?3 IS NULL OR client = ?3)
           AND (?4 IS NULL OR case_id = ?4)
           AND (?5 IS NULL OR error_class = ?5)
         ORDER BY lane, seq LIMIT ?6 + 0 OFFSET ?7",
        states,
        filter.kind,
        client,
        case_id,
        filter.class,
        limit,
        offset
    )
}

/// Any other question: by way of the case where one is named, else through the whole table.
async fn list_any(
    conn: &mut SqliteConnection,
    filter: &JobFilter,
    page: Page,
) -> Result<Rows<JobRow>, Failure> {
    let states = state_names(filter)?;
    let client = filter.client.as_ref().map(ClientId::as_str);
    let (limit, offset) = bounds(page);
    if let Some(case) = &filter.case {
        let case_id = case.0.as_bytes().as_slice();
        return rows!(
            conn,
            JobRow,
            "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since,
                 leased_by, lease_until, client, case_id, payload, error_class, error_message, error_vendor,
                 note, deferred_by, refused,
             rescues, created_at, changed_at
             FROM jobs
             WHERE case_id = ?1
               AND state IN (SELECT value FROM json_each(?2))
               AND (?3 IS NULL OR kind = ?3)
               AND (?4 IS NULL OR client = ?4)
               AND (?5 IS NULL OR error_class = ?5)
             ORDER BY lane, seq LIMIT ?6 + 0 OFFSET ?7",
            case_id,
            states,
            filter.kind,
            client,
            filter.class,
            limit,
            offset
        );
    }
    rows!(
        conn,
        JobRow,
        "SELECT seq, id, key, kind, lane, state, run_at, fence, failures, failing_since, leased_by,
             lease_until, client, case_id, payload, error_class, error_message, error_vendor, note, deferred_by, refused,
             rescues, created_at,
             changed_at
         FROM jobs
         WHERE state IN (SELECT value FROM json_each(?1))
           AND (?2 IS NULL OR kind = ?2)
           AND (?3 IS NULL OR client = ?3)
           AND (?4 IS NULL OR error_class = ?4)
         ORDER BY lane, seq LIMIT ?5 + 0 OFFSET ?6",
        states,
        filter.kind,
        client,
        filter.class,
        limit,
        offset
    )
}
