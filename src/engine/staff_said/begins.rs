//! What stands on a contact when a follow-up of its client begins.
//!
//! The first message goes out where no tag is read, so the case hears these words in the very batch that opens it. One
//! that lets go on is left to the look at the tags that is queued then.

use relay_core::clients::ClientSnapshot;
use relay_core::facts::StaffWord;
use relay_core::ids::ContactId;

use crate::engine::staff_said::answer::{answer_ops, paused};
use crate::engine::staff_said::news::{News, unheard};
use crate::engine::staff_said::words::called;
use crate::engine::stepper::Stepping;
use crate::engine::{Engine, EngineError};
use crate::ports::WordTag;

/// Lets the case that `stepping` opens hear the careful ones of these tags; nothing where it opens none, or where the
/// last word is to go on.
pub(crate) async fn hear(
    engine: &Engine,
    snapshot: &ClientSnapshot,
    contact: &ContactId,
    tags: Vec<WordTag>,
    stepping: &mut Stepping<'_>,
) -> Result<(), EngineError> {
    if stepping.opened().is_none() {
        return Ok(());
    }
    let client = &snapshot.id;
    // Nothing of her need be stored yet.
    let who = called(snapshot.short_name());
    let (mut words, ops) = unheard(engine, client, contact, tags).await?;
    words.sort_by_key(|word: &News| (word.put_on, word.word));
    if words
        .last()
        .is_none_or(|last| last.word == StaffWord::Resume)
    {
        return Ok(());
    }
    words.retain(|word| word.word != StaffWord::Resume);
    for said in &words {
        let Some((before, _)) = stepping.opened() else {
            return Ok(());
        };
        stepping.tell(said.fact(client, false));
        let Some((after, workflow)) = stepping.opened() else {
            return Ok(());
        };
        let outcome = paused(workflow.as_ref(), &before, &after);
        for op in answer_ops(engine, client, &who, said, outcome, Some(&after)).await? {
            stepping.push(op);
        }
    }
    for op in ops {
        stepping.push(op);
    }
    Ok(())
}
