//! Effects of a CRM that is switched off: what they come to, so that none dies of it.
//!
//! What is planned goes through its guard as ever: an outreach is handed to a person, what only shows something ends
//! without a word, and what was ordered is held with the reason. Here is what may have gone out before the CRM was
//! switched off. Nobody can look for it now, so:
//!
//! | what may have gone out | then |
//! |---|---|
//! | a call task | her coach is asked anew, by hand: a task that nobody reads harms nobody |
//! | what a case waits for (an email, a change of money or type) | a person is asked, once for each |
//! | a note, a tag, a task that asks or is closed | nothing: it ends without a word |
//!
//! Not guaranteed: that a task which stood open in the CRM is closed there once it is switched on again.

use relay_core::effects::{Audience, Settled};
use relay_store::{Effect, EffectState, Job, JobEnd, Op};

use crate::engine::effect::settle::EffectEnding;
use crate::engine::effect::{moves, probe, settle};
use crate::engine::{Engine, EngineError, finish};

/// Why it ends, as its record says it.
const NO_CRM: &str = "the relay having no CRM";

/// Ends what may have gone out and can't be looked for.
pub(super) async fn under_way(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
) -> Result<(), EngineError> {
    let spec = effect.kind().spec();
    if spec.outreach && spec.audience == Audience::Staff {
        return ask_anew(engine, job, effect).await;
    }
    if effect.holds_a_case() {
        let evidence = "no CRM is switched on any more, so nobody can look for it";
        return probe::unsettle(engine, job, effect, effect.state, evidence).await;
    }
    let by = NO_CRM.to_owned();
    let ending = EffectEnding::new(EffectState::Overtaken, Settled::Overtaken { by });
    settle::settle(engine, job, effect, &[effect.state], ending).await
}

async fn ask_anew(engine: &Engine, job: &Job, effect: &Effect) -> Result<(), EngineError> {
    let why = "no CRM is switched on any more: asked by hand".to_owned();
    let mut ops = Vec::new();
    if effect.state == EffectState::Intended {
        ops.push(Op::EndIntent {
            key: effect.key().clone(),
            revision: effect.revision,
            outcome: "unclear".to_owned(),
        });
    }
    ops.push(moves::back_to_planned(engine, effect, effect.state));
    finish::end(engine, job, JobEnd::snooze(engine.now(), why), ops).await
}
