//! The steps of stopping the fee.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::plan::{CancellationOrder, KeptCard, plan};
use crate::case::{Case, CaseStatus, Wait};
use crate::clients::BillingSnapshot;
use crate::effects::{CardRemoval, EffectInput, Settled};
use crate::facts::FactBody;
use crate::ids::{ContactId, EffectKey};
use crate::work_kinds;
use crate::workflow::{Action, Answers, Context, Input, NewWork, ReadKind, Transition};
use crate::workflows::draft::Draft;
use crate::workflows::{ADMIN, PROGRAM_MANAGER};

/// How often the stop is tried before a person looks: once more than needed when the CRM behaves.
const STOP_ROUNDS: u32 = 2;

/// What the next reading is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// To plan, or to verify and plan what is still missing.
    Stop,
    /// To report.
    Report,
}

/// What a case of this procedure remembers.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and stored by this name"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    wish: CancellationOrder,
    phase: Phase,
    /// How often `read_billing`, `stop_fee` and `remove_card` were entered.
    reads: u32,
    stops: u32,
    removals: u32,
    /// Stops since a person last said "try again".
    rounds: u32,
    /// Effects of this visit that are still to be planned, in order.
    queue: VecDeque<EffectInput>,
    /// Cards to remove and cards that stay, as the first reading found them: a stopped
    /// subscription may no longer name its card.
    cards: Option<VecDeque<EffectInput>>,
    kept: Vec<KeptCard>,
    /// The effect that is waited for, and what it is.
    current: Option<(EffectKey, EffectInput)>,
    /// Whether a write was only shown.
    proposed: bool,
    /// Whether people were told of what needs their eyes.
    told: bool,
    /// Held because a read was given up: once it is made after all, the case goes on.
    unread: bool,
    /// Held because the contact is gone: once it is seen, what she pays for is read again.
    #[serde(default)]
    waits_for_contact: bool,
}

impl State {
    pub(super) fn new(ordered: CancellationOrder) -> Self {
        Self {
            wish: ordered,
            phase: Phase::Stop,
            reads: 0,
            stops: 0,
            removals: 0,
            rounds: 0,
            queue: VecDeque::new(),
            cards: None,
            kept: Vec::new(),
            current: None,
            proposed: false,
            told: false,
            unread: false,
            waits_for_contact: false,
        }
    }
}

/// One run of the step function.
pub(super) struct CancelSubscriptionRun<'a> {
    draft: Draft<'a>,
    state: State,
}

impl<'a> CancelSubscriptionRun<'a> {
    pub(super) fn new(cx: Context<'a>, case: &'a Case, state: State) -> Self {
        Self {
            draft: Draft::new(cx, case),
            state,
        }
    }

    pub(super) fn finish(self) -> Option<Transition> {
        self.draft.finish(&self.state)
    }

    pub(super) fn opened(&mut self, by: &str) {
        "read_billing".clone_into(&mut self.draft.step);
        self.draft
            .say(format!("{by} ordered the coaching fee to be stopped"));
        self.read();
    }

    /// Takes an input in; `false` if it changes nothing.
    pub(super) fn take(&mut self, input: &Input) -> bool {
        if self.draft.status.is_closed() {
            return false;
        }
        match input {
            Input::Effect { key, settled } => self.settled(key, settled),
            Input::Fact { fact } => match &fact.body {
                FactBody::BillingRead { twins, billing } if self.reads() => {
                    self.billing_read(twins, billing);
                    true
                }
                FactBody::ContactGone => {
                    self.hold("her contact in the CRM is gone", serde_json::json!({}));
                    self.state.waits_for_contact = true;
                    true
                }
                FactBody::ContactSeen if self.state.waits_for_contact => {
                    self.draft.say("Her contact in the CRM is there");
                    self.again();
                    true
                }
                _ => false,
            },
            Input::ReadFailed { what, reason } => {
                let asked = *what == ReadKind::Billing && self.reads();
                if asked {
                    let reason = format!("what she pays for can't be read: {reason}");
                    self.hold(&reason, serde_json::json!({}));
                    self.state.unread = true;
                }
                asked
            }
            Input::Shown { .. }
            | Input::Timer { .. }
            | Input::CallerChanged { .. }
            | Input::SignerChanged
            | Input::AskFirst { .. } => false,
            Input::Person { by, action } => self.person(by, action),
        }
    }

    fn reads(&self) -> bool {
        self.state.unread || matches!(self.draft.wait, Some(Wait::Read { .. }))
    }

    fn enter(&mut self, step: &str, visit: u32) {
        step.clone_into(&mut self.draft.step);
        self.draft.visit = visit;
        self.draft.status = CaseStatus::Open;
        self.state.unread = false;
        self.state.waits_for_contact = false;
    }

    fn read(&mut self) {
        self.state.reads += 1;
        self.enter("read_billing", self.state.reads);
        self.draft.read = Some(ReadKind::Billing);
        self.draft.wait = Some(Wait::Read {
            what: ReadKind::Billing.as_str().into(),
        });
    }

    fn billing_read(&mut self, twins: &[ContactId], billing: &BillingSnapshot) {
        if std::mem::take(&mut self.state.unread) {
            self.draft.settle_work();
        }
        let today = self.draft.cx.calendar.date_of(self.draft.cx.now);
        let found = plan(billing, twins, &self.state.wish, today);
        let detail = serde_json::json!({ "billing": billing, "plan": found });
        self.draft
            .say_more("Read what she pays for", None, Some(detail));
        if let Some(reason) = &found.refused {
            let reason = reason.clone();
            self.hold(&reason, serde_json::json!({ "twins": twins }));
            return;
        }
        if self.state.phase == Phase::Report {
            self.report(billing);
            return;
        }
        if self.state.cards.is_none() {
            self.state.cards = Some(found.cards.clone().into());
            self.state.kept.clone_from(&found.kept);
        }
        self.tell(&found.cautions);
        if found.stop.is_empty() || self.state.proposed {
            self.remove_cards(billing);
        } else if self.state.rounds >= STOP_ROUNDS {
            self.hold(
                "the CRM still shows the fee as running after it was stopped",
                serde_json::json!({ "lines": found.lines }),
            );
        } else {
            self.state.rounds += 1;
            self.state.stops += 1;
            self.enter("stop_fee", self.state.stops);
            self.state.queue = found.stop.into();
            self.next();
        }
    }

    fn remove_cards(&mut self, billing: &BillingSnapshot) {
        self.state.phase = Phase::Report;
        let cards = self.state.cards.take().unwrap_or_default();
        self.state.cards = Some(VecDeque::new());
        if cards.is_empty() {
            self.report(billing);
            return;
        }
        self.state.removals += 1;
        self.enter("remove_card", self.state.removals);
        self.state.queue = cards;
        self.next();
    }

    /// Plans the next effect of this visit, or reads what has become of it.
    fn next(&mut self) {
        let Some(input) = self.state.queue.pop_front() else {
            self.state.current = None;
            self.read();
            return;
        };
        let name = match &input {
            EffectInput::AutoChargeOff { subscription, .. }
            | EffectInput::DeactivateSubscription { subscription, .. } => {
                format!("{}-{subscription}", input.kind().as_str())
            }
            EffectInput::RemoveCard { payment_method, .. } => {
                format!("{}-{payment_method}", input.kind().as_str())
            }
            other => other.kind().as_str().to_owned(),
        };
        let now = self.draft.cx.now;
        let key = self.draft.plan(&name, true, now, input.clone());
        self.state.current = Some((key.clone(), input));
        self.draft.wait = Some(Wait::Effect { key });
    }

    fn settled(&mut self, key: &EffectKey, settled: &Settled) -> bool {
        let input = match &self.state.current {
            Some((current, input)) if current == key => input.clone(),
            _ => return false,
        };
        let was_held = matches!(self.draft.status, CaseStatus::Held { .. });
        let what = what(&input);
        match settled {
            Settled::Done { .. } => self.advance(was_held, format!("{what}: done")),
            Settled::AlreadyTrue => self.advance(was_held, format!("{what}: already so")),
            Settled::Proposed => {
                self.state.proposed = true;
                let line = format!("{what}: would have been done (propose mode)");
                self.advance(was_held, line);
            }
            Settled::Held { reason, .. } => {
                // A card that must stay is an answer, not a fault: the fee is stopped.
                if let EffectInput::RemoveCard { payment_method, .. } = input {
                    self.state.kept.push(KeptCard {
                        card: payment_method,
                        why: reason.clone(),
                    });
                    self.draft.cancel(key.clone());
                    self.advance(was_held, format!("{what}: the card stays: {reason}"));
                } else {
                    self.hold_effect(key, &format!("{what}: {reason}"));
                }
            }
            Settled::ByHand(_) => {
                self.hold_effect(key, &format!("{what}: no tool lets the relay do it"));
            }
            Settled::Dead { reason, .. } => {
                self.hold_effect(key, &format!("{what}: could not be carried out: {reason}"));
            }
            Settled::Unclear { evidence } => {
                let reason = format!("{what}: it can't be told whether it was done: {evidence}");
                self.hold_effect(key, &reason);
            }
            Settled::Overtaken { by } => {
                self.hold_effect(key, &format!("{what}: overtaken by {by}"));
            }
            Settled::Cancelled => self.hold_effect(key, &format!("{what}: cancelled")),
        }
        true
    }

    fn advance(&mut self, was_held: bool, line: String) {
        if was_held {
            self.draft.settle_work();
            self.draft.status = CaseStatus::Open;
        }
        self.draft.say(line);
        self.next();
    }

    fn hold_effect(&mut self, key: &EffectKey, reason: &str) {
        self.hold(reason, serde_json::json!({ "effect": key }));
    }

    fn hold(&mut self, reason: &str, detail: serde_json::Value) {
        let remind_at = self
            .draft
            .cx
            .calendar
            .next_working_morning(self.draft.cx.now);
        self.state.unread = false;
        self.state.waits_for_contact = false;
        self.draft.settle_work();
        self.draft.status = CaseStatus::Held {
            reason: reason.to_owned(),
        };
        self.draft.say(format!("Held: {reason}"));
        let title = format!("Stopping the coaching fee: {reason}");
        self.draft.wait = Some(Wait::Person {
            who: ADMIN.into(),
            why: title.clone(),
            remind_at,
        });
        self.ask(
            work_kinds::HOLD,
            ADMIN,
            title,
            detail,
            Answers::Of(&["resume", "close"]),
        );
    }

    fn ask(
        &mut self,
        kind: &str,
        owner: &str,
        title: String,
        detail: serde_json::Value,
        answers: Answers<'_>,
    ) {
        let remind_at = self
            .draft
            .cx
            .calendar
            .next_working_morning(self.draft.cx.now);
        self.draft.ask(NewWork {
            kind: kind.into(),
            owner: owner.into(),
            title,
            detail,
            actions: answers.names(),
            notice: answers == Answers::Notice,
            due: remind_at,
            remind_at,
        });
    }

    /// E48, E51: once per case.
    fn tell(&mut self, cautions: &[String]) {
        if cautions.is_empty() || self.state.told {
            return;
        }
        self.state.told = true;
        for caution in cautions {
            self.draft.say(caution.clone());
        }
        let title = format!("Coaching fee: {}", cautions.join("; "));
        let detail = serde_json::json!({ "cautions": cautions });
        self.ask(work_kinds::BILLING, ADMIN, title, detail, Answers::Notice);
    }

    /// The end: exactly what the CRM shows.
    fn report(&mut self, billing: &BillingSnapshot) {
        let coaching: Vec<_> = billing
            .subscriptions
            .iter()
            .filter(|one| one.coaching)
            .collect();
        let running = coaching.iter().any(|one| one.active || one.auto_charge);
        if running && !self.state.proposed {
            self.state.phase = Phase::Stop;
            let lines = serde_json::json!({ "billing": billing });
            self.hold("the fee is running again after it was stopped", lines);
            return;
        }
        let reason = if self.state.proposed {
            "would have stopped the coaching fee (propose mode)"
        } else if coaching.is_empty() {
            "nothing to do: there is no coaching subscription"
        } else if self.state.stops == 0 && self.state.removals == 0 {
            "nothing to do: the coaching subscription was inactive and off auto-charge already"
        } else {
            "every coaching subscription is inactive and off auto-charge"
        };
        let detail = serde_json::json!({
            "subscriptions": billing.subscriptions,
            "cards": billing.cards,
            "kept": self.state.kept,
        });
        self.draft
            .say_more("How it stands in the CRM", None, Some(detail.clone()));
        let kept = self.state.kept.iter();
        let wanted = self.state.wish.card != CardRemoval::Keep;
        let kept: Vec<_> = kept.map(|one| one.why.clone()).collect();
        if wanted && !kept.is_empty() {
            let title = format!("A card was left in place: {}", kept.join("; "));
            self.ask(
                work_kinds::CARD,
                PROGRAM_MANAGER,
                title,
                detail,
                Answers::Notice,
            );
        }
        self.draft.say(format!("Closed: {reason}"));
        self.draft.status = CaseStatus::Closed {
            reason: reason.into(),
        };
        self.draft.wait = None;
    }

    /// Reads and plans anew, as if nothing had been tried.
    fn again(&mut self) {
        self.draft.settle_work();
        if let Some((key, _)) = self.state.current.take() {
            self.draft.cancel(key);
        }
        self.state.queue.clear();
        self.state.rounds = 0;
        self.state.phase = Phase::Stop;
        self.state.cards = None;
        self.state.kept.clear();
        self.read();
    }

    fn person(&mut self, by: &str, action: &Action) -> bool {
        match action {
            Action::Resume if matches!(self.draft.status, CaseStatus::Held { .. }) => {
                self.draft.say(format!("{by} resumed"));
                self.again();
                true
            }
            Action::Close { reason } => {
                if let Some((key, _)) = self.state.current.take() {
                    self.draft.cancel(key);
                }
                self.draft.settle_work();
                let reason = format!("closed by {by}: {reason}");
                self.draft.say(reason.clone());
                self.draft.status = CaseStatus::Closed { reason };
                self.draft.wait = None;
                true
            }
            _ => false,
        }
    }
}

/// What an effect does, for people: no key, but the number under which Keap shows it.
fn what(input: &EffectInput) -> String {
    match input {
        EffectInput::AutoChargeOff { subscription, .. } => {
            format!("taking subscription {subscription} off auto-charge")
        }
        EffectInput::DeactivateSubscription { subscription, .. } => {
            format!("ending subscription {subscription}")
        }
        EffectInput::RemoveCard { payment_method, .. } => {
            format!("removing card {payment_method}")
        }
        other => other.kind().as_str().replace('_', " "),
    }
}
