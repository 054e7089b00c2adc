//! `stop` and `resume`: all outreach at once, for everybody.

use clap::Args;
use relay_store::Store;
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
