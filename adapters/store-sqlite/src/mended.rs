//! What a value is made anew from, column by column.
//!
//! How a newcomer does it for a new column: nothing, if it may be null, or if its row can be taken out
//! for the lack of it; else an arm in [`set`]. The test over the schema (`tests/it/engine/damage.rs` of the relay)
//! fails for a column that brings a client to a halt.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::damaged_row::{Anew, DamagedRow, person, quoted};
use crate::failure::Failure;
use crate::own_words;
use crate::scan::Key;

/// What a closed case's columns hold for what they held.
const CLOSED: &str = "status = 'closed', reason = 'its record was damaged', wait = NULL, \
                      version = CASE WHEN version BETWEEN 0 AND 999999999 THEN version + 1 \
                      ELSE 1000000000 END, changed_at = ?3";

/// An effect whose content is lost: unsettled if it may have gone out, done if it is known to have, and
/// cancelled else.
const GIVEN_UP: &str = "state = CASE WHEN state IN ('done', 'proposed', 'overtaken', 'cancelled') \
                        THEN state WHEN state IN ('planned', 'held') AND revision = 0 \
                        AND intended_at IS NULL \
                        AND NOT EXISTS (SELECT 1 FROM intents WHERE effect = effects.key) \
                        THEN 'cancelled' ELSE 'unsettled' END";

/// The jobs that the relay has for itself, as SQL lists them.
pub(crate) const PERIODIC: &str =
    "'reconcile', 'credential', 'hooks_watch', 'engagement_poll', 'check_in_list'";

/// What a column of a row gets.
pub(crate) async fn anew(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
    column: &str,
) -> Result<Anew, Failure> {
    let made = match (damaged.table.name, column) {
        ("jobs", "payload") => payload(conn, damaged.row).await?,
        ("effects", "input") => input(conn, damaged.row).await?,
        ("cases" | "receipts", "id") => referred_to(conn, damaged).await?,
        ("jobs", "key") if has_twin(conn, damaged.row).await? => Some(Anew::Nothing),
        ("settings", column) => Some(own_words::anew(conn, damaged, column).await?),
        ("cases", "wait") => Some(Anew::By(format!(
            "status = 'held', reason = 'its wait was damaged', wait = {}, version = version + 1",
            quoted(&person(damaged.now).to_string())
        ))),
        (table, column) => set(table, column).map(Anew::By),
    };
    if let Some(made) = made {
        return Ok(made);
    }
    if damaged.table.key != Key::Seq || is_required(conn, damaged.table.name, column).await? {
        return Ok(Anew::Nothing);
    }
    Ok(Anew::By(format!("{column} = NULL")))
}

/// The id of a row by what refers to it: the only one that is referred to and not there.
#[expect(
    clippy::disallowed_methods,
    reason = "put together from names of this crate; nothing is taken from outside"
)]
async fn referred_to(
    conn: &mut SqliteConnection,
    damaged: DamagedRow<'_>,
) -> Result<Option<Anew>, Failure> {
    let (by, column) = match damaged.table.name {
        "cases" => ("timeline", "case_id"),
        _ => ("facts", "receipt"),
    };
    let table = damaged.table.name;
    let text = format!(
        "SELECT DISTINCT hex({column}) FROM {by} WHERE length({column}) = 16
         AND NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.id = {by}.{column}) LIMIT 2"
    );
    let lost = sqlx::query_scalar::<_, String>(AssertSqlSafe(text))
        .fetch_all(conn)
        .await?;
    Ok(match lost.as_slice() {
        [id] => Some(Anew::By(format!("id = x'{id}'"))),
        _ => set(table, "id").map(Anew::By),
    })
}

/// Whether a job that the relay has for itself was made anew since its name was lost.
async fn has_twin(conn: &mut SqliteConnection, row: &str) -> Result<bool, Failure> {
    let Ok(seq) = row.parse::<i64>() else {
        return Ok(false);
    };
    let twin = sqlx::query_scalar!(
        r#"SELECT t.seq AS "seq!: i64" FROM jobs j JOIN jobs t ON t.key = j.kind
           WHERE j.seq = ?1 AND t.seq <> j.seq"#,
        seq
    )
    .fetch_optional(conn)
    .await?;
    Ok(twin.is_some())
}

/// The part of the statement for columns that need nothing looked up.
fn set(table: &str, column: &str) -> Option<String> {
    let plain = |text: &str| Some(text.to_owned());
    let closed = |neutral: &str| Some(format!("{CLOSED}, {neutral}"));
    match (table, column) {
        ("receipts" | "intents" | "jobs" | "work_items", "id") => plain("id = randomblob(16)"),
        ("receipts", "source") => plain(
            "source = 'unknown', state = 'quarantined', duplicate_of = NULL, processed_at = ?3",
        ),
        ("receipts", "dedupe_key") => plain("dedupe_key = 'damaged/' || hex(id)"),
        ("receipts", "dedupe_forever") => plain("dedupe_forever = 1"),
        ("receipts", "verified_by") => plain("verified_by = 'unknown'"),
        ("receipts", "state" | "duplicate_of") => {
            plain("state = 'quarantined', duplicate_of = NULL, processed_at = ?3")
        }
        ("receipts", "processed_at") => {
            plain("processed_at = CASE state WHEN 'new' THEN NULL ELSE ?3 END")
        }
        ("receipts", "received_at") => plain("received_at = ?3"),
        ("facts", "learned_at") => plain("learned_at = ?3"),
        ("facts", "kind") => plain("kind = json_extract(body, '$.kind')"),
        ("cases", "opened_at") => plain("opened_at = ?3"),
        ("cases", "changed_at") => plain("changed_at = ?3"),
        ("cases", "mode") => plain("mode = 'propose'"),
        ("cases", "version") => plain("version = 1000000000"),
        ("cases", "reason") => {
            plain("reason = CASE status WHEN 'open' THEN NULL ELSE 'damaged' END")
        }
        ("cases", "id") => closed("id = randomblob(16)"),
        ("cases", "client") => closed("client = 'unknown'"),
        ("cases", "procedure") => closed("procedure = 'unknown/' || hex(id)"),
        ("cases", "procedure_hash") => closed("procedure_hash = ''"),
        ("cases", "logic") => closed("logic = 1"),
        ("cases", "step") => closed("step = 'damaged'"),
        ("cases", "visit") => closed("visit = 1"),
        ("cases", "generation") => closed("generation = 1000000000"),
        ("cases", "data") => closed("data = '{}'"),
        ("cases", "status") => plain(CLOSED),
        ("timeline" | "audit" | "intents", "at") => plain("at = ?3"),
        ("timeline", "step") => plain("step = 'damaged'"),
        ("timeline", "text") => plain("text = '(this line was damaged)'"),
        ("audit", "who" | "what" | "object") | ("damaged", "who" | "row" | "table_name") => {
            Some(format!("{column} = '(damaged)'"))
        }
        ("audit", "detail") => plain("detail = '{}'"),
        ("damaged", "columns") => plain("columns = '{}'"),
        ("effects", _) => effect(column),
        ("intents", "request") => plain(
            "request = (SELECT e.request FROM effects e
                 WHERE e.key = intents.effect AND e.revision = intents.revision)",
        ),
        ("intents", "reading") => plain("reading = 'null'"),
        ("jobs", _) => job(column),
        ("work_items", _) => work_item(column),
        ("engagement", "label_key") => plain("label_key = ''"),
        _ => None,
    }
}

fn effect(column: &str) -> Option<String> {
    let last = "FROM intents WHERE effect = effects.key ORDER BY revision DESC LIMIT 1";
    // Its job has it, too: the only one of the case whose effect is not there.
    let key = "(SELECT CASE count(*) WHEN 1 THEN min(substr(j.key, 8)) END FROM jobs j
        WHERE j.case_id = effects.case_id AND j.kind = 'effect' AND NOT EXISTS (
            SELECT 1 FROM effects e WHERE e.key = substr(j.key, 8)))";
    Some(match column {
        "key" => format!(
            "key = coalesce({key}, 'damaged/' || seq),
             state = CASE WHEN {key} IS NOT NULL THEN state
                 WHEN state IN ('intended', 'unclear') THEN 'unsettled'
                 WHEN state = 'planned' THEN 'cancelled' ELSE state END"
        ),
        "scope" => "scope = CASE WHEN case_id IS NOT NULL THEN 'case'
                 WHEN item_id IS NOT NULL THEN 'work_item'
                 WHEN client IS NOT NULL THEN 'client' ELSE 'installation' END"
            .to_owned(),
        "case_id" => "case_id = CASE WHEN scope = 'case' THEN coalesce((SELECT case_id FROM jobs
                 WHERE jobs.key = 'effect/' || effects.key AND length(case_id) = 16),
                 randomblob(16)) END"
            .to_owned(),
        "client" => "client = CASE WHEN scope <> 'installation' THEN coalesce(
                 (SELECT client FROM cases WHERE id = effects.case_id),
                 (SELECT client FROM jobs WHERE jobs.key = 'effect/' || effects.key),
                 CASE WHEN scope <> 'work_item' THEN 'unknown' END) END"
            .to_owned(),
        // Its key begins with it. One that nobody can tell is no item's, which its guard says.
        "item_id" => "item_id = CASE WHEN scope = 'work_item' THEN coalesce(
                 unhex(replace(substr(key, 11, 36), '-', '')), randomblob(16)) END"
            .to_owned(),
        "kind" => "kind = json_extract(input, '$.effect')".to_owned(),
        "blocking" => "blocking = 1".to_owned(),
        "not_before" | "created_at" | "changed_at" => format!("{column} = ?3"),
        "input_hash" => "input_hash = 'damaged'".to_owned(),
        "mode" => "mode = 'propose'".to_owned(),
        "state" => {
            "state = CASE WHEN revision = 0 AND intended_at IS NULL AND NOT EXISTS (
                 SELECT 1 FROM intents WHERE effect = effects.key) THEN 'held' ELSE 'unsettled' END"
                .to_owned()
        }
        "revision" => {
            format!("revision = coalesce((SELECT revision {last}), 0), {GIVEN_UP}")
        }
        // What was never asked for needs none; what may have gone out without it is unsettled.
        "request" => format!(
            "request = (SELECT request {last}), state = CASE WHEN state IN ('intended', 'unclear')
                 AND NOT EXISTS (SELECT 1 FROM intents WHERE effect = effects.key)
                 THEN 'unsettled' ELSE state END"
        ),
        "intended_at" => format!(
            "intended_at = CASE WHEN state IN ('intended', 'unclear')
                 THEN coalesce((SELECT at {last}), ?3) ELSE (SELECT at {last}) END"
        ),
        "probes" => "probes = 0".to_owned(),
        "settled" => "settled = CASE state WHEN 'done' THEN json_object('settled', 'done', 'at',
                 strftime('%Y-%m-%dT%H:%M:%SZ', changed_at / 1000000, 'unixepoch'),
                 'vendor_ref', vendor_ref, 'by_probe', json('false')) END"
            .to_owned(),
        "vendor_ref" => "vendor_ref = json_extract(settled, '$.vendor_ref')".to_owned(),
        _ => return None,
    })
}

fn job(column: &str) -> Option<String> {
    Some(match column {
        // What the relay does by itself has its name for a key.
        "key" => format!(
            "key = CASE WHEN kind IN ({PERIODIC}) AND NOT EXISTS (
                 SELECT 1 FROM jobs j WHERE j.key = jobs.kind) THEN kind
                 ELSE 'damaged/' || hex(id) END"
        ),
        "kind" => "kind = CASE WHEN key LIKE 'missed/%' THEN 'missed_check'
                 WHEN key LIKE 'engagement/%' THEN 'engagement_read'
                 WHEN instr(key, '/') > 0 THEN substr(key, 1, instr(key, '/') - 1) ELSE key END"
            .to_owned(),
        "lane" => "lane = coalesce(client, key)".to_owned(),
        // What is done again because it is not known to be done finds that out by itself.
        "state" | "leased_by" | "lease_until" => {
            "state = 'ready', leased_by = NULL, lease_until = NULL".to_owned()
        }
        "run_at" | "created_at" | "changed_at" => format!("{column} = ?3"),
        "fence" => "fence = 1 + coalesce((SELECT max(fence) FROM attempts WHERE job = jobs.seq
                 AND fence BETWEEN 0 AND 1000000000), 0)"
            .to_owned(),
        "failures" | "failing_since" => "failures = 0, failing_since = NULL".to_owned(),
        "error_class" | "error_message" => {
            "error_class = NULL, error_message = NULL, error_vendor = NULL".to_owned()
        }
        "refused" => "refused = 0".to_owned(),
        "client" => "client = (SELECT client FROM cases WHERE cases.id = jobs.case_id)".to_owned(),
        _ => return None,
    })
}

fn work_item(column: &str) -> Option<String> {
    Some(match column {
        "dedupe_key" => "dedupe_key = 'damaged/' || hex(id)".to_owned(),
        "kind" => "kind = 'damage'".to_owned(),
        "owner" => "owner = 'admin'".to_owned(),
        "title" => "title = 'Look into this: its text was damaged'".to_owned(),
        "detail" => "detail = '{}'".to_owned(),
        "actions" => r#"actions = '["done"]'"#.to_owned(),
        "opened_at" | "due" | "remind_at" => format!("{column} = ?3"),
        "reminders" => "reminders = 0".to_owned(),
        "settled_at" | "settled_by" | "settled_action" => {
            "settled_at = NULL, settled_by = NULL, settled_action = NULL".to_owned()
        }
        _ => return None,
    })
}

/// What a job needs, out of its key.
async fn payload(conn: &mut SqliteConnection, row: &str) -> Result<Option<Anew>, Failure> {
    let Ok(seq) = row.parse::<i64>() else {
        return Ok(None);
    };
    let job = sqlx::query!("SELECT key, kind FROM jobs WHERE seq = ?1", seq)
        .fetch_optional(&mut *conn)
        .await;
    let Ok(Some(job)) = job else { return Ok(None) };
    let parts: Vec<&str> = job.key.split('/').collect();
    let value = match (job.kind.as_str(), parts.as_slice()) {
        ("effect", _) => effect_payload(conn, &job.key).await?,
        ("timer", [_, case, generation]) => generation
            .parse::<u64>()
            .ok()
            .map(|generation| json!({ "case": case, "generation": generation })),
        ("read", [_, case, step, visit, what]) => visit
            .parse::<u32>()
            .ok()
            .map(|visit| json!({ "case": case, "read": what, "step": step, "visit": visit })),
        // Earlier versions had one for each day.
        ("refresh", [_, case] | [_, case, _]) => Some(json!({ "case": case })),
        ("reminder", [_, item]) => Some(json!({ "work_item": item })),
        ("incident", [_, vendor]) => Some(json!({ "vendor": vendor })),
        ("missed_check", [_, client, check_in]) => missed(conn, client, check_in).await?,
        // What the relay does by itself has its name for a key, and needs nothing.
        (kind, [name]) if kind == *name => Some(json!({})),
        _ => None,
    };
    Ok(Some(value.map_or(Anew::Nothing, |value| {
        Anew::Value(value.to_string())
    })))
}

async fn effect_payload(conn: &mut SqliteConnection, key: &str) -> Result<Option<Value>, Failure> {
    let Some(effect) = key.strip_prefix("effect/") else {
        return Ok(None);
    };
    let kind = sqlx::query_scalar!("SELECT kind FROM effects WHERE key = ?1", effect)
        .fetch_optional(conn)
        .await?;
    Ok(kind.map(|kind| json!({ "effect": effect, "kind": kind })))
}

/// A look at a check-in, as the facts last told of its day.
async fn missed(
    conn: &mut SqliteConnection,
    client: &str,
    check_in: &str,
) -> Result<Option<Value>, Failure> {
    let due = sqlx::query_scalar!(
        r#"SELECT json_extract(body, '$.due') AS "due!: String" FROM facts
           WHERE client = ?1 AND json_valid(body) AND json_extract(body, '$.check_in') = ?2
             AND json_extract(body, '$.due') IS NOT NULL
           ORDER BY source_time DESC, seq DESC LIMIT 1"#,
        client,
        check_in
    )
    .fetch_optional(conn)
    .await?;
    Ok(due.map(|due| json!({ "check_in": check_in, "due": due, "due_at": null })))
}

/// The content of an effect that will never be carried out: readable as any kind's, and true of none.
async fn input(conn: &mut SqliteConnection, row: &str) -> Result<Option<Anew>, Failure> {
    let Ok(seq) = row.parse::<i64>() else {
        return Ok(None);
    };
    let effect = sqlx::query!("SELECT key, kind FROM effects WHERE seq = ?1", seq)
        .fetch_optional(conn)
        .await;
    let Ok(Some(effect)) = effect else {
        return Ok(None);
    };
    let lost = "(damaged)";
    let day = "1970-01-01";
    let input = json!({
        "effect": effect.kind, "script": lost, "due": day, "call_by": day, "text": lost,
        "title": lost, "reason": lost, "made_by": effect.key, "coach": lost, "tag": lost,
        "value": lost, "subscription": lost, "payment_method": lost, "mode": "deactivate",
    });
    Ok(Some(Anew::By(format!(
        "input = {}, {GIVEN_UP}",
        quoted(&input.to_string())
    ))))
}

async fn is_required(
    conn: &mut SqliteConnection,
    table: &str,
    column: &str,
) -> Result<bool, Failure> {
    let required = sqlx::query_scalar!(
        r#"SELECT 0 + "notnull" AS "required!: bool" FROM pragma_table_info(?1) WHERE name = ?2"#,
        table,
        column
    )
    .fetch_optional(conn)
    .await?;
    Ok(required.unwrap_or(true))
}
