//! What a list tells of one client, heard by whoever knows what it told before.

use relay_core::facts::Fact;
use relay_core::ids::ClientId;
use relay_store::Op;

use crate::engine::sync::alike::{KnownIds, Respelt, take_respelt_check_ins};
use crate::engine::sync::repeats::{Said, hear};
use crate::engine::{Engine, EngineError};

/// Leaves of what a list tells of one client what is news. Answers with what keeps the rest.
pub(crate) async fn hear_list(
    engine: &Engine,
    client: &ClientId,
    facts: &mut Vec<Fact>,
    ids: &mut KnownIds,
    respelt: &mut Vec<Respelt>,
) -> Result<Option<Op>, EngineError> {
    let known = engine.store.facts(client).await?;
    if known.is_empty()
        && let Some(found) = ids.respelt(engine, client).await?
    {
        facts.clear();
        respelt.push(found);
        return Ok(None);
    }
    respelt.extend(take_respelt_check_ins(&known, facts));
    let said = Said::of(engine, client).await?;
    let heard = hear(&known, &said, facts);
    *facts = heard.news;
    Ok(heard.said.map(|said| said.op(client)))
}
