//! Says for a client what staff say by a tag in the CRM: that she answered elsewhere (E8).

use relay_core::facts::{Fact, FactBody, StaffWord};
use relay_core::ids::{ClientId, JobId};
use serde_json::json;

use crate::engine::commands::cases::{audit, refused};
use crate::engine::commands::preview::in_words;
use crate::engine::inbox::late::follow_up;
use crate::engine::stepper::{Stepping, names};
use crate::engine::{Engine, EngineError};
use crate::failpoint::SETTLE;
use crate::remedy::RemedyCommand;

/// How often it is decided again while the client's cases keep moving.
const TRIES: usize = 8;

/// A client answered elsewhere: her follow-up pauses, and her coach is asked. Without one it is kept for the one
/// that begins.
pub async fn replied(engine: &Engine, client: &ClientId, by: &str) -> Result<(), EngineError> {
    for _ in 0..TRIES {
        let (mut stepping, _) = replying(engine, client, by).await?;
        let detail = json!({ "word": StaffWord::Replied });
        stepping.push(audit(engine, by, "client.replied", client.as_str(), detail));
        match engine.commit(SETTLE, stepping.into_ops()).await {
            Err(error) if error.is_conflict() => {}
            other => {
                engine.wake.notify_one();
                return other.map(|_| ());
            }
        }
    }
    refused("her case keeps moving; try again")
}

/// What that would do, a line each; refused as the real command would be.
pub async fn preview_replied(
    engine: &Engine,
    client: &ClientId,
    by: &str,
) -> Result<Vec<String>, EngineError> {
    let (stepping, is_kept) = replying(engine, client, by).await?;
    if is_kept {
        return Ok(vec![
            "no follow-up is open: one that begins within two weeks begins paused, and asks"
                .to_owned(),
        ]);
    }
    let ops = stepping.into_ops();
    let lines = ops.iter().filter_map(|op| in_words(op, &engine.calendar));
    Ok(lines.collect())
}

async fn replying<'a>(
    engine: &'a Engine,
    client: &ClientId,
    by: &str,
) -> Result<(Stepping<'a>, bool), EngineError> {
    let store = &engine.store;
    let is_known = store.link(client).await?.is_some()
        || !store.facts(client).await?.is_empty()
        || !store.open_cases(client).await?.is_empty();
    if !is_known {
        return refused(format!(
            "the relay knows no client {client}; `{}` shows whom it follows up",
            RemedyCommand::CasesList
        ));
    }
    let now = engine.now();
    let mut stepping = names::stepping_with_names(engine, client).await?;
    let is_kept = follow_up(engine, client).await?.is_none();
    let fact = Fact {
        client: client.clone(),
        object: JobId::new(engine.random.as_ref(), now).to_string(),
        source_time: now,
        body: FactBody::StaffSaid {
            word: StaffWord::Replied,
            by: by.to_owned(),
            kept: is_kept,
        },
    };
    stepping.fact(fact, None);
    Ok((stepping, is_kept))
}
