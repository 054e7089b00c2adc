//! `migrate`: the database, brought to this version.

use std::path::Path;

use serde_json::json;

use super::args::DryRun;
use super::error::CliError;
use super::opening::missing_database;
use super::output::Output;
use crate::ports::{Stores, Version};

/// What stands at `path`; refused where no migration can help. The dry run asks the same.
async fn check(path: &Path, is_new: bool, stores: &dyn Stores) -> Result<Version, CliError> {
    if is_new {
        return Ok(Version::Older);
    }
    let version = stores.look(path, false).await?.version;
    let shown = path.display();
    match version {
        Version::Current | Version::Older => Ok(version),
        Version::Newer => Err(CliError::Failed(format!(
            "{shown} is of a newer version than this program: install the release that last ran \
             on it, or bring back the backup before it"
        ))),
        Version::Foreign => Err(CliError::Failed(format!(
            "{shown} was made by something else, or its migrations were changed: name another \
             file in store.path"
        ))),
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
    let version = check(path, is_new, stores).await?;
    if !dry_run.dry_run {
        stores.migrate(path).await?;
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
