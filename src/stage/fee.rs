//! The button that touches money: what it would change is shown first.

use relay_core::effects::CardRemoval;
use relay_core::facts::Order;
use relay_core::ids::ClientId;
use relay_core::workflows::cancel_subscription::{CancellationOrder, Plan, plan};
use serde_json::Value;

use super::buttons::{order, told};
use crate::engine::link::Linked;
use crate::engine::{Engine, link};

/// The reason that is written into a subscription.
const MOVES: &str = "Moves to the clinic";

/// Has the fee stopped by a visitor who has seen the plan.
pub(super) async fn stop_fee(
    engine: &Engine,
    client: &str,
    confirmed: bool,
) -> Result<Value, String> {
    let plan = plan_of(engine, client).await?;
    if let Some(why) = plan.refused {
        return Err(why);
    }
    if !confirmed {
        return Err("confirmed: this touches billing; look at the plan first".to_owned());
    }
    let ordered = ordered();
    let cancel = Order::CancelSubscription {
        reason: ordered.reason,
        card: ordered.card,
    };
    order(engine, client, cancel).await
}

fn ordered() -> CancellationOrder {
    CancellationOrder {
        reason: MOVES.to_owned(),
        card: CardRemoval::Deactivate,
    }
}

/// What stopping the fee would change, as the command line shows it.
pub(super) async fn plan_of(engine: &Engine, client: &str) -> Result<Plan, String> {
    let linked = link::linked(engine, &ClientId::from(client), None).await;
    let contact = match linked.map_err(told)? {
        Linked::Contact { contact, .. } => contact,
        Linked::Nobody { reason, .. } => return Err(reason),
    };
    let snapshot = engine.ports.contacts.contact(&contact, true).await;
    let twins = snapshot.map_err(told)?;
    let twins = twins.map(|contact| contact.twins).unwrap_or_default();
    let billing = engine.ports.billing.snapshot(&contact).await;
    let today = engine.calendar.date_of(engine.now());
    Ok(plan(&billing.map_err(told)?, &twins, &ordered(), today))
}

/// A plan, line by line.
pub(super) fn in_lines(plan: &Plan) -> Vec<String> {
    if let Some(why) = &plan.refused {
        return vec![why.clone()];
    }
    let mut lines = plan.lines.clone();
    let effects = plan.stop.iter().chain(&plan.cards);
    lines.extend(effects.map(|effect| {
        let what = effect.kind().as_str().replace('_', " ");
        format!("Will do: {what}")
    }));
    if plan.is_empty() {
        lines.push("Nothing would change".to_owned());
    }
    let kept = plan.kept.iter();
    lines.extend(kept.map(|kept| format!("Card {} stays: {}", kept.card, kept.why)));
    let bills = plan.also_bills.iter();
    lines.extend(bills.map(|line| format!("Goes on billing: {line}")));
    let cautions = plan.cautions.iter();
    lines.extend(cautions.map(|line| format!("Look at this: {line}")));
    lines
}
