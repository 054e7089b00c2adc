//! Effects by what they are to whoever looks for them.

use relay_core::effects::EffectKind;
use relay_core::ids::{ClientId, TaskId};
use relay_store::Effect;
use sqlx::SqliteConnection;

use crate::effects::EffectRow;
use crate::failure::Failure;
use crate::rows::rows;

/// The latest effect of a kind that belongs to a client alone.
pub(crate) async fn latest_of_client(
    conn: &mut SqliteConnection,
    client: &ClientId,
    kind: EffectKind,
) -> Result<Option<Effect>, Failure> {
    let (client, kind) = (client.as_str(), kind.as_str());
    let row = rows!(
        conn,
        EffectRow,
        "SELECT seq, key, scope, case_id, client, item_id, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, withdrawn_at, created_at, changed_at
         FROM effects WHERE client = ?1 AND kind = ?2 AND scope = 'client'
         ORDER BY seq DESC LIMIT 1",
        client,
        kind
    )?;
    row.one()
}

/// The done effect that made this task.
pub(crate) async fn of_task(
    conn: &mut SqliteConnection,
    task: &TaskId,
) -> Result<Option<Effect>, Failure> {
    let task = task.as_str();
    // Closing or moving a task names the same task: only the effect that made it is meant.
    let row = rows!(
        conn,
        EffectRow,
        "SELECT seq, key, scope, case_id, client, item_id, blocking, not_before, input, input_hash, mode, state,
             revision, request, intended_at, probes, settled, withdrawn_at, created_at, changed_at
         FROM effects
         WHERE vendor_ref = ?1 AND kind IN ('call_task', 'work_task') AND state = 'done'
         ORDER BY seq LIMIT 1",
        task
    )?;
    row.one()
}
