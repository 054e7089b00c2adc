//! `keap`: the two writes that don't wait for a procedure.

use clap::{Args, Subcommand};
use relay_core::ids::ClientId;

use super::args::{By, DryRun};

/// `keap …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum KeapCommand {
    /// Set the contact type, e.g. to "In-Person", without touching any other field.
    SetContactType(SetContactTypeArgs),
    /// Stop the coaching fee: off auto-charge, inactive, verified, then the card by policy.
    CancelSubscription(CancelSubscriptionArgs),
}

/// `keap set-contact-type`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SetContactTypeArgs {
    /// The portal's id of the client.
    #[arg(value_name = "CLIENT")]
    pub client: ClientId,
    /// The value, as the drop-down in Keap spells it.
    #[arg(value_name = "TYPE")]
    pub value: String,
    /// Who.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// `keap cancel-subscription`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CancelSubscriptionArgs {
    /// The portal's id of the client.
    #[arg(value_name = "CLIENT")]
    pub client: ClientId,
    /// Who.
    #[command(flatten)]
    pub by: By,
    /// Look only: what would change, and what else bills the card.
    #[command(flatten)]
    pub dry_run: DryRun,
}
