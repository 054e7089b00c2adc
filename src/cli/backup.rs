//! `backup FILE`, `restore FILE`: the database put safely away, and brought back.
//!
//! A copy that is brought back does not know what was sent after it was made. So it is marked, and
//! until the mark stops mattering nothing is sent on the strength of "we have no record of it"
//! (`engine/memory.rs`). Nor does it know that outreach was stopped since: the stop is carried over from
//! the database that it replaces. What else people said since, of one case, is not: a pause or a close
//! that was said after the copy was made is to be said again.

use std::path::{Path, PathBuf};

use clap::Args;
use relay_core::time::Timestamp;
use relay_store::{AuditEntry, Batch, Copied, CopyError, Op, StoreError};
use serde_json::{Value, json};

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::Output;
use crate::engine::memory::{WhyOld, mark_old};
use crate::engine::outreach::{is_stopped, outreach_said, stop_ops};
use crate::ports::Stores;
use crate::remedy::RemedyCommand;

/// `backup`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BackupArgs {
    /// The file to make. One that is there is never written over.
    pub file: PathBuf,
}

/// `restore`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RestoreArgs {
    /// The copy to bring back. It stays as it is.
    pub file: PathBuf,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Makes a copy of the database at `path`, whatever is going on in it.
pub(super) async fn backup(
    path: &Path,
    args: &BackupArgs,
    stores: &dyn Stores,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let copied = stores.backup(path, &args.file).await.map_err(failed)?;
    let file = args.file.display();
    let text = format!(
        "{file}: a whole copy of {}; {}",
        path.display(),
        held(&copied, out)
    );
    Ok(out.emit(&document(&args.file, &copied), &text)?)
}

/// Brings a copy back in the place of the database at `path`. `now` is real time.
pub(super) async fn restore(
    path: &Path,
    args: &RestoreArgs,
    now: Timestamp,
    stores: &dyn Stores,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let RestoreArgs { file, by, dry_run } = args;
    let shown = path.display();
    let mut document;
    let text;
    if dry_run.dry_run {
        let copied = stores.check_restore(file, path).await.map_err(failed)?;
        document = self::document(file, &copied);
        text = format!(
            "{shown} would be replaced by {}; {}",
            file.display(),
            held(&copied, out)
        );
    } else {
        let suffix = format!(".before-restore-{}", now.strftime("%Y%m%dT%H%M%S%.3fZ"));
        let stays = stop_of(path, &by.by, now, stores).await;
        let mut mark = vec![
            mark_old(now, WhyOld::Restored),
            Op::Audit(AuditEntry {
                at: now,
                who: by.by.clone(),
                what: "restore".to_owned(),
                object: "database".to_owned(),
                detail: json!({ "from": file }),
            }),
        ];
        let stopped = stays.as_ref().map_or_else(String::new, |(why, _)| {
            format!(
                "\nOutreach is stopped ({why}): `{}` lets it go on",
                RemedyCommand::Resume
            )
        });
        mark.extend(stays.into_iter().flat_map(|(_, ops)| ops));
        let restored = stores
            .restore(file, path, &suffix, Batch::from(mark))
            .await
            .map_err(failed)?;
        document = self::document(file, &restored.copied);
        document["kept"] = json!(restored.kept);
        document["outreach_stopped"] = json!(!stopped.is_empty());
        let kept = restored.kept.map_or_else(String::new, |kept| {
            format!("\nwhat stood there is kept as {}", kept.display())
        });
        text = format!(
            "{shown} is {} again; {}{kept}{stopped}\nIt does not know what was sent since: before anything \
             goes out the relay looks whether it has gone out already. See `clear-relay doctor`, \
             then `clear-relay serve`",
            file.display(),
            held(&restored.copied, out)
        );
    }
    document["database"] = json!(path);
    document["dry_run"] = json!(dry_run.dry_run);
    Ok(out.emit(&document, &text)?)
}

/// What keeps outreach stopped where the database at `path` says so, or can't be asked: the copy does
/// not know what was said after it was made, and a stop must not be lifted by bringing it back.
async fn stop_of(
    path: &Path,
    by: &str,
    now: Timestamp,
    stores: &dyn Stores,
) -> Option<(&'static str, Vec<Op>)> {
    let is_lost = || async {
        let looked = stores.look(path, false).await;
        matches!(looked, Err(StoreError::Damaged(_)))
    };
    if !path.exists() && !is_lost().await {
        return None;
    }
    let said = match stores.open(path).await {
        Ok(store) => {
            let said = outreach_said(store.as_ref()).await;
            store.close().await;
            said
        }
        Err(error) => Err(error),
    };
    let why = match said {
        Ok(said) if !is_stopped(said.as_ref()) => return None,
        Ok(_) => "it was when the copy was put back",
        Err(_) => "whether it was can't be read where the copy was put back",
    };
    Some((why, stop_ops(true, by, Some(why), now)))
}

/// What a copy holds, for people.
fn held(copied: &Copied, out: &Output<'_>) -> String {
    let rows = copied.rows.iter();
    let rows = rows.map(|(table, count)| format!("{count} {}", table.replace('_', " ")));
    let rows: Vec<String> = rows.collect();
    let newest = copied.newest.map_or_else(
        || "no webhook".to_owned(),
        |at| format!("the newest webhook of {}", out.time(at)),
    );
    let held = format!("{}, {newest}", rows.join(", "));
    match copied.unreadable.as_slice() {
        [] => held,
        [first, rest @ ..] => {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            format!(
                "{held}\ncan't be read in it: {first}{more}; it is copied as it stands, and \
                 `clear-relay database check` on the database says what it is"
            )
        }
    }
}

fn document(file: &Path, copied: &Copied) -> Value {
    let rows = copied.rows.iter();
    let rows: serde_json::Map<_, _> = rows.map(|(table, n)| (table.clone(), json!(n))).collect();
    json!({ "file": file, "bytes": copied.bytes, "rows": rows, "newest_webhook": copied.newest,
            "unreadable": copied.unreadable })
}

fn failed(error: CopyError) -> CliError {
    match error {
        CopyError::Exists(_) | CopyError::Missing(_) => CliError::Usage(error.to_string()),
        error => CliError::Failed(error.to_string()),
    }
}
