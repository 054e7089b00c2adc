//! The job that looks at what is asked about a client, and makes the tasks what they should be ([`inbox`]).
//!
//! Apart from what it does, so that whatever opens an item can ask for it.
//!
//! [`inbox`]: crate::engine::inbox

use relay_core::effects::AskedAgain;
use relay_core::ids::{ClientId, EffectKey, JobId};
use relay_core::time::Timestamp;
use relay_store::{Existing, NewJob, Op};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::Engine;
use crate::engine::job_kinds::JobKind;
use crate::engine::parts::CoachChannel;

/// A task that is to be asked once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Again {
    /// The effect that made the task.
    pub(crate) made_by: EffectKey,
    /// Why.
    pub(crate) why: AskedAgain,
    /// What is remembered of that task once another is made: what nobody understands in it was asked about.
    #[serde(default)]
    pub(crate) noted: Option<String>,
}

/// What is open about `client` has changed, by `what`: her coach's task is looked at. `what` names the change,
/// so that no look is taken for an earlier one.
pub(crate) fn changed(engine: &Engine, client: &ClientId, what: &str) -> Option<Op> {
    look(engine, client, what, engine.now(), None)
}

/// The same at `at`, to ask once more.
pub(crate) fn look(
    engine: &Engine,
    client: &ClientId,
    what: &str,
    at: Timestamp,
    again: Option<&Again>,
) -> Option<Op> {
    let people = &engine.people;
    let is_on = people.coach_channel == CoachChannel::CrmTasks || people.manager_user.is_some();
    is_on.then(|| job_of(engine, client, what, at, again))
}

/// Somebody else is asked what is open about `client`, by `what`: her coach's task is looked at, and the call that she
/// is asked to make, which is a task whatever the channel is.
pub(crate) fn moved(engine: &Engine, client: &ClientId, what: &str) -> Op {
    job_of(engine, client, what, engine.now(), None)
}

pub(crate) fn job_of(
    engine: &Engine,
    client: &ClientId,
    what: &str,
    at: Timestamp,
    again: Option<&Again>,
) -> Op {
    Op::Enqueue {
        job: NewJob {
            id: JobId::new(engine.random.as_ref(), engine.now()),
            key: format!("inbox/{client}/{what}"),
            kind: JobKind::Inbox.name().to_owned(),
            lane: client.to_string(),
            run_at: at,
            client: Some(client.clone()),
            case: None,
            payload: json!({ "again": again }),
        },
        existing: Existing::Wake,
    }
}
