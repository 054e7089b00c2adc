//! Cases that were opened to act, while their procedure only proposes, or only for other coaches (A39).
//!
//! A case keeps the mode it was opened in, and an operator who sets `mode = "propose"` means all of
//! them. So the more careful of both holds, at once: what was opened as a proposal stays one, and
//! what was opened to act waits with its outreach. Nothing of it is taken for proposed, so that it
//! goes on where it stands once the procedure acts again.
//!
//! What keeps a case tidy goes on: notes and tags about what has happened, tasks that are closed. A
//! person's direct order is a procedure of its own, and acts.

use relay_core::case::{Case, Mode};
use relay_core::facts::{Fact, FactBody};
use relay_core::workflow::Workflow;
use relay_store::{CaseFilter, Page};

use crate::engine::{Engine, EngineError};

/// How many cases are read at once.
const PAGE: u32 = 500;

/// Whether the outreach of a case waits for its procedure to act again.
pub(crate) fn is_held_back(engine: &Engine, case: &Case) -> bool {
    let in_force = engine.registry.named(&case.procedure);
    case.mode == Mode::Act
        && in_force.is_some_and(|workflow| {
            // About a client and her coach, and no person's direct order.
            let follows_up = workflow.conversation(case);
            let acts =
                follows_up.is_none_or(|about| engine.people.acts_for(about.signed_by.as_ref()));
            workflow.mode() == Mode::Propose || !acts
        })
}

/// The mode that a case is opened in on `fact`.
pub(crate) fn mode_at_opening(engine: &Engine, workflow: &dyn Workflow, fact: &Fact) -> Mode {
    match &fact.body {
        FactBody::CheckInMissed { client, .. }
            if !engine.people.acts_for(client.coach.as_ref()) =>
        {
            Mode::Propose
        }
        _ => workflow.mode(),
    }
}

/// The open cases of which that is so.
pub async fn held_back(engine: &Engine) -> Result<Vec<Case>, EngineError> {
    let mut found = Vec::new();
    let mut page = Page {
        offset: 0,
        limit: PAGE,
    };
    loop {
        let cases = engine.store.cases(&CaseFilter::default(), page).await?;
        let last = cases.len() < PAGE as usize;
        found.extend(cases.into_iter().filter(|case| is_held_back(engine, case)));
        if last {
            return Ok(found);
        }
        page.offset = page.offset.saturating_add(PAGE);
    }
}
