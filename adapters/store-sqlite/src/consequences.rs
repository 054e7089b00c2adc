//! What follows for others when a row is mended or taken out.

use relay_core::effects::EffectKind;
use relay_core::time::Timestamp;
use serde_json::{Value, json};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::damaged_row::{DamagedRow, person};
use crate::failure::Failure;
use crate::values::micros;

/// A row can be read again.
pub(crate) async fn of_mending(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
    columns: &[String],
) -> Result<(), Failure> {
    let Ok(seq) = damaged.row.parse::<i64>() else {
        return Ok(());
    };
    let now = damaged.now;
    match damaged.table.name {
        "jobs" => run_again(conn, seq, now).await,
        "receipts" if !columns.iter().any(|column| column == "source") => {
            read_again(conn, seq).await
        }
        "cases" => case(conn, seq, now).await,
        "effects" => effect(conn, seq, now).await,
        _ => Ok(()),
    }
}

/// A row is about to be taken out.
pub(crate) async fn before_taking_out(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
) -> Result<(), Failure> {
    let Ok(seq) = damaged.row.parse::<i64>() else {
        return Ok(());
    };
    match damaged.table.name {
        "jobs" => job_goes(conn, seq, damaged.now).await,
        "receipts" => receipt_goes(conn, seq, damaged.now).await,
        "facts" => fact_goes(conn, seq).await,
        _ => Ok(()),
    }
}

/// A job that was set aside runs now.
async fn run_again(conn: &mut SqliteConnection, seq: i64, now: Timestamp) -> Result<(), Failure> {
    let (name, now) = (seq.to_string(), micros(now));
    sqlx::query!(
        "UPDATE jobs SET state = 'ready', run_at = max(run_at, ?3), failures = 0,
             failing_since = NULL, error_class = NULL, error_message = NULL, error_vendor = NULL,
             deferred_by = NULL, refused = 0, changed_at = ?3
         WHERE seq = ?1 AND state = 'dead' AND EXISTS (
             SELECT 1 FROM damaged
             WHERE table_name = 'jobs' AND row = ?2 AND what = 'set_aside')",
        seq,
        name,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A webhook that was set aside unread is read now, unless its like has come in again.
async fn read_again(conn: &mut SqliteConnection, seq: i64) -> Result<(), Failure> {
    let name = seq.to_string();
    let done = sqlx::query!(
        "UPDATE receipts SET state = 'new', processed_at = NULL, note = NULL
         WHERE seq = ?1 AND state = 'quarantined' AND EXISTS (
             SELECT 1 FROM damaged
             WHERE table_name = 'receipts' AND row = ?2 AND what = 'set_aside')",
        seq,
        name
    )
    .execute(conn)
    .await;
    match done.map_err(Failure::from) {
        Err(failure) if !failure.spares_transaction() => Err(failure),
        _ => Ok(()),
    }
}

/// A case was repaired in its place, held, or closed: what is queued for it no longer applies, and
/// somebody looks.
async fn case(conn: &mut SqliteConnection, seq: i64, now: Timestamp) -> Result<(), Failure> {
    let found = sqlx::query!(
        r#"SELECT id AS "id!: Vec<u8>", client AS "client!: String", status AS "status!: String"
           FROM cases WHERE seq = ?1"#,
        seq
    )
    .fetch_one(&mut *conn)
    .await?;
    let (id, at) = (found.id.as_slice(), micros(now));
    if found.status == "closed" {
        sqlx::query!(
            "UPDATE jobs SET state = 'cancelled', note = 'its case was closed', changed_at = ?2,
                 deferred_by = NULL, refused = 0, leased_by = NULL, lease_until = NULL
             WHERE case_id = ?1 AND state IN ('ready', 'parked', 'dead')",
            id,
            at
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            r#"UPDATE effects SET state = 'cancelled', settled = '{"settled":"cancelled"}',
                 changed_at = ?2
             WHERE case_id = ?1 AND state IN ('planned', 'held') AND revision = 0"#,
            id,
            at
        )
        .execute(&mut *conn)
        .await?;
    }
    let title = format!(
        "The record of a follow-up of {} was damaged: see what it says now",
        found.client
    );
    let case = Uuid::from_slice(id).unwrap_or_default();
    let item = NewWorkItem {
        key: format!("mended/cases/{seq}"),
        title,
        detail: json!({ "case": case, "status": found.status,
                        "remedy": format!("clear-relay cases show {case}") }),
        actions: json!(["done"]),
        client: Some(found.client),
        case: None,
        effect: None,
    };
    tell(conn, item, now).await
}

/// An effect that may have gone out is answered for by a person; its case waits for that.
async fn effect(conn: &mut SqliteConnection, seq: i64, now: Timestamp) -> Result<(), Failure> {
    let found = sqlx::query!(
        "SELECT key, case_id, client, kind, state, request, intended_at
         FROM effects WHERE seq = ?1",
        seq
    )
    .fetch_one(&mut *conn)
    .await?;
    if !matches!(found.state.as_str(), "unsettled" | "held" | "cancelled") {
        return Ok(());
    }
    if let Some(case) = &found.case_id {
        hold(conn, case, now).await?;
    }
    let open = found.state == "unsettled";
    let what = words(&found.kind);
    let title = if open {
        format!("Did {what} come through? Its record was damaged")
    } else {
        format!("Given up, because its record was damaged: {what}")
    };
    let sent_at = found.intended_at.map(Timestamp::from_microsecond);
    let item = NewWorkItem {
        key: format!("unsettled/{}", found.key),
        title,
        detail: json!({ "effect": found.key, "sent_at": sent_at.and_then(Result::ok),
                        "evidence": "its record in the database was damaged" }),
        actions: json!([if open { "happened" } else { "done" }]),
        client: found.client,
        case: found.case_id,
        effect: Some(found.key),
    };
    tell(conn, item, now).await
}

/// What people call a kind of effect.
fn words(kind: &str) -> &str {
    EffectKind::from_name(kind).map_or("something that was planned", |kind| kind.spec().words)
}

/// What a case waited for goes with its job.
async fn job_goes(conn: &mut SqliteConnection, seq: i64, now: Timestamp) -> Result<(), Failure> {
    sqlx::query!("DELETE FROM attempts WHERE job = ?1", seq)
        .execute(&mut *conn)
        .await?;
    let case = sqlx::query_scalar!(
        r#"SELECT case_id AS "case_id!: Vec<u8>" FROM jobs
           WHERE seq = ?1 AND length(case_id) = 16
             AND state NOT IN ('done', 'cancelled')
             AND kind NOT IN ('reminder', 'refresh', 'reread', 'reread_batch')"#,
        seq
    )
    .fetch_optional(&mut *conn)
    .await?;
    effect_goes(conn, seq, now).await?;
    match case {
        Some(case) => hold(conn, &case, now).await,
        None => Ok(()),
    }
}

/// What a job was to carry out for no case is given up with it, and told. What people were asked about the
/// job has no answer any more.
async fn effect_goes(conn: &mut SqliteConnection, seq: i64, now: Timestamp) -> Result<(), Failure> {
    let at = micros(now);
    let key = sqlx::query_scalar!(
        r#"SELECT CASE WHEN key LIKE 'effect/%' THEN substr(key, length('effect/') + 1)
                WHEN json_valid(payload) THEN json_extract(payload, '$.effect') END AS "key: String"
           FROM jobs WHERE seq = ?1"#,
        seq
    )
    .fetch_one(&mut *conn)
    .await;
    let Ok(Some(key)) = key else { return Ok(()) };
    sqlx::query!(
        "UPDATE work_items SET settled_at = ?2, settled_by = 'relay', settled_action = 'discarded'
         WHERE dedupe_key = 'held/' || ?1 AND settled_at IS NULL",
        key,
        at
    )
    .execute(&mut *conn)
    .await?;
    let effect = sqlx::query!(
        "SELECT client, kind FROM effects WHERE key = ?1 AND scope <> 'case'
         AND state IN ('planned', 'held') AND revision = 0",
        key
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(effect) = effect else { return Ok(()) };
    sqlx::query!(
        r#"UPDATE effects SET state = 'cancelled', settled = '{"settled":"cancelled"}', changed_at = ?2
           WHERE key = ?1"#,
        key,
        at
    )
    .execute(&mut *conn)
    .await?;
    let told = NewWorkItem {
        key: format!("mended/jobs/{seq}"),
        title: format!(
            "Left undone, because its job was damaged: {}",
            words(&effect.kind)
        ),
        detail: json!({ "effect": key, "remedy": "do it by hand, if it is still wanted" }),
        actions: json!(["done"]),
        client: effect.client,
        case: None,
        effect: Some(key),
    };
    tell(conn, told, now).await
}

/// Facts stay without their receipt, and so do its repeats.
async fn receipt_goes(
    conn: &mut SqliteConnection,
    seq: i64,
    now: Timestamp,
) -> Result<(), Failure> {
    let now = micros(now);
    sqlx::query!(
        "UPDATE facts SET receipt = NULL
         WHERE receipt = (SELECT id FROM receipts WHERE seq = ?1)",
        seq
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE receipts SET state = 'done', duplicate_of = NULL, processed_at = ?2,
             dedupe_key = dedupe_key || '/' || seq
         WHERE duplicate_of = (SELECT id FROM receipts WHERE seq = ?1)",
        seq,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the webhook said is read out of it once more.
async fn fact_goes(conn: &mut SqliteConnection, seq: i64) -> Result<(), Failure> {
    let done = sqlx::query!(
        "UPDATE receipts SET state = 'new', processed_at = NULL, note = NULL
         WHERE state = 'done' AND id = (SELECT receipt FROM facts WHERE seq = ?1)",
        seq
    )
    .execute(conn)
    .await;
    // Its like has come in again: that is read.
    match done.map_err(Failure::from) {
        Err(failure) if !failure.spares_transaction() => Err(failure),
        _ => Ok(()),
    }
}

/// A case waits for a person, and no timer of it applies any more.
async fn hold(conn: &mut SqliteConnection, case: &[u8], now: Timestamp) -> Result<(), Failure> {
    let (at, wait) = (micros(now), person(now).to_string());
    let held = sqlx::query!(
        "UPDATE cases SET status = 'held', reason = 'a part of its record was damaged', wait = ?2,
             version = version + 1, generation = generation + 1, changed_at = ?3
         WHERE id = ?1 AND status <> 'closed'",
        case,
        wait,
        at
    )
    .execute(&mut *conn)
    .await?;
    if held.rows_affected() == 0 {
        return Ok(());
    }
    let client = sqlx::query_scalar!("SELECT client FROM cases WHERE id = ?1", case)
        .fetch_one(&mut *conn)
        .await?;
    let id = Uuid::from_slice(case).unwrap_or_default();
    let item = NewWorkItem {
        key: format!("mended/case/{id}"),
        title: format!("The follow-up of {client} is held: a part of its record was damaged"),
        detail: json!({ "case": id, "remedy": format!("clear-relay cases show {id}") }),
        actions: json!(["done"]),
        client: Some(client),
        case: Some(case.to_vec()),
        effect: None,
    };
    tell(conn, item, now).await
}

/// A work item to be.
struct NewWorkItem {
    key: String,
    title: String,
    detail: Value,
    actions: Value,
    client: Option<String>,
    case: Option<Vec<u8>>,
    effect: Option<String>,
}

/// Opens a work item with its reminder, unless it is open.
async fn tell(
    conn: &mut SqliteConnection,
    item: NewWorkItem,
    now: Timestamp,
) -> Result<(), Failure> {
    let id = sqlx::query_scalar!(r#"SELECT randomblob(16) AS "id!: Vec<u8>""#)
        .fetch_one(&mut *conn)
        .await?;
    let (detail, actions, at) = (
        item.detail.to_string(),
        item.actions.to_string(),
        micros(now),
    );
    let opened = sqlx::query!(
        "INSERT INTO work_items (id, dedupe_key, kind, owner, title, detail, actions, client,
             case_id, effect, opened_at, due, remind_at, reminders)
         VALUES (?1, ?2, 'damage', 'admin', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?9, 0)
         ON CONFLICT (dedupe_key) WHERE settled_at IS NULL DO NOTHING",
        id,
        item.key,
        item.title,
        detail,
        actions,
        item.client,
        item.case,
        item.effect,
        at
    )
    .execute(&mut *conn)
    .await?;
    if opened.rows_affected() == 0 {
        return Ok(());
    }
    let work_item = Uuid::from_slice(&id).unwrap_or_default();
    let (key, payload) = (
        format!("reminder/{work_item}"),
        json!({ "work_item": work_item }).to_string(),
    );
    sqlx::query!(
        "INSERT INTO jobs (id, key, kind, lane, state, run_at, fence, failures, client, case_id,
             payload, created_at, changed_at)
         VALUES (?1, ?2, 'reminder', ?2, 'ready', ?3, 0, 0, ?4, ?5, ?6, ?3, ?3)",
        id,
        key,
        at,
        item.client,
        item.case,
        payload
    )
    .execute(conn)
    .await?;
    Ok(())
}
