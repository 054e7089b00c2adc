//! `migrate`: the database, brought to this version.

use std::path::Path;

use serde_json::json;

use super::args::DryRun;
use super::error::CliError;
use super::output::Output;
use super::{Stores, missing_database};

/// Brings the database at `path` to this version; makes it if it is not there.
pub async fn migrate(
    path: &Path,
    dry_run: DryRun,
    stores: &dyn Stores,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let is_new = missing_database(path);
    if !dry_run.dry_run {
        stores.migrate(path).await?;
    }
    let done = match (dry_run.dry_run, is_new) {
        (false, true) => "made, and brought to this version",
        (false, false) => "is at this version",
        (true, true) => "is not there; it would be made",
        (true, false) => "is there; what it lacks would be added, and nothing is removed",
    };
    let json = json!({ "path": path, "new": is_new, "dry_run": dry_run.dry_run });
    Ok(out.emit(&json, &format!("{}: {done}", path.display()))?)
}
