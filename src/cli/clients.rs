//! `clients`: which contact a client is, and that she answered elsewhere.

use clap::{Args, Subcommand};
use relay_core::ids::{ClientId, ContactId};
use relay_store::Store;
use serde_json::json;

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::{Output, or_dash};
use crate::engine::Engine;
use crate::engine::commands::{cases, staff};

/// `clients …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ClientsCommand {
    /// Show what is known of a client here: her contact and her open cases.
    Show {
        /// The portal's id of the client.
        #[arg(value_name = "CLIENT")]
        client: ClientId,
    },
    /// Say which CRM contact a client is.
    Link(LinkArgs),
    /// Say that a client answered where the relay does not look: her follow-up pauses, and her coach is asked.
    Replied(RepliedArgs),
}

/// `clients replied`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RepliedArgs {
    /// The portal's id of the client.
    #[arg(value_name = "CLIENT")]
    pub client: ClientId,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// `clients link`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LinkArgs {
    /// The portal's id of the client.
    #[arg(value_name = "CLIENT")]
    pub client: ClientId,
    /// The CRM's id of the contact.
    #[arg(value_name = "CONTACT")]
    pub contact: ContactId,
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Look only.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// Shows a client's link and open cases.
pub async fn show(
    store: &dyn Store,
    client: &ClientId,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let link = store.link(client).await?;
    let cases = store.open_cases(client).await?;
    let json = json!({
        "client": client,
        "link": link.as_ref().map(|link| json!({
            "contact": link.contact, "source": link.source, "at": link.at,
        })),
        "open_cases": cases,
    });
    let mut human = format!(
        "client   {client}\ncontact  {}\nknown by {}\n",
        or_dash(link.as_ref().map(|link| &link.contact)),
        or_dash(link.as_ref().map(|link| known_by(&link.source))),
    );
    human.push('\n');
    human.push_str(&super::cases::table(&cases, out).render("no open case"));
    Ok(out.emit(&json, &human)?)
}

/// By what a contact is known to be a client's, in words.
fn known_by(source: &str) -> String {
    match source {
        "email" => "her email address, which no other contact has".to_owned(),
        "portal" => "the tool that tells of her".to_owned(),
        other => other.replacen(':', " ", 1),
    }
}

/// Links a client to a contact, or says what is linked now.
pub async fn link(engine: &Engine, args: &LinkArgs, out: &mut Output<'_>) -> Result<(), CliError> {
    if args.dry_run.dry_run {
        cases::check_link(engine, &args.client, &args.contact).await?;
        let now = engine.store.link(&args.client).await?;
        let human = format!(
            "client {} is linked to {} and would be linked to {}",
            args.client,
            or_dash(now.as_ref().map(|link| &link.contact)),
            args.contact
        );
        let json = json!({ "client": args.client, "contact": args.contact, "dry_run": true,
                           "now": now.map(|link| link.contact) });
        return Ok(out.emit(&json, &human)?);
    }
    cases::link_client(engine, &args.client, &args.contact, &args.by.by).await?;
    show(engine.store.as_ref(), &args.client, out).await
}

/// Says that a client answered elsewhere, or what that would do.
pub async fn replied(
    engine: &Engine,
    args: &RepliedArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    if args.dry_run.dry_run {
        let lines = staff::preview_replied(engine, &args.client, &args.by.by).await?;
        return Ok(out.emit(&json!({ "would": lines }), &lines.join("\n"))?);
    }
    staff::replied(engine, &args.client, &args.by.by).await?;
    show(engine.store.as_ref(), &args.client, out).await
}
