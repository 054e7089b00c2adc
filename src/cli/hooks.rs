//! `hooks`: the subscriptions by which a vendor sends us webhooks.

use clap::Subcommand;
use serde_json::json;

use super::args::DryRun;
use super::error::CliError;
use super::output::{Output, Table, or_dash};
use crate::ports::HookRegistry;

/// `hooks …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum HooksCommand {
    /// List the subscriptions at the vendor, with their state.
    List,
    /// Make the vendor's subscriptions what they should be: create, verify, remove.
    Sync {
        /// Look only.
        #[command(flatten)]
        dry_run: DryRun,
    },
}

/// Lists the subscriptions, or makes them what they should be.
pub async fn run(
    registry: &dyn HookRegistry,
    command: &HooksCommand,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let hooks = match command {
        HooksCommand::List => registry.list().await?,
        HooksCommand::Sync { dry_run } => registry.sync(dry_run.dry_run).await?,
    };
    let mut table = Table::new(&["EVENT", "KEY", "STATUS"]);
    for hook in &hooks {
        table.row([
            hook.event.clone(),
            or_dash(hook.key.as_ref()),
            hook.status.clone(),
        ]);
    }
    Ok(out.emit(
        &json!({ "hooks": hooks }),
        &table.render("no subscription is needed"),
    )?)
}
