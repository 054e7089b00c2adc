//! `stop` and `resume`: all outreach at once, for everybody.

use clap::Args;

use super::args::{By, DryRun};

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
