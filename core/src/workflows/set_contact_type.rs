//! Setting the contact type in the CRM, as a person ordered it.
//!
//! > Click on their name and change their contact type in the "Clear Connection" tab to "In-Person"
//!
//! One effect, a desired state: a value that is already there is left alone, and the other custom
//! fields of the contact are never lost (the adapter reads the whole, changes one, reads back).
//! A value that the field does not offer is refused by the adapter and holds the case.

use serde::{Deserialize, Serialize};

use super::draft::{Draft, unreadable, unreadable_verdict};
use super::{ADMIN, StepInfo};
use crate::case::{Case, CaseStatus, Mode, Wait};
use crate::effects::{EffectInput, PlannedEffect, Settled};
use crate::facts::{Fact, FactBody, Order};
use crate::ids::EffectKey;
use crate::work_kinds;
use crate::workflow::{
    Action, Context, GuardReading, HoldReason, Input, Needs, NewWork, NotOpened, Transition,
    Verdict, Workflow,
};

/// The procedure's name.
pub const NAME: &str = "set_contact_type";

/// The version of the decision code.
pub const LOGIC: u32 = 1;

/// Its one step.
pub const STEPS: [StepInfo; 1] = [StepInfo {
    id: "set",
    sentences: &[
        "Click on their name and change their contact type in the \"Clear Connection\" tab to \
         \"In-Person\"",
    ],
}];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    value: String,
    current: EffectKey,
    /// Held because the contact is gone: once it is seen, the write is planned anew.
    #[serde(default)]
    waits_for_contact: bool,
}

/// The procedure. It has no parameters: the order carries the value.
#[derive(Debug, Clone)]
pub struct SetContactType {
    mode: Mode,
    hash: String,
}

impl SetContactType {
    /// The workflow, whose new cases are opened in `mode`.
    pub fn new(mode: Mode) -> Self {
        let hash = crate::procedure::hash_of(&serde_json::json!({ "procedure": NAME }));
        Self { mode, hash }
    }
}

impl Workflow for SetContactType {
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
        matches!(order, Order::SetContactType { .. })
    }

    fn open(&self, cx: Context<'_>, case: &Case, fact: &Fact) -> Result<Transition, NotOpened> {
        let FactBody::Ordered {
            by,
            order: Order::SetContactType { value },
        } = &fact.body
        else {
            return Err(format!("{} opens no case", fact.body.kind()).into());
        };
        if value.trim().is_empty() {
            return Err("the contact type can't be empty".into());
        }
        let mut draft = Draft::new(cx, case);
        "set".clone_into(&mut draft.step);
        draft.visit = 0;
        draft.say(format!("{by} ordered the contact type {value:?}"));
        let state = set(&mut draft, value);
        draft
            .finish(&state)
            .ok_or_else(|| "the state of the new case can't be stored".into())
    }

    fn step(&self, cx: Context<'_>, case: &Case, input: &Input) -> Option<Transition> {
        if case.status.is_closed() {
            return None;
        }
        let Ok(mut state) = serde_json::from_value::<State>(case.data.clone()) else {
            return unreadable(cx, case, input);
        };
        let mut draft = Draft::new(cx, case);
        match input {
            Input::Effect { key, settled } if *key == state.current => {
                settle(&mut draft, settled);
                state.waits_for_contact = false;
                draft.finish(&state)
            }
            Input::Fact { fact } if fact.body == FactBody::ContactGone => {
                draft.cancel(state.current.clone());
                hold(&mut draft, "her contact in the CRM is gone");
                state.waits_for_contact = true;
                draft.finish(&state)
            }
            Input::Fact { fact }
                if fact.body == FactBody::ContactSeen && state.waits_for_contact =>
            {
                draft.say("Her contact in the CRM is there");
                draft.settle_work();
                let state = set(&mut draft, &state.value);
                draft.finish(&state)
            }
            Input::Person { by, action } => person(draft, &state, by, action),
            _ => None,
        }
    }

    fn needs(&self, _: &PlannedEffect) -> Needs {
        Needs {
            contact: true,
            ..Needs::default()
        }
    }

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
        match effect.input {
            EffectInput::ContactType { .. } => Verdict::by_contact(&effect.input, reading),
            _ => HoldReason::from("it is no effect of this procedure").hold(None),
        }
    }

    fn mode(&self) -> Mode {
        self.mode
    }
}

/// Plans the write as a new visit.
fn set(draft: &mut Draft<'_>, value: &str) -> State {
    draft.visit += 1;
    draft.status = CaseStatus::Open;
    let now = draft.cx.now;
    let input = EffectInput::ContactType {
        value: value.to_owned(),
    };
    let current = draft.plan("contact_type", true, now, input);
    draft.wait = Some(Wait::Effect {
        key: current.clone(),
    });
    State {
        value: value.to_owned(),
        current,
        waits_for_contact: false,
    }
}

fn settle(draft: &mut Draft<'_>, settled: &Settled) {
    match settled {
        Settled::Done { .. } => close(draft, "the contact type was set"),
        Settled::AlreadyTrue => close(draft, "the contact type was so already"),
        Settled::Proposed => close(draft, "the contact type would have been set (propose mode)"),
        Settled::Overtaken { by } => hold(draft, &format!("overtaken by {by}")),
        Settled::Held { reason, .. } => hold(draft, reason),
        Settled::ByHand(_) => hold(draft, "no tool lets the relay set it"),
        Settled::Dead { reason, .. } => hold(draft, &format!("it could not be set: {reason}")),
        Settled::Unclear { evidence } => {
            hold(
                draft,
                &format!("it can't be told whether it was set: {evidence}"),
            );
        }
        Settled::Cancelled => hold(draft, "it was cancelled"),
    }
}

fn close(draft: &mut Draft<'_>, reason: &str) {
    draft.settle_work();
    draft.say(format!("Closed: {reason}"));
    draft.status = CaseStatus::Closed {
        reason: reason.to_owned(),
    };
    draft.wait = None;
}

fn hold(draft: &mut Draft<'_>, reason: &str) {
    let remind_at = draft.cx.calendar.next_working_morning(draft.cx.now);
    draft.settle_work();
    draft.say(format!("Held: {reason}"));
    draft.status = CaseStatus::Held {
        reason: reason.to_owned(),
    };
    let title = format!("Contact type: {reason}");
    draft.wait = Some(Wait::Person {
        who: ADMIN.into(),
        why: title.clone(),
        remind_at,
    });
    draft.ask(NewWork {
        kind: work_kinds::HOLD.into(),
        owner: ADMIN.into(),
        title,
        detail: serde_json::json!({ "reason": reason }),
        actions: vec!["resume".into(), "done_by_hand".into(), "close".into()],
        notice: false,
        due: remind_at,
        remind_at,
    });
}

fn person(mut draft: Draft<'_>, state: &State, by: &str, action: &Action) -> Option<Transition> {
    let held = matches!(draft.status, CaseStatus::Held { .. });
    match action {
        Action::Resume if held => {
            draft.say(format!("{by} resumed"));
            draft.settle_work();
            draft.cancel(state.current.clone());
            let state = set(&mut draft, &state.value);
            draft.finish(&state)
        }
        Action::DoneByHand if held => {
            draft.cancel(state.current.clone());
            close(&mut draft, &format!("set by hand by {by}"));
            draft.finish(state)
        }
        Action::Close { reason } => {
            draft.cancel(state.current.clone());
            close(&mut draft, &format!("closed by {by}: {reason}"));
            draft.finish(state)
        }
        _ => None,
    }
}
