//! The guard of an effect, by what it belongs to ([`Scope`]): what is read again, and what it says.

use std::sync::Arc;

use relay_core::case::Case;
use relay_core::effects::Scope;
use relay_core::facts::FactBody;
use relay_core::ids::{ClientId, WorkItemId};
use relay_core::workflow::{Context, Needs, Verdict, Workflow};
use relay_store::{EffectView, Op};

use crate::engine::effect::guard;
use crate::engine::effect::guard::{FreshReading, MissingContact};
use crate::engine::finish::missing;
use crate::engine::sync::presence;
use crate::engine::{Engine, EngineError};

/// The guard of one effect.
pub(super) enum Guard<'a> {
    /// That of its procedure.
    Case {
        case: &'a Case,
        workflow: Arc<dyn Workflow>,
        needs: Needs,
    },
    /// Of what needs nothing but the contact of this client.
    Client(&'a ClientId),
    /// The same, of the client of an item that is still open.
    WorkItem(WorkItemId),
    /// Of what concerns nobody.
    Installation,
    /// Its kind has no business in its scope.
    Misplaced,
}

/// The guard of the effect of `view`.
pub(super) async fn guard_of<'a>(
    engine: &Engine,
    view: &'a EffectView,
) -> Result<Guard<'a>, EngineError> {
    let planned = &view.effect.planned;
    if !planned.kind().spec().scopes.contains(&planned.scope.kind()) {
        return Ok(Guard::Misplaced);
    }
    Ok(match &planned.scope {
        Scope::Case { .. } => {
            let case = view.case.as_ref();
            let case = case.ok_or_else(|| missing("effect", "its case is not stored"))?;
            let workflow = engine.registry.of_case(engine.store.as_ref(), case).await?;
            let needs = workflow.needs(planned);
            Guard::Case {
                case,
                workflow,
                needs,
            }
        }
        Scope::Client { client } => Guard::Client(client),
        Scope::WorkItem { item } => Guard::WorkItem(*item),
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
            Self::Case {
                case,
                workflow,
                needs,
            } => {
                let read = guard::read_for_guard(engine, case, view, *needs).await?;
                let verdict = of_case(engine, case, workflow.as_ref(), view, &read);
                Ok((read, verdict))
            }
            Self::Client(client) => of_contact(engine, Some(client), view).await,
            Self::WorkItem(item) => {
                let item = engine.store.work_item(*item).await?;
                match item.filter(|item| item.settled.is_none()) {
                    Some(item) => of_contact(engine, item.client.as_ref(), view).await,
                    None => Ok((guard::nothing_read(engine), settled_item())),
                }
            }
            Self::Installation => of_contact(engine, None, view).await,
            Self::Misplaced => Ok((guard::nothing_read(engine), misplaced())),
        }
    }

    /// What must not have moved since, for an intent to be stored.
    pub(super) fn unmoved(&self) -> Option<Op> {
        match self {
            Self::Case { case, .. } => Some(Op::RequireCase {
                case: case.id,
                version: case.version,
            }),
            Self::Client(_) | Self::WorkItem(_) | Self::Installation | Self::Misplaced => None,
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
    let cx = Context {
        calendar: &engine.calendar,
        coaches: &read.coaches,
        now: engine.now(),
    };
    workflow.guard(cx, case, &view.effect.planned, &read.reading)
}

/// Of what needs nothing but a contact, if there is a client whose.
async fn of_contact(
    engine: &Engine,
    client: Option<&ClientId>,
    view: &EffectView,
) -> Result<(FreshReading, Verdict), EngineError> {
    let read = match client {
        Some(client) => guard::read_contact(engine, client, view.effect.kind()).await?,
        None => guard::nothing_read(engine),
    };
    let verdict = Verdict::by_contact(&view.effect.planned.input, &read.reading);
    Ok((read, verdict))
}

fn settled_item() -> Verdict {
    Verdict::Overtaken {
        by: "what was asked having been settled".to_owned(),
        facts: Vec::new(),
    }
}

fn misplaced() -> Verdict {
    Verdict::Hold {
        reason: "nothing of its kind is done but for a case".to_owned(),
        ready: None,
    }
}
