//! `stop` and `resume`: all outreach at once, for everybody.

use clap::Args;
use relay_core::time::Timestamp;
use relay_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Command;
use super::args::{By, DryRun};
use super::error::CliError;
use super::output::Output;
use crate::engine::commands::stop_ops;

/// `stop`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StopArgs {
    /// Who.
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
    /// Who.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Who stopped outreach, when and why, if it is stopped: whoever wonders why nothing goes out must
/// not have to ask around.
pub(super) async fn stopped(store: &dyn Store) -> Result<Option<Outreach>, CliError> {
    let Some(value) = store.setting("outreach").await? else {
        return Ok(None);
    };
    let outreach: Outreach = serde_json::from_value(value)
        .map_err(|error| CliError::Failed(format!("the stored stop can't be read: {error}")))?;
    Ok(outreach.stopped.then_some(outreach))
}

/// Whether outreach is stopped, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outreach {
    stopped: bool,
    by: String,
    at: Timestamp,
    reason: Option<String>,
}

impl Outreach {
    /// In one line, with the line feed.
    pub(super) fn line(&self, out: &Output<'_>) -> String {
        let why = self.reason.as_deref().unwrap_or("no reason was given");
        format!(
            "Outreach is stopped since {} by {}: {why}\n\n",
            out.time(self.at),
            self.by
        )
    }
}

/// Halts all outreach, or lets it go on. Asks no vendor and needs none to be configured.
pub async fn set(
    store: &dyn Store,
    command: &Command,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let (stopped, by, reason, dry_run) = match command {
        Command::Stop(args) => (true, &args.by, args.reason.as_deref(), args.dry_run),
        Command::Resume(args) => (false, &args.by, None, args.dry_run),
        _ => return Err(CliError::NotBuilt("stop")),
    };
    if !dry_run.dry_run {
        let (clocks, _) = super::clocks::of_command(store).await?;
        let ops = stop_ops(stopped, &by.by, reason, clocks.procedure.now());
        store.commit(ops.into()).await?;
    }
    let what = if stopped { "stopped" } else { "allowed" };
    let verb = if dry_run.dry_run { "would be" } else { "is" };
    let json = json!({ "outreach": what, "dry_run": dry_run.dry_run });
    Ok(out.emit(&json, &format!("outreach {verb} {what}"))?)
}
