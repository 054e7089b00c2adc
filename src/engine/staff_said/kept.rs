//! What was said while no follow-up was open, for the one that begins.

use relay_core::facts::{Fact, FactBody, StaffWord};
use relay_core::ids::ClientId;
use relay_core::time::SignedDuration;
use relay_core::workflows::missed_check_in;
use relay_store::{CaseFilter, FactRow, Page};

use crate::engine::{Engine, EngineError};

/// How long it is kept, from the moment at which the relay heard it: that is what whoever said so was answered. Longer
/// than the time between two check-ins is another story.
pub(crate) const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 14);

/// How many of her follow-ups are looked through.
const CASES: Page = Page {
    offset: 0,
    limit: 50,
};

/// What was said of her lately while no follow-up was open, and none has begun since. *Resume* takes back what
/// was said before.
pub(crate) async fn kept(engine: &Engine, client: &ClientId) -> Result<Vec<Fact>, EngineError> {
    let facts = engine.store.facts(client).await?;
    let now = engine.now();
    let mut kept = Vec::new();
    // They come by source time.
    for row in facts {
        match row.fact.body {
            FactBody::StaffSaid {
                word: StaffWord::Resume,
                ..
            // Of one moment the careful word counts, whichever was heard first.
            } => kept.retain(|said: &FactRow| said.fact.source_time >= row.fact.source_time),
            FactBody::StaffSaid { kept: true, .. }
                if now.duration_since(row.learned_at) <= KEPT_FOR =>
            {
                kept.push(row);
            }
            _ => {}
        }
    }
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    let filter = CaseFilter {
        client: Some(client.clone()),
        procedure: Some(missed_check_in::NAME.to_owned()),
        closed: true,
    };
    let cases = engine.store.cases(&filter, CASES).await?;
    kept.retain(|row| !cases.iter().any(|case| case.opened_at >= row.learned_at));
    Ok(kept.into_iter().map(|row| row.fact).collect())
}
