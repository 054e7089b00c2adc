//! Compares what is stored with what must hold, on command or by the daily job.

use super::report;
use crate::engine::sync::walk::Walk;
use crate::engine::{Engine, EngineError};

/// Compares what is stored with what must hold, and repairs or tells what does not. With
/// `dry_run`, changes nothing.
pub async fn reconcile(engine: &Engine, dry_run: bool) -> Result<report::Report, EngineError> {
    let mut walk = Walk::new(engine, dry_run);
    walk.check_ins().await?;
    walk.cases().await?;
    walk.effects().await?;
    walk.items().await?;
    walk.jobs().await?;
    walk.periodic().await?;
    let report = walk.report;
    if !report.found.is_empty() && !dry_run {
        let found = report.found.len();
        tracing::warn!(found, "the reconcile found what did not hold");
    }
    Ok(report)
}

/// Puts right what a clock that ran ahead has written: cases, jobs, periodic jobs. Returns how
/// much that was.
pub(crate) async fn put_clock_right(engine: &Engine) -> Result<usize, EngineError> {
    let mut walk = Walk::new(engine, false);
    walk.ahead().await?;
    walk.jobs().await?;
    walk.periodic().await?;
    Ok(walk.report.found.len())
}
