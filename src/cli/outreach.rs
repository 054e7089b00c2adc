//! `stop` and `resume`: all outreach at once, for everybody.

use std::path::Path;

use clap::Args;
use relay_core::time::Timestamp;
use relay_store::{CarefulWord, Store, StoredWord};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::Output;
use crate::engine::outreach::{is_stopped, stop_ops};
use crate::remedy::RemedyCommand;

/// `stop`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StopArgs {
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Why, for whoever finds everything stopped.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// `resume`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ResumeArgs {
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Who stopped outreach, when and why, if it is stopped: whoever wonders why nothing goes out must
/// not have to ask around.
pub(super) async fn stopped(store: &dyn Store) -> Result<Option<Outreach>, CliError> {
    let value = match CarefulWord::Outreach.ask(store).await? {
        StoredWord::Nothing => return Ok(None),
        StoredWord::Word(value) => value,
        // A list must not be the one that says nothing: in it stands the item that names the row.
        StoredWord::Unreadable(damage) => {
            json!({ "reason": format!("what was said of it can't be read ({damage}), so it counts as \
                                       stopped; see `clear-relay database check`") })
        }
    };
    if !is_stopped(Some(&value)) {
        return Ok(None);
    }
    // A guard goes by the flag alone, and so does this: what can't be read beside it hides nothing.
    let outreach: Outreach = serde_json::from_value(value).unwrap_or_default();
    Ok(Some(Outreach {
        stopped: true,
        ..outreach
    }))
}

/// What stands above a list while outreach is stopped; empty while it is not.
pub(super) async fn head(
    store: &dyn Store,
    out: &Output<'_>,
) -> Result<(String, Option<Outreach>), CliError> {
    let stopped = stopped(store).await?;
    let line = stopped.as_ref().map(|stop| stop.line(out));
    Ok((line.unwrap_or_default(), stopped))
}

/// Whether outreach is stopped, as it is stored.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Outreach {
    stopped: bool,
    by: Option<String>,
    at: Option<Timestamp>,
    reason: Option<String>,
}

impl Outreach {
    /// In one line, with the line feed.
    pub(super) fn line(&self, out: &Output<'_>) -> String {
        let why = self.reason.as_deref().unwrap_or("no reason was given");
        let since = self.at.map(|at| format!(" since {}", out.time(at)));
        let by = self.by.as_ref().map(|by| format!(" by {by}"));
        format!(
            "Outreach is stopped{}{}: {why}. Nothing goes out to clients until: {}\n\n",
            since.unwrap_or_default(),
            by.unwrap_or_default(),
            RemedyCommand::Resume,
        )
    }
}

/// What a person wants of all outreach.
#[derive(Debug, Clone, Copy)]
pub enum OutreachCommand<'a> {
    /// None goes out.
    Stop(&'a StopArgs),
    /// It goes on.
    Resume(&'a ResumeArgs),
}

/// Halts all outreach, or lets it go on. Asks no vendor and needs none to be configured.
///
/// Names the database at `path`, which it wrote to: whoever stopped another clinic's relay, or one
/// that nobody runs, must see it.
pub async fn set(
    store: &dyn Store,
    path: &Path,
    command: OutreachCommand<'_>,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let (stopped, by, reason, dry_run) = match command {
        OutreachCommand::Stop(args) => (true, &args.by, args.reason.as_deref(), args.dry_run),
        OutreachCommand::Resume(args) => (false, &args.by, None, args.dry_run),
    };
    let (clocks, _) = super::clocks::of_command(store).await?;
    let now = clocks.procedure.now();
    if !dry_run.dry_run {
        let ops = stop_ops(stopped, &by.by, reason, now);
        store.commit(ops.into()).await?;
    }
    // What can't be counted now must not keep anybody from stopping.
    let health = store.health(now).await.ok();
    let unused = health.is_some_and(|health| health.jobs.iter().all(|(_, count)| *count == 0));
    let what = if stopped { "stopped" } else { "allowed" };
    let verb = if dry_run.dry_run { "would be" } else { "is" };
    let shown = path.display();
    let mut human = format!("outreach {verb} {what} in {shown}");
    if unused {
        human.push_str(
            "\nno relay has worked on this database yet: is it the one you mean? Name its \
             configuration with --config",
        );
    }
    let json = json!({ "outreach": what, "dry_run": dry_run.dry_run, "database": path,
                       "unused": unused });
    Ok(out.emit(&json, &human)?)
}
