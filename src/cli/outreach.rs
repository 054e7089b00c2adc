//! `stop` and `resume`: all outreach at once, for everybody.

use clap::Args;
use serde_json::json;

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::Output;
use crate::engine::Engine;

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

/// Halts all outreach, or lets it go on.
pub async fn set(
    engine: &Engine,
    stopped: bool,
    by: &By,
    reason: Option<&str>,
    dry_run: DryRun,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    if !dry_run.dry_run {
        engine.set_stopped(stopped, &by.by, reason).await?;
    }
    let what = if stopped { "stopped" } else { "allowed" };
    let verb = if dry_run.dry_run { "would be" } else { "is" };
    let json = json!({ "outreach": what, "dry_run": dry_run.dry_run });
    Ok(out.emit(&json, &format!("outreach {verb} {what}"))?)
}
