//! A transition while it is being made.

use serde::Serialize;

use crate::case::{Case, CaseStatus, TimelineEntry, Wait};
use crate::effects::{EffectInput, PlannedEffect, Scope};
use crate::ids::EffectKey;
use crate::outside;
use crate::time::Timestamp;
use crate::work_kinds;
use crate::workflow::{Action, Context, HoldReason, Input, NewWork, ReadKind, Transition, Verdict};

/// Starts as "everything stays as it is" and becomes a [`Transition`].
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    /// What may be known besides the case.
    pub(super) cx: Context<'a>,
    /// The case as it was.
    pub(super) case: &'a Case,
    /// Where it stands now.
    pub(super) status: CaseStatus,
    /// The step it is in now.
    pub(super) step: String,
    /// The visit of that step.
    pub(super) visit: u32,
    /// What it waits for now.
    pub(super) wait: Option<Wait>,
    /// A read to do.
    pub(super) read: Option<ReadKind>,
    /// Whether a person is shown something instead of her word being carried out.
    pub(super) shown_first: bool,
    timeline: Vec<TimelineEntry>,
    effects: Vec<PlannedEffect>,
    cancel: Vec<EffectKey>,
    open_work: Vec<NewWork>,
    close_work: bool,
}

impl<'a> Draft<'a> {
    /// Nothing has changed yet.
    pub(super) fn new(cx: Context<'a>, case: &'a Case) -> Self {
        Self {
            cx,
            case,
            status: case.status.clone(),
            step: case.step.clone(),
            visit: case.visit,
            wait: case.wait.clone(),
            read: None,
            shown_first: false,
            timeline: Vec::new(),
            effects: Vec::new(),
            cancel: Vec::new(),
            open_work: Vec::new(),
            close_work: false,
        }
    }

    /// A line for the timeline.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.say_more(text, None, None);
    }

    /// A line for the timeline that carries out a sentence of the SOP.
    pub(super) fn say_sop(&mut self, text: impl Into<String>, sop: &str) {
        self.say_more(text, Some(sop), None);
    }

    /// A line for the timeline with the sentence and the evidence.
    pub(super) fn say_more(
        &mut self,
        text: impl Into<String>,
        sop: Option<&str>,
        detail: Option<serde_json::Value>,
    ) {
        self.timeline.push(TimelineEntry {
            at: self.cx.now,
            step: self.step.clone(),
            text: outside::sentence(&text.into()),
            sop: sop.map(str::to_owned),
            detail,
        });
    }

    /// Plans an effect under the present step and visit.
    pub(super) fn plan(
        &mut self,
        name: &str,
        blocking: bool,
        not_before: Timestamp,
        input: EffectInput,
    ) -> EffectKey {
        let key = self.scope().key(&self.step, self.visit, name);
        self.plan_as(key.clone(), blocking, not_before, input);
        key
    }

    /// Plans an effect under a key of its own.
    pub(super) fn plan_as(
        &mut self,
        key: EffectKey,
        blocking: bool,
        not_before: Timestamp,
        input: EffectInput,
    ) {
        self.effects.push(PlannedEffect {
            key,
            scope: self.scope(),
            blocking,
            not_before,
            input,
        });
    }

    /// What its effects belong to.
    pub(super) fn scope(&self) -> Scope {
        Scope::Case {
            case: self.case.id,
            client: self.case.client.clone(),
        }
    }

    /// An effect planned earlier is no longer wanted.
    pub(super) fn cancel(&mut self, key: EffectKey) {
        // One planned in this very transition has not left it yet.
        self.effects.retain(|effect| effect.key != key);
        self.cancel.push(key);
    }

    /// What people had to do for this case is settled.
    pub(super) fn settle_work(&mut self) {
        self.close_work = true;
        self.open_work.clear();
    }

    /// A person has something to do.
    pub(super) fn ask(&mut self, mut work: NewWork) {
        work.title = outside::sentence(&work.title);
        self.open_work.push(work);
    }

    /// The transition, with the workflow's own state. `None` if the state can't be stored, which
    /// leaves the case as it is.
    pub(super) fn finish(self, data: &impl Serialize) -> Option<Transition> {
        Some(Transition {
            status: self.status,
            step: self.step,
            visit: self.visit,
            wait: self.wait,
            data: serde_json::to_value(data).ok()?,
            timeline: self.timeline,
            effects: self.effects,
            cancel: self.cancel,
            read: self.read,
            open_work: self.open_work,
            close_work: self.close_work,
            shown_first: self.shown_first,
        })
    }
}

/// Why nothing of such a case goes on.
const UNREADABLE: &str = "what is stored of the case can't be read";

/// What the guard says of an effect whose case can't be read back: who planned it, and why, is lost.
pub(super) fn unreadable_verdict() -> Verdict {
    HoldReason::from(UNREADABLE).hold(None)
}

/// What a case does whose state can't be read back: a person is told, and can close it.
pub(super) fn unreadable(cx: Context<'_>, case: &Case, input: &Input) -> Option<Transition> {
    let mut draft = Draft::new(cx, case);
    if let Input::Person {
        by,
        action: Action::Close { reason },
    } = input
    {
        if case.status.is_closed() {
            return None;
        }
        let reason = format!("closed by {by}: {reason}");
        draft.settle_work();
        draft.say(reason.clone());
        draft.status = CaseStatus::Closed { reason };
        draft.wait = None;
        return draft.finish(&case.data);
    }
    if matches!(
        case.status,
        CaseStatus::Held { .. } | CaseStatus::Closed { .. }
    ) {
        return None;
    }
    let reason = UNREADABLE.to_owned();
    let remind_at = cx.calendar.next_working_morning(cx.now);
    draft.say(reason.clone());
    draft.ask(NewWork {
        kind: work_kinds::HOLD.into(),
        owner: super::ADMIN.into(),
        title: format!("A case can't go on: {reason}"),
        detail: serde_json::json!({ "reason": reason }),
        actions: vec!["close".into()],
        notice: false,
        due: remind_at,
        remind_at,
    });
    draft.status = CaseStatus::Held {
        reason: reason.clone(),
    };
    draft.wait = Some(Wait::Person {
        who: super::ADMIN.into(),
        why: reason,
        remind_at,
    });
    draft.finish(&case.data)
}
