//! What must be so before the first receipt is read and the first job runs.

use crate::engine::memory::generation;
use crate::engine::sync::crm_off;
use crate::engine::{Engine, EngineError, damage, incidents, jobs::reconcile, periodic, wake};

/// Finds out whether the database is as new as it should be, and stores what must be there before
/// the first receipt is read: the procedures in force, since when they are switched on, and the
/// periodic jobs. No row that can't be read keeps it from that.
pub async fn prepare(engine: &Engine) -> Result<(), EngineError> {
    damage::look_at_own_rows(engine).await?;
    generation::examine_memory(engine).await?;
    let mut ops = engine.registry.ops_at_start(engine.now());
    ops.extend(periodic::periodic_jobs(engine));
    ops.extend(reconcile::reconcile_at_start(engine).await?);
    ops.extend(incidents::looks_at_start(engine).await?);
    ops.extend(crm_off::crm_off_ops(engine).await?);
    wake::bring_back(engine).await?;
    // A path that was closed because its secret had leaked stays closed over a restart.
    engine.ports.hooks.prepare().await?;
    engine.store.commit(ops.into()).await?;
    // From now on nobody waits for these rows, whatever becomes of them.
    for workflow in engine.registry.current() {
        let store = engine.store.as_ref();
        engine
            .registry
            .switched_on(store, workflow.as_ref())
            .await?;
    }
    Ok(())
}
