//! A procedure of a few lines, whose order names the effects to carry out.

use relay_core::case::{Case, CaseStatus, Mode, TimelineEntry, Wait};
use relay_core::effects::{About, EffectInput, PlannedEffect, Request, Scope, Settled, request};
use relay_core::facts::{Fact, FactBody, Order};
use relay_core::time::Timestamp;
use relay_core::workflow::{
    Action, Context, GuardReading, Input, Needs, NewWork, NotOpened, Transition, Verdict, Workflow,
};

use super::rig::{Rig, date};

/// Carries out the effects that its order names, and waits for the first.
#[derive(Debug)]
pub(crate) struct Tiny {
    pub(crate) mode: Mode,
}

pub(crate) const TINY: &str = "tiny";

fn input(name: &str) -> EffectInput {
    let due = date("2026-11-03");
    match name.split('-').next().unwrap() {
        "message" => EffectInput::PortalMessage {
            script: "S1".into(),
            due,
        },
        "email" => EffectInput::Email {
            script: "S2".into(),
            due,
        },
        "tag" => EffectInput::AddTag { tag: name.into() },
        _ => EffectInput::ContactNote {
            title: name.into(),
            text: name.into(),
            about: Some(About::new(name, due)),
        },
    }
}

/// What an effect goes out with.
pub(crate) fn request(effect: &PlannedEffect) -> Request {
    let contact = "contact-maya".into();
    let text = effect.key.to_string();
    match effect.input {
        EffectInput::PortalMessage { .. } => Request::PortalMessage(request::PortalMessage {
            client: effect.scope.client().expect("a client").clone(),
            author: "dana".into(),
            text,
        }),
        EffectInput::Email { .. } => Request::Email(request::Email {
            contact,
            user: "7".into(),
            subject: "s".into(),
            text,
        }),
        EffectInput::AddTag { .. } => Request::AddTag(request::AddTag { contact, tag: text }),
        _ => Request::ContactNote(request::ContactNote {
            contact,
            user: "7".into(),
            title: "t".into(),
            text,
        }),
    }
}

fn same(case: &Case, text: &str, now: Timestamp) -> Transition {
    Transition {
        status: case.status.clone(),
        step: case.step.clone(),
        visit: case.visit,
        wait: case.wait.clone(),
        data: case.data.clone(),
        timeline: vec![TimelineEntry {
            at: now,
            step: case.step.clone(),
            text: text.into(),
            sop: None,
            detail: None,
        }],
        effects: Vec::new(),
        cancel: Vec::new(),
        read: None,
        open_work: Vec::new(),
        close_work: false,
        shown_first: false,
    }
}

impl Workflow for Tiny {
    fn name(&self) -> &'static str {
        TINY
    }
    fn hash(&self) -> &'static str {
        "tiny-1"
    }
    fn logic(&self) -> u32 {
        1
    }
    fn opens_on(&self, fact: &Fact) -> bool {
        matches!(fact.body, FactBody::Ordered { .. })
    }
    fn open(&self, cx: Context<'_>, case: &Case, fact: &Fact) -> Result<Transition, NotOpened> {
        let FactBody::Ordered {
            order: Order::SetContactType { value },
            ..
        } = &fact.body
        else {
            return Err("another order".into());
        };
        let effects: Vec<_> = value
            .split(' ')
            .map(|name| PlannedEffect {
                key: Rig::key(case.id, name),
                scope: Scope::Case {
                    case: case.id,
                    client: case.client.clone(),
                },
                blocking: !name.starts_with("note") && !name.starts_with("tag"),
                not_before: cx.now,
                input: input(name),
            })
            .collect();
        let key = effects[0].key.clone();
        Ok(Transition {
            step: "go".into(),
            wait: Some(Wait::Effect { key }),
            effects,
            ..same(case, "opened", cx.now)
        })
    }
    fn step(&self, cx: Context<'_>, case: &Case, input: &Input) -> Option<Transition> {
        let plain = |text: &str| same(case, text, cx.now);
        let held = |reason: String| Transition {
            status: CaseStatus::Held {
                reason: reason.clone(),
            },
            wait: Some(Wait::Person {
                who: "dana".into(),
                why: reason.clone(),
                remind_at: cx.now,
            }),
            open_work: vec![NewWork {
                kind: "hold".into(),
                owner: "dana".into(),
                title: reason,
                detail: serde_json::Value::Null,
                actions: vec!["close".into()],
                notice: false,
                due: cx.now,
                remind_at: cx.now,
            }],
            ..plain("held")
        };
        let closed = || Transition {
            status: CaseStatus::Closed {
                reason: "over".into(),
            },
            wait: None,
            ..plain("closed")
        };
        match input {
            Input::Effect { key, settled } => {
                let waits = case.wait == Some(Wait::Effect { key: key.clone() });
                let done = matches!(
                    settled,
                    Settled::Done { .. } | Settled::AlreadyTrue | Settled::Proposed
                );
                let held_here = matches!(case.status, CaseStatus::Held { .. });
                match (waits, done) {
                    (true, true) => Some(closed()),
                    (true, false) => Some(held(format!("{settled:?}"))),
                    (false, true) if held_here => Some(closed()),
                    _ => Some(plain("an effect ended")),
                }
            }
            Input::Fact { .. } => Some(plain("a fact")),
            Input::Person {
                action: Action::Close { .. },
                ..
            } => Some(Transition {
                cancel: match &case.wait {
                    Some(Wait::Effect { key }) => vec![key.clone()],
                    _ => Vec::new(),
                },
                ..closed()
            }),
            _ => None,
        }
    }
    fn needs(&self, _effect: &PlannedEffect) -> Needs {
        Needs {
            portal: true,
            ..Needs::default()
        }
    }
    fn guard(
        &self,
        _cx: Context<'_>,
        _case: &Case,
        effect: &PlannedEffect,
        reading: &GuardReading,
    ) -> Verdict {
        if reading.portal.is_none() {
            return Verdict::Hold {
                reason: "no such client".into(),
                command: None,
                minor: None,
                lifts: true,
                ready: None,
            };
        }
        Verdict::Go(request(effect))
    }
    fn mode(&self) -> Mode {
        self.mode
    }
}
