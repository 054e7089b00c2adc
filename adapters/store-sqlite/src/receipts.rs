//! Receipts and facts: what came in, and what it taught us.
//!
//! Storing a receipt is the hot path: one statement when it is an original, three when it is not.

use relay_core::facts::{Fact, FactBody};
use relay_core::ids::{ClientId, ReceiptId};
use relay_core::time::Timestamp;
use relay_store::{FactRow, Page, Precondition, Receipt, ReceiptState, StoreError};
use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

use crate::failure::{Failure, conflict};
use crate::rows::{ListedRows, Stored, rows};
use crate::script::{Expect, Script, statement};
use crate::values::{RowName, bounds, json, micros};

#[derive(sqlx::FromRow)]
pub(crate) struct ReceiptRow {
    seq: i64,
    id: Vec<u8>,
    source: String,
    dedupe_key: String,
    dedupe_forever: i64,
    verified_by: String,
    received_at: i64,
    content_type: Option<String>,
    body: Vec<u8>,
    state: String,
    duplicate_of: Option<Vec<u8>>,
    note: Option<String>,
    processed_at: Option<i64>,
}

impl Stored for ReceiptRow {
    const TABLE: &'static str = "receipts";
    type Value = Receipt;

    fn read(self) -> Result<Receipt, StoreError> {
        let row = RowName::new("receipts", self.seq);
        Ok(Receipt {
            id: ReceiptId(row.uuid("id", &self.id)?),
            source: self.source,
            dedupe_key: self.dedupe_key,
            dedupe_forever: self.dedupe_forever != 0,
            verified_by: self.verified_by,
            received_at: row.time("received_at", self.received_at)?,
            content_type: self.content_type,
            body: self.body,
            state: row.word("state", ReceiptState::from_name(&self.state))?,
            duplicate_of: row
                .maybe_uuid("duplicate_of", self.duplicate_of.as_deref())?
                .map(ReceiptId),
            note: self.note,
            processed_at: row.maybe_time("processed_at", self.processed_at)?,
        })
    }
}

/// What a receipt is compared with.
struct Original {
    id: Vec<u8>,
    body: Vec<u8>,
}

/// Stores a receipt; the original, when there is one with the same dedupe key and body.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    receipt: &Receipt,
) -> Result<Option<ReceiptId>, Failure> {
    // Without a target the clause covers both unique indexes of originals, in one statement.
    if put(conn, receipt).await? {
        return Ok(None);
    }
    let Some((mut original, body)) = original_of(conn, receipt).await? else {
        // Not the dedupe key but the id is taken. Storing nothing here would lose a webhook.
        return Err(StoreError::Driver("a receipt with this id is stored already".into()).into());
    };
    let mut receipt = std::borrow::Cow::Borrowed(receipt);
    // A body hash that is taken means the same body. A sender's id may have been used twice, and what
    // came under it the second time was never read: it is news under a key of its own.
    if receipt.dedupe_forever && body != receipt.body {
        let digest = hex::encode(Sha256::digest(&receipt.body));
        let key = Receipt::reused_key(&receipt.dedupe_key, &digest);
        receipt.to_mut().dedupe_key = key;
        if put(conn, &receipt).await? {
            return Ok(None);
        }
        let Some((again, _)) = original_of(conn, &receipt).await? else {
            return Err(
                StoreError::Driver("a receipt with this id is stored already".into()).into(),
            );
        };
        original = again;
    }
    let duplicate = Receipt {
        state: ReceiptState::Duplicate,
        duplicate_of: Some(original),
        processed_at: None,
        ..receipt.into_owned()
    };
    if put(conn, &duplicate).await? {
        Ok(Some(original))
    } else {
        Err(StoreError::Driver("a receipt with this id is stored already".into()).into())
    }
}

/// Stores the row as it is, unless a unique index has one like it. Whether it was stored.
async fn put(conn: &mut SqliteConnection, receipt: &Receipt) -> Result<bool, sqlx::Error> {
    let id = receipt.id.0.as_bytes().as_slice();
    let received_at = micros(receipt.received_at);
    let state = receipt.state.as_str();
    let duplicate_of = receipt
        .duplicate_of
        .as_ref()
        .map(|original| original.0.as_bytes().as_slice());
    let processed_at = receipt.processed_at.map(micros);
    let done = sqlx::query!(
        "INSERT INTO receipts (id, source, dedupe_key, dedupe_forever, verified_by, received_at,
             content_type, body, state, duplicate_of, note, processed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT DO NOTHING",
        id,
        receipt.source,
        receipt.dedupe_key,
        receipt.dedupe_forever,
        receipt.verified_by,
        received_at,
        receipt.content_type,
        receipt.body,
        state,
        duplicate_of,
        receipt.note,
        processed_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn original_of(
    conn: &mut SqliteConnection,
    receipt: &Receipt,
) -> Result<Option<(ReceiptId, Vec<u8>)>, Failure> {
    // One statement per index: a condition on a parameter would make SQLite use neither.
    let found = if receipt.dedupe_forever {
        sqlx::query_as!(
            Original,
            "SELECT id, body FROM receipts
             WHERE source = ?1 AND dedupe_key = ?2 AND dedupe_forever = 1 AND state <> 'duplicate'",
            receipt.source,
            receipt.dedupe_key
        )
        .fetch_optional(conn)
        .await?
    } else {
        sqlx::query_as!(
            Original,
            "SELECT id, body FROM receipts
             WHERE source = ?1 AND dedupe_key = ?2 AND dedupe_forever = 0 AND state = 'new'",
            receipt.source,
            receipt.dedupe_key
        )
        .fetch_optional(conn)
        .await?
    };
    let row = RowName::new("receipts", &receipt.id);
    Ok(match found {
        Some(Original { id, body }) => Some((ReceiptId(row.uuid("duplicate_of", &id)?), body)),
        None => None,
    })
}

/// A receipt leaves the intake queue.
pub(crate) fn finish(
    script: &mut Script,
    id: ReceiptId,
    state: ReceiptState,
    note: Option<&str>,
    at: Timestamp,
) -> Result<(), Failure> {
    if !matches!(state, ReceiptState::Done | ReceiptState::Quarantined) {
        return Err(conflict(Precondition::ReceiptState).into());
    }
    let id = id.0.as_bytes().as_slice();
    let state = state.as_str();
    let at = micros(at);
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::ReceiptState)),
        "UPDATE receipts SET state = ?2, note = ?3, processed_at = ?4
         WHERE id = ?1 AND state = 'new'",
        id,
        state,
        note,
        at
    )
}

/// One receipt.
pub(crate) async fn get(
    conn: &mut SqliteConnection,
    id: ReceiptId,
) -> Result<Option<Receipt>, Failure> {
    let id = id.0.as_bytes().as_slice();
    let row = rows!(
        conn,
        ReceiptRow,
        "SELECT seq, id, source, dedupe_key, dedupe_forever, verified_by, received_at,
             content_type, body, state, duplicate_of, note, processed_at
         FROM receipts WHERE id = ?1",
        id
    )?;
    row.one()
}

/// Receipts in a state, in the order they were stored.
pub(crate) async fn list(
    conn: &mut SqliteConnection,
    state: ReceiptState,
    page: Page,
) -> Result<ListedRows<Receipt>, Failure> {
    let (limit, offset) = bounds(page);
    // Few are new or quarantined, and each state has an index of its own; SQLite uses it only
    // where the statement names the state. The rest are read in the order they lie in.
    let rows = match state {
        ReceiptState::New => rows!(
            conn,
            ReceiptRow,
            "SELECT seq, id, source, dedupe_key, dedupe_forever, verified_by, received_at,
                     content_type, body, state, duplicate_of, note, processed_at
                 FROM receipts WHERE state = 'new' ORDER BY seq LIMIT ?1 + 0 OFFSET ?2",
            limit,
            offset
        )?,
        ReceiptState::Quarantined => rows!(
            conn,
            ReceiptRow,
            "SELECT seq, id, source, dedupe_key, dedupe_forever, verified_by, received_at,
                     content_type, body, state, duplicate_of, note, processed_at
                 FROM receipts WHERE state = 'quarantined' ORDER BY seq LIMIT ?1 + 0 OFFSET ?2",
            limit,
            offset
        )?,
        ReceiptState::Done | ReceiptState::Duplicate => {
            let state = state.as_str();
            rows!(
                conn,
                ReceiptRow,
                "SELECT seq, id, source, dedupe_key, dedupe_forever, verified_by, received_at,
                     content_type, body, state, duplicate_of, note, processed_at
                 FROM receipts WHERE state = ?1 ORDER BY seq LIMIT ?2 + 0 OFFSET ?3",
                state,
                limit,
                offset
            )?
        }
    };
    rows.readable()
}

/// Receipts that one key let in, in the order they were stored.
///
/// Without an index: it would cost every webhook, and the question is asked when a key has leaked.
pub(crate) async fn by_key(
    conn: &mut SqliteConnection,
    verified_by: &str,
    since: Option<Timestamp>,
    page: Page,
) -> Result<ListedRows<Receipt>, Failure> {
    let since = since.map_or(i64::MIN, micros);
    let (limit, offset) = bounds(page);
    let rows = rows!(
        conn,
        ReceiptRow,
        "SELECT seq, id, source, dedupe_key, dedupe_forever, verified_by, received_at,
             content_type, body, state, duplicate_of, note, processed_at
         FROM receipts WHERE verified_by = ?1 AND received_at >= ?2
         ORDER BY seq LIMIT ?3 + 0 OFFSET ?4",
        verified_by,
        since,
        limit,
        offset
    )?;
    rows.readable()
}

#[derive(sqlx::FromRow)]
pub(crate) struct FactColumns {
    pub(crate) seq: i64,
    pub(crate) object: String,
    pub(crate) source_time: i64,
    pub(crate) client: String,
    pub(crate) body: String,
    pub(crate) receipt: Option<Vec<u8>>,
    pub(crate) learned_at: i64,
}

impl Stored for FactColumns {
    const TABLE: &'static str = "facts";
    type Value = FactRow;

    fn read(self) -> Result<FactRow, StoreError> {
        let row = RowName::new("facts", self.seq);
        Ok(FactRow {
            fact: Fact {
                client: ClientId(self.client),
                object: self.object,
                source_time: row.time("source_time", self.source_time)?,
                body: row.json::<FactBody>("body", &self.body)?,
            },
            receipt: row
                .maybe_uuid("receipt", self.receipt.as_deref())?
                .map(ReceiptId),
            learned_at: row.time("learned_at", self.learned_at)?,
        })
    }
}

/// Stores a fact unless it is known.
pub(crate) fn insert_fact(script: &mut Script, row: &FactRow) -> Result<(), Failure> {
    let kind = row.fact.kind();
    let source_time = micros(row.fact.source_time);
    let client = row.fact.client.as_str();
    let body = json(&row.fact.body)?;
    let receipt = row
        .receipt
        .as_ref()
        .map(|receipt| receipt.0.as_bytes().as_slice());
    let learned_at = micros(row.learned_at);
    let digest = row.fact.identity().digest;
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO facts (kind, object, source_time, client, digest, body, receipt, learned_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (client, kind, object, source_time, digest) DO NOTHING",
        kind,
        row.fact.object,
        source_time,
        client,
        digest,
        body,
        receipt,
        learned_at
    )
}

/// Facts about a client, by source time, then in the order we learned them.
pub(crate) async fn facts(
    conn: &mut SqliteConnection,
    client: &ClientId,
) -> Result<Vec<FactRow>, Failure> {
    let client = client.as_str();
    let rows = rows!(
        conn,
        FactColumns,
        "SELECT seq, object, source_time, client, body, receipt, learned_at
         FROM facts WHERE client = ?1 ORDER BY source_time, seq",
        client
    )?;
    rows.all()
}

/// Clients about whom a fact of this kind is known, by id.
pub(crate) async fn clients_told_of(
    conn: &mut SqliteConnection,
    kind: &str,
    after: Option<&ClientId>,
    limit: u32,
) -> Result<ListedRows<ClientId>, Failure> {
    let after = after.map_or("", ClientId::as_str);
    let rows = rows!(
        conn,
        FactColumns,
        "SELECT seq, object, source_time, client, body, receipt, learned_at
         FROM facts WHERE client > ?1 AND kind = ?2 GROUP BY client ORDER BY client LIMIT ?3 + 0",
        after,
        kind,
        limit
    )?
    .readable()?;
    Ok(ListedRows {
        found: rows.found.into_iter().map(|row| row.fact.client).collect(),
        damage: rows.damage,
    })
}

/// Facts a receipt taught, in the order they were stored.
pub(crate) async fn facts_of(
    conn: &mut SqliteConnection,
    id: ReceiptId,
) -> Result<Vec<FactRow>, Failure> {
    let id = id.0.as_bytes().as_slice();
    let rows = rows!(
        conn,
        FactColumns,
        "SELECT seq, object, source_time, client, body, receipt, learned_at
         FROM facts WHERE receipt = ?1 ORDER BY seq",
        id
    )?;
    rows.all()
}
