//! `migrate`: the database, brought to this version.

use std::path::Path;

use relay_store::StoreError;
use serde_json::json;

use super::args::DryRun;
use super::error::CliError;
use super::opening::{foreign, missing_database, newer, not_migrated};
use super::output::Output;
use crate::ports::{Stores, Version};

/// What stands at `path`; refused where no migration can help. The dry run asks the same, and reads the
/// rows that a migration would be refused for.
async fn check(
    path: &Path,
    is_new: bool,
    dry_run: DryRun,
    stores: &dyn Stores,
) -> Result<Version, CliError> {
    if is_new {
        return Ok(Version::Older);
    }
    let look = stores.look(path, dry_run.dry_run).await?;
    if let Some(damage) = look.damage {
        return Err(CliError::Failed(format!(
            "{} is damaged: {damage}. Bring back a copy: `clear-relay restore FILE --by NAME`; it keeps \
             the damaged file",
            path.display()
        )));
    }
    if let Some(damage) = look.blocking_row {
        return Err(not_migrated(StoreError::Corrupt(damage)));
    }
    match look.version {
        Version::Current | Version::Older => Ok(look.version),
        Version::Newer => Err(newer(path)),
        Version::Foreign => Err(foreign(path)),
    }
}

/// Brings the database at `path` to this version; makes it if it is not there.
pub async fn migrate(
    path: &Path,
    dry_run: DryRun,
    stores: &dyn Stores,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let is_new = missing_database(path);
    let version = check(path, is_new, dry_run, stores).await?;
    if !dry_run.dry_run {
        stores.migrate(path).await.map_err(not_migrated)?;
    }
    let done = match (dry_run.dry_run, is_new, version) {
        (false, true, _) => "made, and brought to this version",
        (false, false, Version::Current) => "is at this version already",
        (false, false, _) => "is brought to this version",
        (true, true, _) => "is not there; it would be made",
        (true, false, Version::Current) => "is at this version already; nothing would change",
        (true, false, _) => "is there; what it lacks would be added, and nothing is removed",
    };
    let json = json!({ "path": path, "new": is_new, "dry_run": dry_run.dry_run });
    Ok(out.emit(&json, &format!("{}: {done}", path.display()))?)
}
