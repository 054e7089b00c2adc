//! One run of an effect's job, as far as the guard: whether it may go out, now, and with which words.
//! What may is carried out in `attempt.rs`.

use relay_core::case::Case;
use relay_core::effects::{EffectKind, Settled};
use relay_core::facts::FactBody;
use relay_core::ids::EffectKey;
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::workflow::{Context, Verdict};
use relay_store::{Effect, EffectState, EffectView, Job, JobEnd, JobError, Op, StoreError};

use crate::effects::again::Earlier;
use crate::effects::first::First;
use crate::effects::guard::{FRESH, Fresh, Missing};
use crate::effects::name::Name;
use crate::effects::settle::{Ending, found};
use crate::engine::commands::{OUTREACH, is_stopped, outreach_said, outreach_said_nameless};
use crate::engine::jobs::{fence, member, missing};
use crate::engine::opening::TYPE_UNREADABLE;
use crate::engine::presence::IN_DOUBT;
use crate::engine::{Engine, EngineError};
use crate::failpoint::{GUARD, REFUSE};

/// How often an outreach behind an unclear one looks whether that is settled.
const UNCLEAR_FOR: SignedDuration = SignedDuration::from_mins(1);

/// How often a halted outreach looks whether it may go on.
pub(super) const STOPPED_FOR: SignedDuration = SignedDuration::from_mins(5);

impl Engine {
    pub(crate) async fn run_effect(&self, job: &Job) -> Result<(), EngineError> {
        let key: EffectKey = member(job, "effect")?;
        let view = match self.store.effect_view(&key, OUTREACH).await {
            // A row beside it can't be read, perhaps one that this effect has no need of.
            Err(StoreError::Corrupt(_) | StoreError::Driver(_)) => self.view_in_parts(&key).await?,
            view => view?,
        };
        let view = view.ok_or_else(|| missing("effect", "no such effect is planned"))?;
        match view.effect.state {
            EffectState::Planned => self.send(job, &view).await,
            EffectState::Intended | EffectState::Unclear => {
                self.look(job, &view.effect, &view.same).await
            }
            _ => self.end(job, JobEnd::Done, Vec::new()).await,
        }
    }

    /// The view of an effect with only what its kind and state need, asked for one by one.
    async fn view_in_parts(&self, key: &EffectKey) -> Result<Option<EffectView>, EngineError> {
        let Some(effect) = self.store.effect(key).await? else {
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
        let (effect, store) = (&view.effect, &self.store);
        if let Some(identity) = effect.planned.identity() {
            view.same = store.effects_of_identity(&identity).await?;
        }
        if effect.state != EffectState::Planned {
            return Ok(Some(view));
        }
        let client = &effect.planned.client;
        view.case = store.case(effect.case).await?;
        if effect.kind().is_outreach() {
            view.of_case = store.effects(effect.case).await?;
            view.setting = outreach_said(store.as_ref()).await?;
        }
        if effect.kind().is_message() {
            view.cases = self.latest_cases(client).await?;
        }
        view.messages = store.vendor_refs(client, EffectKind::PortalMessage).await?;
        Ok(Some(view))
    }

    async fn send(&self, job: &Job, view: &EffectView) -> Result<(), EngineError> {
        let effect = &view.effect;
        let case = view.case.as_ref();
        let case = case.ok_or_else(|| missing("effect", "its case is not stored"))?;
        if effect.kind().is_outreach() && self.is_stopped_by(view).await? {
            return self.snooze(job, STOPPED_FOR, "outreach is stopped").await;
        }
        if effect.kind().is_outreach() && self.is_held_back(case) {
            let why = "the procedure is in propose mode: nothing goes out";
            return self.snooze(job, STOPPED_FOR, why).await;
        }
        if effect.kind().is_outreach() && another_is_unclear(view) {
            return self
                .snooze(job, UNCLEAR_FOR, "an earlier message may have gone out")
                .await;
        }
        if let Some(at) = self.gap_to_other_cases(view).await? {
            let why = "she had a message of another case within the day".to_owned();
            return self.put_off(job, at, why, Vec::new()).await;
        }
        let mut name = self.name_of(effect, &view.same).await?;
        let looked = match self.earlier(effect, &view.same, &name).await? {
            Earlier::Nothing(looked) => looked,
            Earlier::There { at, seen } => {
                let planned = [EffectState::Planned];
                let ending = found(effect, None, seen, at, self.task_ops(effect));
                return self.settle(job, effect, &planned, ending).await;
            }
            // Not put off: what failed before this still counts.
            Earlier::MayShowUp { until: at } => {
                let why = "refused, and the vendor may not show yet that it was done".to_owned();
                return self.end(job, JobEnd::snooze(at, why), Vec::new()).await;
            }
            Earlier::CantTell => {
                let evidence =
                    "an earlier one may have gone out; it is not in what the vendor shows";
                return self
                    .unsettle(job, effect, EffectState::Planned, evidence)
                    .await;
            }
        };
        let workflow = self.book.of_case(self.store.as_ref(), case).await?;
        let needs = workflow.needs(&effect.planned);
        let guarded = |read: &Fresh| -> Verdict {
            if let Some(Missing::Gone(contact)) = &read.missing {
                let fact = self.contact_fact(&case.client, contact, FactBody::ContactGone);
                return Verdict::Overtaken {
                    by: "her contact in the CRM being gone".to_owned(),
                    facts: vec![fact],
                };
            }
            let cx = Context {
                calendar: &self.calendar,
                coaches: &read.coaches,
                now: self.now(),
            };
            workflow.guard(cx, case, &effect.planned, &read.reading)
        };
        let mut read = self
            .call(GUARD, self.read_for_guard(case, view, needs))
            .await?;
        if let Some(missing) = read.missing.take_if(|missing| missing.is_waited_for()) {
            return self.wait_for_crm(job, missing, read.ops).await;
        }
        let mut verdict = guarded(&read);
        // What is held for a person may be there already, and then nobody needs to be asked.
        if let Verdict::Go(request)
        | Verdict::Hold {
            ready: Some(request),
            ..
        } = &verdict
        {
            let began = self.clocks.real.now();
            let look = self.first_look(job, effect, &mut name, request, &read, &looked);
            if matches!(look.await?, First::Over) {
                return Ok(());
            }
            // The look took its time: what the client did meanwhile counts.
            if self.clocks.real.now().duration_since(began) > FRESH {
                read = self
                    .call(GUARD, self.read_for_guard(case, view, needs))
                    .await?;
                if let Some(missing) = read.missing.take_if(|missing| missing.is_waited_for()) {
                    return self.wait_for_crm(job, missing, read.ops).await;
                }
                verdict = guarded(&read);
            }
        }
        self.follow(job, case, effect, &name, verdict, read).await
    }

    /// Puts off what can't be judged by what the CRM shows now.
    async fn wait_for_crm(
        &self,
        job: &Job,
        missing: Missing,
        mut ops: Vec<Op>,
    ) -> Result<(), EngineError> {
        let (at, why) = match missing {
            Missing::Doubtful(again) => (again, IN_DOUBT),
            Missing::NoTypeField(why) => {
                ops.extend(self.no_field_ops(&why).await?);
                let hour = self.now().saturating_add(SignedDuration::from_hours(1));
                (hour.unwrap_or(Timestamp::MAX), TYPE_UNREADABLE)
            }
            // Told to the case, which does not wait.
            Missing::Gone(_) => (self.now(), IN_DOUBT),
        };
        self.put_off(job, at, why.to_owned(), ops).await
    }

    /// Does what the guard says.
    async fn follow(
        &self,
        job: &Job,
        case: &Case,
        effect: &Effect,
        name: &Name,
        verdict: Verdict,
        read: Fresh,
    ) -> Result<(), EngineError> {
        match verdict {
            Verdict::Go(request) => self.carry_out(job, case, effect, name, request, read).await,
            Verdict::Later { at, reason } => self.put_off(job, at, reason, read.ops).await,
            Verdict::Overtaken { by, facts } => {
                let mut stepping = self.stepping_with_names(&case.client).await?;
                let ending = Ending {
                    facts,
                    ..Ending::new(EffectState::Overtaken, Settled::Overtaken { by })
                };
                self.end_effect(&mut stepping, effect, &[EffectState::Planned], ending)
                    .await?;
                self.refuse(job, JobEnd::Done, stepping.into_ops(), read.ops)
                    .await
            }
            Verdict::Hold { reason, ready } => {
                let mut stepping = self.stepping_with_names(&case.client).await?;
                let ending = Ending {
                    request: ready,
                    ..Ending::new(
                        EffectState::Held,
                        Settled::Held {
                            reason: reason.clone(),
                        },
                    )
                };
                self.end_effect(&mut stepping, effect, &[EffectState::Planned], ending)
                    .await?;
                // A blocking effect holds its case, which opens an item of its own.
                if !effect.planned.blocking {
                    for op in self.held_item_ops(job, effect, &reason) {
                        stepping.push(op);
                    }
                }
                let error = JobError::new("held", reason);
                self.refuse(job, JobEnd::Parked { error }, stepping.into_ops(), read.ops)
                    .await
            }
        }
    }

    async fn refuse(
        &self,
        job: &Job,
        end: JobEnd,
        mut ops: Vec<Op>,
        more: Vec<Op>,
    ) -> Result<(), EngineError> {
        ops.extend(more);
        ops.push(Op::FinishJob {
            fence: fence(job),
            end,
            at: self.now(),
        });
        self.commit(REFUSE, ops).await?;
        Ok(())
    }

    /// Whether outreach is stopped, and this is outreach.
    pub(crate) async fn halted(&self, effect: &Effect) -> Result<bool, EngineError> {
        if !effect.kind().is_outreach() {
            return Ok(false);
        }
        let setting = outreach_said(self.store.as_ref()).await?;
        Ok(is_stopped(setting.as_ref()))
    }

    async fn is_stopped_by(&self, view: &EffectView) -> Result<bool, EngineError> {
        if view.setting.is_some() {
            return Ok(is_stopped(view.setting.as_ref()));
        }
        let setting = outreach_said_nameless(self.store.as_ref()).await?;
        Ok(is_stopped(setting.as_ref()))
    }

    pub(super) async fn snooze(
        &self,
        job: &Job,
        by: SignedDuration,
        why: &str,
    ) -> Result<(), EngineError> {
        let at = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        self.put_off(job, at, why.to_owned(), Vec::new()).await
    }

    pub(crate) fn move_effect(&self, effect: &Effect, from: EffectState, to: EffectState) -> Op {
        Op::MoveEffect {
            key: effect.key().clone(),
            from: vec![from],
            to,
            settled: None,
            request: None,
            at: self.now(),
        }
    }

    pub(crate) fn back_to_planned(&self, effect: &Effect, from: EffectState) -> Op {
        self.move_effect(effect, from, EffectState::Planned)
    }
}

/// Whether another outreach of the same case may have gone out: its case must hear of it before
/// anything else is said to the client.
fn another_is_unclear(view: &EffectView) -> bool {
    view.of_case.iter().any(|other| {
        other.key() != view.effect.key()
            && other.kind().is_outreach()
            && matches!(other.state, EffectState::Intended | EffectState::Unclear)
    })
}
