//! The guard of an effect, by what it belongs to ([`Scope`]): what is read again, and what it says.

use relay_core::case::Case;
use relay_core::effects::{EffectInput, EffectKind, Request, Scope, ScopeKind, request};
use relay_core::facts::FactBody;
use relay_core::ids::{ClientId, WorkItemId};
use relay_core::workflow::{HoldReason, Verdict, Workflow};
use relay_store::{EffectView, Op};

use crate::engine::effect::guard;
use crate::engine::effect::guard::{FreshReading, MissingContact};
use crate::engine::finish::missing;
use crate::engine::sync::presence;
use crate::engine::{Engine, EngineError, inbox};

const WITHOUT_CLIENT: &str = "no client is named, and it needs one";

/// The guard of one effect.
pub(super) enum Guard<'a> {
    /// That of its procedure.
    Case(&'a Case),
    /// Of what needs nothing but the contact of this client.
    Client(&'a ClientId),
    /// The same while the item is open, where it is about a client.
    WorkItem(WorkItemId, Option<&'a ClientId>),
    /// Of what is about nobody.
    Installation,
    /// Its kind has no business in this scope.
    Misplaced(ScopeKind),
}

/// The guard of the effect of `view`.
pub(super) fn guard_of(view: &EffectView) -> Result<Guard<'_>, EngineError> {
    let planned = &view.effect.planned;
    let scope = planned.scope.kind();
    if !planned.kind().spec().scopes.contains(&scope) {
        return Ok(Guard::Misplaced(scope));
    }
    Ok(match &planned.scope {
        Scope::Case { .. } => {
            let case = view.case.as_ref();
            Guard::Case(case.ok_or_else(|| missing("effect", "its case is not stored"))?)
        }
        Scope::Client { client } => Guard::Client(client),
        Scope::WorkItem { item, client } => Guard::WorkItem(*item, client.as_ref()),
        Scope::Installation => Guard::Installation,
    })
}

impl Guard<'_> {
    /// Reads what must be known, and says what follows. A failed read is an error: nothing is sent on half
    /// a picture.
    pub(super) async fn look(
        &self,
        engine: &Engine,
        view: &EffectView,
    ) -> Result<(FreshReading, Verdict), EngineError> {
        match self {
            Self::Case(case) => {
                let workflow = engine.registry.of_case(engine.store.as_ref(), case).await?;
                let needs = workflow.needs(&view.effect.planned);
                let read = guard::read_for_guard(engine, case, view, needs).await?;
                let verdict = of_case(engine, case, workflow.as_ref(), view, &read);
                Ok((read, verdict))
            }
            Self::Client(client) => of_client(engine, client, view).await,
            Self::WorkItem(item, client) => {
                if view.effect.kind() == EffectKind::CloseTask {
                    let verdict = close_task(engine, view).await?;
                    return Ok((guard::nothing_read(engine), verdict));
                }
                let item = engine.store.work_item(*item).await?;
                let item = item.ok_or_else(|| missing("effect", "its item is not stored"))?;
                match client {
                    _ if item.settled.is_some() => {
                        Ok((guard::nothing_read(engine), settled_item()))
                    }
                    _ if engine.ports.not_offered().includes(view.effect.kind()) => {
                        Ok(not_offered(engine))
                    }
                    Some(client) if view.effect.kind() == EffectKind::WorkTask => {
                        let mut read = guard::nothing_read(engine);
                        let manager = inbox::manager::user(engine).await?;
                        let effect = &view.effect;
                        let ops = &mut read.ops;
                        let look = inbox::guard::look(engine, client, effect, manager, ops).await?;
                        read.looked_at = engine.clocks.real.now();
                        Ok((read, look))
                    }
                    Some(client) => of_contact(engine, client, view).await,
                    None => Ok((guard::nothing_read(engine), held(WITHOUT_CLIENT))),
                }
            }
            Self::Installation => of_nobody(engine, view).await,
            Self::Misplaced(scope) => {
                let allowed = view.effect.kind().spec().scopes;
                let reason = match scope {
                    _ if allowed == [ScopeKind::Case] => "it is done for a case only",
                    ScopeKind::Case => "it is not done for a case",
                    ScopeKind::Client => "it is not done for a client without a case",
                    ScopeKind::WorkItem => "it is not done for a work item",
                    ScopeKind::Installation => WITHOUT_CLIENT,
                };
                Ok((guard::nothing_read(engine), held(reason)))
            }
        }
    }

    /// What must not have moved since, for an intent to be stored.
    pub(super) fn unmoved(&self, view: &EffectView) -> Option<Op> {
        if let EffectInput::WorkTask { items, .. } = &view.effect.planned.input {
            let item = items.first().copied();
            return item.map(|item| Op::RequireOpenWork { item });
        }
        match self {
            Self::Case(case) => Some(Op::RequireCase {
                case: case.id,
                version: case.version,
            }),
            // It is closed because the item is settled.
            Self::WorkItem(..) if view.effect.kind() == EffectKind::CloseTask => None,
            Self::WorkItem(item, _) => Some(Op::RequireOpenWork { item: *item }),
            Self::Client(_) | Self::Installation | Self::Misplaced(_) => None,
        }
    }
}

fn of_case(
    engine: &Engine,
    case: &Case,
    workflow: &dyn Workflow,
    view: &EffectView,
    read: &FreshReading,
) -> Verdict {
    if let Some(MissingContact::Gone(contact)) = &read.missing {
        let fact = presence::contact_fact(engine, &case.client, contact, FactBody::ContactGone);
        return Verdict::Overtaken {
            by: "her contact in the CRM being gone".to_owned(),
            facts: vec![fact],
        };
    }
    let cx = engine.context(&read.coaches, &read.time_off, engine.now());
    workflow.guard(cx, case, &view.effect.planned, &read.reading)
}

/// Of what belongs to a client: what a coach is asked about her, the end of that, a note, or what needs nothing but her
/// contact.
async fn of_client(
    engine: &Engine,
    client: &ClientId,
    view: &EffectView,
) -> Result<(FreshReading, Verdict), EngineError> {
    if engine.ports.not_offered().includes(view.effect.kind()) {
        return Ok(not_offered(engine));
    }
    match &view.effect.planned.input {
        EffectInput::WorkTask { coach, .. } => {
            let mut read = guard::nothing_read(engine);
            let coach = guard::coach_with_user(engine, coach, &mut read.ops).await?;
            let coach = coach.map(|coach| (coach.name, coach.crm_user));
            let effect = &view.effect;
            let look = inbox::guard::look(engine, client, effect, coach, &mut read.ops).await?;
            read.looked_at = engine.clocks.real.now();
            Ok((read, look))
        }
        EffectInput::CloseTask { .. } => {
            let verdict = close_task(engine, view).await?;
            Ok((guard::nothing_read(engine), verdict))
        }
        EffectInput::ContactNote { title, text, .. } => {
            let mut read = guard::read_contact(engine, client, view.effect.kind()).await?;
            let user = guard::user_of_coach(engine, client, &mut read.ops).await?;
            let verdict = match (&read.reading.contact, user) {
                (Some(contact), Some(user)) => {
                    Verdict::Go(Request::ContactNote(request::ContactNote {
                        contact: contact.id.clone(),
                        user,
                        title: title.clone(),
                        text: text.clone(),
                    }))
                }
                (None, _) => read.reading.no_contact().hold(None),
                // A note asks nobody for anything: an item for each would only be read away.
                (Some(_), None) => Verdict::Overtaken {
                    by: "her coach having no active user in the CRM".to_owned(),
                    facts: Vec::new(),
                },
            };
            Ok((read, verdict))
        }
        EffectInput::PortalMessage { .. }
        | EffectInput::PortalNote { .. }
        | EffectInput::Email { .. }
        | EffectInput::CallTask { .. }
        | EffectInput::ReassignTask { .. }
        | EffectInput::AddTag { .. }
        | EffectInput::RemoveTag { .. }
        | EffectInput::ContactType { .. }
        | EffectInput::AutoChargeOff { .. }
        | EffectInput::DeactivateSubscription { .. }
        | EffectInput::RemoveCard { .. } => of_contact(engine, client, view).await,
    }
}

/// Of what is about nobody: a coach's summary of what waits, and the end of it.
async fn of_nobody(
    engine: &Engine,
    view: &EffectView,
) -> Result<(FreshReading, Verdict), EngineError> {
    let mut read = guard::nothing_read(engine);
    let verdict = match &view.effect.planned.input {
        EffectInput::WorkTask { coach, about, .. } => {
            let known = guard::coach_with_user(engine, coach, &mut read.ops).await?;
            let user = known.and_then(|known| known.crm_user);
            inbox::summary::look(engine, coach, about.due, user).await?
        }
        EffectInput::CloseTask { .. } => close_task(engine, view).await?,
        EffectInput::PortalMessage { .. }
        | EffectInput::PortalNote { .. }
        | EffectInput::Email { .. }
        | EffectInput::CallTask { .. }
        | EffectInput::ReassignTask { .. }
        | EffectInput::ContactNote { .. }
        | EffectInput::AddTag { .. }
        | EffectInput::RemoveTag { .. }
        | EffectInput::ContactType { .. }
        | EffectInput::AutoChargeOff { .. }
        | EffectInput::DeactivateSubscription { .. }
        | EffectInput::RemoveCard { .. } => held(WITHOUT_CLIENT),
    };
    Ok((read, verdict))
}

/// The end of a task that an earlier effect made.
async fn close_task(engine: &Engine, view: &EffectView) -> Result<Verdict, EngineError> {
    let input = &view.effect.planned.input;
    let task = guard::made_task(engine, input).await?;
    let (called, went_out) = match input {
        EffectInput::CloseTask {
            called, went_out, ..
        } => (*called, *went_out),
        _ => (false, None),
    };
    Ok(match task {
        Some(task) => Verdict::Go(Request::CloseTask(request::CloseTask {
            task,
            called,
            went_out,
        })),
        None => Verdict::Overtaken {
            by: "the task never having been made".to_owned(),
            facts: Vec::new(),
        },
    })
}

/// Of what needs nothing but the client's contact.
async fn of_contact(
    engine: &Engine,
    client: &ClientId,
    view: &EffectView,
) -> Result<(FreshReading, Verdict), EngineError> {
    let read = guard::read_contact(engine, client, view.effect.kind()).await?;
    let verdict = Verdict::by_contact(&view.effect.planned.input, &read.reading);
    Ok((read, verdict))
}

/// No tool lets the relay do it, and nobody waits for it: it ends without a word.
fn not_offered(engine: &Engine) -> (FreshReading, Verdict) {
    let verdict = Verdict::Overtaken {
        by: "the relay having no CRM".to_owned(),
        facts: Vec::new(),
    };
    (guard::nothing_read(engine), verdict)
}

fn settled_item() -> Verdict {
    Verdict::Overtaken {
        by: "what was asked having been settled".to_owned(),
        facts: Vec::new(),
    }
}

fn held(reason: &str) -> Verdict {
    HoldReason::from(reason).hold(None)
}
