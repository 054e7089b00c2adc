//! Cases and their history.

use relay_core::case::{Case, CaseStatus, Mode, TimelineEntry};
use relay_core::ids::{CaseId, ClientId};
use relay_store::{CaseFilter, Page, Precondition, StoreError};
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::rows::{ListedRows, Rows, Stored, rows};
use crate::script::{Expect, Script, statement};
use crate::values::{RowName, bounds, integer, json, maybe_json, micros};

#[derive(sqlx::FromRow)]
pub(crate) struct CaseRow {
    pub(crate) seq: i64,
    pub(crate) id: Vec<u8>,
    pub(crate) client: String,
    pub(crate) procedure: String,
    pub(crate) procedure_hash: String,
    pub(crate) logic: i64,
    pub(crate) mode: String,
    pub(crate) version: i64,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) step: String,
    pub(crate) visit: i64,
    pub(crate) generation: i64,
    pub(crate) wait: Option<String>,
    pub(crate) data: String,
    pub(crate) opened_at: i64,
    pub(crate) changed_at: i64,
}

impl Stored for CaseRow {
    const TABLE: &'static str = "cases";
    type Value = Case;

    fn read(self) -> Result<Case, StoreError> {
        let row = RowName::new("cases", self.seq);
        Ok(Case {
            id: CaseId(row.uuid("id", &self.id)?),
            client: ClientId(self.client),
            procedure: self.procedure,
            procedure_hash: self.procedure_hash,
            logic: row.number("logic", self.logic)?,
            mode: row.word("mode", mode_from(&self.mode))?,
            version: row.number("version", self.version)?,
            status: row.word("status", status_from(&self.status, self.reason))?,
            step: self.step,
            visit: row.number("visit", self.visit)?,
            generation: row.number("generation", self.generation)?,
            wait: row.maybe_json("wait", self.wait.as_deref())?,
            data: row.json("data", &self.data)?,
            opened_at: row.time("opened_at", self.opened_at)?,
            changed_at: row.time("changed_at", self.changed_at)?,
        })
    }
}

/// The stored name of a mode.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Propose => "propose",
        Mode::Act => "act",
    }
}

/// The mode with this stored name.
pub(crate) fn mode_from(name: &str) -> Option<Mode> {
    match name {
        "propose" => Some(Mode::Propose),
        "act" => Some(Mode::Act),
        _ => None,
    }
}

fn reason_of(status: &CaseStatus) -> Option<&str> {
    match status {
        CaseStatus::Open => None,
        CaseStatus::Paused { reason }
        | CaseStatus::Held { reason }
        | CaseStatus::Closed { reason } => Some(reason),
    }
}

fn status_from(name: &str, reason: Option<String>) -> Option<CaseStatus> {
    match (name, reason) {
        ("open", None) => Some(CaseStatus::Open),
        ("paused", Some(reason)) => Some(CaseStatus::Paused { reason }),
        ("held", Some(reason)) => Some(CaseStatus::Held { reason }),
        ("closed", Some(reason)) => Some(CaseStatus::Closed { reason }),
        _ => None,
    }
}

/// Stores a new case, if the client has none of this procedure that is not closed.
pub(crate) fn insert(script: &mut Script, case: &Case) -> Result<(), Failure> {
    let id = case.id.0.as_bytes().as_slice();
    let client = case.client.as_str();
    let logic = i64::from(case.logic);
    let mode = mode_name(case.mode);
    let version = integer(case.version)?;
    let status = case.status.as_str();
    let reason = reason_of(&case.status);
    let visit = i64::from(case.visit);
    let generation = integer(case.generation)?;
    let wait = maybe_json(case.wait.as_ref())?;
    let data = json(&case.data)?;
    let opened_at = micros(case.opened_at);
    let changed_at = micros(case.changed_at);
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::OpenCase)),
        "INSERT INTO cases (id, client, procedure, procedure_hash, logic, mode, version, status,
             reason, step, visit, generation, wait, data, opened_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (client, procedure) WHERE status <> 'closed' DO NOTHING",
        id,
        client,
        case.procedure,
        case.procedure_hash,
        logic,
        mode,
        version,
        status,
        reason,
        case.step,
        visit,
        generation,
        wait,
        data,
        opened_at,
        changed_at
    )
}

/// Replaces a case that still has the version `expected`.
pub(crate) fn update(script: &mut Script, case: &Case, expected: u64) -> Result<(), Failure> {
    if expected.checked_add(1) != Some(case.version) {
        return Err(conflict(Precondition::CaseVersion).into());
    }
    let id = case.id.0.as_bytes().as_slice();
    let client = case.client.as_str();
    let logic = i64::from(case.logic);
    let mode = mode_name(case.mode);
    let version = integer(case.version)?;
    let expected = integer(expected)?;
    let status = case.status.as_str();
    let reason = reason_of(&case.status);
    let visit = i64::from(case.visit);
    let generation = integer(case.generation)?;
    let wait = maybe_json(case.wait.as_ref())?;
    let data = json(&case.data)?;
    let opened_at = micros(case.opened_at);
    let changed_at = micros(case.changed_at);
    // The place is taken if it is opened again while the client has another one.
    let expect = Expect::OneChangeOrTaken(
        conflict(Precondition::CaseVersion),
        conflict(Precondition::OpenCase),
    );
    statement!(
        script,
        expect,
        "UPDATE cases SET client = ?3, procedure = ?4, procedure_hash = ?5, logic = ?6, mode = ?7,
             version = ?8, status = ?9, reason = ?10, step = ?11, visit = ?12, generation = ?13,
             wait = ?14, data = ?15, opened_at = ?16, changed_at = ?17
         WHERE id = ?1 AND version = ?2",
        id,
        expected,
        client,
        case.procedure,
        case.procedure_hash,
        logic,
        mode,
        version,
        status,
        reason,
        case.step,
        visit,
        generation,
        wait,
        data,
        opened_at,
        changed_at
    )
}

/// Requires that a case has this version.
pub(crate) fn require(script: &mut Script, case: CaseId, version: u64) -> Result<(), Failure> {
    let id = case.0.as_bytes().as_slice();
    let version = integer(version)?;
    statement!(
        script,
        Expect::ARow(conflict(Precondition::CaseVersion)),
        "SELECT seq FROM cases WHERE id = ?1 AND version = ?2",
        id,
        version
    )
}

/// Adds a line to a case's history.
pub(crate) fn append(
    script: &mut Script,
    case: CaseId,
    entry: &TimelineEntry,
) -> Result<(), Failure> {
    let id = case.0.as_bytes().as_slice();
    let at = micros(entry.at);
    let detail = maybe_json(entry.detail.as_ref())?;
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO timeline (case_id, at, step, text, sop, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        id,
        at,
        entry.step,
        entry.text,
        entry.sop,
        detail
    )
}

/// One case.
pub(crate) async fn get(conn: &mut SqliteConnection, id: CaseId) -> Result<Option<Case>, Failure> {
    let id = id.0.as_bytes().as_slice();
    let row = rows!(
        conn,
        CaseRow,
        "SELECT seq, id, client, procedure, procedure_hash, logic, mode, version, status, reason,
             step, visit, generation, wait, data, opened_at, changed_at
         FROM cases WHERE id = ?1",
        id
    )?;
    row.one()
}

/// A client's cases that are not closed, oldest first.
pub(crate) async fn open_of(
    conn: &mut SqliteConnection,
    client: &ClientId,
) -> Result<Vec<Case>, Failure> {
    let client = client.as_str();
    let rows = rows!(
        conn,
        CaseRow,
        "SELECT seq, id, client, procedure, procedure_hash, logic, mode, version, status, reason,
             step, visit, generation, wait, data, opened_at, changed_at
         FROM cases WHERE client = ?1 AND status <> 'closed' ORDER BY opened_at, seq",
        client
    )?;
    rows.all()
}

/// Cases matching a filter, newest change first.
pub(crate) async fn list(
    conn: &mut SqliteConnection,
    filter: &CaseFilter,
    page: Page,
) -> Result<ListedRows<Case>, Failure> {
    // A statement for each question: one for both would read every case there ever was.
    match &filter.client {
        // What is decided about a client is decided on all of it.
        Some(client) => Ok(ListedRows {
            found: list_of(conn, client, filter, page).await?.all()?,
            damage: Vec::new(),
        }),
        None => list_all(conn, filter, page).await?.readable(),
    }
}

/// Of one client. What is looked at before a message asks the same within its view.
async fn list_of(
    conn: &mut SqliteConnection,
    client: &ClientId,
    filter: &CaseFilter,
    page: Page,
) -> Result<Rows<CaseRow>, Failure> {
    let client = client.as_str();
    let (limit, offset) = bounds(page);
    rows!(
        conn,
        CaseRow,
        "SELECT seq, id, client, procedure, procedure_hash, logic, mode, version, status, reason,
             step, visit, generation, wait, data, opened_at, changed_at
         FROM cases
         WHERE client = ?1
           AND (?2 IS NULL OR procedure = ?2)
           AND (?3 OR status <> 'closed')
         ORDER BY changed_at DESC, seq DESC LIMIT ?4 + 0 OFFSET ?5",
        client,
        filter.procedure,
        filter.closed,
        limit,
        offset
    )
}

async fn list_all(
    conn: &mut SqliteConnection,
    filter: &CaseFilter,
    page: Page,
) -> Result<Rows<CaseRow>, Failure> {
    let (limit, offset) = bounds(page);
    rows!(
        conn,
        CaseRow,
        "SELECT seq, id, client, procedure, procedure_hash, logic, mode, version, status, reason,
             step, visit, generation, wait, data, opened_at, changed_at
         FROM cases
         WHERE (?1 IS NULL OR procedure = ?1)
           AND (?2 OR status <> 'closed')
         ORDER BY changed_at DESC, seq DESC LIMIT ?3 + 0 OFFSET ?4",
        filter.procedure,
        filter.closed,
        limit,
        offset
    )
}

#[derive(sqlx::FromRow)]
pub(crate) struct TimelineRow {
    seq: i64,
    at: i64,
    step: String,
    text: String,
    sop: Option<String>,
    detail: Option<String>,
}

impl Stored for TimelineRow {
    const TABLE: &'static str = "timeline";
    type Value = TimelineEntry;

    fn read(self) -> Result<TimelineEntry, StoreError> {
        let row = RowName::new("timeline", self.seq);
        Ok(TimelineEntry {
            at: row.time("at", self.at)?,
            step: self.step,
            text: self.text,
            sop: self.sop,
            detail: row.maybe_json("detail", self.detail.as_deref())?,
        })
    }
}

/// Cases that are not closed, by id, after one.
pub(crate) async fn open_after(
    conn: &mut SqliteConnection,
    after: Option<CaseId>,
    limit: u32,
) -> Result<ListedRows<Case>, Failure> {
    let after = after.map_or(Vec::new(), |id| id.0.as_bytes().to_vec());
    let limit = i64::from(limit);
    let rows = rows!(
        conn,
        CaseRow,
        "SELECT seq, id, client, procedure, procedure_hash, logic, mode, version, status, reason,
             step, visit, generation, wait, data, opened_at, changed_at
         FROM cases WHERE status <> 'closed' AND id > ?1 ORDER BY id LIMIT ?2 + 0",
        after,
        limit
    )?;
    rows.readable()
}

/// The history of a case, in the order it was written.
pub(crate) async fn timeline(
    conn: &mut SqliteConnection,
    case: CaseId,
) -> Result<ListedRows<TimelineEntry>, Failure> {
    let id = case.0.as_bytes().as_slice();
    rows!(
        conn,
        TimelineRow,
        "SELECT seq, at, step, text, sop, detail FROM timeline WHERE case_id = ?1 ORDER BY seq",
        id
    )?
    .readable()
}
