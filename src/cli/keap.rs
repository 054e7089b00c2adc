//! `keap`: the two writes that don't wait for a procedure.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use clap::{Args, Subcommand};
use relay_core::case::{CaseStatus, Wait};
use relay_core::effects::CardRemoval;
use relay_core::facts::Order;
use relay_core::ids::{CaseId, ClientId, ContactId};
use relay_core::workflows::cancel_subscription::{CancellationOrder, Plan, plan};
use serde_json::json;

use super::args::{By, DryRun};
use super::error::CliError;
use super::output::{Output, or_dash};
use crate::engine::commands::cases;
use crate::engine::link::Linked;
use crate::engine::{Engine, dispatcher, link};
use crate::lifecycle::pause;
use crate::ports::ContactType;
use crate::remedy::RemedyCommand;

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
    /// Who does it, for the audit log.
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
    /// Who does it, for the audit log.
    #[command(flatten)]
    pub by: By,
    /// Written into the subscription as the reason it stopped.
    #[arg(long, value_name = "TEXT", default_value = "stopped by the clinic")]
    pub reason: String,
    /// Do it without asking again. Needed where no terminal can be asked.
    #[arg(long)]
    pub yes: bool,
    /// Look only: what would change, and what else bills the card.
    #[command(flatten)]
    pub dry_run: DryRun,
}

/// How long a command waits for what it ordered, real time, before it says where to look.
const PATIENCE: Duration = Duration::from_mins(1);

/// Sets the contact type, or says what that would change.
pub async fn set_contact_type(
    engine: &Engine,
    args: &SetContactTypeArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let contact = contact_of(engine, &args.client).await?;
    let contacts = &engine.ports.contacts;
    let present = match contacts.contact_type(&contact).await? {
        ContactType::Shown(value) => value,
        ContactType::NoField(why) => {
            return Err(CliError::Usage(format!(
                "the contact type can't be found in the CRM: {why}; `clear-relay doctor` tells what to \
                 correct"
            )));
        }
        ContactType::NoContact => {
            return Err(CliError::Usage(format!(
                "the CRM finds no contact {contact}: link client {client} to another (`clear-relay \
                 clients link {client} CONTACT --by NAME`)",
                client = args.client
            )));
        }
    };
    let allowed = contacts.contact_types().await?;
    if !allowed.is_empty() && !allowed.contains(&args.value) {
        return Err(CliError::Usage(format!(
            "{:?} is not one of the values of the field: {}",
            args.value,
            allowed.join(", ")
        )));
    }
    let order = Order::SetContactType {
        value: args.value.clone(),
    };
    if args.dry_run.dry_run {
        cases::check_order(engine, &args.client, &args.by.by, &order).await?;
        let human = format!(
            "contact {contact}: the contact type is {} and would be {}; no other field changes",
            or_dash(present.as_ref()),
            args.value
        );
        let json = json!({ "contact": contact, "now": present, "would_be": args.value });
        return Ok(out.emit(&json, &human)?);
    }
    let case = cases::order(engine, &args.client, &args.by.by, order).await?;
    carry_out(engine, &args.client, case, out).await
}

/// Stops the coaching fee, or says what that would change and what else bills the card.
pub async fn cancel_subscription(
    engine: &Engine,
    card: CardRemoval,
    args: &CancelSubscriptionArgs,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let contact = contact_of(engine, &args.client).await?;
    let snapshot = engine.ports.contacts.contact(&contact, true).await?;
    let twins = snapshot.map(|contact| contact.twins).unwrap_or_default();
    let billing = engine.ports.billing.snapshot(&contact).await?;
    let ordered = CancellationOrder {
        reason: args.reason.clone(),
        card,
    };
    let today = engine.calendar.date_of(engine.now());
    let plan = plan(&billing, &twins, &ordered, today);
    if let Some(why) = &plan.refused {
        return Err(CliError::Failed(why.clone()));
    }
    let order = Order::CancelSubscription {
        reason: args.reason.clone(),
        card,
    };
    cases::check_order(engine, &args.client, &args.by.by, &order).await?;
    if args.dry_run.dry_run {
        return Ok(out.emit(
            &json!({ "contact": contact, "plan": plan }),
            &in_words(&plan),
        )?);
    }
    if !args.yes {
        confirm(&in_words(&plan))?;
    }
    let case = cases::order(engine, &args.client, &args.by.by, order).await?;
    carry_out(engine, &args.client, case, out).await
}

async fn contact_of(engine: &Engine, client: &ClientId) -> Result<ContactId, CliError> {
    if engine.ports.not_offered().crm {
        return Err(CliError::Usage(
            "keap.mode is \"off\", so the relay can change nothing in Keap: do it there by hand (the fee as SOP-2155 \
             says), or write keap.mode = \"on\" with its credential"
                .to_owned(),
        ));
    }
    match link::linked(engine, client, None).await? {
        Linked::Contact { contact, .. } => Ok(contact),
        Linked::Nobody { reason, .. } => Err(CliError::Failed(format!(
            "client {client} is not linked to a contact: {reason}. Link her with `{}`",
            RemedyCommand::ClientsLink(Some(client))
        ))),
    }
}

fn in_words(plan: &Plan) -> String {
    let mut text = String::from("How things stand\n");
    let mut add = |line: &str| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {line}");
    };
    plan.lines.iter().for_each(|line| add(line));
    for effect in plan.stop.iter().chain(&plan.cards) {
        add(&format!("-> {}", effect.kind().as_str().replace('_', " ")));
    }
    if plan.is_empty() {
        add("nothing would change");
    }
    for kept in &plan.kept {
        add(&format!("card {} stays: {}", kept.card, kept.why));
    }
    for line in &plan.also_bills {
        add(&format!("goes on billing: {line}"));
    }
    for line in &plan.cautions {
        add(&format!("look at this: {line}"));
    }
    text
}

/// Asks at the terminal. Money is touched only by somebody who has seen the plan.
fn confirm(plan: &str) -> Result<(), CliError> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(CliError::Usage(format!(
            "{plan}\nThis touches billing: look at the plan above and add --yes"
        )));
    }
    let mut stderr = std::io::stderr();
    let plan = super::output::plain(plan);
    write!(stderr, "{plan}\nCarry this out? Type yes: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    if answer.trim() == "yes" {
        return Ok(());
    }
    Err(CliError::Failed("nothing was changed".to_owned()))
}

/// Runs the jobs of the ordered case here, unless a serving relay is faster, and tells how it
/// ended.
async fn carry_out(
    engine: &Engine,
    client: &ClientId,
    case: CaseId,
    out: &mut Output<'_>,
) -> Result<(), CliError> {
    let work = async {
        loop {
            dispatcher::run_case(engine, client, case).await?;
            let stored = engine.store.case(case).await?;
            let waits = stored.as_ref().is_none_or(|stored| {
                stored.status.is_closed() || matches!(stored.wait, Some(Wait::Person { .. }))
            });
            if waits {
                return Ok::<_, CliError>(stored);
            }
            pause(Duration::from_millis(200)).await;
        }
    };
    let Ok(ended) = tokio::time::timeout(PATIENCE, work).await else {
        return Err(CliError::Failed(format!(
            "still under way; `{}` tells how it goes",
            RemedyCommand::CasesShow(case)
        )));
    };
    super::cases::show(engine.store.as_ref(), case, out).await?;
    match ended?.map(|case| case.status) {
        Some(CaseStatus::Held { reason }) => Err(CliError::Failed(reason)),
        _ => Ok(()),
    }
}
