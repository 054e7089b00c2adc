//! `hooks`: the subscriptions by which a vendor sends us webhooks.

use clap::Subcommand;

use super::args::DryRun;

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
