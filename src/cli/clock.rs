//! `clock`: what the vendors say of the time, and whose clock is right.

use clap::{Args, Subcommand};
use serde_json::json;

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::Output;
use crate::engine::clock::in_words;
use crate::engine::{Engine, clock};
use crate::rate_limit::dates::Apart;

/// `clock …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ClockCommand {
    /// Ask the portal for the time and compare it with this machine's.
    Show,
    /// Say that this machine's clock is right although a vendor's differs by more than a day: what
    /// waits for that goes on.
    Accept(AcceptArgs),
}

/// `clock accept`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AcceptArgs {
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Shows the difference, or accepts it.
pub async fn run(
    engine: &Engine,
    command: &ClockCommand,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let (apart, accepted) = match command {
        ClockCommand::Show => (clock::ask_the_time(engine).await?, false),
        ClockCommand::Accept(args) if args.dry_run.dry_run => {
            (Some(clock::clock_to_accept(engine).await?), false)
        }
        ClockCommand::Accept(args) => (Some(clock::accept_clock(engine, &args.by.by).await?), true),
    };
    let mut human = apart.as_ref().map_or_else(
        || "this machine's clock and the vendors' are less than a day apart".to_owned(),
        in_words,
    );
    if accepted {
        human.push_str(": accepted, work goes on");
    }
    human.push('\n');
    let apart = apart.map(
        |Apart { vendor, ahead }| json!({ "vendor": vendor, "ahead_seconds": ahead.as_secs() }),
    );
    Ok(out.emit(&json!({ "apart": apart, "accepted": accepted }), &human)?)
}
