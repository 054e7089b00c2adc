//! What stopping the fee means for one contact: a pure function of what the CRM shows.
//!
//! The preview that people see and the effects that are carried out come from the same plan.

use serde::{Deserialize, Serialize};

use crate::clients::{BillingSnapshot, Subscription};
use crate::effects::{CardRemoval, EffectInput};
use crate::ids::{ContactId, PaymentMethodId, SubscriptionId};
use crate::scripts::date_words;
use crate::time::Date;

/// What was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationOrder {
    /// Written into `reason_stopped`.
    pub reason: String,
    /// What happens to the card.
    pub card: CardRemoval,
}

/// What would be done, and what people should know about it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Why nothing may be done at all (E20).
    pub refused: Option<String>,
    /// Off auto-charge, then inactive, one subscription after another. Empty if all of it is so.
    pub stop: Vec<EffectInput>,
    /// Cards to be removed once the fee is stopped.
    pub cards: Vec<EffectInput>,
    /// Cards that stay although their removal was ordered, each with the reason.
    pub kept: Vec<KeptCard>,
    /// How things stand and what would change, one line each.
    pub lines: Vec<String>,
    /// What else bills the same cards, one line each.
    pub also_bills: Vec<String>,
    /// What a person should look at (E48, E51), one line each.
    pub cautions: Vec<String>,
}

/// A card that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCard {
    /// The card, by the CRM's id.
    pub card: PaymentMethodId,
    /// The reason, in one line.
    pub why: String,
}

impl Plan {
    /// Whether carrying it out would change anything.
    pub fn is_empty(&self) -> bool {
        self.stop.is_empty() && self.cards.is_empty()
    }
}

/// The plan for what `billing` shows. `twins` are other contacts with the same address; `today` is
/// the clinic's date.
pub fn plan(
    billing: &BillingSnapshot,
    twins: &[ContactId],
    ordered: &CancellationOrder,
    today: Date,
) -> Plan {
    let mut plan = Plan::default();
    if !twins.is_empty() {
        let ids: Vec<_> = twins.iter().map(ContactId::as_str).collect();
        plan.refused = Some(format!(
            "other contacts have the same address ({}): merge them in the CRM first",
            ids.join(", ")
        ));
        return plan;
    }
    for subscription in &billing.subscriptions {
        plan.lines.push(line(subscription));
        if subscription.coaching {
            plan.stop.extend(stop(subscription, ordered));
            if subscription.last_bill_date == Some(today) {
                plan.cautions.push(format!(
                    "{} was charged today: a refund is a person's decision",
                    subscription.name
                ));
            }
        }
    }
    let running = billing.subscriptions.iter();
    let running = running.filter(|one| one.coaching && one.active).count();
    if running > 1 {
        plan.cautions.push(format!(
            "{running} coaching subscriptions were active at once"
        ));
    }
    plan.also_bills = billing
        .subscriptions
        .iter()
        .filter(|one| !one.coaching && one.active)
        .map(line)
        .chain(billing.open_orders.iter().cloned())
        .collect();
    cards(billing, ordered, &mut plan);
    plan
}

fn line(subscription: &Subscription) -> String {
    let state = match (subscription.active, subscription.auto_charge) {
        (true, true) => "active, on auto-charge",
        (true, false) => "active, not on auto-charge",
        (false, true) => "inactive, but on auto-charge",
        (false, false) => "inactive, not on auto-charge",
    };
    let kind = if subscription.coaching {
        "coaching"
    } else {
        "other"
    };
    let next = subscription.next_bill_date.filter(|_| subscription.active);
    let next = next.map_or(String::new(), |date| {
        format!(", next bill {}", date_words(date))
    });
    format!(
        "{} ({}, {kind}): {state}{next}",
        subscription.name, subscription.id
    )
}

/// Money first: off auto-charge stops it even if the rest fails.
fn stop(subscription: &Subscription, ordered: &CancellationOrder) -> Vec<EffectInput> {
    let mut effects = Vec::new();
    if subscription.auto_charge {
        effects.push(EffectInput::AutoChargeOff {
            subscription: subscription.id.clone(),
            reason: ordered.reason.clone(),
        });
    }
    if subscription.active {
        effects.push(EffectInput::DeactivateSubscription {
            subscription: subscription.id.clone(),
            reason: ordered.reason.clone(),
        });
    }
    effects
}

fn cards(billing: &BillingSnapshot, ordered: &CancellationOrder, plan: &mut Plan) {
    let mut seen: Vec<&PaymentMethodId> = Vec::new();
    for subscription in billing.subscriptions.iter().filter(|one| one.coaching) {
        let Some(card) = &subscription.payment_method else {
            continue;
        };
        let stored = billing.cards.iter().any(|one| one.id == *card);
        if !stored || seen.contains(&card) {
            continue;
        }
        seen.push(card);
        match objection(billing, card, ordered.card) {
            Some(why) => plan.kept.push(KeptCard {
                card: card.clone(),
                why,
            }),
            None => plan
                .cards
                .push(removal(&subscription.id, card, ordered.card)),
        }
    }
}

fn removal(
    subscription: &SubscriptionId,
    card: &PaymentMethodId,
    mode: CardRemoval,
) -> EffectInput {
    EffectInput::RemoveCard {
        subscription: subscription.clone(),
        payment_method: card.clone(),
        mode,
    }
}

/// Why a card must stay, taking the coaching subscriptions as stopped (E49, E50). An open order
/// does not say which card it charges, so it keeps every card; so does a subscription that does
/// not name its card.
pub(super) fn objection(
    billing: &BillingSnapshot,
    card: &PaymentMethodId,
    mode: CardRemoval,
) -> Option<String> {
    if mode == CardRemoval::Keep {
        return Some("it was ordered to be kept".into());
    }
    let other = billing.subscriptions.iter().find(|one| {
        !one.coaching && one.active && one.payment_method.as_ref().is_none_or(|used| used == card)
    });
    if let Some(other) = other {
        return Some(match other.payment_method {
            Some(_) => format!("{} is charged to it", other.name),
            None => format!("{} may be charged to it", other.name),
        });
    }
    let open = billing.open_orders.first()?;
    Some(if billing.cards.len() == 1 {
        format!("it is the only card, and money is owed: {open}")
    } else {
        format!("it may be needed for what is owed: {open}")
    })
}
