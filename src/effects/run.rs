//! One run of an effect's job: guard, intent, one attempt, and what its outcome means.

use relay_core::case::Case;
use relay_core::effects::{Absence, EffectKind, Request, Settled};
use relay_core::facts::FactBody;
use relay_core::ids::{EffectKey, IntentId};
use relay_core::retry::Class;
use relay_core::time::{SignedDuration, Timestamp};
use relay_core::workflow::{Context, Verdict};
use relay_http_client::CallError;
use relay_store::{Effect, EffectState, EffectView, Intent, Job, JobEnd, JobError, Op, StoreError};

use crate::checkpoint::{ATTEMPT, GUARD, INTENT, READ_BACK, REFUSE};
use crate::effects::again::{CONFLICT, Earlier};
use crate::effects::contact_gap::is_message;
use crate::effects::first::First;
use crate::effects::guard::{FRESH, Fresh, Missing};
use crate::effects::perform::can_be_read_back;
use crate::effects::settle::{Ending, found, remember};
use crate::effects::{Name, Performed};
use crate::engine::commands::{OUTREACH, is_stopped};
use crate::engine::jobs::{fence, member, missing};
use crate::engine::presence::IN_DOUBT;
use crate::engine::{Engine, EngineError};

/// How often an outreach behind an unclear one looks whether that is settled.
const UNCLEAR_FOR: SignedDuration = SignedDuration::from_mins(1);

/// How long may lie between the last read and the request, real time. A third of a lease: if more has
/// passed, somebody else may hold the job.
const STANDSTILL: SignedDuration = SignedDuration::from_secs(5);

/// How often a halted outreach looks whether it may go on.
const STOPPED_FOR: SignedDuration = SignedDuration::from_mins(5);

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
            view.setting = store.setting(OUTREACH).await?;
        }
        if is_message(effect.kind()) {
            view.cases = self.latest_cases(client).await?;
        }
        view.messages = store.vendor_refs(client, EffectKind::PortalMessage).await?;
        Ok(Some(view))
    }

    async fn send(&self, job: &Job, view: &EffectView) -> Result<(), EngineError> {
        let effect = &view.effect;
        let case = view.case.as_ref();
        let case = case.ok_or_else(|| missing("effect", "its case is not stored"))?;
        if effect.kind().is_outreach() && is_stopped(view.setting.as_ref()) {
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
                return self.end(job, JobEnd::Snooze { at, why }, Vec::new()).await;
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
        if let Some(Missing::Doubtful(again)) = &read.missing {
            return self
                .put_off(job, *again, IN_DOUBT.to_owned(), read.ops)
                .await;
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
                if let Some(Missing::Doubtful(again)) = &read.missing {
                    return self
                        .put_off(job, *again, IN_DOUBT.to_owned(), read.ops)
                        .await;
                }
                verdict = guarded(&read);
            }
        }
        match verdict {
            Verdict::Go(request) => {
                self.carry_out(job, case, effect, &name, request, read)
                    .await
            }
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
                let error = JobError {
                    class: "held".to_owned(),
                    message: reason,
                };
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
        let setting = self.store.setting(OUTREACH).await?;
        Ok(is_stopped(setting.as_ref()))
    }

    async fn snooze(&self, job: &Job, by: SignedDuration, why: &str) -> Result<(), EngineError> {
        let at = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        self.put_off(job, at, why.to_owned(), Vec::new()).await
    }

    async fn carry_out(
        &self,
        job: &Job,
        case: &Case,
        effect: &Effect,
        name: &Name,
        request: Request,
        read: Fresh,
    ) -> Result<(), EngineError> {
        let planned = [EffectState::Planned];
        if !crate::engine::stepper::acts(effect.mode) {
            let ending = Ending {
                request: Some(request),
                more: read.ops,
                ..Ending::new(EffectState::Proposed, Settled::Proposed)
            };
            return self.settle(job, effect, &planned, ending).await;
        }
        let desired = effect.kind().absence() == Absence::DesiredState;
        if desired && self.call(READ_BACK, self.perform.holds(&request)).await? {
            let mut more = read.ops;
            // An earlier write of ours was refused and may be why it holds.
            if effect.revision > 0 {
                more.extend(remember(effect, &request));
            }
            let ending = Ending {
                request: Some(request),
                more,
                ..Ending::new(EffectState::Done, Settled::AlreadyTrue)
            };
            return self.settle(job, effect, &planned, ending).await;
        }
        // What the vendors answered to the guard says whether this is the time at all.
        if let Some(apart) = self.clocks_apart().await? {
            return self.wait_for_clock(job, &apart, read.ops).await;
        }
        // The guard took its time; `stop` may have been said meanwhile.
        if self.halted(effect).await? {
            return self.snooze(job, STOPPED_FOR, "outreach is stopped").await;
        }
        // A desired state was read just now, after the rest, and that read may have taken long.
        let guarded_at = if desired {
            self.clocks.real.now()
        } else {
            read.looked_at
        };
        let intent = self.intend(job, case, effect, request, read).await?;
        // This process may have stood still (a suspended machine): its lease may be gone, and what
        // the guard read is old.
        if self.clocks.real.now().duration_since(guarded_at) > STANDSTILL {
            let why = "this process stood still after the guard";
            return self.not_begun(job, effect, &intent, why, STOPPED_FOR).await;
        }
        // A stop said before the intent was stored is seen here; a later one finds the request on
        // its way.
        if self.halted(effect).await? {
            return self
                .not_begun(job, effect, &intent, "outreach is stopped", STOPPED_FOR)
                .await;
        }
        // A copy of the database that was made before now is behind the file from now on: what can
        // never be looked for with certainty must at least be known to have been possible.
        if effect.kind().absence() == Absence::Never
            && let Err(error) = self.count().await
        {
            let why = "the generation of the database could not be counted";
            self.not_begun(job, effect, &intent, why, STOPPED_FOR)
                .await?;
            return Err(error);
        }
        let outcome = self
            .call(
                ATTEMPT,
                self.perform.attempt(name, &intent.request, intent.at),
            )
            .await;
        match outcome {
            Ok(Performed {
                unfinished: Some(why),
                ..
            }) => {
                self.not_begun(job, effect, &intent, why, SignedDuration::ZERO)
                    .await
            }
            Ok(performed) if desired && can_be_read_back(&intent.request) => {
                self.read_back(job, effect, &intent, performed).await
            }
            Ok(performed) => self.done(job, effect, &intent, performed).await,
            Err(error) => self.not_done(job, effect, &intent, &error).await,
        }
    }

    /// Stores the right to one mutating request, if neither the lease nor the case has moved.
    async fn intend(
        &self,
        job: &Job,
        case: &Case,
        effect: &Effect,
        request: Request,
        read: Fresh,
    ) -> Result<Intent, EngineError> {
        let at = self.now();
        let intent = Intent {
            id: IntentId::new(self.random.as_ref(), at),
            key: effect.key().clone(),
            revision: effect.revision + 1,
            request,
            reading: serde_json::to_value(&read.reading).unwrap_or_default(),
            at,
            outcome: None,
        };
        let mut ops = vec![
            Op::RequireFence(fence(job)),
            Op::RequireCase {
                case: case.id,
                version: case.version,
            },
            Op::Intend(intent.clone()),
        ];
        ops.extend(read.ops);
        self.commit(INTENT, ops).await?;
        Ok(intent)
    }

    /// The intent is stored and what it is for was not asked of the vendor: back to the guard after
    /// `wait`. Nothing failed.
    async fn not_begun(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        why: &str,
        wait: SignedDuration,
    ) -> Result<(), EngineError> {
        let ops = vec![
            Op::EndIntent {
                key: intent.key.clone(),
                revision: intent.revision,
                outcome: Class::NotSent.as_str().to_owned(),
            },
            self.back_to_planned(effect, EffectState::Intended),
        ];
        let at = self.now().saturating_add(wait);
        let at = at.unwrap_or(Timestamp::MAX);
        self.put_off(job, at, why.to_owned(), ops).await
    }

    /// A desired state is believed when it is read, not when the write is answered.
    async fn read_back(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        performed: Performed,
    ) -> Result<(), EngineError> {
        match self
            .call(READ_BACK, self.perform.holds(&intent.request))
            .await
        {
            Ok(true) => self.done(job, effect, intent, performed).await,
            Ok(false) | Err(_) => {
                let outcome = Class::Unclear.as_str();
                self.unclear(job, effect, intent, outcome, "read back otherwise")
                    .await
            }
        }
    }

    async fn done(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        performed: Performed,
    ) -> Result<(), EngineError> {
        let Performed {
            vendor_ref, alarm, ..
        } = performed;
        let mut more = vec![Op::EndIntent {
            key: intent.key.clone(),
            revision: intent.revision,
            outcome: "done".to_owned(),
        }];
        if let Some(alarm) = alarm {
            more.extend(self.alarm_ops(effect, &alarm));
        }
        more.extend(remember(effect, &intent.request));
        let settled = Settled::Done {
            at: intent.at,
            vendor_ref,
            by_probe: false,
        };
        let ending = Ending {
            more,
            ..Ending::new(EffectState::Done, settled)
        };
        // Whoever took this job over when its lease was lost may have looked meanwhile, and not have
        // seen what was still on its way. The answer settles it.
        let from = [
            EffectState::Intended,
            EffectState::Unclear,
            EffectState::Unsettled,
            EffectState::Planned,
        ];
        self.settle(job, effect, &from, ending).await
    }

    async fn not_done(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        error: &CallError,
    ) -> Result<(), EngineError> {
        if error.class == Class::Unclear {
            // It has something under this key: not being listed will prove nothing.
            let outcome = match error.status {
                Some(409) => CONFLICT,
                _ => Class::Unclear.as_str(),
            };
            return self
                .unclear(job, effect, intent, outcome, &error.message)
                .await;
        }
        let (end, given_up) = self.decide_again(job, error.class, error.to_string());
        let end_intent = Op::EndIntent {
            key: intent.key.clone(),
            revision: intent.revision,
            outcome: error.class.as_str().to_owned(),
        };
        if let (JobEnd::Dead { error }, true) = (&end, given_up) {
            let settled = Settled::Dead {
                reason: error.message.clone(),
            };
            let mut more = vec![end_intent];
            more.extend(self.dead_item_ops(job, effect.case, &error.message));
            let ending = Ending {
                end,
                more,
                ..Ending::new(EffectState::Dead, settled)
            };
            return self
                .settle(job, effect, &[EffectState::Intended], ending)
                .await;
        }
        let mut ops = vec![
            end_intent,
            self.back_to_planned(effect, EffectState::Intended),
        ];
        if error.class == Class::Unauthorised {
            ops.extend(self.connection_item_ops(error));
        }
        match end {
            JobEnd::Snooze { at, why } => self.wait(job, at, why, ops).await,
            end => self.end(job, end, ops).await,
        }
    }

    async fn unclear(
        &self,
        job: &Job,
        effect: &Effect,
        intent: &Intent,
        outcome: &str,
        why: &str,
    ) -> Result<(), EngineError> {
        let now = self.now();
        let at = self.probes.next(0, intent.at, now).unwrap_or(now);
        let ops = vec![
            Op::EndIntent {
                key: intent.key.clone(),
                revision: intent.revision,
                outcome: outcome.to_owned(),
            },
            self.move_effect(effect, EffectState::Intended, EffectState::Unclear),
        ];
        let why = format!("the outcome is unclear ({why}): looking before anything else");
        self.end(job, JobEnd::Snooze { at, why }, ops).await
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
