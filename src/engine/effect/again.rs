//! Before another request of the same thing: is the first one there all the same?
//!
//! A vendor that refuses (429, 401, 503 with `Retry-After`, a 400 that somebody replays) has
//! normally done nothing, but a gateway may refuse an answer after the work was done. Looking is
//! free; a second text is the worst we can do.
//!
//! Rules:
//! - What counts is what the client would see: every stored effect of the same identity, of whatever
//!   case and visit. One that is done is done for all of them, except a call task that the relay has
//!   taken away again.
//! - A request that never left this machine needs no look.
//! - Each request that the vendor answered is looked for with its own words, for a second one may
//!   have been rendered anew.
//! - Not being listed counts only once the vendor has had the time in which it is known to list
//!   things: what its absence is proven after, and for what is never proven (the email) the last
//!   look that an unclear one would get. Until then nothing is sent.
//! - Not being listed never counts where nobody could tell whether an earlier request was carried
//!   out, nor where the vendor has said that it has something under our key. Then a person decides.
//!
//! Not guaranteed: an email that was refused, was sent all the same, and is listed later than that
//! goes out twice. Asking a person after every 429 would be the alternative.

use relay_core::effects::{Absence, Audience, Request};
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp, earlier, later};
use relay_store::{Effect, EffectState, Intent};

use crate::effects::{FoundAtVendor, Name, ProbeResult, vendor_ref};
use crate::engine::effect::{SKEW, moves};
use crate::engine::{Engine, EngineError};
use crate::failpoint::PROBE;

/// The outcome of an intent whose key the vendor knows already, for another content.
pub(super) const CONFLICT: &str = "conflict";

/// What became of the earlier requests of a thing that is to be made.
#[derive(Debug)]
pub(super) enum EarlierRequests {
    /// There was none, or the vendor does not have it: the way is free. What was looked for.
    Nothing(Vec<Request>),
    /// It is there.
    There {
        /// When it was asked for.
        at: Timestamp,
        /// What was seen of it.
        seen: FoundAtVendor,
    },
    /// It is not listed, and may still come to be.
    MayShowUp {
        /// When not being listed begins to count.
        until: Timestamp,
    },
    /// It is not listed, and that proves nothing.
    CantTell,
}

/// Looks for the earlier requests of `effect` and of those that are the same thing. Changes
/// nothing.
pub(super) async fn earlier_requests(
    engine: &Engine,
    effect: &Effect,
    same: &[Effect],
    name: &Name,
) -> Result<EarlierRequests, EngineError> {
    let absence = effect.kind().absence();
    // A desired state is read before it is written in any case.
    if absence == Absence::DesiredState {
        return Ok(EarlierRequests::Nothing(Vec::new()));
    }
    let others = || same.iter().filter(|other| other.key() != effect.key());
    if let Some(done) = others().find_map(|other| made(other, name)) {
        return Ok(done);
    }
    let mut asked = Vec::new();
    if effect.revision > 0 {
        asked.extend(answered(engine, effect).await?);
    }
    let mut unknown = false;
    for other in others().filter(|other| other.revision > 0 && !is_over(other)) {
        let intents = answered(engine, other).await?;
        unknown |= intents.iter().any(is_unknown);
        asked.extend(intents);
    }
    if moves::is_without_crm(engine, effect) {
        return Ok(without_looking(effect, &asked));
    }
    unknown = if absence == Absence::Never {
        unknown
    } else {
        asked.iter().any(says_it_is_there)
    };
    // What becomes visible while a look is under way may be on a page that was read already.
    let began = engine.now();
    let mut looked = Vec::new();
    for (request, at) in different(&asked) {
        if let Some(seen) = look_for(engine, name, request, at).await? {
            return Ok(EarlierRequests::There { at, seen });
        }
        looked.push(request.clone());
    }
    let latest = asked.iter().map(|intent| intent.at).max();
    let until = latest.map(|at| later(at, shown_after(engine, absence)));
    Ok(match until.filter(|until| *until > began) {
        Some(until) => EarlierRequests::MayShowUp { until },
        None if unknown => EarlierRequests::CantTell,
        None => EarlierRequests::Nothing(looked),
    })
}

/// What became of earlier requests of the same thing, as far as that can be told without looking.
fn without_looking(effect: &Effect, asked: &[Intent]) -> EarlierRequests {
    let unknown = asked
        .iter()
        .any(|intent| is_unknown(intent) || says_it_is_there(intent));
    match effect.kind().audience() {
        Audience::Client | Audience::Billing if unknown => EarlierRequests::CantTell,
        Audience::Client | Audience::Billing | Audience::Staff => {
            EarlierRequests::Nothing(Vec::new())
        }
    }
}

/// Looks for one request that was made at `at`.
pub(super) async fn look_for(
    engine: &Engine,
    name: &Name,
    request: &Request,
    at: Timestamp,
) -> Result<Option<FoundAtVendor>, EngineError> {
    let from = earlier(at, SKEW);
    let look = engine.perform.probe(name, request, from);
    Ok(match engine.call(PROBE, look).await? {
        ProbeResult::Seen(seen) => Some(seen),
        ProbeResult::NotSeen { .. } => None,
    })
}

/// The intents of an effect whose request may have reached the vendor.
pub(crate) async fn answered(engine: &Engine, effect: &Effect) -> Result<Vec<Intent>, EngineError> {
    let mut intents = engine.store.intents(effect.key()).await?;
    intents.retain(|intent| intent.outcome.as_deref() != Some(Class::NotSent.as_str()));
    Ok(intents)
}

/// How long a vendor may take to list what it accepted.
pub(super) fn shown_after(engine: &Engine, absence: Absence) -> SignedDuration {
    match absence {
        Absence::ProvenAfter(after) => after,
        Absence::Never => engine
            .probes
            .looks
            .iter()
            .max()
            .copied()
            .unwrap_or_default(),
        Absence::DesiredState => SignedDuration::ZERO,
    }
}

/// Whether nothing can be left at the vendor of what this effect asked for: it is done (and, where
/// it still stands, was found above).
fn is_over(effect: &Effect) -> bool {
    effect.state == EffectState::Done
}

/// What another effect has made already, if it still stands.
fn made(other: &Effect, name: &Name) -> Option<EarlierRequests> {
    let Some(relay_core::effects::Settled::Done { at, .. }) = &other.settled else {
        return None;
    };
    let reference = vendor_ref(other);
    let away = name
        .closed
        .iter()
        .any(|task| Some(task.as_str()) == reference);
    if other.state != EffectState::Done || away {
        return None;
    }
    let seen = FoundAtVendor {
        vendor_ref: reference.map(str::to_owned),
        at: Some(*at),
        ..FoundAtVendor::default()
    };
    Some(EarlierRequests::There { at: *at, seen })
}

/// Whether it is not known if the request of an intent was carried out.
pub(super) fn is_unknown(intent: &Intent) -> bool {
    match intent.outcome.as_deref() {
        None | Some("unclear" | CONFLICT) => true,
        Some(_) => false,
    }
}

/// Whether the vendor has said that it has something under the key of an intent.
pub(super) fn says_it_is_there(intent: &Intent) -> bool {
    intent.outcome.as_deref() == Some(CONFLICT)
}

/// Each request once, with the time at which it was first made.
pub(super) fn different(intents: &[Intent]) -> Vec<(&Request, Timestamp)> {
    let mut all: Vec<(&Request, Timestamp)> = Vec::new();
    for intent in intents {
        match all.iter_mut().find(|(known, _)| **known == intent.request) {
            Some((_, at)) => *at = intent.at.min(*at),
            None => all.push((&intent.request, intent.at)),
        }
    }
    all
}
