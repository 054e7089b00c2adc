//! Effects and the intents that gave the right to carry them out.

use relay_core::effects::{
    Absence, EffectInput, EffectKind, Identity, PlannedEffect, Request, Scope, ScopeKind, Settled,
};
use relay_core::ids::{CaseId, ClientId, EffectKey, IntentId, WorkItemId};
use relay_core::time::Timestamp;
use relay_store::{Effect, EffectState, Intent, Precondition, StoreError};
use sqlx::SqliteConnection;

use crate::cases::{mode_from, mode_name};
use crate::failure::{Failure, conflict};
use crate::rows::{ListedRows, Stored, rows};
use crate::script::{Expect, Script, statement};
use crate::values::{RowName, json, maybe_json, micros};

#[derive(sqlx::FromRow)]
pub(crate) struct EffectRow {
    pub(crate) seq: i64,
    pub(crate) key: String,
    pub(crate) scope: String,
    pub(crate) case_id: Option<Vec<u8>>,
    pub(crate) client: Option<String>,
    pub(crate) item_id: Option<Vec<u8>>,
    pub(crate) blocking: i64,
    pub(crate) not_before: i64,
    pub(crate) input: String,
    pub(crate) input_hash: String,
    pub(crate) mode: String,
    pub(crate) state: String,
    pub(crate) revision: i64,
    pub(crate) request: Option<String>,
    pub(crate) intended_at: Option<i64>,
    pub(crate) probes: i64,
    pub(crate) settled: Option<String>,
    pub(crate) withdrawn_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
}

impl Stored for EffectRow {
    const TABLE: &'static str = "effects";
    type Value = Effect;

    fn read(self) -> Result<Effect, StoreError> {
        let row = RowName::new("effects", self.seq);
        let case = row.maybe_uuid("case_id", self.case_id.as_deref())?;
        let item = row.maybe_uuid("item_id", self.item_id.as_deref())?;
        let client = self.client.map(ClientId);
        let kind = ScopeKind::ALL.into_iter();
        let mut kind = kind.filter(|kind| kind.as_str() == self.scope);
        let scope = match row.word("scope", kind.next())? {
            ScopeKind::Case => Scope::Case {
                case: CaseId(row.word("case_id", case)?),
                client: row.word("client", client)?,
            },
            ScopeKind::Client => Scope::Client {
                client: row.word("client", client)?,
            },
            ScopeKind::WorkItem => Scope::WorkItem {
                item: WorkItemId(row.word("item_id", item)?),
                client,
            },
            ScopeKind::Installation => Scope::Installation,
        };
        Ok(Effect {
            planned: PlannedEffect {
                key: EffectKey(self.key),
                scope,
                blocking: self.blocking != 0,
                not_before: row.time("not_before", self.not_before)?,
                input: row.json::<EffectInput>("input", &self.input)?,
            },
            input_hash: self.input_hash,
            mode: row.word("mode", mode_from(&self.mode))?,
            state: row.word("state", EffectState::from_name(&self.state))?,
            revision: row.number("revision", self.revision)?,
            request: row.maybe_json("request", self.request.as_deref())?,
            intended_at: row.maybe_time("intended_at", self.intended_at)?,
            probes: row.number("probes", self.probes)?,
            settled: row.maybe_json("settled", self.settled.as_deref())?,
            withdrawn_at: row.maybe_time("withdrawn_at", self.withdrawn_at)?,
            created_at: row.time("created_at", self.created_at)?,
            changed_at: row.time("changed_at", self.changed_at)?,
        })
    }
}

fn vendor_ref(settled: Option<&Settled>) -> Option<&str> {
    match settled {
        Some(Settled::Done { vendor_ref, .. }) => vendor_ref.as_deref(),
        _ => None,
    }
}

/// Stores a planned effect; the same plan told again changes nothing.
pub(crate) fn plan(script: &mut Script, effect: &Effect) -> Result<(), Failure> {
    let key = effect.key().as_str();
    let scope = effect.scope();
    let (case, item) = (scope.case(), scope.work_item());
    let case_id = case.as_ref().map(|case| case.0.as_bytes().as_slice());
    let client = scope.client().map(ClientId::as_str);
    let item_id = item.as_ref().map(|item| item.0.as_bytes().as_slice());
    let scope = scope.kind().as_str();
    let kind = effect.kind().as_str();
    let not_before = micros(effect.planned.not_before);
    let input = json(&effect.planned.input)?;
    let mode = mode_name(effect.mode);
    let state = effect.state.as_str();
    let revision = i64::from(effect.revision);
    let request = maybe_json(effect.request.as_ref())?;
    let intended_at = effect.intended_at.map(micros);
    let probes = i64::from(effect.probes);
    let settled = maybe_json(effect.settled.as_ref())?;
    let vendor_ref = vendor_ref(effect.settled.as_ref());
    let identity = effect.planned.identity();
    let identity = identity.as_ref().map(Identity::as_str);
    let withdrawn_at = effect.withdrawn_at.map(micros);
    let created_at = micros(effect.created_at);
    let changed_at = micros(effect.changed_at);
    let reused = StoreError::KeyReused {
        key: key.to_owned(),
    };
    // Where the key is known, the row is rewritten as it was: one change if the plan is the same.
    statement!(
        script,
        Expect::OneChange(reused),
        "INSERT INTO effects (key, scope, case_id, client, item_id, kind, blocking, not_before, input,
             input_hash, mode, state, revision, request, intended_at, probes, settled, vendor_ref,
             identity, withdrawn_at, created_at, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20, ?21, ?22)
         ON CONFLICT (key) DO UPDATE SET input_hash = excluded.input_hash
             WHERE input_hash = excluded.input_hash",
        key,
        scope,
        case_id,
        client,
        item_id,
        kind,
        effect.planned.blocking,
        not_before,
        input,
        effect.input_hash,
        mode,
        state,
        revision,
        request,
        intended_at,
        probes,
        settled,
        vendor_ref,
        identity,
        withdrawn_at,
        created_at,
        changed_at
    )
}

/// Gives the right to one mutating request: the effect must be planned, and the intent its next.
pub(crate) fn intend(script: &mut Script, intent: &Intent) -> Result<(), Failure> {
    let id = intent.id.0.as_bytes().as_slice();
    let key = intent.key.as_str();
    let revision = i64::from(intent.revision);
    let request = json(&intent.request)?;
    let reading = json(&intent.reading)?;
    let at = micros(intent.at);
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::EffectState)),
        "UPDATE effects SET state = 'intended', revision = ?2, request = ?3, intended_at = ?4,
             changed_at = ?4
         WHERE key = ?1 AND state = 'planned' AND revision + 1 = ?2",
        key,
        revision,
        request,
        at
    )?;
    statement!(
        script,
        Expect::Anything,
        "INSERT INTO intents (id, effect, revision, request, reading, at, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        id,
        key,
        revision,
        request,
        reading,
        at,
        intent.outcome
    )
}

/// Tells how the one request of an intent ended, once.
pub(crate) fn end_intent(
    script: &mut Script,
    key: &EffectKey,
    revision: u32,
    outcome: &str,
) -> Result<(), Failure> {
    let key = key.as_str();
    let revision = i64::from(revision);
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::EffectState)),
        "UPDATE intents SET outcome = ?3
         WHERE effect = ?1 AND revision = ?2 AND outcome IS NULL",
        key,
        revision,
        outcome
    )
}

/// What an effect becomes.
#[derive(Debug)]
pub(crate) struct Move<'a> {
    pub(crate) from: &'a [EffectState],
    pub(crate) to: EffectState,
    pub(crate) settled: Option<&'a Settled>,
    pub(crate) request: Option<&'a Request>,
    pub(crate) at: Timestamp,
}

/// An effect changes state, if it is in one of those the caller decided from.
pub(crate) fn change(
    script: &mut Script,
    key: &EffectKey,
    change: &Move<'_>,
) -> Result<(), Failure> {
    let key = key.as_str();
    let names: Vec<_> = change.from.iter().map(|state| state.as_str()).collect();
    let from = json(&names)?;
    let to = change.to.as_str();
    let settled = maybe_json(change.settled)?;
    let vendor_ref = vendor_ref(change.settled);
    let request = maybe_json(change.request)?;
    let at = micros(change.at);
    // On the right side of SET a column still has its value from before.
    statement!(
        script,
        Expect::OneChange(conflict(Precondition::EffectState)),
        "UPDATE effects SET state = ?3, settled = ?4, vendor_ref = ?5,
             request = COALESCE(?6, request), changed_at = ?7,
             probes = CASE WHEN ?3 <> 'unclear' THEN probes
                           WHEN state = 'unclear' THEN probes + 1
                           ELSE 0 END
         WHERE key = ?1 AND state IN (SELECT value FROM json_each(?2))",
        key,
        from,
        to,
        settled,
        vendor_ref,
        request,
        at
    )
}

/// Withdraws an effect that may have been carried out although nothing says so. Whether its job must
/// look for it now: one that is under way, or looked for already, has a job that does.
pub(crate) async fn withdraw(
    conn: &mut SqliteConnection,
    key: &EffectKey,
    at: Timestamp,
) -> Result<bool, Failure> {
    let key = key.as_str();
    let at = micros(at);
    let seen = EffectKind::ALL.into_iter();
    let seen = seen.filter(|kind| kind.absence() != Absence::DesiredState);
    let seen = json(&seen.map(EffectKind::as_str).collect::<Vec<_>>())?;
    sqlx::query!(
        "UPDATE effects SET withdrawn_at = ?2
         WHERE key = ?1 AND state IN ('intended', 'unclear') AND withdrawn_at IS NULL",
        key,
        at
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!(
        "UPDATE effects SET state = 'unclear', probes = 0, settled = NULL, withdrawn_at = ?2,
             changed_at = ?2
         WHERE key = ?1 AND state IN ('planned', 'held', 'dead')
           AND kind IN (SELECT value FROM json_each(?3))
           AND revision > 0 AND request IS NOT NULL AND intended_at IS NOT NULL
           AND EXISTS (SELECT 1 FROM intents
                       WHERE effect = ?1 AND (outcome IS NULL OR outcome <> 'not_sent'))",
        key,
        at,
        seen
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Cancels an effect of which nothing is under way. Whether it was cancelled.
pub(crate) async fn cancel(
    conn: &mut SqliteConnection,
    key: &EffectKey,
    at: Timestamp,
) -> Result<bool, Failure> {
    let key = key.as_str();
    let cancelled = json(&Settled::Cancelled)?;
    let at = micros(at);
    // How a held, dead or unsettled effect ended is evidence, and stays.
    let done = sqlx::query!(
        "UPDATE effects SET state = 'cancelled', changed_at = ?3,
             settled = CASE WHEN state = 'planned' THEN ?2 ELSE COALESCE(settled, ?2) END
         WHERE key = ?1 AND state IN ('planned', 'held', 'dead', 'unsettled')",
        key,
        cancelled,
        at
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One effect.
pub(crate) async fn get(
    conn: &mut SqliteConnection,
    key: &EffectKey,
) -> Result<Option<Effect>, Failure> {
    let key = key.as_str();
    let row = rows!(
        conn,
        EffectRow,
        "SELECT seq, key, scope, case_id, client, item_id, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, withdrawn_at, created_at, changed_at
         FROM effects WHERE key = ?1",
        key
    )?;
    row.one()
}

/// Effects whose outcome is not known although they may have gone out, by key, after one.
pub(crate) async fn in_doubt_after(
    conn: &mut SqliteConnection,
    after: Option<&EffectKey>,
    limit: u32,
) -> Result<ListedRows<Effect>, Failure> {
    let after = after.map_or("", EffectKey::as_str);
    let limit = i64::from(limit);
    let rows = rows!(
        conn,
        EffectRow,
        "SELECT seq, key, scope, case_id, client, item_id, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, withdrawn_at, created_at, changed_at
         FROM effects WHERE state IN ('intended', 'unclear', 'unsettled') AND key > ?1
         ORDER BY key LIMIT ?2 + 0",
        after,
        limit
    )?;
    rows.readable()
}

/// The effects of a case, in order of planning.
pub(crate) async fn of_case(
    conn: &mut SqliteConnection,
    case: CaseId,
) -> Result<Vec<Effect>, Failure> {
    let case = case.0.as_bytes().as_slice();
    let rows = rows!(
        conn,
        EffectRow,
        "SELECT seq, key, scope, case_id, client, item_id, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, withdrawn_at, created_at, changed_at
         FROM effects WHERE case_id = ?1 ORDER BY seq",
        case
    )?;
    rows.all()
}

/// The effects of an identity, in order of planning.
pub(crate) async fn of_identity(
    conn: &mut SqliteConnection,
    identity: &Identity,
) -> Result<Vec<Effect>, Failure> {
    let identity = identity.as_str();
    let rows = rows!(
        conn,
        EffectRow,
        "SELECT seq, key, scope, case_id, client, item_id, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, withdrawn_at, created_at, changed_at
         FROM effects WHERE identity = ?1 ORDER BY seq",
        identity
    )?;
    rows.all()
}

#[derive(sqlx::FromRow)]
pub(crate) struct MessageRow {
    #[expect(dead_code, reason = "names the row where it can't be read")]
    pub(crate) seq: i64,
    // As the checked statement names it.
    #[sqlx(rename = "vendor_ref!")]
    pub(crate) vendor_ref: String,
}

impl Stored for MessageRow {
    const TABLE: &'static str = "effects";
    type Value = String;

    fn read(self) -> Result<String, StoreError> {
        Ok(self.vendor_ref)
    }
}

/// The vendor's references of a client's done effects of one kind, in order of planning.
pub(crate) async fn vendor_refs(
    conn: &mut SqliteConnection,
    client: &ClientId,
    kind: EffectKind,
) -> Result<Vec<String>, Failure> {
    let client = client.as_str();
    let kind = kind.as_str();
    rows!(
        conn,
        MessageRow,
        r#"SELECT seq, vendor_ref AS "vendor_ref!" FROM effects
         WHERE client = ?1 AND kind = ?2 AND vendor_ref IS NOT NULL AND state = 'done'
         ORDER BY seq"#,
        client,
        kind
    )?
    .all()
}

#[derive(sqlx::FromRow)]
pub(crate) struct IntentRow {
    seq: i64,
    id: Vec<u8>,
    effect: String,
    revision: i64,
    request: String,
    reading: String,
    at: i64,
    outcome: Option<String>,
}

impl Stored for IntentRow {
    const TABLE: &'static str = "intents";
    type Value = Intent;

    fn read(self) -> Result<Intent, StoreError> {
        let row = RowName::new("intents", self.seq);
        Ok(Intent {
            id: IntentId(row.uuid("id", &self.id)?),
            key: EffectKey(self.effect),
            revision: row.number("revision", self.revision)?,
            request: row.json("request", &self.request)?,
            reading: row.json("reading", &self.reading)?,
            at: row.time("at", self.at)?,
            outcome: self.outcome,
        })
    }
}

/// The intents of an effect, by revision.
pub(crate) async fn intents(
    conn: &mut SqliteConnection,
    key: &EffectKey,
) -> Result<Vec<Intent>, Failure> {
    let effect = key.as_str();
    rows!(
        conn,
        IntentRow,
        "SELECT seq, id, effect, revision, request, reading, at, outcome
         FROM intents WHERE effect = ?1 ORDER BY revision",
        effect
    )?
    .all()
}
