//! Stopping the coaching fee, as a person ordered it.
//!
//! > Stop the Monthly Coaching Fee subscription in KEAP. (Refer to SOP-2155)
//!
//! > Change status to "Inactive" · Change the recharge information so that it is not on auto-charge
//! > and remove the card information to ensure the client is not further charged
//!
//! ```text
//! read_billing ─▶ stop_fee (per subscription: off auto-charge, inactive) ─▶ read_billing ─▶
//!      ▲                    └─ still on: once more, then held                      │
//!      └── resume ── held ◀── twins, dead, unclear            remove_card ◀────────┤
//!                                                                  └─▶ read_billing ─▶ closed,
//!                                                                      with what is true
//! ```
//!
//! **Rules.** Only the configured coaching plans are touched (E47); two active ones are both
//! stopped and an admin is told (E48). Another contact with the same address forbids everything
//! (E20). What is already so is left alone (E46). A card stays while anything else may need it
//! (E49, E50), and a person is told. A charge of today is shown (E51).
//!
//! **Guarantees.** The end reports what the CRM shows after the last write, not what was asked of
//! it. Every write is a desired state, so trying again reads first and can't do it twice.
//!
//! **Not guaranteed.** A subscription that a campaign creates later (E52) is not seen here; billing
//! outside the CRM (E53) neither.

mod plan;
mod run;

use crate::case::{Case, Mode};
use crate::effects::{EffectInput, PlannedEffect, Request, request};
use crate::facts::{Fact, FactBody, Order};
use crate::workflow::{
    Context, GuardReading, HoldReason, Input, Needs, NotOpened, Transition, Verdict, Workflow,
};
use crate::workflows::StepInfo;
use crate::workflows::draft::{unreadable, unreadable_verdict};

pub use plan::{CancellationOrder, KeptCard, Plan, plan};
use run::{CancelSubscriptionRun, State};

/// The procedure's name.
pub const NAME: &str = "cancel_subscription";

/// The version of the decision code.
pub const LOGIC: u32 = 1;

/// The steps in their order, with the sentences they carry out.
pub const STEPS: [StepInfo; 3] = [
    StepInfo {
        id: "read_billing",
        sentences: &[
            "Cancel their Coaching Fee Subscription by going to \"Orders\" and scrolling to the \
             bottom where you will click on \"Monthly Coaching Support Fee\"",
        ],
    },
    StepInfo {
        id: "stop_fee",
        sentences: &[
            "Stop the Monthly Coaching Fee subscription in KEAP. (Refer to SOP-2155)",
            "Change status to \"Inactive\"",
        ],
    },
    StepInfo {
        id: "remove_card",
        sentences: &[
            "Change the recharge information so that it is not on auto-charge and remove the card \
             information to ensure the client is not further charged",
        ],
    },
];

/// The procedure. It has no parameters: the order carries them.
#[derive(Debug, Clone)]
pub struct CancelSubscription {
    mode: Mode,
    hash: String,
}

impl CancelSubscription {
    /// The workflow, whose new cases are opened in `mode`.
    pub fn new(mode: Mode) -> Self {
        let hash = crate::procedure::hash_of(&serde_json::json!({ "procedure": NAME }));
        Self { mode, hash }
    }
}

impl Workflow for CancelSubscription {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn logic(&self) -> u32 {
        LOGIC
    }

    fn opens_on(&self, fact: &Fact) -> bool {
        let FactBody::Ordered { order, .. } = &fact.body else {
            return false;
        };
        matches!(order, Order::CancelSubscription { .. })
    }

    fn open(&self, cx: Context<'_>, case: &Case, fact: &Fact) -> Result<Transition, NotOpened> {
        let FactBody::Ordered {
            by,
            order: Order::CancelSubscription { reason, card },
        } = &fact.body
        else {
            return Err(format!("{} opens no case", fact.body.kind()).into());
        };
        let ordered = CancellationOrder {
            reason: reason.clone(),
            card: *card,
        };
        let mut run = CancelSubscriptionRun::new(cx, case, State::new(ordered));
        run.opened(by);
        run.finish()
            .ok_or_else(|| "the state of the new case can't be stored".into())
    }

    fn step(&self, cx: Context<'_>, case: &Case, input: &Input) -> Option<Transition> {
        let Ok(state) = serde_json::from_value::<State>(case.data.clone()) else {
            return unreadable(cx, case, input);
        };
        let mut run = CancelSubscriptionRun::new(cx, case, state);
        run.take(input).then(|| run.finish())?
    }

    fn needs(&self, _: &PlannedEffect) -> Needs {
        Needs {
            contact: true,
            billing: true,
            ..Needs::default()
        }
    }

    /// Money: every write is checked against what the CRM shows now.
    fn guard(
        &self,
        _: Context<'_>,
        case: &Case,
        effect: &PlannedEffect,
        reading: &GuardReading,
    ) -> Verdict {
        if case.status.is_closed() {
            return Verdict::Overtaken {
                by: "the case being closed".into(),
                facts: Vec::new(),
            };
        }
        if serde_json::from_value::<State>(case.data.clone()).is_err() {
            return unreadable_verdict();
        }
        match request(effect, reading) {
            Ok(request) => Verdict::Go(request),
            Err(reason) => reason.hold(None),
        }
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}

fn request(effect: &PlannedEffect, reading: &GuardReading) -> Result<Request, HoldReason> {
    let contact = reading
        .contact
        .as_ref()
        .ok_or_else(|| reading.no_contact())?;
    if !contact.twins.is_empty() {
        return Err("other contacts have the same address: merge them in the CRM first".into());
    }
    let billing = reading
        .billing
        .as_ref()
        .ok_or("what she pays for can't be read")?;
    let ours = |id: &crate::ids::SubscriptionId| {
        let found = billing.subscriptions.iter().find(|one| one.id == *id);
        found.filter(|one| one.coaching).ok_or_else(|| {
            let what = format!("subscription {id} is none of the configured coaching plans");
            HoldReason::from(what)
        })
    };
    let contact = contact.id.clone();
    match &effect.input {
        EffectInput::AutoChargeOff {
            subscription,
            reason,
        } => ours(subscription).map(|_| {
            Request::AutoChargeOff(request::AutoChargeOff {
                contact,
                subscription: subscription.clone(),
                reason: reason.clone(),
            })
        }),
        EffectInput::DeactivateSubscription {
            subscription,
            reason,
        } => ours(subscription).map(|_| {
            Request::DeactivateSubscription(request::DeactivateSubscription {
                contact,
                subscription: subscription.clone(),
                reason: reason.clone(),
            })
        }),
        EffectInput::RemoveCard {
            payment_method,
            mode,
            ..
        } => {
            let running = billing.subscriptions.iter().any(|one| {
                one.coaching && one.active && one.payment_method.as_ref() == Some(payment_method)
            });
            if running {
                return Err("a coaching subscription that uses it is still active".into());
            }
            match plan::objection(billing, payment_method, *mode) {
                Some(why) => Err(why.into()),
                None => Ok(Request::RemoveCard(request::RemoveCard {
                    contact,
                    payment_method: payment_method.clone(),
                    mode: *mode,
                })),
            }
        }
        EffectInput::PortalMessage { .. }
        | EffectInput::PortalNote { .. }
        | EffectInput::Email { .. }
        | EffectInput::CallTask { .. }
        | EffectInput::CloseTask { .. }
        | EffectInput::ReassignTask { .. }
        | EffectInput::WorkTask { .. }
        | EffectInput::ContactNote { .. }
        | EffectInput::AddTag { .. }
        | EffectInput::RemoveTag { .. }
        | EffectInput::ContactType { .. } => Err("it is no effect of this procedure".into()),
    }
}
