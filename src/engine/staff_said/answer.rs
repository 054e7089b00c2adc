//! What is done about a word once it is carried out: its tag is taken off, and a note says what came of it.

use relay_core::case::{Case, CaseStatus, Mode};
use relay_core::effects::{About, EffectInput, Scope};
use relay_core::ids::ClientId;
use relay_core::time::Timestamp;
use relay_core::workflow::Workflow;
use relay_core::workflows::missed_check_in;
use relay_store::Op;

use crate::engine::client_effects::planned;
use crate::engine::held_back::is_held_back;
use crate::engine::staff_said::news::News;
use crate::engine::staff_said::words::{Outcome, known_client, note};
use crate::engine::{Engine, EngineError};
use crate::failpoint::REREAD_CALL;
use crate::ports::Task;

/// The step that note and removal are planned by.
const STEP: &str = "staff_said";

/// What a careful word came to.
pub(super) fn paused(workflow: &dyn Workflow, before: &Case, after: &Case) -> Outcome {
    if workflow.stopped(after).is_some() {
        Outcome::ManagerAsked
    } else if matches!(before.status, CaseStatus::Paused { .. }) {
        Outcome::PausedAlready
    } else {
        Outcome::Paused
    }
}

/// As the follow-up acts that would open one for her coach's client (A39).
async fn mode_without_case(engine: &Engine, client: &ClientId) -> Result<Mode, EngineError> {
    if engine.people.act_for.is_some() {
        let mut known = known_client(engine, client).await?;
        if known.is_none() {
            let told = engine.ports.portal.client(client);
            known = engine.call(REREAD_CALL, told).await?;
        }
        let coach = known.and_then(|client| client.coach);
        if !engine.people.acts_for(coach.as_ref()) {
            return Ok(Mode::Propose);
        }
    }
    let workflow = engine.registry.named(missed_check_in::NAME);
    Ok(workflow.map_or(Mode::Act, |workflow| workflow.mode()))
}

/// The tag is taken off again, and a note says what came of it.
pub(super) async fn answer_ops(
    engine: &Engine,
    client: &ClientId,
    who: &str,
    said: &News,
    outcome: Outcome,
    case: Option<&Case>,
) -> Result<Vec<Op>, EngineError> {
    let mode = mode_of(engine, client, case).await?;
    let scope = Scope::Client {
        client: client.clone(),
    };
    let which = said.which();
    let removal = EffectInput::RemoveTag {
        tag: said.tag.clone(),
    };
    let untag = scope.key(STEP, 1, &format!("untag-{which}"));
    let untag = planned(engine, client, &untag, mode, engine.now(), removal);
    let text = note(said.word, outcome, who, engine.people.coach_channel);
    let noted = note_of(engine, client, &which, said.put_on, text, mode);
    Ok([untag, noted].concat())
}

/// A note on the contact that answers staff; `which` names what they said, at `at`.
fn note_of(
    engine: &Engine,
    client: &ClientId,
    which: &str,
    at: Timestamp,
    text: String,
    mode: Mode,
) -> [Op; 2] {
    let scope = Scope::Client {
        client: client.clone(),
    };
    let key = scope.key(STEP, 1, &format!("note-{which}"));
    let input = EffectInput::ContactNote {
        title: "Follow-up: noted".to_owned(),
        text,
        about: Some(About::new(
            &format!("staff_said_{which}"),
            engine.calendar.date_of(at),
        )),
    };
    planned(engine, client, &key, mode, engine.now(), input)
}

/// A note about what was written in a task and is answered nowhere else; none without a CRM.
pub(crate) async fn note_ops(
    engine: &Engine,
    client: &ClientId,
    task: &Task,
    action: &str,
    text: String,
    case: Option<&Case>,
) -> Result<Vec<Op>, EngineError> {
    if engine.ports.not_offered().crm {
        return Ok(Vec::new());
    }
    let mode = mode_of(engine, client, case).await?;
    let which = format!("task-{}-{action}", task.id);
    let note = note_of(engine, client, &which, engine.now(), text, mode);
    Ok(Vec::from(note))
}

/// As the follow-up acts that it is about.
async fn mode_of(
    engine: &Engine,
    client: &ClientId,
    case: Option<&Case>,
) -> Result<Mode, EngineError> {
    match case {
        Some(case) if is_held_back(engine, case) => Ok(Mode::Propose),
        Some(case) => Ok(case.mode),
        None => mode_without_case(engine, client).await,
    }
}
