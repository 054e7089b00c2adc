//! One run of an effect's job, as far as the guard: whether it may go out, now, and with which words.
//! What may is carried out in `attempt.rs`.

use relay_core::effects::{EffectKind, Port, Request, Scope, Settled};
use relay_core::ids::{ClientId, ContactId, EffectKey};
use relay_core::time::{SignedDuration, Timestamp, later};
use relay_core::workflow::{Input, Verdict};
use relay_store::{Effect, EffectState, EffectView, Job, JobEnd, JobError, Op, StoreError};

use crate::effects::name::Name;
use crate::engine::effect::STOPPED_FOR;
use crate::engine::effect::again::EarlierRequests;
use crate::engine::effect::first::FirstLook;
use crate::engine::effect::guard::{FRESH, FreshReading, MissingContact};
use crate::engine::effect::settle::{EffectEnding, found};
use crate::engine::effect::{
    again, attempt, contact_gap, first, moves, naming, probe, scope, settle, without_crm,
};
use crate::engine::finish::{fence, member, missing};
use crate::engine::held_back::is_held_back;
use crate::engine::outreach::{OUTREACH, outreach_said};
use crate::engine::stepper::acts;
use crate::engine::sync::list_silence;
use crate::engine::sync::opening;
use crate::engine::sync::opening::TYPE_UNREADABLE;
use crate::engine::sync::presence::IN_DOUBT;
use crate::engine::{Engine, EngineError, finish, inbox, items, staff_said};
use crate::failpoint::{GUARD, REFUSE};

/// How often an outreach behind an unclear one looks whether that is settled.
const UNCLEAR_FOR: SignedDuration = SignedDuration::from_mins(1);

pub(crate) async fn run_effect(engine: &Engine, job: &Job) -> Result<(), EngineError> {
    let key: EffectKey = member(job, "effect")?;
    let view = match engine.store.effect_view(&key, OUTREACH).await {
        // A row beside it can't be read, perhaps one that this effect has no need of.
        Err(StoreError::Corrupt(_) | StoreError::Driver(_)) => view_in_parts(engine, &key).await?,
        view => view?,
    };
    let view = view.ok_or_else(|| missing("effect", "no such effect is planned"))?;
    let state = view.effect.state;
    if state == EffectState::Planned {
        send(engine, job, &view).await
    } else if state.is_under_way() && moves::is_without_crm(engine, &view.effect) {
        without_crm::under_way(engine, job, &view.effect).await
    } else if state.is_under_way() {
        probe::look(engine, job, &view.effect, &view.same).await
    } else {
        finish::end(engine, job, JobEnd::Done, Vec::new()).await
    }
}

/// The view of an effect with only what its kind and state need, asked for one by one.
async fn view_in_parts(
    engine: &Engine,
    key: &EffectKey,
) -> Result<Option<EffectView>, EngineError> {
    let Some(effect) = engine.store.effect(key).await? else {
        return Ok(None);
    };
    let mut view = EffectView {
        case: None,
        of_case: Vec::new(),
        same: Vec::new(),
        cases: Vec::new(),
        messages: Vec::new(),
        setting: None,
        effect,
    };
    let (effect, store) = (&view.effect, &engine.store);
    if let Some(identity) = effect.planned.identity() {
        view.same = store.effects_of_identity(&identity).await?;
    }
    if effect.state != EffectState::Planned {
        return Ok(Some(view));
    }
    if effect.kind().is_outreach() {
        view.setting = outreach_said(store.as_ref()).await?;
    }
    if let Some(case) = effect.scope().case() {
        view.case = store.case(case).await?;
        if effect.kind().is_outreach() {
            view.of_case = store.effects(case).await?;
        }
    }
    if let Some(client) = effect.scope().client() {
        if effect.kind().is_message() {
            view.cases = contact_gap::latest_cases(engine, client).await?;
        }
        view.messages = store.vendor_refs(client, EffectKind::PortalMessage).await?;
    }
    Ok(Some(view))
}

fn soon(engine: &Engine) -> Timestamp {
    later(engine.now(), UNCLEAR_FOR)
}

async fn send(engine: &Engine, job: &Job, view: &EffectView) -> Result<(), EngineError> {
    let effect = &view.effect;
    let guard = scope::guard_of(view)?;
    if effect.kind().is_outreach() && moves::is_stopped_by(engine, view).await? {
        return finish::snooze(engine, job, STOPPED_FOR, "outreach is stopped").await;
    }
    let case = view.case.as_ref();
    if effect.kind().is_outreach() && case.is_some_and(|case| is_held_back(engine, case)) {
        let why = "the procedure is in propose mode: nothing goes out";
        return finish::snooze(engine, job, STOPPED_FOR, why).await;
    }
    if effect.kind().is_outreach() && another_is_unclear(view) {
        return finish::snooze(
            engine,
            job,
            UNCLEAR_FOR,
            "an earlier message may have gone out",
        )
        .await;
    }
    if effect.kind().is_outreach()
        && let Some(client) = effect.scope().client()
        && let Some((at, why, ops)) = to_be_read_first(engine, client).await?
    {
        return finish::put_off(engine, job, at, why.to_owned(), ops).await;
    }
    if effect.kind().is_outreach()
        && let Some(client) = effect.scope().client()
        && let Some((at, why)) = list_silence::unheard(engine, client).await?
    {
        return finish::put_off(engine, job, at, why, Vec::new()).await;
    }
    if let Some(at) = contact_gap::gap_to_other_cases(engine, view).await? {
        let why = "she had a message of another case within the day".to_owned();
        return finish::put_off(engine, job, at, why, Vec::new()).await;
    }
    let mut name = naming::name_of(engine, effect, &view.same).await?;
    let looked = match again::earlier_requests(engine, effect, &view.same, &name).await? {
        EarlierRequests::Nothing(looked) => looked,
        EarlierRequests::There { at, seen } => {
            let planned = [EffectState::Planned];
            let ending = found(effect, None, seen, at, settle::task_ops(engine, effect));
            return settle::settle(engine, job, effect, &planned, ending).await;
        }
        // Not put off: what failed before this still counts.
        EarlierRequests::MayShowUp { until: at } => {
            let why = "refused, and the vendor may not show yet that it was done".to_owned();
            return finish::end(engine, job, JobEnd::snooze(at, why), Vec::new()).await;
        }
        EarlierRequests::CantTell => {
            let evidence = "an earlier one may have gone out; it is not in what the vendor shows";
            return probe::unsettle(engine, job, effect, EffectState::Planned, evidence).await;
        }
    };
    let (mut read, mut verdict) = engine.call(GUARD, guard.look(engine, view)).await?;
    if let Some(missing) = read.missing.take_if(|missing| missing.is_waited_for()) {
        return wait_for_crm(engine, job, missing, read.ops).await;
    }
    let began = engine.clocks.real.now();
    let tagged = match minds_tags(effect, &verdict, &read) {
        None => asked_first_of(engine, view, &verdict).await?,
        contact => contact,
    };
    if let Some(contact) = tagged
        && let Some(client) = effect.scope().client()
        && staff_said::is_waiting(engine, client, &contact).await?
    {
        let why = "a tag on her contact is to be read first";
        let mut ops = staff_said::look::look_ops(engine, client, &contact);
        ops.extend(read.ops);
        return finish::put_off(engine, job, soon(engine), why.to_owned(), ops).await;
    }
    // What is held for a person may be there already, and then nobody needs to be asked.
    if let Verdict::Go(request)
    | Verdict::Hold {
        ready: Some(request),
        ..
    }
    | Verdict::ByHand {
        ready: Some(request),
        ..
    }
    | Verdict::Ask { ready: request, .. } = &verdict
    {
        let look = first::first_look(engine, job, effect, &mut name, request, &read, &looked);
        if matches!(look.await?, FirstLook::Over) {
            return Ok(());
        }
        // Those looks took their time: what the client did meanwhile counts.
        if engine.clocks.real.now().duration_since(began) > FRESH {
            (read, verdict) = engine.call(GUARD, guard.look(engine, view)).await?;
            if let Some(missing) = read.missing.take_if(|missing| missing.is_waited_for()) {
                return wait_for_crm(engine, job, missing, read.ops).await;
            }
        }
    }
    let unmoved = guard.unmoved(view);
    follow(engine, job, effect, &name, verdict, read, unmoved).await
}

/// What staff wrote in a task about her and is to be read before anything goes out: until when, why, and what reads it.
async fn to_be_read_first(
    engine: &Engine,
    client: &ClientId,
) -> Result<Option<(Timestamp, &'static str, Vec<Op>)>, EngineError> {
    if inbox::answer::is_waiting(engine, client).await? {
        let why = "her coach has written an answer that is to be read first";
        let ops = inbox::daily::reread(engine, client).await?;
        return Ok(Some((soon(engine), why, ops)));
    }
    let unread = inbox::daily::unread(engine, client).await?;
    Ok(unread.map(|(at, ops)| {
        let why = "a task about her that the CRM told of could not be read yet";
        (at, why, ops)
    }))
}

/// The contact on whom an effect that may go out now must find no tag whose word nobody has heard: of an outreach that
/// the CRM carries out, and of a tag that is taken off because its word was heard.
fn minds_tags(effect: &Effect, verdict: &Verdict, read: &FreshReading) -> Option<ContactId> {
    let spec = effect.kind().spec();
    let through_crm = spec.outreach && spec.ports.contains(&Port::Crm);
    let was_heard =
        effect.kind() == EffectKind::RemoveTag && matches!(effect.scope(), Scope::Client { .. });
    let goes = (through_crm || was_heard) && matches!(verdict, Verdict::Go(_));
    let contact = read.reading.contact.as_ref().filter(|_| goes)?;
    Some(contact.id.clone())
}

/// The same of a message of which her coach was told first (A30): her task was read in the CRM for it, so the tags are, too.
async fn asked_first_of(
    engine: &Engine,
    view: &EffectView,
    verdict: &Verdict,
) -> Result<Option<ContactId>, EngineError> {
    let step = view.case.as_ref().map(|case| case.step.as_str());
    let is_asked = step.is_some_and(|step| engine.people.ask_first.contains(step));
    let goes = view.effect.kind().is_message() && matches!(verdict, Verdict::Go(_));
    let client = view.effect.scope().client();
    let (Some(client), true) = (client, is_asked && goes && !engine.ports.not_offered().crm) else {
        return Ok(None);
    };
    let link = engine.store.link(client).await?;
    Ok(link.map(|link| link.contact))
}

/// Puts off what can't be judged by what the CRM shows now.
async fn wait_for_crm(
    engine: &Engine,
    job: &Job,
    missing: MissingContact,
    mut ops: Vec<Op>,
) -> Result<(), EngineError> {
    let (at, why) = match missing {
        MissingContact::Doubtful(again) => (again, IN_DOUBT),
        MissingContact::NoTypeField(why) => {
            ops.extend(opening::no_field_ops(engine, &why).await?);
            let hour = later(engine.now(), SignedDuration::from_hours(1));
            (hour, TYPE_UNREADABLE)
        }
        // Told to the case, which does not wait.
        MissingContact::Gone(_) => (engine.now(), IN_DOUBT),
    };
    finish::put_off(engine, job, at, why.to_owned(), ops).await
}

/// Does what the guard says, if what it saw is `unmoved`.
async fn follow(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    name: &Name,
    verdict: Verdict,
    read: FreshReading,
    unmoved: Option<Op>,
) -> Result<(), EngineError> {
    match verdict {
        Verdict::Go(request) => {
            attempt::carry_out(engine, job, effect, name, request, read, unmoved).await
        }
        Verdict::Ask {
            at, silence, facts, ..
        } => {
            let mut stepping = settle::stepping_with_names(engine, effect).await?;
            for fact in facts {
                stepping.fact(fact, None);
            }
            if let Some(case) = effect.scope().case() {
                let key = effect.key().clone();
                let input = Input::AskFirst { key, at, silence };
                stepping.input(case, &input).await?;
            }
            let mut ops = stepping.into_ops();
            ops.extend(read.ops);
            let why = "her coach is asked first".to_owned();
            finish::put_off(engine, job, at, why, ops).await
        }
        Verdict::Later { at, reason } => finish::put_off(engine, job, at, reason, read.ops).await,
        Verdict::Overtaken { by, facts } => {
            let mut stepping = settle::stepping_with_names(engine, effect).await?;
            let ending = EffectEnding {
                facts,
                ..EffectEnding::new(EffectState::Overtaken, Settled::Overtaken { by })
            };
            settle::end_effect(
                engine,
                &mut stepping,
                effect,
                &[EffectState::Planned],
                ending,
            )
            .await?;
            refuse(engine, job, JobEnd::Done, stepping.into_ops(), read.ops).await
        }
        Verdict::Hold {
            reason,
            command,
            minor,
            lifts,
            ready,
        } => {
            let held = Settled::Held {
                reason: reason.clone(),
                command,
                minor,
                lifts,
            };
            park(engine, job, effect, held, ready, reason, read.ops).await
        }
        Verdict::ByHand { ready, .. } if !acts(effect.mode) => {
            let ending = EffectEnding {
                request: ready,
                more: read.ops,
                ..EffectEnding::new(EffectState::Proposed, Settled::Proposed)
            };
            settle::settle(engine, job, effect, &[EffectState::Planned], ending).await
        }
        Verdict::ByHand { ready, hand_over } => {
            let why = "no tool lets the relay do it: a person does".to_owned();
            let handed = Settled::ByHand(hand_over);
            park(engine, job, effect, handed, ready, why, read.ops).await
        }
    }
}

/// Nothing goes out before a person has decided, or done it: the job waits for that.
async fn park(
    engine: &Engine,
    job: &Job,
    effect: &Effect,
    held: Settled,
    ready: Option<Request>,
    reason: String,
    learned: Vec<Op>,
) -> Result<(), EngineError> {
    let mut stepping = settle::stepping_with_names(engine, effect).await?;
    let ending = EffectEnding {
        request: ready,
        ..EffectEnding::new(EffectState::Held, held)
    };
    let planned = [EffectState::Planned];
    settle::end_effect(engine, &mut stepping, effect, &planned, ending).await?;
    // A blocking effect holds its case, which opens an item of its own.
    if !effect.holds_a_case() {
        for op in items::held_item_ops(engine, job, effect, &reason) {
            stepping.push(op);
        }
    }
    let error = JobError::new("held", reason);
    let end = JobEnd::Parked { error };
    refuse(engine, job, end, stepping.into_ops(), learned).await
}

async fn refuse(
    engine: &Engine,
    job: &Job,
    end: JobEnd,
    mut ops: Vec<Op>,
    more: Vec<Op>,
) -> Result<(), EngineError> {
    ops.extend(more);
    ops.push(Op::FinishJob {
        fence: fence(job),
        end,
        at: engine.now(),
    });
    engine.commit(REFUSE, ops).await?;
    Ok(())
}

/// Whether another outreach of the same case may have gone out: its case must hear of it before
/// anything else is said to the client.
fn another_is_unclear(view: &EffectView) -> bool {
    view.of_case.iter().any(|other| {
        other.key() != view.effect.key() && other.kind().is_outreach() && other.state.is_under_way()
    })
}
