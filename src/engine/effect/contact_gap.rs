//! The gap between messages of different cases to one client (E66).
//!
//! Within a case the procedure's own waits keep messages apart. Two cases know nothing of each
//! other: one may close and another open within the hour, when a due date is moved or another
//! procedure begins. To the client they are one clinic, so a message waits until the last one of
//! any other case of hers is a day old.
//!
//! Rules:
//! - What counts is what she got or may have got: done, under way, or with nobody able to tell.
//! - Only messages ([`EffectSpec::message`](relay_core::effects::EffectSpec::message)) count and only
//!   messages wait. A call task reaches the coach, who sees the case.
//! - Waiting makes no sentence true: a text that is false by then is held for the coach, as ever.
//!
//! Not guaranteed: that two relays with a broken lane order would see each other's message. The
//! lane of the client is what keeps her messages one after another.

use relay_core::case::Case;
use relay_core::effects::Settled;
use relay_core::ids::ClientId;
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_store::{CASES_IN_VIEW, CaseFilter, Effect, EffectState, EffectView, Page};

use crate::engine::{Engine, EngineError};

/// The client's cases, as an [`EffectView`] has them.
pub(super) async fn latest_cases(
    engine: &Engine,
    client: &ClientId,
) -> Result<Vec<Case>, EngineError> {
    let filter = CaseFilter {
        client: Some(client.clone()),
        closed: true,
        ..CaseFilter::default()
    };
    let page = Page {
        offset: 0,
        limit: CASES_IN_VIEW,
    };
    Ok(engine.store.cases(&filter, page).await?)
}

/// When a message may go out at the earliest; `None` if now.
///
/// Of the client's cases the view has the fifty that changed last. She has one open case per
/// procedure, so the ones that changed within the gap are far fewer.
pub(super) async fn gap_to_other_cases(
    engine: &Engine,
    view: &EffectView,
) -> Result<Option<Timestamp>, EngineError> {
    let effect = &view.effect;
    if !effect.kind().is_message() || engine.contact_gap <= SignedDuration::ZERO {
        return Ok(None);
    }
    let mut last = None;
    for case in &view.cases {
        if Some(case.id) != effect.scope().case() {
            let reached = engine.store.effects(case.id).await?;
            last = last.max(reached.iter().filter_map(reached_at).max());
        }
    }
    // One of a clock that ran ahead was now at the latest.
    let now = engine.now();
    let last = last.map(|at: Timestamp| at.min(now));
    let free = last.map(|at| later(at, engine.contact_gap));
    Ok(free.filter(|free| *free > now))
}

/// When a message reached her, or may have.
fn reached_at(effect: &Effect) -> Option<Timestamp> {
    if !effect.kind().is_message() {
        return None;
    }
    match (&effect.state, &effect.settled) {
        (EffectState::Done, Some(Settled::Done { at, .. })) => Some(*at),
        (EffectState::Intended | EffectState::Unclear | EffectState::Unsettled, _) => {
            effect.intended_at
        }
        _ => None,
    }
}
